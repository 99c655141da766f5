from odoo import api, fields, models

from .. import words
from ..fields import BigInteger


class CoffeeBrew(models.Model):
    _name = "coffee.brew"
    _inherit = "coffee.fact"
    _description = "Brew"

    shot = fields.Integer(required=True, readonly=True, aggregator=None)
    slot = fields.Char(required=True, readonly=True)
    recipe_id = fields.Many2one(
        "coffee.recipe", readonly=True, ondelete="set null", index="btree_not_null"
    )
    product_id = fields.Many2one(
        "product.product", "Drink", readonly=True, ondelete="restrict", index="btree_not_null"
    )
    recipe_rev = fields.Integer("Recipe Revision", readonly=True, aggregator=None)
    source = fields.Selection(
        [("local", "At the machine"), ("remote", "Remote")], required=True, readonly=True
    )
    command = fields.Char("Command ID", readonly=True)
    command_id = fields.Many2one(
        "coffee.command", readonly=True, ondelete="set null", index="btree_not_null"
    )
    start_uptime_ms = BigInteger("Start Uptime (ms)", readonly=True, aggregator=None)
    start_ms = BigInteger("Start UTC (ms)", readonly=True, aggregator=None)
    duration_ms = fields.Integer("Duration (ms)", readonly=True, aggregator="avg")
    volume_ul = BigInteger("Volume (µl)", readonly=True)
    weight_mg = BigInteger("Weight (mg)", readonly=True)
    pressure_peak_mbar = fields.Integer("Peak Pressure (mbar)", readonly=True, aggregator="max")
    pressure_mean_mbar = fields.Integer("Mean Pressure (mbar)", readonly=True, aggregator="avg")
    temp_mean_mc = fields.Integer("Temperature (m°C)", readonly=True, aggregator="avg")
    energy_j = BigInteger("Energy (J)", readonly=True)
    result = fields.Selection(
        [("ok", "OK"), ("stopped", "Stopped"), ("aborted", "Aborted")],
        required=True,
        readonly=True,
    )
    reason = fields.Char("Reason Code", readonly=True)
    why = fields.Char("Reason", compute="_compute_why")
    # its own: the machine may move to a company that counts in another
    currency_id = fields.Many2one("res.currency", readonly=True, ondelete="restrict")
    amount = fields.Float(
        readonly=True,
        digits="Product Price",
        help=(
            "Set when the brew arrives, as configured on its machine. An aborted brew is"
            " worth nothing."
        ),
    )

    # the same in a person's units
    volume_ml = fields.Float("Volume (ml)", readonly=True, help="Volume in the cup.")
    duration_s = fields.Float("Duration (s)", compute="_compute_units", digits=(16, 1))
    temp_c = fields.Float("Temp. (°C)", compute="_compute_units", digits=(16, 1))
    weight_g = fields.Float("Weight (g)", compute="_compute_units", digits=(16, 1))
    pressure_peak_bar = fields.Float(
        "Peak Pressure (bar)", compute="_compute_units", digits=(16, 1)
    )
    pressure_mean_bar = fields.Float(
        "Mean Pressure (bar)", compute="_compute_units", digits=(16, 1)
    )
    energy_wh = fields.Float("Energy (Wh)", compute="_compute_units", digits=(16, 1))

    _sane = models.Constraint(
        "check(duration_ms >= 0 and volume_ul >= 0 and energy_j >= 0)",
        "The duration, volume and energy of a brew cannot be negative.",
    )

    @api.depends("duration_ms", "temp_mean_mc", "weight_mg", "energy_j")
    def _compute_units(self):
        for brew in self:
            brew.duration_s = brew.duration_ms / 1000
            brew.temp_c = brew.temp_mean_mc / 1000
            brew.weight_g = brew.weight_mg / 1000
            brew.pressure_peak_bar = brew.pressure_peak_mbar / 1000
            brew.pressure_mean_bar = brew.pressure_mean_mbar / 1000
            brew.energy_wh = brew.energy_j / 3600

    @api.depends("reason")
    @api.depends_context("lang")
    def _compute_why(self):
        for brew in self:
            brew.why = words.reason(self.env, brew.reason) if brew.reason else False

    @api.model
    def _uncharged(self):
        """Results that are no drink: worth nothing here and never sold. What they took of beans
        and water is stock's to know."""
        return ["aborted"]

    def _fact_name(self):
        return f"{self.backend_id.name} #{self.shot}"
