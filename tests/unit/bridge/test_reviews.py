"""Checkpoints chosen by kind and page, and reviewed several at once."""

from __future__ import annotations

import pytest

from host_bridge.connector.checkpoint import about_backend
from host_bridge.gateway.port import BACKEND, CheckpointDraft
from host_bridge.service import Bridge
from host_bridge.subjects import SUBJECTS, CheckpointKind, kind, subject
from tests.unit.bridge.world import World, example, fact, journal, take

ABOUT: dict[CheckpointKind, list[tuple[str, str]]] = {
    "alarm": [("coffee.alarm", "9f3a51c2/1")],
    "brew": [("coffee.brew", "9f3a51c2/2")],
    "maintenance": [("coffee.maintenance", "9f3a51c2/3")],
    "recipe": [("coffee.recipe", "3")],
    "machine": [(BACKEND, "machine")],
    "clock": [("coffee.brew", "clock/9f3a51c2/7"), (BACKEND, "clock/9f3a51c2/8")],
    "lost": [(BACKEND, "lost/9f3a51c2/4-5")],
    "quarantine": [(BACKEND, "unreadable/journal/1"), (BACKEND, "version/2")],
}


@pytest.fixture
def many(world: World) -> World:
    world.store.add_checkpoints([
        CheckpointDraft("m1", model, coffee_id, "look", "en_US")
        for pairs in ABOUT.values() for model, coffee_id in pairs
    ])  # fmt: skip
    world.store.add_checkpoints([about_backend("m2", "lost/1-2", "look", "en_US")])
    return world


@pytest.mark.parametrize("wanted", SUBJECTS)
def test_a_kind_is_found_and_counted(many: World, wanted: CheckpointKind) -> None:
    found = many.store.checkpoints("open", "m1", kind=wanted)
    assert sorted((view.model, view.coffee_id) for view in found) == sorted(ABOUT[wanted])
    assert many.store.count_checkpoints("open", "m1", wanted) == len(found)
    assert {kind(view.model, view.coffee_id) for view in found} == {wanted}


def test_what_came_later_than_the_kinds_has_none() -> None:
    assert (kind("coffee.x", "1"), subject("coffee.x", "1")) == (None, "coffee.x")


def test_a_long_list_goes_on_below_its_last(many: World) -> None:
    every = many.store.checkpoints("open", None)
    first = many.store.checkpoints("open", None, 4)
    assert [*first, *many.store.checkpoints("open", None, 500, None, first[-1].id)] == every
    rest = many.store.count_checkpoints("open", None, None, first[-1].id)
    assert rest == len(every) - 4 > 0


def test_only_those_named_are_reviewed_and_only_once(many: World) -> None:
    one, two, *rest = [view.id for view in many.store.checkpoints("open", None)]
    assert many.store.review(one, "bob", "mine", 1)
    assert [view.id for view in many.store.open_among([one, two, 999])] == [two]
    assert many.store.review_all([one, two, 999], "ann", "all", 2) == [two]
    done = {
        view.id: (view.reviewed_by, view.note) for view in many.store.checkpoints("done", None)
    }
    assert done == {one: ("bob", "mine"), two: ("ann", "all")}
    assert [view.id for view in many.store.checkpoints("open", None)] == rest


def test_the_newest_fact_says_whether_an_alarm_stands(world: World) -> None:
    """For machines that have not told their state since the bridge started."""
    world.introduce()
    raised = [fact(1, "alarm", code="tank_empty", raised=True),
              fact(2, "alarm", code="tray_full", raised=True)]  # fmt: skip
    world.take("journal", journal(raised, first=1))
    world.sync()
    assert world.store.raised_alarms() == {("m1", "tank_empty"), ("m1", "tray_full")}
    world.take("journal", journal([fact(3, "alarm", code="tank_empty", raised=False)], first=1))
    world.sync()
    assert world.store.raised_alarms() == {("m1", "tray_full")}


def test_a_latched_alarm_stands_until_it_was_acknowledged_though_no_state_came(
    bridge: Bridge,
) -> None:
    """Machines tell that one is over when it neither stands nor is latched any more."""
    take(bridge, "status", example("status"))
    take(bridge, "info", example("info"))

    def happens(seq: int, raised: bool) -> list[bool]:
        told = fact(seq, "alarm", code="tank_empty", raised=raised, latched=True)
        take(bridge, "journal", journal([told], first=1))
        bridge._engine.synchronizer.step()
        views = bridge.checkpoints("open", "m1", kind="alarm")
        return [view.id in bridge.standing(views) for view in views]

    assert bridge.live("m1").state is None
    assert happens(1, True) == [True]
    assert happens(2, True) == [True, False]  # told anew by the next boot: the newest stands
    assert happens(3, False) == [False, False]
