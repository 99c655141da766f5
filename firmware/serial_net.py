# The way to the broker over a serial line: what net.py is for Wi-Fi, with one connection, to
# wherever the gateway at the other end leads. Looks to link.py as lwIP's sockets do.
import errno
import io

from frames import DATA_ROOM
from line import CLOSE, DATA, OPEN, OPENED
from micropython import const

_POLLIN = const(1)
_POLLOUT = const(4)
_POLLERR = const(8)
_POLLHUP = const(16)
_POLL = const(3)  # ioctl requests of a stream
_CLOSE = const(4)

# a connection's states
_SHUT = const(0)  # by either side
_OPENING = const(1)
_OPEN = const(2)


class SerialNet:
    # line: line.Line
    linger_ms = 0  # a closed connection leaves nothing behind

    def __init__(self, line):
        self._line = line
        self._lives = line.lives
        self._conn = 0  # number of the connection, so that a late word about another is none
        self._wish = 0  # OPEN or CLOSE, as soon as the line is free
        self._got = 0
        self._state = _SHUT
        self._now = 0
        self.up = False

    def step(self, now):
        # one slice; returns whether a gateway is there
        line = self._line
        self._now = now
        line.step(now)
        self.up = line.up(now)
        if self._lives != line.lives or not self.up:
            self._lives = line.lives
            self._wish = 0
            self._state = _SHUT
        if line.kind:
            self._hear(line)
        if self._wish and line.free():
            line.send(self._wish, self._conn, b"", 0, now)
            self._wish = 0
        return self.up

    def _hear(self, line):
        if line.conn == self._conn:
            if line.kind == DATA and self._state == _OPEN:
                return  # stays until it is read
            if line.kind == OPENED and self._state == _OPENING:
                self._state = _OPEN
            elif line.kind == CLOSE:
                self._state = _SHUT
        line.taken()

    # --- where names are asked for, and sockets made: the gateway knows where the broker is
    def address(self, host, port):
        return (host, port)

    def failed(self):
        pass

    worked = failed

    def socket(self):
        return Socket(self)

    # --- of the one connection
    def open(self):
        if not self.up:
            raise OSError(errno.EHOSTUNREACH)
        self._conn = self._conn % 255 + 1
        self._wish = OPEN
        self._got = 0
        self._state = _OPENING

    def close(self):
        if self._state == _OPENING or self._state == _OPEN:
            self._wish = CLOSE
        self._state = _SHUT

    def events(self):
        if self._state == _OPEN:
            return (_POLLIN if self._line.kind else 0) | (_POLLOUT if self._line.free() else 0)
        return 0 if self._state == _OPENING else _POLLIN | _POLLERR | _POLLHUP

    def put(self, view):
        # how much was taken, None: nothing now
        if self._state != _OPEN:
            raise OSError(errno.ECONNRESET)
        if not self._line.free():
            return None
        n = min(len(view), DATA_ROOM)
        self._line.send(DATA, self._conn, view, n, self._now)
        return n

    def get(self, buf, room):
        # 0: the other side has ended it, None: nothing now
        line = self._line
        if self._state != _OPEN:
            return None if self._state == _OPENING else 0
        if line.kind != DATA:
            return None
        n = min(room, line.n - self._got)
        buf[:n] = line.data[self._got : self._got + n]
        self._got += n
        if self._got == line.n:
            self._got = 0
            line.taken()
        return n


class Socket(io.IOBase):
    def __init__(self, net):
        self._net = net

    def setblocking(self, on):
        pass  # nothing here ever waits

    def connect(self, address):
        self._net.open()
        raise OSError(errno.EINPROGRESS)

    def write(self, buf, at=0, n=None):
        end = len(buf) if n is None else at + n
        return self._net.put(memoryview(buf)[at:end])

    def readinto(self, buf, n=-1):
        return self._net.get(buf, len(buf) if n < 0 else n)

    def read(self, n):
        buf = bytearray(n)
        got = self.readinto(buf)
        return None if got is None else bytes(buf[:got])

    def close(self):
        self._net.close()

    def ioctl(self, request, arg):
        if request == _POLL:
            return self._net.events() & (arg | _POLLERR | _POLLHUP)
        if request == _CLOSE:
            self.close()
            return 0
        return -1
