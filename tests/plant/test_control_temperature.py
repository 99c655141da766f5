"""Issue-grade figures of the temperature control, on the plant with noise, lags and model error.

Simulated time only. The controller knows the nominal plant (board.py), never the seed, the error
injected here or the noise.
"""

from __future__ import annotations

from typing import Any

import pytest

from tests.plant.rig import figures

BOARDS = ("coffee_1900", "coffee_2900")
# every thermal parameter alone, both ways; then together in the corners that hurt most: a weak,
# slow element in a light boiler, and a strong, quick one
ALONE = [
    {name: factor}
    for name in ("power", "capacity", "loss", "element_lag", "sensor_lag", "pipe_lag",
                 "puck_resistance", "flowmeter")
    for factor in (0.8, 1.2)
]
TOGETHER = [
    {"power": 0.8, "capacity": 0.8, "loss": 1.2, "element_lag": 1.2, "sensor_lag": 1.2},
    {"power": 1.2, "capacity": 0.8, "loss": 0.8, "element_lag": 0.8, "sensor_lag": 0.8},
    {"power": 0.8, "capacity": 1.2, "loss": 1.2, "element_lag": 1.2, "sensor_lag": 1.2},
    {"power": 1.2, "capacity": 1.2, "loss": 0.8, "element_lag": 0.8, "sensor_lag": 0.8},
]
# the worst of all 64 thermal corners in four hydraulic ones (a search on the thermal model alone)
WORST = [
    {"power": 0.8, "capacity": 0.8, "loss": 1.2, "element_lag": 1.2, "sensor_lag": 1.2,
     "pipe_lag": 0.8, "puck_resistance": 0.8, "pump_free": 1.2, "compliance": 0.8},
    {"power": 1.2, "capacity": 0.8, "loss": 0.8, "element_lag": 0.8, "sensor_lag": 1.2,
     "pipe_lag": 0.8, "puck_resistance": 0.8, "headspace": 0.8, "pump_free": 0.8,
     "pump_lag": 1.2},
]


def names(case: dict[str, Any]) -> str:
    return "-".join(f"{name}{factor}" for name, factor in case.items()) or "nominal"


@pytest.mark.parametrize("board", BOARDS)
@pytest.mark.parametrize("seed", [1])
def test_idle_99_percent_within_100_mc(board: str, seed: int) -> None:
    found = figures(board, "idle", seed=seed, minutes=15)
    assert found["p99_mc"] <= 100, found
    assert not found["alarms"]


@pytest.mark.parametrize("board", BOARDS)
@pytest.mark.parametrize("params", [{}, *ALONE[:2], *TOGETHER], ids=names)
def test_cold_to_ready_without_500_mc_overshoot(board: str, params: dict[str, float]) -> None:
    found = figures(board, "heat_up", seed=3, params=params)
    assert found["over_mc"] <= 500, found
    assert not found["alarms"]


@pytest.mark.parametrize("board", BOARDS)
@pytest.mark.parametrize("mains", [900, 1100])
def test_heat_up_at_the_mains_limits(board: str, mains: int) -> None:
    found = figures(board, "heat_up", seed=4, mains=mains)
    assert found["over_mc"] <= 500 and not found["alarms"], found


@pytest.mark.parametrize("board", BOARDS)
@pytest.mark.parametrize("seed", [1, 2])
def test_nominal_shots_within_300_mc_at_the_group_inlet(board: str, seed: int) -> None:
    found = figures(board, "shots", seed=seed, count=8)
    assert min(found["low_mc"]) >= -300 and max(found["high_mc"]) <= 300, found
    assert set(found["result"]) == {0} and not found["alarms"]


@pytest.mark.parametrize("board", BOARDS)
@pytest.mark.parametrize("params", [*ALONE, *TOGETHER, *WORST], ids=names)
def test_shots_within_600_mc_with_everything_20_percent_off(
    board: str, params: dict[str, float]
) -> None:
    found = figures(board, "shots", seed=5, count=2, params=params, two_ml_s=True)
    assert min(found["low_mc"]) >= -600 and max(found["high_mc"]) <= 600, found
    assert not found["alarms"]


@pytest.mark.parametrize("board", BOARDS)
@pytest.mark.parametrize("params", [{}, ALONE[0], ALONE[7]], ids=names)
def test_autotune_finds_the_plant_and_stays_below_125_c(
    board: str, params: dict[str, float]
) -> None:
    nominal = {"coffee_1900": (1300, 1200, 7500), "coffee_2900": (1400, 1500, 7500)}[board]
    found = figures(board, "autotune", seed=6, params=params)
    power, _capacity, loss, element, sensor = found["tune"]
    assert found["began"] and found["hottest_mc"] < 125000
    assert power == pytest.approx(nominal[0] * params.get("power", 1), rel=0.04)
    assert loss == pytest.approx(nominal[1], rel=0.35)
    true_lag = 6000 * params.get("element_lag", 1) + 1500
    assert element + sensor == pytest.approx(true_lag, rel=0.08)
    assert not found["alarms"]
