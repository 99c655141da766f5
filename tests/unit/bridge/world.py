"""The bridge's parts on real SQLite files, without threads and without a broker: messages are
handed to the intake, one `sync()` is one pass of the synchronizer, and time is a number.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from host_bridge import storage
from host_bridge.commands import Outbox
from host_bridge.connector.batch import BatchImport
from host_bridge.cursor import Ack, Cursors
from host_bridge.curves import Curves
from host_bridge.gateway.embedded import EmbeddedStore
from host_bridge.gateway.port import BackendDraft, BackendRecord, BusySigns, FactPush, Pushed
from host_bridge.inbox import Inbox, Outcome
from host_bridge.intake import Incoming, Intake
from host_bridge.live import Live
from host_bridge.losses import Losses
from host_bridge.metrics import Metrics
from host_bridge.orders import Orders
from host_bridge.presence import Presences
from host_bridge.registry import Registry
from host_bridge.service import Bridge
from host_bridge.settings import Settings
from host_bridge.synchronizer import Synchronizer
from tests.support.contract import load_asyncapi

ASYNCAPI = load_asyncapi()
JOURNAL = "9f3a51c2"
UTC_MS = 1_767_225_600_000  # 2026-01-01
TABLES = ("coffee_brew", "coffee_alarm", "coffee_meter", "coffee_maintenance", "coffee_event")


def example(kind: str, number: int = 0) -> dict[str, Any]:
    payload = ASYNCAPI["components"]["messages"][kind]["examples"][number]["payload"]
    return json.loads(json.dumps(payload))


def fact(seq: int, kind: str = "maintenance", **changes: Any) -> dict[str, Any]:
    """A fact as the contract's examples have it."""
    messages = ASYNCAPI["components"]["messages"]["journal"]["examples"]
    found = next(f for m in messages for f in m["payload"]["facts"] if f["kind"] == kind)
    return {**found, "seq": seq, **changes}


def journal(facts: Sequence[dict[str, Any]], **changes: Any) -> dict[str, Any]:
    return {**example("journal"), "seq": facts[0]["seq"], "facts": list(facts), **changes}


class Recorder:
    """Writes down what the intake tells."""

    def __init__(self) -> None:
        self.told: list[tuple[str, ...]] = []

    def __getattr__(self, name: str) -> Any:
        return lambda *words: self.told.append((name, *words))


class FaultyGateway:
    """The embedded store behind faults that a healthy SQLite will not produce by itself."""

    def __init__(self, store: Any) -> None:
        self._store = store
        self.fault: Exception | None = None
        self.refuse: set[str] = set()
        """coffee_ids the ERP refuses."""
        self.pushes = 0

    def __getattr__(self, name: str) -> Any:
        if self.fault is not None:
            raise self.fault
        return getattr(self._store, name)

    def push(self, facts: Sequence[FactPush]) -> list[Pushed]:
        self.pushes += 1
        if self.fault is not None:
            raise self.fault
        taken = iter(self._store.push([f for f in facts if f.coffee_id not in self.refuse]))
        refused = Pushed("refused", "coffee_id: refused for this test; remove it there")
        return [refused if f.coffee_id in self.refuse else next(taken) for f in facts]


def bound(store: EmbeddedStore, machine: str) -> list[str]:
    """External ids of all fact records of a machine, sorted; doubles would show."""
    rows = store._db.read(
        " UNION ALL ".join(
            f"SELECT coffee_id FROM {table} JOIN coffee_backend AS b ON b.id=backend_id"
            " WHERE machine=:machine"
            for table in TABLES
        ),
        {"machine": machine},
    )
    return sorted(row["coffee_id"] for row in rows)


class World:
    def __init__(self, folder: Path, **settings: Any) -> None:
        self.settings = Settings(data=folder, **settings)
        self.now_ms = UTC_MS
        self.acks: list[Ack] = []
        self.db = storage.open_bridge(folder)
        self.store = storage.open_store(folder)
        self.gateway = FaultyGateway(self.store)
        self.boot()

    def boot(self) -> None:
        """As after a restart: everything in memory is new."""
        self.live = Live()
        self.metrics = Metrics()
        self.inbox = Inbox(self.db, self.settings.inbox)
        self.registry = Registry(self.db)
        self.cursors = Cursors(self.db)
        self.curves = Curves(self.db)
        self.outbox = Outbox(self.db, lambda: self.now_ms)
        self.recorder = Recorder()
        self.intake = Intake(
            self.inbox, self.registry, self.curves, self.live, self.outbox, self.recorder,
            self.settings.inbox.payload_bytes,
        )  # fmt: skip
        losses = Losses(self.inbox, self.store.seqs, self.store.told)
        self.batch = BatchImport(
            self.gateway, self.registry, self.live, self.settings, lambda: self.now_ms, losses,
            self.store.holds,
        )  # fmt: skip
        self.synchronizer = Synchronizer(
            self.db, self.inbox, self.cursors, self.registry, self.gateway, self.batch,
            self.settings, self.metrics, lambda: self.now_ms, self.acks.append, lambda: None,
            losses,
        )  # fmt: skip
        self.busy: list[BusySigns] = []
        self.orders = Orders(
            self.gateway, self.outbox, self.registry, Presences(self.live), 30,
            lambda: self.now_ms, lambda: None, self.busy.append,
        )  # fmt: skip

    def close(self) -> None:
        self.db.close()
        self.store.close()

    def take(
        self, kind: str, payload: dict[str, Any] | bytes, machine: str = "m1",
        live: bool = True, retain: bool = False,
    ) -> Outcome:  # fmt: skip
        """One message, one commit."""
        raw = payload if isinstance(payload, bytes) else json.dumps(payload).encode()
        return self.take_raw(f"coffee/v1/{machine}/{kind}", raw, live, retain)

    def take_raw(self, topic: str, raw: bytes, live: bool = True, retain: bool = False) -> Outcome:
        with self.db.write() as tx:
            self.intake.begin(tx)
            kind, outcome = self.intake.take(tx, Incoming(topic, raw, retain, live, self.now_ms))
        self.metrics.count(kind, outcome)
        self.intake.committed()
        return outcome

    def introduce(
        self, machine: str = "m1", model: str = "2900", serial: str | None = None
    ) -> None:
        """Birth and info."""
        self.take("status", example("status"), machine)
        info = {**example("info"), "model": model, "serial": serial or f"serial-{machine}"}
        self.take("info", info, machine)
        self.synchronizer.model_known(machine, model)

    def sync(self) -> None:
        while self.synchronizer.step():
            pass
        while self.orders.step():
            pass

    def backend(self, machine: str = "m1", version: str = "2900") -> BackendRecord:
        return self.store.save_backends([BackendDraft(machine, version)])[0]

    def bound(self, machine: str = "m1") -> list[str]:
        return bound(self.store, machine)

    def rows(self, table: str) -> list[dict[str, Any]]:
        return [dict(row) for row in self.store._db.read(f"SELECT * FROM {table} ORDER BY id")]

    def held(self, machine: str = "m1", journal: str = JOURNAL) -> int | None:
        ack = self.cursors.of(machine, journal)
        return None if ack is None else ack.seq


__all__ = ["JOURNAL", "UTC_MS", "FaultyGateway", "World", "example", "fact", "journal"]


def take(bridge: Bridge, kind: str, payload: dict[str, Any] | bytes, machine: str = "m1") -> None:
    """A message as it comes to a whole bridge."""
    raw = payload if isinstance(payload, bytes) else json.dumps(payload).encode()
    engine = bridge._engine
    with engine.db.write() as tx:
        engine.intake.take(
            tx, Incoming(f"coffee/v1/{machine}/{kind}", raw, False, True, 1_767_225_600_000)
        )
    engine.intake.committed()
