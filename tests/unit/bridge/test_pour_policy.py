"""Pour a coffee when the ERP is busy for too long: every clause of the rule."""

from __future__ import annotations

from datetime import datetime, time, timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from host_bridge.pour_policy import PourMemory, PourPolicy, Probe
from host_bridge.settings import PourSettings

MONDAY_9 = datetime(2026, 1, 5, 9)
BUSY, CALM, HALF, FAILED = 2000.0, 999.0, 1000.0, None


def rule(**changes: Any) -> PourSettings:
    wanted = {"enabled": True, "machine": "m1", "timezone": "UTC", **changes}
    return PourSettings.model_validate(wanted)


class Day:
    """Probes every five seconds; counts the pours."""

    def __init__(self, policy: PourPolicy | None = None, start: datetime = MONDAY_9) -> None:
        self.policy = policy or PourPolicy(rule())
        self.start = start
        self.mono_s = 1000.0
        self.local = start
        self.pours: list[datetime] = []

    def go(self, seconds: float, latency_ms: float | None, every_s: float = 5) -> int:
        before = len(self.pours)
        for _ in range(round(seconds / every_s)):
            self.mono_s += every_s
            self.local += timedelta(seconds=every_s)
            if self.policy.observe(Probe(self.mono_s, self.local, latency_ms)):
                self.pours.append(self.local)
        return len(self.pours) - before


@pytest.mark.parametrize("latency_ms", [BUSY, FAILED, 1e9])
def test_five_minutes_without_a_break_pour_once(latency_ms: float | None) -> None:
    day = Day()
    assert day.go(300, latency_ms) == 0  # the first probe begins the five minutes
    assert day.go(5, latency_ms) == 1
    assert day.go(7200, latency_ms) == 0
    assert day.policy.state == "poured"


@pytest.mark.parametrize("latency_ms", [1999.9, HALF, CALM])
def test_one_answer_in_time_begins_the_five_minutes_anew(latency_ms: float) -> None:
    day = Day()
    day.go(295, BUSY)
    day.go(5, latency_ms)
    assert day.go(300, BUSY) == 0
    assert day.go(5, BUSY) == 1


def test_the_episode_ends_after_two_minutes_below_half_the_threshold() -> None:
    day = Day()
    day.go(305, BUSY)
    day.go(120, CALM)
    assert day.policy.state == "poured"
    day.go(5, CALM)
    assert day.policy.state == "idle"


@pytest.mark.parametrize("latency_ms", [HALF, FAILED, BUSY])
def test_anything_else_begins_the_two_minutes_anew(latency_ms: float | None) -> None:
    day = Day()
    day.go(305, BUSY)
    day.go(120, CALM)
    day.go(5, latency_ms)
    day.go(120, CALM)
    assert day.policy.state == "poured"
    day.go(5, CALM)
    assert day.policy.state == "idle"


def test_a_second_episode_waits_for_the_cool_down() -> None:
    day = Day()
    day.go(305, BUSY)
    poured = day.pours[0]
    day.go(125, CALM)
    assert day.go(600, BUSY) == 0
    assert day.go(1800, BUSY) == 1
    assert day.pours[1] - poured == timedelta(seconds=1800)


def test_four_a_day_and_the_next_day_again() -> None:
    day = Day()
    for _ in range(6):
        day.go(2000, BUSY)
        day.go(125, CALM)
    assert len(day.pours) == 4
    day.local = MONDAY_9 + timedelta(days=1)
    assert day.go(305, BUSY) == 1


@pytest.mark.parametrize(
    "start",
    [MONDAY_9.replace(hour=7, minute=50), MONDAY_9 - timedelta(days=1),
     MONDAY_9.replace(hour=18), MONDAY_9 + timedelta(days=5)],
)  # fmt: skip
def test_no_coffee_outside_office_hours(start: datetime) -> None:
    assert Day(start=start).go(500, BUSY) == 0


def test_an_episode_that_lasts_into_office_hours_pours_then() -> None:
    day = Day(start=MONDAY_9.replace(hour=6))
    day.go(7200, BUSY)
    assert day.pours == [MONDAY_9.replace(hour=8)]


def test_a_breath_before_office_hours_begins_the_five_minutes_anew() -> None:
    day = Day(start=MONDAY_9.replace(hour=6))
    day.go(7140, BUSY)
    day.go(55, CALM)  # no end of the episode, yet a break
    assert day.go(300, BUSY) == 0
    assert day.go(5, BUSY) == 1


def test_off_by_default() -> None:
    policy = PourPolicy(PourSettings())
    assert Day(policy).go(4000, BUSY) == 0
    assert policy.state == "off"


def test_a_silence_of_the_probe_is_no_proof() -> None:
    day = Day()
    day.go(295, BUSY)
    day.mono_s += 3600  # the bridge's computer slept
    assert day.go(300, BUSY) == 0
    assert day.go(5, BUSY) == 1


def test_a_restart_is_no_second_coffee() -> None:
    day = Day()
    day.go(305, BUSY)
    kept = PourMemory.from_dict({**day.policy.memory.as_dict(), "from a newer version": 1})
    again = Day(PourPolicy(rule(), kept), start=day.local)
    assert again.go(7200, BUSY) == 0


def test_the_wall_clock_set_back_does_not_shorten_the_cool_down() -> None:
    day = Day()
    day.go(305, BUSY)
    day.go(125, CALM)
    day.local -= timedelta(hours=1)
    assert day.go(1800, BUSY) == 0


steps = st.lists(
    st.tuples(
        st.sampled_from([60, 295, 305, 600, 2400, 7200, 40_000]),
        st.sampled_from([BUSY, CALM, HALF, FAILED, 0.0, 1500.0]),
    ),
    max_size=25,
)


@given(steps, st.integers(0, 6), st.integers(0, 23))
@settings(max_examples=150, deadline=None)
def test_whatever_happens(story: list[tuple[int, float | None]], weekday: int, hour: int) -> None:
    start = (MONDAY_9 + timedelta(days=weekday)).replace(hour=hour)
    day = Day(start=start)
    busy_s: list[tuple[datetime, bool]] = []
    for seconds, latency_ms in story:
        for _ in range(round(seconds / 20)):
            poured = day.go(20, latency_ms, every_s=20)
            busy = latency_ms is None or latency_ms >= 2000
            busy_s.append((day.local, busy))
            if poured:
                last_calm = max((at for at, was in busy_s if not was), default=start)
                assert day.local - last_calm >= timedelta(seconds=300)
    for first, second in zip(day.pours, day.pours[1:], strict=False):
        assert second - first >= timedelta(seconds=1800)
        between = [busy for at, busy in busy_s if first < at <= second]
        assert not all(between)  # one an episode: the ERP had recovered in between
    for pour in day.pours:
        assert pour.isoweekday() <= 5 and time(8) <= pour.time() < time(18)
        assert sum(other.date() == pour.date() for other in day.pours) <= 4


def test_enabled_without_a_machine_is_refused() -> None:
    with pytest.raises(ValueError, match="name the machine that is to pour"):
        PourSettings(enabled=True)


def test_a_clock_that_was_a_year_ahead_costs_no_year_of_coffee() -> None:
    day = Day(start=MONDAY_9 + timedelta(days=364))
    assert day.go(305, BUSY) == 1
    day.go(125, CALM)
    day.local -= timedelta(days=364)
    assert day.go(305, BUSY) == 1
    day.go(125, CALM)
    day.local -= timedelta(minutes=10)  # corrected a little: the pause is no shorter for it
    assert day.go(305, BUSY) == 0
