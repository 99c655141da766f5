# How a session with the broker comes up, and goes down: name, TCP, TLS, CONNECT, SUBSCRIBE, one
# slice after another, nothing in it waits. What is said while it stands is link.py's business.
import errno
import select
import time

import packets
import secure
from backoff import Backoff
from incoming import Garbled, Incoming
from micropython import const
from outgoing import Outgoing

try:
    import socket
except ImportError:  # a board without a network: umqtt.simple wants the name all the same
    import sys

    import serial_net as socket

    sys.modules["socket"] = sys.modules["usocket"] = socket

from umqtt.simple import MQTTClient

# phases
DOWN = const(0)
_OPENING = const(1)  # TCP on its way
GREETING = const(2)  # TLS and CONNECT, until CONNACK
JOINING = const(3)  # SUBSCRIBE, until SUBACK
UP = const(4)

_RX_ROOM = const(2176)  # cmd/recipe.put of 2 KiB, its topic and head

_OPEN_MS = const(10000)
_GREET_MS = const(20000)  # a TLS handshake of a Cortex-M0+ takes seconds
_PAUSE_MS = const(1000)
_PAUSE_MAX_MS = const(60000)


class Opening(MQTTClient):
    # ssl, ssl_params: as either umqtt.simple takes them, see secure.chosen().
    # resolver: net.Resolver or serial_net.SerialNet, where names are asked for and sockets made.
    # calm(): whether a TLS handshake may take the processor now.  seed: of the backoff's jitter.
    def __init__(self, client_id, server, port=0, user=None, password=None, keepalive=30,
                 ssl=None, ssl_params=None, resolver=None, calm=None, seed=1):
        self._tls = secure.chosen(ssl, ssl_params)
        self._room = secure.Room()
        port = port or (8883 if self._tls else 1883)
        super().__init__(client_id, server, port, user, password, keepalive)
        self._resolver = resolver
        self._calm = calm or _always
        self._filters = []
        self._clean = True
        self.out = Outgoing()
        self._in = Incoming(_RX_ROOM)
        self._packet = self._in.packet
        self._backoff = Backoff(_PAUSE_MS, _PAUSE_MAX_MS, seed)
        self.session = 0  # counts sessions that came up
        self.drops = 0
        self.reason = ""  # of the last drop
        self._fresh()

    def _fresh(self):
        self.phase = DOWN
        self.sock = None
        self.out.clear(None)
        self._ping_due = None
        if self._tls:
            self._room.keep()

    def connect(self, clean_session=True):
        # Begins at the next step, and again after each loss; `phase` says how far it is.
        self._clean = clean_session
        self._backoff.reset(time.ticks_ms())
        return False

    def subscribe(self, topic, qos=0):
        # joined at the beginning of each session
        self._filters.append((packets.as_bytes(topic), qos))

    def _next_pid(self):
        self.pid = self.pid % 65535 + 1
        if self.pid == self.out.sure_pid:
            self.pid = self.pid % 65535 + 1
        return self.pid

    # --- phases
    def _down(self, now):
        if not self._backoff.over(now) or self._tls and not self._calm():
            return
        if self._resolver:
            address = self._resolver.address(self.server, self.port)
        else:
            address = socket.getaddrinfo(self.server, self.port)[0][-1]
        if address:
            self._open(now, address)

    def _open(self, now, address):
        self.sock = (self._resolver or socket).socket()
        self.sock.setblocking(False)
        self.phase = _OPENING
        self._due = time.ticks_add(now, _OPEN_MS)
        try:
            self.sock.connect(address)
        except OSError as e:
            if e.errno != errno.EINPROGRESS:
                raise
        self._in.attach(self.sock, self.sock, select.POLLOUT)

    def _opening(self, now):
        event = self._in.events()
        if event & (select.POLLERR | select.POLLHUP):
            raise OSError(errno.ECONNREFUSED)
        self._expire(now, self._due, "no connection")
        if event & select.POLLOUT and (not self._tls or self._calm()):
            self._greet(now)

    def _greet(self, now):
        bare = self.sock
        self._in.release()
        if self._tls:
            self._room.give()
            self.sock = self._tls.wrap_socket(
                bare, server_hostname=self.server, do_handshake_on_connect=False)
        self._in.attach(self.sock, bare, select.POLLIN)
        self.out.clear(self.sock)
        self.phase = GREETING
        self._due = time.ticks_add(now, _GREET_MS)
        self.out.connect(self, self._clean)

    def _greeting(self, now):
        if not self._tls or self.out.idle():
            self._slice(now)
        elif self._calm():  # the handshake can wait, the coffee cannot
            # not by way of _slice: it needs most of the stack, and nothing is to be read before
            self._expire(now, self._due, "no greeting")
            self.out.write(now)

    def _expire(self, now, due, what):
        if time.ticks_diff(now, due) >= 0:
            raise OSError(errno.ETIMEDOUT, what)

    # --- answers
    def _connack(self, now):
        if self._packet.length != 2 or self._packet.body[1]:
            raise Garbled("CONNECT refused with code %d" % self._packet.body[1])
        if not self._filters:
            return self._stand(now)
        self.phase = JOINING
        self._join_pid = self._next_pid()
        self.out.subscribe(self._join_pid, self._filters, now)

    def _suback(self, now):
        packet = self._packet
        if packet.length != 2 + len(self._filters) or packet.word(0) != self._join_pid:
            raise Garbled("SUBACK of another SUBSCRIBE")
        for i in range(len(self._filters)):
            if packet.body[2 + i] > 2:
                raise Garbled("subscription refused: %s" % self._filters[i][0])
        self._stand(now)

    def _stand(self, now):
        self.phase = UP
        self.session += 1
        self._up_since = self._heard_at = self._times_at = now
        if self._resolver:
            self._resolver.worked()

    # --- down
    def drop(self, why):
        # for the owner: the Wi-Fi is gone, say
        if self.phase != DOWN:
            self._drop(time.ticks_ms(), why)

    def _drop(self, now, why):
        linger_ms = 0
        if self._resolver:
            if self.phase in (_OPENING, GREETING):
                self._resolver.failed()
            if self.phase >= GREETING and _untold(why):
                linger_ms = self._resolver.linger_ms
        self._in.release()
        if self.sock:
            self.sock.close()
        self.drops += 1
        self.reason = str(why)
        self._fresh()
        self._backoff.failed(now, linger_ms)


def _untold(why):
    # The other end has not said that it is gone, so what was on its way to it still is.
    return not isinstance(why, Exception) or getattr(why, "errno", 0) == errno.ETIMEDOUT


def _always():
    return True
