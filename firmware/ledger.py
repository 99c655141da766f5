# Which commands were taken and what was answered: the same id gets the same reply and no second
# action, over a reset too. An id stands on flash before its command acts. Keeps at least the last
# KEPT commands (at most twice as many), in two segments of which the older goes.
# Does not know what commands mean.
from segments import Segments, seal, unseal

KEPT = 64
_OPEN = b"-"  # accepted, not answered yet
_RAM_MAX = 16  # answers that wait for the end of a shot to be written


class Ledger:
    def __init__(self):
        # on the board the root is on sys.path: a folder named like a module would hide it
        self._logs = Segments("ledger.d")
        self._where = {}  # id -> segment and offset of its last line
        self._tail = 1  # segment that takes the next line
        self._count = 0  # ids in it
        self._doing = set()  # accepted in this boot and still being carried out
        self.waiting = {}  # id -> reply, to be written when the flash may be
        for start in self._logs.starts:
            self._tail = start
            self._read(start)

    def _read(self, start):
        ids = set()
        body = b""
        for offset, line in self._logs.lines(start):
            body = unseal(line)
            if body is not None:
                name = body[: body.find(b" ")].decode()
                ids.add(name)
                self._where[name] = (start, offset)
        self._count = len(ids)
        if body is None:
            self._begin_segment()  # bad flash at the end: nothing is written behind it

    # --- asking
    def find(self, name):
        # None: never seen (or long ago).  b"": being carried out.  b"-": accepted in an earlier
        # boot which ended before the answer was written.  Else the reply.
        if name in self._doing:
            return b""
        if name in self.waiting:
            return self.waiting[name]
        if name not in self._where:
            return None
        start, offset = self._where[name]
        for _, line in self._logs.lines(start, offset):
            body = unseal(line)
            return _OPEN if body is None else body[body.find(b" ") + 1 :]
        return _OPEN

    @property
    def full(self):
        # too many answers wait for the flash: take no command that must be remembered
        return len(self.waiting) >= _RAM_MAX

    def hold(self, name):
        # it waits for the end of a shot; a second delivery finds it being carried out
        self._doing.add(name)

    # --- writing to flash; only when it may be
    def begin(self, name, reply=None):
        # Accepts an id before its command acts. reply (bytes): the answer it gets if the board is
        # reset while acting; None: it was interrupted and nobody was told anything.
        self._write(name, reply or _OPEN)
        self._doing.add(name)

    def finish(self, name, reply, same=False):
        # same: reply is what begin() has written already
        if not same:
            self._write(name, reply)
        self._doing.discard(name)

    def flush(self):
        for name in list(self.waiting):
            self._write(name, self.waiting[name])
            del self.waiting[name]

    def later(self, name, reply):
        # remembered in RAM until flush()
        self._doing.discard(name)
        self.waiting[name] = reply

    def _write(self, name, reply):
        known = name in self._where
        if self._count >= KEPT and not known:
            self._begin_segment()
        line = seal(name.encode() + b" " + reply)
        try:
            offset = self._logs.size(self._tail)
            self._logs.write(self._tail, (line,))
        except OSError:
            self._begin_segment()  # nobody knows what is at its end now
            raise
        self._where[name] = (self._tail, offset)
        self._count += not known
        self._drop_old()

    def _begin_segment(self):
        self._tail += 1
        self._count = 0

    def _drop_old(self):
        starts = self._logs.starts
        while len(starts) > 2:
            gone = starts[0]
            self._logs.drop(gone)
            for name in [n for n in self._where if self._where[n][0] == gone]:
                del self._where[name]
