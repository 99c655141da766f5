"""Makes the technical user of a bridge and shows its key, once."""

from datetime import datetime, timedelta

from odoo import Command, api, fields, models
from odoo.exceptions import UserError

from ..fields import check_ranges

DAYS = {"days": (0, 36_500)}


class CoffeeBridgeConnect(models.TransientModel):
    _name = "coffee.bridge.connect"
    _description = "Connect a Bridge"

    name = fields.Char(
        "Bridge",
        required=True,
        default="bridge",
        help="The bridge's name, as in its own settings.",
    )
    company_id = fields.Many2one(
        "res.company",
        required=True,
        default=lambda self: self.env.company,
        help="Machines that the bridge finds become drafts in this company.",
    )
    company_ids = fields.Many2many(
        "res.company",
        string="Also Serves",
        help="Other companies that have machines on this bridge. A new key removes none of them.",
    )
    days = fields.Integer(
        "Valid For (days)", default=0, help="Set to 0 for a key that does not expire."
    )
    key = fields.Char(readonly=True)
    login = fields.Char(readonly=True)

    @api.constrains("days")
    def _check_days(self):
        check_ranges(self, DAYS)

    def action_make(self):
        """One user a bridge; an existing one gets a new key, and its old keys end."""
        self.ensure_one()
        if not self.env.user.has_group("connector_coffee.group_coffee_manager"):
            raise UserError(self.env._("Only a coffee manager can connect bridges."))
        if (self.company_id | self.company_ids) - self.env.user.company_ids:
            raise UserError(self.env._("Choose only companies you belong to."))
        user = self._user()
        keys = self.env["res.users.apikeys"].with_user(user).sudo()
        keys.search([("user_id", "=", user.id)])._remove()
        until = datetime.now() + timedelta(days=self.days) if self.days else None
        self.write({"key": keys._generate("rpc", self.name, until), "login": user.login})
        return {
            "type": "ir.actions.act_window",
            "name": self.env._("Connect a Bridge"),
            "res_model": self._name,
            "res_id": self.id,
            "view_mode": "form",
            "target": "new",
        }

    def _taken_by(self, company):
        """Who is in that company meant that bridge; nobody else learns whose it is."""
        if company in self.env.user.company_ids:
            return self.env._(
                "Company: the bridge %(bridge)s belongs to %(company)s. Choose that company,"
                " or another name.",
                bridge=self.name,
                company=company.name,
            )
        return self.env._(
            "Another company already has a bridge called %s. Choose another name.", self.name
        )

    def _user(self):
        """It has the bridge's group and no other: not even that of an employee."""
        login = f"coffee-bridge-{self.name}"
        group = self.env.ref("connector_coffee.group_coffee_bridge")
        users = self.env["res.users"].sudo().with_context(no_reset_password=True)
        user = users.with_context(active_test=False).search([("login", "=", login)])
        if user and user.company_id != self.company_id:
            raise UserError(self._taken_by(user.company_id))
        user.filtered(lambda one: not one.active).active = True
        if user and user.group_ids != group:  # the addon was uninstalled, and the group with it
            user.group_ids = group
        if user and self.company_ids - user.company_ids:
            user.company_ids |= self.company_ids
        return user or users.create(
            {
                "name": f"Coffee Bridge {self.name}",
                "login": login,
                "company_id": self.company_id.id,
                "company_ids": [Command.set((self.company_id | self.company_ids).ids)],
                "group_ids": [Command.set(group.ids)],
            }
        )
