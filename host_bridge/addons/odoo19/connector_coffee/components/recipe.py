"""Recipes as the machine holds them, into bindings with a product each."""

from odoo.tools import mute_logger
from odoo.tools.sql import escape_psql

from odoo.addons.component.core import Component
from odoo.addons.connector.components.mapper import mapping, only_create
from odoo.addons.connector.exception import MappingError

from ..models.coffee_checkpoint import QUIET
from .importer import REFUSALS

DRINK_SPACE = 0x0C0FFEF
"""Of advisory locks, one a company; the machines' are in LOCK_SPACE."""


class RecipeMapper(Component):
    """{"slot", "recipe", "rev"} → a recipe. Each version checks its own kind."""

    _name = "coffee.recipe.mapper"
    _inherit = "coffee.import.mapper"
    _apply_on = "coffee.recipe"

    _needed = ("temp_mc",)

    @mapping
    def recipe(self, record):
        recipe = record["recipe"]
        if not isinstance(recipe, dict):
            raise MappingError("recipe: not an object; send names and values")
        missing = [name for name in self._needed if name not in recipe]
        if missing:
            raise MappingError(f"{missing[0]}: missing in a recipe of this version")
        return {
            "name": str(recipe.get("name") or record["slot"])[:32],
            "recipe": recipe,
            "rev": record["rev"],
            "active": True,
            "in_machine": True,
            "sync_state": "synced",
            "sync_message": False,
        }

    @only_create
    @mapping
    def identity(self, record):
        return {"backend_id": self.backend_record.id, "coffee_id": record["slot"]}


class RecipeMapper1900(Component):
    _name = "coffee.recipe.mapper.1900"
    _inherit = "coffee.recipe.mapper"
    _apply_on = "coffee.recipe"
    _backend_version = "1900"

    _needed = ("temp_mc", "volume_ul")


class RecipeBatchImporter(Component):
    _name = "coffee.recipe.batch.importer"
    _inherit = ["base.importer", "base.coffee"]
    _usage = "batch.importer"
    _apply_on = "coffee.recipe"

    def run(self, rev, slots):
        """All slots of the machine; answers {"slot", "id", "status", "error"} for each."""
        held = self.model.with_context(active_test=False).search(
            [("backend_id", "=", self.backend_record.id)]
        )
        self._note_held(held, slots)
        by_slot = {binding.coffee_id: binding for binding in held}
        self._emptying = self._slots_being_emptied()
        answers = [self._import(slot, slots[slot], rev, by_slot) for slot in slots]
        gone = held.filtered(lambda one: one.active and one.coffee_id not in slots)
        for binding in gone:
            if not self._on_its_way(binding):
                binding.with_context(**QUIET).write({"active": False, "sync_state": "synced"})
                answers.append(_answer(binding.coffee_id, binding.id, "updated"))
        return answers

    def _note_held(self, bindings, slots):
        """Also of one on its way: what its archiving has to do depends on it."""
        for binding in bindings:
            if binding.in_machine != (binding.coffee_id in slots):
                binding.with_context(**QUIET).in_machine = binding.coffee_id in slots

    def _import(self, slot, recipe, rev, by_slot):
        binding = by_slot.get(slot)
        try:
            record = {"slot": slot, "recipe": recipe, "rev": rev}
            mapped = self.component(usage="import.mapper").map_record(record)
            if not binding and slot in self._emptying:
                return _answer(slot, 0, "unchanged")
            if not binding:
                return self._create(slot, mapped.values(for_create=True))
            return self._update(binding, mapped.values())
        except REFUSALS as error:
            reason = str(error).strip()
            self._refused(slot, rev, reason)
            return _answer(slot, binding.id if binding else 0, "refused", reason)

    def _create(self, slot, values):
        with mute_logger("odoo.sql_db"), self.env.cr.savepoint():
            product, known = self._product(values["name"])
            binding = self.model.with_context(**QUIET).create(values | {"odoo_id": product.id})
            self.component(usage="binder").bind(slot, binding)
        if not known:
            self._checkpoint(binding)
        return _answer(slot, binding.id, "created")

    def _update(self, binding, values):
        """What a person changed here and the machine has not answered yet is left alone."""
        if self._on_its_way(binding):
            return _answer(binding.coffee_id, binding.id, "unchanged")
        changed = {name: value for name, value in values.items() if binding[name] != value}
        if not changed:
            return _answer(binding.coffee_id, binding.id, "unchanged")
        before = binding.name
        with mute_logger("odoo.sql_db"), self.env.cr.savepoint():
            binding.with_context(**QUIET).write(changed)
            self.component(usage="binder").bind(binding.coffee_id, binding)
        if "name" in changed:
            self._renamed(binding, before)
        return _answer(binding.coffee_id, binding.id, "updated")

    def _slots_being_emptied(self):
        """Of recipes deleted here, until the machine has answered."""
        orders = self.env["coffee.command"].search(
            [
                ("backend_id", "=", self.backend_record.id),
                ("state", "=", "waiting"),
                ("name", "=", "recipe.delete"),
            ]
        )
        return {(order.args or {}).get("slot") for order in orders}

    def _on_its_way(self, binding):
        return binding.sync_state == "pending"

    def _product(self, name):
        """(product, known): a drink of that name that this machine has not bound yet, or a new
        one, worth nothing until a person says what it costs. One machine of a company looks at a
        time: the next finds what this one makes (as long as the transaction is the READ COMMITTED
        one of the bridge's calls)."""
        company = self.backend_record.company_id
        self.env.cr.execute("SELECT pg_advisory_xact_lock(%s, %s)", (DRINK_SPACE, company.id))
        bound = self.model.with_context(active_test=False).search(
            [("backend_id", "=", self.backend_record.id)]
        )
        allowed = bound.odoo_id._check_company_domain(company)
        drinks = self.model.search(
            [("name", "=ilike", escape_psql(name)), ("backend_id", "!=", self.backend_record.id),
             ("backend_id.company_id", "=", company.id), ("odoo_id", "any", allowed)]
        ).odoo_id - bound.odoo_id  # fmt: skip
        if drinks:
            return drinks[0], True
        values = {"name": name, "type": "consu", "company_id": company.id, "list_price": 0}
        return self.env["product.product"].with_context(**QUIET).create(values), False

    def _checkpoint(self, binding):
        self._ask(
            binding,
            self._unused(binding.coffee_id),
            self.env._(
                "New recipe %(recipe)s in slot %(slot)s of %(machine)s: which drink is it,"
                " and what does it cost?",
                recipe=binding.name,
                slot=binding.coffee_id,
                machine=self.backend_record.name,
            ),
        )

    def _renamed(self, binding, before):
        """Somebody put another recipe into the slot at the machine; its brews go on the books as
        the drink that was there."""
        self._ask(
            binding,
            self._unused(f"{binding.coffee_id}/rev{binding.rev}"),
            self.env._(
                "Slot %(slot)s of %(machine)s now holds %(recipe)s instead of %(before)s. Is"
                " it still the drink %(drink)s? If not, choose another drink on the recipe.",
                slot=binding.coffee_id,
                machine=self.backend_record.name,
                recipe=binding.name,
                before=before,
                drink=binding.odoo_id.display_name,
            ),
        )

    def _unused(self, about):
        """Revisions begin anew when the machine's flash was reset, and what is in the slot of a
        recipe deleted here is another one: what was reviewed before does not answer for it."""
        mine = [("backend_id", "=", self.backend_record.id), ("model", "=", self.model._name)]
        before = self.env["coffee.checkpoint"].search([*mine, ("coffee_id", "=like", f"{about}%")])
        known = set(before.mapped("coffee_id"))
        others = (f"{about}/{number}" for number in range(1, len(known) + 1))
        return next(one for one in (about, *others) if one not in known)

    def _ask(self, binding, coffee_id, summary):
        self.env["coffee.checkpoint"]._add(
            [
                {
                    "backend_id": self.backend_record.id,
                    "model": self.model._name,
                    "coffee_id": coffee_id,
                    "res_id": binding.id,
                    "summary": summary,
                }
            ]
        )

    def _refused(self, slot, rev, reason):
        """A recipe the machine brews and we cannot read is for a person, under the id that the
        bridge gives its own word of it: one checkpoint, and another for the next recipe."""
        self.env["coffee.checkpoint"]._add(
            [
                {
                    "backend_id": self.backend_record.id,
                    "model": self.model._name,
                    "coffee_id": f"refused/{rev}/{slot}",
                    "res_id": 0,
                    "summary": self.env._("Recipe in slot %(slot)s: %(reason)s",
                                          slot=slot, reason=reason),
                }
            ]
        )  # fmt: skip


def _answer(slot, record_id, status, error=""):
    return {"slot": slot, "id": record_id, "status": status, "error": error}
