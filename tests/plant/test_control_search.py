"""No story of faults, hands, requests and resets leads to heat without water, above the limit,
without a sensor, after a stop, in a resting state or in safe mode; and none to a machine that
does not brew again when all is mended and acknowledged.

The firmware's tick on the real MicroPython and the simulated machine, looked at after every tick
by tests/plant/rig/search.py. Derandomized and short by default; COFFEE_SEARCH=500 searches that
many stories a machine, other ones each time.
"""

from __future__ import annotations

import os
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.plant.rig import figures

STORIES = int(os.environ.get("COFFEE_SEARCH", "0"))
BOARDS = ("coffee_1900", "coffee_2900")
# live.REQ_*: brew, stop, clean, standby, wake, acknowledge, quiet, loud
ASKS = [(1, 0), (2, 0), (3, 0), (4, 0), (5, 0), (6, -1), (8, 0), (9, 0)]
FAULTS = [
    ("sensor_open_brew", 1), ("sensor_short_brew", 1), ("stuck_ssr_brew", 1),
    ("stuck_ssr_brew", 2), ("scaled_heater_brew", 100), ("pump_broken", 1),
    ("stuck_flowmeter", 1), ("empty_tank", 1), ("blocked_puck", 1), ("no_puck", 1),
    ("stuck_valve_brew", 1), ("stuck_valve_brew", 2), ("sensor_noise_brew", 5000),
    ("sensor_drift_brew", 5000), ("sensor_drift_brew", -5000), ("puck_step", 3000),
]
ONLY_2900 = [
    ("sensor_open_steam", 1), ("sensor_short_steam", 1), ("sensor_open_pressure", 1),
    ("stuck_ssr_steam", 1), ("scale_stuck", 1), ("scale_silent", 1), ("stuck_ssr_steam", 2),
    ("sensor_open_group", 1), ("stuck_probe", 1), ("stuck_probe", 2), ("grinder_jam", 1),
    ("stuck_valve_steam", 1), ("stuck_valve_water", 1), ("stuck_valve_refill", 1),
    ("stuck_valve_refill", 2), ("sensor_drift_pressure", 3000), ("sensor_noise_pressure", 5000),
]
SWITCHES = ["tank", "tray", "cup"]


def steps(board: str) -> st.SearchStrategy[list[Any]]:
    both = board == "coffee_2900"
    faults = FAULTS + (ONLY_2900 if both else [])
    buttons = ["brew", "water"] + (["steam"] if both else [])
    switches = SWITCHES + (["door"] if both else [])
    ask = st.tuples(st.sampled_from(ASKS), st.sampled_from([0, 1])).map(lambda a: (*a[0], a[1]))
    what = st.one_of(
        st.tuples(st.just("press"), st.sampled_from(buttons)),
        st.tuples(st.just("press"), st.just("brew")),
        st.tuples(st.just("hold"), st.just(0)),
        st.tuples(st.just("ask"), ask),
        st.tuples(st.just("set"), st.tuples(st.sampled_from(switches), st.sampled_from([0, 1]))),
        st.tuples(st.just("fault"), st.sampled_from(faults)),
        st.tuples(st.just("fault"), st.sampled_from([(n, 0) for n, _ in faults])),
        st.tuples(st.just("reset"), st.booleans()),
    )
    ms = st.sampled_from([50, 300, 1000, 4000, 12000])
    return st.lists(st.tuples(what, ms).map(lambda s: [*s[0], s[1]]), min_size=4, max_size=14)


@pytest.mark.parametrize("board", BOARDS)
def test_no_story_ends_in_harm(board: str) -> None:
    seen: set[str] = set()

    @settings(
        max_examples=STORIES or 80, deadline=None, derandomize=not STORIES,
        suppress_health_check=list(HealthCheck), database=None,
    )
    @given(story=steps(board), seed=st.integers(1, 50))
    def search(story: list[Any], seed: int) -> None:
        found = figures(board, "search.story", seed=seed, steps=story)
        seen.update(found["states"])
        assert found["found"] == [], found

    search()
    missed = {"brewing", "ending", "cleaning", "hot_water", "standby", "fault", "safe_mode"} - seen
    assert not missed, f"the stories never came to {missed}"


@pytest.mark.parametrize(
    ("sabotage", "story", "harm"),
    [
        ("alarms", [["set", ["tank", 0], 3000]], "without water"),
        ("stop", [["press", "brew", 9000], ["ask", [2, 0, 0], 3000]], "water after a stop"),
        ("budget", [["press", "steam", 30000], ["press", "brew", 20000]], "beyond the budget"),
        ("acknowledge", [["set", ["tank", 0], 3000]], "does not recover"),
    ],
)
def test_the_judge_notices(sabotage: str, story: list[Any], harm: str) -> None:
    assert figures("coffee_2900", "search.story", seed=1, steps=story)["found"] == []
    found = figures("coffee_2900", "search.story", seed=1, steps=story, sabotage=sabotage)
    assert harm in str(found["found"]), found
