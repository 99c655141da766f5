"""The self-test of a machine at the cable: what each part says, and what a person must look at."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from host_bridge.board.device import Device
from host_bridge.board.errors import BoardError
from host_bridge.board.flash import Progress
from host_bridge.board.words import command

BAD: Final = "BAD"


@dataclass(frozen=True)
class Finding:
    """`verdict`: "ok", "BAD", "look" (a person decides) or "not moved" (unsafe to move)."""

    part: str
    verdict: str
    found: str
    cure: str


def examine(port: str, progress: Progress) -> list[Finding]:
    """Holds the machine, looks, starts it again."""
    with Device(port, progress.waits) as device:
        device.interrupt()
        if not device.hold():
            raise BoardError(f"{port}: no firmware on this board; run {command('flash')} first")
        progress.say("the machine is held: outputs off. Testing its parts: a few seconds")
        with device.letting_go():
            rows = device.run("doctor", "examine()")
            progress.say("testing the connection to the broker: up to half a minute")
            rows += device.run("way", "examine()")
        return [Finding(*row) for row in rows] + _start(device, progress)


def _start(device: Device, progress: Progress) -> list[Finding]:
    """A machine that does not start is what the findings are needed for most."""
    try:
        device.release()
        birth = device.wait_birth()
    except BoardError as error:
        progress.say(str(error))
        return [Finding("start", BAD, "did not come up", "the lines above say why")]
    progress.say(f"{birth['machine']} is up again")
    return []
