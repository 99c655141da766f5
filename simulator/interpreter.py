"""Finds the real MicroPython: a setting, the PATH, or the wheel beside this Python."""

from __future__ import annotations

import os
import shutil
import sys
from pathlib import Path

SETTING = "COFFEE_MICROPYTHON"


class InterpreterMissing(RuntimeError):
    pass


def find_interpreter() -> list[str]:
    """The command that starts MicroPython, as the first words of an argv.

    Order: the environment variable COFFEE_MICROPYTHON (a path), the wheel in this virtual
    environment, `micropython` on the PATH.

    Raises:
        InterpreterMissing: none of the three is there; the text says what to do.
    """
    named = os.environ.get(SETTING)
    if named:
        found = shutil.which(named)
        if not found:
            raise InterpreterMissing(f"{SETTING}={named}: no such program; unset it or correct it")
        return [found]
    beside = Path(sys.executable).with_name("micropython")
    if beside.exists():
        return [str(beside)]
    found = shutil.which("micropython")
    if found:
        return [found]
    raise InterpreterMissing(
        "no MicroPython found: run `make setup`, or install one and put it on the PATH, "
        f"or set {SETTING} to its path"
    )
