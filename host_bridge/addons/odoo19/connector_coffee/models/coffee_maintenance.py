from odoo import fields, models


class CoffeeMaintenance(models.Model):
    _name = "coffee.maintenance"
    _inherit = "coffee.fact"
    _description = "Maintenance"

    code = fields.Char(required=True, readonly=True)
    value = fields.Integer(readonly=True, aggregator=None)

    def _fact_name(self):
        return f"{self.backend_id.name} {self.code}"
