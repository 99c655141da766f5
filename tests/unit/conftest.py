from __future__ import annotations

import os
import pty
import termios
from collections.abc import Iterator
from typing import Any

import pytest


@pytest.fixture
def vanishing_port(monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """A serial port whose cable comes out while somebody opens it."""

    def gone(*given: Any) -> None:
        raise termios.error(5, "Input/output error")

    monkeypatch.setattr("termios.tcflush", gone)
    board, device = pty.openpty()
    yield os.ttyname(device)
    os.close(board)
    os.close(device)
