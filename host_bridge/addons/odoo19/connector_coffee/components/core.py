"""The base of all our components, and how a version chooses among them.

A component with `_backend_version` serves machines of that version and takes precedence over the
generic one of the same usage and model, which has None.
"""

from odoo.addons.component.core import AbstractComponent


class BaseCoffee(AbstractComponent):
    _name = "base.coffee"
    _inherit = "base.connector"
    _collection = "coffee.backend"

    _backend_version = None

    @classmethod
    def _component_match(cls, work, usage=None, model_name=None, **kw):
        if not super()._component_match(work, usage=usage, model_name=model_name, **kw):
            return False
        version = work.collection[:1].version
        if cls._backend_version:
            return cls._backend_version == version
        rivals = work.components_registry.lookup(
            work.collection._name, usage=usage, model_name=model_name
        )
        return not version or not any(
            getattr(rival, "_backend_version", None) == version for rival in rivals
        )
