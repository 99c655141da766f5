# The other end of a Link in tests: a socket as on the board whose every call is counted,
# and a broker small enough to be wrong on purpose. Not a test itself; runs under MicroPython.
import io

import incoming
import kernel

POLLIN = 1
POLLOUT = 4


class Hang(Exception):
    # what would never return on a board
    pass


class Socket(io.IOBase):
    # accepts: bytes taken in one write, 0: send buffer full.  hears: bytes handed out in one read.
    def __init__(self, net):
        self.net = net
        self.inbox = b""
        self.blocking = True
        self.closed = False
        self.ended = False
        self.connected = False
        self.read_once = False

    def setblocking(self, on):
        self.net.count("setblocking")
        self.blocking = on

    def settimeout(self, s):
        raise Hang("settimeout is not the board's friend")

    def connect(self, address):
        self.net.count("connect")
        if self.blocking:
            raise Hang("a blocking connect")
        if self.net.refuses:
            raise OSError(111)
        self.connected = True
        raise OSError(115)

    def write(self, buf, at=0, n=None):
        self.net.count("write")
        if self.closed:
            raise OSError(9)
        n = len(buf) - at if n is None else n
        n = min(n, self.net.accepts)
        if not n:
            if self.blocking:
                raise Hang("a blocking write")
            return None
        data = bytes(memoryview(buf)[at : at + n])
        self.net.heard(self, data)
        return n

    def read(self, n=-1):
        self.net.count("read")
        if not self.inbox and self.blocking and not self.ended:
            raise Hang("a blocking read")
        data = self.inbox[:n]
        self.inbox = self.inbox[n:]
        return data or (b"" if self.ended else None)

    def readinto(self, buf, n=-1):
        self.net.count("read")
        if not self.inbox:
            if self.ended:
                return 0
            if self.blocking:
                raise Hang("a blocking read")
            return None
        self.read_once = True
        n = min(len(buf), self.net.hears, len(self.inbox))
        buf[:n] = self.inbox[:n]
        self.inbox = self.inbox[n:]
        return n

    def close(self):
        self.net.count("close")
        self.closed = True

    def events(self):
        ready = POLLOUT if self.connected else 0
        if self.net.hides and self.read_once:
            return ready
        return ready | POLLIN if self.inbox or self.ended else ready


class Poll:
    # of one socket; the unix port's own takes a millisecond for an object without a file number
    def __init__(self, net):
        self.net = net
        self.sock = None
        self.mask = 0
        self.found = [[None, 0]]

    def register(self, sock, mask):
        self.sock = sock
        self.mask = mask

    def unregister(self, sock):
        assert sock is self.sock
        self.sock = None

    def ipoll(self, timeout_ms):
        if timeout_ms:
            raise Hang("a poll that waits")
        self.net.calls[0] += 1
        if self.sock is None:
            return ()
        event = self.sock.events() & self.mask
        self.found[0][1] = event
        return self.found if event else ()


class Net:
    # Stands where link.py has its `socket` and `select`. Calls are counted in an array, so that
    # counting allocates nothing: [polls, all others].
    def __init__(self, broker=None):
        self.calls = [0, 0]
        self.names = {}
        self.accepts = 1 << 20
        self.hears = 1 << 20
        self.refuses = False
        self.hides = False  # as TLS does: what it took in already, poll no longer shows
        self.sockets = []
        self.broker = broker
        incoming.select = self

    POLLIN = POLLIN
    POLLOUT = POLLOUT

    def poll(self):
        return Poll(self)

    def count(self, name):
        self.calls[1] += 1
        self.names[name] = self.names.get(name, 0) + 1

    def socket(self):
        s = Socket(self)
        self.sockets.append(s)
        return s

    def getaddrinfo(self, host, port):
        self.count("getaddrinfo")
        return [(2, 1, 0, "", (host, port))]

    def heard(self, sock, data):
        if self.broker:
            self.broker.feed(sock, data)


class Broker:
    # Answers as MQTT 3.1.1 says unless told not to: `deaf` holds the packet types it ignores.
    def __init__(self):
        self.packets = []  # (first byte, body) of all that came whole
        self.deaf = set()
        self.suback = None  # code for all filters; None: what was asked
        self.connack = 0
        self._rest = b""
        self._sock = None

    def feed(self, sock, data):
        if sock is not self._sock:
            self._sock = sock
            self._rest = b""
        self._rest += data
        while True:
            whole = split(self._rest)
            if not whole:
                return
            head, body, self._rest = whole
            self.packets.append((head, body))
            if head & 0xF0 not in self.deaf:
                self.answer(sock, head, body)

    def answer(self, sock, head, body):
        kind = head & 0xF0
        if kind == 0x10:
            sock.inbox += bytes([0x20, 2, 0, self.connack])
        elif kind == 0x80:
            codes = []
            at = 2
            while at < len(body):
                at += 2 + (body[at] << 8 | body[at + 1])
                codes.append(body[at] if self.suback is None else self.suback)
                at += 1
            sock.inbox += bytes([0x90, 2 + len(codes)]) + body[:2] + bytes(codes)
        elif kind == 0x30 and head & 2:
            at = 2 + (body[0] << 8 | body[1])
            sock.inbox += b"\x40\x02" + body[at : at + 2]
        elif kind == 0xC0:
            sock.inbox += b"\xd0\x00"

    def of(self, kind):
        return [(head, body) for head, body in self.packets if head & 0xF0 == kind]


def split(data):
    # (first byte, body, rest) or None while it is not whole
    n = shift = 0
    for i in range(1, min(len(data), 5)):
        n |= (data[i] & 0x7F) << shift
        shift += 7
        if not data[i] & 0x80:
            end = i + 1 + n
            return (data[0], data[i + 1 : end], data[end:]) if len(data) >= end else None
    return None


def publish(topic, message, qos=0, pid=0, retain=False):
    body = bytes([len(topic) >> 8, len(topic) & 255]) + topic
    if qos:
        body += bytes([pid >> 8, pid & 255])
    body += message
    return bytes([0x30 | qos << 1 | (1 if retain else 0)]) + length(len(body)) + body


def length(n):
    out = b""
    while n > 0x7F:
        out += bytes([n & 0x7F | 0x80])
        n >>= 7
    return out + bytes([n])


def leap(ms):
    # a long time in which nothing else happens: no half-cycles of the mains to catch up with
    kernel.words[kernel.PLANT_DUE] = kernel.FAR
    kernel.words[kernel.NOW] += ms * 1000


def days_off():
    # around the half and the whole of ticks_ms, whose differences change their sign there
    for days in (5, 7, 9, 12, 13, 20):
        yield days, days * 86400000


def pass_ms(ms):
    kernel.advance(ms * 1000)
