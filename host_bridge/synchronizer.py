"""The one thread that talks to the ERP: facts and recipes in, orders out, cursors forward.

Only after the gateway has taken a fact does its row leave the queue and the machine's cursor
move. A crash anywhere in between repeats the step, and repeating changes nothing.
"""

from __future__ import annotations

import random
import threading
from collections.abc import Callable
from typing import Any, Final

import structlog

from host_bridge.commands import Order, Outbox
from host_bridge.connector.backend import UnknownVersion, coffee
from host_bridge.connector.batch import VERSION_REASON, BatchImport
from host_bridge.connector.binder import Binder, BinderError
from host_bridge.connector.checkpoint import about_backend, lost_id
from host_bridge.connector.environment import Environment, get_environment
from host_bridge.connector.exporter import OrderExporter, RecipeExporter
from host_bridge.connector.mapper import MappingError
from host_bridge.connector.mappers.common import RecipeMapper
from host_bridge.cursor import Ack, Cursors
from host_bridge.database import Database
from host_bridge.errors import Invalid
from host_bridge.gateway.port import (
    BACKEND,
    RECIPE,
    CommandOrder,
    Done,
    Gateway,
    Permanent,
    RecipeExport,
    Transient,
    Values,
)
from host_bridge.inbox import Inbox
from host_bridge.metrics import Metrics
from host_bridge.registry import HeldRecipes, Registry
from host_bridge.settings import Settings

log = structlog.get_logger(__name__)
IDLE_S: Final = 1.0
ORDERS_EVERY_S: Final = 2.0
RETRY_FIRST_S: Final = 0.2
EXPORT_DEADLINE_MS: Final = 7 * 86_400_000  # a recipe is wanted until the machine is back


class Synchronizer:
    def __init__(
        self, db: Database, inbox: Inbox, cursors: Cursors, registry: Registry, outbox: Outbox,
        gateway: Gateway, batch: BatchImport, settings: Settings, metrics: Metrics,
        now_ms: Callable[[], int], held: Callable[[Ack], None], imported: Callable[[], None],
        submitted: Callable[[], None],
    ) -> None:  # fmt: skip
        self._db = db
        self._inbox = inbox
        self._cursors = cursors
        self._registry = registry
        self._outbox = outbox
        self._gateway = gateway
        self._batch = batch
        self._settings = settings
        self._metrics = metrics
        self._now_ms = now_ms
        self._held = held
        self._imported = imported
        self._submitted = submitted
        self._wake = threading.Event()
        self._stopping = threading.Event()
        self._lock = threading.Lock()
        self._models: dict[str, str] = {}  # machines whose info has just told their version
        self._recipes_changed = True
        self._orders_due_ms = 0
        self._thread = threading.Thread(target=self._run, name="synchronizer", daemon=True)
        self.problem: str | None = None

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        self._stopping.set()
        self._wake.set()
        if self._thread.is_alive():
            self._thread.join(10)

    @property
    def alive(self) -> bool:
        return self._thread.is_alive()

    def wake(self) -> None:
        self._wake.set()

    def model_known(self, machine: str, model: str) -> None:
        with self._lock:
            self._models[machine] = model
        self._wake.set()

    def recipes_changed(self) -> None:
        self._recipes_changed = True
        self._wake.set()

    def _run(self) -> None:
        failures = 0
        while not self._stopping.is_set():
            try:
                more = self.step()
                failures, self.problem = 0, None
            except Exception as error:
                failures += 1
                more = False
                self._failed(error)
                self._stopping.wait(self._pause_s(failures))
            if not more:
                self._wake.wait(IDLE_S)
                self._wake.clear()

    def _failed(self, error: Exception) -> None:
        """Transient by its own word; anything else is treated so too, since putting a whole
        backlog into quarantine for a defect of ours would be worse than waiting."""
        self._metrics.import_retries.inc()
        self._batch.forget()
        self.problem = str(error) or repr(error)
        if isinstance(error, Transient):
            log.warning("gateway_transient", error=str(error))
        else:
            log.exception("synchronizer_failed")

    def _pause_s(self, failures: int) -> float:
        longest_s = min(
            RETRY_FIRST_S * 2.0 ** min(failures, 16), self._settings.importing.retry_max_s
        )
        return longest_s * random.uniform(0.5, 1.0)

    def step(self) -> bool:
        """One pass over everything; True when facts are left that could go at once."""
        self._welcome()
        if self._recipes_changed:  # before the facts, so that a brew finds its recipe's record
            self._recipes_changed = False
            try:
                self._import_recipes()
            except BaseException:
                self._recipes_changed = True
                raise
        more = self._import_facts()
        if self._now_ms() >= self._orders_due_ms:
            self._orders_due_ms = self._now_ms() + int(ORDERS_EVERY_S * 1000)
            self._export()
        return more

    # --- machines
    def _welcome(self) -> None:
        """Machines that have said what they are: a backend, and what waited for it."""
        with self._lock:
            models, self._models = self._models, {}
        if not models:
            return
        try:
            self._batch.backends(list(models))
        except BaseException:
            with self._lock:
                self._models = models | self._models
            raise
        for machine in models:
            self._inbox.hurry(machine)
            if _is_supported(models[machine]):
                released = self._inbox.release(machine, VERSION_REASON)
                if released:
                    log.info("released", machine=machine, facts=released)
                self._registry.recipes_untold(machine)
                self._recipes_changed = True

    # --- facts
    def _import_facts(self) -> bool:
        limit = self._settings.importing.batch
        rows = self._inbox.pending(limit, self._now_ms())
        if not rows:
            self._report_gaps()
            return False
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
        return len(rows) == limit

    def _report_gaps(self) -> None:
        """Facts the machine forgot before they got here; its own `lost` fact may explain them."""
        gaps = self._inbox.unreported_gaps()
        if not gaps:
            return
        missing = [gap for gap in gaps if gap.missing > 0]
        records = self._batch.backends([gap.machine for gap in missing])
        self._gateway.add_checkpoints(
            [
                about_backend(
                    records[gap.machine], lost_id(gap.journal, gap.from_seq, gap.to_seq),
                    f"{gap.missing} facts never arrived and the machine no longer holds them "
                    f"(seq {gap.from_seq} to {gap.to_seq})",
                    self._settings.language_of(gap.machine),
                )
                for gap in missing
            ]
        )  # fmt: skip
        self._inbox.gaps_reported(gaps)
        for ack in self._cursors.advance(gap.journal_id for gap in gaps):
            self._held(ack)

    # --- recipes of the machines
    def _import_recipes(self) -> None:
        while held := self._registry.changed_recipes(50):
            for recipes in held:
                self._import_slots(recipes)
                self._registry.recipes_told(recipes)

    def _import_slots(self, held: HeldRecipes) -> None:
        try:
            env = self._environment(held.machine, RECIPE)
        except UnknownVersion:
            return
        mapper, binder = env.unit(RecipeMapper), env.unit(Binder)
        bound = binder.to_internal([str(slot) for slot in range(16)])
        new: list[Values] = []
        changed: list[tuple[int, Values]] = []
        for slot, recipe in held.slots.items():
            try:
                values = mapper.values((slot, recipe, held.rev))
            except MappingError as error:
                log.warning("recipe_not_mapped", machine=held.machine, reason=str(error))
                continue
            if slot in bound:
                del values["backend_id"], values["coffee_id"]
                changed.append((bound[slot], values))
            else:
                new.append(values)
        gone: list[tuple[int, Values]] = [
            (bound[slot], {"active": False}) for slot in bound if slot not in held.slots
        ]
        self._write_recipes(held.machine, new, changed + gone)

    def _write_recipes(
        self, machine: str, new: list[Values], changes: list[tuple[int, Values]]
    ) -> None:
        """All at once, or one by one when the ERP refuses something among them."""
        try:
            if new:
                self._gateway.create_bindings(RECIPE, new)
            if changes:
                self._gateway.write(RECIPE, changes)
        except Permanent as error:
            if len(new) + len(changes) == 1:
                log.warning("recipe_refused", machine=machine, reason=str(error))
                return
            for values in new:
                self._write_recipes(machine, [values], [])
            for change in changes:
                self._write_recipes(machine, [], [change])

    def _environment(self, machine: str, model: str) -> Environment:
        record = self._batch.backends([machine])[machine]
        return get_environment(self._batch.session(), model, record)

    # --- what the ERP wants of the machines
    def _export(self) -> None:
        ended: list[Done] = []
        for export in self._gateway.recipes_to_export(50):
            ended += self._submit(export, self._now_ms() + EXPORT_DEADLINE_MS)
        for order in self._gateway.commands_to_run(50):
            ended += self._submit(order, order.deadline_ms)
        views = self._outbox.untold(200)
        for view in views:
            message = "" if view.error is None else view.error.message
            state = view.state
            assert state == "ok" or state == "refused" or state == "expired"
            ended.append(Done(view.id, state, message))
        if ended:
            self._gateway.finished(ended)
            self._outbox.told(views)

    def _submit(self, wanted: RecipeExport | CommandOrder, deadline_ms: int) -> list[Done]:
        """Into the outbox under the ERP's own id; what cannot be sent at all is refused here."""
        try:
            name, args = self._command(wanted)
            self._outbox.submit(
                Order(wanted.machine, name, args, wanted.user, deadline_ms, wanted.id),
                ordered_by_erp=True,
            )
        except (Invalid, UnknownVersion, BinderError) as error:
            return [Done(wanted.id, "refused", str(error))]
        self._submitted()
        return []

    def _command(self, wanted: RecipeExport | CommandOrder) -> tuple[str, dict[str, Any]]:
        if self._registry.model(wanted.machine) is None:
            raise Invalid("machine", f"{wanted.machine!r} was never seen; check its name")
        if isinstance(wanted, RecipeExport):
            return self._environment(wanted.machine, RECIPE).unit(RecipeExporter).command(wanted)
        return self._environment(wanted.machine, BACKEND).unit(OrderExporter).command(wanted)


def _is_supported(version: str) -> bool:
    try:
        coffee.at(version)
    except UnknownVersion:
        return False
    return True
