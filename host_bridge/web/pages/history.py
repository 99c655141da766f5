"""One machine's past: what it used day by day, its alarms, and which of its settings were changed
by whom."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any
from urllib.parse import quote, urlencode

from markupsafe import Markup
from nicegui import ui

from host_bridge.log import BLANK
from host_bridge.views import AlarmView, CommandView, MachineView, MeterView
from host_bridge.web import curves, units, words
from host_bridge.web.layout import Visit, chart, frame, html, put
from host_bridge.web.markup import (
    chip,
    empty,
    exactly,
    join,
    nobody,
    pages,
    quantity,
    table,
    tag,
)
from host_bridge.web.pages.fleet import troubles
from host_bridge.web.spells import Spell, spells

_REFRESH_S = 30.0
_DAYS = 31
_MOST_METERS = 4000
_CHANGES = 50
_ALARMS = 50
_MOST_ALARM_FACTS = 4000
CHANGES = ("setpoint", "config.put", "recipe.put", "recipe.delete")
"""Commands that change what a machine keeps."""
_STANDS = words.Word("Still stands", words.BAD, "notifications_active")


def address(machine: str, page: int = 1, alarms: int = 1) -> str:
    """`page` is that of the days, `alarms` that of the alarms."""
    asked = {"page": page, "alarms": alarms}
    query = urlencode({name: number for name, number in asked.items() if number > 1})
    return f"/machines/{quote(machine)}/history{f'?{query}' if query else ''}"


@ui.page("/machines/{machine}/history")
async def history_page(machine: str, page: int = 1, alarms: int = 1) -> None:
    with frame(f"History of {machine}", "/") as visit:
        view = await visit.ask(visit.bridge.machine, machine)
        if view is None:
            ui.context.client.status_code = 404
            html(nobody(machine))
            return
        shown = HistoryPage(visit, view, max(1, page), max(1, alarms))
        await shown.refresh()
        visit.every(_REFRESH_S, shown.refresh)


class HistoryPage:
    def __init__(self, visit: Visit, view: MachineView, page: int, alarm_page: int = 1) -> None:
        self._visit = visit
        self._view = view
        self._page = page
        self._alarm_page = alarm_page
        self._shown: list[MeterView] | None = None
        html(_head(view.machine)).classes("stack")
        with ui.element("section").classes("panel"):
            html(Markup("<header><h2>Use by day</h2></header>"))
            self._plot = chart({}, "Shots, water and energy of each day", "curve days")
            self._days = html(Markup())
            self._turn = _turn("Pages of days")
        with ui.element("section").classes("panel").props('id="alarms"'):
            html(Markup("<header><h2>Alarms</h2></header>"))
            self._alarms = html(Markup())
            self._alarm_turn = _turn("Pages of alarms")
        with ui.element("section").classes("panel"):
            html(Markup("<header><h2>Changes of settings</h2></header>"))
            self._changes = html(Markup())

    async def refresh(self) -> None:
        bridge, machine = self._visit.bridge, self._view.machine
        now = await self._visit.ask(bridge.machine, machine)
        self._view = now or self._view
        days, undated = by_day(await self._visit.ask(bridge.meters, machine, _MOST_METERS))
        first = (self._page - 1) * _DAYS
        self._draw(days[first : first + _DAYS])
        put(self._days, self._table(days[first : first + _DAYS], undated))
        put(self._turn, self._pages(len(days)))
        facts = await self._visit.ask(bridge.alarms, machine, _MOST_ALARM_FACTS)
        self._show_alarms(spells_of(self._view, facts), len(facts) == _MOST_ALARM_FACTS)
        changes = await self._visit.ask(bridge.commands, machine, _CHANGES, CHANGES)
        put(self._changes, _changes(machine, changes))

    def _draw(self, days: list[MeterView]) -> None:
        self._plot.set_visibility(bool(days))
        if days == self._shown:
            return
        self._shown = days
        self._plot.options.clear()
        self._plot.options.update(curves.days(days))
        self._plot.update()

    def _table(self, days: list[MeterView], undated: MeterView | None) -> Markup:
        rest = _undated(undated) if undated is not None else Markup()
        if not days:
            return Markup("{}{}").format(_no_day(self._view, self._page), rest)
        grinds = any(day.grinds for day in days)
        heads = ("Day (UTC)", "Shots", *(("Grinds",) if grinds else ()), "Water", "Energy")
        rows = (_row(day, grinds) for day in days)
        return Markup("{}{}").format(table(heads, rows, "Use by day, newest first", True), rest)

    def _pages(self, found: int) -> Markup:
        machine, alarms = self._view.machine, self._alarm_page
        newest = address(machine, 1, alarms) if self._page > 1 else None
        more = found > self._page * _DAYS
        older = address(machine, self._page + 1, alarms) if more else None
        return pages(newest, older, "days")

    def _show_alarms(self, known: list[Spell], cut: bool) -> None:
        """`cut`: there may be older ones that were not read."""
        shown, later = known[(self._alarm_page - 1) * _ALARMS :], self._alarm_page > 1
        last = len(shown) <= _ALARMS
        put(self._alarms, _alarms(shown[:_ALARMS], later, cut and last))
        put(self._alarm_turn, self._alarm_pages(not last))

    def _alarm_pages(self, more: bool) -> Markup:
        def at(alarms: int) -> str:
            return f"{address(self._view.machine, self._page, alarms)}#alarms"

        newest = at(1) if self._alarm_page > 1 else None
        return pages(newest, at(self._alarm_page + 1) if more else None, "alarms")


def by_day(meters: Iterable[MeterView]) -> tuple[list[MeterView], MeterView | None]:
    """One total a day, newest first, and that of days the machine did not know. A clock that was
    set back makes two of one day."""
    totals: dict[str | None, MeterView] = {}
    for meter in meters:
        held = totals.get(meter.day)
        totals[meter.day] = meter if held is None else _sum(held, meter)
    undated = totals.pop(None, None)
    return sorted(totals.values(), key=lambda meter: meter.day or "", reverse=True), undated


def _sum(one: MeterView, other: MeterView) -> MeterView:
    return replace(
        one,
        water_ul=one.water_ul + other.water_ul,
        energy_j=one.energy_j + other.energy_j,
        grinds=one.grinds + other.grinds,
        shots=one.shots + other.shots,
    )


def used(meter: MeterView) -> Markup:
    """`31 shots, 15.00 l, 2.50 kWh`."""
    return Markup("{} shot{}, {}, {}").format(
        meter.shots,
        "" if meter.shots == 1 else "s",
        quantity(units.litre(meter.water_ul), "l"),
        quantity(units.kilowatt_hour(meter.energy_j), "kWh"),
    )


def _row(day: MeterView, grinds: bool) -> list[object]:
    return [
        day.day,
        day.shots,
        *([day.grinds] if grinds else []),
        quantity(units.litre(day.water_ul), "l"),
        quantity(units.kilowatt_hour(day.energy_j), "kWh"),
    ]


def _undated(meter: MeterView) -> Markup:
    return Markup(
        '<p class="small soft">Besides: {}, counted while its clock was not set.</p>'
    ).format(used(meter))


def _no_day(view: MachineView, page: int) -> Markup:
    if page > 1:
        return empty("bar_chart", "No older days", "These were all of them.")
    advice = "A day appears here when it has ended (midnight UTC): come back tomorrow."
    if view.online and not (view.state or {}).get("utc_ms"):
        advice = "Its clock is not set, so it cannot tell the days: set up NTP for it."
    return empty("bar_chart", "No day yet", advice)


def _turn(label: str) -> ui.html:
    return html(Markup(), "nav").classes("line").props(f'aria-label="{label}"')


def _head(machine: str) -> Markup:
    return Markup(
        '<div class="crumbs"><a href="/">Machines</a> / <a href="/machines/{}">{}</a> / History'
        "</div><h1>History</h1>"
    ).format(quote(machine), machine)


# --- alarms
def spells_of(view: MachineView, newest_first: list[AlarmView]) -> list[Spell]:
    """Newest first; what stands is what the machine reports."""
    return spells(newest_first, None if view.state is None else troubles(view))


def _alarms(shown: list[Spell], later: bool, cut: bool) -> Markup:
    """`later`: not the first page; `cut`: older ones are not shown."""
    if not shown:
        return _no_alarm(later, cut)
    kept = "One that locks the machine lasts until it was acknowledged."
    rest = Markup('<p class="small soft">Older alarms are not shown.</p>') if cut else Markup()
    heads = ("Raised", "Alarm", "Cleared", "Lasted")
    return Markup('<p class="small soft">{}</p>{}{}').format(
        kept, table(heads, map(_alarm, shown), "Alarms, newest first"), rest
    )


def _no_alarm(later: bool, cut: bool) -> Markup:
    if later:
        rest = "Still older ones are not shown." if cut else "These were all of them."
        return empty("notifications_off", "No older alarms", rest)
    return empty("notifications_off", "No alarm yet", "What the machine raises is kept here.")


def _alarm(spell: Spell) -> list[object]:
    return [
        _moment(spell.raised),
        words.alarm(spell.code).title,
        chip(_STANDS) if spell.stands else _moment(spell.cleared),
        units.duration(spell.lasted_ms),
    ]


def _moment(fact: AlarmView | None) -> Markup:
    if fact is None:
        return Markup('<span class="soft">not reported</span>')
    return exactly(fact.utc_ms, "clock not set")


# --- settings
def _changes(machine: str, changes: list[CommandView]) -> Markup:
    kept = (
        "Changes through this bridge, kept for 90 days. It does not know of those made over the "
        "cable or by other programs on the broker."
    )
    if not changes:
        return empty(
            "tune",
            "No change yet",
            Markup(
                '{} Set temperatures on the <a href="/machines/{}">machine\'s page</a>, recipes '
                'on <a href="/machines/{}/recipes">theirs</a>.'
            ).format(kept, quote(machine), quote(machine)),
        )
    most = f"The newest {_CHANGES}. " if len(changes) == _CHANGES else ""
    heads = ("When", "What", "Ordered", "Result")
    return Markup('<p class="small soft">{}{}</p>{}').format(
        most, kept, table(heads, map(_change, changes), "Changes of settings, newest first")
    )


def _change(view: CommandView) -> list[object]:
    return [exactly(view.created_ms), _what(view), words.by(view.user), _result(view)]


def _what(view: CommandView) -> Markup:
    if view.name.startswith("recipe."):
        slot = str(view.args.get("slot", "?"))
        done = "deleted" if view.name == "recipe.delete" else "sent"
        recipe = view.args.get("recipe") or {}
        return Markup('<a href="/machines/{}/recipes/{}">Recipe</a> {} {}{}').format(
            quote(view.machine), quote(slot), done, tag(f"slot {slot}"),
            f" {recipe['name']}" if recipe.get("name") else "",
        )  # fmt: skip
    return join(Markup("<div>{}</div>").format(text) for text in settings(view.args))


def settings(args: Mapping[str, Any]) -> list[str]:
    """Each setting of `setpoint` or `config.put` with its new value, as people read it."""
    return [f"{words.setting(name)}: {_value(name, value)}" for name, value in args.items()]


def _value(name: str, value: object) -> str:
    if value == BLANK:
        return "changed"
    if isinstance(value, int) and name.endswith("_mc"):
        return f"{units.celsius(value)} °C" if value else "default"
    if isinstance(value, int) and name.endswith("_l"):
        return f"each {value} l" if value else "never"
    return str(value)


def _result(view: CommandView) -> Markup:
    left = words.left_out(view.result)
    mark = chip(words.command_state(view.state, view.name, left))
    why = f"The machine {left}" if left else view.error and view.error.message
    return Markup('{}<div class="small soft">{}</div>').format(mark, why) if why else mark
