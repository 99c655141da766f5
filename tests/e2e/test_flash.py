"""`make flash`: the real mpy-cross and mpremote, into a real MicroPython on a serial port."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.serial_board import SerialBoard
from tests.support.stack import eventually

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def board(tmp_path: Path) -> Iterator[SerialBoard]:
    board = SerialBoard(tmp_path)
    yield board
    board.close()


def make(*words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        ["make", *words], cwd=ROOT, capture_output=True, text=True, timeout=300
    )


def on_board(board: SerialBoard, code: str) -> str:
    done = subprocess.run(
        [ROOT / ".venv/bin/mpremote", "connect", board.port, "resume", "exec", code],
        capture_output=True, text=True, timeout=60,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


@pytest.mark.parametrize("name", ["coffee_1900", "coffee_2900"])
def test_flash_brings_firmware_board_and_library(board: SerialBoard, name: str) -> None:
    (board.flash / "journal").write_text("facts that no flashing may touch")
    # x64: what the interpreter at the other end of this line can execute
    done = make("flash", f"PORT={board.port}", f"BOARD={name}", "MARCH=x64")
    assert done.returncode == 0, done.stdout + done.stderr
    there = {path.name for path in board.flash.rglob("*") if path.is_file()}
    modules = {path.stem for path in (ROOT / "firmware").glob("*.py")} - {"boot", "main"}
    assert {f"{module}.mpy" for module in modules} <= there
    assert {"boot.py", "main.py", "board.mpy", "factory_recipes.mpy", "simple.mpy"} <= there
    assert "journal" in there
    eventually(lambda: len(board.held) >= 3)
    assert board.held == [False, True, False], "held over the copy, released before the last boot"
    model = on_board(board, "import board; print(board.MODEL)")
    assert model == name.removeprefix("coffee_")
    assert "MQTTClient" in on_board(board, "import umqtt.simple as s; print(s.MQTTClient)")
    compiled = ROOT / "build" / "flash"
    for file in (f for f in compiled.rglob("*") if f.is_file()):
        assert (board.flash / file.relative_to(compiled)).read_bytes() == file.read_bytes()


@pytest.mark.parametrize(
    ("words", "reason"),
    [
        (["PORT=/dev/nowhere"], "PORT=/dev/nowhere is no serial port"),
        (["PORT=/dev/null", "BOARD=coffee_3000"], "BOARD=coffee_3000: no such board"),
    ],
)
def test_flash_names_what_is_wrong_and_the_usage(words: list[str], reason: str) -> None:
    done = make("flash", *words)
    assert done.returncode != 0
    assert reason in done.stderr
    assert "usage: make flash PORT=" in done.stderr
