"""What the parts of a bridge hear of each other: connections, machines that come back, the hour's
housekeeping; and what it says when one of them is in trouble."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from host_bridge.commands import Order
from host_bridge.contract.messages import Status
from host_bridge.engine import COMMAND_DAYS, DAY_MS, MET, Engine, now_ms
from host_bridge.gateway.port import BACKEND, BackendDraft, CheckpointDraft, Transient
from host_bridge.settings import PourSettings, Settings
from host_bridge.views import Curve
from tests.unit.bridge.world import JOURNAL


@pytest.fixture
def engine(tmp_path: Path) -> Iterator[Engine]:
    made = Engine(Settings(data=tmp_path / "engine"))
    yield made
    made.stop()


@pytest.fixture
def said(engine: Engine, monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, Any, bool]]:
    """(topic, payload, retain) of what is published."""
    found: list[tuple[str, Any, bool]] = []

    def publish(topic: str, payload: bytes, retain: bool = False) -> bool:
        found.append((topic, json.loads(payload), retain))
        return True

    monkeypatch.setattr(engine.link, "publish", publish)
    with engine.db.write() as tx:
        tx.execute("INSERT INTO journal VALUES (1, 'm1', ?, 5, -1)", (JOURNAL,))
    return found


ACK = ("coffee/v1/m1/ack", {"v": 1, "journal": JOURNAL, "seq": 5}, True)


def sent_once(engine: Engine) -> str:
    """A command that went out just now, and is not to go again for some seconds."""
    command_id = engine.outbox.submit(Order("m1", "wake", {}, "ann", now_ms() + DAY_MS))
    engine.outbox.sent(command_id)
    assert engine.outbox.due(10, ["m1"]) == []
    return command_id


# --- the broker and the machines
def test_after_a_restart_a_machine_is_offline_until_it_speaks(engine: Engine) -> None:
    with engine.db.write() as tx:
        engine.registry.see(tx, "m1", 1)
        engine.registry.set_status(tx, "m1", True, 3)
    engine.stop()
    again = Engine(engine.settings)
    try:
        assert (again.live.online_machines(), again.live.boot_of("m1")) == ([], 3)
    finally:
        again.stop()


def test_a_broker_that_came_back_hears_how_far_each_journal_is_held(
    engine: Engine, said: list[Any]
) -> None:
    engine._connected(True)
    assert said == [ACK]


def test_a_broker_that_kept_our_session_kept_the_wills(engine: Engine) -> None:
    engine.live.status("m1", Status(online=True, boot=3))
    engine._connected(True)
    assert engine.live.online_machines() == ["m1"]


@pytest.mark.parametrize("back", ["the broker", "the machine"])
def test_what_is_open_goes_out_at_once_when_one_is_back(engine: Engine, back: str) -> None:
    command_id = sent_once(engine)
    if back == "the broker":
        engine._connected(True)
    else:
        engine.came_online("m1")
    assert [view.id for view in engine.outbox.due(10, ["m1"])] == [command_id]


def test_a_machine_that_repeats_much_is_answered_now_and_then(
    engine: Engine, said: list[Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    clock = [100.0]
    monkeypatch.setattr("host_bridge.engine.time.monotonic", lambda: clock[0])
    for _ in range(50):
        engine.resent("m1", JOURNAL)
    assert said == [ACK]
    clock[0] += 2.0
    engine.resent("m1", JOURNAL)
    assert said == [ACK, ACK]


def test_a_coffee_is_poured_within_its_deadline(engine: Engine) -> None:
    before_ms = now_ms()
    engine._pour_coffee(PourSettings(machine="m1", deadline_s=45))
    (order,) = engine.outbox.newest("m1", 10)
    assert before_ms + 45_000 <= order.deadline_ms <= order.created_ms + 45_000


def test_an_erp_that_goes_while_it_is_met_is_met_again(
    engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What it was not given counts as reviewed at the next look."""
    engine.store.save_backends([BackendDraft("m1", "2900")])
    engine.store.add_checkpoints([CheckpointDraft("m1", BACKEND, "lost/x/1-2", "2 facts lost")])
    given: list[Any] = []

    def away(_: Any) -> None:
        raise Transient("away")

    engine.mirror = engine.gateway = SimpleNamespace(add_checkpoints=away)  # type: ignore[assignment]
    with pytest.raises(Transient):
        engine._meet_erp()
    assert engine._keeper.get(MET) is None
    monkeypatch.setattr(engine.gateway, "add_checkpoints", given.extend)
    engine._meet_erp()
    engine._meet_erp()
    assert [draft.coffee_id for draft in given] == ["lost/x/1-2"]


def test_the_list_of_machines_is_that_of_now(engine: Engine) -> None:
    with engine.db.write() as tx:
        engine.registry.see(tx, "m1", 1)
    engine.store.save_backends([BackendDraft("m1", "2900")])
    assert [machine.open_checkpoints for machine in engine.reader.machines()] == [1]
    engine.store.add_checkpoints([CheckpointDraft("m1", BACKEND, "lost/x/1-2", "2 facts lost")])
    engine.reader.changed()
    assert [machine.open_checkpoints for machine in engine.reader.machines()] == [2]


# --- housekeeping
def keep_house(engine: Engine, monkeypatch: pytest.MonkeyPatch, times: int = 1) -> None:
    """So many hours of it."""
    ends = iter([*[False] * times, True])
    with monkeypatch.context() as hours:
        hours.setattr(engine, "_stopping", SimpleNamespace(wait=lambda seconds: next(ends)))
        engine._keep_house()


def curve(shot: int) -> Curve:
    return Curve("m1", 1, shot, True, True, [0], [93_000], [0], [0], [0], None, None)


def test_old_commands_and_curves_go_and_newer_ones_stay(
    engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    right_ms, curve_days = now_ms(), engine.settings.inbox.curve_days
    for days in (-1, 1):
        at_ms = right_ms - (COMMAND_DAYS + days) * DAY_MS
        monkeypatch.setattr(engine.outbox, "_now_ms", lambda at_ms=at_ms: at_ms)
        engine.outbox.submit(Order("m1", "wake", {}, f"{days}", at_ms + 60_000))
        with engine.db.write() as tx:
            engine.curves.store(tx, curve(1 + days), int(right_ms - (curve_days + days) * DAY_MS))
    monkeypatch.setattr(engine.outbox, "_now_ms", now_ms)
    assert len(engine.outbox.expire()) == 2
    keep_house(engine, monkeypatch)
    assert [order.user for order in engine.outbox.newest(None, 10)] == ["-1"]
    assert engine.curves.present([("m1", 1, 0), ("m1", 1, 2)]) == {("m1", 1, 0)}


def test_housekeeping_goes_on_after_a_failure(
    engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    tried: list[int] = []

    def purge(at_ms: int) -> tuple[int, int]:
        tried.append(at_ms)
        raise sqlite3.OperationalError("database or disk is full")

    monkeypatch.setattr(engine.inbox, "purge", purge)
    keep_house(engine, monkeypatch, times=3)
    assert len(tried) == 3


# --- what is wrong
def test_a_part_in_trouble_is_named_and_the_erp_only_once(engine: Engine) -> None:
    engine.probe_result = (None, "away")
    engine.synchronizer.worker.problem = "away"
    engine.sender.worker.problem = "database or disk is full"
    found = engine.problems()
    assert [one for one in found if "away" in one] == ["store: away"]
    assert "commands: database or disk is full" in found


def test_a_thread_that_has_ended_is_named(engine: Engine) -> None:
    ended = [one for one in engine.problems() if "its thread has died" in one]
    assert [one.partition(":")[0] for one in ended] == [
        "ingest", "synchronizer", "orders", "commands"
    ]  # fmt: skip


def test_a_stopped_bridge_leaves_its_folder_to_the_next(engine: Engine) -> None:
    engine.stop()
    Engine(engine.settings).stop()
