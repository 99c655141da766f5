"""From power-on to control: how soon outputs are safe, how soon and how evenly the tick runs."""

from __future__ import annotations

import statistics
from collections.abc import Iterator
from itertools import pairwise

import pytest

from simulator.emulated import EmulatedBoard
from tests.hil.rig import EmulatedRig

pytestmark = [pytest.mark.hil, pytest.mark.fixture("emulator")]
OUTPUTS = ("HEATER_BREW", "HEATER_STEAM", "PUMP", "VALVE_BREW", "VALVE_STEAM", "VALVE_WATER",
           "VALVE_REFILL", "GRINDER", "SAFETY_RELAY")
SAFE_MS, CONTROL_MS = 50, 1000
TICK_US, LATE_US = 10_000, 2_000


@pytest.fixture(scope="module")
def booted(rig: EmulatedRig) -> Iterator[EmulatedBoard]:
    """A second from power-on, nobody at its console."""
    with rig.boot() as board:
        board.run(1500)
        yield board


def test_all_outputs_are_driven_low_at_once(rig: EmulatedRig, booted: EmulatedBoard) -> None:
    driven = booted.wires.driven
    pins = [rig.data[role] for role in OUTPUTS if rig.data[role] is not None]
    assert set(pins) <= set(driven), "an output is left floating"
    assert max(driven[pin] for pin in pins) <= SAFE_MS * 1000


def test_nothing_moves_before_control(rig: EmulatedRig, booted: EmulatedBoard) -> None:
    first_tick = booted.wires.sampled[0]
    for role in OUTPUTS:
        pin = rig.data[role]
        early = [] if pin is None else [e for e in booted.edges(pin) if e[0] < first_tick]
        assert not early, f"{role} moved before the first tick: {early}"


def test_the_tick_controls_within_a_second(booted: EmulatedBoard) -> None:
    assert booted.wires.sampled[0] <= CONTROL_MS * 1000


def test_the_tick_is_even(rig: EmulatedRig, booted: EmulatedBoard) -> None:
    ticks = booted.wires.sampled
    assert len(ticks) > 50
    gaps = [b - a for a, b in pairwise(ticks)]
    assert statistics.mean(gaps) == pytest.approx(TICK_US, abs=2)
    assert max(abs(gap - TICK_US) for gap in gaps) < LATE_US


def test_the_pins_show_the_tick(rig: EmulatedRig, booted: EmulatedBoard) -> None:
    # the analogue switch turns in every tick; on a machine without, the heater fires on the grid
    pin = rig.data["ADC_MUX"] if rig.data["ADC_MUX"] is not None else rig.data["HEATER_BREW"]
    edges = [us for us, _ in booted.edges(pin)]
    assert edges
    grid = [(us - edges[0]) % TICK_US for us in edges]
    assert all(min(off, TICK_US - off) < LATE_US for off in grid)


def test_the_machine_heats(rig: EmulatedRig, booted: EmulatedBoard) -> None:
    assert booted.pin(rig.data["HEATER_BREW"]) or booted.edges(rig.data["HEATER_BREW"])
    assert booted.resets == ["power"]
