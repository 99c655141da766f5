"""The host's clock was wrong and is set back by hours or a year: nothing waits that long."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from host_bridge.commands import Order
from host_bridge.engine import Engine
from host_bridge.settings import (
    Settings,
)
from tests.unit.bridge.world import JOURNAL, World, example, fact, journal

DAY_MS = 86_400_000


@pytest.fixture
def engine(tmp_path: Path) -> Any:
    made = Engine(Settings(data=tmp_path / "engine"))
    yield made
    made.stop()


def test_facts_that_wait_for_a_time_do_not_wait_for_a_clock_that_was_set_back(
    world: World,
) -> None:
    world.introduce()
    right_ms = world.now_ms
    world.now_ms += 365 * DAY_MS  # the host's clock was wrong
    timeless = fact(0, utc_ms=None, boot=example("journal")["boot"])
    waits = journal([timeless], first=0, sent_utc_ms=None, sent_ms=10**8)
    world.take("journal", waits, live=False)
    world.sync()
    assert world.inbox.count_pending() == 1
    world.now_ms = right_ms
    world.sync()
    world.now_ms += 3_600_000
    world.sync()
    assert world.inbox.count_pending() == 0


def test_a_clock_set_back_does_not_stop_what_has_no_hurry(world: World) -> None:
    slow: list[int] = []
    world.orders._slowly = lambda: slow.append(1)
    world.now_ms += 365 * DAY_MS
    world.orders.step()
    world.now_ms -= 365 * DAY_MS
    world.orders.step()
    world.now_ms += 20_000
    world.orders.step()
    assert len(slow) >= 2


def test_a_clock_set_back_does_not_stop_the_second_look_at_the_erp(world: World) -> None:
    looked: list[int] = []
    forget = world.batch.forget
    world.batch.forget = lambda: (looked.append(1), forget())  # type: ignore[method-assign]
    world.now_ms += 365 * DAY_MS
    world.synchronizer.step()
    looked.clear()
    world.now_ms -= 365 * DAY_MS
    world.synchronizer.step()
    world.now_ms += 120_000
    world.synchronizer.step()
    assert looked


def test_presence_goes_on_after_a_clock_was_set_back(world: World) -> None:
    world.introduce()
    world.now_ms += 365 * DAY_MS
    world.take("state", example("state"))
    world.orders.step()
    presences = world.orders._presences
    presences.told(presences.changed(500))
    world.now_ms -= 365 * DAY_MS
    world.take("state", example("state"))
    world.now_ms += 600_000
    world.take("state", example("state"))
    assert presences.changed(500)


def test_an_ack_is_said_again_after_a_clock_was_set_back(
    engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    said: list[str] = []
    monkeypatch.setattr(engine.link, "publish", lambda t, *a, **k: said.append(t) or True)
    with engine.db.write() as tx:
        tx.execute("INSERT INTO journal VALUES (1, 'm1', ?, 5, -1)", (JOURNAL,))
    now = [10**12]
    monkeypatch.setattr("host_bridge.engine.now_ms", lambda: now[0])
    engine.resent("m1", JOURNAL)
    now[0] -= DAY_MS
    monkeypatch.setattr("host_bridge.engine.time.monotonic", lambda: 10.0**9)
    engine.resent("m1", JOURNAL)
    assert len(said) == 2


def test_what_is_sent_again_does_not_wait_for_a_clock_that_was_set_back(world: World) -> None:
    world.now_ms += 3_600_000
    command = world.outbox.submit(Order("m1", "wake", {}, "ann", world.now_ms + 10**7))
    world.outbox.sent(command)
    world.now_ms -= 3_600_000
    world.now_ms += 120_000
    assert [view.id for view in world.outbox.due(10, ["m1"])] == [command]


def test_orders_keep_their_order_over_a_clock_that_is_set_back(world: World) -> None:
    """The machine is away meanwhile; what was wanted last must be what it does last."""
    world.introduce()
    first = world.store.order("m1", "setpoint", {"brew_mc": 90_000}, "ann", None)
    with world.store._db.write() as tx:
        tx.execute("UPDATE outgoing SET created_ms=created_ms+3600000")
    second = world.store.order("m1", "setpoint", {"brew_mc": 93_000}, "ann", None)
    assert [order.id for order in world.store.fetch(10).orders] == [first, second]

    deadline_ms = world.now_ms + DAY_MS
    world.now_ms += 3_600_000
    hot = world.outbox.submit(Order("m1", "setpoint", {"brew_mc": 90_000}, "bo", deadline_ms))
    world.now_ms -= 3_600_000
    cool = world.outbox.submit(Order("m1", "setpoint", {"brew_mc": 93_000}, "bo", deadline_ms))
    assert [view.id for view in world.outbox.due(10, ["m1"])] == [hot, cool]


def test_what_pours_and_was_ordered_in_the_future_is_never_done(world: World) -> None:
    """Its deadline was a minute, of a clock that was hours ahead."""
    world.now_ms += 3_600_000
    brew = world.outbox.submit(Order("m1", "brew", {"slot": "0"}, "ann", world.now_ms + 60_000))
    wake = world.outbox.submit(Order("m1", "wake", {}, "ann", world.now_ms + 60_000))
    assert [view.id for view in world.outbox.due(10, ["m1"])] == [brew, wake]
    world.now_ms -= 30_000  # as clocks are set
    assert brew in [view.id for view in world.outbox.due(10, ["m1"])]
    world.now_ms -= 3_570_000
    assert [view.id for view in world.outbox.due(10, ["m1"])] == [wake]
    assert world.outbox.any_overdue() and world.outbox.expire() == [brew]
    assert world.outbox.command(brew).state == "expired" and not world.outbox.any_overdue()


def test_the_last_curve_is_the_last_one_though_the_clock_was_set_back(world: World) -> None:
    shot = {**example("shot"), "part": 0, "last": True}
    world.now_ms += 365 * DAY_MS
    world.take("shot", {**shot, "shot": 1})
    world.now_ms -= 365 * DAY_MS
    world.take("shot", {**shot, "shot": 2})
    newest = world.curves.newest("m1")
    assert newest is not None and newest.shot == 2
