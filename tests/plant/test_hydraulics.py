"""Water against closed forms: pump curve, puck, compliance, drain; every drop accounted for."""

from __future__ import annotations

import math
import random
import statistics
from itertools import pairwise
from typing import Any

import pytest

from tests.plant.support import BOARDS, figures, make, ran, truth

from simulator.plant import hydraulics, puck, vessels  # isort: skip
from simulator.plant import rooms as at  # isort: skip

# a puck that neither wets, erodes nor packs, and no relief valve: pump against a resistance
BARE: dict[str, Any] = {
    "puck_wetting_permille": 0, "puck_erosion_permille": 0, "puck_compaction_permille": 0,
    "puck_water_ul_g": 0, "puck_suction_ul_s": 0, "relief_mbar": 100_000,
    "seep_mbar_s_ml": 10**9,
}


def working_point(board: str, resistance: int, **outputs: int) -> dict[str, int]:
    """Truth after pump and puck have come to rest against each other."""
    changes = {**BARE, "puck_mbar_s_ml": resistance, "tank_ml": 100_000}
    plant = make(board, quiet=True, **changes)
    return truth(ran(plant, 60_000, valve_brew=1, **outputs))


def vibration_ul_s(mbar: float) -> float:
    x = mbar / 15_000
    return 10_800 * (1 - x) * (1 - 0.15 * x)


@pytest.mark.parametrize("resistance", [100, 600, 1500, 2300, 4500, 9000, 30_000])
def test_vibration_pump_runs_along_its_curve(resistance: int) -> None:
    t = working_point("coffee_1900", resistance, pump_permille=1000)
    assert t["flow_puck_ul_s"] == pytest.approx(vibration_ul_s(t["pressure_mbar"]), rel=0.005)
    assert t["pressure_group_mbar"] == pytest.approx(
        t["flow_puck_ul_s"] * resistance / 1000, rel=0.005, abs=2
    )


def test_vibration_pump_runs_free_against_an_open_basket() -> None:
    # valve and basket take 0.8 bar of it
    free = working_point("coffee_1900", 30, pump_permille=1000)
    assert free["flow_puck_ul_s"] == pytest.approx(10_800, rel=0.07)
    assert free["pressure_mbar"] < 900


def test_dead_headed_vibration_pump_stalls_at_15_bar() -> None:
    plant = make("coffee_1900", quiet=True, **BARE)
    plant.set("barista", 0)
    t = truth(ran(plant, 10_000, pump_permille=1000))
    assert t["pressure_mbar"] == pytest.approx(15_000, rel=0.01)
    assert abs(t["flow_pump_ul_s"]) < 20


@pytest.mark.parametrize("duty", [200, 400, 700, 1000])
def test_gear_pump_gives_its_speed_less_the_slip(duty: int) -> None:
    t = working_point("coffee_2900", 3000, pump_permille=duty)
    expected = 10_000 * duty / 1000 - 2500 * t["pressure_mbar"] / 12_000
    assert t["flow_puck_ul_s"] == pytest.approx(expected, rel=0.005)


def test_gear_pump_reaches_12_bar_and_no_more() -> None:
    plant = make("coffee_2900", quiet=True)
    t = truth(ran(plant, 3_000, pump_permille=1000))
    assert t["pressure_mbar"] == pytest.approx(12_000, abs=150)


def test_gear_pump_can_hold_9_bar_over_an_eroded_puck() -> None:
    # 9 bar through the softest puck of a shot, 2.4 bar s/ml, 3.75 ml/s
    t = working_point("coffee_2900", 2400, pump_permille=563)
    assert t["pressure_group_mbar"] == pytest.approx(9000, rel=0.03)


@pytest.mark.parametrize("permille", [900, 1100])
def test_vibration_pump_weakens_and_gains_with_the_mains(permille: int) -> None:
    plant = make("coffee_1900", quiet=True, **BARE)
    plant.set("barista", 0)
    plant.set("mains_permille", permille)
    t = truth(ran(plant, 10_000, pump_permille=1000))
    assert t["pressure_mbar"] == pytest.approx(15_000 * permille / 1000, rel=0.01)


def test_relief_valve_keeps_a_blind_basket_near_its_pressure() -> None:
    plant = make("coffee_1900", quiet=True)
    plant.set("puck", 2)
    t = truth(ran(plant, 20_000, valve_brew=1, pump_permille=1000))
    assert 9000 < t["pressure_group_mbar"] < 9700


def test_nominal_puck_passes_2_ml_s_at_9_bar() -> None:
    plant = make("coffee_1900", quiet=True, puck_wetting_permille=0, puck_erosion_permille=0)
    bed, p = plant.rooms[at.PUCK], plant.rooms[at.PUCK_P]
    conductance = puck.resist(bed, p, 9_000_000)
    assert 9_000_000 * conductance >> 32 == pytest.approx(2000, abs=2)


def test_nominal_shot_is_an_espresso() -> None:
    """9 bar at 2 ml/s when dry-ish; first drops after 5...10 s, 36 ml in 18...30 s."""
    plant = make("coffee_1900", quiet=True)
    first = done = 0
    flows = []
    for ms in range(0, 40_000, 100):
        t = truth(ran(plant, 100, valve_brew=1, pump_permille=1000))
        if not first and t["cup_ul"] > 100:
            first = ms
        if t["cup_ul"] > 36_000:
            done = ms
            break
        if ms > 4000:
            flows.append(t["flow_puck_ul_s"])
    assert 5000 < first < 10_000
    assert 18_000 < done < 30_000
    assert flows[0] == pytest.approx(2000, rel=0.06)
    assert all(b > a - 5 for a, b in pairwise(flows))  # it only softens
    assert 2500 < flows[-1] < 3200


def test_headspace_fills_before_pressure_rises() -> None:
    plant = make("coffee_2900", quiet=True, puck_suction_ul_s=0)
    ran(plant, 10, valve_brew=1, pump_permille=300)
    while truth(plant)["pressure_group_mbar"] == 0:
        plant.step()
    assert truth(plant)["headspace_ul"] == pytest.approx(4000, abs=40)


@pytest.mark.parametrize("mbar", [200, 1000, 3000, 9000])
def test_compliance_is_hose_and_boyle(mbar: int) -> None:
    """Water pressed in above the headspace = C_hose P + V_air P/(P + P_atm)."""
    plant = make("coffee_2900", quiet=True, puck_suction_ul_s=0)
    plant.fault("blocked_puck")
    duty = 250 if mbar < 5000 else 400
    ran(plant, 10, valve_brew=1, pump_permille=duty)
    while truth(plant)["pressure_group_mbar"] < mbar:
        plant.step()
    ran(plant, 300, pump_permille=0)
    t = truth(plant)
    bar = t["pressure_group_mbar"] / 1000
    expected = 4000 + 250 * bar + 3000 * bar / (bar + 1.01325)
    assert t["headspace_ul"] == pytest.approx(expected, rel=0.003)


def test_closed_valve_drains_the_group_into_the_tray() -> None:
    plant = make("coffee_2900", quiet=True)
    ran(plant, 8_000, valve_brew=1, pump_permille=500)
    before = truth(plant)
    assert before["pressure_group_mbar"] > 5000
    ran(plant, 200, valve_brew=0, pump_permille=0)
    assert truth(plant)["pressure_group_mbar"] < 500
    ran(plant, 3_000)
    after = truth(plant)
    assert after["tray_ul"] - before["tray_ul"] > 4000
    assert after["headspace_ul"] <= 1500


def test_cup_goes_on_dripping_after_the_valve_has_closed() -> None:
    plant = make("coffee_2900", quiet=True)
    plant.set("barista", 0)
    ran(plant, 20_000, valve_brew=1, pump_permille=500)
    at_stop = truth(plant)["cup_mg"]
    ran(plant, 500, valve_brew=0, pump_permille=0)
    soon = truth(plant)["cup_mg"]
    ran(plant, 15_000)
    late = truth(plant)["cup_mg"]
    assert soon - at_stop > 800
    assert 300 < late - soon < 3000


def test_weight_is_water_plus_what_it_dissolved() -> None:
    plant = make("coffee_2900", quiet=True)
    t = truth(ran(plant, 25_000, valve_brew=1, pump_permille=500))
    solids = t["cup_mg"] - t["cup_ul"] * 0.998
    assert 0.10 * t["dose_mg"] < solids < 0.22 * t["dose_mg"]  # extraction of a usual shot


def all_water(plant: Any) -> int:
    """Every place of the machine that can hold water, nl."""
    m = plant.rooms
    h, b, v, c = m[at.HYDRO], m[at.PUCK], m[at.VESSEL], m[at.CORE]
    steam = m[at.STEAM]
    return (
        h[hydraulics.BOILER_NL] + h[hydraulics.GROUP_NL] + b[puck.ABSORBED]
        + v[vessels.SPOUT] + v[vessels.CLING] + v[vessels.CUP_NL] + v[vessels.TRAY]
        + v[vessels.TANK] + c[at.DISCARDED] + steam[8] + steam[10]
    )


@pytest.mark.parametrize("board", BOARDS)
@pytest.mark.parametrize("seed", range(4))
def test_not_a_nanolitre_is_lost(board: str, seed: int) -> None:
    plant = make(board, seed)
    plant.set("temp_brew_mc", 93_000)
    plant.set("temp_steam_mc", 123_000)
    hands = random.Random(seed)
    total = all_water(plant)
    for _ in range(60):
        outputs = {
            name: hands.randrange(2)
            for name in ("valve_brew", "valve_steam", "valve_water", "valve_refill", "grinder")
        }
        ran(plant, hands.randrange(50, 3000), pump_permille=hands.randrange(1001), **outputs)
        for name in ("cup", "tap", "puck"):
            if hands.random() < 0.2:
                plant.set(name, hands.randrange(2))
        if hands.random() < 0.1:
            plant.new_puck()
        assert all_water(plant) == total
        v, h = plant.rooms[at.VESSEL], plant.rooms[at.HYDRO]
        assert min(v[vessels.SPOUT], v[vessels.CLING], h[hydraulics.GROUP_NL]) >= 0
    assert truth(plant)["pumped_ul"] > 20_000


@pytest.mark.parametrize("board", BOARDS)
def test_flow_meter_counts_what_is_pumped(board: str) -> None:
    plant = make(board, tank_ml=100_000)
    pulses, gaps, last = 0, [], 0
    for i in range(6_000):
        ran(plant, 10, valve_brew=1, pump_permille=500 if board == "coffee_2900" else 1000)
        assert plant.y[4] in (0, 1)
        if plant.y[4]:
            pulses += 1
            gaps.append(i - last)
            last = i
    assert pulses == pytest.approx(truth(plant)["pumped_ul"] / 500, abs=1.2)
    assert max(gaps[-50:]) > min(gaps[-50:])  # the wheel's magnets are not alike


def test_pulses_jitter_as_the_figure_says_and_do_not_drift() -> None:
    """What the meter's wheel has left over after each pulse: sigma 15 ul around the same place."""
    plant = make("coffee_1900", tank_ml=1_000_000, basket_mbar_s_ml=30)
    plant.set("puck", 1)
    places = []
    while len(places) < 3000:
        ran(plant, 10, valve_brew=1, pump_permille=1000)
        if plant.y[4]:
            places.append(plant.rooms[at.VESSEL][vessels.NEXT] / 1000 - 500)
    assert statistics.pstdev(places) == pytest.approx(15, rel=0.05)
    assert statistics.fmean(places) == pytest.approx(0, abs=1)


def test_dry_puck_sucks_in_water_without_pressure_until_it_is_wet() -> None:
    plant = make("coffee_1900", quiet=True)
    ran(plant, 300, valve_brew=1, pump_permille=1000)  # some water on it, headspace not full
    ran(plant, 200, pump_permille=0)
    before = truth(plant)
    assert before["pressure_group_mbar"] == 0
    assert before["headspace_ul"] > 500
    assert before["flow_puck_ul_s"] == pytest.approx(1000, rel=0.1)
    ran(plant, 1_000)
    after = truth(plant)
    gone = before["headspace_ul"] - after["headspace_ul"]
    assert after["puck_ul"] - before["puck_ul"] == pytest.approx(gone, abs=1)
    assert gone > 400


def test_a_channel_opens_at_its_volume_and_takes_its_share() -> None:
    plant = make(
        "coffee_1900", quiet=True, channel_permille=1000, puck_erosion_permille=0,
        puck_wetting_permille=0, puck_compaction_permille=0,
    )
    bed = plant.rooms[at.PUCK]
    opens_at = bed[puck.CHANNEL_AT]
    assert 2_000_000 <= opens_at <= 22_460_000
    ran(plant, 10, valve_brew=1, pump_permille=1000)
    while bed[puck.PASSED] < opens_at:
        plant.step()
        before = truth(plant)["puck_mbar_s_ml"]
    assert before == pytest.approx(4500, rel=0.01)
    ran(plant, 700)
    depth = bed[puck.CHANNEL_DEPTH] / 65536
    assert 0.09 < depth < 0.31
    now = truth(plant)["puck_mbar_s_ml"]
    assert now == pytest.approx(4500 * (1 - depth * (1 - math.exp(-1))), rel=0.01)


def test_grinder_doses_by_time_into_an_emptied_basket() -> None:
    plant = make("coffee_2900", quiet=True)
    t = truth(ran(plant, 5_000, grinder=1))
    assert t["dose_mg"] == pytest.approx(9000, rel=0.01)
    t = truth(ran(plant, 5_000, grinder=1))
    assert t["dose_mg"] == pytest.approx(18_000, rel=0.01)
    ran(plant, 100, grinder=0)
    assert truth(plant)["hopper_mg"] == pytest.approx(250_000 - 18_000, abs=100)
    small = make("coffee_2900", quiet=True)
    ran(small, 5_000, grinder=1)
    ran(small, 10, grinder=0, valve_brew=1)
    ran(plant, 10, valve_brew=1)
    less, more = truth(small)["puck_mbar_s_ml"], truth(plant)["puck_mbar_s_ml"]
    assert less == pytest.approx(more / 2, rel=0.02)


def test_pucks_differ_by_seed_and_number_but_not_by_what_was_brewed_before() -> None:
    def resistances(plant: Any, brew: bool) -> list[int]:
        found = []
        for _ in range(6):
            plant.new_puck()
            found.append(plant.rooms[at.PUCK][puck.FRESH])
            if brew:
                ran(plant, 2_000, valve_brew=1, pump_permille=1000)
                ran(plant, 2_000, valve_brew=0, pump_permille=0)
        return found

    idle = resistances(make("coffee_1900", 7), brew=False)
    assert idle == resistances(make("coffee_1900", 7), brew=True)
    assert len(set(idle)) == 6
    assert idle != resistances(make("coffee_1900", 8), brew=False)


def test_grind_varies_as_the_figures_say() -> None:
    plant = make("coffee_1900", 3, dose_sigma_permille=0)
    found = []
    for _ in range(2000):
        plant.new_puck()
        found.append(plant.rooms[at.PUCK][puck.FRESH] / 4500)
    mean = sum(found) / len(found)
    sigma = (sum((x - mean) ** 2 for x in found) / len(found)) ** 0.5
    assert mean == pytest.approx(1, abs=0.015)
    assert sigma == pytest.approx(0.12, rel=0.08)


def test_empty_tank_gives_air() -> None:
    plant = make("coffee_1900", quiet=True, tank_ml=30)
    t = truth(ran(plant, 20_000, valve_brew=1, pump_permille=1000))
    assert t["pumped_ul"] == pytest.approx(30_000, abs=200)
    assert t["flow_pump_ul_s"] <= 0
    assert plant.y[7] == 0


def test_figures_of_both_machines_have_the_same_names() -> None:
    assert set(figures("coffee_1900")) == set(figures("coffee_2900"))
