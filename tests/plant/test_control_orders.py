"""What may be asked of a machine can be done to its end, on the simulated plant."""

from __future__ import annotations

import pytest

from tests.plant.rig import figures

BOARDS = ("coffee_1900", "coffee_2900")
TOO_HOT = 15
PROGRAMMES = [("coffee_1900", "backflush")] + [
    ("coffee_2900", name) for name in ("backflush", "rinse", "descale")]


def test_these_are_all_programmes_there_are() -> None:
    every = [(board, name) for board in BOARDS for name in figures(board, "orders.offered")]
    assert every == PROGRAMMES


@pytest.mark.parametrize("board, name", PROGRAMMES)
def test_each_cleaning_programme_runs_to_its_end(board: str, name: str) -> None:
    found = figures(board, "orders.programme", name=name)
    assert (found["answer"], found["alarms"]) == (0, []), found
    assert found["state"] in ("heating", "ready") and found["ms"] > 10_000, found


def test_as_much_hot_water_as_there_is_leaves_no_alarm() -> None:
    found = figures("coffee_2900", "orders.long_draw")
    assert found["ms"] >= 20_000 and found["alarms"] == [], found


@pytest.mark.parametrize("board", BOARDS)
@pytest.mark.parametrize("setting, reason", [
    ("remote", "remote_disabled"), ("cup", "cup_missing")])
def test_a_remote_brew_ends_without_water_when_its_ground_goes(
    board: str, setting: str, reason: str,
) -> None:
    found = figures(board, "orders.withdrawn", setting=setting)
    assert (found["answer"], found["began"]) == (0, "starting"), found
    assert not any(found["driven"].values()), found
    assert (found["result"], found["reason"], found["duration_ms"]) == ("aborted", reason, 0)
    assert 85_000 < found["temp_mean_mc"] < 95_000, found


@pytest.mark.parametrize("first_ul_s", [None, 1000])
def test_holding_the_button_acknowledges_and_brews_nothing(first_ul_s: int | None) -> None:
    found = figures("coffee_2900", "orders.acknowledged", hold_ms=2100, first_ul_s=first_ul_s)
    before = ["ready", ["sensor_steam"]]
    assert found == {"before": before, "alarms": [], "used": [], "grinds": 0}


def test_a_press_in_an_alarm_of_the_steam_boiler_brews_when_it_is_over() -> None:
    found = figures("coffee_2900", "orders.acknowledged", hold_ms=200, first_ul_s=1000)
    assert found["alarms"] == ["sensor_steam"] and found["grinds"] == 1
    assert found["used"] == ["pump_permille", "valve_brew", "grinder"]


@pytest.mark.parametrize("board", BOARDS)
def test_a_recipe_far_below_the_set_point_is_refused_before_beans_are_ground(board: str) -> None:
    found = figures(board, "orders.too_hot", below_mc=5000)
    assert found == {"answer": TOO_HOT, "state": "ready", "grinds": 0}
    assert figures(board, "orders.too_hot", below_mc=2000)["answer"] == 0


BREWED = {"answer": 0, "alarms": [], "result": "ok"}


@pytest.mark.parametrize("board", BOARDS)
def test_the_largest_volume_can_be_brewed(board: str) -> None:
    most_ul = figures(board, "orders.greatest_ul")
    assert figures(board, "orders.volume", ul=most_ul) == BREWED


@pytest.mark.parametrize("ul, preinfusion_ms, soak_ms", [
    (36_000, 5_000, 56_000), (120_000, 3_000, 16_000), (40_000, 26_000, 54_000)])
def test_what_soaks_as_long_as_may_be_ends_in_time(
    ul: int, preinfusion_ms: int, soak_ms: int,
) -> None:
    more = {"preinfusion_ms": preinfusion_ms, "soak_ms": soak_ms}
    assert figures("coffee_1900", "orders.volume", ul=ul, **more) == BREWED


@pytest.mark.parametrize("ul, preinfusion_ms, soak_ms", [
    (160_000, 0, 6_000), (40_000, 30_000, 60_000)])
def test_a_soak_that_leaves_no_time_for_the_water_is_refused(
    ul: int, preinfusion_ms: int, soak_ms: int,
) -> None:
    more = {"preinfusion_ms": preinfusion_ms, "soak_ms": soak_ms}
    [[field, message]] = figures("coffee_1900", "orders.volume", ul=ul, **more)["problems"]
    assert field == "recipe.soak_ms" and "volume_ul" in message


@pytest.mark.parametrize("phase", [
    pytest.param({"pressure_mbar": 1000}, id="let go at once"),
    pytest.param({"flow_ul_s": 100}, id="a pulse each five seconds"),
    pytest.param({"flow_ul_s": 1}, id="hardly anything"),
    pytest.param({"pressure_mbar": 6000, "limit_flow_ul_s": 100}, id="held back"),
])
def test_what_a_profile_may_ask_for_latches_nothing(phase: dict[str, int]) -> None:
    phases = [{"name": "decline", "exit": {"time_ms": 20_000}, **phase}]
    assert figures("coffee_2900", "orders.profile", phases=phases) == BREWED
