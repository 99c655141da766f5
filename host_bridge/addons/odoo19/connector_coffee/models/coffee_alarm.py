from odoo import fields, models


class CoffeeAlarm(models.Model):
    _name = "coffee.alarm"
    _inherit = "coffee.fact"
    _description = "Alarm"

    code = fields.Char(required=True, readonly=True)
    raised = fields.Boolean(readonly=True, help="No: it ended here.")
    severity = fields.Selection(
        [("info", "Info"), ("warning", "Warning"), ("critical", "Critical")],
        required=True,
        readonly=True,
    )
    latched = fields.Boolean(readonly=True, help="Stands until a person acknowledges it.")

    def _fact_name(self):
        return f"{self.backend_id.name} {self.code}"
