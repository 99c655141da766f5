"""Commands and options in the words of whoever called: `make` leaves a mark in the environment."""

from __future__ import annotations

import os
from typing import Final

_BY_MAKE: Final = {
    "--any-chip": "ANY_CHIP", "--board": "BOARD", "--from": "FROM", "--journal": "JOURNAL"}


def option(name: str, value: str = "") -> str:
    """`--board 1900` or BOARD=1900; of one without a value `--journal` or JOURNAL=1."""
    if _by_make():
        return f"{_BY_MAKE[name]}={value or 1}"
    return f"{name} {value}".rstrip()


def command(name: str, *options: str) -> str:
    """`make flash` or `coffee-bridge board flash`, in backquotes, with options from `option`."""
    door = "make" if _by_make() else "coffee-bridge board"
    return f"`{' '.join((door, name, *options))}`"


def _by_make() -> bool:
    return "MAKELEVEL" in os.environ
