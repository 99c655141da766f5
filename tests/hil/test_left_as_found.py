"""The suite itself: a laboratory's board is afterwards as it was before."""

from __future__ import annotations

import pytest

from host_bridge.board.device import Device
from simulator.emulated.console import Console
from tests.hil.rig import EmulatedRig, SerialRig

pytestmark = [pytest.mark.hil, pytest.mark.fixture("emulator"), pytest.mark.one_board]
NOW = ("import config, os\nc = config.load()\n"
       "print(c['machine'], c['button_slot'], 'mine' in os.listdir(), open('kept').read())")


def test_settings_and_files_are_put_back(rig: EmulatedRig) -> None:
    with rig.boot({"kept": b"as it was"}) as board, Console(board) as port:
        found = SerialRig(port)
        assert found.model == rig.model and not found.fixtures
        before = found.exec(NOW)
        found.exec("config.provision({'machine': 'another', 'button_slot': 1})\n"
                   "os.mkdir('mine')\nopen('mine/more', 'w').close()\n"
                   "f = open('kept', 'w')\nf.write('changed')\nf.close()")
        assert found.exec(NOW) == "another 1 True changed\n"
        found.close()
        with Device(port) as device:
            device.interrupt()
            assert device.hold()
            assert device.exec(NOW).replace("\r", "") == before
