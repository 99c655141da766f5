"""A serial port that cannot be had: what a technician is told before anything else is tried."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from typer.testing import CliRunner

from host_bridge.board.device import Device
from host_bridge.board.errors import LostBoard
from host_bridge.cli import app
from host_bridge.cli.line import each_once
from host_bridge.errors import Invalid
from host_bridge.serial_line.gateway import Broker, Gateway, PortLost


@pytest.fixture
def forbidden(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """A port of another user's: what root may is not asked."""
    port = tmp_path / "ttyACM0"
    port.touch()
    monkeypatch.setattr("host_bridge.ports.os.access", lambda path, mode: False)
    yield str(port)


def test_a_port_of_another_group_is_named_with_the_cure(forbidden: str) -> None:
    with pytest.raises(LostBoard, match=r"usermod -aG dialout"):
        Device(forbidden).interrupt()
    with pytest.raises(PortLost, match=r"usermod -aG dialout"):
        Gateway(forbidden, Broker("127.0.0.1", 1883))._opened()


def test_a_port_that_is_not_there_wants_no_other_user(tmp_path: Path) -> None:
    with pytest.raises(LostBoard, match="is the board plugged in"):
        Device(str(tmp_path / "ttyACM0")).interrupt()


def test_one_port_by_two_names_is_refused(tmp_path: Path) -> None:
    port, link = tmp_path / "ttyACM0", tmp_path / "by-id"
    port.touch()
    link.symlink_to(port)
    each_once([str(port), str(tmp_path / "ttyACM1")])
    for again in (port, link, os.path.relpath(port)):
        with pytest.raises(Invalid, match=r"^PORTS: .* is the same port as .*ttyACM0; give it"):
            each_once([str(port), str(tmp_path / "ttyACM1"), str(again)])


def test_a_gateway_looks_at_all_its_ports_before_it_opens_one(
    monkeypatch: pytest.MonkeyPatch
) -> None:
    def opened(gateways: list[Gateway]) -> None:
        raise AssertionError("it was started")

    monkeypatch.setattr("host_bridge.serial_line.gateway.serve", opened)
    result = CliRunner().invoke(app, ["gateway", "/dev/nowhere", "/dev/nowhere"])
    assert result.exit_code == 2 and "PORTS: /dev/nowhere is the same port" in result.output
