# The session with the broker: umqtt.simple's client, but nothing in it waits. step() is one slice:
# one write, a few small reads, at most one delivered message. Knows nothing of what is said.
# Messages that must arrive (QoS 1) go one at a time; after a lost connection their owner says
# them anew (telemetry.py), so that no stale word is repeated.
import errno
import select
import time

import packets
import secure
from backoff import Backoff
from incoming import Garbled, Incoming
from micropython import const
from outgoing import REST_ROOM, SURE_ROOM, Outgoing

try:
    import socket
except ImportError:  # a board without a network: umqtt.simple wants the name all the same
    import sys

    import serial_net as socket

    sys.modules["socket"] = sys.modules["usocket"] = socket

from umqtt.simple import MQTTClient

# phases
DOWN = const(0)
OPENING = const(1)  # TCP on its way
GREETING = const(2)  # TLS and CONNECT, until CONNACK
JOINING = const(3)  # SUBSCRIBE, until SUBACK
UP = const(4)

RX_ROOM = const(2176)  # cmd/recipe.put of 2 KiB, its topic and head
_READS = const(4)  # in one slice

_OPEN_MS = const(10000)
_GREET_MS = const(20000)  # a TLS handshake of a Cortex-M0+ takes seconds
_PINGRESP_MS = const(10000)
_ALIVE_BYTES = const(1024)  # a packet that flows this fast is life enough
_PAUSE_MS = const(1000)
_PAUSE_MAX_MS = const(60000)
_STEADY_MS = const(30000)  # a session that stood so long was a good one


class Link(MQTTClient):
    # ssl, ssl_params: as either umqtt.simple takes them, see secure.chosen().
    # resolver: net.Resolver or serial_net.SerialNet, where names are asked for and sockets made.
    # calm(): whether a TLS handshake may take the processor now.
    # too_long(topic, size): told of messages that did not fit.  seed: of the backoff's jitter.
    def __init__(self, client_id, server, port=0, user=None, password=None, keepalive=30,
                 ssl=None, ssl_params=None, resolver=None, calm=None, too_long=None, seed=1):
        self._tls = secure.chosen(ssl, ssl_params)
        port = port or (8883 if self._tls else 1883)
        super().__init__(client_id, server, port, user, password, keepalive)
        self._resolver = resolver
        self._calm = calm or _always
        self._too_long = too_long
        self._filters = []
        self._clean = True
        self.out = Outgoing()
        self._in = Incoming(RX_ROOM)
        self._packet = self._in.packet
        self._steps = (self._down, self._opening, self._greeting, self._slice, self._standing)
        self._backoff = Backoff(_PAUSE_MS, _PAUSE_MAX_MS, seed)
        self.session = 0  # counts sessions that came up
        self.drops = 0
        self.reason = ""  # of the last drop
        self.oversize = 0
        self.retained = False  # of the message being delivered
        self._fresh()

    def _fresh(self):
        self.phase = DOWN
        self.sock = None
        self.out.clear(None)
        self._ping_due = None

    # --- what umqtt.simple offers, without its waiting
    def connect(self, clean_session=True):
        # Begins at the next step, and again after each loss; `phase` says how far it is.
        self._clean = clean_session
        self._backoff.reset(time.ticks_ms())
        return False

    def disconnect(self):
        if self.phase == UP and self.out.idle():
            try:
                self.sock.write(b"\xe0\0")
            except OSError:
                pass
        self.drop("disconnected")

    def ping(self):
        self.out.ping_wanted = True

    def subscribe(self, topic, qos=0):
        # joined at the beginning of each session
        self._filters.append((packets.as_bytes(topic), qos))

    def ready(self, qos):
        # would publish() take a message now?
        return self.phase == UP and (self.out.sure_free() if qos else self.out.idle())

    def publish(self, topic, msg, retain=False, qos=0):
        # The packet id (QoS 1) or 1 (QoS 0) when taken, 0 when not now. When `out.acked` shows the
        # id the broker has it. Raises ValueError when it can never fit.
        topic = packets.as_bytes(topic)
        msg = packets.as_bytes(msg)
        size = packets.publish_bytes(topic, msg)
        if size > (SURE_ROOM if qos else REST_ROOM):
            raise ValueError("a message of %d bytes does not fit the buffer" % size)
        if not self.ready(qos):
            return 0
        now = time.ticks_ms()
        try:
            if not qos:
                self.out.publish(topic, msg, retain, now)
                return 1
            pid = self._next_pid()
            self.out.publish_sure(topic, msg, retain, pid, now)
            return pid
        except OSError as e:
            self._drop(now, e)
            return 0

    def check_msg(self):
        self.step(time.ticks_ms())

    wait_msg = check_msg

    def _next_pid(self):
        self.pid = self.pid % 65535 + 1
        if self.pid == self.out.sure_pid:
            self.pid = self.pid % 65535 + 1
        return self.pid

    # --- slices
    def urgent(self):
        # Something is under way: the next step should come soon. Else 20 ms are early enough.
        return self.phase != UP or self.out.sure_pid or not self.out.idle()

    def step(self, now):
        # now: time.ticks_ms()
        try:
            self._steps[self.phase](now)
        except (OSError, Garbled) as e:
            self._drop(now, e)

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
        self.phase = OPENING
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
            self.sock = self._tls.wrap_socket(
                bare, server_hostname=self.server, do_handshake_on_connect=False)
        self._in.attach(self.sock, bare, select.POLLIN)
        self.out.clear(self.sock)
        self.phase = GREETING
        self._due = time.ticks_add(now, _GREET_MS)
        self.out.connect(self, self._clean)

    def _greeting(self, now):
        if self._tls and not self.out.idle() and not self._calm():
            return  # the handshake can wait, the coffee cannot
        self._slice(now)

    def _slice(self, now):
        if self.phase < UP:
            self._expire(now, self._due, "no greeting")
        self.out.step(now)
        self._receive(now)

    def _expire(self, now, due, what):
        if time.ticks_diff(now, due) >= 0:
            raise OSError(errno.ETIMEDOUT, what)

    def _standing(self, now):
        if self._ping_due is not None:
            if time.ticks_diff(now, self._ping_due) >= 0:
                self._silent(now)
        elif self.keepalive:
            half = self.keepalive * 500
            if self.out.ping_wanted or time.ticks_diff(now, self._heard_at) >= half \
                    or time.ticks_diff(now, self.out.said_at) >= half:
                self._ping(now)
        self._slice(now)

    def _ping(self, now):
        self.out.ping_wanted = True
        self._ping_got = 0
        self._ping_due = time.ticks_add(now, _PINGRESP_MS)
        if time.ticks_diff(now, self._up_since) >= _STEADY_MS:
            self._backoff.reset(now)

    def _silent(self, now):
        got = self._packet.got
        if got - self._ping_got < _ALIVE_BYTES:
            raise OSError(errno.ETIMEDOUT, "no PINGRESP")
        self._ping_got = got
        self._ping_due = time.ticks_add(now, _PINGRESP_MS)

    # --- in
    def _receive(self, now):
        if self.out.full_of_pubacks():
            return
        for _ in range(_READS):
            if not self._in.step():
                return
            self._heard_at = now
            if self._packet.whole() and self._understand(now):
                return

    def _understand(self, now):
        # True: a message was delivered, enough for this slice
        packet = self._packet
        kind = packet.kind & 0xF0
        if kind == packets.PUBLISH and self.phase >= JOINING:
            self._deliver()
            return True
        if kind == packets.CONNACK and self.phase == GREETING and self.out.idle():
            self._connack(now)
        elif kind == packets.SUBACK and self.phase == JOINING and self.out.idle():
            self._suback(now)
        elif kind == packets.PUBACK and packet.length == 2:
            self.out.take_puback(packet.word(0))
        elif kind == packets.PINGRESP and not packet.length:
            self._ping_due = None
        else:
            raise Garbled("packet %02x of %d bytes" % (packet.kind, packet.length))
        return False

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
        self._up_since = self._heard_at = now
        if self._resolver:
            self._resolver.worked()

    def _deliver(self):
        packet = self._packet
        topic = packet.topic()
        pid = packet.packet_id()
        self.retained = bool(packet.kind & packets.RETAIN)
        if pid:
            self.out.puback(pid)
        if packet.too_long():
            self.oversize += 1
            if self._too_long:
                self._too_long(topic, packet.length)
        elif self.cb:
            self.cb(topic, packet.payload())

    # --- down
    def drop(self, why):
        # for the owner: the Wi-Fi is gone, say
        if self.phase != DOWN:
            self._drop(time.ticks_ms(), why)

    def _drop(self, now, why):
        if self._resolver and self.phase in (OPENING, GREETING):
            self._resolver.failed()
        self._in.release()
        if self.sock:
            self.sock.close()
        self.drops += 1
        self.reason = str(why)
        self._fresh()
        self._backoff.failed(now)


def _always():
    return True
