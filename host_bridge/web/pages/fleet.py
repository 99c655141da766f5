"""All machines at a glance, as many as there are: searched, filtered and paged on the server, so
that a thousand machines cost a browser no more than a page of them.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from urllib.parse import quote, urlencode

from fastapi import Request
from markupsafe import Markup
from nicegui import ui

from host_bridge.views import BrewView, MachineView
from host_bridge.web import units, words
from host_bridge.web.layout import Visit, button, frame, html, put
from host_bridge.web.markup import chip, empty, icon, join, tag, when

PER_PAGE = 24
_REFRESH_S = 1.5
_SPARKS_EVERY = 4
_SPARK_POINTS = 60


def code(view: MachineView) -> str | None:
    """The machine's state by its code; None until it has reported."""
    return view.state.get("state") if view.state else None


def troubles(view: MachineView) -> list[str]:
    """Alarms that stand or wait to be acknowledged, each once."""
    state = view.state or {}
    return list(dict.fromkeys((*state.get("alarms", ()), *state.get("latched", ()))))


def badge(view: MachineView) -> words.Word:
    """What the machine is, and what it lacks to be of use."""
    return words.state(code(view), view.online, troubles(view))


def _needs_care(view: MachineView) -> bool:
    return bool(troubles(view) or view.open_checkpoints) or (
        view.online and code(view) in words.FAULT_STATES
    )


FILTERS: dict[str, tuple[str, Callable[[MachineView], bool]]] = {
    "all": ("All", lambda view: True),
    "ready": ("Ready", lambda view: badge(view) == words.STATES["ready"]),
    "busy": ("Busy", lambda view: view.online and code(view) in words.BUSY_STATES),
    "care": ("Needs attention", _needs_care),
    "offline": ("Offline", lambda view: not view.online),
}


@dataclass
class Selection:
    """What the visitor chose to see; kept in the address, so that Back brings it back."""

    text: str = ""
    show: str = "all"
    page: int = 1

    def matches(self, view: MachineView) -> bool:
        info = view.info
        known = f"{view.machine} {view.model} {info.get('serial')} {info.get('hardware')}".lower()
        return all(part in known for part in self.text.lower().split())

    def address(self) -> str:
        chosen = {"q": self.text, "show": self.show, "page": str(self.page)}
        plain = {"q": "", "show": "all", "page": "1"}
        query = urlencode({k: v for k, v in chosen.items() if v != plain[k]})
        return f"/?{query}" if query else "/"


@ui.page("/")
async def fleet_page(request: Request, q: str = "", show: str = "all", page: int = 1) -> None:
    with frame("Machines", "/") as visit:
        fleet = Fleet(visit, Selection(q[:64], show if show in FILTERS else "all", max(1, page)))
        await fleet.refresh()
        visit.every(_REFRESH_S, fleet.refresh)


class Fleet:
    """The page's parts and the visitor's selection."""

    def __init__(self, visit: Visit, selection: Selection) -> None:
        self._visit = visit
        self._chosen = selection
        self._round = 0
        self._sparks: dict[str, Markup] = {}
        with ui.element("div").classes("title"):
            html(Markup("<h1>Machines</h1>"))
            self._summary = html(Markup(), "span").classes("soft")
        with ui.element("div").classes("filters"):
            search = ui.input(
                placeholder="Search name, model, serial",
                value=selection.text,  # set later it would count as a search: from page 1 on
                on_change=lambda e: self._search(e.value),
            )
            search.props('outlined dense clearable debounce="250" aria-label="Search machines"')
            search.classes("grow").style("max-width: 360px; min-width: 220px")
            self._filters = {key: self._filter(key) for key in FILTERS}
        self._empty = html(Markup())
        self._cards = ui.element("div").classes("cards")
        self._shown: list[ui.html] = []
        self._pages = ui.pagination(1, 1, direction_links=True, on_change=self._turn)
        self._pages.props('max-pages="7" active-color="fill" active-text-color="fill-ink"')
        self._pages.props('aria-label="Pages"').style("align-self: center")

    def _filter(self, key: str) -> ui.button:
        async def choose() -> None:
            self._chosen.show, self._chosen.page = key, 1
            await self._selected()

        return button(FILTERS[key][0], kind="filter", on_click=choose)

    async def _search(self, text: str | None) -> None:
        self._chosen.text, self._chosen.page = (text or "")[:64], 1
        await self._selected()

    async def _turn(self) -> None:
        if self._pages.value != self._chosen.page:
            self._chosen.page = int(self._pages.value or 1)
            await self._selected()

    async def _selected(self) -> None:
        ui.navigate.history.replace(self._chosen.address())
        await self.refresh()

    async def refresh(self) -> None:
        everything = await self._visit.ask(self._visit.bridge.machines)
        found = [view for view in everything if self._chosen.matches(view)]
        self._count(everything, found)
        _, wanted = FILTERS[self._chosen.show]
        found = [view for view in found if wanted(view)]
        last = max(1, math.ceil(len(found) / PER_PAGE))
        self._chosen.page = min(self._chosen.page, last)
        first = (self._chosen.page - 1) * PER_PAGE
        shown = found[first : first + PER_PAGE]
        await self._sparks_of(shown)
        self._draw(shown)
        self._pages.max = last
        self._pages.value = self._chosen.page
        self._pages.set_visibility(last > 1)
        put(self._empty, Markup() if shown else _nothing(bool(everything)))

    def _count(self, everything: list[MachineView], found: list[MachineView]) -> None:
        online = sum(view.online for view in everything)
        put(self._summary, Markup("{} known, {} online").format(len(everything), online))
        for key, choice in self._filters.items():
            name, wanted = FILTERS[key]
            choice.set_text(f"{name} {sum(map(wanted, found))}")
            choice.classes(add="on") if key == self._chosen.show else choice.classes(remove="on")
            choice.props(f'aria-pressed="{str(key == self._chosen.show).lower()}"')

    async def _sparks_of(self, shown: list[MachineView]) -> None:
        """Temperatures change slowly: their lines are drawn anew at every fourth refresh."""
        names = [view.machine for view in shown]
        if self._round % _SPARKS_EVERY == 0 or not self._sparks.keys() >= set(names):
            self._sparks = await self._visit.ask(self._draw_sparks, names)
        self._round += 1

    def _draw_sparks(self, names: list[str]) -> dict[str, Markup]:
        live = self._visit.bridge.live
        return {name: spark(live(name).history.temp_mc) for name in names}

    def _draw(self, shown: list[MachineView]) -> None:
        while len(self._shown) > len(shown):
            self._shown.pop().delete()
        with self._cards:
            while len(self._shown) < len(shown):
                self._shown.append(html(Markup()))
        for element, view in zip(self._shown, shown, strict=True):
            put(element, card(view, self._sparks.get(view.machine, Markup())))


def card(view: MachineView, line: Markup) -> Markup:
    """One machine: state, temperature against its set-point, trouble, last brew."""
    return Markup(
        '<a class="card{}" href="/machines/{}" data-machine="{}">'
        '<div class="top"><div class="stack tight"><span class="name">{}</span><span>{}</span>'
        "</div>{}</div>{}{}{}"
        '<div class="foot"><span>{}</span><span>{}</span></div></a>'
    ).format(
        "" if view.online else " gone",
        quote(view.machine),
        view.machine,
        view.machine,
        tag(view.model or "new"),
        chip(badge(view)),
        _temperature(view),
        line if view.online else "",
        _trouble(view),
        _last_brew(view.last_brew),
        when(view.last_seen_ms) if not view.online else "",
    )


def _temperature(view: MachineView) -> Markup:
    state = view.state
    if state is None:
        return Markup('<p class="soft">Has not reported yet.</p>')
    temp_mc, goal = words.believed(state, "temp_mc"), state["setpoint_mc"]
    share = 0 if not goal else min(100, max(0, round(100 * (temp_mc or 0) / goal)))
    near = goal and temp_mc is not None and abs(temp_mc - goal) <= 500
    target = f"of {units.celsius(goal)} °C" if goal else "heater off"
    if not view.online:
        return _reading(temp_mc, "when last heard", Markup())
    gauge = Markup('<div class="gauge{}"><i style="width:{}%"></i></div>')
    return _reading(temp_mc, target, gauge.format(" good" if near else "", share))


def _reading(temp_mc: int | None, target: str, gauge: Markup) -> Markup:
    return Markup(
        '<div class="stack tight"><div class="reading"><span class="value">{}</span>'
        '<span class="unit">°C <span class="small">{}</span></span></div>{}</div>'
    ).format(units.celsius(temp_mc), target, gauge)


def spark(temp_mc: Sequence[int]) -> Markup:
    """The last minutes' temperature as a line without figures, scaled to at least 2 °C."""
    if len(temp_mc) < 2:
        return Markup()
    step = max(1, len(temp_mc) // _SPARK_POINTS)
    kept = [*temp_mc[:-1:step], temp_mc[-1]]
    low, high = min(kept), max(kept)
    spare = max(0, 2000 - (high - low)) / 2
    scale = 36 / (high - low + 2 * spare)
    across = 200 / (len(kept) - 1)
    path = " ".join(
        f"{n * across:.1f},{40 - (temp - low + spare) * scale:.1f}" for n, temp in enumerate(kept)
    )
    return Markup(
        '<svg class="spark" viewBox="0 0 200 44" preserveAspectRatio="none" aria-hidden="true">'
        '<polyline points="{}"></polyline></svg>'
    ).format(path)


def _trouble(view: MachineView) -> Markup:
    chips = [_alert("bad", "error", words.alarm(c).title) for c in troubles(view)]
    if view.open_checkpoints:
        chips.append(_alert("warn", "fact_check", f"{view.open_checkpoints} to review"))
    if not view.supported and view.model:
        chips.append(_alert("warn", "help", f"Model {view.model} is not known here"))
    return Markup('<div class="switches">{}</div>').format(join(chips)) if chips else Markup()


def _alert(tone: str, icon_name: str, text: str) -> Markup:
    return Markup('<span class="chip {}">{}{}</span>').format(tone, icon(icon_name), text)


def _last_brew(brew: BrewView | None) -> Markup:
    if brew is None:
        return Markup("No brew yet")
    amount = f"{units.ml(brew.volume_ul)} ml" if brew.result == "ok" else brew.result
    return Markup("Last brew {}, {}").format(amount, when(brew.start_ms))


def _nothing(any_known: bool) -> Markup:
    if any_known:
        return empty("search_off", "No machine found", "Clear the search or change the filter.")
    return empty(
        "coffee_maker",
        "No machine yet",
        "Connect a machine to this bridge's MQTT broker and switch it on. It appears by itself.",
    )
