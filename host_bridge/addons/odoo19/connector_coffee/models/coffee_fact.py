"""What every fact of a machine's journal has. A fact is what the machine says it did: no person
edits one."""

from odoo import api, fields, models

from ..fields import BigInteger


class CoffeeFact(models.AbstractModel):
    _name = "coffee.fact"
    _inherit = "coffee.binding"
    _description = "Coffee Fact (abstract)"
    _order = "happened_at desc nulls last, id desc"

    boot = fields.Integer(required=True, readonly=True, aggregator=None)
    uptime_ms = BigInteger("Uptime (ms)", required=True, readonly=True, aggregator=None)
    utc_ms = BigInteger("UTC (ms)", readonly=True, aggregator=None)
    time_known = fields.Boolean(
        readonly=True, help="Unchecked if the machine did not learn the time during that boot."
    )
    happened_at = fields.Datetime("Date", readonly=True)

    _newest = models.Index("(happened_at DESC NULLS LAST, id DESC)")

    @api.depends("backend_id", "coffee_id")
    @api.depends_context("lang")
    def _compute_display_name(self):
        for fact in self:
            fact.display_name = fact._fact_name()

    def _fact_name(self):
        return f"{self.backend_id.name} {self.coffee_id}"
