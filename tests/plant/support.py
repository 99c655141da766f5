"""Makes plants under CPython: the sources are MicroPython's, with a stub for its own module."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
STUB = str(ROOT / "tests/support/cpython")
PACKAGE = ROOT / "simulator/plant"
BOARDS = ("coffee_1900", "coffee_2900")

if STUB not in sys.path:
    sys.path.insert(0, STUB)

from simulator.plant import Plant, words  # noqa: E402

__all__ = ["BOARDS", "PACKAGE", "ROOT", "Plant", "figures", "make", "ran", "truth", "words"]

# a machine without chance: every puck nominal, no noise, mains at rest
QUIET = {
    "grind_sigma_permille": 0, "dose_sigma_permille": 0, "puck_water_sigma_permille": 0,
    "headspace_sigma_ul": 0, "channel_permille": 0, "grinder_sigma_permille": 0,
    "mains_wander_permille": 0, "adc_noise_permille": 0, "adc_slow_permille": 0,
    "scale_noise_mg": 0, "scale_shake_mg": 0, "pressure_ripple_mbar": 0, "flowmeter_jitter_ul": 0,
}


def figures(board: str, **changes: Any) -> dict[str, Any]:
    """PLANT of a board's plant.py with some figures replaced."""
    scope: dict[str, Any] = {}
    exec((ROOT / "boards" / board / "plant.py").read_text(), scope)
    unknown = set(changes) - set(scope["PLANT"])
    assert not unknown, unknown
    return {**scope["PLANT"], **changes}


def make(
    board: str, seed: int = 1, quiet: bool = False, params: Any = None, **changes: Any
) -> Any:
    """A plant; quiet takes all chance out of it; changes: figures other than the board's."""
    return Plant(figures(board, **({**QUIET, **changes} if quiet else changes)), seed, params)


def ran(plant: Any, ms: int, **outputs: int) -> Any:
    """Sets outputs by their names in words.U_NAMES and runs so long; returns the plant."""
    for name, value in outputs.items():
        plant.u[words.U_NAMES.index(name)] = value
    for _ in range(ms // 10):
        plant.step()
    return plant


def truth(plant: Any) -> dict[str, int]:
    return dict(zip(words.T_NAMES, plant.t, strict=True))
