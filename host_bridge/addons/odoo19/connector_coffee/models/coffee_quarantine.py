"""Facts that could not become records: kept whole, with the reason, until someone decides."""

import json

from odoo import api, fields, models


class CoffeeQuarantine(models.Model):
    _name = "coffee.quarantine"
    _description = "Quarantined Fact"
    _order = "state, id desc"
    _rec_name = "coffee_id"

    backend_id = fields.Many2one("coffee.backend", ondelete="cascade", readonly=True, index=False)
    company_id = fields.Many2one(related="backend_id.company_id")
    machine = fields.Char(required=True, readonly=True)
    model = fields.Char(required=True, readonly=True)
    coffee_id = fields.Char("ID in the Machine", required=True, readonly=True)
    reason = fields.Text(required=True, readonly=True)
    fact = fields.Json(readonly=True)
    fact_text = fields.Text("Fact as Text", compute="_compute_fact_text")
    state = fields.Selection(
        [("open", "Open"), ("replayed", "Imported"), ("dropped", "Dropped")],
        default="open",
        required=True,
        readonly=True,
    )

    _open = models.Index("(coffee_id) WHERE state = 'open'")
    _once = models.Constraint(
        "unique(machine, model, coffee_id)", "This fact is in quarantine already."
    )

    @api.depends("fact")
    def _compute_fact_text(self):
        for row in self:
            row.fact_text = json.dumps(row.fact, indent=2, ensure_ascii=False)

    @api.model
    def _keep(self, facts):
        """One row a fact, however often it comes; a new reason replaces the old one. Each fact
        learns its row."""
        if not facts:
            return
        held = {
            (row.machine, row.model, row.coffee_id): row
            for row in self.search([("coffee_id", "in", [fact.coffee_id for fact in facts])])
        }
        fresh = {}
        for fact in facts:
            key = (fact.machine, fact.model, fact.coffee_id)
            if key in held:
                held[key].write({"reason": fact.error, "fact": fact.raw, "state": "open"})
            else:
                fresh[key] = {
                    "backend_id": fact.backend.id if fact.backend else False,
                    "machine": fact.machine,
                    "model": fact.model,
                    "coffee_id": fact.coffee_id,
                    "reason": fact.error,
                    "fact": fact.raw,
                }
        held.update(zip(fresh, self.create(list(fresh.values())), strict=True))
        for fact in facts:
            fact.quarantine_id = held[fact.machine, fact.model, fact.coffee_id].id

    @api.model
    def _release(self, facts):
        """Facts that were refused once and are records now."""
        if not facts:
            return
        held = {(fact.machine, fact.model, fact.coffee_id) for fact in facts}
        rows = self.search(
            [
                ("state", "=", "open"),
                ("coffee_id", "in", [coffee_id for _machine, _model, coffee_id in held]),
            ]
        )
        rows.filtered(
            lambda row: (row.machine, row.model, row.coffee_id) in held
        ).state = "replayed"

    def action_replay(self):
        """Tries the import again, for when the cause is cured."""
        rows = self.filtered(lambda row: row.state != "replayed")
        results = self.env["coffee.backend"].sudo()._push([row.fact for row in rows])["results"]
        for row, result in zip(rows, results, strict=True):
            if result["status"] == "refused":
                row.reason = result["error"]
            else:
                row.state = "replayed"
        return True

    def action_drop(self):
        self.filtered(lambda row: row.state == "open").state = "dropped"
        return True
