"""The bridge as one object: starts and stops its parts, answers questions, takes orders.

The console, the API and the command line use only this class (and views.py). Nothing of the web
may enter here. Every public method may be called from any thread and returns plain views.
"""

from __future__ import annotations

import threading
import time
from contextlib import ExitStack
from dataclasses import replace
from importlib.metadata import PackageNotFoundError, version
from typing import Any, Final, Literal

import structlog

from host_bridge import storage
from host_bridge.commands import Order, Outbox
from host_bridge.connector.batch import BatchImport
from host_bridge.contract import messages, topics
from host_bridge.cursor import Ack, Cursors
from host_bridge.curves import Curves
from host_bridge.errors import Invalid, NotFound
from host_bridge.gateway.port import Gateway
from host_bridge.inbox import Inbox
from host_bridge.intake import Incoming, Intake
from host_bridge.keeper import Keeper
from host_bridge.live import Live, as_published
from host_bridge.metrics import Metrics
from host_bridge.mqtt.ingest import Ingest
from host_bridge.mqtt.link import Link, Received
from host_bridge.orders import Orders
from host_bridge.pour import ProbeLoop
from host_bridge.pours import Pours, utc_now
from host_bridge.presence import Presences
from host_bridge.reader import Reader
from host_bridge.registry import Registry
from host_bridge.resend import hand_over
from host_bridge.sender import Sender
from host_bridge.settings import PourSettings, Settings
from host_bridge.synchronizer import Synchronizer
from host_bridge.unreadable import Unreadable
from host_bridge.views import (
    AlarmView,
    BrewView,
    CheckpointView,
    CommandView,
    Curve,
    HealthView,
    LiveView,
    MachineView,
    MeterView,
    QuarantineView,
    RecipesView,
)

log = structlog.get_logger(__name__)
HOUSEKEEPING_S: Final = 3600.0
COMMAND_DAYS: Final = 90
ACK_AGAIN_MS: Final = 2_000
DAY_MS: Final = 86_400_000
MET: Final = "erp"
"""Address and database of the ERP that answered last."""


def now_ms() -> int:
    return time.time_ns() // 1_000_000


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
        self._started_ms = now_ms()
        with ExitStack() as opened:
            self._lock_file = opened.enter_context(storage.lock(settings.data))
            self._db = storage.open_bridge(settings.data)
            opened.callback(self._db.close)
            self._store = storage.open_store(settings.data)
            opened.callback(self._store.close)
            self._mirror = storage.open_erp(settings, self._store)
            self._gateway: Gateway = self._mirror or self._store
            opened.callback(self._gateway.close)
            self._build(settings)
            self._opened = opened.pop_all()

    def _build(self, settings: Settings) -> None:
        self._metrics = Metrics()
        self._live = Live()
        self._inbox = Inbox(self._db, settings.inbox)
        self._registry = Registry(self._db)
        self._curves = Curves(self._db)
        self._cursors = Cursors(self._db)
        self._outbox = Outbox(self._db, now_ms)
        self._keeper = Keeper(self._db)
        self._intake = Intake(
            self._inbox, self._registry, self._curves, self._live, self._outbox, self,
            settings.inbox.payload_bytes,
        )  # fmt: skip
        self._ingest = Ingest(self._db, self._intake, self._metrics, self._acknowledge)
        self._link = Link(settings.mqtt, settings.name, self._ingest.put, self._connected)
        self._sender = Sender(
            self._outbox, self._link.publish, self._live.online, self._live.online_machines,
            settings.command_key, now_ms,
        )  # fmt: skip
        self._reader = Reader(settings, self._registry, self._cursors, self._curves, self._store)
        self._synchronizer = Synchronizer(
            self._db, self._inbox, self._cursors, self._registry, self._gateway,
            BatchImport(self._gateway, self._registry, self._live, settings, now_ms), settings,
            self._metrics, now_ms, self._publish_ack, self._reader.changed,
        )  # fmt: skip
        self._pours = Pours(settings.pour, self._keeper)
        self._unreadable = Unreadable(
            self._inbox, self._registry, self._keeper, self._gateway, settings
        )
        self._orders = Orders(
            self._gateway, self._outbox, self._registry, Presences(self._live),
            settings.importing.retry_max_s, now_ms, self._sender.worker.wake,
            lambda busy: self._pours.told(busy, time.monotonic()), self._slowly,
        )  # fmt: skip
        self._probe = ProbeLoop(
            self._gateway.probe, settings.pour.probe_every_s, settings.pour.probe_timeout_s,
            self._probed, time.monotonic,
        )  # fmt: skip
        self._probe_result: tuple[float | None, str | None] = (None, "not probed yet")
        self._acked_ms: dict[str, int] = {}
        self._stopping = threading.Event()
        self._housekeeper = threading.Thread(
            target=self._keep_house, name="housekeeping", daemon=True
        )
        for known in self._registry.machines():
            self._live.restore(known.machine, known.boot, known.last_seen_ms)
        self._watch()

    def _watch(self) -> None:
        watch = self._metrics.watch
        watch("coffee_connected", "1 while connected to the broker", lambda: self._link.connected)
        watch("coffee_facts_pending", "Facts not yet in the store", self._inbox.count_pending)
        watch("coffee_quarantined", "Rows in quarantine", self._inbox.count_quarantined)
        watch("coffee_machines_online", "Machines online", self._live.count_online)
        watch("coffee_checkpoints_open", "Checkpoints for a person", self._count_checkpoints)

    def start(self) -> None:
        """Starts the threads; returns at once, connected or not."""
        self._ingest.start()
        self._synchronizer.worker.start()
        self._orders.worker.start()
        self._sender.worker.start()
        self._probe.start()
        self._housekeeper.start()
        self._link.start()
        log.info("bridge_started", name=self.settings.name, data=str(self.settings.data))

    def stop(self) -> None:
        """Everything committed, threads ended, files closed. Safe to call twice."""
        if self._stopping.is_set():
            return
        self._stopping.set()
        self._link.stop()
        self._ingest.stop()
        self._synchronizer.worker.stop()
        self._orders.worker.stop()
        self._sender.worker.stop()
        self._probe.stop()
        self._opened.close()
        log.info("bridge_stopped", name=self.settings.name)

    # --- what the intake tells (see intake.Listener)
    def facts_stored(self) -> None:
        self._synchronizer.worker.wake()

    def resent(self, machine: str, journal: str) -> None:
        if now_ms() - self._acked_ms.get(machine, 0) >= ACK_AGAIN_MS:
            ack = self._cursors.of(machine, journal)
            if ack is not None:
                self._publish_ack(ack)

    def came_online(self, machine: str) -> None:
        self._outbox.again(machine)
        self._sender.worker.wake()

    def clock_wanted(self, machine: str) -> None:
        self._sender.tell_time(machine)

    def model_known(self, machine: str, model: str) -> None:
        self._synchronizer.model_known(machine, model)

    def recipes_changed(self) -> None:
        self._synchronizer.recipes_changed()

    def replied(self, command_id: str) -> None:
        command = self._outbox.command(command_id)
        self._metrics.commands.labels(command.state).inc()
        self._outbox.announce()

    # --- what the parts call
    def _acknowledge(self, received: Received) -> None:
        self._link.acknowledge(received)

    def _publish_ack(self, ack: Ack) -> None:
        if ack.seq >= 0 and self._link.publish(
            topics.ack(ack.machine), messages.ack(ack.journal, ack.seq), retain=True
        ):
            self._acked_ms[ack.machine] = now_ms()

    def _connected(self, session_present: bool) -> None:
        """The broker may have lost everything, and cursors may have moved meanwhile."""
        self._metrics.connects.inc()
        for ack in self._cursors.newest().values():
            self._publish_ack(ack)
        self._outbox.again()
        self._sender.worker.wake()

    def _probed(self, latency_ms: float | None, error: str | None) -> None:
        self._probe_result = (latency_ms, error)
        if latency_ms is not None:
            self._metrics.gateway_latency_s.observe(latency_ms / 1000)
        for pour in self._pours.probed(latency_ms, time.monotonic(), utc_now()):
            self._pour_coffee(pour)

    def _pour_coffee(self, pour: PourSettings) -> None:
        """Remembered before it is ordered: a crash here costs a coffee, never gives two."""
        deadline_ms = now_ms() + int(pour.deadline_s * 1000)
        order = Order(pour.machine or "", "brew", {"slot": pour.slot}, "pour", deadline_ms)
        command_id = self._outbox.submit(order)
        self._sender.worker.wake()
        log.info("pour", machine=pour.machine, command=command_id)

    def _slowly(self) -> None:
        """What has to do with the ERP and no hurry."""
        self._meet_erp()
        if self._mirror is not None and self._mirror.follow_reviews():
            self._reader.changed()
        self._unreadable.report()

    def _meet_erp(self) -> None:
        """An ERP not met before gets what is still to be reviewed here, before it is asked about
        that: what it does not know counts as reviewed. Its past it gets when a person wants it."""
        gateway = self.settings.gateway
        erp = None if self._mirror is None else [gateway.url, gateway.database]
        if self._keeper.get(MET) == erp:
            return
        if self._mirror is not None:
            log.info(
                "erp_met", url=gateway.url, database=gateway.database,
                checkpoints=hand_over(self._store.history, self._gateway),
                facts_before=len(self._store.history.keys(None, 0)),
                cure="coffee-bridge resend sends the facts from before, if they are wanted there",
            )  # fmt: skip
        self._keeper.put(MET, erp)

    def _keep_house(self) -> None:
        while not self._stopping.wait(HOUSEKEEPING_S):
            try:
                facts, messages_dropped = self._inbox.purge(now_ms())
                self._outbox.purge(now_ms() - COMMAND_DAYS * DAY_MS)
                self._curves.purge(now_ms() - int(self.settings.inbox.curve_days * DAY_MS))
                log.info("housekeeping", facts=facts, messages=messages_dropped)
            except Exception:
                log.exception("housekeeping_failed")

    def _count_checkpoints(self) -> int:
        return sum(self._store.open_checkpoints().values())

    # --- questions
    @property
    def reviewed_at(self) -> str | None:
        """Address of the ERP in which people review checkpoints; None: they do it here."""
        return None if self._mirror is None else self.settings.gateway.url

    def machines(self) -> list[MachineView]:
        """All machines ever seen, by name."""
        return [self._with_live(view) for view in self._reader.machines()]

    def machine(self, mid: str) -> MachineView | None:
        view = self._reader.machine(mid)
        return None if view is None else self._with_live(view)

    def _with_live(self, view: MachineView) -> MachineView:
        now = self._live.snapshot(view.machine)
        return replace(
            view,
            online=now.online,
            boot=now.boot,
            state=as_published(now.state),
            last_seen_ms=now.last_seen_ms,
        )

    def _known(self, mid: str) -> None:
        if self._registry.machine(mid) is None:
            raise NotFound("machine", f"no machine {mid[:40]!r} was ever seen; check its name")

    def live(self, mid: str) -> LiveView:
        """Raises NotFound for a machine never seen."""
        self._known(mid)
        now = self._live.snapshot(mid)
        running = self._live.curve(mid)
        return LiveView(
            machine=mid,
            online=now.online,
            state=as_published(now.state),
            received_ms=now.state_ms,
            running=running is not None,
            curve=running or self._curves.newest(mid),
            history=self._live.history(mid),
        )

    def brews(
        self, machine: str | None = None, limit: int = 50, before: int | None = None
    ) -> list[BrewView]:
        """Newest first; `before` is the `cursor` of the last one already shown."""
        return self._reader.brews(machine, limit, before)

    def brew(self, external_id: str, machine: str) -> BrewView | None:
        return next(iter(self._reader.brews(machine, 1, None, external_id)), None)

    def curve(self, machine: str, boot: int, shot: int) -> Curve | None:
        """Stored curve, or the running one if it is that shot."""
        running = self._live.curve(machine)
        if running is not None and (running.boot, running.shot) == (boot, shot):
            return running
        return self._reader.curve(machine, boot, shot)

    def checkpoints(
        self, state: Literal["open", "done", "all"] = "open", machine: str | None = None
    ) -> list[CheckpointView]:
        return self._store.checkpoints(state, machine)

    def alarms(self, machine: str | None = None, limit: int = 100) -> list[AlarmView]:
        """Alarm facts, newest first."""
        return self._store.alarms(machine, limit)

    def meters(self, machine: str, limit: int = 60) -> list[MeterView]:
        """Daily totals, newest first."""
        return self._store.meters(machine, limit)

    def recipes(self, mid: str) -> RecipesView:
        known = self._registry.machine(mid)
        if known is None:
            raise NotFound("machine", f"no machine {mid[:40]!r} was ever seen; check its name")
        held = self._registry.recipes(mid)
        pending = {
            command.args["slot"]
            for command in self._outbox.open_for(mid)
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
        return self._outbox.command(command_id)

    def commands(self, machine: str | None = None, limit: int = 50) -> list[CommandView]:
        """Newest first."""
        return self._outbox.newest(machine, limit)

    def quarantine(
        self, limit: int = 50, containing: str = "", before: int | None = None
    ) -> list[QuarantineView]:
        """Newest first: below id `before`, and with that text in topic or reason."""
        return self._inbox.quarantine(limit, containing, before)

    def count_quarantined(self, containing: str = "") -> int:
        return self._inbox.count_quarantined(containing)

    def health(self) -> HealthView:
        latency_ms, gateway_error = self._probe_result
        problems = self._problems(gateway_error)
        return HealthView(
            ok=not problems,
            problems=tuple(problems),
            bridge=self.settings.name,
            version=program_version(),
            started_ms=self._started_ms,
            mqtt_connected=self._link.connected,
            gateway_ok=gateway_error is None,
            gateway_latency_ms=latency_ms,
            machines_known=self._registry.count(),
            machines_online=self._live.count_online(),
            facts_pending=self._inbox.count_pending(),
            quarantined=self._inbox.count_quarantined(),
            checkpoints_open=self._count_checkpoints(),
            pour=self._pours.state,
            counters=self._metrics.totals,
        )

    @property
    def _gateway_name(self) -> str:
        return "store" if self._mirror is None else f"Odoo at {self.settings.gateway.url}"

    def _problems(self, gateway_error: str | None) -> list[str]:
        found = []
        if not self._link.connected:
            mqtt = self.settings.mqtt
            found.append(f"broker {mqtt.host}:{mqtt.port}: {self._link.problem}; is it running?")
        if self._link.conflict:
            found.append(self._link.conflict)
        if self._ingest.problem:
            found.append(self._ingest.problem)
        if gateway_error:
            found.append(f"{self._gateway_name}: {gateway_error}")
        for what, worker in (
            ("import", self._synchronizer.worker), ("orders", self._orders.worker),
            ("commands", self._sender.worker),
        ):
            if worker.problem and worker.problem != gateway_error:
                found.append(f"{what}: {worker.problem}")
        found += self._pours.problems
        for name, part in (
            ("ingest", self._ingest),
            ("synchronizer", self._synchronizer.worker),
            ("orders", self._orders.worker),
            ("commands", self._sender.worker),
        ):
            if not part.alive:
                found.append(f"{name}: its thread has ended; restart the bridge and report it")
        return found

    def metrics(self) -> bytes:
        """Prometheus text format, for GET /metrics."""
        return self._metrics.text()

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
        command_id = self._outbox.submit(Order(mid, name, args, user, deadline_ms))
        self._sender.worker.wake()
        log.info("command_ordered", id=command_id, machine=mid, name=name, user=user)
        return command_id

    def wait(self, command_id: str, timeout_s: float) -> CommandView:
        """The command once decided (ok, refused, expired), or as it stands at the timeout."""
        return self._outbox.wait(command_id, timeout_s)

    def review(self, checkpoint_id: int, user: str, note: str = "") -> CheckpointView:
        """Marks a checkpoint as done; a second review changes nothing.

        Raises:
            NotFound: no such checkpoint.
            Invalid: with an ERP people review there, under their own name.
        """
        if self.reviewed_at is not None:
            raise Invalid("checkpoint_id", f"review it in the ERP ({self.reviewed_at}); it closes "
                          "here within half a minute")  # fmt: skip
        changed = self._store.review(checkpoint_id, user, note[:2000], now_ms())
        view = self._store.checkpoint(checkpoint_id)
        if view is None:
            raise NotFound("checkpoint_id", f"no checkpoint {checkpoint_id}; list them again")
        if changed:
            log.info("checkpoint_reviewed", id=checkpoint_id, user=user)
            self._reader.changed()
        return view

    def replay(self, quarantine_id: int) -> None:
        """Takes a quarantined message in again.

        Raises:
            NotFound: no such row.
            Invalid: it is still bad and stays where it is.
        """
        if not self._inbox.replay_fact(quarantine_id):
            self._replay_message(self._inbox.quarantined(quarantine_id))
        self._synchronizer.worker.wake()

    def _replay_message(self, view: QuarantineView) -> None:
        if view.size_bytes > len(view.payload):
            raise Invalid("quarantine_id", "only its beginning was kept; discard it")
        incoming = Incoming(view.topic, view.payload, False, False, view.received_ms)
        try:
            with self._db.write() as tx:
                kind, outcome = self._intake.take(tx, incoming)
                if outcome.quarantined and not outcome.stored:
                    reason = self._inbox.reason(tx, view.id)
                    raise Invalid("quarantine_id", f"still bad: {reason}")
                self._inbox.remove_message(tx, view.id)
        except BaseException:
            self._intake.undone()
            raise
        self._metrics.count(kind, outcome)
        self._intake.committed()

    def discard(self, quarantine_id: int, user: str) -> None:
        """Removes a quarantined message for good, on that person's word."""
        view = self._inbox.discard(quarantine_id)
        log.warning(
            "quarantine_discarded", id=quarantine_id, user=user, topic=view.topic,
            reason=view.reason,
        )  # fmt: skip

    def discard_all(self, containing: str, upto: int, user: str) -> int:
        """Removes all quarantined rows up to id `upto` that contain the text; returns how many.
        What came after the person looked is above `upto` and stays."""
        count = self._inbox.discard_all(containing, upto)
        log.warning(
            "quarantine_discarded", rows=count, containing=containing, upto=upto, user=user
        )
        return count


def program_version() -> str:
    try:
        return version("coffee-controller")
    except PackageNotFoundError:
        return "unknown"
