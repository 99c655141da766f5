"""A batch of facts into records: one search, one create, changed fields only.

What the database or a rule refuses is narrowed down by halving, each half in a savepoint, so the
neighbours of a poisonous fact are imported as if it were not there.
"""

import psycopg2

from odoo.exceptions import ConcurrencyError, UserError
from odoo.tools import mute_logger

from odoo.addons.component.core import AbstractComponent, Component
from odoo.addons.connector.exception import MappingError

from .. import words
from ..models.coffee_checkpoint import QUIET

UNREADABLE = (MappingError, UserError, ValueError, TypeError, KeyError)
REFUSALS = (psycopg2.IntegrityError, psycopg2.DataError, *UNREADABLE)
"""What will be the same next time. All else (locks, a lost connection) fails the whole call."""
TIMES = ("utc_ms", "time_known", "happened_at", "start_ms", "day")
SEVERITY = {"info": 0, "warning": 1, "critical": 2, "never": 3}


class FactBatchImporter(AbstractComponent):
    _name = "coffee.fact.batch.importer"
    _inherit = ["base.importer", "base.coffee"]
    _usage = "batch.importer"

    def run(self, facts):
        """Settles or refuses every fact of the list; all are of one model and version."""
        wanted = [fact for fact in facts if self._wanted(fact)]
        self._before_import(wanted)
        mapped = [fact for fact in wanted if self._map(fact)]
        held = self._held(mapped)
        fresh = {}
        for fact in mapped:
            if fact.key in held:
                self._update(fact, held[fact.key])
            else:
                fresh.setdefault(fact.key, []).append(fact)
        self._create([same[0] for same in fresh.values()])
        for first, *copies in fresh.values():
            for fact in copies:
                if first.error:
                    fact.refuse(first.error)
                else:
                    fact.settle(first.id, "unchanged")
        self._after_import([fact for fact in wanted if not fact.error])

    def _wanted(self, fact):
        if fact.backend._wants(fact.utc):
            return True
        fact.settle(0, "unchanged")
        return False

    def _before_import(self, facts):
        """Hook: what the mappers need of other models, looked up once for the batch."""

    def _after_import(self, facts):
        """Hook: facts that are records now, `fact.status` says whether they are new."""

    def _map(self, fact):
        try:
            mapped = self._mapper_of(fact.backend).map_record(fact.source)
            fact.vals = mapped.values(for_create=True)
        except UNREADABLE as error:
            fact.refuse(self._reason(error))
            return False
        return True

    def _mapper_of(self, backend):
        """One a machine: its mapper is of its version and speaks its language."""
        mappers = self.work.__dict__.setdefault("_mappers", {})
        if backend.id not in mappers:
            with backend.work_on(self.model._name, **self._shared()) as work:
                mappers[backend.id] = work.component(usage="import.mapper")
        return mappers[backend.id]

    def _shared(self):
        """What the mappers find as `self.work.<name>`."""
        return {}

    def _held(self, facts):
        if not facts:
            return {}
        records = self.model.search_fetch(
            [
                ("backend_id", "in", list({fact.backend.id for fact in facts})),
                ("coffee_id", "in", [fact.coffee_id for fact in facts]),
            ],
            list(dict.fromkeys(["backend_id", "coffee_id", *facts[0].vals])),
        )
        return {(record.backend_id.id, record.coffee_id): record for record in records}

    def _update(self, fact, record):
        """A fact sent again out of the bridge's history may know less than the record."""
        changed = {} if fact.again else self._changed(record, fact.vals)
        if not changed:
            fact.settle(record.id, "unchanged")
            return
        try:
            with mute_logger("odoo.sql_db"), self.env.cr.savepoint():
                record.with_context(**QUIET).write(changed)
        except REFUSALS as error:
            fact.refuse(self._reason(error))
        else:
            fact.settle(record.id, "updated")

    def _changed(self, record, vals):
        """A time once known stays: after a crash the bridge may know less than before."""
        changed = {}
        if record.time_known and not vals["time_known"]:
            vals = {name: value for name, value in vals.items() if name not in TIMES}
        for name, value in vals.items():
            held = record[name]
            if self.model._fields[name].relational:
                held = held.id
            if (held or False) != (value or False) and name not in self._kept():
                changed[name] = value
        return changed

    def _kept(self):
        """Fields that say how it was when it came; a repeated fact does not touch them."""
        return ()

    def _create(self, facts):
        if not facts:
            return
        try:
            with mute_logger("odoo.sql_db"), self.env.cr.savepoint():
                records = self.model.with_context(**QUIET).create([fact.vals for fact in facts])
        except psycopg2.errors.UniqueViolation as error:
            # only reached outside of `push`, whose lock lets nobody in between
            raise ConcurrencyError(str(error)) from error
        except REFUSALS as error:
            if len(facts) == 1:
                facts[0].refuse(self._reason(error))
                return
            middle = len(facts) // 2
            self._create(facts[:middle])
            self._create(facts[middle:])
        else:
            for fact, record_id in zip(facts, records._ids, strict=True):
                fact.settle(record_id, "created")

    def _reason(self, error):
        if isinstance(error, psycopg2.Error):
            return self.model._sql_error_to_message(error)
        if isinstance(error, KeyError):
            return f"{error.args[0]}: missing; the machine must send it"
        return str(error)


class PlainBatchImporter(Component):
    """Facts that need nothing of other models."""

    _name = "coffee.plain.batch.importer"
    _inherit = "coffee.fact.batch.importer"
    _apply_on = ["coffee.meter", "coffee.event"]


class MaintenanceBatchImporter(Component):
    _name = "coffee.maintenance.batch.importer"
    _inherit = "coffee.fact.batch.importer"
    _apply_on = "coffee.maintenance"

    def _after_import(self, facts):
        """What the bridge asks a person to do, in the language of the machine."""
        for fact in facts:
            if fact.checkpoint and fact.vals["code"] == "descale_due":
                said = self._mapper_of(fact.backend).env._(
                    "Descaling is due on %(machine)s: %(litres)s l since the last time",
                    machine=fact.backend.name,
                    litres=fact.vals["value"],
                )
                fact.checkpoint = {"summary": said}


class BrewBatchImporter(Component):
    _name = "coffee.brew.batch.importer"
    _inherit = "coffee.fact.batch.importer"
    _apply_on = "coffee.brew"

    def _before_import(self, facts):
        """Recipes by (backend id, slot) and orders by their id, for the mappers."""
        backends = list({fact.backend.id for fact in facts})
        # of an emptied slot, too: it was not empty when the machine brewed
        Recipe = self.env["coffee.recipe"].with_context(active_test=False)
        recipes = Recipe.search_fetch(
            [("backend_id", "in", backends)], ["backend_id", "coffee_id", "odoo_id"]
        )
        self.recipes = {(one.backend_id.id, one.coffee_id): one for one in recipes}
        orders = {str(fact.values.get("command")) for fact in facts if fact.values.get("command")}
        found = self.env["coffee.command"].search([("uid", "in", list(orders))]) if orders else ()
        self.commands = {command.uid: command.id for command in found}

    def _shared(self):
        return {"recipes": self.recipes, "commands": self.commands}

    def _kept(self):
        return ("recipe_id", "product_id", "amount", "currency_id", "command_id")


class AlarmBatchImporter(Component):
    _name = "coffee.alarm.batch.importer"
    _inherit = "coffee.fact.batch.importer"
    _apply_on = "coffee.alarm"

    def _after_import(self, facts):
        """Which alarm is for a person: the bridge has asked, or the machine's setting here
        decides instead of it. Of history only what the bridge still asks for is."""
        for fact in facts:
            if self._for_a_person(fact):
                fact.checkpoint = {"summary": self._summary(fact)}
            else:
                fact.checkpoint = None

    def _for_a_person(self, fact):
        setting = fact.backend.checkpoint_severity
        if setting == "bridge":
            return bool(fact.checkpoint)
        severe = SEVERITY[fact.vals["severity"]] >= SEVERITY[setting]
        return severe and fact.vals["raised"] and (fact.checkpoint or not fact.again)

    def _summary(self, fact):
        """Whoever asked: the bridge has only the code."""
        env = self._mapper_of(fact.backend).env
        code, severity = fact.vals["code"], fact.vals["severity"]
        severities = self.model._fields["severity"]._description_selection(env)
        said = env._(
            "%(severity)s: %(alarm)s on %(machine)s. %(cure)s",
            severity=dict(severities)[severity],
            alarm=words.alarm(env, code),
            machine=fact.backend.name,
            cure=words.cure(env, code),
        )
        return said.strip()
