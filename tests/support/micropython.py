"""Runs test files under the real MicroPython unix port and reads back one outcome a function."""

from __future__ import annotations

import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path

from simulator.interpreter import find_interpreter

ROOT = Path(__file__).resolve().parents[2]

# Runs inside MicroPython: imports the file, runs each test_* function, prints one line for each.
_RUNNER = """
import sys
sys.path[:0] = {path!r}
sys.argv[:] = {argv!r}
module = __import__({module!r})
for name in {names!r}:
    try:
        getattr(module, name)()
        print("@@PASS", name)
    except BaseException as e:
        print("@@FAIL", name)
        sys.print_exception(e, sys.stdout)
print("@@END")
"""


@dataclass
class Outcome:
    passed: bool
    text: str


def micropython_path(board: str = "coffee_1900") -> list[str]:
    """Where a firmware test imports from, in order: fakes of `machine`, firmware, board, libs."""
    parts = ["simulator/shim", "simulator", "firmware", f"boards/{board}", "build/lib"]
    return [str(ROOT / part) for part in parts]


def boards_of(path: Path) -> list[str]:
    """The boards that a test file is run with: its first line says `# boards: coffee_1900 …`."""
    first = path.read_text().splitlines()[0]
    return first.split(":", 1)[1].split() if first.startswith("# boards:") else ["coffee_1900"]


def run_cases(
    path: Path, board: str, heap_bytes: int = 2 << 20, timeout_s: float = 300
) -> dict[str, Outcome]:
    """Run every test function of `path` with the modules of `board`."""
    text = path.read_text()
    names = [
        line[4:].split("(")[0] for line in text.splitlines() if line.startswith("def test_")
    ]
    script = _RUNNER.format(
        path=[str(path.parent), *micropython_path(board)], argv=[str(path)], module=path.stem,
        names=names,
    )
    with tempfile.TemporaryDirectory() as work:
        runner = Path(work) / "runner.py"
        runner.write_text(script)
        done = subprocess.run(
            [*find_interpreter(), "-X", f"heapsize={heap_bytes}", str(runner)],
            cwd=work, capture_output=True, text=True, timeout=timeout_s,
        )
    return _parse(names, done.stdout, done.stderr)


def _parse(names: list[str], out: str, err: str) -> dict[str, Outcome]:
    """What a case prints stands before its PASS or FAIL line, a traceback after its FAIL line."""
    outcomes: dict[str, Outcome] = {}
    failed: Outcome | None = None
    for line in out.splitlines():
        if line.startswith("@@"):
            verdict, _, name = line.partition(" ")
            failed = None
            if verdict != "@@END":
                outcomes[name] = Outcome(verdict == "@@PASS", "")
                failed = None if outcomes[name].passed else outcomes[name]
        elif failed:
            failed.text += line + "\n"
    for name in names:
        outcomes.setdefault(name, Outcome(False, f"did not run\n{out}\n{err}"))
    return outcomes
