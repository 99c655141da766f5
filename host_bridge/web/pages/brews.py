"""The records of what was brewed: a list to page through, and one brew with its stored curve."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any
from urllib.parse import quote, urlencode

from fastapi import Request
from markupsafe import Markup
from nicegui import ui

from host_bridge.errors import NotFound
from host_bridge.names import natural
from host_bridge.service import Bridge
from host_bridge.views import BrewView, CommandView, Curve, QuarantineView
from host_bridge.web import units, words
from host_bridge.web.api import RowId
from host_bridge.web.layout import Visit, frame, html, put
from host_bridge.web.live_curve import nothing_stored, still
from host_bridge.web.markup import (
    chip,
    empty,
    empty_page,
    facts,
    never_heard,
    notice,
    pages,
    quantity,
    table,
    when,
)
from host_bridge.web.pages.quarantine import describe as described
from host_bridge.web.pages.quarantine import page_of as held_at

PER_PAGE = 40
_REFRESH_S = 3.0
HEADS = ("When", "Recipe", "Yield", "Duration", "Temperature", "Result", "External id")


def address(brew: BrewView) -> str:
    return f"/brews/{quote(brew.machine)}/{quote(brew.external_id)}"


Names = Mapping[str, tuple[int | None, Mapping[str, Mapping[str, Any]]]]
"""Machine → (revision of its recipes, slot → recipe)."""


def recipes_of(bridge: Bridge, machines: Iterable[str]) -> Names:
    """What each machine holds now, to name its brews by."""
    views = {machine: bridge.recipes(machine) for machine in machines}
    return {machine: (view.rev, view.slots) for machine, view in views.items()}


def row(brew: BrewView, names: Names) -> list[object]:
    """The cells of HEADS for one brew."""
    return [
        Markup('<a href="{}">{}</a>').format(address(brew), when(brew.start_ms)),
        recipe_name(brew, names),
        _yield(brew),
        quantity(units.seconds(brew.duration_ms), "s"),
        quantity(units.celsius(brew.temp_mean_mc), "°C"),
        _result(brew),
        Markup('<a class="mono" href="{}">{}</a>').format(address(brew), brew.external_id),
    ]


def recipe_name(brew: BrewView, names: Names) -> str:
    """The recipe's name if nothing changed since, else the slot and what it holds now."""
    rev, slots = names.get(brew.machine, (None, {}))
    name = slots.get(brew.slot, {}).get("name")
    if not name:
        return f"Slot {brew.slot}"
    return (
        f"{name} (slot {brew.slot})" if rev == brew.recipe_rev else f"Slot {brew.slot}, now {name}"
    )


def _result(brew: BrewView) -> Markup:
    mark = chip(words.result(brew.result))
    if not brew.reason:
        return mark
    return Markup('{}<div class="small soft">{}</div>').format(mark, words.reason(brew.reason))


def _yield(brew: BrewView) -> Markup:
    if brew.weight_mg is None:
        return quantity(units.ml(brew.volume_ul), "ml")
    return Markup("{} · {}").format(
        quantity(units.gram(brew.weight_mg), "g"), quantity(units.ml(brew.volume_ul), "ml")
    )


@ui.page("/brews")
async def brews_page(machine: str = "", before: RowId | None = None) -> None:
    with frame("Brews", "/brews") as visit:
        page = BrewList(visit, machine, before)
        await page.refresh()
        if before is None:
            visit.every(_REFRESH_S, page.refresh)


class BrewList:
    def __init__(self, visit: Visit, machine: str, before: int | None) -> None:
        self._visit = visit
        self._machine = machine
        self._before = before
        with ui.element("div").classes("title"):
            html(Markup("<h1>Brews</h1>")).classes("grow")
            self._known = [view.machine for view in visit.bridge.machines()]
            names = sorted({*self._known, machine} - {""}, key=natural)
            choice = ui.select(
                {"": "All machines", **{name: name for name in names}},
                value=machine,
                label="Machine",
                with_input=len(names) > 12,
                on_change=lambda event: ui.navigate.to(_page(event.value or "", None)),
            )
            choice.props("outlined dense options-dense").style("min-width: 200px")
        self._body = html(Markup()).classes("panel")
        self._turn = html(Markup(), "nav").classes("line").props('aria-label="Pages"')

    async def refresh(self) -> None:
        bridge = self._visit.bridge
        brews = await self._visit.ask(
            bridge.brews, self._machine or None, PER_PAGE + 1, self._before
        )
        names = await self._visit.ask(recipes_of, bridge, {b.machine for b in brews})
        shown = brews[:PER_PAGE]
        put(self._body, self._table(shown, names) if shown else self._nothing())
        put(self._turn, self._pages(brews))

    def _table(self, brews: list[BrewView], names: Names) -> Markup:
        rows = [[_machine_link(b.machine), *row(b, names)] for b in brews]
        return table(("Machine", *HEADS), rows, "Brews, newest first")

    def _pages(self, brews: list[BrewView]) -> Markup:
        newest = _page(self._machine, None) if self._before is not None else None
        more = len(brews) > PER_PAGE
        older = _page(self._machine, brews[PER_PAGE - 1].cursor) if more else None
        return pages(newest, older, "brews")

    def _nothing(self) -> Markup:
        if self._before is not None:
            return empty("coffee", "No older brews", "These were all of them.")
        if self._machine and self._machine not in self._known:
            return never_heard(self._machine, "/brews", "brews")
        return empty(
            "coffee",
            "No brew yet",
            Markup('Choose a <a href="/">machine</a> and brew: each brew shows up here.'),
        )


@ui.page("/brews/{machine}/{external_id:path}")
async def brew_page(request: Request, machine: str, external_id: str) -> None:
    with frame(f"Brew {external_id}", "/brews") as visit:
        bridge = visit.bridge
        brew = await visit.ask(bridge.brew, external_id, machine)
        if brew is None:
            held = await visit.ask(bridge.quarantined_fact, machine, external_id)
            html(_unknown(machine, external_id) if held is None else _held(machine, held))
            ui.context.client.status_code = 404 if held is None else 200
            return
        curve = await visit.ask(bridge.curve, machine, brew.boot, brew.shot)
        names = await visit.ask(recipes_of, bridge, [machine])
        html(_head(brew)).classes("stack")
        with ui.element("section").classes("panel"):
            html(Markup("<h2>Curve</h2>"))
            if curve is None or not curve.t_ms:
                html(nothing_stored())
            else:
                still(curve)
        with ui.element("section").classes("panel"):
            html(Markup("<h2>Record</h2>"))
            limits = await visit.ask(_limits, bridge, machine)
            by = ordered_by(brew, await visit.ask(_order, bridge, brew))
            html(facts(_fields(brew, recipe_name(brew, names), curve, limits, by)))


def _unknown(machine: str, external_id: str) -> Markup:
    advice = Markup(
        "It may not be stored yet, or it was discarded from quarantine. "
        '<a href="/brews">See all brews</a>'
    )
    return empty_page("search_off", f"No brew {external_id} of {machine}", advice)


def _held(machine: str, fact: QuarantineView) -> Markup:
    """Where a checkpoint leads as long as the brew it is about has no record."""
    way = Markup(
        "Fix the cause, then <a href=\"{}\">replay or discard it in quarantine</a>. Once it is "
        "replayed its record stands here."
    )
    return Markup(
        '<div class="stack"><div class="crumbs"><a href="/brews">Brews</a> / {}</div>'
        '<div class="title"><h1>{}</h1>{}</div>{}<div class="panel">{}</div></div>'
    ).format(
        fact.external_id,
        Markup("Brew at {}").format(_machine_link(machine)),
        chip(words.Word("In quarantine", words.WARN, "report")),
        notice("warn", "report", "This brew has no record yet", way.format(held_at(fact.id))),
        described(fact),
    )


def _head(brew: BrewView) -> Markup:
    reason = words.reason(brew.reason) if brew.reason else ""
    return Markup(
        '<div class="crumbs"><a href="/brews">Brews</a> / {}</div><div class="title"><h1>{}</h1>'
        '{}<span class="soft">{}</span><span class="soft">{}</span></div>'
    ).format(
        brew.external_id,
        Markup("Brew at {}").format(_machine_link(brew.machine)),
        chip(words.result(brew.result)),
        reason,
        when(brew.start_ms, "The machine's clock was not set"),
    )


def _limits(bridge: Bridge, machine: str) -> Mapping[str, Any]:
    return bridge.recipes(machine).limits


def _order(bridge: Bridge, brew: BrewView) -> CommandView | None:
    """What this bridge was told to brew it by; ids that others gave are not in its books."""
    if brew.command is None:
        return None
    try:
        order = bridge.command(brew.command)
    except NotFound:
        return None
    return order if (order.machine, order.name) == (brew.machine, "brew") else None


def ordered_by(brew: BrewView, order: CommandView | None) -> str:
    """Who wanted it, as far as this bridge knows: others may order over MQTT too."""
    if brew.source == "local":
        return "at the machine"
    if order is None:
        return "from outside, or too long ago to know"
    return words.by(order.user)


def _fields(
    brew: BrewView, recipe: str, curve: Curve | None, limits: Mapping[str, Any], by: str
) -> list[tuple[str, object]]:
    """Every bound field that this machine can have; a dash says that nobody knows."""
    mono = Markup('<span class="mono">{}</span>')
    started: object = when(brew.start_ms, "unknown: the clock was not set")
    if brew.start_ms is not None:
        started = Markup("{} ({})").format(units.exact(brew.start_ms), started)
    has_scale = brew.weight_mg is not None or "weight_mg" in limits
    has_gauge = brew.pressure_peak_mbar is not None or "pressure_mbar" in limits
    scale = [("Weight", quantity(units.gram(brew.weight_mg), "g"))] if has_scale else []
    gauge = [
        ("Peak pressure", quantity(units.bar(brew.pressure_peak_mbar), "bar")),
        ("Mean pressure", quantity(units.bar(brew.pressure_mean_mbar), "bar")),
    ] if has_gauge else []  # fmt: skip
    seen_ms = curve.t_ms[-1] if curve is not None and curve.t_ms else None
    seen_ul = max(curve.volume_ul) if curve is not None and curve.volume_ul else None
    return [
        ("External id", mono.format(brew.external_id)),
        ("Machine", _machine_link(brew.machine)),
        ("Started", started),
        ("Recipe", recipe),
        ("Recipe revision", brew.recipe_rev),
        ("Ordered", by),
        ("Order", mono.format(brew.command) if brew.command else units.MISSING),
        ("Duration", _measured(brew.duration_ms, seen_ms, units.seconds, "s")),
        ("Volume", _measured(brew.volume_ul, seen_ul, units.ml, "ml")),
        *scale,
        ("Mean temperature", quantity(units.celsius(brew.temp_mean_mc, 2), "°C")),
        *gauge,
        ("Energy", quantity(units.kilojoule(brew.energy_j), "kJ")),
        ("Result", words.result(brew.result).text),
        ("Reason", words.reason(brew.reason) if brew.reason else units.MISSING),
        ("Boot and shot", f"boot {brew.boot}, shot {brew.shot}"),
        ("Curve", "stored" if brew.has_curve else "not stored"),
    ]


def _measured(
    value: int | None, seen: int | None, text: Callable[[int | None], str], unit: str
) -> Markup:
    """What the record says; of a shot that a reset cut, the last that the live curve showed."""
    if value is not None or not seen:
        return quantity(text(value), unit)
    return Markup('at least {} <span class="soft">(last seen in the curve)</span>').format(
        quantity(text(seen), unit)
    )


def _machine_link(machine: str) -> Markup:
    return Markup('<a href="/machines/{}">{}</a>').format(quote(machine), machine)


def _page(machine: str, before: int | None) -> str:
    query = {"machine": machine} if machine else {}
    if before is not None:
        query["before"] = str(before)
    return f"/brews?{urlencode(query)}" if query else "/brews"
