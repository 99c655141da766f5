"""Small firmwares for tests of the simulator: each a main.py written into a folder."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

TICK = """
import machine, time, gc
ticks = [0]
def tick(timer):
    ticks[0] += 1
timer = machine.Timer(period=10, callback=tick, hard=True)
"""

FirmwareOf = Callable[[str], Path]


@pytest.fixture
def firmware_of(tmp_path: Path) -> FirmwareOf:
    """Writes source into a firmware folder of its own, with an empty boot.py."""

    def write(main: str) -> Path:
        folder = tmp_path / "firmware"
        folder.mkdir(exist_ok=True)
        (folder / "boot.py").write_text("")
        (folder / "main.py").write_text(main)
        return folder

    return write
