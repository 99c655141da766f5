"""Recipes changed here, into the machine: an order for the bridge, one a slot."""

from odoo.addons.component.core import Component
from odoo.addons.connector.components.mapper import mapping


class RecipeExportMapper(Component):
    """A binding → the machine's form. Another module inherits it and adds its keys."""

    _name = "coffee.recipe.export.mapper"
    _inherit = ["base.export.mapper", "base.coffee"]
    _apply_on = "coffee.recipe"
    _usage = "export.mapper"

    @mapping
    def recipe(self, binding):
        return {**(binding.recipe or {}), "name": binding.name}


class RecipeExporter(Component):
    _name = "coffee.recipe.exporter"
    _inherit = ["base.exporter", "base.coffee"]
    _apply_on = "coffee.recipe"
    _usage = "record.exporter"

    def run(self, binding):
        recipe = self.component(usage="export.mapper").map_record(binding).values()
        command = self.component(usage="backend.adapter").write(binding.coffee_id, recipe, binding)
        self._after_export(binding)
        return command.uid

    def _after_export(self, binding):
        """The machine's reply makes it "synced" (see coffee.recipe._exported)."""
        binding.with_context(connector_no_export=True).write(
            {"sync_state": "pending", "sync_message": False}
        )


class RecipeDeleter(Component):
    _name = "coffee.recipe.deleter"
    _inherit = ["base.deleter", "base.coffee"]
    _apply_on = "coffee.recipe"
    _usage = "record.exporter.deleter"

    def run(self, coffee_id, binding=None):
        if binding and not binding._may_be_there():
            binding._never_sent()
            return False
        return self.component(usage="backend.adapter").delete(coffee_id, binding).uid
