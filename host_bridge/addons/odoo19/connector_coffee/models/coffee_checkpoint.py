"""What a person must look at: one per record, however often that record is imported."""

from odoo import api, fields, models
from odoo.exceptions import AccessError, UserError

from ..components.fact import as_ms

QUIET = {
    "tracking_disable": True,
    "mail_create_nolog": True,
    "mail_create_nosubscribe": True,
    "mail_activity_quick_update": True,
    "mail_activity_automation_skip": True,
    "connector_no_export": True,
}
"""Context for bulk imports: nobody is mailed for each of five hundred records."""
OURS = {
    "backend_id", "model", "coffee_id", "res_model", "res_id", "summary", "state", "reviewed_by",
    "reviewed_at",
}  # fmt: skip
"""What only an import and the button of a review write."""


class CoffeeCheckpoint(models.Model):
    _name = "coffee.checkpoint"
    _description = "Coffee Checkpoint"
    _inherit = ["mail.thread", "mail.activity.mixin"]
    _order = "state, id desc"
    _rec_name = "summary"

    backend_id = fields.Many2one(
        "coffee.backend", "Machine", required=True, ondelete="cascade", readonly=True, index=False
    )
    company_id = fields.Many2one(related="backend_id.company_id")
    model = fields.Char(
        required=True, readonly=True, help="The model this is about, as the bridge calls it."
    )
    coffee_id = fields.Char("ID on the Machine", required=True, readonly=True)
    res_model = fields.Char(readonly=True)
    res_id = fields.Many2oneReference(model_field="res_model", readonly=True)
    summary = fields.Char(required=True, readonly=True)
    state = fields.Selection(
        [("review", "To Review"), ("reviewed", "Reviewed")],
        string="Status",
        default="review",
        required=True,
        readonly=True,
        tracking=True,
    )
    reviewed_by = fields.Many2one("res.users", readonly=True)
    reviewed_at = fields.Datetime("Reviewed On", readonly=True)
    note = fields.Text(help="What was found and done.")

    _once = models.Constraint(
        "unique(backend_id, coffee_id, model)", "This record already has a checkpoint."
    )
    _to_review = models.Index("(backend_id) WHERE state = 'review'")
    _of_record = models.Index("(res_model, res_id)")

    def write(self, vals):
        if not self.env.su and OURS & vals.keys():
            raise AccessError(
                self.env._(
                    "You can only edit the note. To close the checkpoint, press “Mark as"
                    " Reviewed”."
                )
            )
        return super().write(vals)

    @api.model
    def _add(self, drafts):
        """Adds those that are new; the others stay as they are, reviewed or not.

        :param drafts: list of {backend_id, model, coffee_id, summary, res_id, language}
        :return: recordset in the order of drafts
        """
        if not drafts:
            return self.browse()
        held = self._held(drafts)
        fresh = {}
        for draft in drafts:
            if _key(draft) not in held:
                fresh.setdefault(_key(draft), self._values(draft))
            elif draft.get("res_id"):
                self.browse(held[_key(draft)])._find_record(draft)
        records = self.with_context(**QUIET).create(list(fresh.values()))
        records._tell(drafts)
        held.update(zip(fresh, records.ids, strict=True))
        return self.browse([held[_key(draft)] for draft in drafts])

    def _held(self, drafts):
        found = self.search_fetch(
            [
                ("backend_id", "in", list({draft["backend_id"] for draft in drafts})),
                ("coffee_id", "in", list({draft["coffee_id"] for draft in drafts})),
            ],
            ["backend_id", "model", "coffee_id"],
        )
        return {(one.backend_id.id, one.model, one.coffee_id): one.id for one in found}

    def _values(self, draft):
        model = draft["model"]
        known = model in self.env and draft.get("res_id")
        return {
            "backend_id": draft["backend_id"],
            "model": model,
            "coffee_id": draft["coffee_id"],
            "summary": draft["summary"],
            "res_model": model if known else False,
            "res_id": draft["res_id"] if known else False,
        }

    def _find_record(self, draft):
        """The record came after its checkpoint."""
        if not self.res_id:
            values = self._values(draft)
            self.write({"res_model": values["res_model"], "res_id": values["res_id"]})

    def _tell(self, drafts):
        """Connector managers follow; the machine's reviewer gets an activity."""
        if not self:
            return
        managers = self.env.ref("connector.group_connector_manager").all_user_ids
        for company, ours in self.grouped("company_id").items():
            follow = managers.filtered_domain(
                [("active", "=", True), ("company_ids", "in", company.ids)]
            )
            ours._message_subscribe(follow.partner_id.ids)
        kind = self.env.ref("connector_coffee.mail_activity_review")
        model_id = self.env["ir.model"]._get_id(self._name)
        self.env["mail.activity"].with_context(**QUIET).create(
            [
                {
                    "activity_type_id": kind.id,
                    "res_model_id": model_id,
                    "res_id": one.id,
                    "user_id": one._reviewer().id,
                    "summary": one.summary,
                    "date_deadline": fields.Date.context_today(self),
                }
                for one in self
                if one._reviewer()
            ]
        )

    def _reviewer(self):
        """Who has left, is of another company than a machine that moved, or of no group of ours
        cannot open it."""
        return self.backend_id.reviewer_id.filtered(
            lambda user: user.active
            and self.backend_id.company_id in user.company_ids
            and user.has_group("connector_coffee.group_coffee_user")
        )

    @api.model
    def _no_longer_open(self, keys):
        """[{machine, model, coffee_id}] → those done or gone, with who did it; no null."""
        found = self.search(
            [
                ("backend_id.machine", "in", [key["machine"] for key in keys]),
                ("coffee_id", "in", [key["coffee_id"] for key in keys]),
            ]
        )
        known = {(one.backend_id.machine, one.model, one.coffee_id): one for one in found}
        answers = []
        for key in keys:
            one = known.get((key["machine"], key["model"], key["coffee_id"]), self.browse())
            if one.state != "review":
                answers.append(
                    {
                        "machine": key["machine"],
                        "model": key["model"],
                        "coffee_id": key["coffee_id"],
                        "user": one.reviewed_by.name or "",
                        "note": one.note or "",
                        "reviewed_ms": as_ms(one.reviewed_at) or False,
                    }
                )
        return answers

    def action_review(self):
        """Reviewed, once: the first reviewer's name stays."""
        self.check_access("write")
        waiting = self.filtered(lambda one: one.state == "review")
        waiting.sudo().write(
            {
                "state": "reviewed",
                "reviewed_by": self.env.uid,
                "reviewed_at": fields.Datetime.now(),
            }
        )
        waiting.activity_ids.action_feedback()
        return True

    def action_record(self):
        """The record it is about."""
        self.ensure_one()
        gone = self.res_model not in self.env  # no record, or its module was uninstalled
        if gone or not self.env[self.res_model].browse(self.res_id).exists():
            raise UserError(self.env._("The record this checkpoint is about does not exist here."))
        return {
            "type": "ir.actions.act_window",
            "res_model": self.res_model,
            "res_id": self.res_id,
            "view_mode": "form",
        }


def _key(draft):
    return draft["backend_id"], draft["model"], draft["coffee_id"]
