"""Faults injected at the sensors of a heating machine: everything off within half a second."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.hil.rig import Application, Rig

pytestmark = [pytest.mark.hil, pytest.mark.fixture("pins", "machine")]
OFF_MS = 500
HEATERS = ("HEATER_BREW", "HEATER_STEAM", "SAFETY_RELAY")


@pytest.fixture(scope="module")
def heating(rig: Rig) -> Iterator[tuple[Rig, Application]]:
    rig.jig.set("temp_brew_mc", 60_000)
    with rig.application() as app:
        app.until(1000, 100, state="heating")
        yield rig, app


def fired(rig: Rig, since_us: float) -> list[str]:
    """Heaters that were on at or after a moment of this power-on."""
    found = []
    for role in HEATERS:
        pin = rig.data[role]
        if pin is None:
            continue
        edges = rig.jig.edges(pin)
        if (edges and edges[-1][1]) or any(us > since_us for us, _ in edges):
            found.append(role)
    return found


def recover(rig: Rig, app: Application) -> None:
    app.go(1200)  # a cause must stay away for a second
    rig.jig.press("brew")
    app.go(2200)  # held for two seconds: acknowledged
    rig.jig.press("brew", False)
    app.until(3000, 200, state="heating", latched=[])


@pytest.mark.parametrize("fault,alarm", [
    ("sensor_open_brew", "sensor_brew"),
    ("sensor_short_brew", "sensor_brew"),
    ("empty_tank", "tank_empty"),
])
def test_a_fault_switches_off_and_latches(
    heating: tuple[Rig, Application], fault: str, alarm: str
) -> None:
    rig, app = heating
    before = app.go(50)
    assert fired(rig, rig.jig.now_us - 100_000), "nothing heats: this would prove nothing"
    assert alarm not in before["alarms"]
    rig.jig.fault(fault)
    broken_us = rig.jig.now_us
    seen = app.go(OFF_MS)
    try:
        assert alarm in seen["latched"]
        app.go(300)
        assert fired(rig, broken_us + OFF_MS * 1000) == []
    finally:
        rig.jig.fault(fault, 0)
        recover(rig, app)


def test_too_hot_switches_off_and_latches(heating: tuple[Rig, Application]) -> None:
    rig, app = heating
    rig.jig.set("temp_brew_mc", 131_000)
    hot_us = rig.jig.now_us
    seen = app.go(OFF_MS)
    try:
        assert {"over_temp_brew", "sensor_brew"} & set(seen["latched"]), seen["latched"]
        app.go(300)
        assert fired(rig, hot_us + OFF_MS * 1000) == []
    finally:
        rig.jig.set("temp_brew_mc", 60_000)
        recover(rig, app)


def test_a_latched_alarm_outlives_a_reset(heating: tuple[Rig, Application]) -> None:
    rig, app = heating
    rig.jig.fault("sensor_open_brew")
    assert "sensor_brew" in app.go(600)["latched"]
    app.go(600)  # time to write it down
    rig.jig.fault("sensor_open_brew", 0)
    rig.reset()
    rig.prompt()
    assert rig.ask("__import__('resets').Resets().latched") & 4
