"""The board at a serial port, through mpremote's own transport."""

from __future__ import annotations

import contextlib
import hashlib
import io
import json
import termios
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, Final

import serial  # type: ignore[import-untyped]

from host_bridge.board.build import architecture_of, target
from host_bridge.board.errors import BoardError, BusyBoard, LostBoard, WrongBoard
from host_bridge.board.words import command, option
from host_bridge.ports import why_closed

ON_BOARD: Final = Path(__file__).parent / "on_board"
CHUNK: Final = 512
ANSWER_S: Final = 10.0
EXEC_S: Final = 60.0
"""Without a word of what runs there: an emulated board takes its time."""
BACK_S: Final = 300.0
"""Up in some seconds, or at the prompt; an emulated board that loads 40 files takes minutes."""
OLDEST: Final = (1, 26)
"""machine.Timer(hard=True) on rp2 came with it."""
CHIPS: Final = ("RP2040", "RP2350")
SECOND_S: Final = 30.0
"""The machine says a few times that it is up: this long we wait for the second, which shows that
what was started stays."""
GONE_S: Final = 15.0
"""Longer than any restart takes a port away: it was pulled out."""
NO_SPACE: Final = "OSError: 28"
HELD: Final = b"coffee: held"
UP: Final = b"coffee: up "
PROMPT: Final = b"\n>>> "
DOWNLOAD: Final = "hold BOOTSEL while you plug the board in and copy MicroPython onto it"

_REQUEST = "import hold\nhold.request(globals().get('app'))"
_IDENTIFY = (
    "import sys\ni=sys.implementation\n"
    "print([i.name,list(i.version[:3]),getattr(i,'_machine',''),getattr(i,'_mpy',0),sys.platform])"
)


@dataclass(frozen=True)
class Identity:
    """What answers at the port."""

    machine: str
    version: tuple[int, int, int]
    mpy: int
    platform: str

    @property
    def architecture(self) -> str:
        return target(self.mpy)[1]

    def __str__(self) -> str:
        release = ".".join(map(str, self.version))
        kind = architecture_of(self.mpy) or "bytecode only"
        return f"{self.machine}, MicroPython {release}, {kind}"

    def check(self) -> None:
        """Raises WrongBoard unless our firmware can run on it."""
        if self.platform != "rp2" or not any(chip in self.machine for chip in CHIPS):
            raise WrongBoard(
                f"this is {self.machine or 'an unknown board'} ({self.platform}), not a Raspberry "
                f"Pi Pico; connect one with an {' or '.join(CHIPS)} "
                f"({option('--any-chip')} flashes it anyway)"
            )
        if self.version[:2] < OLDEST:
            raise WrongBoard(
                f"MicroPython {'.'.join(map(str, self.version))} is too old; {DOWNLOAD} "
                f"{'.'.join(map(str, OLDEST))} or newer"
            )


class Device:
    """Open between `with`. Every exec may raise LostBoard; what ran on the board and failed there
    raises BoardError with its traceback. `waits` is called while we wait for the board, with the
    seconds since."""

    def __init__(self, port: str, waits: Callable[[float], None] = lambda seconds: None) -> None:
        self.port = port
        self._waits = waits
        self._transport: Any = None
        self._known: set[str] = set()  # files of on_board/ that the board has now
        self._gone_s: float | None = None  # since when its port has been seen to be away

    def __enter__(self) -> Device:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        self._known.clear()
        if self._transport:
            with contextlib.suppress(OSError, serial.SerialException):
                self._transport.close()
            self._transport = None

    # --- the prompt
    def interrupt(self) -> None:
        """Gets the prompt: what runs there is interrupted, unless it pours.

        Raises:
            BusyBoard: a shot runs.
            LostBoard: nothing answers.
        """
        said = io.StringIO()  # mpremote prints what it did not expect
        try:
            with contextlib.redirect_stdout(said):
                self._raw_repl()
        except LostBoard:
            raise
        except Exception as error:
            self.close()
            if "coffee: busy" in said.getvalue():
                raise BusyBoard(
                    f"{self.port}: the machine is pouring and was not interrupted; try again "
                    "when it has finished"
                ) from error
            raise LostBoard(
                f"{self.port}: no MicroPython prompt ({error}); unplug the board and plug it in "
                f"again. If it is new: {DOWNLOAD}"
            ) from error

    def _raw_repl(self) -> None:
        # twice: a board that is just starting hears nothing
        from mpremote.transport import TransportError  # type: ignore[import-untyped]

        self._open()
        line = self._transport.serial
        line.timeout = 0.1  # or what a restless board says keeps mpremote from seeing its timeout
        try:
            for seconds in (ANSWER_S / 2, 2 * ANSWER_S):
                with contextlib.suppress(TransportError):
                    self._transport.enter_raw_repl(soft_reset=False, timeout_overall=seconds)
                    return
            raise TransportError("could not enter raw repl")
        finally:
            line.timeout = ANSWER_S

    def _open(self) -> None:
        from mpremote.transport import TransportError
        from mpremote.transport_serial import SerialTransport  # type: ignore[import-untyped]

        if self._transport:
            return
        try:
            self._transport = SerialTransport(self.port, timeout=ANSWER_S)
        except (TransportError, OSError, termios.error) as error:  # the last: gone meanwhile
            raise LostBoard(
                f"{self.port} cannot be opened ({error}); "
                f"{why_closed(self.port, 'gateway, console, flash, doctor')} "
                "`.venv/bin/mpremote devs` lists the ports"
            ) from error
        self._gone_s = None

    def exec(self, code: str) -> str:
        try:
            with contextlib.redirect_stdout(io.StringIO()):  # as above: a person has our words
                said, wrong = self._transport.exec_raw(code, timeout=EXEC_S)
        except Exception as error:  # struct.error, TransportError, SerialException: all the cable
            raise LostBoard(
                f"{self.port}: the board no longer answers ({error}); check cable and power, then "
                "try again: its firmware is intact"
            ) from error
        if wrong:
            raise BoardError(f"{self.port}: {_explained(wrong.decode('utf-8', 'replace'))}")
        return str(said.decode("utf-8", "replace"))

    def start(self, code: str) -> None:
        """Has code run that does not come back, and closes the port."""
        try:
            with contextlib.redirect_stdout(io.StringIO()):
                self._transport.exec_raw_no_follow(code)
        except Exception as error:
            raise LostBoard(
                f"{self.port}: the board no longer answers ({error}); check cable and power, then "
                "try again"
            ) from error
        finally:
            self.close()

    def run(self, name: str, call: str) -> Any:
        """A file of on_board/ and a call of it; its result as JSON."""
        if name not in self._known:
            self.exec("import json, sys\n" + (ON_BOARD / f"{name}.py").read_text())
            self._known.add(name)
        # written as it is made: for 8 KB in one piece the board may not have the room
        said = self.exec(f"_={call}\nprint('\\n@@',end='')\njson.dump(_,sys.stdout)")
        try:  # no JSON has an end of line in it, so that no setting is taken for the mark
            return json.loads(said[said.rindex("\n@@") + 3 :])
        except ValueError as error:
            raise self._garbled(error) from error

    def _garbled(self, error: Exception) -> LostBoard:
        return LostBoard(
            f"{self.port}: the board's answer was garbled ({error}); check the cable, then try "
            "again")

    def identify(self) -> Identity:
        import ast

        said = self.exec(_IDENTIFY).strip()
        try:
            name, version, machine, mpy, platform = ast.literal_eval(said)
        except (ValueError, TypeError, SyntaxError) as error:
            raise self._garbled(error) from error
        if name != "micropython":
            raise WrongBoard(f"this is {name}, not MicroPython; {DOWNLOAD}")
        return Identity(machine, tuple(version), mpy, platform)

    # --- hold and release
    def hold(self) -> bool:
        """Has the board with outputs off and no watchdog. False: it has none of our firmware."""
        standing = self.run("standing", "standing()")
        if standing == "none":
            return False
        if standing == "running":
            self._take()
        return True

    def _take(self) -> None:
        began = time.monotonic()
        until = began + BACK_S
        self._gone_s = None
        self._reset(_REQUEST)
        while True:
            time.sleep(0.3)
            self._must_come_back()
            self._waits(time.monotonic() - began)
            self._known.clear()  # it may have started anew since we last asked
            try:
                self.interrupt()
                if self.run("standing", "taken()"):
                    return
                self._reset(_REQUEST)  # it runs: another reset came between
            except (LostBoard, BoardError):
                if time.monotonic() > until:
                    raise
            if time.monotonic() > until:
                raise LostBoard(
                    f"{self.port}: the board restarts, but cannot be held; unplug it, plug it in "
                    "again, then try again"
                )

    def _must_come_back(self) -> None:
        """Raises LostBoard: the port has been away for longer than a restart takes. Counted from
        when we first saw that: between two looks we may have asked the board for half a minute."""
        now_s = time.monotonic()
        if not self.port.startswith("/") or Path(self.port).exists():  # COM3, socket://…: unknown
            self._gone_s = None
        elif self._gone_s is None:
            self._gone_s = now_s
        elif now_s - self._gone_s > GONE_S:
            raise LostBoard(
                f"{self.port} is gone; check cable and power, then run the same command again "
                "(its firmware is intact). `.venv/bin/mpremote devs` lists the ports: it may "
                "have another one now"
            )

    def _reset(self, code: str) -> None:
        # The board waits until its word that it has understood is out; our asking for it again
        # must not interrupt it there.
        wait = "import micropython, time\nmicropython.kbd_intr(-1)\ntime.sleep_ms(200)\n"
        try:
            with contextlib.redirect_stdout(io.StringIO()):
                self._transport.exec_raw_no_follow(wait + code)
            time.sleep(0.1)
        except Exception as error:
            raise LostBoard(
                f"{self.port}: the board no longer answers ({error}); unplug it and plug it in "
                "again: its firmware is intact"
            ) from error
        finally:
            self.close()

    def release(self) -> None:
        """Starts whatever is now current."""
        self._reset((ON_BOARD / "release.py").read_text())

    @contextlib.contextmanager
    def letting_go(self, held: bool = True) -> Iterator[None]:
        """A held machine starts again at once when what is done with it fails. After Ctrl-C
        nothing can be asked of it, what we began still runs there: its hold ends by itself."""
        try:
            yield
        except Exception:
            if held:
                with contextlib.suppress(BoardError):  # what went wrong first is what helps
                    self.release()
            raise

    def reset(self) -> None:
        """Starts the bare MicroPython again, or whatever else is there."""
        self._reset("import machine\nmachine.reset()")

    def wait_birth(self, timeout_s: float = BACK_S) -> dict[str, Any]:
        """What the firmware says of itself once it is up and stays so.

        Raises:
            BoardError: it did not come up, or starts again and again; the text ends with its
                console.
        """
        began = time.monotonic()
        until = began + timeout_s
        self._gone_s = None
        console = b""
        births: list[dict[str, Any]] = []
        while len(births) < 2 and time.monotonic() < until:
            console += self._heard()
            self._must_come_back()
            self._waits(time.monotonic() - began)
            found = _births(console)
            if found and not births:
                until = time.monotonic() + SECOND_S
            births = found
            if PROMPT in console and HELD not in console:
                births = []  # main.py has ended: it does not stay. A hold ends by itself
                break
        self.close()
        if births and births[0]["boot"] == births[-1]["boot"]:
            return births[0]
        what = "keeps restarting" if births else "did not come up"
        raise BoardError(f"{self.port}: the machine {what}. {_shown(console)}")

    def _heard(self) -> bytes:
        try:
            self._open()
            self._transport.serial.timeout = 0.2
            return bytes(self._transport.serial.read(256))
        except (LostBoard, OSError, serial.SerialException):
            self.close()
            time.sleep(0.2)
            return b""

    # --- files
    def put(self, path: str, content: bytes, on_bytes: Callable[[int], None]) -> None:
        """Writes a file, proves it by its SHA-256 on the board, then gives it its name in one
        rename."""
        self.run("store", "receive()")
        for at in range(0, len(content), CHUNK):
            self.exec(f"new.write({content[at : at + CHUNK]!r})")
            on_bytes(min(at + CHUNK, len(content)))
        wanted = hashlib.sha256(content).hexdigest()
        found = self.run("store", f"settle({path!r}, {wanted!r})")
        if found != wanted:
            raise BoardError(
                f"{path}: the board did not store what was sent; try again, and if that does not "
                "help, replace it: its flash is worn out"
            )


def _explained(trace: str) -> str:
    """What ended a command on the board, for a person."""
    return _full() if trace.rstrip().endswith(NO_SPACE) else f"the board said:\n{trace}"


def _full() -> str:
    return (
        "the board's flash is full; delete files that are not the machine's (`mpremote connect "
        "PORT resume fs ls` lists them, `fs rm` deletes), or run "
        f"{command('unflash', option('--journal'))}: it removes the application and its data; "
        "then flash again")


def _births(console: bytes) -> list[dict[str, Any]]:
    found = []
    for line in console.split(b"\n")[:-1]:
        _, up, said = line.rpartition(UP)  # a reset may have cut one before it
        if up:
            with contextlib.suppress(ValueError):
                found.append(json.loads(said))
    return found


def _shown(console: bytes) -> str:
    text = console.decode("utf-8", "replace")[-1500:].strip()
    if not text:
        return "Its console is empty"
    return f"Its console:\n{text}" + (f"\n{NO_SPACE}: {_full()}" if NO_SPACE in text else "")
