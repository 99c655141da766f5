"""Profiles as the Decent community shares them: taken whole, or refused with every reason."""

from __future__ import annotations

import copy
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from host_bridge.profiles.decent import ProfileRefused, import_profile
from tests.support.contract import validate

LIMITS = {
    "brew_mc": [80000, 98000], "volume_ul": [5000, 250000], "weight_mg": [5000, 250000],
    "pressure_mbar": [0, 11000], "flow_ul_s": [0, 8000], "phases_max": 12,
}

# numbers as text, as many published files have them
PROFILE: dict[str, Any] = {
    "version": "2", "title": "Gentle lever", "author": "us", "notes": "", "lang": "en",
    "beverage_type": "espresso", "target_weight": "36.0", "target_volume": "0",
    "target_volume_count_start": "2", "tank_temperature": "0.0",
    "steps": [
        {"name": "fill", "pump": "flow", "flow": "4.0", "temperature": "92.0", "sensor": "coffee",
         "transition": "fast", "seconds": "20.0", "volume": "100", "weight": "0",
         "exit": {"type": "pressure", "condition": "over", "value": "4.0"},
         "limiter": {"value": "0", "range": "0.6"}},
        {"name": "rise and hold", "pump": "pressure", "pressure": 9, "temperature": 92,
         "sensor": "coffee", "transition": "smooth", "seconds": 4, "volume": 0,
         "limiter": {"value": 3.5, "range": 0.6}},
        {"name": "decline", "pump": "pressure", "pressure": 5.5, "temperature": 92,
         "transition": "smooth", "seconds": 30,
         "exit": {"type": "flow", "condition": "over", "value": 3}},
    ],
}


def changed(*path: Any, to: Any) -> bytes:
    profile = copy.deepcopy(PROFILE)
    at = profile
    for key in path[:-1]:
        at = at[key]
    at[path[-1]] = to
    return json.dumps(profile).encode()


def test_a_profile_becomes_a_recipe_with_units() -> None:
    recipe = import_profile(json.dumps(PROFILE).encode(), LIMITS)
    assert recipe == {
        "name": "Gentle lever",
        "temp_mc": 92000,
        "stop": {"weight_mg": 36000},
        "phases": [
            {"name": "fill", "flow_ul_s": 4000,
             "exit": {"time_ms": 20000, "volume_ul": 100000, "pressure_over_mbar": 4000}},
            {"name": "rise and hold", "pressure_mbar": 9000, "ramp_ms": 4000,
             "limit_flow_ul_s": 3500, "exit": {"time_ms": 4000}},
            {"name": "decline", "pressure_mbar": 5500, "ramp_ms": 30000,
             "exit": {"time_ms": 30000, "flow_over_ul_s": 3000}},
        ],
    }


def test_the_result_is_a_valid_recipe_put() -> None:
    recipe = import_profile(json.dumps(PROFILE).encode(), LIMITS)
    command = {"v": 1, "id": "i1", "deadline": 1_800_000_000_000,
               "args": {"slot": 3, "recipe": recipe}}
    validate("coffee/v1/m/cmd/recipe.put", json.dumps(command).encode())


@pytest.mark.parametrize(
    ("raw", "field", "cure"),
    [
        (changed("version", to="1"), "version", "format version 2"),
        (changed("beverage_type", to="filter"), "beverage_type", "only espresso"),
        (changed("tank_temperature", to=30), "tank_temperature", "set it to 0"),
        (changed("steps", 1, "pressure", to=12.5), "steps[1].pressure", "0-11 bar"),
        (changed("steps", 0, "flow", to="9"), "steps[0].flow", "0-8 ml/s"),
        (changed("steps", 1, "limiter", "value", to=99), "steps[1].limiter.value", "0-8 ml/s"),
        (changed("steps", 0, "exit", "value", to=20), "steps[0].exit.value", "0-11 bar"),
        (changed("steps", 2, "temperature", to=88), "steps[].temperature", "one temperature"),
        (changed("steps", 0, "sensor", to="water"), "steps[0].sensor", "'coffee'"),
        (changed("steps", 0, "seconds", to=200), "steps[0].seconds", "90 s"),
        (changed("steps", 0, "pump", to="steam"), "steps[0].pump", "correct it"),
        (changed("steps", 1, "pressure", to=None), "steps[1].pressure", "add it"),
        (changed("target_weight", to=900), "target_weight", "5-250 g"),
        (changed("steps", to=[]), "steps", "at least one"),
        (changed("steps", to=PROFILE["steps"] * 5), "steps", "takes 12"),
        (changed("steps", 0, "flow", to="nan"), "steps[0].flow", "correct it"),
        (changed("steps", 0, "seconds", to="1e999"), "steps[0].seconds", "correct it"),
        (changed("target_weight", to="-1"), "target_weight", "correct it"),
        (b"{", "file", "export it again"),
        (b"[]", "profile", "correct it"),
    ],
)
def test_what_cannot_be_done_is_refused_by_name_with_the_cure(
    raw: bytes, field: str, cure: str
) -> None:
    with pytest.raises(ProfileRefused) as refused:
        import_profile(raw, LIMITS)
    assert any(p.field == field and cure in p.message for p in refused.value.problems), (
        refused.value.problems
    )


def test_volume_counted_from_a_later_step_is_refused_without_a_weight() -> None:
    profile = {**PROFILE, "target_weight": 0, "target_volume": 36}
    with pytest.raises(ProfileRefused, match="target_volume_count_start"):
        import_profile(json.dumps(profile).encode(), LIMITS)
    profile["target_volume_count_start"] = 0
    assert import_profile(json.dumps(profile).encode(), LIMITS)["stop"] == {"volume_ul": 36000}


def test_all_reasons_come_at_once() -> None:
    profile = copy.deepcopy(PROFILE)
    profile["tank_temperature"] = 30
    profile["steps"][1]["pressure"] = 14
    with pytest.raises(ProfileRefused) as refused:
        import_profile(json.dumps(profile).encode(), LIMITS)
    assert {p.field for p in refused.value.problems} == {"tank_temperature", "steps[1].pressure"}


def test_one_temperature_takes_the_mean_weighted_by_time() -> None:
    raw = changed("steps", 2, "temperature", to=88)
    mean_c = (92 * 24 + 88 * 30) / 54
    recipe = import_profile(raw, LIMITS, one_temperature=True)
    assert recipe["temp_mc"] == round(mean_c * 1000)


def test_a_machine_without_profiles_or_scale_says_so() -> None:
    limits = {"brew_mc": [80000, 98000], "volume_ul": [5000, 250000], "phases_max": 0}
    with pytest.raises(ProfileRefused) as refused:
        import_profile(json.dumps(PROFILE).encode(), limits)
    fields = {p.field for p in refused.value.problems}
    assert {"steps", "target_weight", "steps[0].flow", "steps[1].pressure"} <= fields


_json = st.recursive(
    st.none() | st.booleans() | st.floats(allow_nan=False) | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=4)
    | st.dictionaries(st.sampled_from([*PROFILE, *PROFILE["steps"][0]]), inner, max_size=6),
    max_leaves=12,
)


@given(st.sampled_from(sorted(PROFILE)), _json)
def test_no_content_does_anything_but_a_recipe_or_a_refusal(key: str, value: Any) -> None:
    try:
        recipe = import_profile(json.dumps({**PROFILE, key: value}).encode(), LIMITS)
    except ProfileRefused as refused:
        assert all(p.field and p.message for p in refused.problems)
    else:
        assert recipe["phases"]
