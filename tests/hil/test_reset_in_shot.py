"""A reset while water runs: all outputs are off with it and held low 50 ms after our first
instruction. That the shot becomes one aborted fact and is not begun again: tests/e2e."""

from __future__ import annotations

import pytest

from tests.hil.rig import EmulatedRig
from tests.hil.test_boot import OUTPUTS, SAFE_MS

pytestmark = [pytest.mark.hil, pytest.mark.fixture("emulator"), pytest.mark.slow,
              pytest.mark.timeout(1800)]
WDT_MS = 480


def test_outputs_are_safe_at_once(rig: EmulatedRig) -> None:
    board = rig.board
    rig.jig.set("temp_brew_mc", 93_000)
    with rig.application() as app:
        rig.exec("app.button.load({'temp_mc': 93000, 'volume_ul': 60000})")  # nothing to grind
        app.until(12_000, 1000, state="ready")
        board.press("brew")
        app.go(120)
        board.press("brew", False)
        app.until(8000, 500, state="brewing")
        app.go(500)
        known = len(board.resets)
        board.type(b"\r\x03\x01")
        board.run(20)
        # the tick dies with its outputs as they are, and the watchdog bites
        board.type(b"app._timer.deinit()\nimport time\ntime.sleep(3)\n\x04")
        board.run(50)
        board.wires.driven.clear()
        assert board.pin(rig.data["VALVE_BREW"]), "the tick left it open"
        assert board.run_until(lambda: len(board.resets) > known, WDT_MS + 100, step_ms=1)
        reset_us = board.chip.now_us
        pins = {role: rig.data[role] for role in OUTPUTS if rig.data[role] is not None}
        on = [role for role, pin in pins.items() if board.duty_permille(pin)]
        assert not on, f"on at the reset: {on}"
        board.run(2 * SAFE_MS)
        for role, pin in pins.items():
            held_us = board.wires.driven.get(pin)
            assert held_us is not None, f"{role} is left floating after the reset"
            assert held_us - reset_us <= SAFE_MS * 1000, role
            later = [edge for edge in board.edges(pin) if edge[0] > reset_us and edge[1]]
            assert not later, f"{role} moved after the reset"
