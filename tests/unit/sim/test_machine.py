"""The simulated board as a whole: resets that nothing survives, flash and plant that do,
the heap of the board, the same bits for the same seed."""

from __future__ import annotations

import hashlib
import itertools
import json
import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from simulator import Machine, read_trace
from simulator.supervisor import ROOT, BoardBroken, RequestRefused
from tests.unit.sim.mains import TICK, FirmwareOf, firmware_of

__all__ = ["firmware_of"]

CLINGING = TICK + """
dog = machine.WDT(timeout=2000)
print("cause", machine.reset_cause())
while True:
    try:
        while True:
            machine.idle()
    except BaseException:
        print("caught it")
    finally:
        print("finally ran")
"""


def test_watchdog_reset_cannot_be_caught(firmware_of: FirmwareOf) -> None:
    with Machine("1900", firmware=firmware_of(CLINGING)) as machine:
        events = machine.run(5000)
        assert machine.resets == ["watchdog", "watchdog"]
        bites = [e["uptime_ms"] for e in events if e["event"] == "reset"]
        assert all(2000 <= ms <= 2100 for ms in bites), bites
        console = machine.console()
        assert re.findall(r"cause (\d)", console) == ["1", "3", "3"]
        assert "caught it" not in console and "finally ran" not in console


def test_machine_reset_looks_like_the_watchdog_as_on_rp2(firmware_of: FirmwareOf) -> None:
    main = TICK + """
print("cause", machine.reset_cause())
time.sleep_ms(500)
if machine.reset_cause() == machine.PWRON_RESET:
    machine.reset()
while True:
    machine.idle()
"""
    with Machine("1900", firmware=firmware_of(main)) as machine:
        machine.run(3000)
        assert machine.resets == ["reset"]
        assert re.findall(r"cause (\d)", machine.console()) == ["1", "3"]


def test_a_reset_from_an_interrupt(firmware_of: FirmwareOf) -> None:
    main = TICK + """
boot = machine.reset_cause()
def fatal(timer):
    if boot == machine.PWRON_RESET:
        machine.reset()
other = machine.Timer(period=100, callback=fatal, hard=True)
while True:
    machine.idle()
"""
    with Machine("1900", firmware=firmware_of(main)) as machine:
        machine.run(1000)
        assert machine.resets == ["reset"]


def test_outputs_rest_after_a_reset(firmware_of: FirmwareOf) -> None:
    main = TICK + """
if machine.reset_cause() == machine.PWRON_RESET:
    heater = machine.Pin(2, machine.Pin.OUT, value=1)
    dog = machine.WDT(timeout=1000)
while True:
    machine.idle()
"""
    with Machine("1900", firmware=firmware_of(main)) as machine:
        machine.run(500)
        assert machine.read()["outputs"]["heater_brew"] == 1
        heated = machine.truth()["energy_j"]
        machine.run(2000)
        assert machine.resets == ["watchdog"]
        assert machine.read()["outputs"]["heater_brew"] == 0
        assert machine.truth()["energy_j"] > heated, "the plant goes on where it was"


def test_a_dead_tick_is_said_and_stays_dead(firmware_of: FirmwareOf) -> None:
    main = """
import machine
count = [0]
def tick(timer):
    count[0] += 1
    grown = [0] * count[0]
timer = machine.Timer(period=10, callback=tick, hard=True)
other = machine.Timer(period=500, callback=lambda t: print("ticks", count[0]))
while True:
    machine.idle()
"""
    with Machine("1900", firmware=firmware_of(main)) as machine:
        machine.run(1100)
        console = machine.console()
    assert "MemoryError: memory allocation failed, heap is locked" in console
    assert console.count("ticks 1") == 2


def test_main_that_ends_is_reported_and_the_board_goes_on(firmware_of: FirmwareOf) -> None:
    main = TICK + "dog = machine.WDT(timeout=1000)\nraise ValueError('no beans')\n"
    with Machine("1900", firmware=firmware_of(main)) as machine:
        machine.run(1500)
        machine.read()
        events = machine.board.events
        assert [e["event"] for e in events] == [
            "started", "main_ended", "reset", "started", "main_ended",
        ]
        assert "no beans" in events[1]["error"]


def test_firmware_that_cannot_be_imported_is_no_riddle(firmware_of: FirmwareOf) -> None:
    folder = firmware_of("")
    (folder / "spoilt.py").write_text("def f(:\n")
    with pytest.raises(BoardBroken, match="SyntaxError"):
        Machine("1900", firmware=folder)


@pytest.mark.parametrize("model", ["1900", "2900"])
def test_heap_is_the_board_s(model: str, tmp_path: Path) -> None:
    """With every module of the real firmware imported, as frozen ones are on the board."""
    main = tmp_path / "main.py"
    main.write_text("""
import gc, board, machine
gc.collect()
print("short of the board by", board.HEAP_BYTES - gc.mem_free())
largest = bytearray(board.HEAP_BYTES - 4096)
try:
    more = bytearray(8192)
    print("grew")
except MemoryError:
    print("full")
while True:
    machine.lightsleep(10)
""")
    with Machine(model, main=main) as machine:
        machine.run(100)
        console = machine.console()
    short = int(re.findall(r"by (-?\d+)", console)[0])
    assert abs(short) < 1024
    assert "full" in console and "grew" not in console


FILES = TICK + """
import os
dog = machine.WDT(timeout=8000)
names = os.listdir()
print("found", sorted(names))
with open("life%d" % len(names), "w") as f:
    f.write("x" * 5000)
while True:
    machine.idle()
    dog.feed()
"""


def test_files_last_over_power_cut_and_process(firmware_of: FirmwareOf, tmp_path: Path) -> None:
    folder = firmware_of(FILES)
    with Machine("1900", firmware=folder, data=tmp_path / "data") as machine:
        machine.run(1000)
        machine.power_cut()
        machine.run(1000)
        assert machine.resets == ["power"]
    with Machine("1900", firmware=folder, data=tmp_path / "data") as machine:
        machine.run(1000)
        assert "found ['life0', 'life1']" in machine.console()


def test_power_fails_in_the_nth_flash_operation(firmware_of: FirmwareOf) -> None:
    main = FILES.replace("dog.feed()", "dog.feed()\n    open('note', 'w').write('y' * 300)")
    with Machine("1900", firmware=firmware_of(main)) as machine:
        before = machine.read()["flash_operations"]
        machine.power_cut(after_flash_ops=7)
        machine.run(1000)
        assert machine.resets == ["power"]
        deaths = [e for e in machine.board.events if e["event"] == "reset"]
        assert deaths[0]["flash_operations"] == before + 7


def test_plant_and_faults_survive_kill_9(firmware_of: FirmwareOf) -> None:
    main = TICK + """
heater = machine.Pin(2, machine.Pin.OUT, value=1)
while True:
    machine.idle()
"""
    with Machine("1900", firmware=firmware_of(main)) as machine:
        machine.fault("stuck_float")
        machine.set("cup", 0)
        machine.run(60_000)
        machine.board.request("save")
        hot = machine.truth()["temp_brew_mc"]
        assert hot > 40_000
        assert machine.board.pid
        os.kill(machine.board.pid, signal.SIGKILL)
        machine.run(100)
        seen = machine.read()
    assert abs(seen["truth"]["temp_brew_mc"] - hot) < 1000
    assert seen["faults"] == {"stuck_float": 1}
    assert seen["sensors"]["cup"] == 0


def test_a_fault_that_is_none_any_more_is_mended_at_the_next_start(
    firmware_of: FirmwareOf, tmp_path: Path
) -> None:
    """Kept by an older simulator, which took it; the plant has its word yet."""
    main = firmware_of(TICK + "while True:\n    machine.idle()\n")
    with Machine("1900", firmware=main, data=tmp_path) as machine:
        machine.fault("pump_broken")
    kept = tmp_path / "state.bin"
    head, plant = kept.read_bytes().split(b"\n", 1)
    old = json.loads(head) | {"faults": {"stuck_relay": 1, "pump_broken": 7, "empty_tank": 1}}
    kept.write_bytes(json.dumps(old).encode() + b"\n" + plant)
    with Machine("1900", firmware=main, data=tmp_path) as machine:
        machine.run(100)
        assert machine.read()["faults"] == {"empty_tank": 1}


def test_boards_end_with_their_supervisor(firmware_of: FirmwareOf, tmp_path: Path) -> None:
    folder = firmware_of(TICK + "while True:\n    machine.idle()\n")
    script = (
        "import sys, time; from pathlib import Path; from simulator import Machine\n"
        f"m = Machine('1900', mode='run', firmware=Path({str(folder)!r}),"
        f" data={str(tmp_path / 'data')!r})\n"
        "print(m.board.pid, flush=True); time.sleep(60)"
    )
    parent = subprocess.Popen(
        [sys.executable, "-c", script], cwd=ROOT, stdout=subprocess.PIPE, text=True
    )
    assert parent.stdout
    child = int(parent.stdout.readline())
    parent.kill()
    parent.wait()
    until = time.monotonic() + 20
    while Path(f"/proc/{child}").exists() and time.monotonic() < until:
        time.sleep(0.05)
    assert not Path(f"/proc/{child}").exists()


def _recorded(seed: int, path: Path) -> tuple[str, dict[str, list[int]]]:
    with Machine("2900", seed=seed) as machine:
        machine.trace(path, hz=100)
        machine.set("temp_brew_mc", 93_000)
        machine.run(30_000)
        machine.press("brew")
        machine.run(40_000)
        machine.stop_trace()
    return hashlib.sha256(path.read_bytes()).hexdigest(), read_trace(path)


def test_same_seed_same_bits(tmp_path: Path) -> None:
    first, columns = _recorded(7, tmp_path / "a")
    again, _ = _recorded(7, tmp_path / "b")
    other, _ = _recorded(8, tmp_path / "c")
    assert first == again
    assert first != other
    assert len(columns["world_ms"]) == 7000
    assert max(columns["t_cup_mg"]) > 10_000, "the recording must hold a shot to mean anything"


def test_running_in_pieces_changes_nothing(firmware_of: FirmwareOf, tmp_path: Path) -> None:
    folder = firmware_of(TICK + "while True:\n    machine.idle()\n")
    seen = []
    for pieces in (1, 50):
        with Machine("1900", firmware=folder) as machine:
            for _ in range(pieces):
                machine.run(5000 / pieces)
            found = machine.read()
            seen.append((found["truth"], found["sensors"], machine.world_ms))
    assert seen[0] == seen[1]


def test_buttons_are_released_again(firmware_of: FirmwareOf) -> None:
    main = TICK + """
button = machine.Pin(16, machine.Pin.IN, machine.Pin.PULL_UP)
last = 1
while True:
    machine.idle()
    if button.value() != last:
        last = button.value()
        print("button", last, time.ticks_ms())
"""
    with Machine("1900", firmware=firmware_of(main)) as machine:
        start = machine.read()["uptime_ms"]
        machine.press("brew", ms=300)
        machine.run(1000)
        edges = [tuple(map(int, e)) for e in re.findall(r"button (\d) (\d+)", machine.console())]
    assert [level for level, _ in edges] == [0, 1]
    assert edges[0][1] - start <= 20
    assert 290 <= edges[1][1] - edges[0][1] <= 310


@pytest.mark.parametrize("what", ["foo", "cup", "remote", "steam"])
def test_only_a_button_that_is_there_can_be_pressed(what: str) -> None:
    with Machine("1900") as machine, pytest.raises(Exception, match="brew, water") as refused:
        machine.press(what)
    assert "press: " in str(refused.value) and what in str(refused.value)
    assert "ambient_mc" not in str(refused.value)


def test_an_input_without_pull_floats(firmware_of: FirmwareOf) -> None:
    main = TICK + """
bare = machine.Pin(16, machine.Pin.IN)
seen = [0, 0]
for _ in range(200):
    time.sleep_ms(50)
    seen[bare.value()] += 1
print("seen", seen[0], seen[1])
while True:
    machine.idle()
"""
    with Machine("1900", firmware=firmware_of(main)) as machine:
        machine.run(12_000)
        low, high = map(int, re.findall(r"seen (\d+) (\d+)", machine.console())[0])
    assert low > 20 and high > 20


def test_unknown_names_are_refused_with_the_known_ones() -> None:
    with Machine("1900") as machine:
        with pytest.raises(RequestRefused, match="stuck_flowmeter"):
            machine.fault("nonsense")
        with pytest.raises(RequestRefused, match="cup"):
            machine.set("nonsense", 1)
        known = machine.names()
        assert "wifi_lost" in known["faults"] and "tank" in known["settings"]
        assert known["buttons"] == ["brew", "water"]


def test_half_cycles_are_what_the_heater_pin_did(firmware_of: FirmwareOf) -> None:
    main = """
import machine
heater = machine.Pin(2, machine.Pin.OUT, value=0)
n = 0
def tick(timer):
    global n
    n += 1
    heater.value(n % 4 == 0)
timer = machine.Timer(period=10, callback=tick, hard=True)
while True:
    machine.idle()
"""
    with Machine("1900", firmware=firmware_of(main)) as machine:
        machine.run(2000)
        cycles = machine.half_cycles(100)
    assert len(cycles) == 100
    on = [i for i, (brew, _) in enumerate(cycles) if brew]
    assert [b - a for a, b in itertools.pairwise(on)] == [4] * 24
    assert not any(steam for _, steam in cycles)


def test_pace_holds_virtual_time_back(firmware_of: FirmwareOf) -> None:
    folder = firmware_of(TICK + "while True:\n    machine.idle()\n")
    with Machine("1900", firmware=folder, mode="run", speed=2) as machine:
        start, began = machine.read()["world_ms"], time.monotonic()
        machine.run(1000)
        gone_s = time.monotonic() - began
        simulated_s = (machine.read()["world_ms"] - start) / 1000
    assert simulated_s <= gone_s * 2 + 0.5
    assert simulated_s >= 1
