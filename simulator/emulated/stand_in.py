"""Lets CPython import the plant, whose files are MicroPython: `micropython` as a module that
changes nothing, viper's pointer casts as the object itself. The integers are the same either way.
"""

from __future__ import annotations

import builtins
import sys
import types
from importlib import import_module
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]


def _same(value: Any) -> Any:
    return value


def install() -> None:
    """Makes `import micropython` work; a stand-in that is there already is left alone."""
    if "micropython" not in sys.modules:
        module = types.ModuleType("micropython")
        for name in ("const", "viper", "native"):
            setattr(module, name, _same)
        sys.modules["micropython"] = module
    for name in ("ptr8", "ptr16", "ptr32", "uint"):
        if not hasattr(builtins, name):
            setattr(builtins, name, _same)


def load_plant(model: str, seed: int) -> Any:
    """The plant of boards/coffee_<model>, as simulator.plant.Plant."""
    install()
    plant = import_module("simulator.plant.plant")  # MicroPython files carry no types
    return plant.Plant(read_data(model, "plant")["PLANT"], seed)


def plant_words() -> Any:
    """simulator.plant.words: names and places of what a plant shares with the outside."""
    install()
    return import_module("simulator.plant.words")


def read_data(model: str, name: str) -> dict[str, Any]:
    """The names boards/coffee_<model>/<name>.py binds."""
    path = ROOT / "boards" / f"coffee_{model}" / f"{name}.py"
    scope: dict[str, Any] = {}
    exec(compile(path.read_text(), str(path), "exec"), scope)
    return scope

