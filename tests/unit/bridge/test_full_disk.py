"""A disk that is full or fails: the bridge goes on, says so, and can be stopped."""

from __future__ import annotations

import contextlib
import json
import queue
import sqlite3
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient

from host_bridge.cli.api import token
from host_bridge.engine import Engine
from host_bridge.gateway.port import Transient
from host_bridge.mqtt.ingest import Ingest
from host_bridge.mqtt.link import Received
from host_bridge.probe import ProbeLoop
from host_bridge.service import Bridge
from host_bridge.settings import MqttSettings, Settings
from host_bridge.web.app import build_api
from tests.unit.bridge.test_ingest import eventually
from tests.unit.bridge.world import UTC_MS, World, example, fact, journal, take


def test_the_probe_goes_on_when_its_result_could_not_be_written_down() -> None:
    told: list[str | None] = []
    again = threading.Event()

    def result(_: float | None, error: str | None) -> None:
        told.append(error)
        if len(told) == 1:
            raise OSError("disk full")
        again.set()

    loop = ProbeLoop(lambda: None, 0.01, 1, result, __import__("time").monotonic)
    loop.start()
    try:
        assert again.wait(3)
    finally:
        loop.stop()


def test_a_probe_that_hangs_is_told_again_and_again_and_has_none_beside_it() -> None:
    asked: list[None] = []
    told: list[tuple[float | None, str | None]] = []
    hangs, enough = threading.Event(), threading.Event()

    def probe() -> None:
        asked.append(None)
        hangs.wait(60)

    def result(latency_ms: float | None, error: str | None) -> None:
        told.append((latency_ms, error))
        if len(told) == 3:
            enough.set()

    loop = ProbeLoop(probe, 0.01, 0.01, result, time.monotonic)
    loop.start()
    try:
        assert enough.wait(30)
        assert set(told) == {(None, "no answer within 0.01 s")} and len(asked) == 1
    finally:
        hangs.set()
        loop.stop()


def test_a_review_while_the_store_is_busy_is_told_as_such(
    bridge: Bridge, monkeypatch: pytest.MonkeyPatch
) -> None:
    def busy(*_: Any) -> Any:
        raise Transient("the store is not available: disk I/O error")

    monkeypatch.setattr(bridge._engine.store, "review", busy)
    http = TestClient(build_api(bridge), raise_server_exceptions=False)

    answer = http.post("/api/checkpoints/1/review", json={},
                       headers={"Authorization": f"Bearer {token(bridge.settings)}"})  # fmt: skip
    assert answer.status_code == 503 and "not available" in answer.json()["message"]


def test_a_full_disk_is_told_to_who_orders(
    bridge: Bridge, monkeypatch: pytest.MonkeyPatch
) -> None:
    take(bridge, "status", example("status"))

    def full(*_: Any, **__: Any) -> Any:
        raise sqlite3.OperationalError("database or disk is full")

    monkeypatch.setattr(bridge._engine.outbox, "submit", full)
    http = TestClient(build_api(bridge), raise_server_exceptions=False)
    answer = http.post("/api/machines/m1/commands", json={"name": "wake"},
                       headers={"Authorization": f"Bearer {token(bridge.settings)}"})  # fmt: skip
    assert answer.status_code == 503 and "disk" in answer.json()["message"]


def test_health_says_503_when_the_store_cannot_be_read(
    bridge: Bridge, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken() -> Any:
        raise sqlite3.OperationalError("disk I/O error")

    monkeypatch.setattr(bridge._engine.store, "open_checkpoints", broken)
    http = TestClient(build_api(bridge), raise_server_exceptions=False)
    answer = http.get("/healthz")
    assert answer.status_code == 503


def test_stopping_on_a_full_disk_ends_though_the_queue_is_full(tmp_path: Path) -> None:
    """The network thread waits in put() then, and the link waits for that thread."""

    engine = Engine(Settings(data=tmp_path / "full", mqtt=MqttSettings(port=9)))

    def full(*_: Any) -> Any:
        raise sqlite3.OperationalError("database or disk is full")

    engine.ingest._queue = queue.Queue(1)
    engine.ingest._commit = full  # type: ignore[method-assign]
    engine.ingest.start()
    one = Received("coffee/v1/m1/status", b"{}", False, True, 1, 1, 1, 1)
    network = threading.Thread(target=lambda: [engine.ingest.put(one) for _ in range(9)])
    network.start()
    engine.link.stop = lambda: network.join(20)  # type: ignore[method-assign]
    time.sleep(0.3)
    began = time.monotonic()
    engine.stop()
    assert time.monotonic() - began < 15


class FullAtCommit:
    """The database; as long as the disk is full, what was written is undone by the COMMIT."""

    def __init__(self, db: Any) -> None:
        self._db = db
        self.path = db.path
        self.full = True

    @contextmanager
    def write(self) -> Iterator[sqlite3.Connection]:
        with self._db.write() as tx:
            yield tx
            if self.full:
                raise sqlite3.OperationalError("database or disk is full")


def attempts(world: World, disk: FullAtCommit, messages: list[Received], failing: int) -> Ingest:
    ingest = Ingest(disk, world.intake, world.metrics, lambda _: None)  # type: ignore[arg-type]
    for _ in range(failing):
        with contextlib.suppress(sqlite3.OperationalError):
            ingest._commit(messages)
        world.intake.undone()
    return ingest


def message(kind: str, payload: dict[str, Any]) -> Received:
    return Received(
        f"coffee/v1/m1/{kind}", json.dumps(payload).encode(), False, True, UTC_MS, 1, 1, 1
    )


def test_a_disk_that_is_full_for_days_fills_no_memory(world: World) -> None:
    """The same group is tried every five seconds; whom to tell and what to keep is the same."""
    curve = {**example("shot"), "part": 0, "last": True}
    group = [message("journal", journal([fact(n)], first=0)) for n in range(20)]
    group += [message("status", example("status")), message("shot", curve)]
    disk = FullAtCommit(world.db)
    ingest = attempts(world, disk, group, 500)
    assert len(world.intake.after) <= len(group) and len(world.intake._kept) <= 1

    disk.full = False
    ingest._commit(group)
    world.intake.committed()
    told = [name for name, *_ in world.recorder.told]
    assert told.count("came_online") == told.count("facts_stored") == 1


def test_a_journal_that_was_new_on_a_full_disk_is_taken_once_there_is_room(world: World) -> None:
    """Its row was undone with the rest."""
    disk = FullAtCommit(world.db)
    acked: list[int] = []
    ingest = Ingest(disk, world.intake, world.metrics, lambda one: acked.append(one.mid))  # type: ignore[arg-type]
    ingest.start()
    ingest.put(message("journal", journal([fact(1)], first=1)))
    eventually(lambda: ingest.problem)
    disk.full = False
    eventually(lambda: acked)
    ingest.stop()
    assert world.inbox.count_pending() == 1


def test_too_little_memory_is_no_fault_of_the_message(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    def none_left(*_: Any) -> None:
        raise MemoryError

    with monkeypatch.context() as short:
        short.setattr(world.registry, "see", none_left)
        with pytest.raises(MemoryError):
            world.take("status", example("status"))
    world.intake.undone()
    assert world.take("status", example("status")).stored == 1
    assert world.inbox.count_quarantined() == 0


def test_a_curve_outlives_a_full_disk_whole(world: World) -> None:
    """One that misses a batch is known as such; its last batch, tried again, is no new one."""
    samples = example("shot")
    names = [name for name, value in samples.items() if isinstance(value, list)]
    world.take("shot", {**samples, "part": 1, "last": False})  # part 0 never came
    last = {**samples, "part": 2, "last": True} | {name: samples[name][:1] for name in names}
    disk = FullAtCommit(world.db)
    ingest = attempts(world, disk, [message("shot", last)], 2)
    disk.full = False
    ingest._commit([message("shot", last)])
    stored = world.curves.curve("m1", samples["boot"], samples["shot"])
    assert stored is not None and len(stored.t_ms) == len(samples["t_ms"]) + 1


def test_who_came_online_is_online_after_a_full_disk(world: World) -> None:
    """No status came; the state gave it away, and the first attempt to write that down failed."""
    disk = FullAtCommit(world.db)
    ingest = attempts(world, disk, [message("state", example("state"))], 2)
    disk.full = False
    ingest._commit([message("state", example("state"))])
    known = world.registry.machine("m1")
    assert known is not None and (known.online, known.boot) == (True, example("state")["boot"])


def test_what_could_not_be_undone_becomes_no_part_of_the_next(world: World) -> None:
    """A disk may fail in the ROLLBACK, too; what is written next is committed all the same."""
    writer = world.db._writer
    assert writer is not None
    with pytest.raises(RuntimeError, match="disk"), world.db.write() as tx:
        world.registry.meet(tx, "m1", 1)
        writer.set_authorizer(
            lambda action, what, *_: sqlite3.SQLITE_DENY
            if (action, what) == (sqlite3.SQLITE_TRANSACTION, "ROLLBACK") else sqlite3.SQLITE_OK)
        raise RuntimeError("disk")
    writer.set_authorizer(None)
    with world.db.write() as tx:
        world.registry.meet(tx, "m2", 1)
    assert [known.machine for known in world.registry.machines()] == ["m2"]


def test_who_cannot_write_keeps_no_word_from_the_others(world: World) -> None:
    """The group was written; then the disk was full. A model is told once only."""
    told: list[str] = []

    def full(_: str) -> None:
        raise sqlite3.OperationalError("database or disk is full")

    world.recorder.came_online = full  # type: ignore[attr-defined]
    world.recorder.model_known = lambda machine, _: told.append(machine)  # type: ignore[attr-defined]
    ingest = Ingest(world.db, world.intake, world.metrics, lambda _: None)
    ingest._commit([message("status", example("status")), message("info", example("info"))])
    ingest._tell()
    assert told == ["m1"]
