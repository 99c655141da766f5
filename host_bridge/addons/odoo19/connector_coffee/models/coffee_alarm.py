from odoo import api, fields, models

from .. import words


class CoffeeAlarm(models.Model):
    _name = "coffee.alarm"
    _inherit = "coffee.fact"
    _description = "Alarm"

    code = fields.Char(required=True, readonly=True)
    title = fields.Char("Alarm", compute="_compute_words")
    cure = fields.Char("What to Do", compute="_compute_words")
    raised = fields.Boolean(readonly=True, help="Unchecked when the alarm has ended.")
    severity = fields.Selection(
        [("info", "Info"), ("warning", "Warning"), ("critical", "Critical")],
        required=True,
        readonly=True,
    )
    latched = fields.Boolean(readonly=True, help="Stays active until someone acknowledges it.")

    @api.depends("code")
    @api.depends_context("lang")
    def _compute_words(self):
        for alarm in self:
            alarm.title = words.alarm(self.env, alarm.code)
            alarm.cure = words.cure(self.env, alarm.code)

    def _fact_name(self):
        return f"{self.backend_id.name}: {words.alarm(self.env, self.code)}"
