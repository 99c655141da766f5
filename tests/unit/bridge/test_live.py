"""What is true now: births and wills in any order, curves with holes, bounded memory."""

from __future__ import annotations

import json
from typing import Any

import pytest
import structlog
from hypothesis import given
from hypothesis import strategies as st

from host_bridge.contract import messages
from host_bridge.intake import Incoming
from host_bridge.live import (
    CLOCK_ASKED_MS,
    CLOCK_WRONG_MS,
    CURVE_SAMPLES,
    HISTORY_EVERY_MS,
    HISTORY_POINTS,
    SILENT_CURVE_MS,
    Live,
    StateEffect,
)
from tests.unit.bridge.world import UTC_MS, World, example


def status(online: bool, boot: int) -> messages.Status:
    return messages.Status(online=online, boot=boot)


def tell(live: Live, now_ms: int = UTC_MS, is_live: bool = True, **changes: Any) -> StateEffect:
    raw = json.dumps({**example("state"), **changes}).encode()
    state = messages.decode("state", raw)
    assert isinstance(state, messages.State)
    return live.state("m1", state, raw, now_ms, is_live)


def batch(part: int, last: bool = False, samples: int = 2, **changes: Any) -> messages.Shot:
    columns = {name: [part * 10 + i for i in range(samples)] for name in (
        "t_ms", "temp_mc", "flow_ul_s", "volume_ul", "duty_permille")}  # fmt: skip
    raw = {"boot": 17, "shot": 3, "part": part, "last": last, **columns, **changes}
    shot = messages.decode("shot", json.dumps(raw).encode())
    assert isinstance(shot, messages.Shot)
    return shot


# --- the clock
def test_a_wrong_clock_is_told_the_time_again_and_not_too_often() -> None:
    live = Live()
    assert not tell(live, utc_ms=UTC_MS - CLOCK_WRONG_MS).clock_wanted
    assert tell(live, utc_ms=UTC_MS + 372_000).clock_wanted
    assert not tell(live, UTC_MS + 10_000, utc_ms=UTC_MS + 372_000).clock_wanted
    later = UTC_MS + CLOCK_ASKED_MS
    assert tell(live, later, utc_ms=later - CLOCK_WRONG_MS - 1).clock_wanted
    assert not tell(live, later + CLOCK_ASKED_MS, utc_ms=later + CLOCK_ASKED_MS).clock_wanted


def test_an_old_state_says_nothing_of_the_clock() -> None:
    assert not tell(Live(), is_live=False, utc_ms=UTC_MS - 86_400_000).clock_wanted


# --- births and wills
def test_a_late_will_of_an_older_boot_does_not_hide_a_newer_birth() -> None:
    live = Live()
    live.status("m1", status(True, 17))
    live.status("m1", status(True, 18))
    assert live.status("m1", status(False, 17)) == "stale"
    assert live.online("m1")
    assert live.status("m1", status(False, 18)) == "new"
    assert not live.online("m1")


def test_another_boot_has_another_time() -> None:
    """Its uptimes begin at 0 again."""
    live = Live()
    tell(live, boot=17, uptime_ms=1000)
    assert live.offset_ms("m1", 17) == UTC_MS - 1000
    live.status("m1", status(True, 18))
    assert live.offset_ms("m1", 18) is None


def test_the_will_of_a_boot_never_heard_of_counts() -> None:
    live = Live()
    live.restore("m1", 17, UTC_MS)
    live.status("m1", status(False, 19))
    assert not live.online("m1") and live.snapshot("m1").boot == 19


def test_a_machine_with_wiped_flash_comes_online_again() -> None:
    """Its boots count from 1 again: a birth is always believed, and so is a live state."""
    live = Live()
    live.status("m1", status(True, 17))
    live.status("m1", status(True, 1))
    live.status("m1", status(False, 17))
    assert tell(live, boot=1).came_online
    assert live.online("m1")


def test_a_retained_state_proves_nothing_about_now() -> None:
    live = Live()
    assert tell(live, is_live=False).came_online is False
    assert not live.online("m1")
    assert live.offset_ms("m1", 17) is None
    assert tell(live).came_online is True


@given(st.lists(st.tuples(st.booleans(), st.integers(1, 4)), max_size=12), st.integers(1, 4))
def test_wills_delayed_at_will(births_and_wills: list[tuple[bool, int]], last: int) -> None:
    """Boots are born in order; each will may come at any time after; the newest birth decides."""
    live = Live()
    for _, boot in sorted(
        {(0, boot) for _, boot in births_and_wills if boot <= last} | {(0, last)}
    ):
        live.status("m1", status(True, boot))
    for online, boot in births_and_wills:
        if not online and boot < last:
            live.status("m1", status(False, boot))
    assert live.online("m1")
    live.status("m1", status(False, last))
    assert not live.online("m1")


def test_after_a_restart_a_machine_is_offline_until_it_speaks(world: World) -> None:
    world.introduce()
    assert world.live.online("m1")
    world.boot()
    assert not world.live.online("m1")


def test_when_a_machine_was_last_seen_is_known_after_a_restart(world: World) -> None:
    world.introduce()
    world.now_ms += 3_600_000
    world.take("state", example("state"))
    (known,) = world.registry.machines()
    assert world.now_ms - known.last_seen_ms < 60_000


def test_what_the_broker_kept_is_no_sign_of_life(world: World) -> None:
    world.introduce()
    heard_ms = world.now_ms
    world.boot()
    world.live.restore("m1", 1, heard_ms)
    world.now_ms += 3_600_000
    world.take("info", example("info"), retain=True)
    (known,) = world.registry.machines()
    assert known.last_seen_ms == world.live.snapshot("m1").last_seen_ms == heard_ms
    world.take("status", example("status"), "m2", retain=True)
    assert world.live.snapshot("m2").last_seen_ms == world.now_ms  # better than never


def test_what_was_in_quarantine_is_no_sign_of_life(world: World) -> None:
    world.introduce()
    heard_ms = world.now_ms
    world.boot()  # an intake of its own, as a replay has
    world.live.restore("m1", 1, heard_ms)
    old = Incoming(
        "coffee/v1/m1/info", json.dumps(example("info")).encode(), False, False,
        heard_ms - 3_600_000, again=True,
    )  # fmt: skip
    with world.db.write() as tx:
        world.intake.take(tx, old)
    (known,) = world.registry.machines()
    assert known.last_seen_ms == world.live.snapshot("m1").last_seen_ms == heard_ms


# --- clock
def test_the_clock_is_wanted_once_in_a_while() -> None:
    live = Live()
    assert tell(live, UTC_MS, utc_ms=None).clock_wanted
    assert not tell(live, UTC_MS + 10_000, utc_ms=None).clock_wanted
    assert tell(live, UTC_MS + 30_000, utc_ms=None).clock_wanted
    assert not tell(live, UTC_MS + 90_000, utc_ms=UTC_MS + 90_000).clock_wanted


def test_a_new_boot_is_told_at_once() -> None:
    live = Live()
    tell(live, UTC_MS, utc_ms=None)
    assert tell(live, UTC_MS + 1000, utc_ms=None, boot=18).clock_wanted


# --- curves
def test_a_whole_curve() -> None:
    live = Live()
    assert live.shot("m1", batch(0)) == []
    assert live.curve("m1") is not None
    (curve,) = live.shot("m1", batch(1, last=True))
    assert (curve.t_ms, curve.complete, curve.pressure_mbar) == ([0, 1, 10, 11], True, None)
    assert live.curve("m1") is None


def test_a_curve_with_a_hole_says_so_and_repeats_change_nothing() -> None:
    live = Live()
    live.shot("m1", batch(0))
    live.shot("m1", batch(0))
    (curve,) = live.shot("m1", batch(2, last=True))
    assert (curve.t_ms, curve.complete) == ([0, 1, 20, 21], False)


def test_a_curve_met_in_the_middle_is_not_complete() -> None:
    (curve,) = Live().shot("m1", batch(3, last=True))
    assert not curve.complete


def test_a_column_that_comes_late_is_padded() -> None:
    live = Live()
    live.shot("m1", batch(0, weight_mg=None))
    (curve,) = live.shot("m1", batch(1, last=True, weight_mg=[5, 6]))
    assert curve.weight_mg == [0, 0, 5, 6]


def test_a_new_shot_ends_one_whose_last_batch_was_lost() -> None:
    live = Live()
    live.shot("m1", batch(0))
    (ended,) = live.shot("m1", batch(0, shot=4))
    assert (ended.shot, ended.finished, ended.complete) == (3, True, False)
    running = live.curve("m1")
    assert running is not None and running.shot == 4


def test_a_machine_that_says_no_shot_runs_ends_it_too() -> None:
    live = Live()
    live.shot("m1", batch(0))
    assert tell(live, UTC_MS, shot=3).ended is None
    assert tell(live, UTC_MS + 1, shot=None).ended is None  # the last batch may be just behind
    ended = tell(live, UTC_MS + 1 + SILENT_CURVE_MS, shot=None).ended
    assert ended is not None and not ended.complete
    assert live.curve("m1") is None


def test_a_curve_without_end_is_bounded() -> None:
    live = Live()
    for part in range(CURVE_SAMPLES):
        live.shot("m1", batch(part, samples=10))
    curve = live.curve("m1")
    assert curve is not None and len(curve.t_ms) == len(curve.temp_mc) == CURVE_SAMPLES


def test_curves_are_stored_with_the_brew(world: World) -> None:
    world.take("shot", {**example("shot"), "part": 0})
    world.take("shot", {**example("shot"), "part": 1, "last": True})
    stored = world.curves.curve("m1", 17, 23)
    assert stored is not None and stored.complete and stored.t_ms == [4000, 4100] * 2
    assert world.curves.present([("m1", 17, 23), ("m1", 17, 24)]) == {("m1", 17, 23)}
    world.take("shot", {**example("shot"), "part": 7, "last": True})
    assert world.curves.curve("m1", 17, 23) == stored  # a fragment never replaces a whole one


# --- history
def test_history_is_bounded_and_thinned() -> None:
    live = Live()
    for number in range(3 * HISTORY_POINTS):
        tell(live, UTC_MS + number * HISTORY_EVERY_MS // 2, temp_mc=number, pressure_mbar=1)
    history = live.history("m1")
    assert len(history.received_ms) == HISTORY_POINTS
    assert history.temp_mc[-1] == 3 * HISTORY_POINTS - 2
    assert history.received_ms[-1] - history.received_ms[0] == (
        (HISTORY_POINTS - 1) * HISTORY_EVERY_MS
    )
    assert history.pressure_mbar == [1] * HISTORY_POINTS
    assert history.steam_temp_mc is None


def test_history_survives_a_clock_set_back() -> None:
    live = Live()
    tell(live, UTC_MS)
    tell(live, UTC_MS - 86_400_000)
    assert live.history("m1").received_ms == [UTC_MS - 86_400_000]


def test_a_machine_that_comes_online_is_told_of_once(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    # a logger of its own: the module's is fixed for good by the first test that ran the program
    monkeypatch.setattr("host_bridge.intake.log", structlog.get_logger())
    with structlog.testing.capture_logs() as logs:
        world.introduce()
        for _ in range(2):  # a birth that a broker hands on twice, and the state behind it
            world.take("status", {"v": 1, "online": True, "boot": 17})
            world.take("state", example("state"))
    assert [entry["machine"] for entry in logs if entry["event"] == "machine_online"] == ["m1"]
