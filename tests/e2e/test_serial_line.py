"""A machine without a radio: shot → journal → serial line → gateway → broker → bridge → record.

The UART is the simulator's (paced, bounded, lossy when nobody reads); gateway, broker and bridge
are the real programs.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from simulator.machine import Machine
from simulator.parts import Part
from tests.support.stack import Stack, eventually, kill9

NAME = "serial-1900"

pytestmark = pytest.mark.broker


@pytest.fixture
def stack(tmp_path: Path) -> Iterator[Stack]:
    with Stack(tmp_path, models=()) as stack:
        yield stack


@pytest.fixture
def machine(stack: Stack) -> Iterator[Machine]:
    with Machine(
        "1900", name=NAME, data=stack.folder / NAME, mode="run", speed=1, serial=True,
        config={"link": "uart"},
    ) as machine:
        yield machine


@pytest.fixture
def gateway(stack: Stack, machine: Machine) -> Iterator[Part]:
    arguments = [
        "host_bridge", "gateway", machine.board.serial_port, "--mqtt", stack.broker.address
    ]
    part = Part("gateway", arguments, stack.folder / "gateway.log", lambda: True)
    part.start()
    yield part
    part.stop()


def brews(stack: Stack) -> list[tuple[str, str, int]]:
    return [name for name, row in stack.records().items() if name[0] == NAME and "slot" in row]


def test_a_shot_becomes_a_record_over_the_serial_line(
    stack: Stack, machine: Machine, gateway: Part
) -> None:
    machine.set("temp_brew_mc", 93000)
    stack.wait_state(NAME, state="ready")
    machine.press("brew")
    stack.wait_state(NAME, state={"preinfusion", "brewing"})
    # the gateway dies in the middle of the shot: the shot does not notice
    kill9(gateway)
    gateway.start()
    eventually(lambda: brews(stack), timeout_s=120)
    (name,) = brews(stack)
    record = stack.records()[name]
    assert record["result"] == "ok", record
    assert not machine.resets
    eventually(lambda: stack.acked(NAME).get("seq", 0) >= name[2])
    # and back: a command, its reply
    status, reply = stack.http(
        f"/api/machines/{NAME}/commands?wait_s=20", {"name": "identify", "args": {}}
    )
    assert (status, reply["state"]) == (200, "ok"), reply
    # a board that starts anew is at once another life for the gateway
    machine.reset()
    mark = stack.wire.mark()
    stack.wire.wait(f"coffee/v1/{NAME}/status", lambda s: s["online"] and s["boot"] == 2, mark)
    log = (stack.folder / "gateway.log").read_text()
    assert len(re.findall(r"port open", log)) == 2, log
