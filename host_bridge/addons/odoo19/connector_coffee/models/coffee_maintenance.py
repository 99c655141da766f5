from odoo import api, fields, models

from .. import words


class CoffeeMaintenance(models.Model):
    _name = "coffee.maintenance"
    _inherit = "coffee.fact"
    _description = "Maintenance"

    code = fields.Char(required=True, readonly=True)
    title = fields.Char("Maintenance", compute="_compute_title")
    value = fields.Integer(readonly=True, aggregator=None)

    @api.depends("code")
    @api.depends_context("lang")
    def _compute_title(self):
        for work in self:
            work.title = words.maintenance(self.env, work.code)

    def _fact_name(self):
        return f"{self.backend_id.name}: {words.maintenance(self.env, self.code)}"
