"""Curves that grow while one looks. Only new samples travel; a new shot starts a new chart."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence

from markupsafe import Markup
from nicegui import ui

from host_bridge.views import Curve, History
from host_bridge.web import curves
from host_bridge.web.layout import chart, html
from host_bridge.web.markup import empty

_HISTORY_EVERY_MS = 5000


def columns(curve: Curve) -> Mapping[str, Sequence[int]]:
    """The curve's columns by their contract names; absent ones are left out."""
    names = ("t_ms", "temp_mc", "pressure_mbar", "flow_ul_s", "volume_ul", "weight_mg")
    return {name: column for name in names if (column := getattr(curve, name)) is not None}


class ShotCurve:
    """Shows one curve after the other in one chart, appending what is new."""

    def __init__(self) -> None:
        self._shot: tuple[int, int] | None = None
        self._sent = 0
        self._lines: list[curves.Line] = []
        self._empty = html(
            empty("show_chart", "No shot yet", "The next one is drawn here live.")
        )
        self._chart = chart({}, "Shot curve")
        self._chart.set_visibility(False)

    def show(self, curve: Curve | None) -> None:
        if curve is None or not curve.t_ms:
            return
        shot = (curve.boot, curve.shot)
        # what is appended goes by its place: a sensor that reports later needs a new chart
        lines = curves.shown(columns(curve))
        if shot != self._shot or len(curve.t_ms) < self._sent or lines != self._lines:
            self._begin(curve)
        elif len(curve.t_ms) > self._sent:
            self._append(curve)
        self._shot, self._sent, self._lines = shot, len(curve.t_ms), lines

    def _begin(self, curve: Curve) -> None:
        self._empty.set_visibility(False)
        self._chart.set_visibility(True)
        self._chart.options.clear()
        self._chart.options.update(curves.shot(columns(curve)))
        self._chart.update()

    def _append(self, curve: Curve) -> None:
        held = columns(curve)
        new = [curves.points(held, line, self._sent) for line in curves.shown(held)]
        top = json.dumps(curves.yield_top(held))
        ui.run_javascript(f"coffee.append({self._chart.id}, {json.dumps(new)}, {top})")


class HistoryCurve:
    """The last minutes' temperatures, redrawn whole: they are few."""

    def __init__(self) -> None:
        self._newest_ms = 0
        self._empty = html(
            Markup('<p class="soft small">Drawn here while the machine reports.</p>')
        )
        self._chart = chart({}, "Temperatures of the last minutes", "curve low")
        self._chart.set_visibility(False)

    def show(self, history: History) -> None:
        if len(history.received_ms) < 2:  # no line yet, and an axis of days
            return
        newest_ms = history.received_ms[-1]
        if 0 <= newest_ms - self._newest_ms < _HISTORY_EVERY_MS:  # below: the clock was set back
            return
        self._newest_ms = newest_ms
        self._empty.set_visibility(False)
        self._chart.set_visibility(True)
        lines: list[tuple[str, str, Sequence[int | None]]] = [
            ("Brew boiler", curves.TEMPERATURE.color, history.temp_mc),
            ("Set-point", curves.SETPOINT_COLOR, [goal or None for goal in history.setpoint_mc]),
        ]
        if history.steam_temp_mc:
            lines.append(("Steam boiler", curves.PRESSURE.color, history.steam_temp_mc))
        self._chart.options.clear()
        self._chart.options.update(curves.history(history.received_ms, lines))
        self._chart.update()


def still(curve: Curve) -> ui.echart:
    """A finished curve that does not change any more."""
    return chart(curves.shot(columns(curve)), "Shot curve")


def nothing_stored() -> Markup:
    return empty(
        "show_chart",
        "No curve stored",
        "Curves are sent once, live, and the bridge missed this one. What was measured is below.",
    )
