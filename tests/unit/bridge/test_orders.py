"""What the ERP wants of machines, and what it is told: orders, presence, reviews."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from host_bridge.commands import GRACE_MS, Order
from host_bridge.gateway.embedded import EmbeddedStore
from host_bridge.gateway.mirror import Mirror
from host_bridge.gateway.port import (
    ALARM,
    BREW,
    BackendDraft,
    BusySigns,
    CheckpointDraft,
    Done,
    ErpOrder,
    FactPush,
    Fetched,
    Presence,
    Pushed,
    Review,
    Transient,
)
from host_bridge.orders import LIMIT
from host_bridge.presence import Presences
from tests.contract.gateway_suite import VALUES, fact
from tests.unit.bridge.test_batch import outgoing
from tests.unit.bridge.world import World, example

DAY_MS = 86_400_000


def answered(world: World, order_id: str) -> None:
    world.take("reply", {"id": order_id, "ok": True, "error": None, "result": {"shot": 4}})


def test_more_orders_than_one_call_takes_all_go_out(world: World) -> None:
    """Also while the first ones wait for a machine that does not answer."""
    world.introduce("m1", "1900")
    deadline_ms = world.now_ms + DAY_MS
    orders = {world.store.order("m1", "standby", {}, "ann", deadline_ms) for _ in range(LIMIT + 5)}
    last = world.store.order("m1", "brew", {"slot": "0"}, "ann", deadline_ms)
    world.sync()
    assert {view.id for view in world.outbox.due(500, ["m1"])} == {*orders, last}


def test_the_result_of_an_order_is_told_once(world: World) -> None:
    world.introduce("m1", "1900")
    brew = world.store.order("m1", "brew", {"slot": "0"}, "ann", world.now_ms + DAY_MS)
    world.sync()
    answered(world, brew)
    world.sync()
    (row,) = outgoing(world)
    assert (row["state"], row["result"]) == ("ok", '{"shot": 4}')
    assert world.outbox.unfinished() == []


def test_an_erp_restored_from_a_backup_is_told_again_and_nothing_is_brewed_twice(
    world: World,
) -> None:
    world.introduce("m1", "1900")
    brew = world.store.order("m1", "brew", {"slot": "0"}, "ann", world.now_ms + DAY_MS)
    world.sync()
    answered(world, brew)
    world.sync()
    with world.store._db.write() as tx:
        tx.execute("UPDATE outgoing SET state='waiting'")
    world.boot()
    world.sync()
    world.sync()
    assert [row["state"] for row in outgoing(world)] == ["ok"]
    assert world.outbox.due(10, ["m1"]) == []


def test_a_recipe_waits_for_a_machine_that_is_off_for_weeks(world: World) -> None:
    """Else the ERP takes it for refused, and the machine comes back with the old one."""
    world.introduce("m1", "1900")
    recipe = world.store.order("m1", "recipe.delete", {"slot": "3"}, "ann")
    world.sync()
    world.now_ms += 60 * DAY_MS
    world.outbox.expire()
    world.sync()
    assert [view.id for view in world.outbox.due(10, ["m1"])] == [recipe]
    answered(world, recipe)
    world.sync()
    assert [row["state"] for row in outgoing(world)] == ["ok"]


def test_what_else_has_no_deadline_is_given_up_after_a_week(world: World) -> None:
    """A machine that is switched on after a year must not pour what was wanted then."""
    world.introduce("m1", "1900")
    world.store.order("m1", "brew", {"slot": "0"}, "ann")
    world.sync()
    world.now_ms += 7 * DAY_MS - 1000
    assert len(world.outbox.due(10, ["m1"])) == 1
    world.now_ms += 1000
    assert world.outbox.due(10, ["m1"]) == []


def test_orders_wait_while_the_erp_is_away_and_the_answer_is_not_forgotten(world: World) -> None:
    world.introduce("m1", "1900")
    brew = world.store.order("m1", "brew", {"slot": "0"}, "ann", world.now_ms + DAY_MS)
    world.sync()
    answered(world, brew)
    world.gateway.fault = Transient("away")
    with pytest.raises(Transient):
        world.orders.step()
    world.boot()
    world.gateway.fault = None
    world.sync()
    assert [row["state"] for row in outgoing(world)] == ["ok"]


def test_an_answer_after_the_deadline_is_told_too(world: World) -> None:
    """The machine knows what it did; so must who pays for the coffee."""
    world.introduce("m1", "1900")
    brew = world.store.order("m1", "brew", {"slot": "0"}, "ann", world.now_ms + 60_000)
    world.sync()
    world.now_ms += 60_000 + GRACE_MS + 1
    world.outbox.expire()
    world.sync()
    assert [row["state"] for row in outgoing(world)] == ["expired"]
    answered(world, brew)
    world.sync()
    assert [row["state"] for row in outgoing(world)] == ["ok"]


def test_an_answer_that_comes_while_the_erp_is_told_of_another_end_is_told_too(
    world: World,
) -> None:
    world.introduce("m1", "1900")
    brew = world.store.order("m1", "brew", {"slot": "0"}, "ann", world.now_ms + 60_000)
    world.sync()
    world.now_ms += 60_000 + GRACE_MS + 1
    world.outbox.expire()
    expired = world.outbox.untold(10)
    world.store.finished([Done(brew, "expired")])
    answered(world, brew)
    world.outbox.told(expired)
    world.sync()
    assert [row["state"] for row in outgoing(world)] == ["ok"]


def test_old_orders_are_dropped_once_their_end_is_told(world: World) -> None:
    world.introduce("m1", "1900")
    deadline_ms = world.now_ms + 200 * DAY_MS
    told, untold = (
        world.store.order("m1", "brew", {"slot": "0"}, "ann", deadline_ms) for _ in range(2)
    )
    world.sync()
    answered(world, told)
    world.sync()
    still_open = world.outbox.submit(Order("m1", "wake", {}, "ann", deadline_ms))
    ours = world.outbox.submit(Order("m1", "wake", {}, "ann", deadline_ms))
    for done in (untold, ours):
        answered(world, done)
    world.outbox.purge(world.now_ms + 1)
    assert {view.id for view in world.outbox.newest(None, 10)} == {untold, still_open}


def test_what_the_erp_says_of_its_load_is_passed_on(world: World) -> None:
    busy = BusySigns(True, {"pending_jobs": 9.0})
    world.gateway.fetch = lambda *_: Fetched([], busy)  # type: ignore[method-assign]
    world.orders.step()
    assert world.busy == [busy]


@pytest.mark.parametrize(
    ("name", "args", "told"),
    [("recipe.put", {"slot": 0}, "coffee_id 0 is not text"), ("recipe.delete", {}, "empty")],
)
def test_a_recipe_order_names_its_slot_as_text(
    world: World, name: str, args: dict[str, Any], told: str
) -> None:
    world.introduce("m1", "1900")
    order = ErpOrder("x", "m1", name, args, "ann", None)
    world.gateway.fetch = lambda *_: Fetched([order])  # type: ignore[method-assign]
    ended: list[Any] = []
    world.gateway.finished = ended.extend  # type: ignore[method-assign]
    world.orders.step()
    ((done),) = ended
    assert done.state == "refused" and told in done.message


# --- presence
def heard(world: World) -> list[Presence]:
    told: list[Presence] = []
    world.gateway.presence = told.extend  # type: ignore[method-assign]
    world.now_ms += 10_000
    world.orders.step()
    return told


def test_presence_is_told_when_it_changes(world: World) -> None:
    world.introduce("m1")
    state = {**example("state"), "alarms": ["tank_empty", "cup_missing"]}
    world.take("state", state)
    seen_ms = world.now_ms
    assert heard(world) == [Presence("m1", True, seen_ms, ("cup_missing", "tank_empty"))]
    world.take("state", state)
    assert heard(world) == []
    world.take("state", {**state, "alarms": []})
    assert [now.alarms for now in heard(world)] == [()]
    world.take("state", state)
    world.take("status", {**example("status"), "online": False})
    assert [(now.online, now.alarms) for now in heard(world)] == [(False, ())]


def test_a_large_fleet_is_told_of_in_parts(world: World) -> None:
    for name in ("m1", "m2", "m3"):
        world.introduce(name)
    presences = Presences(world.live)
    told = []
    for _ in range(3):
        states = presences.changed(2)
        presences.told(states)
        told.append(sorted(state.machine for state in states))
    assert told == [["m1", "m2"], ["m3"], []]


def test_last_seen_alone_is_told_every_five_minutes(world: World) -> None:
    world.introduce("m1")
    told = 0
    for _ in range(90):  # 15 minutes
        world.take("state", {**example("state"), "alarms": []})
        told += len(heard(world))
    assert told == 3


def test_presence_is_told_again_when_the_erp_did_not_hear_it(world: World) -> None:
    world.introduce("m1")
    world.gateway.fault = Transient("away")
    with pytest.raises(Transient):
        world.orders.step()
    world.gateway.fault = None
    assert len(heard(world)) == 1


def test_presence_is_told_again_after_the_erp_was_away(world: World) -> None:
    """It took all machines of a silent bridge for offline meanwhile."""
    world.introduce("m1")
    assert len(heard(world)) == 1 and heard(world) == []
    world.gateway.fault = Transient("away")
    with pytest.raises(Transient):
        world.orders.step()
    world.gateway.fault = None
    assert [now.online for now in heard(world)] == [True]


# --- an ERP with the store behind it
class Erp:
    """A second store that plays the ERP."""

    def __init__(self, store: EmbeddedStore) -> None:
        self.store = store
        self.refuse: set[str] = set()
        self.fault: Exception | None = None

    def __getattr__(self, name: str) -> Any:
        if self.fault is not None:
            raise self.fault
        return getattr(self.store, name)

    def push(self, facts: list[FactPush]) -> list[Pushed]:
        if self.fault is not None:
            raise self.fault
        return [
            Pushed("refused", "no") if f.coffee_id in self.refuse else self.store.push([f])[0]
            for f in facts
        ]


@pytest.fixture
def mirrored(tmp_path: Path) -> Any:
    erp = Erp(EmbeddedStore(tmp_path / "erp.sqlite"))
    shown = EmbeddedStore(tmp_path / "store.sqlite")
    yield erp, Mirror(erp, shown), shown
    erp.store.close()
    shown.close()


def test_the_console_shows_what_the_erp_took_and_nothing_else(mirrored: Any) -> None:
    erp, mirror, shown = mirrored
    erp.refuse = {fact(2).coffee_id}
    answers = mirror.push([fact(1), fact(2), fact(3)])
    assert [answer.status for answer in answers] == ["created", "refused", "created"]
    assert [brew.external_id for brew in shown.brews("m1", 9, None)] == [
        fact(3).coffee_id, fact(1).coffee_id]  # fmt: skip
    erp.fault = Transient("away")
    with pytest.raises(Transient):
        mirror.push([fact(4)])
    assert len(shown.brews("m1", 9, None)) == 2


def test_a_crash_between_the_two_is_made_good(mirrored: Any) -> None:
    erp, mirror, shown = mirrored
    erp.push([fact(1)])  # the ERP has it, the bridge died before it knew
    assert [answer.status for answer in mirror.push([fact(1)])] == ["unchanged"]
    assert len(shown.brews("m1", 9, None)) == 1


def test_a_review_in_the_erp_closes_the_checkpoint_here(mirrored: Any) -> None:
    erp, mirror, shown = mirrored
    mirror.save_backends([BackendDraft("m1", "1900")])
    alarm = FactPush("m1", "9f3a", 1, ALARM, VALUES[ALARM], review=Review("tank", "en_US"))
    mirror.push([alarm])
    mirror.add_checkpoints([CheckpointDraft("m1", BREW, "clock/9f3a/1", "no clock")])
    assert not mirror.follow_reviews()
    (found,) = [c for c in erp.store.checkpoints("open", "m1") if c.model == ALARM]
    erp.store.review(found.id, "ann", "filled", 1_767_225_600_000)
    assert mirror.follow_reviews()
    assert not mirror.follow_reviews()
    (done,) = shown.checkpoints("done", "m1")
    assert (done.coffee_id, done.reviewed_by, done.note) == (alarm.coffee_id, "ann", "filled")
    assert len(shown.checkpoints("open", "m1")) == 2


def test_checkpoints_the_erp_does_not_have_are_closed_too(mirrored: Any) -> None:
    """It may judge otherwise what a person must see, or they were deleted there."""
    _, mirror, shown = mirrored
    shown.add_checkpoints([CheckpointDraft("m1", BREW, "old", "from before the ERP")])
    assert mirror.follow_reviews()
    assert shown.checkpoints("open", "m1") == []


def test_a_checkpoint_the_erp_did_not_take_is_not_asked_about(mirrored: Any) -> None:
    """One it does not know counts as reviewed; the bridge adds it again when the ERP is back."""
    erp, mirror, shown = mirrored
    erp.fault = Transient("away")
    with pytest.raises(Transient):
        mirror.add_checkpoints([CheckpointDraft("m1", BREW, "clock/9f3a/1", "no clock")])
    assert shown.checkpoints("all", None) == []


def test_very_many_open_checkpoints_are_asked_about_in_turn(
    mirrored: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    erp, mirror, shown = mirrored
    monkeypatch.setattr("host_bridge.gateway.mirror.ASKED_AT_ONCE", 3)
    drafts = [CheckpointDraft("m1", BREW, str(n), "look") for n in range(10)]
    mirror.add_checkpoints(drafts)
    for found in erp.store.checkpoints("open", "m1"):
        erp.store.review(found.id, "ann", "", 1)
    for _ in range(6):
        mirror.follow_reviews()
    assert shown.checkpoints("open", "m1") == []


def test_those_that_stay_open_do_not_hide_the_others(
    mirrored: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    erp, mirror, shown = mirrored
    monkeypatch.setattr("host_bridge.gateway.mirror.ASKED_AT_ONCE", 3)
    mirror.add_checkpoints([CheckpointDraft("m1", BREW, str(n), "look") for n in range(10)])
    newest = erp.store.checkpoints("open", "m1")[0]
    erp.store.review(newest.id, "ann", "", 1)
    for _ in range(5):
        mirror.follow_reviews()
    assert [c.coffee_id for c in shown.checkpoints("done", "m1")] == [newest.coffee_id]
