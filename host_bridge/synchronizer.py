"""The thread that brings the ERP what machines tell: facts and recipes in, cursors forward.

Only after the gateway has taken a fact does its row leave the queue and the machine's cursor
move. A crash anywhere in between repeats the step, and repeating changes nothing. What the ERP
wants of the machines is another thread's work (orders.py), so a long push holds up no order.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any, Final

import structlog

from host_bridge.connector.backend import UnknownVersion, is_supported
from host_bridge.connector.batch import VERSION_REASON, BatchImport
from host_bridge.connector.checkpoint import about_loss, add_checkpoint
from host_bridge.connector.environment import get_environment
from host_bridge.connector.mapper import MappingError
from host_bridge.connector.mappers.common import RecipeMapper
from host_bridge.cursor import Ack, Cursors
from host_bridge.database import Database
from host_bridge.due import is_due
from host_bridge.gateway.port import RECIPE, REFUSED_MACHINE, Gateway, Permanent
from host_bridge.inbox import Inbox, PendingFact
from host_bridge.losses import Losses
from host_bridge.metrics import Metrics
from host_bridge.registry import HeldRecipes, Registry
from host_bridge.settings import Settings
from host_bridge.worker import Worker

log = structlog.get_logger(__name__)
IDLE_S: Final = 1.0
FORGOTTEN: Final = (
    "missing here and no longer held by the machine: never arrived, or arrived after the backup "
    "that this data folder was restored from"
)
LOOK_AGAIN_MS: Final = 60_000  # what a person may have changed in the ERP: language, a refusal


class Synchronizer:
    def __init__(
        self, db: Database, inbox: Inbox, cursors: Cursors, registry: Registry, gateway: Gateway,
        batch: BatchImport, settings: Settings, metrics: Metrics, now_ms: Callable[[], int],
        held: Callable[[Ack], None], imported: Callable[[], None], losses: Losses,
    ) -> None:  # fmt: skip
        self._db = db
        self._inbox = inbox
        self._cursors = cursors
        self._registry = registry
        self._gateway = gateway
        self._batch = batch
        self._settings = settings
        self._metrics = metrics
        self._now_ms = now_ms
        self._held = held
        self._imported = imported
        self._losses = losses
        self._lock = threading.Lock()
        self._models: dict[str, str] = {}  # machines whose info has just told their version
        self._recipes_changed = True
        self._look_again_ms = now_ms() + LOOK_AGAIN_MS
        self.worker = Worker(
            "synchronizer", self.step, IDLE_S, settings.importing.retry_max_s, self._failed
        )

    def model_known(self, machine: str, model: str) -> None:
        with self._lock:
            self._models[machine] = model
        self.worker.wake()

    def recipes_changed(self) -> None:
        self._recipes_changed = True
        self.worker.wake()

    def _failed(self) -> None:
        self._metrics.import_retries.inc()
        self._batch.forget()

    def step(self) -> bool:
        """One pass over everything; True when facts are left that could go at once."""
        self._look_again()
        self._welcome()
        if self._recipes_changed:  # before the facts, so that a brew finds its recipe's record
            self._recipes_changed = False
            try:
                self._import_recipes()
            except BaseException:
                self._recipes_changed = True
                raise
        return self._import_facts()

    # --- machines
    def _look_again(self) -> None:
        if not is_due(self._look_again_ms, self._now_ms(), LOOK_AGAIN_MS):
            return
        self._look_again_ms = self._now_ms() + LOOK_AGAIN_MS
        self._batch.forget()
        with self._lock:
            for machine in self._batch.refused:
                self._models.setdefault(machine, self._registry.model(machine) or "")

    def _welcome(self) -> None:
        """Machines that have said what they are: a backend, and what waited for it."""
        with self._lock:
            models, self._models = self._models, {}
        if not models:
            return
        try:
            records = self._batch.backends(list(models), afresh=True)
        except BaseException:
            with self._lock:
                self._models = models | self._models
            raise
        for machine, model in models.items():
            if not records[machine].refused:
                self._let_in(machine, model)
        self._imported()  # a machine new to the ERP is to be reviewed

    def _let_in(self, machine: str, model: str) -> None:
        self._inbox.hurry(machine)
        released = self._inbox.release(machine, REFUSED_MACHINE)
        if is_supported(model):
            released += self._inbox.release(machine, VERSION_REASON)
            self._registry.recipes_untold(machine)
            self._recipes_changed = True
        if released:
            log.info("released", machine=machine, facts=released)

    # --- facts
    def _import_facts(self) -> bool:
        limit = self._settings.importing.batch
        rows = self._inbox.pending(limit, self._now_ms())
        if rows:
            self._import(rows)
        if len(rows) == limit:
            return True
        # also while single facts keep coming, as a large fleet's do
        self._report_gaps()
        for ack in self._cursors.advance(self._cursors.passable()):
            self._held(ack)
        return False

    def _import(self, rows: list[PendingFact]) -> None:
        result = self._batch.run(rows)
        with self._db.write() as tx:
            self._inbox.settle(
                tx, result.imported, result.refused, result.deferred, self._now_ms()
            )
            for journal_id, from_seq, to_seq in result.lost:
                self._inbox.add_gap(tx, journal_id, from_seq, to_seq)
            moved = self._cursors.advance(result.journals)
        self._metrics.imported.inc(len(result.imported))
        self._metrics.refused.inc(len(result.refused))
        for ack in moved:
            self._held(ack)
        self._imported()

    def _report_gaps(self) -> None:
        """Facts the machine forgot before they got here; its own `lost` fact may explain them."""
        gaps = self._inbox.unreported_gaps()
        if not gaps:
            return
        self._gateway.add_checkpoints([
            about_loss(gap.machine, gap.journal, loss, FORGOTTEN,
                       self._settings.language_of(gap.machine))
            for gap in gaps
            if (loss := self._losses.found(gap)) is not None
        ])  # fmt: skip
        self._inbox.gaps_reported(gaps)
        for ack in self._cursors.advance(gap.journal_id for gap in gaps):
            self._held(ack)
        self._imported()

    # --- recipes of the machines
    def _import_recipes(self) -> None:
        while held := self._registry.changed_recipes(50):
            for recipes in held:
                self._import_slots(recipes)
                self._registry.recipes_told(recipes)

    def _import_slots(self, held: HeldRecipes) -> None:
        """A slot that does not map, or that the ERP refuses, asks a person and holds up none."""
        record = self._batch.backends([held.machine])[held.machine]
        if record.refused:
            return
        session = self._batch.session()
        try:
            env = get_environment(session, RECIPE, record)
        except UnknownVersion:
            return
        mapper = env.unit(RecipeMapper)
        slots: dict[str, dict[str, Any]] = {}
        bad: dict[str, str] = {}
        for slot, recipe in held.slots.items():
            try:
                slots[slot] = mapper.values((slot, recipe))
            except MappingError as error:
                bad[slot] = str(error)
        try:
            answers = self._gateway.import_recipes(held.machine, held.rev, slots)
            bad |= {slot: a.error for slot, a in answers.items() if a.status == "refused"}
        except Permanent as error:
            bad[""] = str(error)
        for slot, reason in bad.items():
            log.warning("recipe_refused", machine=held.machine, slot=slot, reason=reason)
            add_checkpoint(env, f"refused/{held.rev}/{slot}", f"recipe not accepted: {reason}")
        if session.checkpoints:
            self._gateway.add_checkpoints(session.checkpoints)
