"""What a tick costs, in instructions of this host, counted by valgrind: the same on every run.

`tick_insn_*`: the whole tick of a pouring machine on pins that cost next to nothing
(costless/). `control_insn_*`: its control arithmetic alone (bodies of burst.fire and
hydraulics.follow), against the same integers in C compiled -O2 (costless/floor.c); both must end
with the same words, or the floor would be another sum. `control_calls_insn_*`: what MicroPython
takes to call those bodies and to hand their results on, which C has not.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import tempfile
from pathlib import Path
from typing import Any

from simulator.interpreter import find_interpreter

ROOT = Path(__file__).resolve().parents[2]
HERE = Path(__file__).with_name("costless")
FEW, MANY = 200, 1200
TOOLS = {"valgrind": "valgrind", "gcc": "gcc"}


def run(quick: bool) -> dict[str, dict[str, Any]]:
    missing = [package for tool, package in TOOLS.items() if not shutil.which(tool)]
    if missing:
        raise RuntimeError(f"not installed: apt-get install {' '.join(missing)}")
    found: dict[str, dict[str, Any]] = {}
    with tempfile.TemporaryDirectory() as folder:
        floor = Path(folder) / "floor"
        subprocess.run(["gcc", "-O2", "-o", floor, HERE / "floor.c"], check=True)
        for model in ("1900", "2900"):
            tick = per_tick([*interpreter(), str(HERE / "drive.py")], model, b"")
            arithmetic, calls, c = control(model, floor)
            found[f"tick_insn_{model}"] = {"value": tick, "unit": "host instructions"}
            found[f"control_insn_{model}"] = {
                "value": arithmetic, "unit": "host instructions", "vs": c,
                "ratio": round(arithmetic / c, 2),
            }
            found[f"control_calls_insn_{model}"] = {"value": calls, "unit": "host instructions"}
    return found


def control(model: str, floor: Path) -> tuple[int, int, int]:
    """Instructions of one tick's control arithmetic: ours, its calls', and the C floor's."""
    ours = [*interpreter(), str(HERE / "arithmetic.py")]
    start = output([*ours, "0", "start"], model, b"")
    end = output([*ours, str(MANY), "run"], model, b"")
    if end != output([str(floor), str(MANY)], model, start):
        raise RuntimeError(f"{model}: floor.c no longer computes what the firmware computes")
    loop = per_tick(ours, model, b"", "empty")
    calls = per_tick(ours, model, b"", "calls")
    arithmetic = per_tick(ours, model, b"", "run") - calls
    return arithmetic, calls - loop, per_tick([str(floor)], model, start)


def interpreter() -> list[str]:
    return [*find_interpreter(), "-X", "heapsize=2M"]


def environment(model: str) -> dict[str, str]:
    parts = (HERE, ROOT / "firmware", ROOT / "boards" / f"coffee_{model}")
    return os.environ | {"MICROPYPATH": ":".join(map(str, parts))}


def output(command: list[str], model: str, given: bytes) -> bytes:
    return subprocess.run(
        command, env=environment(model), input=given, capture_output=True, check=True
    ).stdout


def per_tick(command: list[str], model: str, given: bytes, *rest: str) -> int:
    """Two runs of different length; what one tick more costs."""
    few, many = (instructions([*command, str(n), *rest], model, given) for n in (FEW, MANY))
    return round((many - few) / (MANY - FEW))


def instructions(command: list[str], model: str, given: bytes) -> int:
    count = ["valgrind", "--tool=cachegrind", "--cache-sim=no", "--cachegrind-out-file=/dev/null"]
    done = subprocess.run(
        [*count, *command], env=environment(model), input=given, capture_output=True
    )
    said = done.stderr.decode()
    match = re.search(r"I\s+refs:\s+([\d,]+)", said)
    if done.returncode or not match:
        raise RuntimeError(f"{' '.join(command)}:\n{done.stdout.decode()}{said}")
    return int(match.group(1).replace(",", ""))
