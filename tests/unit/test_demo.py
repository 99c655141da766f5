"""`make run` when a part does not start, or the computer is slow: what a person reads then."""

from __future__ import annotations

import argparse
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from simulator import demo
from simulator.parts import Part
from tests.support.mosquitto import free_port


@pytest.fixture
def _own_signals() -> Iterator[None]:
    numbers = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
    before = {number: signal.getsignal(number) for number in numbers}
    yield
    for number, handler in before.items():
        signal.signal(number, handler)


@pytest.mark.usefixtures("_own_signals")
@pytest.mark.parametrize("said", ["[/usr/lib/x] no such file", "[info     ] bridge: [a]"])
def test_the_log_of_a_part_that_fails_is_shown_as_it_is(
    said: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "broken.py").write_text(f"raise SystemExit({said!r})")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PYTHONPATH", str(Path(demo.__file__).resolve().parents[1]))

    def parts(options: argparse.Namespace, births: demo.Births) -> list[Part]:
        return [Part("broken", ["broken"], tmp_path / "log", lambda: False)]

    monkeypatch.setattr(demo, "make_parts", parts)
    ports = [str(free_port()) for _ in range(3)]
    words = ["--port", ports[0], "--mqtt-port", ports[1], "--panel-port", ports[2]]
    assert demo.main([*words, "--data", str(tmp_path / "data")]) == 1
    assert said in capsys.readouterr().out


@pytest.mark.parametrize("text", ["[/x]", "[info     ] gone"])
def test_the_log_of_a_part_that_keeps_ending_is_shown_as_it_is(
    text: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "log").write_text(text)
    part = Part("machines", ["none"], tmp_path / "log", lambda: True)
    part.restarts = demo.RESTARTS_MAX
    monkeypatch.setattr(Part, "ended", lambda self: 1)
    assert demo.keep_up([part], demo.Console()) == 1
    assert text in capsys.readouterr().out


def test_a_slow_login_link_does_not_end_what_runs(monkeypatch: pytest.MonkeyPatch) -> None:
    def slow(*given: Any, **more: Any) -> Any:
        raise subprocess.TimeoutExpired("host_bridge login", 30)

    monkeypatch.setattr("simulator.demo.subprocess.run", slow)
    options = argparse.Namespace(data=Path("data"), port=8080)
    assert demo.login_link(options) == "http://localhost:8080"


def test_a_bad_port_is_said_once() -> None:
    """The panels' port follows from it: nobody gave that one."""
    (said,) = demo.refused_ports(demo.parse(["--port", "abc"]))
    assert said.startswith("'abc' is not a port")


def test_a_port_only_root_may_open_is_not_called_taken(monkeypatch: pytest.MonkeyPatch) -> None:
    def bind(self: Any, address: Any) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr("simulator.parts.socket.socket.bind", bind)
    options = demo.parse(["--port", "80"])
    (first, *_) = demo.refused_ports(options)
    assert "taken" not in first and "80" in first and "Permission denied" in first
    assert "make run PORT=" in first


def test_a_folder_that_takes_no_logs_is_refused_before_anything_starts(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Else a part would fail there without a word to read."""
    def full(**where: Any) -> Any:
        raise OSError(30, "Read-only file system")

    monkeypatch.setattr("simulator.demo.tempfile.TemporaryFile", full)
    (said,) = demo.refused_data(argparse.Namespace(data=str(tmp_path)))
    assert "cannot be written to (Read-only file system); give another folder" in said
