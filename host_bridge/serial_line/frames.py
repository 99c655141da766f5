"""Frames on a line that they share with console text. Pure.

A frame is END, its escaped bytes, END. Escaped it holds no control character and no byte above
0xC1, so a prompt that gets one sees letters without a return, and text is never taken for one.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from enum import IntEnum
from struct import Struct
from typing import Final
from zlib import crc32

END: Final = 0xC0
ESC: Final = 0xC1
FLIP: Final = 0x40
DATA_ROOM: Final = 128
"""Bytes of data in one frame, at most."""

_HEAD: Final = Struct(">BBHHBB")
_TAIL: Final = Struct(">I")
_TO_ESCAPE: Final = re.compile(rb"[\x00-\x1f\x7f\xc0\xc1]")
_ESCAPED: Final = re.compile(rb"\xc1(.)", re.DOTALL)
_CONTROL: Final = re.compile(rb"[\x00-\x1f\x7f]")
_LONGEST: Final = 2 * (_HEAD.size + DATA_ROOM + _TAIL.size)


class Kind(IntEnum):
    PING = 0
    ACK = 1
    OPEN = 2
    """From here on items: they go in order, each of the connection `conn`."""
    OPENED = 3
    DATA = 4
    CLOSE = 5


@dataclass(frozen=True)
class Frame:
    """`src`, `dst`: epochs (1…65535) of the two lives; `ack`: seq of the item wanted next."""

    kind: int
    conn: int
    src: int
    dst: int
    seq: int
    ack: int
    data: bytes = b""

    def encode(self) -> bytes:
        bare = _HEAD.pack(self.kind, self.conn, self.src, self.dst, self.seq, self.ack) + self.data
        bare += _TAIL.pack(crc32(bare))
        stuffed = _TO_ESCAPE.sub(lambda found: bytes((ESC, found[0][0] ^ FLIP)), bare)
        return bytes((END,)) + stuffed + bytes((END,))


class Decoder:
    """Feed it what comes; it gives frames and, as bytes, what was said between them."""

    def __init__(self) -> None:
        self._open = b""

    def feed(self, came: bytes) -> Iterator[Frame | bytes]:
        *whole, self._open = (self._open + came).split(bytes((END,)))
        for piece in whole:
            if piece:
                yield _decode(piece) or piece
        if _CONTROL.search(self._open) or len(self._open) > _LONGEST:
            yield self._open  # this can be no frame any more, and a person waits for it
            self._open = b""


def _decode(stuffed: bytes) -> Frame | None:
    if _CONTROL.search(stuffed):
        return None
    bare = _ESCAPED.sub(lambda found: bytes((found[1][0] ^ FLIP,)), stuffed)
    if not _HEAD.size + _TAIL.size <= len(bare) <= _LONGEST // 2:
        return None
    body, tail = bare[: -_TAIL.size], bare[-_TAIL.size :]
    if _TAIL.unpack(tail)[0] != crc32(body):
        return None
    kind, conn, src, dst, seq, ack = _HEAD.unpack_from(body)
    return Frame(kind, conn, src, dst, seq, ack, body[_HEAD.size :])
