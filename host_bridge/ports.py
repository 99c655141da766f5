"""Why a serial port cannot be opened, for a person."""

from __future__ import annotations

import os


def why_closed(port: str, others: str) -> str:
    """What may be wrong with it, and what to do. `others`: programs that may be using it."""
    if os.path.exists(port) and not os.access(port, os.R_OK | os.W_OK):
        return ("your user may not use it: as root run `usermod -aG dialout USER`, then log out "
                "and in again.")
    return f"is the board plugged in, and is no other program ({others}) using the port?"
