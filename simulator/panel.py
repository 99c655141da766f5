"""The front panels of simulated machines as a web page: buttons, cup, tank, key, faults, readings.

One page for all machines of this process, made for a phone as well. It only turns clicks into
requests of the boards' control line. Codes become the words that the console uses for them.
"""

from __future__ import annotations

import asyncio
import contextlib
import threading
import time
from collections.abc import Awaitable
from functools import partial
from typing import Any

import uvicorn
from fastapi import FastAPI
from nicegui import run, ui

from host_bridge.web import units, words
from simulator.fleet import Fleet
from simulator.supervisor import Board, BoardBroken, BoardDied, RequestRefused

LOOK_S = 0.4
CLICK_MS = 150  # virtual: the firmware must see the shortest click
HOLD_MS = 120_000

BUTTONS = {"brew": "coffee", "water": "water_drop", "steam": "air"}
BUTTON_TEXTS = {"brew": "Brew", "water": "Hot water", "steam": "Steam"}
SWITCH_TEXTS = {
    "cup": "cup on the tray", "tank": "tank full", "tray": "drip tray in and empty",
    "remote": "remote key on", "door": "door closed", "hopper": "beans in the hopper",
}
READINGS = (  # name of the reading, its label, unit, decimals
    ("temp_mc", "Brew boiler", "°C", 1), ("steam_temp_mc", "Steam boiler", "°C", 0),
    ("pressure_mbar", "Pressure", "bar", 1), ("flow_ul_s", "Flow", "ml/s", 1),
    ("volume_ul", "Shot", "ml", 1), ("cup_ul", "In the cup", "ml", 0),
)
SPEEDS = {1: "real time", 5: "5 ×", 20: "20 ×", 0: "as fast as possible"}
COLOURS = {  # tone of words.Word
    words.GOOD: "green-9", words.BUSY: "primary", words.WARN: "orange-10", words.BAD: "negative",
    words.QUIET: "grey-8",
}
LAMPS = {  # words of plant.u that a lamp shows, in their order there
    "heater_brew": "heater", "heater_steam": "steam heater", "pump_permille": "pump",
    "valve_brew": "brew valve", "valve_steam": "steam valve", "valve_water": "water valve",
    "valve_refill": "refill", "grinder": "grinder",
}


LAMP_ON, LAMP_OFF = "color=deep-orange-9 text-color=white", "color=grey-3 text-color=grey-9"


class Panel:
    """Serves the page from a thread of its own.

    Args:
        fleet: the running machines.
        host, port: where to listen; 0.0.0.0 lets a phone in the same network in.
    """

    def __init__(self, fleet: Fleet, port: int, host: str = "127.0.0.1") -> None:
        app = FastAPI(title="Front panels", docs_url=None, redoc_url=None)
        cards = [_Facts(name, board) for name, board in fleet.boards.items()]

        @ui.page("/")
        def page() -> None:
            _page(cards)

        ui.run_with(app, title="Front panels", favicon="☕", dark=None, storage_secret=None)
        config = uvicorn.Config(
            app, host=host, port=port, log_config=None, access_log=False,
            timeout_graceful_shutdown=1,
        )
        self._server = uvicorn.Server(config)
        self._thread = threading.Thread(target=self._server.run, daemon=True, name="panel")

    def start(self) -> None:
        """Returns when the page is served.

        Raises:
            OSError: the port is taken, or the address is not ours.
        """
        self._thread.start()
        while not self._server.started:
            if not self._thread.is_alive():
                raise OSError(
                    f"--panel-port {self._server.config.port} cannot be opened; is it in use?"
                )
            time.sleep(0.02)

    def stop(self) -> None:
        self._server.should_exit = True
        self._thread.join(5)


class _Facts:
    """What a machine has, asked once."""

    def __init__(self, name: str, board: Board) -> None:
        self.name = name
        self.board = board
        self.known = _names(board)


def _names(board: Board) -> dict[str, Any]:
    """Asked again over resets.

    Raises:
        BoardDied: the machine has come to the end of its run.
    """
    while True:
        try:
            return board.request("names")
        except BoardDied:
            if not board.alive:
                raise
            time.sleep(0.05)


def _page(machines: list[_Facts]) -> None:
    ui.colors(primary="#6f4e37")
    ui.add_css(
        ".q-card { width: 100%; max-width: 30rem } .reading { min-width: 6.5rem }"
        " .nicegui-content { padding: .75rem }"
    )
    with ui.header().classes("items-center"):
        ui.icon("coffee_maker").classes("text-2xl")
        ui.label("Front panels").classes("text-lg font-medium")
        ui.label("simulated").classes("opacity-70")
    with ui.row().classes("w-full gap-4 justify-center"):
        for facts in machines:
            _Card(facts)


class _Card:
    """One machine's panel in one browser."""

    def __init__(self, facts: _Facts) -> None:
        self._board = facts.board
        self._known = facts.known
        self._switches: dict[str, Any] = {}
        self._lamps: list[tuple[int, Any]] = []
        self._setting = False
        self._held: set[str] = set()  # buttons pressed from here
        self._hand = asyncio.Lock()  # one after the other: let go before pressed, it stays down
        with ui.card().props(f'data-machine="{facts.name}"'):
            self._head(facts)
            self._values = self._reading_row()
            self._more = ui.label("").classes("text-xs opacity-70 empty:hidden")
            self._alarms = ui.label("").classes(
                "text-negative text-sm whitespace-pre-line empty:hidden"
            )
            self._buttons()
            self._row_of_lamps()
            ui.separator()
            self._switch_row()
            self._fault_row()
            self._world_row()
        ui.timer(LOOK_S, self._look)

    def _head(self, facts: _Facts) -> None:
        with ui.row().classes("w-full items-center justify-between"):
            ui.label(facts.name).classes("text-lg font-medium")
            ui.label(f"Coffee {facts.known['model']}").classes("opacity-70")
            self._state = ui.badge("…")

    def _reading_row(self) -> dict[str, Any]:
        values = {}
        with ui.row().classes("w-full gap-x-4 gap-y-1"):
            for name, label, _, _ in READINGS:
                if name == "steam_temp_mc" and "heater_steam" not in self._known["outputs"]:
                    continue
                with ui.column().classes("reading gap-0") as column:
                    ui.label(label).classes("text-xs opacity-70")
                    values[name] = ui.label("…").classes("text-xl font-mono")
                column.set_visibility(name != "pressure_mbar")  # shown once there is some
        return values

    def _buttons(self) -> None:
        with ui.row().classes("w-full gap-2"):
            for what in self._known["buttons"]:
                button = ui.button(BUTTON_TEXTS[what], icon=BUTTONS[what]).classes("grow h-16")
                button.props(f'data-button="{what}" no-caps stack')
                button.on("pointerdown", partial(self._press, what, HOLD_MS))
                button.on("pointerup", partial(self._let_go, what))
                button.on("pointerleave", partial(self._release, what))

    def _row_of_lamps(self) -> None:
        ui.label("Outputs").classes("text-xs opacity-70")
        with ui.row().classes("gap-1"):
            for word, (name, text) in enumerate(LAMPS.items()):
                if name not in self._known["outputs"]:
                    continue
                self._lamps.append((word, ui.badge(text).props(LAMP_OFF)))

    def _switch_row(self) -> None:
        with ui.grid(columns=2).classes("w-full gap-0"):
            for name in self._known["switches"]:
                self._switches[name] = ui.switch(
                    SWITCH_TEXTS[name], value=True, on_change=partial(self._switched, name)
                ).props(f'data-switch="{name}" dense').classes("py-1")

    def _fault_row(self) -> None:
        faults: dict[str, str] = self._known["faults"]
        with ui.row().classes("w-full items-center no-wrap"):
            choice = ui.select(sorted(faults), label="Fault to inject", with_input=True)
            choice.classes("grow")
            value = ui.number("Value", value=1, format="%d").classes("w-24")
            ui.button(
                icon="bolt", on_click=lambda: self._fault(choice.value, value.value)
            ).props('dense outline aria-label="inject the fault"')
        hint = ui.label("").classes("text-xs opacity-70 empty:hidden")
        choice.on_value_change(lambda e: hint.set_text(faults.get(e.value, "")))
        self._standing = ui.row().classes("gap-1 empty:hidden")
        self._shown_faults: dict[str, int] = {}

    def _world_row(self) -> None:
        with ui.row().classes("w-full items-center justify-between"):
            ui.select(
                SPEEDS, value=self._nearest_speed(), label="Speed", on_change=self._speed
            ).classes("w-40")
            ui.button("Cut the power", icon="power_off", on_click=self._power_cut).props(
                "flat dense color=negative no-caps"
            )

    def _nearest_speed(self) -> int:
        return min(SPEEDS, key=lambda s: abs(s - self._board.job.speed))

    # --- clicks
    async def _ask(self, do: str, **what: Any) -> dict[str, Any] | None:
        try:
            return await run.io_bound(partial(self._board.request, do, **what))
        except BoardDied:
            ui.notify("the machine was reset")
        except (RequestRefused, BoardBroken, TimeoutError) as e:
            ui.notify(str(e), type="negative")
        return None

    async def _press(self, what: str, ms: int) -> None:
        self._held.add(what)
        async with self._hand:
            await self._ask("press", what=what, ms=ms)

    async def _let_go(self, what: str) -> None:
        self._held.discard(what)
        async with self._hand:
            await self._ask("press", what=what, ms=CLICK_MS)

    async def _release(self, what: str) -> None:
        if what not in self._held:  # a mouse that passes by, or a finger that is up already
            return
        self._held.discard(what)
        async with self._hand:
            await self._ask("set", name=what, value=0)

    def _switched(self, name: str, e: Any) -> Awaitable[object] | None:
        # No coroutine itself: that would run only when _show() has long ended, and take what it
        # shows for a click
        if self._setting:
            return None
        return self._ask("set", name=name, value=1 if e.value else 0)

    async def _fault(self, name: str | None, value: float | None) -> None:
        if name:
            await self._ask("fault", name=name, value=1 if value is None else round(value))

    async def _speed(self, e: Any) -> None:
        self._board.job.speed = e.value
        await self._ask("speed", value=e.value)

    async def _power_cut(self) -> None:
        with contextlib.suppress(BoardBroken):
            await self._ask("power_cut")

    # --- display
    async def _look(self) -> None:
        if not self._board.alive:
            self._state.set_text("stopped")
            return
        try:
            seen = await run.io_bound(partial(self._board.request, "look", timeout_s=5))
        except (BoardDied, BoardBroken, RequestRefused, TimeoutError):
            self._state.set_text("restarting")
            return
        if seen:
            self._show(seen)

    def _show(self, seen: dict[str, Any]) -> None:
        state = seen.get("state", "starting")
        word = words.state(state, True, [*seen.get("alarms", []), *seen.get("latched", [])])
        self._state.set_text(word.text)
        self._state.props(f"color={COLOURS[word.tone]}")
        for name, label in self._values.items():
            label.set_text(_reading(seen, name))
            if seen.get(name):
                label.parent_slot.parent.set_visibility(True)
        self._more.set_text(_more(seen))
        self._alarms.set_text("\n".join(_alarms(seen)))
        for number, lamp in self._lamps:
            lamp.props(LAMP_ON if seen["outputs"][number] else LAMP_OFF)
        self._setting = True
        for name, switch in self._switches.items():
            switch.set_value(bool(seen["switches"][name]))
        self._setting = False
        if seen["faults"] != self._shown_faults:
            self._show_faults(seen["faults"])

    def _show_faults(self, faults: dict[str, int]) -> None:
        self._shown_faults = faults
        self._standing.clear()
        with self._standing:
            for name, value in faults.items():
                ui.chip(
                    name if value == 1 else f"{name} = {value}", removable=True, color="orange-3",
                    on_value_change=partial(self._mend, name),
                )

    async def _mend(self, name: str, _e: Any) -> None:
        await self._ask("fault", name=name, value=0)


def _reading(seen: dict[str, Any], name: str) -> str:
    """A figure with its unit; a dash while its sensor is broken: that says no temperature."""
    unit, digits = next((unit, digits) for key, _, unit, digits in READINGS if key == name)
    value = words.believed(seen, name)
    return f"{units.thousandths(value, digits)} {unit}"


def _more(seen: dict[str, Any]) -> str:
    if "temp_mc" not in seen:
        return ""
    goals = [f"Set point {seen['setpoint_mc'] / 1000:.1f} °C"]
    if seen["steam_setpoint_mc"]:
        goals.append(f"steam {seen['steam_setpoint_mc'] / 1000:.0f} °C")
    wifi = "Wi-Fi connected" if seen["wifi"] else "no Wi-Fi"
    return f"{', '.join(goals)} · {seen['world_ms'] / 1000:.0f} s simulated · {wifi}"


def _alarms(seen: dict[str, Any]) -> list[str]:
    """What is wrong and what to do; a latch also says how to let go of it here."""
    standing = seen.get("alarms", [])
    latched = seen.get("latched", [])
    lines = [f"{words.alarm(code).title}. {words.alarm(code).cure}" for code in standing]
    lines += [f"{words.alarm(code).title}: cleared." for code in latched if code not in standing]
    if latched:
        when = "Once that is done, hold" if set(latched) <= set(standing) else "Hold"
        lines.append(f"{when} the Brew button for two seconds to acknowledge.")
    return lines
