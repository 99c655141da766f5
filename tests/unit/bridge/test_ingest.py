"""The writer thread: nothing is acknowledged before the disk has it, whatever the disk does."""

from __future__ import annotations

import json
import sqlite3
import threading
import time
from collections.abc import Callable
from typing import Any

from host_bridge.mqtt.ingest import FLEETING_QUEUE, Ingest
from host_bridge.mqtt.link import Received
from tests.unit.bridge.world import UTC_MS, World, fact, journal


def received(seq: int, qos: int = 1) -> Received:
    raw = json.dumps(journal([fact(seq)], first=1)).encode()
    return Received("coffee/v1/m1/journal", raw, False, True, UTC_MS, qos, seq, 1)


def eventually(holds: Callable[[], Any], seconds: float = 20) -> None:
    until = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < until, "it never came about"
        time.sleep(0.01)


class SickDisk:
    """The database, refusing to commit while it is sick."""

    def __init__(self, db: Any) -> None:
        self._db = db
        self.path = db.path
        self.sick = threading.Event()
        self.refused = 0

    def write(self) -> Any:
        if self.sick.is_set():
            self.refused += 1
            raise sqlite3.OperationalError("database or disk is full")
        return self._db.write()


def test_acknowledged_only_when_the_inbox_holds_it(world: World) -> None:
    acked: list[int] = []
    held: list[bool] = []

    def acknowledge(message: Received) -> None:
        acked.append(message.mid)
        rows = world.db.read("SELECT 1 FROM fact WHERE seq=?", (message.mid,))
        held.append(bool(rows))

    ingest = Ingest(world.db, world.intake, world.metrics, acknowledge)
    ingest.start()
    for seq in range(1, 501):
        ingest.put(received(seq))
    ingest.stop()
    assert acked == list(range(1, 501))
    assert all(held)


def test_a_commit_is_on_the_disk_and_not_only_on_its_way(world: World) -> None:
    """A power cut comes after the acknowledgement, too: in WAL mode only FULL (2) waits for it."""
    for db in (world.db, world.store._db):
        assert db._writer is not None
        assert db._writer.execute("PRAGMA synchronous").fetchone()[0] == 2
        assert db._writer.execute("PRAGMA journal_mode").fetchone()[0] == "wal"


def test_a_full_disk_acknowledges_nothing_and_loses_nothing(world: World) -> None:
    disk = SickDisk(world.db)
    disk.sick.set()
    acked: list[int] = []
    ingest = Ingest(disk, world.intake, world.metrics, lambda m: acked.append(m.mid))  # type: ignore[arg-type]
    ingest.start()
    for seq in (1, 2, 3):
        ingest.put(received(seq))
    eventually(lambda: disk.refused >= 2)
    assert acked == []
    assert ingest.problem is not None and "disk is full; free disk space" in ingest.problem
    disk.sick.clear()
    eventually(lambda: len(acked) == 3)
    ingest.stop()
    assert (acked, world.inbox.count_pending(), ingest.problem) == ([1, 2, 3], 3, None)
    totals = world.metrics.totals
    assert totals["matched"] == totals["stored"] == 3


def test_too_little_memory_for_now_is_waited_out(world: World) -> None:
    acked: list[int] = []
    ingest = Ingest(world.db, world.intake, world.metrics, lambda m: acked.append(m.mid))
    commit, failures = ingest._commit, iter([MemoryError()])

    def short(group: list[Received]) -> Any:
        for error in failures:
            raise error
        return commit(group)

    ingest._commit = short  # type: ignore[method-assign]
    ingest.start()
    ingest.put(received(1))
    eventually(lambda: acked == [1] or not ingest.alive)
    assert (ingest.alive, world.inbox.count_pending()) == (True, 1)
    ingest.stop()


def test_stopping_on_a_full_disk_ends_without_acknowledging(world: World) -> None:
    disk = SickDisk(world.db)
    disk.sick.set()
    acked: list[int] = []
    ingest = Ingest(disk, world.intake, world.metrics, lambda m: acked.append(m.mid))  # type: ignore[arg-type]
    ingest.start()
    ingest.put(received(1))
    eventually(lambda: disk.refused)
    ingest.stop()
    assert not ingest.alive
    assert acked == []


def test_under_load_only_what_may_be_lost_is_dropped(world: World) -> None:
    ingest = Ingest(world.db, world.intake, world.metrics, lambda m: None)
    for _ in range(FLEETING_QUEUE + 10):
        ingest.put(received(1, qos=0))
    for _ in range(5):
        ingest.put(received(1, qos=1))
    assert ingest._queue.qsize() == FLEETING_QUEUE + 1 + 5
    dropped = world.metrics.live_dropped._value.get()
    assert dropped == 9


def test_a_listener_that_fails_does_not_stop_the_ingest(world: World) -> None:
    def fails() -> None:
        raise RuntimeError("listener")

    world.recorder.facts_stored = fails  # type: ignore[attr-defined]
    acked: list[int] = []
    ingest = Ingest(world.db, world.intake, world.metrics, lambda m: acked.append(m.mid))
    ingest.start()
    ingest.put(received(1))
    eventually(lambda: acked == [1])
    ingest.put(received(2))
    eventually(lambda: acked == [1, 2])
    ingest.stop()
