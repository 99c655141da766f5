from odoo import api, fields, models


class CoffeeBackend(models.Model):
    _inherit = "coffee.backend"

    @api.model
    def _select_versions(self):
        return [*super()._select_versions(), ("3900", "Coffee 3900")]


class CoffeeBrew(models.Model):
    _inherit = "coffee.brew"

    grind_um = fields.Integer("Grind (µm)", readonly=True)


class CoffeeRecipe(models.Model):
    _inherit = "coffee.recipe"

    grind_um = fields.Integer("Grind (µm)")

    @api.model
    def _export_fields(self):
        return super()._export_fields() | {"grind_um"}
