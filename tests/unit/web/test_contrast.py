"""Texts of charts and pages reach 4.5:1 and lines of charts 3:1 (WCAG AA), in light and dark, by
the constants that draw them.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

from host_bridge import web
from host_bridge.views import MeterView
from host_bridge.web import curves

TEXT, LINE = 4.5, 3.0
STYLE = (Path(web.__file__).parent / "static" / "console.css").read_text()
THEMES = {"light": ":root", "dark": ".body--dark"}
GROUNDS = ("ground", "surface", "sunken", "accent-wash", "good-wash", "warn-wash", "bad-wash",
           "busy-wash")  # fmt: skip
FILLED = (("accent-ink", "accent"), ("surface", "bad"), ("surface", "ink"))
"""Text on what is otherwise a text's colour: buttons, counts, tooltips."""
ONE = {"t_ms": [0], "temp_mc": [1], "flow_ul_s": [1], "volume_ul": [1], "pressure_mbar": [1],
       "weight_mg": [1]}  # fmt: skip
RECIPE = {"phases": [{"pressure_mbar": 9000, "exit": {"time_ms": 8000}}]}
CHARTS = {
    "shot": curves.shot(ONE),
    "history": curves.history([0], [("Set-point", curves.SETPOINT_COLOR, [1])]),
    "target": curves.target(RECIPE),
    "days": curves.days([MeterView("m1", "j/1", "2026-11-29", 1, 1, 0, 1)]),
}


def theme(name: str) -> dict[str, str]:
    block = re.search(rf"^{re.escape(THEMES[name])} {{(.*?)^}}", STYLE, re.S | re.M)
    assert block
    return dict(re.findall(r"--([\w-]+): (#[0-9a-f]{6});", block[1]))


def light(color: str) -> float:
    parts = [int(color[at : at + 2], 16) / 255 for at in (1, 3, 5)]
    red, green, blue = (
        part / 12.92 if part <= 0.03928 else ((part + 0.055) / 1.055) ** 2.4 for part in parts
    )
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast(one: str, other: str) -> float:
    low, high = sorted((light(one), light(other)))
    return (high + 0.05) / (low + 0.05)


def found(option: Any, key: str, above: str = "") -> list[tuple[str, str]]:
    """(name of what it is in, value) of each `key` inside."""
    if isinstance(option, list):
        return [pair for part in option for pair in found(part, key, above)]
    if not isinstance(option, dict):
        return []
    own = [(above, option[key])] if isinstance(option.get(key), str) else []
    return own + [pair for name, part in option.items() for pair in found(part, key, name)]


@pytest.mark.parametrize("name", THEMES)
@pytest.mark.parametrize("ink", ["ink", "soft", "accent", "good", "warn", "bad", "busy"])
def test_text_is_read_on_all_that_may_be_behind_it(name: str, ink: str) -> None:
    colors = theme(name)
    poor = {on: contrast(colors[ink], colors[on]) for on in GROUNDS}
    assert {on: ratio for on, ratio in poor.items() if ratio < TEXT} == {}


@pytest.mark.parametrize("name", THEMES)
@pytest.mark.parametrize(("ink", "on"), FILLED)
def test_text_on_what_is_filled_is_read(name: str, ink: str, on: str) -> None:
    assert contrast(theme(name)[ink], theme(name)[on]) >= TEXT


@pytest.mark.parametrize("name", THEMES)
@pytest.mark.parametrize("chart", CHARTS)
def test_text_of_charts_is_read(chart: str, name: str) -> None:
    """It is what a theme's own variable says, which a chart drawn as SVG follows."""
    inks = ("axisLabel", "nameTextStyle", "textStyle", "label")
    texts = [color for part, color in found(CHARTS[chart], "color") if part in inks]
    texts += [color for _, color in found(CHARTS[chart], "inactiveColor")]
    assert texts
    for text in texts:
        variable = re.fullmatch(r"var\(--([\w-]+)\)", text)
        assert variable, f"{text} is the same in both themes"
        assert contrast(theme(name)[variable[1]], theme(name)["surface"]) >= TEXT


@pytest.mark.parametrize("name", THEMES)
def test_lines_of_charts_are_seen(name: str) -> None:
    series = [line["color"] for option in CHARTS.values() for line in option["series"]]
    poor = [c for c in series if contrast(c, theme(name)["surface"]) < LINE]
    assert poor == []
