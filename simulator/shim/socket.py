# TCP as the board's lwIP gives it, over a real socket of the host that never blocks by itself.
# setblocking(True) means no timeout at all: a read with no data waits in virtual time until the
# watchdog bites. Sends are short when the send buffer is full. With no network attached every
# connect is refused, always at the same virtual moment, so runs are reproducible.
import io

import kernel
import uselect
import usocket
from kernel import STALL, words
from network import air

AF_INET = 2
SOCK_STREAM = 1
SOCK_DGRAM = 2
SOL_SOCKET = 1
SO_REUSEADDR = 2
IPPROTO_TCP = 6
TCP_NODELAY = 1

SEND_BUFFER = 8 * 1460  # lwIP on the Pico W: TCP_SND_BUF = 8 * TCP_MSS
_POLLERR = 8
_POLLHUP = 16
_ENOTCONN = 107
_ECONNRESET = 104
_EAGAIN = 11
_ECONNABORTED = 103
_ECONNREFUSED = 111
_ETIMEDOUT = 110
_EINPROGRESS = 115
_EHOSTUNREACH = 113

_CALL_US = 40  # lwIP call with its locks
_SEND_US = 150  # and a segment over SPI to the radio
_CONNECT_US = 500
_DNS_US = 30000  # a name server in the house
_REFUSED_US = 3000  # round trip of a SYN and its RST

# What the outside may do to us: 0 is a healthy network. Set by the control channel.
faults = {"broker_lost": 0, "broker_slow": 0, "broker_garbled": 0, "dns_slow": 0}
# attached: is there a real network. patience: 25 ms waits of the host for an answer, when virtual
# time runs faster than the real one and the answer must not come virtual seconds late.
host = {"attached": False, "patience": 0}

_answers = uselect.poll()
_connections = []
_garble = [12345]


def _stall():
    if _answers.poll(25):
        words[STALL] = 0
    else:
        words[STALL] -= 1


kernel.on_stall(_stall)


def _expects_answer(buf):
    # an MQTT PUBLISH with QoS 0, a PUBACK and a DISCONNECT are answered by nobody
    first = buf[0]
    return first & 0xF6 != 0x30 and first != 0x40 and first != 0xE0


def getaddrinfo(name, port, *rest):
    # blocks, as on the board: the resolver runs while the caller waits
    kernel.advance(_DNS_US if not faults["dns_slow"] else faults["dns_slow"] * 1000)
    if not air.up():
        raise OSError(-2)
    if not host["attached"]:
        return [(AF_INET, SOCK_STREAM, 0, "", ("192.0.2.1", port))]
    found = usocket.getaddrinfo(name, port, AF_INET, SOCK_STREAM)
    return [(AF_INET, SOCK_STREAM, 0, "", _dotted(found[0][-1], port))]


def _dotted(sockaddr, port):
    # the board gives (text, port), the unix port a sockaddr
    return ("%d.%d.%d.%d" % tuple(bytes(sockaddr)[4:8]), port)


class socket(io.IOBase):
    def __init__(self, family=AF_INET, kind=SOCK_STREAM, protocol=0):
        if kind != SOCK_STREAM:
            raise OSError(93)  # this simulation has TCP only
        self._timeout_us = None
        self._s = None  # the host's socket
        self._own = None  # a poll of it, while connected
        self._epoch = air.epoch
        self._refused = False
        self._broken = False
        self._lost = 0  # bytes taken while the link was down
        self._budget_at = 0
        self._budget = 0

    # --- setting up
    def setblocking(self, on):
        self._timeout_us = None if on else 0

    def settimeout(self, s):
        self._timeout_us = None if s is None else int(s * 1000000)

    def setsockopt(self, level, option, value):
        kernel.advance(_CALL_US)

    def connect(self, address):
        kernel.advance(_CONNECT_US)
        if not air.up():
            raise OSError(_EHOSTUNREACH)
        self._epoch = air.epoch
        self._refused = not host["attached"] or bool(faults["broker_lost"])
        self._s = usocket.socket()
        self._s.setblocking(False)
        if not self._refused:
            self._open(address)
        _connections.append(self)
        if self._timeout_us == 0:
            raise OSError(_EINPROGRESS)
        kernel.advance(_REFUSED_US)
        if self._refused:
            raise OSError(_ECONNREFUSED)
        self._wait(4)

    def _open(self, address):
        s = self._s
        s.setsockopt(SOL_SOCKET, 7, SEND_BUFFER // 2)  # SO_SNDBUF; Linux doubles it
        s.setsockopt(IPPROTO_TCP, TCP_NODELAY, 1)
        try:
            s.connect(usocket.getaddrinfo(address[0], address[1])[0][-1])
        except OSError as e:
            if e.errno != _EINPROGRESS:
                raise
        self._own = uselect.poll()
        self._own.register(s, uselect.POLLIN | uselect.POLLOUT)
        _answers.register(s, uselect.POLLIN)

    def close(self):
        if self in _connections:
            _connections.remove(self)
        if self._s is not None:
            if self._own is not None:
                _answers.unregister(self._s)
            self._s.close()
            self._s = self._own = None

    # --- moving bytes
    def _alive(self):
        # False: the link is down and says nothing. Raises what lwIP raises on a dead connection.
        if self._refused:
            raise OSError(_ECONNREFUSED)
        if self._broken:
            raise OSError(_ECONNRESET)
        if self._s is None:
            raise OSError(_ENOTCONN)
        if self._epoch != air.epoch:
            if air.joined:
                raise OSError(_ECONNABORTED)
            return False
        return True

    def _allow(self, n):
        # a slow network: so many bytes each 10 ms
        slow = faults["broker_slow"]
        if not slow:
            return n
        if words[0] >= self._budget_at + 10000:
            self._budget_at = words[0]
            self._budget = slow
        n = min(n, self._budget)
        self._budget -= n
        return n

    def send(self, buf):
        n = self._push(buf)
        if n is None:
            raise OSError(_EAGAIN)
        return n

    def write(self, buf, *bounds):
        if bounds:
            start = bounds[0] if len(bounds) == 2 else 0
            buf = memoryview(buf)[start : start + bounds[-1]]
        return self._push(buf)

    def sendall(self, buf):
        done = 0
        while done < len(buf):
            done += self._push(memoryview(buf)[done:]) or 0

    def _push(self, buf):
        while True:
            n = self._push_now(buf)
            if n is not None or self._timeout_us == 0:
                return n
            self._wait(4)

    def _push_now(self, buf):
        kernel.advance(_SEND_US)
        size = min(len(buf), SEND_BUFFER)
        if not self._alive():
            size = min(size, SEND_BUFFER - self._lost)
            self._lost += size
            return size or None
        size = self._allow(size)
        if not size:
            return None
        n = self._s.write(buf if size == len(buf) else memoryview(buf)[:size])
        if n and host["patience"] and _expects_answer(buf):
            words[STALL] = host["patience"]
        return n

    def recv(self, n):
        buf = bytearray(n)
        got = self.readinto(buf)
        if got is None:
            raise OSError(_EAGAIN)
        return bytes(memoryview(buf)[:got])

    def read(self, n=-1):
        if n < 0:
            n = 1024
        buf = bytearray(n)
        got = self.readinto(buf)
        return None if got is None else bytes(memoryview(buf)[:got])

    def readinto(self, buf, n=-1):
        if n >= 0:
            buf = memoryview(buf)[:n]
        done = 0
        while done < len(buf):
            got = self._pull(memoryview(buf)[done:] if done else buf)
            if got == 0:
                break
            if got:
                done += got
            elif self._timeout_us == 0:
                return done or None
            else:
                self._wait(1)
        return done

    def _pull(self, buf):
        kernel.advance(_CALL_US)
        if not self._alive():
            return None
        n = self._allow(len(buf))
        if not n:
            return None
        n = self._s.readinto(buf, n)
        if n:
            words[STALL] = 0  # answered
        if n and faults["broker_garbled"]:
            self._spoil(buf, n)
        return n

    def _spoil(self, buf, n):
        for i in range(n):
            _garble[0] = (_garble[0] * 1103515245 + 12345) & 0x7FFFFFFF
            if (_garble[0] >> 16) % 1000 < faults["broker_garbled"]:
                buf[i] ^= 1 << (_garble[0] >> 8 & 7)

    def readline(self):
        line = b""
        while not line.endswith(b"\n"):
            c = self.read(1)
            if not c:
                break
            line += c
        return line

    def makefile(self, *mode):
        return self

    # --- waiting, in virtual time
    def _wait(self, events):
        until = None if self._timeout_us is None else words[0] + self._timeout_us
        while not self.ready(events):
            if until is not None and words[0] >= until:
                raise OSError(_ETIMEDOUT)
            kernel.advance(1000)

    def ready(self, events):
        if self._refused or self._broken:
            return _POLLERR | _POLLHUP
        if self._own is None or self._epoch != air.epoch:
            return 0
        for _, got in self._own.ipoll(0):
            return got & (events | _POLLERR | _POLLHUP)
        return 0

    def ioctl(self, request, arg):
        if request == 3:  # MP_STREAM_POLL
            return self.ready(arg)
        if request == 4:  # MP_STREAM_CLOSE
            self.close()
            return 0
        if request == 10 and self._s is not None:
            # MP_STREAM_GET_FILENO: the host's poll looks itself. A socket that never connected
            # shows POLLHUP there, which is what a refused one shows on the board.
            return self._s.fileno()
        return -1


def break_connections():
    # the broker's host resets them all
    for s in list(_connections):
        s.close()
        s._broken = True
