from odoo.addons.component.core import Component


class CoffeeBinder(Component):
    """Finds records by the machine's id, which is text: "0" is one, "" and None are none."""

    _name = "coffee.binder"
    _inherit = ["base.binder", "base.coffee"]
    _usage = "binder"

    _external_field = "coffee_id"

    def to_internal(self, external_id, unwrap=False):
        return super().to_internal(self._checked(external_id), unwrap=unwrap)

    def bind(self, external_id, binding):
        return super().bind(self._checked(external_id), binding)

    def _checked(self, external_id):
        if not isinstance(external_id, str) or not external_id:
            raise ValueError(f"coffee_id: {external_id!r} is not an ID; give text such as “0”")
        return external_id
