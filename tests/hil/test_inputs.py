"""Every input, from its pin to the word the controller reads."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.hil.rig import Rig

pytestmark = [pytest.mark.hil, pytest.mark.fixture("pins")]
SWITCHES = {  # board's name: bit of hal.Hal.switches
    "TANK": "SW_TANK", "TRAY": "SW_TRAY", "CUP": "SW_CUP", "KEY_REMOTE": "SW_KEY",
    "DOOR": "SW_DOOR", "HOPPER": "SW_HOPPER", "STEAM_PROBE": "SW_PROBE", "BTN_BREW": "SW_BREW",
    "BTN_WATER": "SW_WATER", "BTN_STEAM": "SW_STEAM",
}
SAMPLE = "for _ in range(8): h.sample()\n"


@pytest.fixture(scope="module")
def hal(rig: Rig) -> Iterator[Rig]:
    rig.prompt()
    rig.exec("import hal, sensors, board\nh = hal.Hal()")
    yield rig
    rig.reset()
    rig.prompt()


def switches(rig: Rig) -> int:
    rig.exec(SAMPLE)
    found: int = rig.ask("h.switches")
    return found


@pytest.mark.parametrize("role", SWITCHES)
def test_a_switch(hal: Rig, role: str) -> None:
    pin = hal.data[role]
    bit = hal.ask(f"hal.{SWITCHES[role]}")
    if pin is None:
        # no door to open, no hopper to run empty; a button nobody fitted is never pressed
        assert bool(hal.ask("h.switches") & bit) == (not role.startswith("BTN"))
        return
    try:
        for level in (0, 1, 0, 1):
            hal.jig.drive(pin, level)
            assert bool(switches(hal) & bit) == (level == 0), "closed to ground is true"
    finally:
        hal.jig.drive(pin, None)


@pytest.mark.fixture("machine")
@pytest.mark.parametrize("boiler", ["brew", "steam"])
@pytest.mark.parametrize("temp_mc", [60_000, 93_000, 120_000])
def test_a_temperature(hal: Rig, boiler: str, temp_mc: int) -> None:
    role = f"{boiler.upper()}_SENSOR"
    index = ("brew", "steam").index(boiler)
    hal.exec(SAMPLE)
    if hal.data[role] is None:
        assert hal.ask(f"h.raw[{index}]") == 0, "a boiler that is not fitted reads nothing"
        return
    hal.jig.set(f"temp_{boiler}_mc", temp_mc)
    hal.exec(SAMPLE)
    read = hal.ask(f"sensors.read(sensors.temperature_table(board.{role}), h.raw[{index}])")
    assert read == pytest.approx(temp_mc, abs=1000)


@pytest.mark.fixture("machine")
def test_the_pressure(hal: Rig) -> None:
    hal.exec(SAMPLE)
    if hal.data["PRESSURE_SENSOR"] is None:
        assert hal.ask("h.raw[3]") == 0, "a transducer that is not fitted reads nothing"
        return
    read = hal.ask("sensors.read(sensors.pressure_table(board.PRESSURE_SENSOR), h.raw[3])")
    assert abs(read) < 300


def test_the_flow_meter_counts_each_pulse(hal: Rig) -> None:
    hal.exec("from flow import Flow\nf = Flow()\nh.on_pulse(f.pulse)")
    pin = hal.data["FLOWMETER"]
    for _ in range(7):
        for level in (0, 1):
            hal.jig.drive(pin, level)
            hal.wait(3)
    hal.jig.drive(pin, None)
    assert hal.ask("f.pulses") == 7


@pytest.mark.fixture("machine")
def test_the_scale(hal: Rig) -> None:
    hal.exec("from scale import Scale\nimport time\ns = Scale()")
    if hal.data["HX711_DOUT"] is None:
        assert not hal.ask("s.fitted")
        return
    hal.exec("for _ in range(150):\n s.step()\n time.sleep_ms(10)", 5)
    empty = hal.ask("s._counts")
    hal.jig.set("cup", 0)
    hal.exec("for _ in range(100):\n s.step()\n time.sleep_ms(10)", 5)
    lighter = empty - hal.ask("s._counts")
    assert lighter == pytest.approx(180 * hal.data["SCALE_COUNTS_G"], rel=0.05)
    hal.jig.set("cup", 1)
    assert hal.ask("s.alive")
