"""One board under test, real or emulated, and what stands around it.

A rig always has a console (MicroPython's raw REPL). What else it offers is named in `fixtures`:

    pins      level and edges of every GPIO, and a hand on every input
    machine   the plant: sensors that can be set and broken, water that flows
    power     mains that can be switched
    emulator  more boards of the kind, simulated time, the chip's insides, a power cut at any flash
              operation: what no real board can be asked
    radio     Wi-Fi, an access point that can be switched off, a network that can be broken

An emulated board has all of them, the last where its image drives a radio. A lab gives its real
boards what it has by writing a class as in jig.py and naming it: `--fixture my_lab.jig:Jig`
(docs/hil.md).
"""

from __future__ import annotations

import contextlib
import json
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from zlib import crc32

from host_bridge.board.build import compile_for
from host_bridge.board.device import Device
from host_bridge.board.errors import BoardError
from simulator.emulated import EmulatedBoard
from simulator.emulated.board import image_of
from simulator.emulated.console import Console
from simulator.emulated.image import is_ours
from simulator.emulated.stand_in import read_data
from tests.hil.jig import EmulatedJig, Jig
from tests.hil.snapshot import Snapshot

# a board is held for one start only: ask anew for the next, wanted or not, and prolong this one
RENEW = "__import__('hold').renew()\n"
HOLD_ON = "import hold\nhold.renew()\nopen('hold', 'w').close()"
AGENT = Path(__file__).with_name("agent.py").read_text()
FIXTURES = ("pins", "machine", "power", "emulator", "radio")
# planned, or the application would take it for a watchdog's; three of those are a reset storm
RESET = "import machine, resets\nresets.plan_reset(0)\nmachine.reset()"


def filed(content: bytes) -> bytes:
    """A file as firmware/files.py writes it."""
    return content + b"%08x" % crc32(content)


def whole_version(model: str) -> dict[str, bytes]:
    """What `make flash` leaves on a board with MicroPython's own image."""
    build = compile_for(model, "armv6m", compact=True)
    files = {f"app.d/{name}": content for name, content in build.stored.items()}
    return files | build.loader | {"app.d/current": build.listed}


class Rig:
    """What every rig has. `data` are the names boards/coffee_<model>/board.py binds."""

    model: str
    fixtures: frozenset[str]
    jig: Jig
    """Where `fixtures` has pins, machine or power."""

    @property
    def data(self) -> dict[str, Any]:
        return read_data(self.model, "board")

    def exec(self, code: str, seconds: float = 10) -> str:
        """Runs code at the raw REPL; globals stay. Raises what the board raised."""
        raise NotImplementedError

    def ask(self, expression: str, seconds: float = 10) -> Any:
        """The value of an expression on the board, through JSON."""
        said = self.exec(f"import json\nprint(json.dumps({expression}))", seconds)
        return json.loads(said.splitlines()[-1])

    def start(self, code: str) -> None:
        """Has code run at the raw REPL, and does not wait for its end."""
        raise NotImplementedError

    def wait(self, ms: float) -> None:
        """Lets the board's time pass."""
        raise NotImplementedError

    def prompt(self) -> None:
        """A board at its prompt: outputs safe, neither tick nor watchdog running."""
        raise NotImplementedError

    def reset(self) -> None:
        """A planned reset, then the prompt again if a file `hold` is there."""
        raise NotImplementedError

    @contextlib.contextmanager
    def cable(self) -> Iterator[str]:
        """A serial port for other programs: a board that runs its machine. Nothing that was
        flashed or set on it stays."""
        raise NotImplementedError
        yield

    @contextlib.contextmanager
    def application(self) -> Iterator[Application]:
        """The whole firmware running under the agent, until the board is reset."""
        self.prompt()
        self.exec(AGENT)
        self.exec("begin()", 20)
        try:
            yield Application(self)
        finally:
            self.reset()
            self.prompt()


class Application:
    """The firmware, going on only inside go()."""

    def __init__(self, rig: Rig) -> None:
        self._rig = rig

    def go(self, ms: int, pass_ms: int = 5) -> dict[str, Any]:
        """Lets it run, with a pass of the background each `pass_ms`; what live.Live, the heap and
        the commands say then."""
        said = self._rig.exec(f"go({ms}, {pass_ms})", 20 + ms / 1000)
        found: dict[str, Any] = json.loads(said.splitlines()[-1])
        return found

    def until(
        self, ms: int, step_ms: int, pass_ms: int = 5, **wanted: Any
    ) -> dict[str, Any]:
        """Goes on until all of `wanted` stand in what go() says; fails after `ms`."""
        for _ in range(0, ms, step_ms):
            seen = self.go(step_ms, pass_ms)
            if all(seen[name] == value for name, value in wanted.items()):
                return seen
        raise AssertionError(f"not within {ms} ms: {wanted}; it says {seen}")

    def command(self, name: str, **args: Any) -> dict[str, Any]:
        """A command as it would come by MQTT; the reply."""
        said = self._rig.exec(f"command({name!r}, {args!r})", 10)
        found: dict[str, Any] = json.loads(said.splitlines()[-1])
        return found


class EmulatedRig(Rig):
    """An emulated board with all fixtures; onto an image that is not ours the firmware is flashed.
    `link`: its own way to the broker, "wifi" or "usb"."""

    def __init__(self, model: str, image: Path | None = None) -> None:
        self.model = model
        self._image = image or image_of(model)
        self._flashed = {} if is_ours(self._image) else whole_version(model)
        self.board = self.boot({"hold": b""})
        self.jig = EmulatedJig(self.board)
        self.fixtures = frozenset(FIXTURES) - (set() if self.board.radio else {"radio"})
        self.link = "wifi" if self.board.radio else "usb"

    def exec(self, code: str, seconds: float = 10) -> str:
        return self.board.exec(code, seconds * 1000)

    def prompt(self) -> None:
        if not self.board.powered:
            self.board.power_on()
        self.board.run(60)
        self.exec(HOLD_ON)

    def start(self, code: str) -> None:
        self.board.type(b"\r\x03\x01")
        self.board.run(20)
        self.board.type(code.encode() + b"\n\x04")

    def wait(self, ms: float) -> None:
        self.board.run(ms)

    def reset(self) -> None:
        resets = len(self.board.resets)
        self.start(RESET)
        assert self.board.run_until(lambda: len(self.board.resets) > resets, 1000)
        self.board.run(60)

    @contextlib.contextmanager
    def cable(self) -> Iterator[str]:
        with self.boot() as board, Console(board) as port:
            yield port

    def boot(self, files: dict[str, bytes] | None = None) -> EmulatedBoard:
        """Another board of the same model, powered on with its own main.py, nothing at its
        console."""
        return EmulatedBoard(
            self.model, image=self._image, files={**self._flashed, **(files or {})})

    def close(self) -> None:
        self.board.close()


class SerialRig(Rig):
    """A board at a serial port, with the technician's own tool. Its files are as before at the
    end. `jig`: what stands around it; None: nothing."""

    def __init__(self, port: str, jig: Jig | None = None) -> None:
        self._port = port
        self._device = Device(port)
        self.fixtures = frozenset[str]()
        if jig:
            self.jig = jig
            self.fixtures = frozenset(jig.fixtures)
        self.prompt()
        self.model = str(self.ask("__import__('board').MODEL"))
        self._before = Snapshot.of(self._device)

    def exec(self, code: str, seconds: float = 10) -> str:
        try:
            return self._device.exec(RENEW + code).replace("\r\n", "\n")
        except BoardError as error:
            raise RuntimeError(str(error)) from error

    def start(self, code: str) -> None:
        self._device.start(code)

    def wait(self, ms: float) -> None:
        if "pins" not in self.fixtures:
            time.sleep(ms / 1000)
            return
        until = self.jig.now_us + ms * 1000  # the board's time, should it be a slow one
        while self.jig.now_us < until:
            time.sleep(0.01)

    def prompt(self) -> None:
        self._device.close()
        self._device.interrupt()
        assert self._device.hold(), "no firmware on this board; run `make flash` first"
        self.exec(HOLD_ON)

    def reset(self) -> None:
        self._device.start(RESET)
        self.wait(500)
        self.prompt()

    @contextlib.contextmanager
    def cable(self) -> Iterator[str]:
        self._device.release()
        try:
            yield self._port
        finally:
            self.prompt()

    def close(self) -> None:
        """Puts everything back and lets the board brew again."""
        self.prompt()
        self._before.put_back(self._device)
        self._device.release()
