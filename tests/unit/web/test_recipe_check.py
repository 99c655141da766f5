"""The editor's check: what it lets through fits the contract, what it stops has a cure."""

from __future__ import annotations

import json
from copy import deepcopy
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from hypothesis import given
from hypothesis import strategies as st

from host_bridge.web.pages.recipe import fresh
from host_bridge.web.recipe_check import EXITS, problems

SIMPLE: dict[str, Any] = {"brew_mc": [80000, 98000], "volume_ul": [5000, 250000], "phases_max": 0}
PROFILED: dict[str, Any] = {
    **SIMPLE,
    "steam_mc": [110000, 135000],
    "weight_mg": [5000, 250000],
    "pressure_mbar": [0, 11000],
    "flow_ul_s": [0, 8000],
    "phases_max": 12,
}
VOLUMETRIC: dict[str, Any] = {"name": "Espresso", "temp_mc": 93000, "volume_ul": 36000}
PROFILE: dict[str, Any] = {
    "name": "Nine bar",
    "temp_mc": 93000,
    "stop": {"weight_mg": 36000},
    "phases": [
        {"name": "fill", "flow_ul_s": 4000, "exit": {"pressure_over_mbar": 3000}},
        {"pressure_mbar": 9000, "ramp_ms": 3000, "limit_flow_ul_s": 4000, "exit": {"time_ms": 9}},
    ],
}
SCHEMA = json.loads((Path(__file__).parents[3] / "docs/schemas/recipe.json").read_text())


def fits_contract(recipe: dict[str, Any]) -> bool:
    return bool(jsonschema.Draft202012Validator(SCHEMA).is_valid(recipe))


def test_sound_recipes_have_no_problem() -> None:
    assert fits_contract(VOLUMETRIC)
    assert fits_contract(PROFILE)
    assert problems(VOLUMETRIC, SIMPLE) == []
    assert problems(PROFILE, PROFILED) == []


@pytest.mark.parametrize("limits", [SIMPLE, PROFILED])
def test_the_editor_starts_from_a_sound_recipe(limits: dict[str, Any]) -> None:
    recipe = fresh(limits, "7")
    assert problems(recipe, limits) == []
    assert fits_contract(recipe)


def changed(recipe: dict[str, Any], path: list[str | int], value: Any) -> dict[str, Any]:
    out = deepcopy(recipe)
    at: Any = out
    for part in path[:-1]:
        at = at[part]
    if value is None:
        del at[path[-1]]
    else:
        at[path[-1]] = value
    return out


@pytest.mark.parametrize(
    ("recipe", "limits", "field"),
    [
        (changed(VOLUMETRIC, ["temp_mc"], 99000), SIMPLE, "temp_mc"),
        (changed(VOLUMETRIC, ["temp_mc"], None), SIMPLE, "temp_mc"),
        (changed(VOLUMETRIC, ["volume_ul"], 4999), SIMPLE, "volume_ul"),
        (changed(VOLUMETRIC, ["name"], "  "), SIMPLE, "name"),
        (changed(VOLUMETRIC, ["name"], "x" * 33), SIMPLE, "name"),
        (changed(VOLUMETRIC, ["soak_ms"], 60001), SIMPLE, "soak_ms"),
        ({**VOLUMETRIC, "preinfusion_ms": 1, "preinfusion_ul": 1}, SIMPLE, "preinfusion_ul"),
        (PROFILE, SIMPLE, "phases"),
        (changed(PROFILE, ["stop"], {}), PROFILED, "stop"),
        (changed(PROFILE, ["stop", "time_ms"], 500), PROFILED, "stop.time_ms"),
        (changed(PROFILE, ["phases"], []), PROFILED, "phases"),
        (changed(PROFILE, ["phases"], PROFILE["phases"] * 7), PROFILED, "phases"),
        (changed(PROFILE, ["phases", 0, "exit"], {}), PROFILED, "phases[0].exit"),
        (changed(PROFILE, ["phases", 1, "pressure_mbar"], 11001), PROFILED,
         "phases[1].pressure_mbar"),
        (changed(PROFILE, ["phases", 0, "flow_ul_s"], -1), PROFILED, "phases[0].flow_ul_s"),
        (changed(PROFILE, ["phases", 1, "exit", "time_ms"], 90001), PROFILED,
         "phases[1].exit.time_ms"),
        (changed(PROFILE, ["phases", 0, "name"], ""), PROFILED, "phases[0].name"),
        (changed(PROFILE, ["phases", 1, "limit_flow_ul_s"], 0), PROFILED,
         "phases[1].limit_flow_ul_s"),
    ],
)  # fmt: skip
def test_each_problem_names_its_field(
    recipe: dict[str, Any], limits: dict[str, Any], field: str
) -> None:
    found = problems(recipe, limits)
    assert [problem.field for problem in found] == [field]
    assert found[0].message


def test_a_machine_without_scale_says_so() -> None:
    limits = {key: value for key, value in PROFILED.items() if key != "weight_mg"}
    (problem,) = problems(PROFILE, limits)
    assert problem.field == "stop.weight_mg"
    assert "cannot measure" in problem.message


milli = st.integers(-1000, 100_000) | st.sampled_from([0, 1000, 5000, 8000, 60000, 93000])
exits = st.dictionaries(st.sampled_from(EXITS), milli, max_size=3)
phases = st.one_of(
    st.fixed_dictionaries(
        {"pressure_mbar": milli, "exit": exits},
        optional={"name": st.text(max_size=34), "ramp_ms": milli, "limit_flow_ul_s": milli},
    ),
    st.fixed_dictionaries(
        {"flow_ul_s": milli, "exit": exits},
        optional={"name": st.text(max_size=34), "limit_pressure_mbar": milli},
    ),
)
profiles = st.fixed_dictionaries(
    {
        "name": st.text(max_size=34),
        "temp_mc": milli,
        "stop": st.dictionaries(st.sampled_from(["weight_mg", "volume_ul", "time_ms"]), milli),
        "phases": st.lists(phases, max_size=13),
    },
    optional={"dose_ms": milli},
)
simple = st.fixed_dictionaries(
    {"name": st.text(max_size=34), "temp_mc": milli, "volume_ul": milli},
    optional={"preinfusion_ms": milli, "preinfusion_ul": milli, "soak_ms": milli},
)


@given(profiles | simple)
def test_what_passes_is_a_recipe_by_the_contract(recipe: dict[str, Any]) -> None:
    if not problems(recipe, PROFILED):
        assert fits_contract(recipe), recipe


def test_a_pre_infusion_larger_than_the_shot_is_stopped_as_the_machine_does() -> None:
    small = {**VOLUMETRIC, "volume_ul": 20000, "preinfusion_ul": 20001}
    (problem,) = problems(small, SIMPLE)
    assert problem.field == "preinfusion_ul" and "less" in problem.message
    assert problems({**small, "preinfusion_ul": 20000}, SIMPLE) == []
