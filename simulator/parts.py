"""Child processes that make up the demo: started on a leash, watched, stopped in order.

Knows processes and nothing of coffee; demo.py says which parts there are.
"""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from simulator.part_log import PartLog

STOP_S = 6.0
LOG_TAIL = 12


class PartFailed(RuntimeError):
    """A part did not become healthy; the text carries the end of its log."""


@dataclass
class Part:
    """One child process. `healthy` is asked until it says yes; its output goes to `log`, the
    older of it to `log`.1 and so on (part_log.py)."""

    name: str
    arguments: list[str]
    log: Path
    healthy: Callable[[], bool]
    restarts: int = 0
    _process: subprocess.Popen[bytes] | None = field(default=None, repr=False)
    _keeper: PartLog | None = field(default=None, repr=False)

    def start(self) -> None:
        self.stop()  # what an earlier life left; it would go on writing into the same log
        self.log.parent.mkdir(parents=True, exist_ok=True)
        self.log.touch()
        command = [sys.executable, "-m", "simulator.leash", str(os.getpid()), *self.arguments]
        # Its own session: Ctrl-C in the terminal reaches the demo alone, which stops in order.
        self._process = subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
            start_new_session=True,
        )
        assert self._process.stdout
        self._keeper = PartLog(self._process.stdout, self.log)

    @property
    def pid(self) -> int | None:
        return self._process.pid if self._process else None

    def ended(self) -> int | None:
        """The exit code once it has ended (negative: the signal), None while it runs."""
        return self._process.poll() if self._process else None

    def wait_healthy(self, timeout_s: float) -> None:
        """Return once the part is up.

        Raises:
            PartFailed: it ended, or was not healthy within `timeout_s`.
        """
        deadline = time.monotonic() + timeout_s
        while not self.healthy():
            code = self.ended()
            if code is not None:
                raise PartFailed(f"{self.name} stopped ({outcome(code)})\n{self.tail()}")
            if time.monotonic() > deadline:
                raise PartFailed(f"{self.name} is not up after {timeout_s:.0f} s\n{self.tail()}")
            time.sleep(0.1)

    def stop(self) -> None:
        """Ask politely, then insist; returns when nothing of the part is left."""
        process = self._process
        if process is None:
            return
        if process.poll() is None:
            process.terminate()
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(STOP_S)
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()
        self._drain()
        self._process = None

    def _drain(self) -> None:
        if self._keeper:
            self._keeper.drain()

    def tail(self) -> str:
        if self.ended() is not None:
            self._drain()
        if not self.log.exists():
            return f"(no log at {self.log})"
        lines = self.log.read_text(errors="replace").splitlines()[-LOG_TAIL:]
        return "\n".join([*(f"  {line}" for line in lines), f"  whole log: {self.log}"])


def outcome(code: int) -> str:
    return f"signal {signal.Signals(-code).name}" if code < 0 else f"exit code {code}"


def port_free(port: int, host: str = "127.0.0.1") -> bool:
    """Whether one could listen on TCP `port` (1…65535) of this machine."""
    return listening_error(port, host) is None


def listening_error(port: int, host: str = "127.0.0.1") -> OSError | None:
    """Why one could not listen on TCP `port` (1…65535) of `host`, None where one could."""
    with socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError as error:
            return error
        except UnicodeError as error:
            return OSError(str(error))
    return None


def port_answers(port: int) -> bool:
    with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 0.5):
        return True
    return False
