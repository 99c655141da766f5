"""Boilers against closed forms: element, cooling, energy balance, steam."""

from __future__ import annotations

import math

import pytest

from tests.plant.support import BOARDS, figures, make, ran, truth

from simulator.plant import thermal  # isort: skip

WATER_J_ML_K = 4.178  # CRC Handbook, 20 °C


def boiler(capacity: int = 1900, loss: int = 1200, temp_c: float = 22, power: int = 1300) -> tuple:
    given = {
        "brew_power_w": power, "brew_capacity_j_k": capacity, "brew_loss_mw_k": loss,
        "brew_element_lag_ms": 6000, "brew_sensor_lag_ms": 1500, "steam_rate_mg_s_bar": 0,
        "hot_water_ul_s_bar": 0,
    }
    p = thermal.boiler_parameters(given.__getitem__, "brew")
    p[thermal.AMBIENT], p[thermal.INLET] = 22_000_000, 20_000_000
    return thermal.boiler_state(p, int(temp_c * 1e6)), p


@pytest.mark.parametrize("seconds", [3, 6, 12, 30])
def test_element_answers_a_step_with_its_lag(seconds: int) -> None:
    s, p = boiler()
    for _ in range(seconds * 100):
        thermal.brew_step(s, p, 1_300_000, 0)
    expected = 1_300_000 * (1 - math.exp(-seconds / 6))
    assert s[thermal.HEAT] == pytest.approx(expected, rel=0.003)


def test_cooling_is_exponential() -> None:
    s, p = boiler(temp_c=93)
    for second in range(1, 1801):
        for _ in range(100):
            thermal.brew_step(s, p, 0, 0)
        if second % 300 == 0:
            expected = 22 + 71 * math.exp(-1.2 * second / 1900)
            assert s[thermal.TEMP] / 1e6 == pytest.approx(expected, abs=0.01)


def test_steady_flow_finds_the_temperature_where_power_is_carried_away() -> None:
    # P = G (T - T_room) + rho cp Q (T - T_in), 2 ml/s
    s, p = boiler(temp_c=80, capacity=190)
    for _ in range(60_000):
        thermal.brew_step(s, p, 700_000, 20_000)
    flow = WATER_J_ML_K * 2
    expected = (700 + 1.2 * 22 + flow * 20) / (1.2 + flow)
    assert s[thermal.TEMP] / 1e6 == pytest.approx(expected, abs=0.02)


def test_sensor_follows_with_its_lag() -> None:
    s, p = boiler(temp_c=20, loss=0)
    s[thermal.ENERGY] = 93 * 1900 * 10**6
    thermal.brew_step(s, p, 0, 0)
    for _ in range(149):
        thermal.brew_step(s, p, 0, 0)
    expected = 93 - 73 * math.exp(-1)
    assert s[thermal.SENSED] / 1e6 == pytest.approx(expected, abs=0.35)


@pytest.mark.parametrize("board", BOARDS)
def test_energy_balance_over_heat_up_and_shot(board: str) -> None:
    """What the mains gave is in the boiler, in the room and in the water, within 0.5 %.

    Counted from the outside: temperatures, flows and energy of `t`, the figures of the board.
    """
    f = figures(board)
    plant = make(board)
    start = truth(plant)
    lost = carried = 0.0

    def go(ms: int, duty_of_10: int = 10, **outputs: int) -> None:
        nonlocal lost, carried
        for i in range(ms // 10):
            on = 1 if i % 10 < duty_of_10 else 0
            before = truth(plant)
            ran(plant, 10, heater_brew=on, **outputs)
            now = truth(plant)
            temp = (before["temp_brew_mc"] + now["temp_brew_mc"]) / 2000
            lost += f["brew_loss_mw_k"] / 1000 * (temp - 22) * 0.01
            pumped = (now["pumped_ul"] - before["pumped_ul"]) / 1000
            carried += WATER_J_ML_K * max(pumped, 0) * (temp - 20)

    go(120_000)
    go(30_000, 5, valve_brew=1, pump_permille=500 if board == "coffee_2900" else 1000)
    go(20_000, 1, valve_brew=0, pump_permille=0)
    end = truth(plant)
    stored = f["brew_capacity_j_k"] * (end["temp_brew_mc"] - start["temp_brew_mc"]) / 1000
    in_element = end["element_brew_w"] * f["brew_element_lag_ms"] / 1000
    drawn = end["energy_j"] - start["energy_j"]
    assert carried > 0.05 * drawn
    assert stored + in_element + lost + carried == pytest.approx(drawn, rel=0.005)


@pytest.mark.parametrize("permille", [900, 1000, 1100])
def test_power_follows_the_square_of_the_voltage(permille: int) -> None:
    plant = make("coffee_1900", quiet=True)
    plant.set("mains_permille", permille)
    ran(plant, 10_000, heater_brew=1)
    assert truth(plant)["energy_j"] == pytest.approx(13_000 * (permille / 1000) ** 2, rel=1e-3)


@pytest.mark.parametrize(
    ("temp_c", "bar"),  # saturated steam, IAPWS steam table
    [(100, 1.01418), (110, 1.4338), (120, 1.9867), (130, 2.7026), (140, 3.6150), (150, 4.7610)],
)
def test_saturation_pressure_is_the_steam_table_s(temp_c: int, bar: float) -> None:
    assert thermal.saturation_mbar(temp_c) / 1000 == pytest.approx(bar, rel=2e-3)


def test_steam_boiler_shows_its_saturation_pressure() -> None:
    plant = make("coffee_2900")
    plant.set("temp_steam_mc", 123_400)
    plant.step()
    assert truth(plant)["pressure_steam_mbar"] == pytest.approx(1200, abs=10)
    plant.set("temp_steam_mc", 60_000)
    plant.step()
    assert truth(plant)["pressure_steam_mbar"] == 0


def test_steam_costs_its_enthalpy() -> None:
    """Mass of steam times (h_g - cp T of what stays) is the energy the boiler lost."""
    plant = make("coffee_2900", quiet=True, steam_loss_mw_k=0)
    plant.set("temp_steam_mc", 125_000)
    before = truth(plant)
    ran(plant, 5_000, valve_steam=1)
    after = truth(plant)
    grams = (before["steam_water_ul"] - after["steam_water_ul"]) * 0.9982e-3
    rate = grams / 5
    assert 0.8 < rate < 1.6  # about 0.9 g/s and bar at 1.1...1.3 bar
    # h_fg 2201 J/g at 120 °C (steam table): latent heat comes out of water and metal
    capacity = 5200 - grams / 2 * 4.186
    dropped = (before["temp_steam_mc"] - after["temp_steam_mc"]) / 1000
    assert dropped * capacity == pytest.approx(grams * 2201, rel=0.02)


def test_hot_water_leaves_the_temperature_alone_and_refill_cools() -> None:
    plant = make("coffee_2900", quiet=True, steam_loss_mw_k=0)
    plant.set("temp_steam_mc", 120_000)
    before = truth(plant)
    ran(plant, 5_000, valve_water=1)
    after = truth(plant)
    assert before["steam_water_ul"] - after["steam_water_ul"] > 20_000
    assert after["temp_steam_mc"] == pytest.approx(before["temp_steam_mc"], abs=20)
    ran(plant, 10_000, valve_water=0, valve_refill=1, pump_permille=600)
    refilled = truth(plant)
    ml = (refilled["steam_water_ul"] - after["steam_water_ul"]) / 1000
    assert ml > 20
    heat_j_k = 5200 - (650 - after["steam_water_ul"] / 1000) * WATER_J_ML_K
    expected = (heat_j_k * 120 + ml * WATER_J_ML_K * 20) / (heat_j_k + ml * WATER_J_ML_K)
    assert refilled["temp_steam_mc"] / 1000 == pytest.approx(expected, abs=0.1)


def test_group_metal_rests_below_the_boiler() -> None:
    plant = make("coffee_2900", quiet=True, brew_loss_mw_k=0)
    plant.set("temp_brew_mc", 93_000)
    ran(plant, 600_000)
    drop = 93_000 - truth(plant)["temp_group_mc"]
    assert drop == pytest.approx(0.04 * 71_000, rel=0.05)
