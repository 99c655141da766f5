"""What people want of a machine. The machine has the last word."""

import json
import uuid
from datetime import timedelta

from odoo import api, fields, models
from odoo.exceptions import AccessError, UserError, ValidationError

from ..components.fact import as_ms

ACTING = ("brew", "clean", "update")
"""What moves water, heat or firmware is never sent a second time by itself."""
RECIPES = {"recipe.put": {"slot", "recipe"}, "recipe.delete": {"slot"}}
"""What a recipe's own form orders, and the arguments that needs."""
RENAMED = {"setpoint": {"temp_mc": "brew_mc"}}
"""Arguments that 19.0.1.0.0 called otherwise: what was refused for it is repeated in new words."""
OURS = {"uid", "user_id", "state", "fetched_at", "finished_at", "message", "result", "retry_of_id"}
"""What nobody says who gives an order."""
MANAGERS = {"args", "deadline"}
DEADLINE_S = 60
LATE_S = 60


class CoffeeCommand(models.Model):
    _name = "coffee.command"
    _description = "Machine Command"
    _order = "id desc"

    @api.model
    def _select_names(self):
        return [
            ("brew", "Brew"),
            ("stop", "Stop"),
            ("clean", "Clean"),
            ("standby", "Standby"),
            ("wake", "Wake"),
            ("setpoint", "Set Temperature"),
            ("alarm.ack", "Acknowledge Alarms"),
            ("identify", "Identify"),
            ("recipe.put", "Write Recipe"),
            ("recipe.delete", "Delete Recipe"),
        ]

    uid = fields.Char(
        "Order ID",
        required=True,
        readonly=True,
        copy=False,
        default=lambda self: f"odoo-{uuid.uuid4().hex[:24]}",
        help="A machine carries out each order only once, however often it receives it.",
    )
    backend_id = fields.Many2one(
        "coffee.backend", "Machine", required=True, ondelete="restrict", index=False
    )
    company_id = fields.Many2one(related="backend_id.company_id")
    name = fields.Selection("_select_names", "Command", required=True, default="brew")
    recipe_id = fields.Many2one(
        "coffee.recipe",
        domain="[('backend_id', '=', backend_id)]",
        ondelete="set null",
    )
    program = fields.Selection(
        [("backflush", "Backflush"), ("rinse", "Rinse"), ("descale", "Descale")],
        default="backflush",
        help="The machine refuses programs it does not have.",
    )
    setpoint_c = fields.Float(
        "Temperature (°C)", digits=(16, 1), help="Brewing temperature. Leave at 0 to keep it."
    )
    steam_c = fields.Float(
        "Steam (°C)",
        digits=(16, 1),
        help="Temperature of the steam boiler. Leave at 0 to keep it.",
    )
    args = fields.Json(readonly=True)
    args_text = fields.Text("Arguments as Text", compute="_compute_args_text")
    user_id = fields.Many2one(
        "res.users", "Ordered By", default=lambda self: self.env.user, readonly=True
    )
    deadline = fields.Datetime(
        readonly=True,
        help="After this time the machine refuses the order. Leave empty for no deadline.",
    )
    state = fields.Selection(
        [
            ("waiting", "Waiting"),
            ("ok", "Done"),
            ("refused", "Refused"),
            ("expired", "Expired"),
            ("cancelled", "Cancelled"),
        ],
        string="Status",
        default="waiting",
        required=True,
        readonly=True,
        copy=False,
    )
    fetched_at = fields.Datetime(
        "Fetched On", readonly=True, copy=False, help="When the bridge took the order."
    )
    finished_at = fields.Datetime("Finished On", readonly=True, copy=False)
    message = fields.Char(readonly=True, copy=False, help="The machine's answer.")
    result = fields.Json(readonly=True, copy=False)
    result_text = fields.Text("Result as Text", compute="_compute_args_text")
    retry_of_id = fields.Many2one("coffee.command", readonly=True, ondelete="set null")
    can_retry = fields.Boolean(compute="_compute_can_retry")
    can_cancel = fields.Boolean(compute="_compute_can_cancel")

    _uid_unique = models.Constraint("unique(uid)", "An order ID can only be used once.")
    _waiting = models.Index("(id) WHERE state = 'waiting'")
    _newest = models.Index("(backend_id, id)")

    @api.depends("name", "backend_id")
    def _compute_display_name(self):
        names = dict(self._fields["name"]._description_selection(self.env))
        for command in self:
            command.display_name = f"{names.get(command.name)} · {command.backend_id.name}"

    @api.depends("args", "result")
    def _compute_args_text(self):
        for command in self:
            command.args_text = _shown(command.args)
            command.result_text = _shown(command.result)

    @api.depends("name", "state")
    def _compute_can_retry(self):
        for command in self:
            command.can_retry = (
                command.state in ("refused", "expired")
                and command.name not in ACTING
                and command.name not in RECIPES  # the recipe itself is sent again, as it is now
            )

    @api.depends("name", "state", "fetched_at", "recipe_id")
    def _compute_can_cancel(self):
        for command in self:
            command.can_cancel = (
                command.state == "waiting"
                and not command.fetched_at
                and not command._carries_recipe()  # which would wait for ever
            )

    def _carries_recipe(self):
        return self.name in RECIPES and bool(self.recipe_id)

    @api.model_create_multi
    def create(self, vals_list):
        for vals in vals_list:
            self._check_order(vals)
            if "deadline" not in vals and vals.get("name", "brew") not in RECIPES:
                vals["deadline"] = fields.Datetime.now() + timedelta(seconds=DEADLINE_S)
        commands = super().create(vals_list)
        for command in commands:
            if not command.args:
                command.sudo().args = command._default_args()
            command._check_object()
            command._check_words()
            command._check_slot()
        return commands

    @api.ondelete(at_uninstall=False)
    def _unlink_ends_waiting(self):
        """No machine will answer it any more, so its recipe counts as refused: what the machine
        says it holds is taken over again."""
        waiting = self.filtered(lambda one: one.state == "waiting" and one.name in RECIPES)
        for command in waiting.sudo().filtered("recipe_id").sorted("id"):
            command.message = self.env._(
                "The order was deleted. To send the recipe again, press “Send Again”."
            )
            command.recipe_id._exported(command)

    def _check_object(self):
        """Of an order given in a call: a bridge could read none of the orders beside it."""
        if self.args and not isinstance(self.args, dict):
            raise ValidationError(
                self.env._(
                    "Arguments: “%s” is not an object; send names with values, such as"
                    ' {"slot": "0"}.',
                    self.args,
                )
            )

    def _check_words(self):
        missing = RECIPES.get(self.name, set()) - (self.args or {}).keys()
        if missing:
            names = dict(self._fields["name"]._description_selection(self.env))
            raise UserError(
                self.env._(
                    "Arguments: “%(command)s” needs %(missing)s. Change or archive the"
                    " recipe itself (Coffee > Recipes); it is then sent to the machine"
                    " automatically.",
                    command=names[self.name],
                    missing=", ".join(sorted(missing)),
                )
            )

    def _check_slot(self):
        """Of an order given in a call: the orders behind it would wait with it."""
        if self.name in RECIPES and self.args["slot"] not in map(str, range(16)):
            raise ValidationError(
                self.env._(
                    "Slot: “%s” is not a slot; enter a number from 0 to 15.", self.args["slot"]
                )
            )

    def _check_order(self, vals):
        """What the form does not ask is not a user's to say, and recipes are a manager's."""
        if self.env.su:
            return
        defaults = {
            name.removeprefix("default_"): value
            for name, value in self.env.context.items()
            if name.startswith("default_")
        }
        given = defaults | vals
        bad = OURS & given.keys()
        if not self.env.user.has_group("connector_coffee.group_coffee_manager"):
            bad |= MANAGERS & given.keys()
            if given.get("name") in RECIPES:
                bad.add("name")
        if bad:
            raise AccessError(
                self.env._(
                    "You are not allowed to set these fields of an order: %s",
                    ", ".join(sorted(bad)),
                )
            )

    @api.constrains("backend_id", "recipe_id")
    def _check_recipe(self):
        for command in self:
            if command.recipe_id and command.recipe_id.backend_id != command.backend_id:
                raise ValidationError(
                    self.env._(
                        "%(recipe)s is not a recipe of %(machine)s.",
                        recipe=command.recipe_id.name,
                        machine=command.backend_id.name,
                    )
                )

    @api.constrains("backend_id")
    def _check_running(self):
        for command in self:
            if command.backend_id.state != "running":
                raise ValidationError(
                    self.env._(
                        "%s is not running. Check its connection and start it first.",
                        command.backend_id.name,
                    )
                )

    def _default_args(self):
        """What the form's fields say, in the machine's words."""
        if self.name == "brew":
            if not self.recipe_id:
                raise UserError(self.env._("Recipe: choose what to brew."))
            return {"slot": self.recipe_id.coffee_id}
        if self.name == "clean":
            if not self.program:
                raise UserError(self.env._("Program: choose how to clean."))
            return {"program": self.program}
        if self.name == "setpoint":
            boilers = {"brew_mc": self.setpoint_c, "steam_mc": self.steam_c}
            args = {name: round(temp_c * 1000) for name, temp_c in boilers.items() if temp_c}
            if not args:
                raise UserError(self.env._("Temperature: enter the new one in °C."))
            return args
        return {}

    # --- for the bridge
    @api.model
    def _fetch(self, bridge, limit, known=()):
        """Orders of the bridge's machines and of machines no bridge has spoken of yet, all of its
        companies, without those it has (`known`), the oldest first."""
        waiting = self.search(
            [
                ("state", "=", "waiting"),
                ("uid", "not in", list(known or ())),
                ("backend_id.bridge_id", "in", [False, bridge.id]),
                ("backend_id.state", "=", "running"),
                ("backend_id.company_id", "in", self.env.user.company_ids.ids),
            ],
            order="id",
            limit=limit,
        )
        fresh = waiting.filtered(lambda one: not one.fetched_at)
        held = fresh._still_waiting()._without_heirs()
        held.fetched_at = fields.Datetime.now()
        waiting -= fresh - held
        return [
            {
                "id": command.uid,
                "machine": command.backend_id.machine,
                "name": command.name,
                "args": _without_null(command.args or {}),
                "user": command.user_id.name or "",
                "deadline_ms": as_ms(command.deadline) or False,
            }
            for command in waiting
        ]

    def _still_waiting(self):
        """Without those that somebody took back since the search; the others stay until commit."""
        if not self:
            return self
        self.flush_recordset(["state"])
        self.env.cr.execute(
            "SELECT id FROM coffee_command WHERE id = ANY(%s) AND state = 'waiting' ORDER BY id"
            " FOR NO KEY UPDATE",
            (self.ids,),
        )
        return self.browse([row[0] for row in self.env.cr.fetchall()])

    def _without_heirs(self):
        """Without those that would empty a slot that has another recipe by now. The job that gave
        such an order may not have seen it: it began before that recipe was saved, and its order
        may come after the one that fills the slot."""
        emptying = self.filtered(lambda one: one.name == "recipe.delete" and not one.recipe_id)
        late = self.browse()
        for command in emptying:
            slot = (command.args or {}).get("slot")  # none in an order of an older version
            heir = self.env["coffee.recipe"]._in_slot(command.backend_id, slot)
            if heir:
                heir._slot_is_filled()
                late += command
        late.write({"state": "cancelled", "message": self.env._("Replaced by a newer change.")})
        return self - late

    def _finish(self, done):
        """The machine's answers. One that comes late still counts: the machine knows what it did.

        :param done: {uid: {state, message, result}}
        """
        for command in self:
            end = done[command.uid]
            command.write(
                {
                    "state": end["state"],
                    "message": end.get("message") or False,
                    "result": end.get("result") or False,
                    "finished_at": fields.Datetime.now(),
                }
            )
            if command.name in RECIPES and command.recipe_id:
                command.recipe_id._exported(command)

    @api.model
    def _cron_expire(self):
        """What no bridge fetched or answered in time. A brew or clean is not sent again."""
        limit = fields.Datetime.now() - timedelta(seconds=LATE_S)
        late = self.search([("state", "=", "waiting"), ("deadline", "<", limit)])
        late.write({"state": "expired", "message": self.env._("No answer before the deadline.")})

    # --- buttons
    def action_retry(self):
        """A new order of the same; only for what may be done twice."""
        self.ensure_one()
        if not self.can_retry:
            raise UserError(self.env._("This command cannot be retried. Send a new one instead."))
        again = self.sudo().copy(
            {"args": self._renamed_args(), "retry_of_id": self.id, "user_id": self.env.uid,
             "deadline": self._new_deadline()}
        )  # fmt: skip
        return {
            "type": "ir.actions.act_window",
            "res_model": self._name,
            "res_id": again.id,
            "view_mode": "form",
        }

    def _renamed_args(self):
        new = RENAMED.get(self.name, {})
        return {new.get(name, name): value for name, value in (self.args or {}).items()}

    def _new_deadline(self):
        if self.name in RECIPES:
            return False
        return fields.Datetime.now() + timedelta(seconds=DEADLINE_S)

    def action_cancel(self):
        """Only what no bridge has taken yet can be taken back."""
        self.check_access("read")
        for command in self.filtered(lambda one: not one.can_cancel):
            if command._carries_recipe():
                raise UserError(
                    self.env._(
                        "To take this back, change the recipe itself (Coffee > Recipes): its"
                        " newer order replaces this one."
                    )
                )
            raise UserError(
                self.env._(
                    "The bridge already has this order. To end a brew, send the command"
                    " “Stop”."
                )
            )
        self.sudo().write({"state": "cancelled"})

    def action_send(self):
        """Closes the dialogue; saving the record has ordered it."""
        return {"type": "ir.actions.act_window_close"}


def _without_null(value):
    """What is null is left out: XML-RPC cannot carry it, and to a machine it means the same."""
    if isinstance(value, dict):
        return {name: _without_null(one) for name, one in value.items() if one is not None}
    if isinstance(value, list):
        return [_without_null(one) for one in value]
    return value


def _shown(value):
    return json.dumps(value, indent=2, ensure_ascii=False) if value else ""
