"""Names out of firmware/live.py, whose `micropython` CPython cannot import: read as text."""

from __future__ import annotations

import ast
from pathlib import Path

_SOURCE = Path(__file__).resolve().parents[2] / "firmware" / "live.py"


def _tuple(name: str) -> tuple[str, ...]:
    for node in ast.parse(_SOURCE.read_text()).body:
        if isinstance(node, ast.Assign) and getattr(node.targets[0], "id", "") == name:
            found: tuple[str, ...] = ast.literal_eval(node.value)
            return found
    raise LookupError(f"{_SOURCE} has no {name}")


STATE_NAMES = _tuple("STATE_NAMES")
ALARM_NAMES = _tuple("ALARM_NAMES")
