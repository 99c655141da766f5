"""The bridge as one object: starts and stops, answers questions, takes orders.

The console, the API and the command line use only this class (and views.py). Nothing of the web
may enter here. Every public method may be called from any thread and returns plain views.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from importlib.metadata import PackageNotFoundError, version
from typing import Any, Literal

import structlog

from host_bridge.commands import Order
from host_bridge.contract import messages, topics
from host_bridge.engine import Engine, now_ms
from host_bridge.errors import Invalid, NotFound
from host_bridge.intake import Incoming
from host_bridge.live import as_published
from host_bridge.settings import Settings
from host_bridge.subjects import CheckpointKind
from host_bridge.views import (
    AlarmView,
    BrewView,
    CheckpointView,
    CommandView,
    Curve,
    HealthView,
    LiveView,
    MachineView,
    MaintenanceView,
    MeterView,
    QuarantineView,
    RecipesView,
    ReviewedView,
)

log = structlog.get_logger(__name__)


class Bridge:
    """One bridge over one data folder and one broker.

    Unknown names raise `errors.NotFound`, unusable values `errors.Invalid`; both carry `field`
    and `message`. Methods that may miss (`machine`, `brew`, `curve`) return None instead.
    """

    def __init__(self, settings: Settings) -> None:
        """Opens the data folder.

        Raises:
            DatabaseError: the folder is in use by another bridge, or a file in it is unusable.
        """
        self.settings = settings
        self._engine = Engine(settings)

    def start(self) -> None:
        """Starts the threads; returns at once, connected or not."""
        self._engine.start()

    def stop(self) -> None:
        """Everything committed, threads ended, files closed. Safe to call twice."""
        self._engine.stop()

    # --- questions
    @property
    def reviewed_at(self) -> str | None:
        """Address of the ERP in which people review checkpoints; None: they do it here."""
        return None if self._engine.mirror is None else self.settings.gateway.url

    def machines(self) -> list[MachineView]:
        """All machines ever seen, by name."""
        return [self._with_live(view) for view in self._engine.reader.machines()]

    def machine(self, mid: str) -> MachineView | None:
        view = self._engine.reader.machine(mid)
        return None if view is None else self._with_live(view)

    def _with_live(self, view: MachineView) -> MachineView:
        now = self._engine.live.snapshot(view.machine)
        return replace(
            view,
            online=self._engine.online(now.online),
            boot=now.boot,
            state=as_published(now.state),
            last_seen_ms=now.last_seen_ms,
        )

    def _known(self, mid: str) -> None:
        if self._engine.registry.machine(mid) is None:
            raise NotFound("machine", f"{mid[:40]!r} has never been seen; check its name")

    def live(self, mid: str) -> LiveView:
        """Raises NotFound for a machine never seen."""
        self._known(mid)
        now = self._engine.live.snapshot(mid)
        running = self._engine.live.curve(mid)
        return LiveView(
            machine=mid,
            online=self._engine.online(now.online),
            state=as_published(now.state),
            received_ms=now.state_ms,
            running=running is not None,
            curve=running or self._engine.curves.newest(mid),
            history=self._engine.live.history(mid),
        )

    def brews(
        self, machine: str | None = None, limit: int = 50, before: int | None = None
    ) -> list[BrewView]:
        """Newest first; `before` is the `cursor` of the last one already shown."""
        return self._engine.reader.brews(machine, limit, before)

    def brew(self, external_id: str, machine: str) -> BrewView | None:
        return next(iter(self._engine.reader.brews(machine, 1, None, external_id)), None)

    def curve(self, machine: str, boot: int, shot: int) -> Curve | None:
        """Stored curve, or the running one if it is that shot."""
        running = self._engine.live.curve(machine)
        if running is not None and (running.boot, running.shot) == (boot, shot):
            return running
        return self._engine.reader.curve(machine, boot, shot)

    def checkpoints(
        self, state: Literal["open", "done", "all"] = "open", machine: str | None = None,
        limit: int = 500, kind: CheckpointKind | None = None, before: int | None = None,
    ) -> list[CheckpointView]:  # fmt: skip
        """Newest first; `before` is the `id` of the last one already shown."""
        return self._engine.store.checkpoints(state, machine, limit, kind, before)

    def count_checkpoints(
        self, state: Literal["open", "done", "all"] = "open", machine: str | None = None,
        kind: CheckpointKind | None = None,
    ) -> int:  # fmt: skip
        return self._engine.store.count_checkpoints(state, machine, kind)

    def standing(self, views: Sequence[CheckpointView]) -> frozenset[int]:
        """Ids of those about an alarm that stands or waits to be acknowledged at its machine."""
        about = [view for view in views if view.alarm is not None]
        states = {
            machine: as_published(self._engine.live.snapshot(machine).state)
            for machine in {view.machine for view in about}
        }
        raised = self._engine.store.raised_alarms() if None in states.values() else set()
        newest: dict[tuple[str, str | None], int] = {}
        for view in about:  # those before it are of times when it had gone
            newest[view.machine, view.alarm] = max(
                view.id, newest.get((view.machine, view.alarm), 0)
            )
        return frozenset(
            view.id for view in about
            if view.id == newest[view.machine, view.alarm]
            and _stands(view, states[view.machine], raised)
        )

    def alarms(self, machine: str | None = None, limit: int = 100) -> list[AlarmView]:
        """Alarm facts, newest first."""
        return self._engine.store.alarms(machine, limit)

    def maintenance(self, machine: str | None = None, limit: int = 100) -> list[MaintenanceView]:
        """What was done to the machines, or is due, newest first."""
        return self._engine.store.maintenance(machine, limit)

    def meters(self, machine: str, limit: int = 60) -> list[MeterView]:
        """Daily totals, newest first."""
        return self._engine.store.meters(machine, limit)

    def recipes(self, mid: str) -> RecipesView:
        known = self._engine.registry.machine(mid)
        if known is None:
            raise NotFound("machine", f"{mid[:40]!r} has never been seen; check its name")
        held = self._engine.registry.recipes(mid)
        pending = {
            command.args["slot"]
            for command in self._engine.outbox.open_for(mid)
            if command.name in ("recipe.put", "recipe.delete")
        }
        return RecipesView(
            machine=mid,
            rev=None if held is None else held.rev,
            slots={} if held is None else held.slots,
            limits=known.info.get("limits", {}),
            pending=tuple(sorted(pending, key=int)),
        )

    def command(self, command_id: str) -> CommandView:
        return self._engine.outbox.command(command_id)

    def commands(
        self, machine: str | None = None, limit: int = 50, names: Sequence[str] = ()
    ) -> list[CommandView]:
        """Newest first; with `names` only of these commands."""
        return self._engine.outbox.newest(machine, limit, names)

    def quarantine(
        self, limit: int = 50, containing: str = "", before: int | None = None
    ) -> list[QuarantineView]:
        """Newest first: below id `before`, and with that text in topic, reason or external
        id."""
        return self._engine.inbox.quarantine(limit, containing, before)

    def quarantined_fact(self, machine: str, external_id: str) -> QuarantineView | None:
        """The fact `<journal>/<seq>` of that machine while it is in quarantine, else None."""
        return self._engine.inbox.quarantined_fact(machine, external_id)

    def count_quarantined(self, containing: str = "") -> int:
        return self._engine.inbox.count_quarantined(containing)

    def health(self) -> HealthView:
        latency_ms, gateway_error = self._engine.probe_result
        problems = self._engine.problems()
        return HealthView(
            ok=not problems,
            problems=tuple(problems),
            bridge=self.settings.name,
            version=program_version(),
            started_ms=self._engine.started_ms,
            mqtt_connected=self._engine.link.connected,
            gateway_ok=gateway_error is None,
            gateway_latency_ms=latency_ms,
            machines_known=self._engine.registry.count(),
            machines_online=self._engine.count_online(),
            facts_pending=self._engine.inbox.count_pending(),
            quarantined=self._engine.inbox.count_quarantined(),
            checkpoints_open=self._engine.count_checkpoints(),
            pour=self._engine.pours.state,
            counters=self._engine.metrics.totals,
        )

    def metrics(self) -> bytes:
        """Prometheus text format, for GET /metrics."""
        return self._engine.metrics.text()

    # --- orders
    def send(
        self, mid: str, name: str, args: dict[str, Any], user: str, deadline_s: float = 60
    ) -> str:
        """Writes the command down durably and returns its id; the machine has the last word.

        Raises:
            NotFound: the machine was never seen.
            Invalid: name, args or deadline_s, as far as the bridge can judge.
        """
        self._known(mid)
        if not 1 <= deadline_s <= 7 * 86_400:
            raise Invalid("deadline_s", f"{deadline_s:g} s; give 1 s to 7 days")
        deadline_ms = now_ms() + int(deadline_s * 1000)
        command_id = self._engine.outbox.submit(Order(mid, name, args, user, deadline_ms))
        self._engine.sender.worker.wake()
        log.info("command_ordered", id=command_id, machine=mid, name=name, user=user)
        return command_id

    def review(self, checkpoint_id: int, user: str, note: str = "") -> CheckpointView:
        """Marks a checkpoint as done; a second review changes nothing.

        Raises:
            NotFound: no such checkpoint.
            Invalid: with an ERP people review there, under their own name.
        """
        self._refuse_elsewhere("checkpoint_id")
        changed = self._engine.store.review(checkpoint_id, user, note[:2000], now_ms())
        view = self._engine.store.checkpoint(checkpoint_id)
        if view is None:
            raise NotFound("checkpoint_id", f"no checkpoint {checkpoint_id}; list them again")
        if changed:
            log.info("checkpoint_reviewed", id=checkpoint_id, user=user)
            self._engine.reader.changed()
        return view

    def review_all(
        self, checkpoint_ids: Sequence[int], user: str, note: str = ""
    ) -> ReviewedView:
        """Marks those of them as done that are open, except for alarms that still stand: each of
        these wants a look of its own.

        Raises:
            Invalid: with an ERP people review there, under their own name.
        """
        self._refuse_elsewhere("ids")
        views = self._engine.store.open_among(checkpoint_ids)
        standing = self.standing(views)
        wanted = [view.id for view in views if view.id not in standing]
        done = self._engine.store.review_all(wanted, user, note[:2000], now_ms())
        if done:
            log.info("checkpoints_reviewed", rows=len(done), first=min(done), last=max(done),
                     user=user)  # fmt: skip
            self._engine.reader.changed()
        return ReviewedView(tuple(done), tuple(sorted(standing)))

    def _refuse_elsewhere(self, field: str) -> None:
        if self.reviewed_at is not None:
            raise Invalid(field, f"review it in the ERP ({self.reviewed_at}); it closes here "
                          "within half a minute")  # fmt: skip

    def replay(self, quarantine_id: int) -> None:
        """Takes a quarantined message in again.

        Raises:
            NotFound: no such row.
            Invalid: it is still bad and stays where it is.
        """
        if not self._engine.inbox.replay_fact(quarantine_id):
            self._replay_message(self._engine.inbox.quarantined(quarantine_id))
        self._engine.synchronizer.worker.wake()

    def _replay_message(self, view: QuarantineView) -> None:
        if view.size_bytes > len(view.payload):
            raise Invalid("quarantine_id", "only its beginning was kept; discard it")
        self._refuse_outdated(view)
        incoming = Incoming(view.topic, view.payload, False, False, view.received_ms, True)
        intake = self._engine.new_intake()
        try:
            with self._engine.db.write() as tx:
                kind, outcome = intake.take(tx, incoming)
                if outcome.quarantined and not outcome.stored:
                    reason = self._engine.inbox.reason(tx, view.id)
                    raise Invalid("quarantine_id", f"still cannot be processed: {reason}")
                self._engine.inbox.remove_message(tx, view.id)
        except BaseException:
            intake.undone()
            raise
        self._engine.metrics.count(kind, outcome)
        intake.committed()

    def _refuse_outdated(self, view: QuarantineView) -> None:
        """What a machine has said anew since must not be undone by what it said before."""
        try:
            source = topics.read(view.topic)
            message = messages.decode(source.kind, view.payload)
        except messages.ContractError:
            return  # the intake says it better
        known = self._engine.registry.machine(source.machine)
        recipes = self._engine.registry.recipes(source.machine)
        if isinstance(message, messages.Recipes):
            old = recipes is not None and message.rev < recipes.rev
        elif isinstance(message, messages.Info | messages.Status):
            old = known is not None and known.boot is not None and message.boot < known.boot
        else:
            old = False
        if old:
            raise Invalid("quarantine_id", "the machine has sent a newer one since; discard it")

    def discard(self, quarantine_id: int, user: str) -> None:
        """Removes a quarantined message for good, on that person's word."""
        view = self._engine.inbox.discard(quarantine_id)
        log.warning(
            "quarantine_discarded", id=quarantine_id, user=user, topic=view.topic,
            reason=view.reason,
        )  # fmt: skip

    def discard_all(self, containing: str, upto: int, user: str) -> int:
        """Removes all quarantined rows up to id `upto` that contain the text; returns how many.
        What came after the person looked is above `upto` and stays."""
        count = self._engine.inbox.discard_all(containing, upto)
        log.warning(
            "quarantine_discarded", rows=count, containing=containing, upto=upto, user=user
        )
        return count


def _stands(
    view: CheckpointView, state: dict[str, Any] | None, raised: set[tuple[str, str]]
) -> bool:
    """As the machine last said; before it has said anything, by its newest fact."""
    if state is None:
        return (view.machine, view.alarm) in raised
    return view.alarm in (*state.get("alarms", ()), *state.get("latched", ()))


def program_version() -> str:
    try:
        return version("coffee-controller")
    except PackageNotFoundError:
        return "unknown"
