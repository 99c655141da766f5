"""MicroPython's raw REPL over the emulated console, in simulated time."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from simulator.emulated.board import EmulatedBoard

INTERRUPT, RAW, END, NORMAL = b"\x03", b"\x01", b"\x04", b"\x02"
ENTER_MS = 3000


class ReplError(RuntimeError):
    """The board raised, or gave no answer in time; the text is what it said."""


class _Reader:
    def __init__(self, board: EmulatedBoard) -> None:
        self._board = board
        self._from = len(board.console())

    def until(self, mark: bytes, ms: float) -> bytes:
        """What came up to a mark, which is taken off."""

        def there() -> bool:
            return board.console().find(mark, self._from) >= 0

        board = self._board
        if not board.run_until(there, ms, step_ms=2):
            raise ReplError(f"no {mark!r} within {ms:g} ms; the console says "
                            f"{board.console()[self._from:][-500:]!r}")
        end = board.console().find(mark, self._from)
        got = board.console()[self._from:end]
        self._from = end + len(mark)
        return got


def run(board: EmulatedBoard, code: str, ms: float) -> str:
    """See EmulatedBoard.exec()."""
    read = _Reader(board)
    board.type(b"\r" + INTERRUPT + INTERRUPT)
    board.run(20)
    board.type(b"\r" + RAW)
    read.until(b"raw REPL; CTRL-B to exit\r\n>", ENTER_MS)
    board.type(code.encode() + END)
    read.until(b"OK", ENTER_MS)
    out = read.until(END, ms)
    error = read.until(END + b">", ENTER_MS)
    board.type(NORMAL)
    if error:
        raise ReplError(error.decode(errors="replace"))
    return out.decode(errors="replace").replace("\r\n", "\n")
