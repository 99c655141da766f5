"""A drink in a slot of a machine, bound to a product: what both sides may change."""

import json

from odoo import api, fields, models
from odoo.exceptions import ValidationError

from odoo.addons.queue_job.job import identity_exact

EXPORTED = ("name", "recipe", "active", "coffee_id")
"""Fields whose change the machine must learn. Another module adds its own (`_export_fields`)."""


class CoffeeRecipe(models.Model):
    _name = "coffee.recipe"
    _inherit = ["mail.thread", "coffee.binding"]
    _description = "Recipe in a Machine"
    _order = "backend_id, position, id"
    _check_company_auto = True

    odoo_id = fields.Many2one(
        "product.product",
        "Drink",
        required=True,
        ondelete="restrict",
        domain=[("type", "!=", "combo")],
        check_company=True,
        tracking=True,
    )
    name = fields.Char(
        required=True,
        size=32,
        tracking=True,
        help="As shown on the machine, at most 32 characters.",
    )
    active = fields.Boolean(
        default=True, help="Archive the recipe to empty its slot in the machine."
    )
    position = fields.Integer(compute="_compute_position", store=True)
    coffee_id = fields.Char("Slot", help="A number from 0 to 15.")
    recipe = fields.Json(required=True, default=lambda self: {})
    recipe_text = fields.Text(
        "Machine Format",
        compute="_compute_recipe_text",
        inverse="_inverse_recipe_text",
        help="JSON as described in docs/schemas/recipe.json. The machine validates it again.",
    )
    temp_c = fields.Float(
        "Temperature (°C)",
        digits=(16, 1),
        compute="_compute_recipe_text",
        inverse="_inverse_temp_c",
    )
    volume_ml = fields.Float(
        "Volume (ml)",
        digits=(16, 1),
        compute="_compute_recipe_text",
        inverse="_inverse_volume_ml",
    )
    is_profile = fields.Boolean(compute="_compute_recipe_text")
    rev = fields.Integer("Revision", readonly=True, copy=False, aggregator=None)
    in_machine = fields.Boolean(
        readonly=True, copy=False, help="According to the machine's last report."
    )
    sync_state = fields.Selection(
        [("pending", "On its way"), ("synced", "In the machine"), ("refused", "Refused")],
        "Sync Status",
        default="pending",
        required=True,
        readonly=True,
        copy=False,
    )
    sync_message = fields.Char(readonly=True, copy=False)
    brew_count = fields.Integer(compute="_compute_brew_count")

    _odoo_unique = models.Constraint(
        "unique(backend_id, odoo_id)",
        "Drink: it is already in another slot of this machine, perhaps archived. Change that"
        " recipe or choose another drink.",
    )
    _coffee_unique = models.Constraint(
        "unique(backend_id, coffee_id)",
        "Slot: this machine already has a recipe there, perhaps archived. Change that recipe"
        " (filter Archived) or choose another slot.",
    )

    @api.model_create_multi
    def create(self, vals_list):
        return super().create([self._entered(vals) for vals in vals_list])

    def write(self, vals):
        """The form sends the numbers before the text that they stand in, too: they count."""
        self._check_stays(vals)
        if "recipe_text" in vals:
            vals = {"recipe_text": vals["recipe_text"], **vals}
        return super().write(vals)

    def _check_stays(self, vals):
        """The machine would keep it in the old slot, too, and report it as a new drink."""
        for binding in self:
            here = {"backend_id": binding.backend_id.id, "coffee_id": binding.coffee_id}
            there = {
                name: self._fields[name].convert_to_cache(vals[name], binding)  # slot 0 is "0"
                for name in here.keys() & vals.keys()
            }
            if here != here | there:
                raise ValidationError(
                    self.env._(
                        "Slot: a recipe stays in its slot and its machine. Delete “%s” and enter"
                        " it anew in the other one.",
                        binding.name,
                    )
                )

    @api.model
    def _entered(self, vals):
        """A form sends text and numbers of a new recipe, also the zeros nobody typed; the numbers
        count. The database keeps no empty recipe, so they become one before it is asked."""
        text, temp_c, volume_ml = map(vals.get, ("recipe_text", "temp_c", "volume_ml"))
        if not (text or temp_c or volume_ml):
            return vals
        recipe = self._parsed(text) or vals.get("recipe") or {}
        if temp_c:
            recipe = _with_temp(recipe, temp_c)
        if volume_ml:
            recipe = _with_volume(recipe, volume_ml)
        if not recipe:
            raise ValidationError(self.env._("Enter a temperature and a volume."))
        rest = {n: v for n, v in vals.items() if n not in ("recipe_text", "temp_c", "volume_ml")}
        return rest | {"recipe": recipe}

    @api.model
    def _parsed(self, recipe_text):
        try:
            recipe = json.loads(recipe_text or "{}")
        except ValueError as error:
            raise ValidationError(
                self.env._("Machine Format: this is not valid JSON (%s).", error)
            ) from error
        if not isinstance(recipe, dict):
            raise ValidationError(self.env._("Machine Format: enter a JSON object."))
        return recipe

    @api.depends("coffee_id")
    def _compute_position(self):
        for binding in self:
            slot = binding.coffee_id or ""
            binding.position = int(slot) if slot.isdecimal() else 99

    @api.depends("recipe")
    def _compute_recipe_text(self):
        for binding in self:
            recipe = binding.recipe or {}
            binding.recipe_text = json.dumps(recipe, indent=2, ensure_ascii=False)
            binding.temp_c = _number(recipe.get("temp_mc")) / 1000
            binding.is_profile = "phases" in recipe
            stop = recipe.get("stop") if binding.is_profile else recipe
            binding.volume_ml = _number((stop or {}).get("volume_ul")) / 1000

    def _inverse_recipe_text(self):
        for binding in self:
            binding.recipe = self._parsed(binding.recipe_text)

    def _inverse_temp_c(self):
        for binding in self:
            binding.recipe = _with_temp(binding.recipe or {}, binding.temp_c)

    def _inverse_volume_ml(self):
        for binding in self:
            binding.recipe = _with_volume(binding.recipe or {}, binding.volume_ml)

    def _compute_brew_count(self):
        groups = self.env["coffee.brew"]._read_group(
            [("recipe_id", "in", self.ids)], ["recipe_id"], ["__count"]
        )
        counts = {recipe.id: count for recipe, count in groups}
        for binding in self:
            binding.brew_count = counts.get(binding.id, 0)

    @api.constrains("coffee_id")
    def _check_slot(self):
        for binding in self:
            if binding.coffee_id not in map(str, range(16)):
                raise ValidationError(
                    self.env._(
                        "Slot: “%s” is not a slot; enter a number from 0 to 15.", binding.coffee_id
                    )
                )

    @api.model
    def _export_fields(self):
        return set(EXPORTED)

    # --- jobs; the listener delays them
    def _delay_export(self):
        for binding in self:
            binding.with_delay(
                identity_key=identity_exact, description=self.env._("Send a recipe")
            ).export_record()

    def export_record(self):
        """Writes the recipe into its machine, or empties the slot of one that is archived. For one
        deleted since, another job does that."""
        self.ensure_one()
        if not self.exists():
            return False
        self.check_access("write")
        with self.backend_id.work_on(self._name) as work:
            if self.active:
                return work.component(usage="record.exporter").run(self)
            deleter = work.component(usage="record.exporter.deleter")
            return deleter.run(self.coffee_id, self)

    @api.model
    def export_delete_record(self, backend, coffee_id):
        """Empties the slot of a recipe that is no longer here. If another one has it by now, that
        one's job fills it, before this one or after."""
        heir = self._in_slot(backend, coffee_id)
        if heir:
            heir._slot_is_filled()
            return False
        with backend.work_on(self._name) as work:
            return work.component(usage="record.exporter.deleter").run(coffee_id)

    @api.model
    def _in_slot(self, backend, coffee_id):
        return self.sudo().search(
            [("backend_id", "=", backend.id), ("coffee_id", "=", coffee_id), ("active", "=", True)]
        )

    def _may_be_there(self):
        """The machine holds it, or an order on its way fills its slot. One that no bridge has
        fetched is taken back first: a job may run long after the machine has answered it."""
        with self.backend_id.work_on(self._name) as work:
            adapter = work.component(usage="backend.adapter")
            kept = adapter.withdraw(self.coffee_id)
            return kept or self.in_machine or adapter.fills(self.coffee_id)

    def _slot_is_filled(self):
        """By what was there before: it leaves with this one, too."""
        self.with_context(connector_no_export=True).in_machine = True

    def _never_sent(self):
        """Archived before the machine learnt it: nothing is left to do."""
        self.with_context(connector_no_export=True).write(
            {"sync_state": "synced", "sync_message": False}
        )

    def _exported(self, command):
        """The machine has answered."""
        self.ensure_one()
        values = {"sync_date": fields.Datetime.now(), "sync_message": command.message}
        if self._changed_since(command):
            values |= {"sync_state": "pending", "sync_message": False}
        else:
            values["sync_state"] = "synced" if command.state == "ok" else "refused"
        if command.state == "ok":
            values["in_machine"] = command.name == "recipe.put"
        rev = (command.result or {}).get("rev")
        if isinstance(rev, int):
            values["rev"] = rev
        self.with_context(connector_no_export=True).write(values)

    def _changed_since(self, command):
        """A newer order waits, or the job that will give it: another recipe than was sent."""
        if self.env["coffee.command"].search_count(
            [("recipe_id", "=", self.id), ("id", ">", command.id), ("state", "=", "waiting")],
            limit=1,
        ):
            return True
        if self.sync_state != "pending":
            return False
        if not self.active or command.name == "recipe.delete":
            return self.active == (command.name == "recipe.delete")
        with self.backend_id.work_on(self._name) as work:
            now = work.component(usage="export.mapper").map_record(self).values()
        return json.loads(json.dumps(now)) != (command.args or {}).get("recipe")

    def action_export(self):
        """Sends it again, whatever the machine holds."""
        for binding in self:
            binding.export_record()
        return True

    def action_brews(self):
        self.ensure_one()
        page = self.env["ir.actions.act_window"]._for_xml_id("connector_coffee.coffee_brew_action")
        return page | {"domain": [("recipe_id", "=", self.id)]}


def _with_temp(recipe, temp_c):
    return {**recipe, "temp_mc": round(temp_c * 1000)}


def _with_volume(recipe, volume_ml):
    """A profile ends by it, a volumetric recipe is it."""
    volume_ul = round(volume_ml * 1000)
    if "phases" in recipe:
        return {**recipe, "stop": {**(recipe.get("stop") or {}), "volume_ul": volume_ul}}
    return {**recipe, "volume_ul": volume_ul}


def _number(value):
    return value if isinstance(value, (int, float)) and not isinstance(value, bool) else 0
