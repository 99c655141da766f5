"""The bridges that have called: who they are and when they were last heard."""

from odoo import api, fields, models
from odoo.exceptions import UserError

SEEN_EVERY_S = 10
ALIVE_S = 60


class CoffeeBridge(models.Model):
    _name = "coffee.bridge"
    _description = "Coffee Bridge"
    _order = "name"

    name = fields.Char(
        required=True, readonly=True, help="The bridge's name, as in its own settings."
    )
    user_id = fields.Many2one(
        "res.users", readonly=True, help="The user whose API key the bridge uses."
    )
    last_seen = fields.Datetime(readonly=True)
    backend_ids = fields.One2many("coffee.backend", "bridge_id", string="Machines")
    alive = fields.Boolean(
        "Connected", compute="_compute_alive", help="The bridge has called within the last minute."
    )

    _name_unique = models.Constraint("unique(name)", "A bridge with this name already exists.")

    @api.depends("last_seen")
    def _compute_alive(self):
        now = fields.Datetime.now()
        for bridge in self:
            seen = bridge.last_seen
            bridge.alive = bool(seen) and (now - seen).total_seconds() < ALIVE_S

    @api.model
    def _heard(self, name):
        """The bridge's record; written at most every ten seconds, so asking stays cheap."""
        bridge = self.search([("name", "=", name)], limit=1)
        now = fields.Datetime.now()
        if not bridge:
            self.env.cr.execute(
                "INSERT INTO coffee_bridge (name, user_id, last_seen, create_uid, create_date,"
                " write_uid, write_date) VALUES (%(name)s, %(uid)s, %(now)s, %(uid)s, %(now)s,"
                " %(uid)s, %(now)s) ON CONFLICT (name) DO NOTHING",
                {"name": name, "uid": self.env.uid, "now": now},
            )
            return self.search([("name", "=", name)], limit=1)
        bridge._check_caller()
        if not bridge.last_seen or (now - bridge.last_seen).total_seconds() >= SEEN_EVERY_S:
            bridge.write({"last_seen": now, "user_id": self.env.uid})
        return bridge

    def _check_caller(self):
        """Two bridges of one name would share a record, and each take it from the other."""
        known, caller = self.user_id, self.env.user
        if known.active and known != caller and not known.company_ids & caller.company_ids:
            raise UserError(
                self.env._(
                    "bridge: another company already has a bridge called %s; give this one"
                    " another name in its settings",
                    self.name,
                )
            )
