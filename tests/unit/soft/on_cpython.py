"""Imports firmware modules under CPython, for property tests: the same files, stubs beneath.

`micropython` comes from tests/support/cpython. `machine` has pins that nobody reads: modules that
need real ones are tested under MicroPython. Modules are loaded anew for each board and taken out
of sys.modules again, so that nothing else finds a firmware `config` or `live` by accident.
"""

from __future__ import annotations

import importlib
import sys
import types
from pathlib import Path
from types import SimpleNamespace

ROOT = Path(__file__).resolve().parents[3]


def _machine() -> types.ModuleType:
    module = types.ModuleType("machine")
    for name in ("ADC", "PWM", "Pin", "Timer", "WDT"):
        setattr(module, name, type(name, (), {}))
    module.unique_id = lambda: b"\xe6\x61\x00\x00\x00\x00\x00\x01"  # type: ignore[attr-defined]
    return module


def firmware(board: str, *names: str) -> SimpleNamespace:
    """The named firmware modules as seen on `board`, as attributes."""
    folders = [ROOT / "tests/support/cpython", ROOT / "firmware", ROOT / "boards" / board]
    before, path = dict(sys.modules), list(sys.path)
    own = {file.stem for folder in folders for file in folder.glob("*.py")}
    for name in own:
        sys.modules.pop(name, None)
    sys.path[:0] = [str(folder) for folder in folders]
    sys.modules["machine"] = _machine()
    try:
        return SimpleNamespace(**{name: importlib.import_module(name) for name in names})
    finally:
        sys.path[:] = path
        for name in own | {"machine"}:
            sys.modules.pop(name, None)
            if name in before:
                sys.modules[name] = before[name]
