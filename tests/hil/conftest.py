"""Tests that talk to a board: collected only when `make hil PORT=…` names its serial port."""

from __future__ import annotations

import os

PORT = os.environ.get("COFFEE_BOARD_PORT")
collect_ignore_glob = [] if PORT else ["test_*.py"]
