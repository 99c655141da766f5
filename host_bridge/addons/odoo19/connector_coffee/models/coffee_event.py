import json

from odoo import api, fields, models


class CoffeeEvent(models.Model):
    """Boots, changed recipes and lost ranges, kept whole."""

    _name = "coffee.event"
    _inherit = "coffee.fact"
    _description = "Machine Event"

    kind = fields.Char(required=True, readonly=True)
    detail = fields.Json(readonly=True)
    detail_text = fields.Text("Detail as Text", compute="_compute_detail_text")

    @api.depends("detail")
    def _compute_detail_text(self):
        for event in self:
            detail = event.detail or {}
            event.detail_text = "\n".join(
                f"{name}: {value if isinstance(value, str) else json.dumps(value)}"
                for name, value in detail.items()
            )

    def _fact_name(self):
        return f"{self.backend_id.name} {self.kind}"
