"""Either side's death resets the board, and reset is all off."""

from __future__ import annotations

import pytest

from tests.hil.rig import EmulatedRig

pytestmark = [pytest.mark.hil, pytest.mark.fixture("pins", "machine")]
WDT_MS = 400
SILENCE_MS = 5000


def bitten(rig: EmulatedRig, kill: str, within_ms: float) -> float:
    """Milliseconds from the death of one side to the reset; the heaters are off then."""
    rig.plant.set("temp_brew_mc", 60_000)
    with rig.application() as app:
        app.until(1000, 100, state="heating")
        known = len(rig.board.resets)
        rig.board.type(b"\r\x03\x01")
        rig.board.run(20)
        rig.board.type(kill.encode() + b"\n\x04")
        died_us = rig.board.now_us
        reset = rig.board.run_until(lambda: len(rig.board.resets) > known, within_ms, step_ms=5)
        assert reset, "no reset"
        took_ms = (rig.board.now_us - died_us) / 1000
        assert rig.board.resets[-1] == "watchdog"
        rig.board.run(15)
        for role in ("HEATER_BREW", "HEATER_STEAM", "SAFETY_RELAY", "PUMP"):
            if rig.data[role] is not None:
                assert not rig.board.pin(rig.data[role]), f"{role} is on after the reset"
        rig.prompt()
        assert rig.ask("__import__('machine').reset_cause() == __import__('machine').WDT_RESET")
    return took_ms


def test_a_dead_tick(rig: EmulatedRig) -> None:
    kill = "app._timer.deinit()\nimport time\ntime.sleep(3)"
    assert WDT_MS - 50 <= bitten(rig, kill, WDT_MS + 200) <= WDT_MS + 100


def test_a_tick_that_raises(rig: EmulatedRig) -> None:
    kill = "app.tick._read = None\nimport time\ntime.sleep(3)"
    assert WDT_MS - 50 <= bitten(rig, kill, WDT_MS + 200) <= WDT_MS + 100


def test_a_dead_background(rig: EmulatedRig) -> None:
    kill = "agent_beats.deinit()\nimport time\ntime.sleep(9)"
    took_ms = bitten(rig, kill, SILENCE_MS + WDT_MS + 500)
    assert SILENCE_MS - 500 <= took_ms <= SILENCE_MS + WDT_MS + 200
