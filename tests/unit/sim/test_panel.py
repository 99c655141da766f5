"""What a front panel says: figures or none, alarms with their cure, how to let go of a latch."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from types import SimpleNamespace
from typing import Any

import pytest
from nicegui import ui
from nicegui.events import GenericEventArguments, handle_event

from simulator.panel import CLICK_MS, HOLD_MS, _alarms, _Card, _more, _reading
from simulator.supervisor import BoardBroken
from tests.support.lone_page import on_a_page

SEEN: dict[str, Any] = {
    "temp_mc": 92_960, "setpoint_mc": 93_000, "steam_setpoint_mc": 0, "cup_ul": 36_400,
    "world_ms": 12_300, "wifi": True, "alarms": [], "latched": [],
}  # fmt: skip


def test_readings_carry_their_unit_and_a_broken_sensor_shows_none() -> None:
    assert _reading(SEEN, "temp_mc") == "93.0 °C"
    assert _reading(SEEN, "cup_ul") == "36 ml"
    assert _reading({**SEEN, "temp_mc": 164_900, "alarms": ["sensor_brew"]}, "temp_mc") == "– °C"
    assert _reading({}, "temp_mc") == "– °C"


def test_alarms_come_in_plain_words_with_their_cure() -> None:
    assert _alarms(SEEN) == []
    (said,) = _alarms({**SEEN, "alarms": ["hopper_empty"]})
    assert said == "Bean hopper empty. Fill the hopper."


def test_a_latch_says_how_to_let_go_of_it() -> None:
    over = _alarms({**SEEN, "latched": ["tank_empty"]})
    assert over == [
        "Water tank empty: cleared.",
        "Hold the Brew button for two seconds to acknowledge.",
    ]
    stands = _alarms({**SEEN, "alarms": ["tank_empty"], "latched": ["tank_empty"]})
    assert stands[-1].startswith("Once that is done, hold the Brew button")


def test_goals_are_those_of_the_boilers_it_has() -> None:
    assert _more(SEEN) == "Set point 93.0 °C · 12 s simulated · Wi-Fi connected"
    assert "steam 123 °C" in _more({**SEEN, "steam_setpoint_mc": 123_000})


class Board:
    """A machine whose cup somebody took away."""

    alive = True
    job = SimpleNamespace(speed=1)

    def __init__(self, error: Exception | None = None) -> None:
        self.asked: list[tuple[str, dict[str, Any]]] = []
        self._error = error

    def request(self, do: str, timeout_s: float = 1, **what: Any) -> dict[str, Any]:
        self.asked.append((do, what))
        if self._error:
            raise self._error
        return {**SEEN, "outputs": [0] * 8, "switches": {"cup": 0}, "faults": {}}


def on_its_page(board: Board, act: Callable[[_Card], Awaitable[None]]) -> None:
    """Runs `act` on the board's panel in a page that no browser shows."""
    known = {"model": "1900", "outputs": [], "buttons": ["brew"], "switches": ["cup"],
             "faults": {"scaled_heater_brew": "permille"}}  # fmt: skip
    facts: Any = SimpleNamespace(name="m", board=board, known=known)
    on_a_page(lambda: act(_Card(facts)))


def test_what_a_panel_shows_is_not_sent_back_as_if_somebody_had_clicked() -> None:
    board = Board()
    on_its_page(board, _Card._look)
    assert "set" not in [do for do, _ in board.asked]


def test_a_click_on_a_switch_is_sent() -> None:
    board = Board()

    async def clicks(card: _Card) -> None:
        card._switches["cup"].set_value(False)
        await asyncio.sleep(0.2)

    on_its_page(board, clicks)
    assert ("set", {"name": "cup", "value": 0}) in board.asked


@pytest.mark.parametrize(("typed", "sent"), [(0, 0), (None, 1), (500, 500)])
def test_a_fault_gets_the_value_that_was_typed(typed: float | None, sent: int) -> None:
    board = Board()

    async def breaks(card: _Card) -> None:
        fields = list(ui.context.client.elements.values())
        next(f for f in fields if isinstance(f, ui.select)).set_value("scaled_heater_brew")
        next(f for f in fields if isinstance(f, ui.number)).set_value(typed)
        buttons = [f for f in fields if isinstance(f, ui.button)]
        bolt = next(button for button in buttons if button.props.get("icon") == "bolt")
        for listener in bolt._event_listeners.values():
            listener.handler(None)
        await asyncio.sleep(0.2)

    on_its_page(board, breaks)
    assert ("fault", {"name": "scaled_heater_brew", "value": sent}) in board.asked


@pytest.mark.parametrize("error", [BoardBroken("m does not run"), TimeoutError("m is silent")])
def test_a_click_on_a_machine_that_does_not_answer_says_so(
    error: Exception, monkeypatch: pytest.MonkeyPatch
) -> None:
    said: list[str] = []
    monkeypatch.setattr("nicegui.ui.notify", lambda text, **how: said.append(text))

    async def presses(card: _Card) -> None:
        await card._press("brew", 150)

    on_its_page(Board(error), presses)
    assert said == [str(error)]


def finger(card: _Card, *events: str) -> None:
    """What a browser tells of a finger or a mouse at the Brew button."""
    fields = ui.context.client.elements.values()
    (brew,) = [f for f in fields if isinstance(f, ui.button) and f.props.get("data-button")]
    for event in events:
        for listener in brew._event_listeners.values():
            if listener.type == event:
                told = GenericEventArguments(sender=brew, client=brew.client, args={})
                handle_event(listener.handler, told)


@pytest.mark.parametrize(
    ("events", "does"),
    [
        (("pointerleave",), []),  # it only passed by; somebody else may be pressing
        (("pointerdown", "pointerup", "pointerleave"), [("press", HOLD_MS), ("press", CLICK_MS)]),
        (("pointerdown", "pointerleave"), [("press", HOLD_MS), ("set", None)]),
    ],
)
def test_a_button_is_let_go_once_and_by_whom_pressed_it(
    events: tuple[str, ...], does: list[tuple[str, int | None]]
) -> None:
    board = Board()

    async def acts(card: _Card) -> None:
        finger(card, *events)

    on_its_page(board, acts)
    assert [(do, what.get("ms")) for do, what in board.asked if do != "look"] == does


def test_what_a_finger_does_reaches_the_machine_in_its_order() -> None:
    done: list[int] = []

    class Slow(Board):
        def request(self, do: str, timeout_s: float = 1, **what: Any) -> dict[str, Any]:
            if do == "press":
                time.sleep(0.1 if what["ms"] == HOLD_MS else 0)  # another look is on its way
                done.append(what["ms"])
            return super().request(do, timeout_s, **what)

    async def taps(card: _Card) -> None:
        finger(card, "pointerdown", "pointerup")
        await asyncio.sleep(0.2)

    on_its_page(Slow(), taps)
    assert done == [HOLD_MS, CLICK_MS]  # the other way round it stays pressed
