"""ECharts options for the curves: a shot, a recent history, a recipe's target, and bars of days.
Pure functions from the contract's columns to JSON; what a machine does not measure gets no line.

No grey is dark enough on white and light enough on the dark theme, so text takes its colours from
console.css, which only charts drawn as SVG can: make them with layout.py's `chart`. A line has one
colour for both, at least 3:1 on either.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from host_bridge.views import MeterView

Columns = Mapping[str, Sequence[int | None]]
Option = dict[str, Any]
Point = tuple[float, float | None]

YIELD_LEAST = 10
INK = "var(--ink)"
SOFT = "var(--soft)"
SETPOINT_COLOR = "#8c8178"
_GRID_INK = "rgba(140,129,120,0.22)"


@dataclass(frozen=True)
class Line:
    """One column as a line. `grid` 0: the temperature strip, 1: the main plot; `axis`: which y."""

    column: str
    name: str
    unit: str
    color: str
    grid: int
    axis: int
    digits: int = 1


TEMPERATURE = Line("temp_mc", "Temperature", "°C", "#e0612a", 0, 0)
PRESSURE = Line("pressure_mbar", "Pressure", "bar", "#2f86cc", 1, 1)
FLOW = Line("flow_ul_s", "Flow", "ml/s", "#159a80", 1, 1)
VOLUME = Line("volume_ul", "Volume", "ml", "#9a6cc2", 1, 2)
WEIGHT = Line("weight_mg", "Weight", "g", "#ae8419", 1, 2)
DAY_MS = 86_400_000
_AS_DAY = "point => new Date(point.value).toISOString().slice(0, 10)"


@dataclass(frozen=True)
class Strip:
    """One meter's bars: a field of MeterView, of which `one` make one of `unit`."""

    column: str
    name: str
    unit: str
    color: str
    one: int
    digits: int
    step: float


STRIPS = (
    Strip("shots", "Shots", "", TEMPERATURE.color, 1, 0, 1),
    Strip("water_ul", "Water", "l", PRESSURE.color, 1_000_000, 2, 0.1),
    Strip("energy_j", "Energy", "kWh", FLOW.color, 3_600_000, 2, 0.1),
)
SHOT_LINES = (TEMPERATURE, PRESSURE, FLOW, VOLUME, WEIGHT)


def shown(columns: Columns) -> list[Line]:
    """The lines these columns can draw, in drawing order."""
    return [line for line in SHOT_LINES if columns.get(line.column)]


def points(columns: Columns, line: Line, first: int = 0) -> list[Point]:
    """(seconds, value in the line's unit) from sample `first` on."""
    times = columns.get("t_ms", ())
    values = columns.get(line.column, ())
    return [
        (round((t or 0) / 1000, 2), None if v is None else round(v / 1000, 3))
        for t, v in zip(times[first:], values[first:], strict=False)
    ]


def shot(columns: Columns, lines: Sequence[Line] | None = None) -> Option:
    """A shot: temperature in a strip of its own, below it pressure or flow and the yield."""
    drawn = list(lines) if lines is not None else shown(columns)
    return {
        "animation": False,
        "aria": {"enabled": True},
        "textStyle": {"fontFamily": "Roboto, sans-serif"},
        "legend": _legend(),
        "tooltip": _tooltip(),
        "axisPointer": {"link": [{"xAxisIndex": "all"}]},
        "grid": [
            {"left": 40, "right": 40, "top": 66, "height": "16%"},
            {"left": 40, "right": 40, "top": "46%", "bottom": 44},
        ],
        "xAxis": [
            {**_time_axis("", True), "gridIndex": 0, "axisLabel": {"show": False}},
            {**_time_axis("s"), "gridIndex": 1},
        ],
        "yAxis": [
            {
                **_value_axis("°C"),
                "gridIndex": 0,
                "scale": True,
                "splitNumber": 2,
                "minInterval": 1,
            },
            {**_value_axis(_names(drawn, 1)), "gridIndex": 1, "min": 0},
            {
                **_value_axis(_names(drawn, 2)),
                "gridIndex": 1,
                "min": 0,
                "max": yield_top(columns),
                "position": "right",
                "splitLine": {"show": False},
            },
        ],
        "series": [
            {
                **_series(line, points(columns, line)),
                "xAxisIndex": line.grid,
                "yAxisIndex": line.axis,
            }
            for line in drawn
        ],
    }


def yield_top(columns: Columns) -> int | None:
    """An axis of at least 10 g or ml, or the first drops fill the plot; None: as it comes."""
    largest = max(
        (v for line in (VOLUME, WEIGHT) for v in columns.get(line.column, ()) if v is not None),
        default=0,
    )
    return YIELD_LEAST if largest < YIELD_LEAST * 1000 else None


def history(
    times_utc_ms: Sequence[int], lines: Sequence[tuple[str, str, Sequence[int | None]]]
) -> Option:
    """Temperatures over wall-clock time: (name, colour, milli °C column) a line."""
    return {
        "animation": False,
        "aria": {"enabled": True},
        "textStyle": {"fontFamily": "Roboto, sans-serif"},
        "legend": _legend(),
        "tooltip": _tooltip(),
        "grid": {"left": 46, "right": 16, "top": 42, "bottom": 28},
        "xAxis": {
            "type": "time",
            "axisLabel": {"color": SOFT, "hideOverlap": True},
            "axisLine": {"lineStyle": {"color": _GRID_INK}},
            "splitLine": {"show": False},
        },
        "yAxis": {**_value_axis("°C"), "scale": True, "minInterval": 1},
        "series": [
            {
                "name": name,
                "type": "line",
                "showSymbol": False,
                "lineStyle": {"width": 2, "type": "dashed" if "set" in name.lower() else "solid"},
                "color": color,
                "tooltip": _in_unit("°C"),
                "data": [
                    [t, None if v is None else round(v / 1000, 2)]
                    for t, v in zip(times_utc_ms, column, strict=True)
                ],
            }
            for name, color, column in lines
        ],
    }


def target(recipe: Mapping[str, Any]) -> Option:
    """What a profile asks for over time, as far as its phases' times tell; see `phase_spans_s`."""
    pressure: list[Point] = []
    flow: list[Point] = []
    areas: list[list[Option]] = []
    at_s, last = 0.0, {"pressure_mbar": 0.0, "flow_ul_s": 0.0}
    for number, (phase, span_s) in enumerate(phase_spans_s(recipe)):
        kind = "pressure_mbar" if "pressure_mbar" in phase else "flow_ul_s"
        own, other = (pressure, flow) if kind == "pressure_mbar" else (flow, pressure)
        goal = (phase.get(kind) or 0) / 1000
        ramp_s = min((phase.get("ramp_ms") or 0) / 1000, span_s)
        own.extend([(at_s, last[kind]), (at_s + ramp_s, goal), (at_s + span_s, goal)])
        other.append((at_s, None))
        shade = "rgba(140,129,120,0.07)" if number % 2 else "transparent"
        begin = {
            "name": phase.get("name") or f"phase {number + 1}",
            "xAxis": round(at_s, 2),
            "itemStyle": {"color": shade},
        }
        at_s += span_s
        areas.append([begin, {"xAxis": round(at_s, 2)}])
        last = {"pressure_mbar": 0.0, "flow_ul_s": 0.0, kind: goal}
    return {
        "animation": False,
        "aria": {"enabled": True},
        "textStyle": {"fontFamily": "Roboto, sans-serif"},
        "legend": _legend(),
        "tooltip": _tooltip(),
        "grid": {"left": 40, "right": 16, "top": 42, "bottom": 42},
        "xAxis": {**_time_axis("s"), "max": "dataMax"},
        "yAxis": {**_value_axis("bar · ml/s"), "min": 0},
        "series": [
            {
                **_series(PRESSURE, [(round(t, 2), v) for t, v in pressure]),
                "name": "Pressure target",
                "areaStyle": {"opacity": 0.12},
                "connectNulls": False,
                "markArea": {
                    "silent": True,
                    "label": {"color": SOFT, "fontSize": 11, "position": "insideTop"},
                    "data": areas,
                },
            },
            {
                **_series(FLOW, [(round(t, 2), v) for t, v in flow]),
                "name": "Flow target",
                "areaStyle": {"opacity": 0.12},
                "connectNulls": False,
            },
        ],
    }


def days(meters: Sequence[MeterView]) -> Option:
    """Shots, water and energy of each day, one strip under the other; all have a day."""
    last = len(STRIPS) - 1
    return {
        "animation": False,
        "aria": {"enabled": True},
        "useUTC": True,
        "textStyle": {"fontFamily": "Roboto, sans-serif"},
        "tooltip": {**_tooltip(), "axisPointer": {"type": "shadow"}},
        "axisPointer": {"link": [{"xAxisIndex": "all"}]},
        "grid": [
            {"left": 40, "right": 12, "top": f"{8 + 32 * n}%", "height": "19%"}
            for n in range(len(STRIPS))
        ],
        "xAxis": [_day_axis(n, n == last) for n in range(len(STRIPS))],
        "yAxis": [_strip_axis(n, strip) for n, strip in enumerate(STRIPS)],
        "series": [_bars(n, strip, meters) for n, strip in enumerate(STRIPS)],
    }


def _day_axis(strip: int, labels: bool) -> Option:
    return {
        "type": "time",
        "gridIndex": strip,
        "minInterval": DAY_MS,
        "axisPointer": {"label": {":formatter": _AS_DAY}},
        "axisLabel": {"show": labels, "color": SOFT, "hideOverlap": True},
        "axisLine": {"lineStyle": {"color": _GRID_INK}},
        "splitLine": {"show": False},
    }


def _strip_axis(number: int, strip: Strip) -> Option:
    name = f"{strip.name}, {strip.unit}" if strip.unit else strip.name
    axis = {**_value_axis(name), "gridIndex": number, "splitNumber": 2, "minInterval": strip.step}
    return {**axis, "nameTextStyle": {"color": SOFT, "align": "left", "padding": [0, 0, 0, -36]}}


def _bars(number: int, strip: Strip, meters: Sequence[MeterView]) -> Option:
    return {
        "name": strip.name,
        "type": "bar",
        "xAxisIndex": number,
        "yAxisIndex": number,
        "barMaxWidth": 22,
        "color": strip.color,
        "tooltip": _in_unit(strip.unit, strip.digits),
        "data": [  # with its zone: ECharts takes a bare day for one of the browser's
            [f"{meter.day}T00:00Z", round(getattr(meter, strip.column) / strip.one, strip.digits)]
            for meter in meters
        ],
    }


def phase_spans_s(recipe: Mapping[str, Any]) -> list[tuple[Mapping[str, Any], float]]:
    """Each phase with how long it is drawn: its time limit, else what its volume takes at its flow
    target, else 8 s (a phase that only ends on a sensor has no time of its own)."""
    spans = []
    for phase in recipe.get("phases") or []:
        leave = phase.get("exit") or {}
        if leave.get("time_ms"):
            span_s = leave["time_ms"] / 1000
        elif leave.get("volume_ul") and phase.get("flow_ul_s"):
            span_s = leave["volume_ul"] / phase["flow_ul_s"]
        else:
            span_s = 8.0
        spans.append((phase, max(0.1, span_s)))
    return spans


def _series(line: Line, data: Sequence[Point]) -> Option:
    return {
        "name": line.name,
        "type": "line",
        "xAxisIndex": 0,
        "yAxisIndex": 0,
        "showSymbol": False,
        "smooth": False,
        "lineStyle": {"width": 2.2},
        "color": line.color,
        "tooltip": _in_unit(line.unit),
        "data": [list(point) for point in data],
    }


def _tooltip() -> Option:
    return {"trigger": "axis", "confine": True, "transitionDuration": 0}


def _in_unit(unit: str, digits: int = 1) -> Option:
    """How a line's figure is written where one points at it; ":" marks what the browser runs."""
    return {":valueFormatter": f"v => v == null ? '–' : v.toFixed({digits}) + ' {unit}'"}


def _legend() -> Option:
    return {
        "top": 0,
        "itemGap": 10,
        "itemWidth": 14,
        "itemHeight": 8,
        "icon": "roundRect",
        "textStyle": {"color": INK},
        "inactiveColor": SOFT,
    }


def _names(lines: Sequence[Line], axis: int) -> str:
    return " · ".join(dict.fromkeys(line.unit for line in lines if line.axis == axis))


def _time_axis(name: str, quiet: bool = False) -> Option:
    return {
        "type": "value",
        "name": name,
        "nameLocation": "middle",
        "nameGap": 26,
        "nameTextStyle": {"color": SOFT},
        "min": 0,
        "axisLine": {"lineStyle": {"color": _GRID_INK}},
        "axisTick": {"show": not quiet},
        "axisPointer": {"label": {"formatter": "{value} s", "precision": 1}},
        "axisLabel": {"color": SOFT},
        "splitLine": {"lineStyle": {"color": _GRID_INK}},
    }


def _value_axis(name: str) -> Option:
    return {
        "type": "value",
        "name": name,
        "nameTextStyle": {"color": SOFT, "align": "center"},
        "axisLabel": {"color": SOFT},
        "splitLine": {"lineStyle": {"color": _GRID_INK}},
    }
