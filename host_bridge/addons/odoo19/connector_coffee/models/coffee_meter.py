from odoo import api, fields, models

from ..fields import BigInteger


class CoffeeMeter(models.Model):
    _name = "coffee.meter"
    _inherit = "coffee.fact"
    _description = "Daily Meter"

    day = fields.Date(readonly=True, help="Empty if the machine did not know the time yet.")
    water_ul = BigInteger("Water (µl)", readonly=True)
    energy_j = BigInteger("Energy (J)", readonly=True)
    grinds = fields.Integer(readonly=True)
    shots = fields.Integer(readonly=True)
    # stored, so that graphs and totals have them
    water_l = fields.Float("Water (l)", compute="_compute_units", store=True, digits=(16, 2))
    energy_kwh = fields.Float(
        "Energy (kWh)", compute="_compute_units", store=True, digits=(16, 3)
    )

    _sane = models.Constraint(
        "check(water_ul >= 0 and energy_j >= 0)",
        "water_ul and energy_j of a meter cannot be negative; check the machine's sensors.",
    )

    @api.depends("water_ul", "energy_j")
    def _compute_units(self):
        for meter in self:
            meter.water_l = meter.water_ul / 1e6
            meter.energy_kwh = meter.energy_j / 3.6e6

    def _fact_name(self):
        return f"{self.backend_id.name} {self.day or self.coffee_id}"
