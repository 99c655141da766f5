"""Items in order over a line that garbles, loses and repeats. Pure: time comes as an argument.

One item each way at a time, again until the other side has taken it: so neither floods the other.
The host's side speaks first and pings once a second; a board that hears no host is silent.
"""

from __future__ import annotations

import secrets
from dataclasses import dataclass, replace
from typing import Final

from host_bridge.serial_line.frames import Decoder, Frame, Kind

PING_S: Final = 1.0
AGAIN_S: Final = 0.5
AGAIN_MAX_S: Final = 4.0
STUCK_S: Final = 30.0
"""The board is heard but takes nothing: the two have lost each other's count."""
SILENT_S: Final = 15.0


@dataclass(frozen=True)
class Began:
    """The board began anew: no connection of before goes on."""


@dataclass(frozen=True)
class Text:
    """Console output, or noise."""

    raw: bytes


class Channel:
    """The board's items show in `item` until `taken()`; ours go with `offer()` when `free`."""

    def __init__(self, now_s: float) -> None:
        self._decoder = Decoder()
        self._me = _epoch()
        self._peer = 0
        self._ping_at = now_s
        self._heard_at = now_s
        self.resent = 0
        self._begin()

    def _begin(self) -> None:
        self._out: Frame | None = None
        self._seq = self._next = 0
        self._owes = False
        self.item: Frame | None = None

    @property
    def free(self) -> bool:
        return self._out is None

    def silent(self, now_s: float) -> bool:
        return now_s - self._heard_at > SILENT_S

    def offer(self, kind: Kind, conn: int, data: bytes, now_s: float) -> None:
        """Only when free; at most DATA_ROOM bytes."""
        assert self._out is None
        self._out = Frame(kind, conn, self._me, self._peer, self._seq, 0, data)
        self._due = self._since = now_s
        self._pause_s = 0.0

    def taken(self) -> None:
        """The item is used up: the next may come."""
        self.item = None
        self._next = (self._next + 1) & 0xFF
        self._owes = True

    def feed(self, came: bytes, now_s: float) -> list[Began | Text]:
        """What happened beside items and acknowledgements."""
        found: list[Began | Text] = []
        for piece in self._decoder.feed(came):
            if isinstance(piece, bytes):
                found.append(Text(piece))
            elif piece.src and self._understand(piece, now_s):
                found.append(Began())
        return found

    def _understand(self, frame: Frame, now_s: float) -> bool:
        self._heard_at = now_s
        began = frame.src != self._peer
        if began:
            self._peer = frame.src
            self._begin()
        if frame.dst != self._me or frame.kind == Kind.PING:
            self._owes = True
        if frame.dst == self._me:
            self._take(frame)
        return began

    def _take(self, frame: Frame) -> None:
        if self._out and frame.ack == (self._seq + 1) & 0xFF:
            self._out = None
            self._seq = frame.ack
        if frame.kind < Kind.OPEN:
            return
        if frame.seq != self._next:
            self._owes = True
        elif self.item is None:
            self.item = frame

    def due(self, now_s: float) -> tuple[bytes, bool]:
        """What is to be written now, and whether we began anew because nothing was taken."""
        began = self._is_stuck(now_s)
        if began:
            self._me = _epoch()
            self._begin()
        if self._out and now_s >= self._due:
            if self._pause_s:
                self.resent += 1
            self._pause_s = min(self._pause_s * 2, AGAIN_MAX_S) or AGAIN_S
            self._due = now_s + self._pause_s
            return self._say(self._out, now_s), began
        if now_s >= self._ping_at:
            return self._say(Frame(Kind.PING, 0, 0, 0, 0, 0), now_s), began
        if self._owes:
            return self._say(Frame(Kind.ACK, 0, 0, 0, 0, 0), now_s), began
        return b"", began

    def _is_stuck(self, now_s: float) -> bool:
        if self._out is None:
            return False
        if now_s - self._heard_at > AGAIN_MAX_S:
            self._since = now_s  # nobody there: not stuck
        return now_s - self._since > STUCK_S

    def _say(self, frame: Frame, now_s: float) -> bytes:
        self._owes = False
        if frame.kind == Kind.PING:
            self._ping_at = now_s + PING_S
        return replace(
            frame, src=self._me, dst=self._peer, seq=self._seq, ack=self._next
        ).encode()

    def wait_s(self, now_s: float) -> float:
        """How long nothing is due unless something comes."""
        if self._owes:
            return 0.0
        until = min(self._ping_at, self._due) if self._out else self._ping_at
        return max(until - now_s, 0.0)


def _epoch() -> int:
    return secrets.randbelow(65535) + 1
