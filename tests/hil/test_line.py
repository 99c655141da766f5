"""A board without a radio: shot → journal → USB console → gateway → broker → bridge → record.

Gateway, broker and bridge are the real programs; they keep the real clock, so a board that an
emulator slows down twentyfold is for them a slow one.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from simulator.emulated.console import Console
from simulator.parts import Part
from tests.hil.in_step import Unhurried
from tests.hil.rig import EmulatedRig, filed
from tests.support.stack import Stack, eventually

pytestmark = [pytest.mark.hil, pytest.mark.one_board, pytest.mark.fixture("emulator"),
              pytest.mark.broker, pytest.mark.slow, pytest.mark.timeout(1800)]
LONG_S = 900  # a shot is 15 s of a busy chip
SHORT = {"name": "Sip", "temp_mc": 93000, "volume_ul": 8000, "preinfusion_ms": 0}


@pytest.fixture
def stack(tmp_path: Path) -> Iterator[Stack]:
    with Stack(tmp_path, models=()) as stack:
        yield stack


def test_a_shot_becomes_a_record(rig: EmulatedRig, stack: Stack) -> None:
    name = f"line-{rig.model}".replace("_", "-")  # as names may be, folders may not
    settings = {"machine": name, "link": "usb", "broker_host": "behind-the-gateway"}
    proxy = Unhurried(stack.broker.port)
    with rig.boot({"config": filed(json.dumps(settings).encode())}) as board:
        board.plant.set("temp_brew_mc", 93_000)
        console = Console(board)
        gateway = Part("gateway", ["host_bridge", "gateway", console.path, "--mqtt",
                                   proxy.address], stack.folder / "gateway.log", lambda: True)
        try:
            with console:
                gateway.start()
                order(stack, name, "recipe.put", slot="7", recipe=SHORT)
                stack.wait_state(name, LONG_S, state="ready")
                order(stack, name, "brew", slot="7")
                eventually(lambda: brews(stack, name), LONG_S, 1)
                (record,) = brews(stack, name)
                assert record["result"] == "ok" and record["slot"] == "7", record
                assert record["volume_ul"] == pytest.approx(SHORT["volume_ul"], rel=0.3), record
                assert board.resets == ["power"]
        finally:
            gateway.stop()
            proxy.close()


def order(stack: Stack, name: str, command: str, **args: object) -> None:
    """A command through the bridge's API, until the board has carried it out."""
    body = {"name": command, "args": args, "deadline_s": 1800}
    status, sent = eventually(
        lambda: ((answer := stack.http(f"/api/machines/{name}/commands?wait_s=1", body))[0]
                 in (200, 202) and answer), LONG_S, 1)
    print(status, sent)
    eventually(lambda: stack.http(f"/api/commands/{sent['id']}")[1]["state"] == "ok", LONG_S, 1)


def brews(stack: Stack, name: str) -> list[dict[str, object]]:
    return [row for key, row in stack.records().items() if key[0] == name and "slot" in row]
