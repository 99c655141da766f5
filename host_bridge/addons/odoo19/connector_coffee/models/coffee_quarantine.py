"""Facts that could not become records: kept whole, with the reason, until someone decides."""

import json

from odoo import api, fields, models
from odoo.exceptions import AccessError


class CoffeeQuarantine(models.Model):
    _name = "coffee.quarantine"
    _description = "Quarantined Fact"
    _order = "state, id desc"
    _rec_name = "coffee_id"

    backend_id = fields.Many2one("coffee.backend", ondelete="cascade", readonly=True, index=False)
    company_id = fields.Many2one(related="backend_id.company_id")
    # sees a fact without a machine once the bridge's user, who knew all its companies, is deleted
    bridge_company_id = fields.Many2one(
        "res.company", "Company of the Bridge", readonly=True, index=False
    )
    machine = fields.Char(required=True, readonly=True)
    model = fields.Char(required=True, readonly=True)
    coffee_id = fields.Char("ID on the Machine", required=True, readonly=True)
    reason = fields.Text(required=True, readonly=True)
    fact = fields.Json(readonly=True)
    fact_text = fields.Text("Fact as Text", compute="_compute_fact_text")
    state = fields.Selection(
        [("open", "Open"), ("replayed", "Imported"), ("dropped", "Discarded")],
        string="Status",
        default="open",
        required=True,
        readonly=True,
    )

    _open = models.Index("(coffee_id) WHERE state = 'open'")
    _once = models.Constraint(
        "unique(machine, model, coffee_id)", "This fact is already in quarantine."
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
        company, fresh = self.env.company, {}
        for fact in facts:
            key = (fact.machine, fact.model, fact.coffee_id)
            backend_id = fact.backend.id if fact.backend else False
            if key in held:
                row = held[key]
                state = "dropped" if row.state == "dropped" else "open"
                row.write({"reason": _kept(fact.error), "fact": _kept(fact.raw), "state": state,
                           "backend_id": backend_id or row.backend_id.id,
                           "bridge_company_id": row.bridge_company_id.id or company.id,
                          })  # fmt: skip
            else:
                fresh[key] = {
                    "backend_id": backend_id,
                    "bridge_company_id": company.id,
                    "machine": fact.machine,
                    "model": fact.model,
                    "coffee_id": fact.coffee_id,
                    "reason": _kept(fact.error),
                    "fact": _kept(fact.raw),
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
        rows = self._for_a_manager().filtered(lambda row: row.state != "replayed")
        results = self.env["coffee.backend"].sudo()._push([row.fact for row in rows])["results"]
        for row, result in zip(rows, results, strict=True):
            if result["status"] == "refused":
                row.reason = result["error"]
            else:
                row.state = "replayed"
        return True

    def action_drop(self):
        self._for_a_manager().filtered(lambda row: row.state == "open").state = "dropped"
        return True

    def _for_a_manager(self):
        """As superuser: a manager decides about a row and writes none, or he would write facts."""
        self.check_access("read")
        manager = self.env.user.has_group("connector_coffee.group_coffee_manager")
        if not (self.env.su or manager):
            raise AccessError(
                self.env._("Only a coffee manager can retry or discard quarantined facts.")
            )
        return self.sudo()


def _kept(value):
    """Without what PostgreSQL keeps in no JSON and no text: NUL and halves of a character."""
    if isinstance(value, str):
        return value.replace("\x00", "\\0").encode("utf-8", "backslashreplace").decode()
    if isinstance(value, dict):
        return {_kept(name): _kept(one) for name, one in value.items()}
    if isinstance(value, list):
        return [_kept(one) for one in value]
    return value
