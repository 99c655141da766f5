"""Figures that one firmware file repeats of another's are the same.

MicroPython folds const() inside a file only; across files a name costs two look-ups in every
tick. So the hottest ones are written down twice, and compared here.
"""

from __future__ import annotations

import ast

import pytest

from tests.unit.hard.checked import ROOT

REPEATED = {
    "tick": ("guards.READ", "guards.BIAS", "hal.PUMP", "hal.RELAY", "hal.BUTTONS",
             "burst.BREW_FIRST", "burst.MAY_BREW", "burst.FILLING", "interlocks.BUSY_US"),
    "guards": ("thermal.GOOD", "thermal.MEASURED", "hydraulics.DRY_MS"),
    "modes": ("live.HEATING", "live.READY", "live.CLEANING"),
    "hold": ("live.REQ_STANDBY",),
    "brew": ("live.PREINFUSION", "live.BREWING"),
    "stops": ("plan.STOP_UL", "plan.STOP_MS", "plan.X_MS", "thermal.AHEAD"),
}


def constants(module: str) -> dict[str, int]:
    found: dict[str, int] = {}
    for line in ast.parse((ROOT / "firmware" / f"{module}.py").read_text()).body:
        match line:
            case ast.Assign([ast.Name(name)], ast.Call(ast.Name("const"), [value])):
                code = compile(ast.Expression(value), module, "eval")
                found[name] = eval(code, {"__builtins__": {}}, found)
    return found


@pytest.mark.parametrize(("file", "what"), [(f, w) for f, all_ in REPEATED.items() for w in all_])
def test_is_the_same(file: str, what: str) -> None:
    module, name = what.split(".")
    there = constants(module)
    original = there[name] if name in there else there["_" + name]
    assert constants(file)["_" + name] == original


def test_sums_are_the_same() -> None:
    tick, hal, burst = constants("tick"), constants("hal"), constants("burst")
    well = hal["SW_TANK"] | hal["SW_TRAY"] | hal["SW_DOOR"] | hal["SW_HOPPER"]
    assert tick["_ALL_WELL"] == well
    assert tick["_MAY_BOTH"] == burst["MAY_BREW"] | burst["MAY_STEAM"]
    slow = [hal[n] for n in hal if n.startswith("VALVE_")] + [hal["GRINDER"], hal["RELAY"]]
    assert hal["_SLOW_MOVED"] == sum(1 << k for k in slow)
