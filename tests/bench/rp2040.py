"""Exact costs on the emulated RP2040: cycles at 125 MHz, the same on every run of the same image.

Ticks are measured in a machine that really brews; single jobs as the difference of two runs of
different length at the REPL, with the whole application loaded; `c_floor_ratio` compares the
control arithmetic with floor.c compiled -O2 for the same processor, both from the same words.
Misses of the flash cache are not modelled: a real board is somewhat slower.
"""

from __future__ import annotations

import subprocess
import tempfile
from dataclasses import replace
from pathlib import Path
from typing import Any

from boards.image.build import Builder, Target
from host_bridge.board.build import compile_for
from simulator.emulated import EmulatedBoard
from simulator.emulated.meter import Symbols
from simulator.emulated.tickwatch import TickWatch
from tests.bench.tick import HERE, interpreter, output

MODELS = ("1900", "2900")
FEW, MANY = 10, 30
LOADED = """
import gc, time, config
config.provision({"link": "usb", "broker_host": "bench"})
from app import App
a = App()
"""
JOBS = {  # figure: what is counted; the link last, it talks on the console's line
    "journal_append_us": "a.journal.append({'kind': 'bench', 'n': 1})",
    "state_json_us": "a.telemetry._state.message(a.clock.uptime_ms(), None, 0, 0)",
    "gc_us": "gc.collect()",
    "link_step_us": "a._network(time.ticks_ms())",
}
Figures = dict[str, dict[str, Any]]


def run(quick: bool) -> Figures:
    builder = Builder(lambda line: None)
    for model in MODELS:
        builder.build(Target(model))
    found = sizes()
    boots = []
    for model in MODELS:
        boots.append(brewing(model, quick, found))
        found |= floor(model, builder.compiler())
    found["rp2040_boot_safe_ms"] = figure(max(safe for safe, _ in boots), "ms")
    found["rp2040_boot_control_ms"] = figure(max(control for _, control in boots), "ms")
    ratios = [found[f"c_floor_ratio_{model}"]["value"] for model in MODELS]
    found["c_floor_ratio"] = figure(max(ratios), "x")
    return found | jobs("1900")


def figure(value: float, unit: str) -> dict[str, Any]:
    return {"value": round(value, 1), "unit": unit}


# --- a machine that brews
def brewing(model: str, quick: bool, found: Figures) -> tuple[float, float]:
    """Ticks from power-on through a shot; (outputs safe, first tick) in ms after power-on."""
    with EmulatedBoard(model, files={}) as board:
        ticks = TickWatch(board.chip)
        board.plant.set("temp_brew_mc", 93_000)
        if board.wires.data["STEAM_BOILER"]:
            board.plant.set("temp_steam_mc", 123_000)
        board.run(7000)
        safe_ms = max(board.wires.driven[pin] for pin in outputs(board)) / 1000
        control_ms = board.wires.sampled[0] / 1000
        name = f"rp2040_tick_idle_us_{model}"
        found[name] = figure(mean(ticks, board.chip.now_us - 1e6), "us")
        board.press("brew")
        board.run(120)
        board.press("brew", False)
        pump = board.wires.data["PUMP"]
        if not board.run_until(lambda: bool(board.duty_permille(pump)), 10_000, 50):
            raise RuntimeError(f"{model}: the button started no shot")
        poured_us = board.chip.now_us
        if quick:
            board.run(3000)
        else:
            valve = board.wires.data["VALVE_BREW"]
            board.run_until(lambda: not board.pin(valve), 60_000, 100)
        found[f"rp2040_tick_us_{model}"] = figure(mean(ticks, poured_us), "us")
        found[f"rp2040_tick_worst_us_{model}"] = figure(ticks.worst_us(poured_us - 5e6), "us")
        if board.resets != ["power"]:
            raise RuntimeError(f"{model}: the board was reset: {board.resets}")
    return safe_ms, control_ms


def outputs(board: EmulatedBoard) -> list[int]:
    return [pin for pin, _ in board.wires._out] + [board.wires.data["PUMP"]]


def mean(ticks: TickWatch, since_us: float) -> float:
    took = [us for at, us in ticks.ticks if at >= since_us]
    return sum(took) / len(took)


# --- single jobs
def jobs(model: str) -> Figures:
    found: Figures = {}
    with EmulatedBoard(model, files={"hold": b""}) as board:
        board.run(60)
        board.exec(LOADED)
        free = int(board.exec("gc.collect()\nprint(gc.mem_free())"))
        found["rp2040_ram_free_kib"] = figure(free / 1024, "KiB")
        for name, code in JOBS.items():
            board.exec(f"def job():\n {code}")
            found[f"rp2040_{name}"] = figure(per_call_us(board, "job()"), "us")
    return found


def per_call_us(board: EmulatedBoard, call: str) -> float:
    few, many = (cycles(board, f"for _ in range({n}): {call}") for n in (FEW, MANY))
    nothing = [cycles(board, f"for _ in range({n}): pass") for n in (FEW, MANY)]
    return ((many - few) - (nothing[1] - nothing[0])) / (MANY - FEW) / 125


def cycles(board: EmulatedBoard, code: str) -> int:
    before = board.cycles
    board.exec(code, 60_000)
    return board.cycles - before


# --- against C
def floor(model: str, compiler: Path) -> Figures:
    """Cycles of one tick's control arithmetic on the chip: the firmware's, and C's."""
    script = (HERE / "arithmetic.py").read_text()
    start = output([*interpreter(), str(HERE / "arithmetic.py"), "0", "start"], model, b"")
    with EmulatedBoard(model, files={"hold": b""}) as board:
        board.run(60)
        board.exec("import sys\nsys.argv[:] = ['', '0', 'run']\n" + script)
        ours = per_call_us(board, "run(10)") - per_call_us(board, "empty(10)")
    c = floor_us(start, compiler)
    return {f"c_floor_ratio_{model}": {"value": round(ours / 10 / c, 2), "unit": "x"},
            f"rp2040_control_us_{model}": {"value": round(ours / 10, 1), "unit": "us",
                                           "vs": round(c, 2), "ratio": round(ours / 10 / c, 2)}}


def floor_us(start: bytes, compiler: Path) -> float:
    """fire and follow of floor.c on a bare chip, for the words a tick begins with."""
    from rp2040py.rp2040 import RP2040

    lines = [[int(w) for w in line.split()] for line in start.decode().splitlines()]
    (how, pump), rooms = lines[0], [line[1:] for line in lines[1:]]
    with tempfile.TemporaryDirectory() as folder:
        elf = Path(folder) / "floor.elf"
        subprocess.run(
            [compiler / "arm-none-eabi-gcc", "-O2", "-mcpu=cortex-m0plus", "-mthumb",
             "-specs=nosys.specs", "-Wl,-Ttext=0x20000000", "-o", elf, HERE / "floor.c"],
            check=True, stderr=subprocess.DEVNULL)
        chip = Program(RP2040(), elf)
    at = [0x20030000 + 0x400 * k for k in range(4)]
    for address, words in zip(at, rooms, strict=True):
        chip.fill(address, words)
    total = chip.call("fire", at[0], at[1], at[2], how)
    total += chip.call("follow", at[3]) if pump else 0
    return total / 125


class Program:
    """A linked C program in RAM whose functions are called one by one."""

    END = 0x20040000

    def __init__(self, mcu: Any, elf: Path) -> None:
        from elftools.elf.elffile import ELFFile

        self._mcu = mcu
        with elf.open("rb") as f:
            for part in ELFFile(f).iter_segments():
                at = part["p_paddr"] - 0x20000000
                if part["p_type"] == "PT_LOAD" and at >= 0:
                    mcu.sram[at:at + part["p_filesz"]] = part.data()
        self._symbols = Symbols(elf).addresses

    def fill(self, address: int, words: list[int]) -> None:
        for k, word in enumerate(words):
            self._mcu.write_uint32(address + 4 * k, word & 0xFFFFFFFF)

    def call(self, name: str, *arguments: int) -> int:
        core = self._mcu.core
        for k, argument in enumerate(arguments):
            core.registers[k] = argument
        core.registers[14] = self.END | 1
        core.sp = self.END - 0x1000
        core.pc = self._symbols[name]
        total = 0
        while core.pc != self.END:
            total += int(core.execute_instruction())
        return total


# --- size
def sizes() -> Figures:
    """The application as `make flash` brings it to a board with nothing of ours: the firmware and
    the larger board's data, without umqtt.simple; its .mpy, and what of the flash they take."""
    build = compile_for("2900", "armv6m", compact=True)
    files = {name: build.files[name] for name in build.files if name != "umqtt/simple.mpy"}
    ours = replace(build, files=files)
    beside = sum(map(len, ours.loader.values()))
    lying, whole = (sum(map(len, of.values())) + beside for of in (ours.stored, ours.files))
    return {"mpy_size_kib": figure(whole / 1024, "KiB"),
            "mpy_packed_kib": figure(lying / 1024, "KiB")}
