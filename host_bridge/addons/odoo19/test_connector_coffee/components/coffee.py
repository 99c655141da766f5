from odoo.addons.component.core import Component
from odoo.addons.connector.components.mapper import mapping


class BrewMapper(Component):
    """Every version learns the grind, from the machine's own words."""

    _inherit = "coffee.brew.mapper"

    @mapping
    def grind(self, record):
        return {"grind_um": record["payload"].get("grind_um", 0)}


class BrewMapper3900(Component):
    """A version of its own, beside the known ones."""

    _name = "coffee.brew.mapper.3900"
    _inherit = "coffee.brew.mapper.2900"
    _apply_on = "coffee.brew"
    _backend_version = "3900"

    @mapping
    def pulses(self, record):
        return {"reason": f"{record['payload'].get('pulses', 0)} pulses"}


class RecipeExportMapper(Component):
    _inherit = "coffee.recipe.export.mapper"

    @mapping
    def grind(self, binding):
        return {"grind_um": binding.grind_um} if binding.grind_um else {}


class RecipeMapper(Component):
    _inherit = "coffee.recipe.mapper"

    @mapping
    def grind(self, record):
        return {"grind_um": record["recipe"].get("grind_um", 0)}
