"""From the version on a board to another one: only what changed travels, and whatever happens to
the cable or the power meanwhile, the old version or the new one starts.

Everything new is written beside what runs and proven there; one rename makes it current. If it
does not come up, the old one is made current again.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

from host_bridge.board.build import DIGITS, Build, compile_for, digits, model_of
from host_bridge.board.device import Device
from host_bridge.board.errors import BoardError, LostBoard
from host_bridge.board.words import command, option

BLOCK: Final = 4096
"""Of the board's file system: the least a file takes."""

SPARE: Final = 8 * BLOCK
"""Of folders that grow, and what the machine writes at its next start."""

ROOMY: Final = 256 * 1024
"""Bytes of heap beside which a whole version in RAM takes no thought: an RP2350's."""

TIGHT: Final = (
    "with MicroPython's own image this chip leaves the machine 40 KiB of memory, 10 with TLS; "
    "an image with our firmware built in leaves 137 (docs/boards.md)")

KEPT: Final = "; journal, recipes and settings are kept"
Say = Callable[[str], None]


@dataclass(frozen=True)
class Progress:
    """How far it is; `say` gets whole lines, `at` (what, done, of) many times."""

    say: Say = print
    at: Callable[[str, int, int], None] = lambda what, done, of: None
    waits: Callable[[float], None] = lambda seconds: None
    """Called again and again while the board starts, with the seconds since."""


@dataclass(frozen=True)
class Flashed:
    """What a flash came to. `birth`: what the machine says of itself."""

    build: str
    sent: int
    kept: int
    birth: dict[str, Any]


def flash(
    port: str, board: str, progress: Progress, any_chip: bool = False, build: Build | None = None
) -> Flashed:
    """Brings the firmware of this checkout to the board at `port` and sees it come up.

    Raises:
        BoardError: with the cure; the board then runs what it ran before, or the new version.
    """
    with Device(port, progress.waits) as device:
        device.interrupt()
        identity = device.identify()
        progress.say(f"{port}: {identity}")
        if not any_chip:
            identity.check()
        if held := device.hold():
            progress.say("the machine is held: outputs off, watchdog not started")
        with device.letting_go(held):
            _same_machine(device.run("store", "model()"), board, port)
            build = _fitting(device, board, identity.architecture, progress, build)
            sent, kept = _bring(device, build, progress)
            device.run("store", "commit()")
        progress.say(f"version {build.name} is current; starting it")
        boots = device.run("store", "boots()")
        device.release()
        birth = _born(device, build, progress, boots)
    return Flashed(build.name, sent, kept, birth)


def _fitting(
    device: Device, board: str, architecture: str, progress: Progress, build: Build | None
) -> Build:
    """What this board needs of `build`, else of the firmware of this checkout."""
    base = device.run("store", "image()")
    build = build or compile_for(
        board, architecture, lambda done, of: progress.at("compiling", done, of),
        compact=not base,
    )
    if base:
        build = build.over(*base)
        progress.say(f"its image has our firmware built in: {_differ(len(build.files))}")
    elif device.run("store", "heap_free()") < ROOMY:
        progress.say(TIGHT)
    return build


def _same_machine(there: str | None, board: str, port: str) -> None:
    """Another machine's pins would leave a heater's or a pump's output undriven."""
    wanted = model_of(board)
    if there is not None and there != wanted:
        raise BoardError(
            f"{option('--board', board)}: the controller at {port} drives a Coffee {there}, not a "
            f"{wanted}; give {option('--board', there)}. If it was really moved to a {wanted}: "
            f"run {command('unflash')}; if its image has our firmware built in, put the other "
            "image on it first (docs/boards.md)"
        )


def _bring(device: Device, build: Build, progress: Progress) -> tuple[int, int]:
    beside = sorted(build.loader)
    there = device.run("store", f"inventory({beside!r})")
    wanted = build.stored
    whole = {name for name, sha in there["store"].items() if sha and sha[:DIGITS] == name}
    missing = {name: wanted[name] for name in sorted(wanted) if name not in whole}
    _make_room(device, there, set(wanted) & whole, missing)
    todo = sum(map(len, missing.values()))
    done = 0
    for name, content in missing.items():
        at = functools.partial(_at, progress, done, todo)
        device.put(f"app.d/{name}", content, at)
        done += len(content)
    device.put("app.d/next", build.listed, lambda n: None)
    for name in beside:
        content = build.loader[name]
        if (there["beside"][name] or "")[:DIGITS] != digits(content):
            device.put(name, content, lambda n: None)
    stay = len(wanted) - len(missing)
    progress.say(f"sent {_files(len(missing))} ({todo} bytes), {stay} were already there")
    return len(missing), stay


def _files(n: int) -> str:
    return "1 file" if n == 1 else f"{n} files"


def _differ(n: int) -> str:
    return f"{_files(n)} {'differs' if n == 1 else 'differ'}"


def _at(progress: Progress, done: int, todo: int, n: int) -> None:
    progress.at("sending", done + n, todo)


def _listed(text: str | None) -> set[str]:
    return {line.split()[1] for line in (text or "").splitlines()}


def _make_room(
    device: Device, there: dict[str, Any], kept: set[str], missing: dict[str, bytes]
) -> None:
    """Remnants of an earlier try go; the previous version too, when there is no room for three."""
    current = _listed(there["current"])
    keep = kept | current | {"current"}
    needed = sum(-(-len(content) // BLOCK) for content in missing.values()) * BLOCK + SPARE
    if there["free"] > needed:
        keep |= _listed(there["previous"]) | {"previous"}
    device.run("store", f"sweep({sorted(keep)!r})")
    free = device.run("store", "inventory([])")["free"]
    if free < needed:
        raise BoardError(
            f"{device.port}: {free} bytes are free, {needed} are needed; to make room, run "
            f"{command('unflash', option('--journal'))}: it removes the old application and its "
            "data"
        )


def _born(device: Device, build: Build, progress: Progress, boots: int) -> dict[str, Any]:
    try:
        birth = device.wait_birth()
        if birth["build"] == build.name:
            return birth
        why = f"version {birth['build']} came up instead"
    except LostBoard:
        raise
    except BoardError as error:
        why = str(error)
    progress.say("the new version does not come up; finding out why")
    device.interrupt()
    device.hold()
    starts = device.run("store", "boots()") - boots
    if starts > 1:
        why += (f"\nIt started {starts} times meanwhile: its watchdog keeps resetting it. "
                f"{command('console')} shows its output")
    if not device.run("store", "roll_back()"):
        raise BoardError(f"{why}\nThere was no earlier version; fix the cause, then flash again")
    progress.say("the previous version is current again; starting it")
    device.release()
    device.wait_birth()
    raise BoardError(
        f"{why}\nThe previous version is running again; fix the cause, then flash again")


def unflash(port: str, progress: Progress, data: bool = False) -> None:
    """Removes the application; journal, settings and recipes only with `data`."""
    with Device(port, progress.waits) as device:
        device.interrupt()
        with device.letting_go(device.hold()):
            ours = device.run("store", "image()")
            gone = device.run("removal", f"remove({data!r})")
        progress.say(f"removed {_files(gone)}" + ("" if data else KEPT))
        device.reset()
        if ours:
            birth = device.wait_birth()
            progress.say(f"the firmware in its image is running now: build {birth['build']}")
