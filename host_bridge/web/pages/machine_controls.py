"""The orders one may give a machine, built from the commands, limits and capabilities it
published. Guests see them resting, with the way to log in.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from typing import Any
from urllib.parse import quote

from markupsafe import Markup
from nicegui import ui

from host_bridge.views import MachineView
from host_bridge.web import words
from host_bridge.web.actions import Orders
from host_bridge.web.layout import Visit, button, confirmed, html, put
from host_bridge.web.markup import empty, notice

_ADVICE = {
    "backflush": "Put the blind filter in, with cleaning powder if the group is dirty.",
    "rinse": "Put a jug under the steam wand. It gets hot.",
    "descale": "Fill the tank with descaler and put a large vessel under the group.",
}
_NEEDS = {"rinse": "steam", "descale": "descale"}
"""A programme a machine has only with this capability."""
_BOILERS = (
    ("brew_mc", "Brew boiler", "setpoint_mc"),
    ("steam_mc", "Steam boiler", "steam_setpoint_mc"),
)
"""Of a set-point: argument and limit, name, reading."""


class Controls:
    def __init__(self, visit: Visit, view: MachineView) -> None:
        self._visit = visit
        self._machine = view.machine
        self._can = frozenset(view.info.get("commands", ()))
        self._capable = frozenset(view.info.get("capabilities", ()))
        self._limits: dict[str, list[int]] = view.info.get("limits", {})
        self._orders = Orders(visit, view.machine)
        self._recipes: dict[str, str] | None = None
        self._state: dict[str, Any] = view.state or {}
        self._latched: tuple[str, ...] = ()
        with ui.element("section").classes("panel second"):
            html(_title(view.machine))
            if visit.session is None:
                self._guest()
            self._hint = html(Markup())
            self._tiles = ui.element("div").classes("tiles")
            self._acknowledge = ui.element("div").classes("stack")
            with ui.element("div").classes("line"):
                self._stop = self._button("Stop", "stop", "stop", kind="danger")
                self._rest = self._button("Standby", "bedtime", "standby")
                self._wake = self._button("Wake up", "wb_sunny", "wake")
                self._clean()
                self._button("Identify", "wb_incandescent", "identify")
            self._goals = self._set_points()
            html(Markup("<h3>Replies from the machine</h3>"))
            self._orders.answers()

    async def refresh(self, view: MachineView) -> None:
        self._state = view.state or {}
        code = self._state.get("state")
        self._stop.set_visibility("stop" in self._can and code in words.BUSY_STATES)
        self._rest.set_visibility("standby" in self._can and code != "standby")
        self._wake.set_visibility("wake" in self._can and code == "standby")
        put(self._hint, _hint(view))
        await self._refresh_recipes()
        self._refresh_latched()
        for goal in self._goals:
            goal.follow(self._state)
        await self._orders.refresh()

    # --- recipes to brew
    async def _refresh_recipes(self) -> None:
        slots = (await self._visit.ask(self._visit.bridge.recipes, self._machine)).slots
        names = {slot: str(recipe.get("name") or "?") for slot, recipe in slots.items()}
        if names == self._recipes:
            return
        self._recipes = names
        self._tiles.clear()
        with self._tiles:
            for slot in sorted(names, key=int):
                self._tile(slot, names[slot])
        if not names:
            with self._tiles:
                html(_no_recipes(self._machine)).style("grid-column: 1 / -1")

    def _tile(self, slot: str, name: str) -> None:
        order = self._order("brew", {"slot": slot})
        tile = button(name, "coffee", "tile", order, label=f"Brew {name}, slot {slot}")
        tile.props(f'data-slot="{slot}" align="left"')
        self._rests(tile)

    # --- alarms to acknowledge
    def _refresh_latched(self) -> None:
        latched = _acknowledgeable(self._state) if "alarm.ack" in self._can else ()
        if latched == self._latched:
            return
        self._latched = latched
        self._acknowledge.clear()
        with self._acknowledge:
            for code in latched:
                text = f"Acknowledge: {words.alarm(code).title.lower()}"
                order = self._order("alarm.ack", {"code": code})
                self._rests(button(text, "lock_open", on_click=order))

    # --- set-points
    def _set_points(self) -> list[SetPoint]:
        if "setpoint" not in self._can:
            return []
        return [
            self._set_point(limit, name, reading)
            for limit, name, reading in _BOILERS
            if limit in self._limits
        ]

    def _set_point(self, limit: str, name: str, reading: str) -> SetPoint:
        with ui.element("div").classes("line").style("flex-wrap: nowrap; align-items: flex-start"):
            made = SetPoint(name, reading, self._limits[limit])
            made.follow(self._state)

            async def send() -> None:
                if (goal_mc := made.goal_mc()) is not None:
                    await self._orders.send("setpoint", {limit: goal_mc})

            label = f"Set {name.lower()} temperature"
            self._rests(button("Set", on_click=send, label=label))
            if self._visit.session is None:
                made.field.disable()
        return made

    # --- the rest
    def _button(self, text: str, icon: str, name: str, kind: str = "plain") -> ui.button:
        made = button(text, icon, kind, self._order(name, {})).props(f'data-order="{name}"')
        made.set_visibility(name in self._can)
        self._rests(made)
        return made

    def _order(self, name: str, args: dict[str, Any]) -> Callable[[], Awaitable[None]]:
        return lambda: self._orders.send(name, args)

    def _clean(self) -> None:
        if "clean" not in self._can:
            return
        with button("Clean", "cleaning_services") as clean, ui.menu().props("auto-close"):
            for program, name in words.PROGRAMS.items():
                if _NEEDS.get(program, "clean") in self._capable:
                    ui.menu_item(name, self._confirm_clean(program))
        self._rests(clean)

    def _confirm_clean(self, program: str) -> Callable[[], Awaitable[None]]:
        async def ask() -> None:
            if await confirmed(words.PROGRAMS[program], _ADVICE[program], "Start"):
                await self._orders.send("clean", {"program": program})

        return ask

    def _guest(self) -> None:
        with ui.element("div").classes("notice"):
            html(Markup("<p>You are looking as a guest. Log in to give orders.</p>")).classes(
                "grow"
            )
            to_login = self._visit.login_url
            button("Log in", kind="primary", on_click=lambda: ui.navigate.to(to_login))

    def _rests(self, made: ui.button) -> None:
        if self._visit.session is None:
            made.disable()


class SetPoint:
    """A field with a boiler's set-point. It follows the machine while nobody writes in it; what
    was written and not yet sent stays."""

    def __init__(self, name: str, reading: str, limits_mc: list[int]) -> None:
        self._reading = reading
        self._low, self._high = (mc / 1000 for mc in limits_mc)
        self._followed: float | None = None
        self._entered = False
        # Without min and max: with them leaving the field would draw it to the bound.
        self.field = ui.number(name, step=0.5, suffix="°C", validation=self._problem)
        self.field.props("outlined dense hide-bottom-space").classes("grow")
        self.field.on("focus", lambda: self._enter(True)).on("blur", lambda: self._enter(False))

    def follow(self, state: Mapping[str, Any]) -> None:
        """Shows this state's set-point; in a shot the machine reports its recipe's instead."""
        now_mc = state.get(self._reading)
        if not now_mc or state.get("state") in words.SHOT_STATES:
            return
        goal = now_mc / 1000
        if not self._entered and self.field.value == self._followed:
            self.field.set_value(goal)
        if self.field.value == goal:  # also what was sent from here
            self._followed = goal

    def goal_mc(self) -> int | None:
        """What is written, None (and marked) if the machine would not take it."""
        return round(float(self.field.value) * 1000) if self.field.validate() else None

    def _enter(self, entered: bool) -> None:
        self._entered = entered

    def _problem(self, value: float | None) -> str | None:
        if value is None or not self._low <= value <= self._high:
            return f"Between {self._low:g} and {self._high:g} °C"
        return None


def _acknowledgeable(state: dict[str, Any]) -> tuple[str, ...]:
    """Latched alarms whose cause is gone: of the others the machine refuses it."""
    standing = state.get("alarms", ())
    return tuple(code for code in state.get("latched", ()) if code not in standing)


def _title(machine: str) -> Markup:
    return Markup(
        '<header><h2 class="grow">Brew</h2>'
        '<a href="/machines/{}/recipes">Edit recipes</a></header>'
    ).format(quote(machine))


def _hint(view: MachineView) -> Markup:
    """Why the machine would refuse now, before one tries; it is asked all the same."""
    state = view.state or {}
    if not view.online:
        text = (
            "Orders wait up to a minute for it. Check its power and network; if all machines are "
            "offline, the broker."
        )
        return notice("warn", "cloud_off", "The machine is offline", text)
    if state.get("remote") is False:
        text = "Turn the remote key at the machine to brew from here."
        return notice("warn", "key_off", "The remote key is off", text)
    if state.get("cup") is False:
        return notice(
            "warn", "local_cafe", "No cup", "Put a cup under the spout to brew from here."
        )
    return Markup()


def _no_recipes(machine: str) -> Markup:
    link = Markup('<a href="/machines/{}/recipes">Write the first one</a>').format(quote(machine))
    return empty("menu_book", "No recipes", link)
