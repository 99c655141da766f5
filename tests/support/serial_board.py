"""A board on a serial port: the real MicroPython and a real littlefs behind a pseudo-terminal.

It starts as a board does (boot.py, main.py, prompt) and mpremote does to it what it does to a Pico
over USB. `machine.reset()` and power cuts end the process; the next one finds the flash as it was
left. No pins, no tick, no watchdog: the simulator and the emulated board have those.
"""

from __future__ import annotations

import contextlib
import os
import pty
import shutil
import subprocess
import termios
import threading
import tty
from pathlib import Path

from simulator.interpreter import find_interpreter

HERE = Path(__file__).parent
SHIM = HERE.parents[1] / "simulator" / "shim"


class SerialBoard:
    """`port` is the device to give to mpremote, `image` the file that is its flash."""

    def __init__(self, folder: Path) -> None:
        self.image = folder / "flash.bin"
        library = folder / "lib"
        library.mkdir(parents=True)
        for name in ("machine", "start"):
            shutil.copy(HERE / "on_pty" / f"{name}.py", library)
        for name in ("flash", "kernel", "life"):
            shutil.copy(SHIM / f"{name}.py", library)
        self._library = library
        self.boots = 0
        self.fails_at = 0  # flash operation of the next life in which the power fails; 0: none
        self._master, self._slave = pty.openpty()
        tty.setraw(self._slave)
        self.port = os.ttyname(self._slave)
        self._closing = False
        self._process: subprocess.Popen[bytes] | None = None
        self._thread = threading.Thread(target=self._keep_running, daemon=True)
        self._thread.start()

    def _keep_running(self) -> None:
        while not self._closing:
            termios.tcflush(self._slave, termios.TCIFLUSH)  # what the life before said is gone
            self.boots += 1
            environment = {
                **os.environ, "MICROPYPATH": f"{self._library}:.frozen", "MICROPYINSPECT": "1",
                "BOARD_FLASH": str(self.image), "BOARD_BOOT": str(self.boots),
                "BOARD_FAILS_AT": str(self.fails_at),
            }
            self.fails_at = 0
            self._process = subprocess.Popen(
                [*find_interpreter(), "-X", "heapsize=4M", str(self._library / "start.py")],
                cwd=self._library, env=environment,
                stdin=self._master, stdout=self._master, stderr=self._master,
            )
            self._process.wait()

    def power_cycle(self) -> None:
        """Off and on."""
        assert self._process
        self._process.kill()

    def close(self) -> None:
        self._closing = True
        if self._process:
            self._process.kill()
        self._thread.join(10)
        for descriptor in (self._master, self._slave):
            with contextlib.suppress(OSError):
                os.close(descriptor)
