"""Either side's death resets the board, and reset is all off."""

from __future__ import annotations

import pytest

from tests.hil.rig import Rig

pytestmark = [pytest.mark.hil, pytest.mark.fixture("pins", "machine")]
WDT_MS = 480
OFF = ("HEATER_BREW", "HEATER_STEAM", "SAFETY_RELAY", "PUMP")
SILENCE_MS = 5000


def bitten(rig: Rig, kill: str, within_ms: float) -> tuple[float, float]:
    """Milliseconds from the death of one side until the heaters are off for good, by a reset: at
    least, at most. The board dies somewhere between our word and its being heard, which are one
    moment unless this computer was slow."""
    rig.jig.set("temp_brew_mc", 60_000)
    with rig.application() as app:
        app.until(1000, 100, state="heating")
        asked_us = rig.jig.now_us
        rig.start(kill)
        heard_us = rig.jig.now_us
        rig.wait(within_ms)
        pins = {role: rig.data[role] for role in OFF if rig.data[role] is not None}
        assert not [role for role, pin in pins.items() if rig.jig.pin(pin)], "on after the reset"
        last_us = max(us for pin in pins.values() for us, _ in rig.jig.edges(pin)[-1:])
        rig.prompt()
        assert rig.ask("__import__('machine').reset_cause() == __import__('machine').WDT_RESET")
    return (last_us - heard_us) / 1000, (last_us - asked_us) / 1000


def test_a_dead_tick(rig: Rig) -> None:
    kill = "app._timer.deinit()\nimport time\ntime.sleep(3)"
    least_ms, most_ms = bitten(rig, kill, WDT_MS + 200)
    assert most_ms >= WDT_MS - 50
    assert least_ms <= WDT_MS + 100


def test_a_tick_that_raises(rig: Rig) -> None:
    kill = "app.tick._read = None\nimport time\ntime.sleep(3)"
    least_ms, _ = bitten(rig, kill, WDT_MS + 200)
    assert least_ms <= 50, "off at once, and not by the watchdog"


def test_a_dead_background(rig: Rig) -> None:
    kill = "agent_beats.deinit()\nimport time\ntime.sleep(9)"
    least_ms, most_ms = bitten(rig, kill, SILENCE_MS + WDT_MS + 500)
    assert most_ms >= SILENCE_MS - 500
    assert least_ms <= SILENCE_MS + WDT_MS + 200
