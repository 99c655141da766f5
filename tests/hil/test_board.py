"""What is on the board at COFFEE_BOARD_PORT, after `make flash`."""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

FLASHED = Path(__file__).resolve().parents[2] / "build" / "flash"

pytestmark = pytest.mark.hil


def run_on_board(code: str) -> str:
    port = os.environ["COFFEE_BOARD_PORT"]
    done = subprocess.run(
        [Path(sys.executable).with_name("mpremote"), "connect", port, "resume", "exec", code],
        capture_output=True, text=True, timeout=120,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def test_board_is_micropython() -> None:
    assert run_on_board("import sys; print(sys.implementation.name)") == "micropython"


def test_files_are_the_ones_last_flashed() -> None:
    wanted = {
        str(path.relative_to(FLASHED)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in FLASHED.rglob("*")
        if path.is_file()
    }
    assert wanted, "nothing compiled here: run make flash first"
    code = f"""
import hashlib, binascii, json
found = {{}}
for name in {sorted(wanted)!r}:
    try:
        with open(name, 'rb') as f:
            h = hashlib.sha256()
            while True:
                b = f.read(512)
                if not b: break
                h.update(b)
        found[name] = binascii.hexlify(h.digest()).decode()
    except OSError:
        found[name] = None
print(json.dumps(found))
"""
    assert json.loads(run_on_board(code)) == wanted
