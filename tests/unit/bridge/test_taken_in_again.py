"""Quarantine: what is taken in again, thrown away, or let past, loses and doubles nothing."""

from __future__ import annotations

import contextlib
import json
from pathlib import Path

from host_bridge import storage
from host_bridge.database import Database
from host_bridge.intake import Incoming
from host_bridge.keeper import Keeper
from host_bridge.service import Bridge
from host_bridge.settings import (
    InboxSettings,
    Settings,
)
from host_bridge.unreadable import Unreadable
from tests.unit.bridge.world import JOURNAL, World, example, fact, journal


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
    first = storage.SCHEMA.replace(" AUTOINCREMENT", "")
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
