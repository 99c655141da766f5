"""The demo's children: none outlives its parent, a failing one shows its log."""

from __future__ import annotations

import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from simulator.parts import Part, PartFailed, port_answers, port_free

ROOT = Path(__file__).resolve().parents[2]
PATIENCE_S = 30

STUBBORN = """
import os, pathlib, signal, subprocess, sys, time
signal.signal(signal.SIGTERM, signal.SIG_IGN)
child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"])
pathlib.Path("pids").write_text(f"{os.getpid()} {child.pid}")
time.sleep(600)
"""
PARENT = """
import pathlib, sys, time
from simulator.parts import Part
part = Part("stubborn", ["stubborn"], pathlib.Path("stubborn.log"), lambda: True)
part.start()
time.sleep(600)
"""


def eventually(what: Callable[[], object]) -> bool:
    deadline = time.monotonic() + PATIENCE_S
    while time.monotonic() < deadline:
        if what():
            return True
        time.sleep(0.05)
    return False


def alive(pid: int) -> bool:
    """Running; a zombie that nobody reaps yet is not."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] != "Z"
    except FileNotFoundError:
        return False


@pytest.fixture
def environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "stubborn.py").write_text(STUBBORN)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    return tmp_path


def pids(folder: Path) -> list[int]:
    file = folder / "pids"
    assert eventually(lambda: file.exists() and len(file.read_text().split()) == 2)
    return [int(word) for word in file.read_text().split()]


def test_killed_parent_leaves_no_orphan(environment: Path) -> None:
    parent = subprocess.Popen([sys.executable, "-c", PARENT], cwd=environment)
    try:
        family = pids(environment)
        assert all(alive(pid) for pid in family)
        parent.send_signal(signal.SIGKILL)
        parent.wait()
        assert eventually(lambda: not any(alive(pid) for pid in family)), family
    finally:
        parent.kill()


def test_stop_takes_a_stubborn_part_with_its_children(
    environment: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("simulator.parts.STOP_S", 0.5)
    part = Part("stubborn", ["stubborn"], environment / "log", lambda: True)
    part.start()
    family = pids(environment)
    part.stop()
    assert eventually(lambda: not any(alive(pid) for pid in family)), family
    assert part.ended() is None and part.pid is None


def test_part_that_ends_shows_its_log(environment: Path) -> None:
    (environment / "broken.py").write_text("raise SystemExit('no beans left')")
    part = Part("broken", ["broken"], environment / "log", lambda: False)
    part.start()
    with pytest.raises(PartFailed, match=r"broken stopped .exit code 1.(.|\n)*no beans left"):
        part.wait_healthy(PATIENCE_S)


def test_port_free_and_answering() -> None:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port = listener.getsockname()[1]
        assert not port_free(port) and not port_answers(port)
        listener.listen()
        assert not port_free(port) and port_answers(port)
    assert not port_answers(port)


CHATTERBOX = """
import sys
for number in range(3000):
    print(f"line {number} ".ljust(99, "."))
sys.exit("the cause stands at the end")
"""


def test_the_log_of_one_long_life_is_bounded_and_ends_with_the_cause(
    environment: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("simulator.part_log.FILE_BYTES", 20_000)
    (environment / "chatterbox.py").write_text(CHATTERBOX)
    part = Part("chatterbox", ["chatterbox"], environment / "logs" / "chatterbox.log", bool)
    part.start()
    assert eventually(lambda: part.ended() is not None)
    assert "the cause stands at the end" in part.tail()
    files = sorted(part.log.parent.iterdir())
    assert [file.suffix for file in files] == [".log", ".1", ".2", ".3"]
    assert sum(file.stat().st_size for file in files) <= 80_000
    kept = "".join(file.read_text() for file in reversed(files)).splitlines()[:-1]
    numbers = [int(line.split()[1]) for line in kept]
    assert numbers == list(range(numbers[0], 3000)) and len(numbers) > 600  # no line lost between


def test_bytes_that_are_no_text_and_a_line_without_an_end_reach_the_log(environment: Path) -> None:
    says = "import sys\nsys.stdout.buffer.write(b'\\xff' + b'x' * 20000)\n"
    (environment / "odd.py").write_text(says)
    part = Part("odd", ["odd"], environment / "odd.log", bool)
    part.start()
    assert eventually(lambda: part.ended() is not None)
    part.stop()
    assert part.log.read_text() == "\\xff" + "x" * 20000


def test_a_log_that_cannot_be_written_does_not_stop_the_part(environment: Path) -> None:
    (environment / "full.log").symlink_to("/dev/full")
    (environment / "busy.py").write_text(
        "import pathlib\nprint('x' * 500_000)\npathlib.Path('done').write_text('1')\n")
    part = Part("busy", ["busy"], environment / "full.log", bool)
    part.start()
    assert eventually(lambda: part.ended() is not None)
    assert part.ended() == 0 and (environment / "done").exists()
    part.stop()
