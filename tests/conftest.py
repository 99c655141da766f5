"""Collects `mp_*.py`: test files that run under the real MicroPython, one process a file.

Each `test_*` function of such a file is one pytest item, so a failure names the function and
shows MicroPython's own traceback. A missing interpreter is an error, never a skip.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.support.micropython import Outcome, boards_of, run_cases
from tests.support.mosquitto import Mosquitto
from tests.support.wire import Wire


def pytest_addoption(parser: pytest.Parser) -> None:
    hil = parser.getgroup("hil", "hardware in the loop (tests/hil, docs/hil.md)")
    hil.addoption("--board", action="append", help="emulated-1900 or emulated-2900 "
                  "(add =UF2 for an image other than `make image`'s), or the serial port of a "
                  "real board; repeatable; default: both emulated ones")
    hil.addoption("--shots", type=int, default=3, help="shots in the memory test; give 200 in "
                  "a laboratory (default: 3)")
    hil.addoption("--fixture", metavar="MODULE:CLASS", help="what surrounds a real board")


@pytest.fixture
def broker(tmp_path: Path) -> Iterator[Mosquitto]:
    """A broker of its own for each test."""
    made = Mosquitto(tmp_path / "broker")
    made.start()
    yield made
    made.stop()


@pytest.fixture
def wire(broker: Mosquitto) -> Iterator[Wire]:
    """A client that listens to everything there."""
    made = Wire(broker.port)
    yield made
    made.close()


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Files with slow tests first: one that begins last has a core to itself while the others are
    idle. (xdist's own order, by the number of tests, begins the longest last.)"""
    slow = {item.path for item in items if item.get_closest_marker("slow")}
    items.sort(key=lambda item: item.path not in slow)


def pytest_collect_file(parent: pytest.Collector, file_path: Path) -> pytest.Collector | None:
    # a file that is named to pytest is a module to it whatever it is called: see below
    if _is_ours(file_path) and not parent.session.isinitpath(file_path):
        return MicroPythonFile.from_parent(parent, path=file_path)
    return None


def pytest_pycollect_makemodule(
    module_path: Path, parent: pytest.Collector
) -> pytest.Collector | None:
    return MicroPythonFile.from_parent(parent, path=module_path) if _is_ours(module_path) else None


def _is_ours(path: Path) -> bool:
    return path.suffix == ".py" and path.name.startswith("mp_")


class MicroPythonFile(pytest.File):
    def __init__(self, **more: Any) -> None:
        super().__init__(**more)
        self.outcomes: dict[str, dict[str, Outcome]] = {}

    def collect(self) -> Iterator[MicroPythonCase]:
        boards = boards_of(self.path)
        for board in boards:
            for line in self.path.read_text().splitlines():
                if line.startswith("def test_"):
                    name = line[4:].split("(")[0]
                    shown = f"{name}[{board}]" if len(boards) > 1 else name
                    yield MicroPythonCase.from_parent(self, name=shown, case=name, board=board)

    def outcome(self, case: str, board: str) -> Outcome:
        if board not in self.outcomes:
            self.outcomes[board] = run_cases(self.path, board)
        return self.outcomes[board][case]


class MicroPythonCase(pytest.Item):
    def __init__(self, *, case: str, board: str, **more: Any) -> None:
        super().__init__(**more)
        self.case = case
        self.board = board

    def runtest(self) -> None:
        assert isinstance(self.parent, MicroPythonFile)
        outcome = self.parent.outcome(self.case, self.board)
        if not outcome.passed:
            raise MicroPythonFailure(outcome.text)

    def repr_failure(self, excinfo: pytest.ExceptionInfo[BaseException], style=None):  # type: ignore[no-untyped-def,override]
        if isinstance(excinfo.value, MicroPythonFailure):
            return str(excinfo.value)
        return super().repr_failure(excinfo)

    def reportinfo(self) -> tuple[Path, int, str]:
        return self.path, 0, self.name


class MicroPythonFailure(Exception):
    pass
