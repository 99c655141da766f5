"""The emulated board's console as a tty: what mpremote, pyserial and a terminal take for a board.

The board runs in a thread of its own as long as the tty is open; nobody else may touch it then,
except through `with console.held:`.
"""

from __future__ import annotations

import os
import pty
import threading
import time
import tty
from pathlib import Path
from types import TracebackType

from simulator.emulated.board import EmulatedBoard

SLICE_MS = 5


class Console:
    """with Console(board, link=Path("build/board")) as path: …

    Args:
        link: a symlink to the tty, so that its name is known beforehand.
        speed: simulated seconds a second at most; 0: as fast as it goes. Busy code is slower than
            real time (about 1/50), idling faster.

    Attributes:
        path: of the tty.
        held: a lock; whoever has it may use the board between two slices.
        error: what ended the board's thread, if anything did.
    """

    def __init__(
        self, board: EmulatedBoard, link: Path | None = None, speed: float = 1.0
    ) -> None:
        self.board = board
        self.held = threading.Lock()
        self.error: BaseException | None = None
        self._link = link
        self._speed = speed
        self._master, self._slave = pty.openpty()
        tty.setraw(self._slave)
        os.set_blocking(self._master, False)
        self.path = os.ttyname(self._slave)
        self._unread = bytearray()
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._live, name="emulated board", daemon=True)

    def __enter__(self) -> str:
        self.open()
        return str(self._link or self.path)

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def open(self) -> None:
        """Plugs the cable in: the board begins to run."""
        if self._link:
            self._link.parent.mkdir(parents=True, exist_ok=True)
            self._link.unlink(missing_ok=True)
            self._link.symlink_to(self.path)
        self.board.on_text = self._unread.extend
        self._thread.start()

    def close(self) -> None:
        """Stops the board between two slices and takes the tty away."""
        self._over.set()
        self._thread.join()
        self.board.on_text = lambda data: None
        if self._link:
            self._link.unlink(missing_ok=True)
        os.close(self._master)
        os.close(self._slave)

    def wait(self) -> None:
        """Until the board's thread ends."""
        while self._thread.is_alive():
            self._thread.join(0.2)

    def _live(self) -> None:
        try:
            begun, first_us = time.monotonic(), self.board.now_us
            while not self._over.is_set():
                self._slice()
                if self._speed:
                    ahead = (self.board.now_us - first_us) / 1e6 / self._speed
                    ahead -= time.monotonic() - begun
                    if ahead > 0:
                        time.sleep(min(ahead, 0.02))
                    elif ahead < -1:  # it cannot keep up: do not run after the lost time later
                        begun, first_us = time.monotonic(), self.board.now_us
        except BaseException as error:
            self.error = error
            raise

    def _slice(self) -> None:
        with self.held:
            if not self.board.powered:
                time.sleep(0.01)
                return
            typed = self._typed()
            if typed:
                self.board.type(typed)
            self.board.run(SLICE_MS)
            self._show()

    def _typed(self) -> bytes:
        try:
            return os.read(self._master, 4096)
        except (BlockingIOError, OSError):
            return b""

    def _show(self) -> None:
        try:
            while self._unread:
                del self._unread[: os.write(self._master, self._unread)]
        except BlockingIOError:
            pass  # nobody reads: a real cable would hold the board's output back, too
        if len(self._unread) > 1 << 20:
            del self._unread[: 1 << 19]
