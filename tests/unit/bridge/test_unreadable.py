"""Whole messages nobody can read become a person's checkpoint: one, not a flood."""

from __future__ import annotations

import pytest

from host_bridge.gateway.port import Transient
from host_bridge.keeper import Keeper
from host_bridge.unreadable import Unreadable
from tests.unit.bridge.world import World, example, fact, journal


@pytest.fixture
def unreadable(world: World) -> Unreadable:
    world.introduce()
    return Unreadable(world.inbox, world.registry, Keeper(world.db), world.gateway, world.settings)


def asked(world: World, machine: str = "m1", state: str = "open") -> dict[str, str]:
    found = world.store.checkpoints(state, machine)  # type: ignore[arg-type]
    return {c.coffee_id: c.summary for c in found if c.coffee_id.startswith("unreadable/")}


def test_one_checkpoint_for_a_machine_and_kind(world: World, unreadable: Unreadable) -> None:
    for number in range(50):
        world.take("journal", b"{%d" % number)
        world.take("state", b"[%d" % number)
        unreadable.report()
    found = asked(world)
    assert sorted(key.rpartition("/")[0] for key in found) == [
        "unreadable/journal", "unreadable/state"]  # fmt: skip
    (text,) = [text for key, text in found.items() if "journal" in key]
    assert "coffee/v1/m1/journal" in text and "quarantine" in text and "correct" in text


def test_a_single_bad_fact_is_no_unreadable_message(
    world: World, unreadable: Unreadable
) -> None:
    world.take("journal", journal([fact(1), fact(2, code=9)], first=1))
    assert world.inbox.count_quarantined() == 1
    unreadable.report()
    assert asked(world) == {}


def test_a_backlog_is_counted(world: World, unreadable: Unreadable) -> None:
    world.take("journal", b"{")
    world.take("journal", b"{{")
    unreadable.report()
    (text,) = asked(world).values()
    assert text.startswith("2 messages on coffee/v1/m1/journal")


def test_after_a_review_new_ones_ask_again(world: World, unreadable: Unreadable) -> None:
    world.take("journal", b"{")
    unreadable.report()
    for checkpoint in world.store.checkpoints("open", "m1"):
        world.store.review(checkpoint.id, "ann", "", world.now_ms)
    unreadable.report()
    world.take("journal", b"{")  # the same bytes only count
    unreadable.report()
    assert asked(world) == {}
    world.take("journal", b"{{")
    unreadable.report()
    assert len(asked(world)) == 1 and len(asked(world, state="all")) == 2


def test_of_each_kind_new_ones_ask_again(world: World, unreadable: Unreadable) -> None:
    for kind in ("state", "journal"):
        world.take(kind, b"{")
    unreadable.report()
    for checkpoint in world.store.checkpoints("open", "m1"):
        world.store.review(checkpoint.id, "ann", "", world.now_ms)
    for kind in ("state", "journal"):
        world.take(kind, b"{{")
    unreadable.report()
    assert len(asked(world)) == 2


def test_a_restart_or_an_erp_that_is_away_loses_and_doubles_none(
    world: World, unreadable: Unreadable
) -> None:
    world.take("journal", b"{")
    world.gateway.fault = Transient("away")
    with pytest.raises(Transient):
        unreadable.report()
    world.gateway.fault = None
    for _ in range(2):
        again = Unreadable(
            world.inbox, world.registry, Keeper(world.db), world.gateway, world.settings
        )
        again.report()
    assert len(asked(world)) == 1


def test_strangers_are_not_asked_about(world: World, unreadable: Unreadable) -> None:
    world.take("journal", b"{", machine="stranger")
    world.take_raw("coffee/v1/m1/poetry", b"{}")
    world.take_raw("coffee/v1", b"{}")
    unreadable.report()
    assert asked(world) == asked(world, "stranger") == {}
    assert world.store.checkpoints("all", "stranger") == []


def test_good_messages_ask_nobody(world: World, unreadable: Unreadable) -> None:
    world.take("journal", example("journal"))
    unreadable.report()
    assert asked(world) == {}
