"""What a delivered machine does by itself: tunes in its first heat-up, learns from shots."""

from __future__ import annotations

from typing import Any

import pytest

from tests.plant.rig import figures

BOARDS = ("coffee_1900", "coffee_2900")
OFF = {"power": 0.8, "capacity": 0.8, "loss": 1.2, "element_lag": 1.2}
NOMINAL = {"coffee_1900": (1300, 1900, 1200, 6000), "coffee_2900": (1400, 3000, 1500, 6000)}


@pytest.mark.parametrize("board", BOARDS)
def test_the_first_heat_up_from_cold_tells_power_lag_and_loss(board: str) -> None:
    found = figures(board, "tuning.first_heat_up", seed=6, params=OFF)
    power, capacity, loss, lag, _ = found["tune"][:5]
    nominal = NOMINAL[board]
    assert found["told"] == 1 and found["figures"] == found["tune"][:5]
    # relative to the heat capacity, which shots tell
    assert power == pytest.approx(nominal[0] * 0.8 / 0.8, rel=0.05)
    assert loss == pytest.approx(nominal[2] * 1.2 / 0.8, rel=0.35)
    assert (capacity, lag) == (nominal[1], pytest.approx(nominal[3] * 1.2, rel=0.12))
    assert found["hottest_mc"] < 93500
    assert found["states"] == ["cold", "heating", "ready"]
    # a minute more than a machine that has its figures, and only this once
    assert found["ready_ms"] < found["plain_ms"] + 60000
    assert not found["alarms"]


@pytest.mark.parametrize("board", BOARDS)
def test_shots_come_before_the_tune_is_complete(board: str) -> None:
    found = figures(board, "tuning.shot_between", seed=7)
    assert found["holding"] and found["results"] == [0, 0, 0]
    assert found["low_mc"] >= -400 and found["high_mc"] <= 400
    assert (found["told_before"], found["told"]) == (0, 1) and found["tune"][0]
    assert not found["alarms"]


@pytest.mark.parametrize(("by", "at_ms", "again"), [
    ("standby", 20000, True), ("standby", 100000, False),  # below 40 °C, and above
    ("tank", 15000, True), ("tank", 85000, False),
    ("water", 15000, True), ("stop", 20000, False),
])
def test_who_comes_between_ends_it_and_no_harm_is_done(by: str, at_ms: int, again: bool) -> None:
    found = figures("coffee_1900", "tuning.interrupted", by=by, at_ms=at_ms)
    assert found["before"] and found["figures"] and not any(found["tune"]), found
    if by != "tank":
        assert not found["after"]
    if by in ("standby", "tank"):
        assert not found["fired"]
    assert (found["again"], found["told"]) == (again, int(again))
    assert found["over_mc"] < 500 and not found["alarms"], found


@pytest.mark.parametrize("at_ms", [20000, 80000])  # below 40 °C, and above
def test_a_set_point_that_is_lowered_meanwhile_is_kept(at_ms: int) -> None:
    found = figures("coffee_1900", "tuning.lowered", at_ms=at_ms)
    assert found["before"] and found["over_mc"] < 500 and not found["alarms"], found


@pytest.mark.parametrize("board", BOARDS)
@pytest.mark.parametrize("params", [
    {"capacity": 0.8, "power": 0.8}, {"capacity": 1.2, "power": 0.8}, {"capacity": 0.8}], ids=str)
def test_shots_tell_the_heat_capacity(board: str, params: dict[str, Any]) -> None:
    found = figures(board, "shots", seed=8, count=6, params=params, two_ml_s=True, cold=True)
    power, capacity = found["figures"][:2]
    assert capacity == pytest.approx(NOMINAL[board][1] * params["capacity"], rel=0.07)
    assert power == pytest.approx(NOMINAL[board][0] * params.get("power", 1), rel=0.07)
    # the boiler alone could be at fault for 0.6 °C before
    assert min(found["low_mc"]) >= -400 and max(found["high_mc"]) <= 400, found
