"""Pressure and flow of the 2900: tracking, limits, and the weight in the cup."""

from __future__ import annotations

import pytest

from tests.plant.rig import figures

BOARD = "coffee_2900"
ERRORS = [
    {}, {"compliance": 0.8}, {"compliance": 1.2}, {"pump_free": 0.8}, {"pump_free": 1.2},
    {"pump_lag": 0.8}, {"pump_lag": 1.2}, {"puck_resistance": 0.8}, {"puck_resistance": 1.2},
    {"headspace": 1.2}, {"compliance": 1.2, "pump_lag": 1.2, "pump_free": 0.8},
]


@pytest.mark.parametrize("params", ERRORS, ids=str)
def test_pressure_follows_the_profile(params: dict[str, float]) -> None:
    found = figures(BOARD, "pressure", seed=1, params=params)
    assert found["low_rms_mbar"] <= 100 and found["hold_rms_mbar"] <= 100, found
    assert found["ramp_rms_mbar"] <= 200 and found["over_mbar"] <= 300, found
    assert not found["alarms"]


@pytest.mark.parametrize("seed", [2, 3, 4])
@pytest.mark.parametrize("target, ramp_ms", [(9000, 1000), (6000, 3000), (9500, 8000)])
def test_other_ramps(seed: int, target: int, ramp_ms: int) -> None:
    found = figures(BOARD, "pressure", seed=seed, target=target, ramp_ms=ramp_ms, start=2000)
    assert found["hold_rms_mbar"] <= 100 and found["ramp_rms_mbar"] <= 200, found
    assert found["over_mbar"] <= 300, found


def test_declining_profile() -> None:
    found = figures(BOARD, "pressure", seed=5, start=8000, target=4000, ramp_ms=6000)
    assert found["ramp_rms_mbar"] <= 200 and found["hold_rms_mbar"] <= 100, found


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_flow_limit_while_the_puck_falls_to_a_third(seed: int) -> None:
    found = figures(BOARD, "limits", seed=seed, kind="flow", step=[333, 1000])
    assert found["flow_max_ul_s"] <= 3000 * 1.08, found  # the map is trimmed by the meter's pulses
    assert found["pressure_max_mbar"] <= 9300


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_pressure_limit_while_the_puck_triples(seed: int) -> None:
    found = figures(BOARD, "limits", seed=seed, kind="pressure", step=[3000, 1000])
    assert found["pressure_max_mbar"] <= 8300, found
    assert 7800 <= found["pressure_end_mbar"] <= 8200


@pytest.mark.parametrize("seed", [1, 2])
def test_pressure_holds_while_the_puck_halves(seed: int) -> None:
    found = figures(BOARD, "pressure", seed=seed, target=6000, step=[500, 1000])
    assert found["hold_rms_mbar"] <= 100 and not found["alarms"], found
