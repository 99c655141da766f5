"""Whoever asks for the board gets it, at whatever moment of its start his Ctrl-C comes."""

from __future__ import annotations

import pytest

from host_bridge.board.device import HELD, ON_BOARD
from simulator.emulated import EmulatedBoard
from tests.hil.rig import EmulatedRig

pytestmark = [pytest.mark.hil, pytest.mark.fixture("emulator"), pytest.mark.one_board]
BEFORE_MS = 45  # main.py is found, hold imported, the wish used up
STEP_MS = 2
WATCHDOG_ENABLE = 1 << 30  # in its CTRL register (RP2040 data sheet 4.7.6)
TAKEN = (ON_BOARD / "standing.py").read_text() + "\nprint(taken())\n"
LEFT = "import os, hold\nprint(hold.held(), hold.wanted())"


def test_a_start_that_is_interrupted_anywhere_is_held_all_the_same(rig: EmulatedRig) -> None:
    with wished(rig) as board:
        assert board.run_until(lambda: HELD in board.console(), 1000, 0.5)
        held_ms = board.now_us / 1000
    moments = [held_ms - STEP_MS * n for n in range(int(BEFORE_MS / STEP_MS))]
    early = 0
    for ms in moments:
        with wished(rig) as board:
            board.run(ms)
            early += HELD not in board.console()
            assert board.exec(TAKEN).splitlines()[-1] == "True", f"interrupted after {ms} ms"
            assert board.exec(LEFT).splitlines()[-1] == "True False", f"after {ms} ms"
    assert early > len(moments) / 2, "most moments must lie before the hold"


def test_ctrl_c_between_the_watchdog_and_the_first_tick_waits(rig: EmulatedRig) -> None:
    with rig.boot() as board:
        control = board.chip.mcu.watchdog.read_uint32
        assert board.run_until(lambda: control(0) & WATCHDOG_ENABLE, 5000, 0.2)
        assert not board.wires.sampled, "the first tick is still to come"
        board.type(b"\x03")
        board.run(2500)
        assert board.resets == ["power"]
        assert b"coffee: up" in board.console()


def test_ctrl_c_in_the_start_leaves_no_machine_standing(rig: EmulatedRig) -> None:
    with rig.boot() as board:
        board.run(250)  # its modules load
        board.type(b"\x03")
        assert board.run_until(lambda: HELD in board.console(), 500), board.console()[-500:]
        assert board.run_until(lambda: b"coffee: up" in board.console(), 65_000)


def test_ctrl_c_at_rest_is_no_failure_of_the_machine(rig: EmulatedRig) -> None:
    with rig.boot() as board:
        board.run_until(lambda: b"coffee: up" in board.console(), 5000)
        board.type(b"\x03")
        assert board.run_until(lambda: len(board.resets) > 1, 6000)
        board.run_until(lambda: board.console().count(b"coffee: up") > 1, 5000)
        last = board.console().split(b"coffee: up ")[-1]
        assert b'"cause": "reset"' in last and b'"boot": 2' in last, last


def wished(rig: EmulatedRig) -> EmulatedBoard:
    return rig.boot({"hold": b""})
