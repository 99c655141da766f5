"""Which MicroPython is taken: the setting, a good one on the PATH, the wheel."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from simulator.interpreter import SETTING, InterpreterMissing, find_interpreter, shortcomings

WHEEL = Path(sys.executable).with_name("micropython")


def program(folder: Path, body: str) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / "micropython"
    path.write_text(f"#!/bin/sh\n{body}\n")
    path.chmod(0o755)
    return path


@pytest.fixture(autouse=True)
def _bare(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(SETTING, raising=False)
    monkeypatch.setenv("PATH", "/usr/bin:/bin")


def test_the_wheel_can_do_what_is_needed() -> None:
    assert shortcomings(str(WHEEL)) == ""


def test_the_setting_comes_first(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    mine = program(tmp_path / "mine", f'exec {WHEEL} "$@"')
    other = program(tmp_path / "path", f'exec {WHEEL} "$@"')
    monkeypatch.setenv(SETTING, str(mine))
    monkeypatch.setenv("PATH", f"{other.parent}:/usr/bin:/bin")
    assert find_interpreter() == [str(mine)]


def test_then_a_good_one_on_the_path(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    good = program(tmp_path, f'exec {WHEEL} "$@"')
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
    assert find_interpreter() == [str(good)]


def test_an_old_one_on_the_path_is_passed_over(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    program(tmp_path, 'echo "is 1.19"; echo "has no VfsLfs2"; echo end')  # as Debian 12's answers
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
    assert find_interpreter() == [str(WHEEL)]


def test_an_old_one_by_setting_is_refused_with_the_reason(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    old = program(tmp_path, 'echo "is 1.19"; echo end')
    monkeypatch.setenv(SETTING, str(old))
    with pytest.raises(InterpreterMissing, match=r"is 1\.19"):
        find_interpreter()


def test_a_setting_that_names_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(SETTING, "/nowhere/micropython")
    with pytest.raises(InterpreterMissing, match="no such program"):
        find_interpreter()


@pytest.mark.parametrize("body", ["true", "exit 3", "echo 'Segmentation fault' >&2; exit 139"])
def test_what_is_no_micropython(tmp_path: Path, body: str) -> None:
    assert "does not answer" in shortcomings(str(program(tmp_path, body)))
