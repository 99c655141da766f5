# The session with the broker: umqtt.simple's client, but nothing in it waits. step() is one slice:
# one write, a few small reads, at most one delivered message. Knows nothing of what is said.
# Messages that must arrive (QoS 1) go one at a time; after a lost connection their owner says
# them anew (telemetry.py), so that no stale word is repeated.
import errno
import time

import packets
from incoming import Garbled
from micropython import const
from opening import GREETING, JOINING, UP, Opening
from outgoing import REST_ROOM, SURE_ROOM

_READS = const(4)  # in one slice
_PINGRESP_MS = const(10000)
_ALIVE_BYTES = const(1024)  # a packet that flows this fast is life enough
_STEADY_MS = const(30000)  # a session that stood so long was a good one
_TIMES_MS = const(100)  # between two looks at what is due


class Link(Opening):
    # As Opening.  too_long(topic, size): told of messages that did not fit.
    def __init__(self, client_id, server, port=0, user=None, password=None, keepalive=30,
                 too_long=None, **more):
        super().__init__(client_id, server, port, user, password, keepalive, **more)
        self._too_long = too_long
        self._steps = (self._down, self._opening, self._greeting, self._slice, self._standing)
        self.oversize = 0
        self.retained = False  # of the message being delivered

    # --- what umqtt.simple offers, without its waiting
    def ready(self, qos):
        # would publish() take a message now?
        out = self.out
        return self.phase == UP and out.may_follow() and (out.sure_free() if qos else out.idle())

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

    # --- slices
    def urgent(self):
        # Something is under way: the next step should come soon. Else 20 ms are early enough.
        return self.phase != UP or self.out.sure_pid or not self.out.idle()

    def step(self, now):
        # now: time.ticks_ms(). Called in every pass: with nothing to do it must not get as far as
        # the try, whose frame comes from the heap (see facts.py).
        if self.phase != UP or self._has_work(now):
            self._work(now)

    def _has_work(self, now):
        if time.ticks_diff(now, self._times_at) >= 0:
            self._times_at = time.ticks_add(now, _TIMES_MS)
            return True
        return self.out.has_work() or self._in.has_work()

    def _work(self, now):
        try:
            self._steps[self.phase](now)
        except (OSError, Garbled) as e:
            self._drop(now, e)

    def _slice(self, now):
        if self.phase < UP:
            self._expire(now, self._due, "no greeting")
        self.out.step(now)
        self._receive(now)

    def _standing(self, now):
        if self._ping_due is not None:
            if time.ticks_diff(now, self._ping_due) >= 0:
                self._silent(now)
        elif self.keepalive:
            half = self.keepalive * 500
            if self.out.ping_wanted or not self.out.may_follow() \
                    or time.ticks_diff(now, self._heard_at) >= half \
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
            self.out.answered()
            self.out.take_puback(packet.word(0))
        elif kind == packets.PINGRESP and not packet.length:
            self.out.answered()
            self._ping_due = None
        else:
            raise Garbled("packet %02x of %d bytes" % (packet.kind, packet.length))
        return False

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
