"""Quarantine: what is taken in again, thrown away, or let past, loses and doubles nothing."""

from __future__ import annotations

import contextlib
import json
from pathlib import Path

import pytest

from host_bridge import commands, storage
from host_bridge.database import Database
from host_bridge.errors import Invalid
from host_bridge.inbox import Outcome
from host_bridge.intake import Incoming
from host_bridge.keeper import Keeper
from host_bridge.service import Bridge
from host_bridge.settings import (
    InboxSettings,
    Settings,
)
from host_bridge.unreadable import Unreadable
from tests.unit.bridge.world import JOURNAL, UTC_MS, World, example, fact, journal, take


def row(world: World) -> int:
    return world.inbox.quarantine(1)[0].id


def test_a_loss_reported_before_it_happened_is_still_bad_when_taken_in_again(world: World) -> None:
    world.introduce()
    lost = fact(0, "lost", from_seq=0, to_seq=1000, count=1001)
    world.take("journal", journal([lost], first=0))
    assert world.inbox.count_quarantined() == 1
    world.sync()
    with contextlib.suppress(Exception):
        world.inbox.replay_fact(row(world))
    world.sync()
    assert (world.held() or 0) <= 0, "facts 1 to 1000 never came, yet may be forgotten"


def test_a_damaged_record_is_told_as_the_loss_of_itself(world: World) -> None:
    """So machines read one, and so they tell of facts that never got a seq (docs/decisions.md)."""
    world.introduce()
    told = [fact(0), fact(1, "lost", from_seq=1, to_seq=1, count=3), fact(2)]
    world.take("journal", journal(told, first=0))
    world.sync()
    assert world.inbox.count_quarantined() == 0
    assert world.bound() == [f"{JOURNAL}/{n}" for n in range(3)] and world.held() == 2
    assert "3 facts lost" in world.rows("checkpoint")[-1]["summary"]


def test_a_journal_of_bad_facts_alone_is_held_too(world: World) -> None:
    """Else the machine sends them for ever, and drops good ones when its journal is full."""
    world.introduce()
    world.take("journal", journal([fact(0, code="Bad Code"), fact(1, code="Bad Code")], first=0))
    assert world.inbox.count_quarantined() == 2
    world.sync()
    assert world.held() == 1 and [ack.seq for ack in world.acks] == [1]


def test_a_fact_out_of_its_place_is_still_bad_when_taken_in_again(world: World) -> None:
    world.introduce()
    moved = fact(0)
    world.take("journal", journal([moved | {"seq": 7}], seq=0, first=0))
    world.take("journal", journal([fact(n) for n in range(1, 8)], first=0))
    world.sync()
    with contextlib.suppress(Exception):
        world.inbox.replay_fact(row(world))
    world.sync()
    assert world.bound() == [f"{JOURNAL}/{n}" for n in range(1, 8)]


def test_after_the_quarantine_was_emptied_new_messages_ask_again(world: World) -> None:
    world.introduce()
    unreadable = Unreadable(
        world.inbox, world.registry, Keeper(world.db), world.gateway, world.settings
    )
    for number in range(5):
        world.take("journal", b"{%d" % number)
    unreadable.report()
    for checkpoint in world.store.checkpoints("open", "m1"):
        world.store.review(checkpoint.id, "ann", "", world.now_ms)
    world.inbox.discard_all("", 1000)
    world.take("journal", b"{new")
    unreadable.report()
    found = world.store.checkpoints("open", "m1")
    assert [c for c in found if c.coffee_id.startswith("unreadable/")]


def test_what_came_after_the_person_looked_is_never_thrown_away(world: World) -> None:
    world.take("journal", b"{a")
    seen = row(world)
    world.inbox.discard(seen)  # another person was quicker
    world.take("journal", b"{b")
    assert world.inbox.discard_all("", seen) == 0


def test_an_old_message_taken_in_again_does_not_undo_a_newer_one(tmp_path: Path) -> None:
    bridge = Bridge(Settings(data=tmp_path / "b"))
    try:
        engine = bridge._engine
        old, new = example("recipes"), {**example("recipes"), "rev": 99, "slots": {}}
        with engine.db.write() as tx:
            engine.inbox.set_aside_message(
                tx, "coffee/v1/m1/recipes", "m1", json.dumps(old).encode(), "was bad", 1
            )
            engine.intake.take(
                tx, Incoming("coffee/v1/m1/recipes", json.dumps(new).encode(), False, True, 2)
            )
        engine.intake.committed()
        with contextlib.suppress(Exception):
            bridge.replay(1)
        assert bridge.recipes("m1").rev == 99
    finally:
        bridge.stop()


def test_a_flood_of_rubbish_is_bounded_between_two_housekeepings(tmp_path: Path) -> None:
    world = World(tmp_path, inbox=InboxSettings(quarantine_rows=100))
    with world.db.write() as tx:
        for number in range(3000):
            world.inbox.set_aside_message(tx, "coffee/v1/m1/state", "m1", b"%d" % number, "bad", 1)
    assert world.inbox.count_quarantined() <= 1100
    world.close()


def test_an_inbox_of_before_goes_on_with_its_numbers(tmp_path: Path) -> None:
    first = storage.SCHEMA.replace(" AUTOINCREMENT", "").replace(commands.NEWEST_OF, "")
    old = Database(tmp_path / "bridge.sqlite", first)
    with old.write() as tx:
        tx.execute("INSERT INTO quarantine VALUES (3,'t','m1',NULL,x'00',1,x'01','why',7,2)")
    Keeper(old).put("unreadable", {"upto": 9, "asked": {}})
    old.close()
    world = World(tmp_path)
    kept = world.inbox.quarantined(3)
    assert (kept.reason, kept.times, kept.received_ms) == ("why", 2, 7)
    world.take("state", b"{")
    assert [view.id for view in world.inbox.quarantine(5)] == [10, 3]
    world.close()


def test_taken_in_again_it_tells_nothing_of_what_is_just_being_written(bridge: Bridge) -> None:
    """Who waits for an answer would look too early, and then hear of it no more."""
    take(bridge, "status", example("status"))
    engine = bridge._engine
    command = bridge.send("m1", "wake", {}, "ann")
    with engine.db.write() as tx:
        good = json.dumps(example("status")).encode()
        engine.inbox.set_aside_message(tx, "coffee/v1/m1/status", "m1", good, "once bad", UTC_MS)
    reply = json.dumps({"v": 1, "id": command, "ok": True, "error": None, "result": None}).encode()
    curve = json.dumps({**example("shot"), "part": 0, "last": True}).encode()
    group = engine.db.write()
    count = engine.metrics.count

    def meanwhile(kind: str, outcome: Outcome) -> None:
        """The other thread has begun its next group when ours has written its row."""
        tx = group.__enter__()
        for kind, raw in (("reply", reply), ("shot", curve)):
            engine.intake.take(tx, Incoming(f"coffee/v1/m1/{kind}", raw, False, True, UTC_MS))
        count(kind, outcome)

    engine.metrics.count = meanwhile  # type: ignore[method-assign]
    bridge.replay(bridge.quarantine(1)[0].id)
    assert ("replied", command) in engine.intake.after and engine.intake._kept
    group.__exit__(None, None, None)
    engine.intake.committed()
    assert bridge.command(command).state == "ok"


def test_what_an_older_bridge_could_not_read_is_not_taken_for_dropped(bridge: Bridge) -> None:
    """The machine has forgotten these meanwhile, and housekeeping looked at its journal."""
    engine = bridge._engine
    for kind in ("status", "info"):
        take(bridge, kind, example(kind))
    old = json.dumps(journal([fact(1), fact(2)], first=1)).encode()
    with engine.db.write() as tx:
        engine.inbox.set_aside_message(tx, "coffee/v1/m1/journal", "m1", old, "v: 2", UTC_MS)
    take(bridge, "journal", journal([fact(500)], first=500))
    engine.synchronizer.step()
    engine.inbox.purge(UTC_MS)
    bridge.replay(bridge.quarantine(1)[0].id)
    engine.inbox.purge(UTC_MS + 10**12)  # what was let in and not yet imported stays
    engine.synchronizer.step()
    rows = engine.store._db.read("SELECT coffee_id FROM coffee_maintenance ORDER BY coffee_id")
    assert [row["coffee_id"] for row in rows] == [f"{JOURNAL}/{n}" for n in (1, 2, 500)]


def test_what_is_still_bad_leaves_no_trace_of_its_journal(bridge: Bridge) -> None:
    """Else the next message of that journal belongs to a row that was undone, and none is ever
    committed again."""
    bad = json.dumps(journal([fact(1, code=9)], first=1)).encode()
    with bridge._engine.db.write() as tx:  # as an older bridge put it there
        bridge._engine.inbox.set_aside_message(tx, "coffee/v1/m1/journal", "m1", bad, "bad", 1)
    (row,) = bridge.quarantine()
    with pytest.raises(Invalid, match="still cannot be processed"):
        bridge.replay(row.id)
    take(bridge, "journal", journal([fact(1)], first=1))
    assert bridge._engine.inbox.count_pending() == 1


def test_a_message_of_which_only_the_beginning_was_kept_is_not_taken_for_whole(
    bridge: Bridge,
) -> None:
    whole = json.dumps(example("status")).encode()
    padded = whole + b" " * bridge.settings.inbox.payload_bytes  # what was kept of it is sound
    take(bridge, "status", padded)
    (row,) = bridge.quarantine()
    with pytest.raises(Invalid, match="only its beginning was kept"):
        bridge.replay(row.id)
    assert len(bridge.quarantine()) == 1 and bridge.machines() == []
