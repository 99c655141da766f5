"""A board on a serial port: the real MicroPython REPL behind a pseudo-terminal.

Its flash is a folder. Lets mpremote do what it does to a Pico over USB. `machine.reset()`
starts the interpreter anew. The pins and the tick are not here; the simulator has those.
"""

from __future__ import annotations

import contextlib
import os
import pty
import subprocess
import threading
import tty
from pathlib import Path

from simulator.interpreter import find_interpreter

MACHINE = "def reset():\n    raise SystemExit\n"


class SerialBoard:
    """`port` is the device to give to mpremote, `flash` the folder that stands for its flash."""

    def __init__(self, folder: Path) -> None:
        self.flash = folder / "flash"
        library = folder / "lib"
        for made in (self.flash, library):
            made.mkdir(parents=True)
        (library / "machine.py").write_text(MACHINE)
        self.boots = 0
        self.held: list[bool] = []  # was the file `hold` there, at each boot
        self._environment = {**os.environ, "MICROPYPATH": f":{library}:.frozen"}
        self._master, self._slave = pty.openpty()
        tty.setraw(self._slave)
        self.port = os.ttyname(self._slave)
        self._closing = False
        self._process: subprocess.Popen[bytes] | None = None
        self._thread = threading.Thread(target=self._keep_running, daemon=True)
        self._thread.start()

    def _keep_running(self) -> None:
        while not self._closing:
            self.boots += 1
            self.held.append((self.flash / "hold").exists())
            self._process = subprocess.Popen(
                find_interpreter(), cwd=self.flash, env=self._environment,
                stdin=self._master, stdout=self._master, stderr=self._master,
            )
            self._process.wait()

    def close(self) -> None:
        self._closing = True
        if self._process:
            self._process.kill()
        self._thread.join(10)
        for descriptor in (self._master, self._slave):
            with contextlib.suppress(OSError):
                os.close(descriptor)
