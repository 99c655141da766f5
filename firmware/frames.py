# Frames on a serial line that a console may share (docs/serial-line.md). A frame stands between
# two END bytes and holds no control character, so no Ctrl-C and no newline hides in it; END and
# ESC occur in no UTF-8 text. Whatever lies between two ENDs and does not check is no frame.
# Pure: no port, no time, no numbers of frames (line.py).
from array import array
from binascii import crc32

import micropython
from micropython import const

END = const(0xC0)
DATA_ROOM = const(128)
HEAD = const(8)  # kind, conn, src, dst (16 bits each), seq, ack
_TAIL = const(4)  # CRC-32 of all before
_ROOM = const(140)  # HEAD + DATA_ROOM + _TAIL
_STUFFED_ROOM = const(282)  # every byte escaped, and two ENDs

# words of a reader's state
_N = const(0)
_ESCAPED = const(1)
_BAD = const(2)
_ENDED = const(3)


@micropython.viper
def _stuff(to: ptr8, at: int, source: ptr8, n: int) -> int:
    i = 0
    while i < n:
        b = int(source[i])
        if b < 0x20 or b == 0x7F or b == 0xC0 or b == 0xC1:
            to[at] = 0xC1
            at += 1
            b ^= 0x40
        to[at] = b
        at += 1
        i += 1
    return at


@micropython.viper
def _unstuff(to: ptr8, state: ptr32, chunk: ptr8, at: int, end: int) -> int:
    # up to the next END; returns where it stopped
    n = state[0]
    while at < end:
        b = int(chunk[at])
        at += 1
        if b == 0xC0:
            state[3] = 1
            break
        if b < 0x20 or b == 0x7F:
            state[2] = 1
        elif b == 0xC1:
            if state[1]:
                state[2] = 1
            state[1] = 1
        elif n < 140:  # _ROOM
            to[n] = b ^ 0x40 if state[1] else b
            state[1] = 0
            n += 1
        else:
            state[2] = 1
    state[0] = n
    return at


class FrameWriter:
    def __init__(self):
        self._bare = bytearray(_ROOM)
        self._view = memoryview(self._bare)
        self.out = bytearray(_STUFFED_ROOM)

    def put(self, kind, conn, src, dst, seq, ack, data, n):
        # data: of which the first n bytes go along, at most DATA_ROOM. Returns how much of `out`
        # is to be sent.
        b = self._bare
        b[0] = kind
        b[1] = conn
        b[2] = src >> 8
        b[3] = src & 0xFF
        b[4] = dst >> 8
        b[5] = dst & 0xFF
        b[6] = seq
        b[7] = ack
        if n:
            self._view[HEAD : HEAD + n] = memoryview(data)[:n]
        n += HEAD
        crc = crc32(self._view[:n])
        for shift in (24, 16, 8, 0):
            b[n] = crc >> shift & 0xFF
            n += 1
        out = self.out
        out[0] = END
        n = _stuff(out, 1, b, n)
        out[n] = END
        return n + 1


class FrameReader:
    # After a feed() that left `whole` true: kind, conn, src, dst, seq, ack, data[:n].
    def __init__(self):
        self._bare = bytearray(_ROOM)
        self._view = memoryview(self._bare)
        self.data = self._view[HEAD:]
        self._state = array("i", [0] * 4)
        self.whole = False

    def feed(self, chunk, at, end):
        # Takes chunk[at:end] up to the next END; returns where it stopped.
        self.whole = False
        at = _unstuff(self._bare, self._state, chunk, at, end)
        if self._state[_ENDED]:
            self._ended()
        return at

    def _ended(self):
        state = self._state
        n = state[_N]
        spoilt = state[_BAD] or state[_ESCAPED]
        for k in range(4):
            state[k] = 0
        if spoilt or n < HEAD + _TAIL or not self._checks(n - _TAIL):
            return
        b = self._bare
        self.kind = b[0]
        self.conn = b[1]
        self.src = b[2] << 8 | b[3]
        self.dst = b[4] << 8 | b[5]
        self.seq = b[6]
        self.ack = b[7]
        self.n = n - HEAD - _TAIL
        self.whole = True

    def _checks(self, n):
        b = self._bare
        crc = crc32(self._view[:n])
        return crc >> 16 == b[n] << 8 | b[n + 1] and crc & 0xFFFF == b[n + 2] << 8 | b[n + 3]
