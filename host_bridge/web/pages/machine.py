"""One machine: what it does now, its curves, and the orders one may give it. The machine decides;
this page shows what it said.
"""

from __future__ import annotations

from typing import Any
from urllib.parse import quote

from markupsafe import Markup
from nicegui import ui

from host_bridge.errors import NotFound
from host_bridge.views import LiveView, MachineView, MaintenanceView, MeterView
from host_bridge.web import units, words
from host_bridge.web.layout import Visit, frame, html, put
from host_bridge.web.live_curve import HistoryCurve, ShotCurve
from host_bridge.web.markup import (
    chip,
    empty,
    facts,
    icon,
    join,
    nobody,
    notice,
    table,
    tag,
    when,
)
from host_bridge.web.pages.brews import HEADS, address, recipes_of, row
from host_bridge.web.pages.fleet import badge
from host_bridge.web.pages.history import address as past
from host_bridge.web.pages.history import spells_of, used
from host_bridge.web.pages.machine_controls import Controls
from host_bridge.web.spells import Spell

_REFRESH_S = 0.5
_ALARMS = 6
_ALARM_FACTS = 200
_SLOW_EVERY = 10
"""What comes from the store is asked for at every tenth refresh only, …"""
_SOON_EVERY = 2
"""… and while the last shot's record is on its way more often."""


@ui.page("/machines/{machine}")
async def machine_page(machine: str) -> None:
    with frame(machine, "/") as visit:
        view = await visit.ask(visit.bridge.machine, machine)
        if view is None:
            ui.context.client.status_code = 404
            html(nobody(machine))
            return
        page = MachinePage(visit, view)
        await page.refresh()
        visit.every(_REFRESH_S, page.refresh)


class MachinePage:
    def __init__(self, visit: Visit, view: MachineView) -> None:
        self._visit = visit
        self._machine = view.machine
        self._round = 0
        self._awaited = False
        self._records: dict[tuple[int, int], str] = {}  # (boot, shot) → page, of the newest brews
        self._head = html(Markup()).classes("stack")
        self._alerts = html(Markup()).classes("stack")
        with ui.element("div").classes("split"):
            with ui.element("div").classes("stack").style("gap: 20px"):
                with ui.element("section").classes("panel first"):
                    self._readings = html(Markup())
                    self._shot_title = html(Markup(), "header")
                    self._shot = ShotCurve()
                with ui.element("section").classes("panel third"):
                    html(Markup("<header><h2>Temperature, last minutes</h2></header>"))
                    self._history = HistoryCurve()
                with ui.element("section").classes("panel"):
                    html(_brews_head(view.machine))
                    self._brews = html(Markup())
            with ui.element("aside").classes("stack").style("gap: 20px"):
                self._offer = ui.element("div").style("display: contents")
                self._offered = self._controls_of(view)
                with ui.element("section").classes("panel"):
                    html(Markup("<h2>Sensors and switches</h2>"))
                    self._switches = html(Markup())
                with ui.element("section").classes("panel"):
                    html(_alarms_head(view.machine))
                    self._alarms = html(Markup())
                with ui.element("section").classes("panel"):
                    html(Markup("<h2>Maintenance</h2>"))
                    self._maintenance = html(Markup())
                with ui.element("section").classes("panel"):
                    html(_about_head(view.machine))
                    self._about = html(Markup())

    def _controls_of(self, view: MachineView) -> object:
        """Builds what can be ordered; returns what it was built from."""
        with self._offer:
            self._controls = Controls(self._visit, view)
        return _offered(view)

    async def refresh(self) -> None:
        bridge = self._visit.bridge
        try:
            view = await self._visit.ask(bridge.machine, self._machine)
            live = await self._visit.ask(bridge.live, self._machine)
        except NotFound:
            return
        if view is None:
            return
        if self._round % (_SOON_EVERY if self._awaited else _SLOW_EVERY) == 0:
            await self._refresh_stored(view)
        self._round += 1
        state = (live.state if live.online else None) or {}
        put(self._head, _head(view))
        put(self._alerts, _alerts(view))
        put(self._readings, readings(live))
        shot = live.curve
        record = self._records.get((shot.boot, shot.shot)) if shot else None
        self._awaited = bool(shot and live.online and not live.running and not record)
        put(self._shot_title, shot_title(live, record))
        put(self._switches, _switches(state))
        self._shot.show(live.curve)
        self._history.show(live.history)
        if _offered(view) != self._offered:  # its first word, or an update
            self._offer.clear()
            self._offered = self._controls_of(view)
        await self._controls.refresh(view)

    async def _refresh_stored(self, view: MachineView) -> None:
        bridge = self._visit.bridge
        brews = await self._visit.ask(bridge.brews, self._machine, 6)
        names = await self._visit.ask(recipes_of, bridge, [self._machine])
        meters = await self._visit.ask(bridge.meters, self._machine, 1)
        self._records = {(brew.boot, brew.shot): address(brew) for brew in brews}
        if brews:
            put(self._brews, table(HEADS, (row(b, names) for b in brews), "Brews"))
        else:
            put(self._brews, empty("coffee", "No brew yet", "Brew one here or at the machine."))
        told = await self._visit.ask(bridge.alarms, self._machine, _ALARM_FACTS)
        put(self._alarms, _alarms(spells_of(view, told)[:_ALARMS]))
        done = await self._visit.ask(bridge.maintenance, self._machine, 6)
        put(self._maintenance, _maintenance(done))
        put(self._about, _about(view, meters[0] if meters else None))


def _offered(view: MachineView) -> object:
    names = ("commands", "capabilities", "limits")
    return [view.info.get(name) for name in names], view.state is None


def _head(view: MachineView) -> Markup:
    return Markup(
        '<div class="crumbs"><a href="/">Machines</a> / {0}</div>'
        '<div class="title"><h1>{0}</h1>{1}{2}<span class="grow"></span>'
        '<span class="soft small">{3} {4}</span></div>'
    ).format(
        view.machine,
        tag(f"Coffee {view.model}" if view.model else "model unknown"),
        chip(badge(view)),
        "Heard" if view.online else "Last heard",
        when(view.last_seen_ms),
    )


def _alerts(view: MachineView) -> Markup:
    state = view.state or {}
    standing = list(state.get("alarms", ()))
    waiting = [code for code in state.get("latched", ()) if code not in standing]
    pieces = [
        notice("bad", "error", words.alarm(code).title, _cure(code, state)) for code in standing
    ]
    pieces += [
        notice(
            "warn",
            "lock",
            f"{words.alarm(code).title}: cleared, but not acknowledged",
            "Acknowledge it below once you have looked at the machine.",
        )
        for code in waiting
    ]
    if count := view.open_checkpoints:
        way = Markup('<a href="/checkpoints?machine={}">Review {}</a>')
        text = way.format(quote(view.machine), "it" if count == 1 else "them")
        title = f"{words.checkpoints(count)} to review"
        pieces.append(notice("warn", "fact_check", title, text))
    if view.model and not view.supported:
        cure = "Its facts wait in quarantine. Update this bridge to read them."
        pieces.append(notice("warn", "help", f"Model {view.model} is not known here", cure))
    return join(pieces)


def _cure(code: str, state: dict[str, Any]) -> str:
    """The machine takes no acknowledgement while the cause stands."""
    then = " Then acknowledge the alarm here." if code in state.get("latched", ()) else ""
    return words.alarm(code).cure + then


_READINGS = (
    ("temp_mc", "Brew boiler", "°C", 1),
    ("group_temp_mc", "Group", "°C", 1),
    ("steam_temp_mc", "Steam boiler", "°C", 1),
    ("pressure_mbar", "Pressure", "bar", 1),
    ("flow_ul_s", "Flow", "ml/s", 1),
    ("volume_ul", "Volume", "ml", 1),
    ("weight_mg", "Weight", "g", 1),
)


def readings(live: LiveView) -> Markup:
    """The big figures. While a shot runs its newest sample is younger than the last state."""
    if live.state is None:
        return Markup('<p class="soft">The machine has not reported since the bridge started.</p>')
    newest: dict[str, Any] = dict(live.state)
    if live.running and live.curve is not None and live.curve.t_ms:
        for name in ("temp_mc", "flow_ul_s", "volume_ul", "pressure_mbar", "weight_mg"):
            if column := getattr(live.curve, name):
                newest[name] = column[-1]
    cells = []
    for name, label, unit, digits in _READINGS:
        if name == "weight_mg" and not live.running and live.curve is None:
            continue  # nothing was ever tared: what stands there is the cup
        if (value := newest.get(name)) is not None:
            goal = newest.get(
                {"temp_mc": "setpoint_mc"}.get(name, name.replace("temp", "setpoint"))
            )
            known = words.believed(newest, name) is not None
            text = units.thousandths(value, digits) if known else units.MISSING
            cells.append(_reading(label, unit, text, _goal(name, goal)))
    return Markup('<div class="readings{}">{}</div>').format(
        "" if live.online else " soft", join(cells)
    )


def _goal(name: str, goal: int | None) -> str:
    if not name.endswith("temp_mc") or name.startswith("group") or goal is None:
        return ""
    return f"of {units.celsius(goal)}" if goal else "off"


def _reading(label: str, unit: str, value: str, goal: str) -> Markup:
    return Markup(
        '<div><div class="label">{}</div><div class="value">{}<span class="unit">{}</span></div>'
        '<div class="small soft">{}</div></div>'
    ).format(label, value, unit, goal or Markup("&nbsp;"))


def shot_title(live: LiveView, record: str | None) -> Markup:
    """`record`: the page of what became of the shot, None as long as the bridge has none."""
    if live.curve is None:
        return Markup("<h2>Shot</h2>")
    hole = "" if live.running or live.curve.complete else "some samples were missed on the way"
    if live.running:
        text, mark = "Shot running", chip(words.Word("live", words.BUSY, "sensors"))
    else:
        text, mark = "Last shot", _record(record, live.online)
    return Markup('<h2>{}</h2>{}<span class="soft small">{}</span>').format(text, mark, hole)


def _record(page: str | None, online: bool) -> Markup:
    if page:
        return Markup('<a href="{}">Its record</a>').format(page)
    text = "is on its way" if online else "comes when the machine is back"
    return Markup('<span class="soft small">its record {}</span>').format(text)


def _switches(state: dict[str, Any]) -> Markup:
    chips = []
    for name, (closed, opened) in words.SWITCHES.items():
        if name in state:
            tone, sign = (words.GOOD, "check") if state[name] else (words.WARN, "priority_high")
            chips.append(
                Markup('<span class="chip {}">{}{}</span>').format(
                    tone, icon(sign), closed if state[name] else opened
                )
            )
    if not chips:
        return Markup('<p class="soft small">Known when the machine is online.</p>')
    return Markup('<div class="switches">{}</div>').format(join(chips))


def _alarms(known: list[Spell]) -> Markup:
    if not known:
        return Markup('<p class="soft small">None so far.</p>')
    return facts(((words.alarm(one.code).title, _told(one)) for one in known), as_list=True)


def _told(spell: Spell) -> Markup:
    """Where both are known the end: *History* has the beginning, too."""
    if spell.cleared is not None:
        return Markup("cleared {}").format(when(spell.cleared.utc_ms))
    since = when(spell.raised.utc_ms if spell.raised else None)
    return Markup("raised {}{}").format(since, ", still stands" if spell.stands else "")


def _maintenance(done: list[MaintenanceView]) -> Markup:
    if not done:
        return Markup('<p class="soft small">None so far.</p>')
    return facts(((words.maintenance(one.code), when(one.utc_ms)) for one in done), as_list=True)


def _about(view: MachineView, newest: MeterView | None) -> Markup:
    info, state = view.info, view.state or {}
    pairs: list[tuple[str, object]] = [
        ("Serial", Markup('<span class="mono">{}</span>').format(info.get("serial", "–"))),
        ("Hardware", info.get("hardware", units.MISSING)),
        ("Can do", words.capabilities(info.get("capabilities", ())) or units.MISSING),
        ("Firmware", f"{info.get('firmware', '–')} · {info.get('build', '–')}"),
        ("Uptime", units.duration(state.get("uptime_ms"))),
        ("Clock", "set" if state.get("utc_ms") else "not set"),
        ("Late control ticks", f"{state.get('late_ticks', '–')} of {state.get('ticks', '–')}"),
        ("Facts in its journal", state.get("journal_held", units.MISSING)),
        ("First seen", when(view.first_seen_ms)),
    ]
    if newest is not None:
        pairs.insert(0, (f"Used on {newest.day or 'an unknown day'}", used(newest)))
    return facts(pairs, as_list=True)


def _about_head(machine: str) -> Markup:
    return Markup(
        '<header><h2 class="grow">About this machine</h2><a href="{}">History</a></header>'
    ).format(past(machine))


def _alarms_head(machine: str) -> Markup:
    return Markup(
        '<header><h2 class="grow">Recent alarms</h2><a href="{}">All alarms</a></header>'
    ).format(past(machine))


def _brews_head(machine: str) -> Markup:
    return Markup(
        '<header><h2 class="grow">Recent brews</h2>'
        '<a href="/brews?machine={}">All brews</a></header>'
    ).format(quote(machine))
