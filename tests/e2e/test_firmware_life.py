"""How the firmware is born, held and reborn: `hold`, a background that fails, resets in a shot."""

from __future__ import annotations

from pathlib import Path

import pytest

from simulator.machine import Machine
from tests.support.live_names import STATE_NAMES

ROOT = Path(__file__).resolve().parents[2]

BROKEN = """
import sys
from app import App

app = App()
app.start()
passes = 0
real = app.facts.step


def broken():
    global passes
    passes += 1
    if {when}:
        raise ValueError("on purpose")
    real()


app.facts.step = broken
app.run()
"""


# in the first life's main.py, in place of its last line
CTRL_C = """
        step = app.facts.step

        def cable():
            if app.tick.taps.fill_ms > 1000:
                raise KeyboardInterrupt
            step()

        app.facts.step = cable
        app.run()
"""


def with_main(folder: Path, when: str) -> Path:
    path = folder / "broken_main.py"
    path.write_text(BROKEN.format(when=when))
    return path


@pytest.mark.parametrize("model", ["1900", "2900"])
def test_a_held_machine_drives_nothing_and_has_no_watchdog(model: str) -> None:
    with Machine(model, files={"hold": ""}) as machine:
        machine.run(60_000)
        read = machine.read()
        assert not machine.resets and read["live"] is None
        off = {name: value for name, value in read["outputs"].items() if value}
        assert set(off) <= {"safety_relay", "mains_permille"}, off
        # the 1900 has no contactor to open, the plant takes it as closed
        assert read["outputs"]["safety_relay"] == (1 if model == "1900" else 0)


def test_ctrl_c_in_a_refill_is_no_failure_of_the_machine(tmp_path: Path) -> None:
    whole = (ROOT / "firmware/main.py").read_text()
    main = tmp_path / "main.py"
    main.write_text(whole.replace("        app.run()\n", CTRL_C))
    with Machine("2900", main=main) as machine:
        machine.fault("stuck_probe", 2)
        machine.run(20_000)
        assert "coffee: stopped" in machine.console() and machine.resets
        assert set(machine.resets) == {"watchdog"}, "the chip's word"
        assert '"cause": "watchdog"' not in machine.console()
        assert machine.read()["live"]["state"] != STATE_NAMES.index("safe_mode")


def test_a_background_that_fails_once_goes_on(tmp_path: Path) -> None:
    main = with_main(tmp_path, "passes == 300")
    with Machine("1900", main=main) as machine:
        machine.run(30_000)
        assert not machine.resets
        assert "on purpose" in machine.console(), "it has to be said on the console"
        assert machine.live()["ticks"] > 2900


def test_a_background_that_keeps_failing_is_started_anew(tmp_path: Path) -> None:
    main = with_main(tmp_path, "passes > 300")
    with Machine("1900", main=main) as machine:
        events = machine.run(10_000)
        assert [e["cause"] for e in events if e["event"] == "reset"] == ["watchdog"]


def test_three_such_starts_end_in_safe_mode(tmp_path: Path) -> None:
    main = with_main(tmp_path, "passes > 300 and not app.resets.safe_mode")
    with Machine("1900", main=main) as machine:
        machine.run(90_000)
        assert machine.resets == ["watchdog"] * 3
        read = machine.read()
        assert read["live"]["state"] == 12
        assert not read["outputs"]["heater_brew"] and not read["outputs"]["pump_permille"]


def test_a_fault_in_the_tick_is_shown_and_reset(tmp_path: Path) -> None:
    main = tmp_path / "broken_tick.py"
    main.write_text(
        "import machine\nfrom app import App\n\napp = App()\napp.start()\n"
        "for _ in range(300):\n    app.step()\n    machine.idle()\n"
        "app.tick.broken = ValueError('tick on purpose')\napp.run()\n"
    )
    with Machine("1900", main=main) as machine:
        events = machine.run(6000)
        assert [e["cause"] for e in events if e["event"] == "reset"] == ["watchdog"]
        assert "tick on purpose" in machine.console()


def test_power_cut_in_a_shot_leaves_outputs_off_and_an_aborted_fact() -> None:
    with Machine("1900") as machine:
        machine.set("temp_brew_mc", 93000)
        machine.run(1000)
        machine.run_until("state", 2)
        machine.press("brew")
        machine.run_until("state", 5, step_ms=20)
        machine.reset()
        machine.run(50)
        read = machine.read()
        assert not read["outputs"]["heater_brew"] and not read["outputs"]["pump_permille"]
        machine.run(5000)
        live = machine.live()
        assert live["shot"] == 0 and live["shots_done"] == 0, "the shot must not go on"
