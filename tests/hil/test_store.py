"""A whole version in a board's store: the technician's tools find their way in its memory."""

from __future__ import annotations

import pytest

from host_bridge.board.build import compile_for
from host_bridge.board.device import Device
from simulator.emulated.console import Console
from tests.hil.rig import EmulatedRig

pytestmark = [pytest.mark.hil, pytest.mark.fixture("emulator"), pytest.mark.one_board]


def test_the_files_of_a_whole_version_are_listed(rig: EmulatedRig) -> None:
    build = compile_for(rig.model, "armv6m")
    files = {f"app.d/{name}": content for name, content in build.stored.items()}
    with (rig.boot({"hold": b"", **files}) as board, Console(board, speed=0) as port,
          Device(port) as device):
        device.interrupt()
        assert device.run("standing", "taken()")
        found = device.run("store", "inventory(['boot.py'])")["store"]
    assert found.keys() == {path.removeprefix("app.d/") for path in files}
    assert all(sha.startswith(name) for name, sha in found.items())
