"""Keeps what a child process prints, in files that cannot grow without bound.

A part may run for months in one life, so its own end is no time to clean up: the newest words
stand in LOG, what came before in LOG.1 to LOG.3.
"""

from __future__ import annotations

import contextlib
import logging
import threading
from logging.handlers import RotatingFileHandler
from pathlib import Path
from typing import IO, Final

FILE_BYTES: Final = 1 << 20
OLDER_FILES: Final = 3
LINE_BYTES: Final = 8192
"""A longer line comes in pieces: one without an end must not fill the memory."""
DRAIN_S: Final = 2.0
"""For the last words; a grandchild that lives on may hold the pipe open."""


class _Files(RotatingFileHandler):
    terminator = ""

    def handleError(self, record: logging.LogRecord) -> None:
        """A full disk must neither stop the part nor fill the terminal."""


class PartLog:
    """Copies `pipe` into the files at `path` until the pipe ends."""

    def __init__(self, pipe: IO[bytes], path: Path) -> None:
        self._pipe = pipe
        self._files = _Files(
            path, maxBytes=FILE_BYTES, backupCount=OLDER_FILES, encoding="utf-8", delay=True
        )
        self._thread = threading.Thread(target=self._copy, daemon=True, name=path.name)
        self._thread.start()

    def drain(self) -> None:
        """Waits until all is in the file that an ended part has said."""
        self._thread.join(DRAIN_S)

    def _copy(self) -> None:
        with self._pipe, contextlib.suppress(OSError), contextlib.closing(self._files):
            while line := self._pipe.readline(LINE_BYTES):
                text = line.decode("utf-8", "backslashreplace")
                self._files.handle(logging.makeLogRecord({"msg": text}))
