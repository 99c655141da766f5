"""Simulated seconds in a second: whole firmware and plant, without network, idle and shots mixed.

One machine at a time; every 120 simulated seconds hold one shot (some 40 s with its drip) and
idle. `sim_speedup_*` counts the processor time of the board's process: nothing else works while
it runs, so on an idle computer that is the wall clock, and on a busy one still its own cost.
`sim_speedup_*_wall` is the wall clock's middle stretch, for comparison.
"""

from __future__ import annotations

import statistics
import time
from typing import Any

import psutil

from simulator import Machine

FLOOR = 200.0
READY = 2
STRETCH_S = 120


def run(quick: bool) -> dict[str, dict[str, Any]]:
    found = {}
    for model in ("1900", "2900"):
        by_processor, by_wall = speedup(model, 4 if quick else 20)
        found[f"sim_speedup_{model}"] = {
            "value": round(by_processor, 1), "unit": "s/s",
            "vs": FLOOR, "ratio": round(by_processor / FLOOR, 2),
        }
        found[f"sim_speedup_{model}_wall"] = {"value": round(by_wall, 1), "unit": "s/s"}
    return found


def speedup(model: str, stretches: int) -> tuple[float, float]:
    """Simulated seconds a second of the board's processor time, and of the wall clock."""
    with Machine(model) as machine:
        machine.set("temp_brew_mc", 93_000)
        if model == "2900":
            machine.set("temp_steam_mc", 123_000)
        machine.run(45_000)
        machine.run_until("state", READY)
        board = psutil.Process(machine.board.pid)
        walls = []
        began = sum(board.cpu_times()[:2])
        for _ in range(stretches):
            shots = machine.live()["shots_done"]
            start = time.perf_counter()
            machine.press("brew")
            machine.run(STRETCH_S * 1000)
            walls.append(time.perf_counter() - start)
            if machine.live()["shots_done"] != shots + 1:
                raise RuntimeError(f"{model} did not brew: {machine.live()}")
        used = sum(board.cpu_times()[:2]) - began
    return stretches * STRETCH_S / used, STRETCH_S / statistics.median(walls)
