"""The machine as a connector backend: what a person sets and sees."""

import json
import re
from ast import literal_eval
from datetime import timedelta

import pytz

from odoo import api, fields, models
from odoo.exceptions import UserError, ValidationError

from .. import words
from ..fields import BigInteger, check_ranges

MACHINE = re.compile(r"[a-z0-9-]{1,32}\Z")
SEVERITIES = ("info", "warning", "critical")
ONLINE_STALE_S = 120
MOST = 2**31 - 1
POUR_RANGES = {
    "pour_threshold_ms": (1, MOST), "pour_enter_s": (1, MOST), "pour_leave_s": (1, MOST),
    "pour_cooldown_s": (0, MOST), "pour_per_day": (0, MOST), "pour_deadline_s": (1, 600),
    "pour_job_s": (0, MOST), "pour_cron_s": (0, MOST), "pour_transaction_s": (0, MOST),
    "pour_pending_jobs": (0, MOST),
}  # fmt: skip
"""What the bridge takes; it would refuse all of a machine's settings for one of them."""


class CoffeeBackend(models.Model):
    _name = "coffee.backend"
    _description = "Coffee Machine"
    _inherit = ["mail.thread", "mail.activity.mixin", "connector.backend"]
    _order = "name, id"
    _check_company_auto = True

    name = fields.Char(required=True, tracking=True)
    machine = fields.Char(
        "MQTT Name",
        required=True,
        copy=False,
        help="The machine's name in its MQTT topics, as provisioned: a-z, 0-9 and hyphens.",
    )
    active = fields.Boolean(default=True)
    version = fields.Selection(
        selection="_select_versions",
        tracking=True,
        help=(
            "The kind of machine, which decides how its data is read. Empty until the"
            " machine has reported it."
        ),
    )
    state = fields.Selection(
        [("draft", "Draft"), ("checked", "Checked"), ("running", "Running")],
        string="Status",
        default="draft",
        required=True,
        readonly=True,
        copy=False,
        tracking=True,
        help=(
            "Facts are imported in every state. Recipes and commands are sent only while the"
            " machine is running."
        ),
    )
    company_id = fields.Many2one(
        "res.company", required=True, default=lambda self: self.env.company
    )
    reviewer_id = fields.Many2one(
        "res.users",
        domain=lambda self: [
            ("all_group_ids", "in", self.env.ref("connector_coffee.group_coffee_user").ids)
        ],
        help="Gets an activity for each checkpoint of this machine.",
    )
    location = fields.Char(help="Where the machine is: building, floor, room.")
    username = fields.Char(copy=False, help="The machine's user name on the MQTT broker.")
    password = fields.Char(
        compute="_compute_password",
        inverse="_inverse_password",
        help="For provisioning. It can be set or replaced, but never read back.",
    )
    password_set = fields.Boolean(compute="_compute_password_set")
    default_lang_id = fields.Many2one(
        "res.lang",
        "Default Language",
        help="Language of this machine's checkpoints and imported records.",
    )
    serial = fields.Char("Serial Number", readonly=True, copy=False)
    firmware = fields.Char(readonly=True, copy=False)
    bridge_id = fields.Many2one("coffee.bridge", readonly=True, copy=False, ondelete="set null")
    online = fields.Boolean(readonly=True, copy=False)
    last_seen = fields.Datetime(readonly=True, copy=False)
    last_seen_ms = BigInteger(readonly=True, copy=False, aggregator=None)
    alarm_codes = fields.Json(readonly=True, copy=False)
    alarms = fields.Char(compute="_compute_alarms", string="Active Alarms")
    health = fields.Selection(
        [("ok", "Online"), ("alarm", "Alarm"), ("offline", "Offline"), ("new", "New")],
        compute="_compute_health",
        store=True,  # the kanban counts it in each group
    )
    import_from = fields.Date(
        help=(
            "Facts from before this day are not imported. The bridge keeps them in its own store."
        ),
    )
    checkpoint_severity = fields.Selection(
        [
            ("bridge", "Alarms chosen by the bridge"),
            ("info", "All alarms"),
            ("warning", "Warnings and critical alarms"),
            ("critical", "Critical alarms only"),
            ("never", "No alarms"),
        ],
        default="bridge",
        required=True,
        string="Checkpoints For",
    )
    accounting = fields.Selection(
        [
            ("none", "Nothing"),
            ("internal", "Internal consumption, at cost"),
            ("price", "The drink's sales price"),
        ],
        default="none",
        required=True,
        string="Count Brews As",
    )
    currency_id = fields.Many2one(related="company_id.currency_id")
    check_message = fields.Char("Check Result", readonly=True, copy=False)
    check_date = fields.Datetime("Checked On", readonly=True, copy=False)

    pour_enabled = fields.Boolean("Pour When Busy")
    pour_slot = fields.Char("Slot", default="0", help="The slot of the recipe to pour.")
    pour_threshold_ms = fields.Integer("Response Slower Than (ms)", default=2000)
    pour_enter_s = fields.Integer("Busy For (s)", default=300)
    pour_leave_s = fields.Integer("Calm Again After (s)", default=120)
    pour_cooldown_s = fields.Integer("Minimum Interval (s)", default=1800)
    pour_per_day = fields.Integer("Maximum per Day", default=4)
    pour_office_from = fields.Float("From", default=8.0)
    pour_office_to = fields.Float("To", default=18.0)
    pour_office_days = fields.Char("Days", default="1,2,3,4,5", help="ISO weekdays; 1 is Monday.")
    pour_timezone = fields.Selection("_select_timezones", "Time Zone")
    pour_deadline_s = fields.Integer("Deadline (s)", default=60)
    pour_job_s = fields.Integer("Job Running For (s)", default=600, help="Set to 0 to ignore it.")
    pour_cron_s = fields.Integer(
        "Scheduled Action Late By (s)", default=900, help="Set to 0 to ignore it."
    )
    pour_transaction_s = fields.Integer(
        "Transaction Open For (s)", default=300, help="Set to 0 to ignore it."
    )
    pour_pending_jobs = fields.Integer("Jobs Waiting", default=1000, help="Set to 0 to ignore it.")

    recipe_ids = fields.One2many("coffee.recipe", "backend_id", string="Recipes")
    journal_ids = fields.One2many("coffee.journal", "backend_id", string="Journals")
    command_ids = fields.One2many("coffee.command", "backend_id", string="Commands")
    recipe_count = fields.Integer(compute="_compute_counts")
    brew_count = fields.Integer(compute="_compute_counts")
    alarm_count = fields.Integer(compute="_compute_counts")
    checkpoint_count = fields.Integer(compute="_compute_counts", string="To Review")
    quarantine_count = fields.Integer(compute="_compute_counts")
    command_count = fields.Integer(compute="_compute_counts")
    last_brew = fields.Datetime(compute="_compute_last_brew")

    _machine_unique = models.Constraint(
        "unique(machine)", "A coffee machine with this MQTT name already exists."
    )

    @api.model
    def _select_versions(self):
        """Known versions; another module adds its own to what super returns."""
        return [("1900", "Coffee 1900"), ("2900", "Coffee 2900")]

    @api.model
    def _select_timezones(self):
        return [(zone, zone) for zone in pytz.common_timezones]

    # --- fields
    def _compute_password(self):
        self.password = False

    def _inverse_password(self):
        """Into a table of its own that only the superuser reads."""
        for backend in self.filtered("password"):
            self.env["coffee.secret"].sudo()._keep(backend, backend.password)
            backend.invalidate_recordset(["password", "password_set"])

    def _compute_password_set(self):
        held = self.env["coffee.secret"].sudo().search([("backend_id", "in", self.ids)])
        for backend in self:
            backend.password_set = backend in held.backend_id

    @api.depends("alarm_codes")
    @api.depends_context("lang")
    def _compute_alarms(self):
        for backend in self:
            titles = [words.alarm(self.env, code) for code in backend.alarm_codes or []]
            backend.alarms = ", ".join(titles)

    @api.depends("online", "alarm_codes", "last_seen")
    def _compute_health(self):
        for backend in self:
            if not backend.last_seen:
                backend.health = "new"
            elif not backend.online:
                backend.health = "offline"
            else:
                backend.health = "alarm" if backend.alarm_codes else "ok"

    def _compute_counts(self):
        waiting = [("state", "=", "review")]
        for field, model, domain in (
            ("recipe_count", "coffee.recipe", []),
            ("brew_count", "coffee.brew", []),
            ("alarm_count", "coffee.alarm", []),
            ("checkpoint_count", "coffee.checkpoint", waiting),
            ("quarantine_count", "coffee.quarantine", [("state", "=", "open")]),
            ("command_count", "coffee.command", []),
        ):
            groups = self.env[model]._read_group(
                [("backend_id", "in", self.ids), *domain], ["backend_id"], ["__count"]
            )
            counts = {backend.id: count for backend, count in groups}
            for backend in self:
                backend[field] = counts.get(backend.id, 0)

    def _compute_last_brew(self):
        groups = self.env["coffee.brew"]._read_group(
            [("backend_id", "in", self.ids)], ["backend_id"], ["happened_at:max"]
        )
        last = {backend.id: date for backend, date in groups}
        for backend in self:
            backend.last_brew = last.get(backend.id)

    def write(self, vals):
        moved = self._changing(vals, ("company_id",))
        if not vals.get("active", True):  # nobody sees it, so nobody orders anything of it
            self.filtered(lambda one: one.state == "running").action_stop()
        done = super().write(vals)
        moved._ask_for_a_bridge()
        return done

    def _changing(self, vals, names):
        """Those to which `vals` bring another value of one of these fields."""
        given = set(names) & vals.keys()
        return self.filtered(
            lambda one: any((one._held(name) or False) != (vals[name] or False) for name in given)
        )

    def _held(self, name):
        return self[name].id if self._fields[name].relational else self[name]

    # --- rules
    @api.constrains("machine")
    def _check_machine(self):
        for backend in self:
            if not MACHINE.match(backend.machine):
                raise ValidationError(
                    self.env._(
                        "machine: “%s” cannot be used in a topic; use at most 32 characters"
                        " out of a-z, 0-9 and hyphen",
                        backend.machine,
                    )
                )

    @api.constrains("pour_slot", "pour_office_days", "pour_office_from", "pour_office_to")
    def _check_pour(self):
        for backend in self:
            if backend.pour_slot not in map(str, range(16)):
                raise ValidationError(self.env._("Slot: enter a number from 0 to 15."))
            if not re.match(r"[1-7](,[1-7])*\Z", backend.pour_office_days or ""):
                raise ValidationError(
                    self.env._("Days: enter ISO weekdays separated by commas, such as 1,2,3,4,5.")
                )
            begins, ends = backend.pour_office_from, backend.pour_office_to
            # the bridge knows whole minutes, and none after 23:59
            if not 0 <= begins < ends <= 24 or _clock(begins) >= _clock(ends):
                raise ValidationError(
                    self.env._("Office Hours: “From” must be earlier than “To”.")
                )

    @api.constrains(*POUR_RANGES)
    def _check_pour_ranges(self):
        check_ranges(self, POUR_RANGES)

    @api.constrains("company_id")
    def _check_drinks(self):
        recipes = self.with_context(active_test=False).sudo().recipe_ids
        for backend, ours in recipes.grouped("backend_id").items():
            allowed = ours.odoo_id._check_company_domain(backend.company_id)
            theirs = ours.odoo_id - ours.odoo_id.filtered_domain(allowed)
            if theirs:
                raise ValidationError(
                    self.env._(
                        "Company: %(drinks)s in %(machine)s belong to another company. Clear"
                        " the company of these products first, or choose other drinks.",
                        drinks=", ".join(theirs.mapped("display_name")),
                        machine=backend.name,
                    )
                )

    @api.constrains("state", "version")
    def _check_version(self):
        for backend in self:
            if backend.state != "draft" and not backend.version:
                raise ValidationError(
                    self.env._("Choose a version for %s before you start it.", backend.name)
                )

    @api.constrains("state", "active")
    def _check_active(self):
        for backend in self:
            if backend.state == "running" and not backend.active:
                raise ValidationError(
                    self.env._("%s is archived. Unarchive it before you start it.", backend.name)
                )

    # --- buttons
    def action_check(self):
        """Says what is known of the way to the machine, and from when that knowledge is."""
        self.ensure_one()
        problems = self._problems()
        message = "; ".join(problems) or self.env._(
            "The bridge is connected and the machine is online."
        )
        self.write({"check_message": message, "check_date": fields.Datetime.now()})
        if not problems and self.state == "draft":
            self.state = "checked"
        return {
            "type": "ir.actions.client",
            "tag": "display_notification",
            "params": {
                "title": self.env._("Connection Check"),
                "message": message,
                "type": "warning" if problems else "success",
                "next": {"type": "ir.actions.client", "tag": "soft_reload"},
            },
        }

    def _problems(self):
        """Reasons why a command would not reach the machine now, each with its cure."""
        found = []
        if not self.version:
            found.append(
                self.env._(
                    "No version: choose one, or switch the machine on so that it reports its own."
                )
            )
        bridge = self.bridge_id
        if self._leaves_its_bridge():
            found.append(self._no_bridge_here())
        elif not bridge:
            found.append(
                self.env._(
                    "No bridge has reported this machine yet: connect one and switch the"
                    " machine on."
                )
            )
        elif not bridge.alive:
            found.append(
                self.env._(
                    "The bridge %(name)s last called at %(seen)s UTC: is it running?",
                    name=bridge.name,
                    seen=bridge.last_seen,
                )
            )
        elif not self.online:
            found.append(
                self.env._(
                    "The bridge reports the machine offline: is it switched on and connected"
                    " to Wi-Fi? If all machines are offline: is the broker running?"
                )
            )
        return found

    def _leaves_its_bridge(self):
        """Whether the key of its bridge is not for its company."""
        user = self.bridge_id.sudo().user_id
        return bool(user) and self.company_id not in user.company_ids

    def _no_bridge_here(self):
        return self.env._(
            "The bridge %(bridge)s may not serve %(company)s, so the facts of %(machine)s"
            " wait in the bridge. Allow its user into that company, or generate a new key"
            " and add the company under Also Serves (Coffee > Configuration > Connect a"
            " Bridge).",
            bridge=self.bridge_id.sudo().name,
            company=self.company_id.name,
            machine=self.name,
        )

    def _ask_for_a_bridge(self):
        for backend in self.filtered(lambda one: one._leaves_its_bridge()):
            backend.online = False
            self.env["coffee.checkpoint"].sudo()._add(
                [
                    {
                        "backend_id": backend.id,
                        "model": self._name,
                        "coffee_id": f"company/{backend.company_id.id}",
                        "res_id": backend.id,
                        "summary": backend._no_bridge_here(),
                    }
                ]
            )

    def action_start(self):
        for backend in self:
            if backend.state == "draft":
                raise UserError(
                    self.env._(
                        "%s has not been checked yet. Press “Check Connection” first.",
                        backend.name,
                    )
                )
        idle = self.filtered(lambda backend: backend.state != "running")
        self.write({"state": "running"})
        idle._export_waiting()

    def _export_waiting(self):
        """Recipes that were entered or changed while the machine did not run."""
        self.env["coffee.recipe"].with_context(active_test=False).search(
            [("backend_id", "in", self.ids), ("sync_state", "=", "pending")]
        )._delay_export()

    def action_stop(self):
        self.write({"state": "checked"})

    def action_draft(self):
        self.write({"state": "draft"})

    def _page_of(self, model):
        """The model's own page, with what it says where nothing is, of this machine alone."""
        self.ensure_one()
        xml_id = f"connector_coffee.{model.replace('.', '_')}_action"
        page = self.env["ir.actions.act_window"]._for_xml_id(xml_id)
        context = literal_eval(page["context"])
        return page | {
            "domain": [("backend_id", "=", self.id)],
            "context": {**context, "default_backend_id": self.id},
        }

    def action_recipes(self):
        return self._page_of("coffee.recipe")

    def action_brews(self):
        return self._page_of("coffee.brew")

    def action_alarms(self):
        return self._page_of("coffee.alarm")

    def action_quarantine(self):
        return self._page_of("coffee.quarantine")

    def action_commands(self):
        return self._page_of("coffee.command")

    def action_checkpoints(self):
        return self._page_of("coffee.checkpoint")

    def action_new_command(self):
        self.ensure_one()
        return {
            "type": "ir.actions.act_window",
            "name": self.env._("New Command"),
            "res_model": "coffee.command",
            "view_mode": "form",
            "view_id": self.env.ref("connector_coffee.coffee_command_new_view_form").id,
            "target": "new",
            "context": {"default_backend_id": self.id},
        }

    # --- connector
    def work_on(self, model_name, **kwargs):
        """In the machine's language, so imported texts come in it, while Odoo has that active."""
        self.ensure_one()
        lang = self.default_lang_id.filtered("active").code
        backend = self.with_context(lang=lang) if lang else self
        return super(CoffeeBackend, backend).work_on(model_name, **kwargs)

    def _wants(self, happened):
        """Whether a fact of that time (a datetime, or None when unknown) is to be imported."""
        if not self.import_from or not happened:
            return True
        zone = pytz.timezone(self.pour_timezone or self.company_id.partner_id.tz or "UTC")
        return pytz.utc.localize(happened).astimezone(zone).date() >= self.import_from

    @api.model
    def _cron_silent(self):
        """A machine whose bridge is silent is not online, whatever was said last."""
        limit = fields.Datetime.now() - timedelta(seconds=ONLINE_STALE_S)
        self.search(
            [("online", "=", True), "|", ("bridge_id", "=", False),
             ("bridge_id.last_seen", "<", limit)]
        ).write({"online": False})  # fmt: skip

    def _pour_settings(self):
        """As the bridge's own settings of the same names."""
        self.ensure_one()
        zone = {"timezone": self.pour_timezone} if self.pour_timezone else {}
        return zone | {
            "enabled": self.pour_enabled,
            "slot": self.pour_slot,
            "threshold_ms": self.pour_threshold_ms,
            "enter_s": self.pour_enter_s,
            "leave_s": self.pour_leave_s,
            "cooldown_s": self.pour_cooldown_s,
            "per_day": self.pour_per_day,
            "office_from": _clock(self.pour_office_from),
            "office_to": _clock(self.pour_office_to),
            "office_days": json.loads(f"[{self.pour_office_days}]"),
            "deadline_s": self.pour_deadline_s,
        }


def _clock(hours):
    """8.5 → "08:30"; the day's end is 23:59."""
    minutes = min(round(hours * 60), 24 * 60 - 1)
    return f"{minutes // 60:02d}:{minutes % 60:02d}"


class CoffeeSecret(models.Model):
    """A machine's password: in no view, in no access rule, in no export."""

    _name = "coffee.secret"
    _description = "Coffee Machine Password"

    backend_id = fields.Many2one("coffee.backend", required=True, ondelete="cascade")
    password = fields.Char(required=True)

    _backend_unique = models.Constraint(
        "unique(backend_id)", "A machine can only have one password."
    )

    def _keep(self, backend, password):
        held = self.search([("backend_id", "=", backend.id)])
        if held:
            held.password = password
        else:
            self.create({"backend_id": backend.id, "password": password})
