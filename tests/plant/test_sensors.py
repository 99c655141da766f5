"""What the converter sees: dividers, noise, 12 bits, load cell; and what faults make of it."""

from __future__ import annotations

import math
import statistics
from itertools import pairwise
from typing import Any

import pytest

from tests.plant.support import BOARDS, ROOT, figures, make, ran, truth, words

Y = {name: i for i, name in enumerate(words.Y_NAMES)}


def reads(plant: Any, channel: int, n: int = 8000, apart_ms: int = 0) -> list[int]:
    found = []
    for _ in range(n):
        if apart_ms:
            ran(plant, apart_ms)
        found.append(plant.adc(channel))
    return found


def code(u16: int) -> int:
    return u16 >> 4


@pytest.mark.parametrize("temp_c", [5, 22, 60, 93, 120, 150])
def test_ntc_divider_is_the_beta_equation(temp_c: int) -> None:
    plant = make("coffee_1900", quiet=True)
    plant.set("temp_brew_mc", temp_c * 1000)
    ohm = 50_000 * math.exp(3950 * (1 / (temp_c + 273.15) - 1 / 298.15))
    expected = 4096 * 4700 / (4700 + ohm)
    assert plant.y[Y["adc_brew"]] / 16 == pytest.approx(expected, abs=0.2)


@pytest.mark.parametrize("temp_c", [5, 93, 125, 160])
def test_pt1000_amplifier_is_linear(temp_c: int) -> None:
    plant = make("coffee_2900", quiet=True)
    plant.set("temp_brew_mc", temp_c * 1000)
    assert plant.y[Y["adc_brew"]] / 16 == pytest.approx(4096 * temp_c / 165, abs=0.2)


def test_pressure_transducer_is_the_board_s_line() -> None:
    plant = make("coffee_2900", quiet=True)
    assert plant.y[Y["adc_pressure"]] / 16 == pytest.approx(4096 * 333 / 3300, abs=0.2)
    ran(plant, 3000, valve_brew=1, pump_permille=500)
    bar = truth(plant)["pressure_mbar"] / 1000
    assert bar > 4
    expected = 4096 * (333 + 2667 * bar / 16) / 3300
    assert plant.y[Y["adc_pressure"]] / 16 == pytest.approx(expected, abs=0.5)


@pytest.mark.parametrize("board", BOARDS)
def test_the_plant_s_sensors_are_what_the_board_says(board: str) -> None:
    scope: dict[str, Any] = {}
    exec((ROOT / "boards" / board / "board.py").read_text(), scope)
    f = figures(board)
    for channel in words.CHANNELS:
        assert f[channel + "_sensor"] == scope[channel.upper() + "_SENSOR"], channel
    assert f["flowmeter_ul_pulse"] == scope["FLOW_UL_PULSE"]
    assert f["scale_counts_g"] == (scope.get("SCALE_COUNTS_G") or 0)
    names = ("power_w", "capacity_j_k", "loss_mw_k", "element_lag_ms", "sensor_lag_ms")
    for boiler in ("brew", "steam"):
        told = scope[boiler.upper() + "_BOILER"]
        if told:
            assert tuple(f[f"{boiler}_{n}"] for n in names) == told


def test_adc_noise_has_the_figure_s_sigma_and_no_bias() -> None:
    plant = make("coffee_1900", 5, adc_slow_permille=0, mains_wander_permille=0)
    plant.set("temp_brew_mc", 93_000)
    expected = plant.y[Y["adc_brew"]] / 16
    found = [code(x) for x in reads(plant, words.ADC_BREW, 20_000)]
    # a code is the floor: half a code below, and quantisation adds 1/12
    assert statistics.fmean(found) == pytest.approx(expected - 0.5, abs=0.06)
    assert statistics.pstdev(found) == pytest.approx(math.sqrt(2**2 + 1 / 12), rel=0.03)
    pairs = list(pairwise(found))
    mean = statistics.fmean(found)
    together = statistics.fmean((a - mean) * (b - mean) for a, b in pairs)
    assert abs(together) < 0.05 * 4


def test_reads_are_12_bits_spread_to_16() -> None:
    plant = make("coffee_1900")
    plant.set("temp_brew_mc", 93_000)
    for x in reads(plant, words.ADC_BREW, 500):
        assert x == (x >> 4 << 4 | x >> 12)


def test_slow_noise_survives_averaging() -> None:
    plant = make("coffee_1900", 5, adc_noise_permille=0, mains_wander_permille=0)
    plant.set("temp_brew_mc", 22_000)
    found = [plant.channels[0][3] / 16 for _ in range(3000) if not plant.step() for _ in (0,)]
    assert 0.25 < statistics.pstdev(found) < 0.9  # figure: 0.5 codes, few independent values
    assert abs(found[1000] - found[1001]) < 0.3


def test_channels_have_noise_of_their_own() -> None:
    plant = make("coffee_2900", 5)
    first = reads(plant, words.ADC_BREW, 200)
    second = reads(plant, words.ADC_STEAM, 200)
    mean = statistics.fmean
    same = sum((a - mean(first)) * (b - mean(second)) > 0 for a, b in zip(first, second,
                                                                          strict=True))
    assert 70 < same < 130


def test_mains_wander_by_their_figure_and_come_back() -> None:
    plant = make("coffee_1900", 2)
    found = []
    for _ in range(3000):
        ran(plant, 200)
        found.append(truth(plant)["mains_permille"])
    assert statistics.pstdev(found) == pytest.approx(5, rel=0.35)  # 600 s hold 30 free values
    assert 975 < min(found) <= max(found) < 1025


def test_pressure_ripples_with_the_pump() -> None:
    plant = make("coffee_2900", 5, adc_slow_permille=0)
    still = statistics.pstdev(code(x) for x in reads(plant, words.ADC_PRESSURE, 4000))
    plant.fault("pump_broken")  # it turns and moves nothing
    ran(plant, 2000, pump_permille=1000)
    turning = statistics.pstdev(code(x) for x in reads(plant, words.ADC_PRESSURE, 4000))
    assert still == pytest.approx(2.02, rel=0.06)
    # 20 mbar are 4.1 codes; written as one sigma with the converter's
    assert turning == pytest.approx(2 + 4.1, rel=0.08)


def test_scale_shows_counts_ten_times_a_second_behind_its_lag() -> None:
    plant = make("coffee_2900", quiet=True)
    zero = 31_250 + 180 * 420
    assert plant.y[Y["scale_counts"]] == pytest.approx(zero, abs=2)
    plant.set("extra_mg", 100_000)
    ran(plant, 200)
    part = (plant.y[Y["scale_counts"]] - zero) / 42_000
    assert part == pytest.approx(1 - math.exp(-1), abs=0.03)
    seen = set()
    for _ in range(10):
        ran(plant, 10)
        seen.add(plant.y[Y["scale_counts"]])
    assert len(seen) == 2  # one new value in 100 ms
    ran(plant, 5000)
    assert plant.y[Y["scale_counts"]] == pytest.approx(zero + 42_000, abs=5)


def test_scale_noise_grows_while_the_pump_shakes_it() -> None:
    plant = make("coffee_2900", 4)

    def sigma_g() -> float:
        found = []
        for _ in range(600):
            ran(plant, 100)
            found.append(plant.y[Y["scale_counts"]] / 420)
        return statistics.pstdev(found)

    assert sigma_g() == pytest.approx(0.04, rel=0.15)
    plant.fault("pump_broken")
    ran(plant, 1000, pump_permille=1000)
    assert sigma_g() == pytest.approx(0.1, rel=0.15)


def test_cup_taken_away_is_felt_and_its_coffee_goes_to_the_tray() -> None:
    plant = make("coffee_2900", quiet=True)
    ran(plant, 15_000, valve_brew=1, pump_permille=600)
    plant.set("cup", 0)
    assert plant.y[Y["cup"]] == 0
    before = truth(plant)
    ran(plant, 5_000)
    after = truth(plant)
    assert after["cup_ul"] == 0
    assert after["tray_ul"] - before["tray_ul"] > 5000
    assert plant.y[Y["scale_counts"]] == pytest.approx(31_250, abs=5)


# --- faults
def test_every_fault_is_accepted_and_mended() -> None:
    for board in BOARDS:
        for name in make(board).fault_names():
            plant = make(board)
            whole = plant.snapshot()
            plant.fault(name)
            plant.fault(name, 0)
            if name != "puck_step":  # takes its second to come back
                assert plant.snapshot() == whole, name


def test_unknown_names_are_refused_with_the_known_ones() -> None:
    plant = make("coffee_1900")
    with pytest.raises(ValueError, match="sensor_open_brew"):
        plant.fault("sensor_open_toaster")
    for part_of_the_other_model in (
        "sensor_open_steam", "grinder_jam", "scale_stuck", "stuck_relay",
    ):
        with pytest.raises(ValueError, match=part_of_the_other_model):
            plant.fault(part_of_the_other_model)
    with pytest.raises(ValueError, match="temp_brew_mc"):
        plant.set("temperature", 1)
    with pytest.raises(ValueError, match=r"ambient_mc.*0\.\.\.60000"):
        plant.set("ambient_mc", -5000)
    with pytest.raises(ValueError, match="capacity"):
        plant.set("times_capacitance", 800)
    with pytest.raises(ValueError, match="capacity"):
        make("coffee_1900", params={"brew_sensor": 0.8})


def test_figures_no_machine_can_have_are_refused_and_change_nothing() -> None:
    plant = make("coffee_2900")
    before = plant.snapshot()
    for name, value in (
        ("cup", 2), ("tank_ml", -1), ("tank_ml", 10**9), ("puck", 3), ("temp_brew_mc", 10**7),
        ("times_puck_resistance", 0),
    ):
        with pytest.raises(ValueError, match=rf"{name}: {value} is not in"):
            plant.set(name, value)
    for name, value in (
        ("stuck_ssr_brew", 3), ("pump_broken", -1), ("sensor_open_brew", 2),
        ("sensor_noise_brew", -1), ("puck_step", -5),
    ):
        with pytest.raises(ValueError, match=rf"{name}: {value} is not in"):
            plant.fault(name, value)
    assert plant.snapshot() == before


@pytest.mark.parametrize(
    ("board", "channel", "opened", "shorted"),
    [
        ("coffee_1900", words.ADC_BREW, 0, 4095),  # NTC from the reference, divider to ground
        ("coffee_2900", words.ADC_BREW, 4095, 0),  # the PT1000's amplifier rails
        ("coffee_2900", words.ADC_STEAM, 4095, 0),
        ("coffee_2900", words.ADC_GROUP, 0, 4095),
        ("coffee_2900", words.ADC_PRESSURE, 0, 4095),
    ],
)
def test_open_and_shorted_sensors_show_their_rail(
    board: str, channel: int, opened: int, shorted: int
) -> None:
    plant = make(board)
    name = words.CHANNELS[channel]
    plant.fault("sensor_open_" + name)
    assert statistics.fmean(code(x) for x in reads(plant, channel, 200)) == pytest.approx(
        opened, abs=3
    )
    plant.fault("sensor_open_" + name, 0)
    plant.fault("sensor_short_" + name)
    assert statistics.fmean(code(x) for x in reads(plant, channel, 200)) == pytest.approx(
        shorted, abs=3
    )


@pytest.mark.parametrize("board", BOARDS)
def test_drift_shifts_the_reading_and_noise_multiplies(board: str) -> None:
    plant = make(board, adc_slow_permille=0)
    plant.set("temp_brew_mc", 93_000)
    found = [code(x) for x in reads(plant, words.ADC_BREW)]
    plant.fault("sensor_drift_brew", 2000)
    warmer = [code(x) for x in reads(plant, words.ADC_BREW)]
    per_degree = 30.1 if board == "coffee_1900" else 4096 / 165
    shift = statistics.fmean(warmer) - statistics.fmean(found)
    assert shift == pytest.approx(2 * per_degree, rel=0.03)
    plant.fault("sensor_drift_brew", 0)
    plant.fault("sensor_noise_brew", 5000)
    loud = [code(x) for x in reads(plant, words.ADC_BREW)]
    assert statistics.pstdev(loud) == pytest.approx(5 * statistics.pstdev(found), rel=0.06)


def heating(plant: Any) -> int:
    """Watts drawn in the next half-cycle."""
    plant.step()
    return truth(plant)["heater_w"]


def test_stuck_ssr_heats_unless_the_relay_opens() -> None:
    plant = make("coffee_2900", quiet=True)
    plant.fault("stuck_ssr_brew")
    assert heating(plant) == 1400
    ran(plant, 10, safety_relay=0)
    assert heating(plant) == 0
    plant.fault("stuck_relay")
    assert heating(plant) == 1400
    plant.fault("stuck_ssr_brew", 2)
    ran(plant, 10, heater_brew=1)
    assert heating(plant) == 0


def test_scaled_heater() -> None:
    plant = make("coffee_2900", quiet=True)
    plant.fault("scaled_heater_steam", 500)
    ran(plant, 10, heater_steam=1)
    assert heating(plant) == 750


def test_broken_pump_and_stuck_meter() -> None:
    plant = make("coffee_1900")
    plant.fault("pump_broken")
    ran(plant, 3000, valve_brew=1, pump_permille=1000)
    assert truth(plant)["pumped_ul"] <= 0
    plant.fault("pump_broken", 0)
    plant.fault("stuck_flowmeter")
    pulses = sum(ran(plant, 10).y[Y["pulses"]] for _ in range(300))
    assert truth(plant)["pumped_ul"] > 5000
    assert pulses == 0


@pytest.mark.parametrize(("name", "low", "high"), [("no_puck", 5000, 12_000),
                                                   ("blocked_puck", -1, 5)])
def test_missing_and_blocked_puck(name: str, low: int, high: int) -> None:
    plant = make("coffee_1900")
    plant.fault(name)
    ran(plant, 10_000, valve_brew=1, pump_permille=1000)
    assert low < truth(plant)["flow_puck_ul_s"] < high


def test_stuck_valve() -> None:
    plant = make("coffee_2900")
    plant.fault("stuck_valve_brew", 1)
    ran(plant, 5000, valve_brew=1, pump_permille=500)
    assert truth(plant)["headspace_ul"] == 0
    plant.fault("stuck_valve_brew", 2)
    ran(plant, 5000, valve_brew=0)
    assert truth(plant)["headspace_ul"] > 4000


def test_tank_float_and_probe() -> None:
    plant = make("coffee_2900")
    assert plant.y[Y["tank"]] == plant.y[Y["steam_probe"]] == 1
    plant.fault("empty_tank")
    assert plant.y[Y["tank"]] == 0
    plant.fault("stuck_float")
    assert plant.y[Y["tank"]] == 1
    ran(plant, 2000, valve_brew=1, pump_permille=500)
    assert truth(plant)["pumped_ul"] <= 0
    plant.fault("stuck_probe", 2)
    assert plant.y[Y["steam_probe"]] == 0
    plant.fault("stuck_probe", 1)
    assert plant.y[Y["steam_probe"]] == 1


def test_scale_faults() -> None:
    plant = make("coffee_2900")
    plant.fault("scale_stuck")
    before = plant.y[Y["scale_counts"]]
    plant.set("extra_mg", 50_000)
    ran(plant, 2000)
    assert plant.y[Y["scale_counts"]] == before
    plant.fault("scale_silent")
    ran(plant, 200)
    assert plant.y[Y["scale_ready"]] == 0


def test_puck_step_runs_to_its_factor_in_its_time() -> None:
    plant = make("coffee_2900", quiet=True, puck_erosion_permille=0, puck_compaction_permille=0)
    ran(plant, 25_000, valve_brew=1, pump_permille=500)
    before = truth(plant)["puck_mbar_s_ml"]
    plant.fault("puck_step", [3000, 1000])
    ran(plant, 500)
    assert truth(plant)["puck_mbar_s_ml"] == pytest.approx(2 * before, rel=0.03)
    ran(plant, 600)
    assert truth(plant)["puck_mbar_s_ml"] == pytest.approx(3 * before, rel=0.01)
    plant.fault("puck_step", 333)
    ran(plant, 1100)
    assert truth(plant)["puck_mbar_s_ml"] == pytest.approx(before / 3, rel=0.01)


def test_puck_step_ends_where_it_should() -> None:
    from simulator.plant import puck
    from simulator.plant import rooms as at

    plant = make("coffee_2900", quiet=True)
    plant.fault("puck_step", [250, 100])
    ran(plant, 2_000, valve_brew=1, pump_permille=300)
    assert plant.rooms[at.PUCK][puck.FACTOR] == 1048576 // 4


def test_jammed_grinder_and_empty_hopper() -> None:
    plant = make("coffee_2900")
    plant.fault("grinder_jam")
    ran(plant, 3000, grinder=1)
    assert truth(plant)["dose_mg"] == 0
    plant.fault("grinder_jam", 0)
    plant.set("hopper_g", 5)
    assert plant.y[Y["hopper"]] == 0
    ran(plant, 10_000)
    assert truth(plant)["dose_mg"] == pytest.approx(5000, abs=10)


# --- hands
def test_barista_gives_a_fresh_puck_and_an_empty_cup_after_a_shot() -> None:
    plant = make("coffee_1900")
    ran(plant, 15_000, valve_brew=1, pump_permille=1000)
    ran(plant, 7_000, valve_brew=0, pump_permille=0)
    assert truth(plant)["pucks"] == 1
    assert truth(plant)["cup_ul"] > 5000
    ran(plant, 2_000)
    t = truth(plant)
    assert (t["pucks"], t["puck_ul"], t["headspace_ul"]) == (2, 0, 0)
    assert t["cup_ul"] < 300  # what still drips


def test_hand_tap_opens_while_the_pump_works_against_a_closed_group() -> None:
    plant = make("coffee_1900")
    plant.set("temp_brew_mc", 93_000)
    ran(plant, 3_000, pump_permille=1000)
    t = truth(plant)
    assert t["discarded_ul"] > 10_000  # hot water in somebody's cup
    assert t["temp_brew_mc"] < 90_000


@pytest.mark.parametrize("board", BOARDS)
def test_model_errors_reach_the_physics(board: str) -> None:
    plain = make(board, quiet=True)
    off = make(board, quiet=True, params={"capacity": 0.8, "power": 1.2})
    for plant in (plain, off):
        ran(plant, 60_000, heater_brew=1)
    rise = truth(plain)["temp_brew_mc"] - 22_000
    assert truth(off)["temp_brew_mc"] - 22_000 == pytest.approx(1.5 * rise, rel=0.02)
    plain.set("times_puck_resistance", 2000)
    plain.new_puck()
    ran(plain, 10, valve_brew=1)
    assert truth(plain)["puck_mbar_s_ml"] > 7000
