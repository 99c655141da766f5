# A reliable line over a port that garbles, loses and repeats: items go one at a time, each again
# until the other side has taken it, so neither side can flood the other. The host speaks first
# and at least once a second; a board that hears no host is silent. docs/serial-line.md
import time

from frames import DATA_ROOM, FrameReader, FrameWriter
from micropython import const

# kinds of frames
_PING = const(0)  # "answer me"
_ACK = const(1)
OPEN = const(2)  # from here on items, in order, each of the connection `conn`
OPENED = const(3)
DATA = const(4)
CLOSE = const(5)

_SILENT_MS = const(5000)  # no frame from the host for so long: it is gone
_AGAIN_MS = const(500)  # an item that was not taken goes again, then ever more patiently
_AGAIN_MAX_MS = const(4000)
_STUCK_MS = const(30000)  # heard, but not taken: the two have lost each other's count
_WRITE = const(64)  # bytes in one slice


class Line:
    # port: read(chunk) and write(view), both at once and with a count.  epoch: 1…65535, another
    # one after each start, so that nothing of an old life is taken for new.
    def __init__(self, port, epoch):
        self._port = port
        self._me = epoch
        self._peer = 0  # the host's epoch, 0: never heard
        self._writer = FrameWriter()
        self._view = memoryview(self._writer.out)
        self._reader = FrameReader()
        self._chunk = bytearray(port.CHUNK)
        self._at = self._end = 0  # what of the chunk is not yet looked at
        self._sent = self._size = 0  # what of the frame is not yet out
        self._item = bytearray(DATA_ROOM)
        self._came = bytearray(DATA_ROOM)
        self.data = memoryview(self._came)
        self._heard_at = time.ticks_ms()
        self.lives = 0  # counts the times when both sides began anew
        self.resent = 0
        self._begin()

    def _begin(self):
        # nothing that was under way goes on
        self.lives += 1
        self._out = 0  # kind of the item on its way, 0: none
        self._seq = self._next = 0
        self._owes = False
        self.kind = 0  # of the item that has come, 0: none
        self.conn = self.n = 0

    # --- asked by the connection
    def up(self, now):
        return self._peer != 0 and time.ticks_diff(now, self._heard_at) < _SILENT_MS

    def free(self):
        return not self._out

    def send(self, kind, conn, data, n, now):
        # only when free(); data: its first n bytes, at most DATA_ROOM
        if n:
            self._item[:n] = data[:n]
        self._n = n
        self._out_conn = conn
        self._out = kind
        self._due = self._since = now
        self._pause_ms = 0

    def taken(self):
        # the item that has come is used up: the next may come
        self.kind = 0
        self._next = self._next + 1 & 0xFF
        self._owes = True

    # --- one slice
    def step(self, now):
        self._receive(now)
        up = self.up(now)
        if not up:
            # said anew each time: ticks would take a host that left a week ago for one to come
            self._heard_at = time.ticks_add(now, -_SILENT_MS)
            self._since = now  # nobody there: not stuck
        if self._sent < self._size:
            self._write()
        elif up:
            self._say(now)

    def _receive(self, now):
        # at most one read and one frame
        if self._at == self._end:
            self._at = 0
            self._end = self._port.read(self._chunk)
        if self._at < self._end:
            self._at = self._reader.feed(self._chunk, self._at, self._end)
            if self._reader.whole:
                self._understand(self._reader, now)

    def _understand(self, frame, now):
        if not frame.src:
            return
        self._heard_at = now
        if frame.src != self._peer:
            if self._peer:
                self._renew()  # so that the other side certainly begins anew, too
            self._peer = frame.src
            self._begin()
        if frame.dst != self._me or frame.kind == _PING:
            self._owes = True
        if frame.dst == self._me:
            self._take(frame)

    def _renew(self):
        # in steps of another kind than from start to start: the next life must not have this epoch
        self._me = (self._me + 257) % 65536 or 1

    def _take(self, frame):
        if self._out and frame.ack == self._seq + 1 & 0xFF:
            self._out = 0
            self._seq = frame.ack
        if frame.kind < OPEN:
            return
        if frame.seq != self._next:
            self._owes = True  # we have it: our word got lost
        elif not self.kind:
            self.kind = frame.kind
            self.conn = frame.conn
            self.n = n = frame.n
            self._came[:n] = frame.data[:n]

    def _say(self, now):
        if self._out and time.ticks_diff(now, self._since) >= _STUCK_MS:
            self._renew()
            self._begin()
            self._owes = True
        if self._out and time.ticks_diff(now, self._due) >= 0:
            self._again(now)
            self._put(self._out, self._out_conn, self._n)
        elif self._owes:
            self._put(_ACK, 0, 0)

    def _again(self, now):
        if self._pause_ms:
            self.resent += 1
        self._pause_ms = min(self._pause_ms * 2, _AGAIN_MAX_MS) or _AGAIN_MS
        self._due = time.ticks_add(now, self._pause_ms)

    def _put(self, kind, conn, n):
        self._owes = False
        self._size = self._writer.put(kind, conn, self._me, self._peer, self._seq, self._next,
                                      self._item, n)
        self._sent = 0
        self._write()

    def _write(self):
        end = min(self._size, self._sent + _WRITE)
        self._sent += self._port.write(self._view[self._sent : end])
