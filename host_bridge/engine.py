"""What runs in a bridge: builds the parts, starts and stops them, tells each what it must hear.

`Bridge` (service.py) is the front of it; nobody else reaches in here.
"""

from __future__ import annotations

import sqlite3
import threading
import time
from contextlib import ExitStack
from typing import Final

import structlog

from host_bridge import storage
from host_bridge.commands import Order, Outbox
from host_bridge.connector.batch import BatchImport
from host_bridge.contract import messages, topics
from host_bridge.cursor import Ack, Cursors
from host_bridge.curves import Curves
from host_bridge.gateway.port import Gateway
from host_bridge.inbox import Inbox
from host_bridge.intake import Intake
from host_bridge.keeper import Keeper
from host_bridge.live import Live
from host_bridge.losses import Losses
from host_bridge.metrics import Metrics
from host_bridge.mqtt.ingest import Ingest
from host_bridge.mqtt.link import Link, Received
from host_bridge.orders import Orders
from host_bridge.pours import Pours, utc_now
from host_bridge.presence import Presences
from host_bridge.probe import ProbeLoop
from host_bridge.reader import Reader
from host_bridge.registry import Registry
from host_bridge.resend import hand_over
from host_bridge.sender import Sender
from host_bridge.settings import PourSettings, Settings
from host_bridge.synchronizer import Synchronizer
from host_bridge.unreadable import Unreadable

log = structlog.get_logger(__name__)
HOUSEKEEPING_S: Final = 3600.0
COMMAND_DAYS: Final = 90
ACK_AGAIN_S: Final = 2.0
DAY_MS: Final = 86_400_000
MET: Final = "erp"
"""Address and database of the ERP that answered last."""
NOT_COMPARED: Final = (
    "free disk space if it is full; if store.sqlite is damaged, stop the bridge, restore the file "
    "from a backup or move it away, and start again"
)


def now_ms() -> int:
    return time.time_ns() // 1_000_000


class Engine:
    """The parts of one bridge over one data folder and one broker."""

    def __init__(self, settings: Settings) -> None:
        """Opens the data folder.

        Raises:
            DatabaseError: the folder is in use by another bridge, or a file in it is unusable.
        """
        self.settings = settings
        self.started_ms = now_ms()
        with ExitStack() as opened:
            self._lock_file = opened.enter_context(storage.lock(settings.data))
            self.db = storage.open_bridge(settings.data)
            opened.callback(self.db.close)
            self.store = storage.open_store(settings.data)
            opened.callback(self.store.close)
            self.mirror = storage.open_erp(settings, self.store)
            self.gateway: Gateway = self.mirror or self.store
            opened.callback(self.gateway.close)
            self._build(settings)
            self._opened = opened.pop_all()

    def _build(self, settings: Settings) -> None:
        self.metrics = Metrics()
        self.live = Live()
        self.inbox = Inbox(self.db, settings.inbox)
        self.registry = Registry(self.db)
        self.curves = Curves(self.db)
        self._cursors = Cursors(self.db)
        self.outbox = Outbox(
            self.db, now_ms, lambda machine: settings.command_key(machine) is not None
        )
        self._keeper = Keeper(self.db)
        self.intake = self.new_intake()
        self.ingest = Ingest(self.db, self.intake, self.metrics, self._acknowledge)
        self.link = Link(settings.mqtt, settings.name, self.ingest.put, self._connected)
        self.sender = Sender(
            self.outbox, self.link.publish, self.live.online_machines, self.live.boot_of,
            settings.command_key, now_ms, self.metrics.commands.labels("expired").inc,
        )  # fmt: skip
        self.reader = Reader(settings, self.registry, self._cursors, self.curves, self.store)
        losses = Losses(self.inbox, self.store.seqs, self.store.told)
        self.synchronizer = Synchronizer(
            self.db, self.inbox, self._cursors, self.registry, self.gateway,
            BatchImport(
                self.gateway, self.registry, self.live, settings, now_ms, losses,
                self.store.holds,
            ), settings, self.metrics, now_ms, self._publish_ack, self.reader.changed, losses,
        )  # fmt: skip
        self.pours = Pours(settings.pour, self._keeper)
        self._unreadable = Unreadable(
            self.inbox, self.registry, self._keeper, self.gateway, settings
        )
        self.orders = Orders(
            self.gateway, self.outbox, self.registry, Presences(self.live, self.online),
            settings.importing.retry_max_s, now_ms, self.sender.worker.wake,
            lambda busy: self.pours.told(busy, time.monotonic()), self._slowly,
        )  # fmt: skip
        self._probe = ProbeLoop(
            self.gateway.probe, settings.pour.probe_every_s, settings.pour.probe_timeout_s,
            self._probed, time.monotonic,
        )  # fmt: skip
        self.probe_result: tuple[float | None, str | None] = (None, "not probed yet")
        self._acked_s: dict[str, float] = {}
        self._stopping = threading.Event()
        self._housekeeper = threading.Thread(
            target=self._keep_house, name="housekeeping", daemon=True
        )
        self._fill_store()
        for known in self.registry.machines():
            self.live.restore(known.machine, known.boot, known.last_seen_ms)
        self._watch()

    def _fill_store(self) -> None:
        """A file that is damaged further in, or a full disk, is no reason not to start: without
        the bridge no machine can be commanded, and the machines keep what is not acknowledged."""
        try:
            again = self.inbox.import_again(self.store.holds, self.store.seqs)
        except sqlite3.Error as error:
            log.warning("store_not_compared", error=str(error), cure=NOT_COMPARED)
        else:
            if again:
                log.warning("store_was_older", facts=again, cure="none needed: they come again")

    def new_intake(self) -> Intake:
        """One for each thread that takes in: what one has not written yet is not another's."""
        return Intake(
            self.inbox, self.registry, self.curves, self.live, self.outbox, self,
            self.settings.inbox.payload_bytes,
        )  # fmt: skip

    def _watch(self) -> None:
        watch = self.metrics.watch
        watch("coffee_connected", "1 while connected to the broker", lambda: self.link.connected)
        watch("coffee_facts_pending", "Facts not yet in the store", self.inbox.count_pending)
        watch("coffee_quarantined", "Rows in quarantine", self.inbox.count_quarantined)
        watch("coffee_machines_online", "Machines online", self.count_online)
        watch("coffee_checkpoints_open", "Checkpoints not yet reviewed", self.count_checkpoints)

    def start(self) -> None:
        """Starts the threads; returns at once, connected or not."""
        self.ingest.start()
        self.synchronizer.worker.start()
        self.orders.worker.start()
        self.sender.worker.start()
        self._probe.start()
        self._housekeeper.start()
        self.link.start()
        log.info("bridge_started", name=self.settings.name, data=str(self.settings.data))

    def stop(self) -> None:
        """Everything committed, threads ended, files closed. Safe to call twice."""
        if self._stopping.is_set():
            return
        self._stopping.set()
        self.ingest.refuse()
        self.link.stop()
        self.ingest.stop()
        self.synchronizer.worker.stop()
        self.orders.worker.stop()
        self.sender.worker.stop()
        self._probe.stop()
        self._opened.close()
        log.info("bridge_stopped", name=self.settings.name)

    @property
    def _gateway_name(self) -> str:
        return "store" if self.mirror is None else f"Odoo at {self.settings.gateway.url}"

    def problems(self) -> list[str]:
        """What is wrong now, each with what to do."""
        gateway_error = self.probe_result[1]
        found = []
        if not self.link.connected:
            mqtt = self.settings.mqtt
            found.append(f"broker {mqtt.host}:{mqtt.port}: {self.link.problem}")
        if self.link.conflict:
            found.append(self.link.conflict)
        if self.ingest.problem:
            found.append(self.ingest.problem)
        if gateway_error:
            found.append(f"{self._gateway_name}: {gateway_error}")
        for what, worker in (
            ("import", self.synchronizer.worker), ("orders", self.orders.worker),
            ("commands", self.sender.worker),
        ):
            if worker.problem and worker.problem != gateway_error:
                found.append(f"{what}: {worker.problem}")
        found += self.pours.problems
        for name, part in (
            ("ingest", self.ingest),
            ("synchronizer", self.synchronizer.worker),
            ("orders", self.orders.worker),
            ("commands", self.sender.worker),
        ):
            if not part.alive:
                found.append(f"{name}: its thread has died; restart the bridge and report it")
        return found

    # --- what the intake tells (see intake.Listener)
    def facts_stored(self) -> None:
        self.synchronizer.worker.wake()

    def resent(self, machine: str, journal: str) -> None:
        if time.monotonic() - self._acked_s.get(machine, -ACK_AGAIN_S) >= ACK_AGAIN_S:
            ack = self._cursors.of(machine, journal)
            if ack is not None:
                self._publish_ack(ack)

    def came_online(self, machine: str) -> None:
        self.outbox.again(machine)
        self.sender.worker.wake()

    def clock_wanted(self, machine: str) -> None:
        self.sender.tell_time(machine)

    def model_known(self, machine: str, model: str) -> None:
        self.synchronizer.model_known(machine, model)

    def recipes_changed(self) -> None:
        self.synchronizer.recipes_changed()

    def replied(self, command_id: str) -> None:
        command = self.outbox.command(command_id)
        self.metrics.commands.labels(command.state).inc()

    # --- what the parts call
    def _acknowledge(self, received: Received) -> None:
        self.link.acknowledge(received)

    def _publish_ack(self, ack: Ack) -> None:
        if ack.seq >= 0 and self.link.publish(
            topics.ack(ack.machine), messages.ack(ack.journal, ack.seq), retain=True
        ):
            self._acked_s[ack.machine] = time.monotonic()

    def _connected(self, session_present: bool) -> None:
        """The broker may have lost everything, and cursors may have moved meanwhile."""
        self.metrics.connects.inc()
        if not session_present:
            self.live.broker_forgot()
        for ack in self._cursors.newest().values():
            self._publish_ack(ack)
        self.outbox.again()
        self.sender.worker.wake()

    def _probed(self, latency_ms: float | None, error: str | None) -> None:
        self.probe_result = (latency_ms, error)
        if latency_ms is not None:
            self.metrics.gateway_latency_s.observe(latency_ms / 1000)
        for pour in self.pours.probed(latency_ms, time.monotonic(), utc_now()):
            self._pour_coffee(pour)

    def _pour_coffee(self, pour: PourSettings) -> None:
        """Remembered before it is ordered: a crash here costs a coffee, never gives two."""
        deadline_ms = now_ms() + int(pour.deadline_s * 1000)
        order = Order(pour.machine or "", "brew", {"slot": pour.slot}, "pour", deadline_ms)
        command_id = self.outbox.submit(order)
        self.sender.worker.wake()
        log.info("pour", machine=pour.machine, command=command_id)

    def _slowly(self) -> None:
        """What has to do with the ERP and no hurry."""
        self.reader.changed()  # checkpoints come without facts too
        self._meet_erp()
        if self.mirror is not None and self.mirror.follow_reviews():
            self.reader.changed()
        self._unreadable.report()

    def _meet_erp(self) -> None:
        """An ERP not met before gets what is still to be reviewed here, before it is asked about
        that: what it does not know counts as reviewed. Its past it gets when a person wants it."""
        gateway = self.settings.gateway
        erp = None if self.mirror is None else [gateway.url, gateway.database]
        if self._keeper.get(MET) == erp:
            return
        if self.mirror is not None:
            log.info(
                "erp_met", url=gateway.url, database=gateway.database,
                checkpoints=hand_over(self.store.history, self.gateway),
                facts_before=len(self.store.history.keys(None, 0)),
                cure="to send the ERP the facts from before it, run coffee-bridge resend",
            )  # fmt: skip
        self._keeper.put(MET, erp)

    def _keep_house(self) -> None:
        while not self._stopping.wait(HOUSEKEEPING_S):
            try:
                facts, messages_dropped = self.inbox.purge(now_ms())
                self.outbox.purge(now_ms() - COMMAND_DAYS * DAY_MS)
                self.curves.purge(now_ms() - int(self.settings.inbox.curve_days * DAY_MS))
                log.info("housekeeping", facts=facts, messages=messages_dropped)
            except Exception:
                log.exception("housekeeping_failed")

    def online(self, heard: bool) -> bool:
        """Whether a machine that was `heard` to be there is; while the broker is away nobody
        knows, and none can be reached."""
        return heard and self.link.connected

    def count_online(self) -> int:
        return self.live.count_online() if self.link.connected else 0

    def count_checkpoints(self) -> int:
        return sum(self.store.open_checkpoints().values())
