"""Every output, one at a time, from the word the tick writes to the pin."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.hil.rig import Rig

pytestmark = [pytest.mark.hil, pytest.mark.fixture("pins")]
WORDS = {  # board's name: word of hal.Hal.out
    "HEATER_BREW": "BREW", "HEATER_STEAM": "STEAM", "VALVE_BREW": "VALVE_BREW",
    "VALVE_STEAM": "VALVE_STEAM", "VALVE_WATER": "VALVE_WATER", "VALVE_REFILL": "VALVE_REFILL",
    "GRINDER": "GRINDER", "SAFETY_RELAY": "RELAY",
}


@pytest.fixture(scope="module")
def hal(rig: Rig) -> Iterator[Rig]:
    """Only the pins' side of the firmware: no tick, no watchdog."""
    rig.prompt()
    rig.exec("import hal\nh = hal.Hal()")
    yield rig
    rig.reset()
    rig.prompt()


def pins(rig: Rig) -> dict[str, int]:
    return {role: rig.data[role] for role in WORDS if rig.data[role] is not None}


@pytest.mark.parametrize("role", WORDS)
def test_an_output_moves_its_pin_and_no_other(hal: Rig, role: str) -> None:
    if role not in pins(hal):
        hal.exec(f"h.out[hal.{WORDS[role]}] = 1\nh.drive()")
        assert not any(hal.jig.pin(pin) for pin in pins(hal).values())
        return
    hal.exec(f"h.out[hal.{WORDS[role]}] = 1\nh.drive()")
    assert {name: hal.jig.pin(pin) for name, pin in pins(hal).items()} == {
        name: int(name == role) for name in pins(hal)}


def test_a_demand_lives_for_one_tick(hal: Rig) -> None:
    for word in WORDS.values():
        hal.exec(f"h.out[hal.{word}] = 1\nh.drive()\nh.drive()")
    assert not any(hal.jig.pin(pin) for pin in pins(hal).values())


@pytest.mark.parametrize("permille", [0, 250, 500, 1000])
def test_the_pump(hal: Rig, permille: int) -> None:
    hal.exec(f"h.out[hal.PUMP] = {permille}\nh.drive()")
    shown = hal.jig.duty_permille(hal.data["PUMP"])
    if hal.data["PUMP_PWM_HZ"]:
        assert shown == pytest.approx(permille, abs=1)
        assert hal.jig.pwm_hz(hal.data["PUMP"]) == pytest.approx(
            hal.data["PUMP_PWM_HZ"], rel=0.01)
    else:
        assert shown == (1000 if permille >= 500 else 0)
