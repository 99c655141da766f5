"""One simulated board: starts its MicroPython, talks to it, starts it again after a reset.

The board decides when it dies (watchdog, reset, power cut): its process kills itself, and this
side starts the next life with the reset cause. No virtual time, no plant and no firmware here.
"""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import json
import os
import pty
import queue
import socket
import subprocess
import threading
import time
import tty
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any

from simulator.interpreter import InterpreterMissing, find_interpreter

ROOT = Path(__file__).resolve().parents[1]
HEAP_BYTES = 2 << 20  # of the process; board_main leaves the firmware only board.HEAP_BYTES
CONSOLE_BYTES = 1 << 20
REPLY_S = 120.0
EARLY_DEATHS = 5  # starts in a row that never got as far as "started"


class BoardDied(RuntimeError):
    """The board was reset while the request stood; the next life has begun."""


class BoardBroken(RuntimeError):
    """The board does not start at all; the text ends with its console."""


class FolderInUse(BoardBroken):
    """Another simulator runs on this machine's folder: two on one flash would lose facts."""


class RequestRefused(ValueError):
    """The board's side of the simulator could not do what was asked."""


@dataclass
class Job:
    """What one simulated machine is.

    Args:
        model: "1900", "2900": names the folder boards/coffee_<model>.
        name: the machine's id in topics, `[a-z0-9-]{1,32}`.
        data: folder that keeps flash, plant state and console over restarts.
        mode: "step" (stands still until run), "run" (goes by itself).
        speed: simulated seconds a second in mode "run"; 0: as fast as possible.
        broker: "host:port" of the MQTT broker, or None: no network is attached.
        faults: name → value, standing from the first start.
        config: provisioned into the firmware's settings, beside name and broker.
        files: name → text of files put on its flash, such as the site's CA.
        serial: its UART ends in a pseudo-terminal, Board.serial_port.
        steps: (virtual ms since the first start of this run, request), a scenario.
        firmware: folder of the modules; main: another main.py than the one in it, for tests.
    """

    model: str
    name: str
    data: Path
    seed: int = 1
    mode: str = "step"
    speed: float = 0
    broker: str | None = None
    faults: dict[str, int] = field(default_factory=dict)
    config: dict[str, Any] = field(default_factory=dict)
    files: dict[str, str] = field(default_factory=dict)
    serial: bool = False
    steps: list[tuple[float, dict[str, Any]]] = field(default_factory=list)
    firmware: Path = ROOT / "firmware"
    main: Path | None = None

    @property
    def board(self) -> Path:
        return ROOT / "boards" / f"coffee_{self.model}"

    def uid(self) -> str:
        """Chip id, 16 hex digits, always the same for one name."""
        return "e661" + hashlib.sha256(self.name.encode()).hexdigest()[:12]

    def settings(self) -> dict[str, Any]:
        """What is provisioned into the firmware's configuration."""
        found: dict[str, Any] = {
            "machine": self.name, "wifi_ssid": "simulated", "wifi_key": "simulated-key",
        }
        if self.broker:
            host, _, port = self.broker.rpartition(":")
            found |= {"broker_host": host, "broker_port": int(port)}
        return found | self.config

    def words(self) -> dict[str, Any]:
        """The JSON job board_main.py reads."""
        here = ROOT / "simulator"
        path = [here / "shim", here, self.firmware, self.board, ROOT / "build" / "lib", ".frozen"]
        return {
            "path": [str(p) for p in path], "firmware": str(self.firmware),
            "main": str(self.main or self.firmware / "main.py"),
            "plant": str(self.board / "plant.py"), "data": str(self.data.resolve()),
            "name": self.name, "uid": self.uid(), "seed": self.seed,
            "mode": self.mode, "speed": self.speed,
            "network": self.broker is not None, "serial": None,
            "faults": self.faults, "steps": self.steps,
            "config": self.settings(), "files": self.files,
        }


def serial_pair() -> tuple[int, int]:
    """(board's end, the device's end) of a pseudo-terminal; reads of the board's never wait."""
    board, device = pty.openpty()
    tty.setraw(device)
    os.set_blocking(board, False)
    return board, device


class Board:
    """The running board of a job, over all its lives."""

    def __init__(self, job: Job, on_event: Callable[[dict[str, Any]], None] | None = None) -> None:
        self.job = job
        self.events: list[dict[str, Any]] = []
        self.trace: dict[str, Any] = {}
        self._on_event = on_event
        self._replies: queue.Queue[dict[str, Any] | None] = queue.Queue()
        self._asking = threading.Lock()
        self._asked = 0  # the number of the last request
        self._started = threading.Event()
        self._closing = False
        self._early_deaths = 0
        self._cause = "power"
        self._origin_ms: float | None = None
        self._refusal = ""
        self._steps_done: list[int] = []
        job.data.mkdir(parents=True, exist_ok=True)
        self._console = job.data / "console.log"
        self._thread = threading.Thread(target=self._live, daemon=True, name=job.name)
        self._lock: IO[str] | None = None
        self._process: subprocess.Popen[bytes] | None = None
        self._serial: tuple[int, int] | None = serial_pair() if job.serial else None
        self._line: socket.socket | None = None

    def start(self) -> None:
        """Begins the first life and waits until the firmware's main is about to run.

        Raises:
            FolderInUse: another simulator has this machine's folder.
            BoardBroken: the firmware does not start, or a fault of the job is refused.
            InterpreterMissing: there is no MicroPython.
        """
        find_interpreter()
        self._lock = _lock(self.job)
        self._thread.start()
        if not self._started.wait(60) or self._refusal or self._early_deaths >= EARLY_DEATHS:
            text = self._refusal or f"{self.job.name} does not start:\n{self.console()}"
            self.close()
            raise BoardBroken(text)

    def request(self, do: str, timeout_s: float = REPLY_S, **what: Any) -> dict[str, Any]:
        """One request, one reply.

        Raises:
            BoardDied: a reset came first.
            RequestRefused: unknown name or value; the text is the board's.
            TimeoutError: no reply within `timeout_s`.
        """
        with self._asking:
            if not self._started.wait(60) or self._line is None:
                raise BoardBroken(f"{self.job.name} does not run:\n{self.console()}")
            self._forget_old_replies()
            self._asked += 1
            try:
                asked = json.dumps({"do": do, "n": self._asked, **what})
                self._line.sendall(asked.encode() + b"\n")
            except OSError as e:
                raise BoardDied(self._cause) from e
            try:
                reply = self._replies.get(timeout=timeout_s)
            except queue.Empty:
                raise TimeoutError(
                    f"{self.job.name} did not answer {do!r} within {timeout_s:g} s; is this "
                    "computer very busy? Try again"
                ) from None
        if reply is None:
            raise BoardDied(self._cause)
        if not reply["ok"]:
            raise RequestRefused(reply["error"])
        return reply

    def console(self, characters: int = 4000) -> str:
        """The end of what the firmware printed."""
        if not self._console.exists():
            return ""
        return self._console.read_text(errors="replace")[-characters:]

    @property
    def alive(self) -> bool:
        """False once it was stopped, or came to the end of its scenario."""
        return self._thread.is_alive()

    @property
    def serial_port(self) -> str:
        """The device a gateway opens; it outlives resets of the board."""
        assert self._serial, "made without serial=True"
        return os.ttyname(self._serial[1])

    @property
    def pid(self) -> int | None:
        """Process id of the present life, for tests that kill it."""
        return self._process.pid if self._process else None

    def close(self) -> None:
        """Ends the machine for good; its state file and flash stay."""
        if not self._closing and self._thread.is_alive():
            self._closing = True
            with contextlib.suppress(BoardDied, BoardBroken, RequestRefused, TimeoutError):
                self.request("stop", timeout_s=3)
        if self._process and self._process.poll() is None:
            self._process.kill()
        if self._thread.is_alive():
            self._thread.join(10)
        if self._lock:
            self._lock.close()
        for descriptor in self._serial or ():
            os.close(descriptor)
        self._serial = None

    # --- the lives, one after another
    def _live(self) -> None:
        while not self._closing and self._early_deaths < EARLY_DEATHS:
            self._early_deaths += 1
            try:
                self._one_life()
            except (OSError, InterpreterMissing) as e:
                self._give_up(f"{self.job.name} cannot be started: {e}")
                break
            self._started.clear()
            self._replies.put(None)
        self._started.set()

    def _one_life(self) -> None:
        ours, theirs = socket.socketpair()
        theirs.setblocking(False)
        job = self.job.words() | {"cause": self._cause, "origin_ms": self._origin_ms} | self.trace
        job["steps_done"] = self._steps_done
        if self._origin_ms is not None:
            job["faults"] = {}  # they stand in the state file, unless mended meanwhile
        passed = [theirs.fileno()]
        if self._serial:
            job["serial"] = self._serial[0]
            passed.append(self._serial[0])
        ours.sendall(json.dumps(job).encode() + b"\n")
        self._cause = "power"  # unless the board says so before it dies
        command = [
            *find_interpreter(), "-X", f"heapsize={HEAP_BYTES}",
            str(ROOT / "simulator" / "shim" / "board_main.py"), str(theirs.fileno()),
        ]
        with self._console_file() as log:
            self._process = subprocess.Popen(
                command, stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                pass_fds=passed, start_new_session=True, cwd=self.job.data,
            )
        theirs.close()
        self._line = ours
        with ours, ours.makefile("rb") as lines, contextlib.suppress(OSError):
            for line in lines:
                self._hear(json.loads(line))
        self._process.wait()

    def _give_up(self, why: str) -> None:
        self._refusal = why
        self._started.set()

    def _forget_old_replies(self) -> None:
        with contextlib.suppress(queue.Empty):
            while True:
                self._replies.get_nowait()

    def _hear(self, message: dict[str, Any]) -> None:
        if "event" not in message:
            # no number: the board had no memory to read it; another one: somebody gave up on it
            if message.get("n", self._asked) in (self._asked, None):
                self._replies.put(message)
            return
        if message["event"] == "step_begun":
            self._begin_step(message["number"])
            return
        if message["event"] == "started":
            self._early_deaths = 0
            if self._origin_ms is None:
                self._origin_ms = message["start_ms"]
            self._started.set()
        elif message["event"] == "refused":
            self._give_up(f"{self.job.name}: {message['error']}")
        elif message["event"] == "main_ended" and not self._started.is_set():
            # a module that cannot be imported: no use to try again
            self._give_up(f"{self.job.name} does not start:\n{self.console()}")
        elif message["event"] == "reset":
            self._cause = message["cause"]
        elif message["event"] == "stopped":
            self._closing = True
        message["wall_s"] = time.time()
        self.events.append(message)
        if self._on_event:
            # what it cannot write (a full disk) must not end this machine's life
            with contextlib.suppress(OSError):
                self._on_event(message)

    def _begin_step(self, number: int) -> None:
        """Done with it: the next life neither repeats it nor falls back to the old speed."""
        self._steps_done.append(number)
        request = self.job.steps[number][1]
        if request["do"] == "speed":
            self.job.speed = request["value"]

    def _console_file(self) -> Any:
        if self._console.exists() and self._console.stat().st_size > CONSOLE_BYTES:
            os.replace(self._console, self._console.with_suffix(".old"))
        return self._console.open("ab")


def _lock(job: Job) -> IO[str]:
    """Holds the machine's folder until the returned file is closed or this process ends."""
    try:
        file = (job.data / "simulator.lock").open("a")
    except OSError as e:
        raise BoardBroken(
            f"--data: {job.data} cannot be written ({e.strerror}); give another folder"
        ) from e
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as e:
        file.close()
        raise FolderInUse(
            f"--data: {job.data} is in use by another simulator (a `make run`?); "
            "stop that one or give another folder"
        ) from e
    return file
