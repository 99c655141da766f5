# What goes to the broker: one preallocated buffer with two rooms, one packet written at a time, a
# short write continued where it stopped. The first room keeps the one QoS 1 message that is not
# yet acknowledged, the second takes everything else. Knows deadlines, not sessions (link.py).
# No more is on its way than the broker is known to take: lwIP has 8 KB for all it sends, and where
# they are full a write that should not wait waits up to ten seconds, while the tick gives us five.
import errno
import time

import packets
from micropython import const

SURE_ROOM = const(4288)  # one QoS 1 packet: recipes of 4 KiB, topic and head
REST_ROOM = const(1280)  # one of all the others: 1 KiB, or CONNECT with its will and user

_PUBACKS = const(8)
_WINDOW = const(2048)  # bytes without an answer, then the next packet waits for one
_WRITE_MS = const(10000)  # a packet that does not get out
_PUBACK_MS = const(5000)  # then once more with DUP
_TRIES = const(3)

# what becomes of the QoS 1 message
_NONE = const(0)
_DUE = const(1)
_LEAVING = const(2)
_OUT = const(3)  # waits for its PUBACK


class Outgoing:
    def __init__(self):
        self._buffer = bytearray(SURE_ROOM + REST_ROOM)
        self._pubacks = [0] * _PUBACKS
        self.acked = 0  # packet id of the last acknowledged message
        self.dups = 0
        self.clear(None)

    def clear(self, sock):
        # a new connection; nothing of the old one is left
        self.sock = sock
        self._at = self._end = 0  # what of the buffer goes out now
        self._stuck_at = None
        self._sure = _NONE
        self._sure_end = self._tries = 0
        self.sure_pid = 0  # of the message in flight, 0: none
        self._count = 0
        self._unanswered = 0  # bytes written
        self._asked = 0  # so many of them will be answered by the next PUBACK or PINGRESP
        self.ping_wanted = False
        self.said_at = time.ticks_ms()

    # --- asked by the session
    def idle(self):
        return self._at == self._end

    def has_work(self):
        # something to write, at once
        return (self._at < self._end or self._count or self.ping_wanted
                or self._sure == _DUE and self.may_follow())

    def may_follow(self):
        # another packet, after what is still on its way
        return self._unanswered < _WINDOW

    def answered(self):
        # a PUBACK or PINGRESP came: what left before its question is there
        self._unanswered -= self._asked
        self._asked = 0

    def sure_free(self):
        return self._sure == _NONE

    def full_of_pubacks(self):
        return self._count == _PUBACKS

    def connect(self, client, clean):
        # waits for write(): with TLS the first write is the handshake
        self._begin(SURE_ROOM, packets.put_connect(self._buffer, SURE_ROOM, client, clean))

    def subscribe(self, pid, filters, now):
        self._go(packets.put_subscribe(self._buffer, SURE_ROOM, pid, filters), now)

    def publish(self, topic, message, retain, now):
        self._go(packets.put_publish(self._buffer, SURE_ROOM, topic, message, retain, 0), now)

    def publish_sure(self, topic, message, retain, pid, now):
        self._sure_end = packets.put_publish(self._buffer, 0, topic, message, retain, pid)
        self._sure = _DUE
        self._tries = self.acked = 0
        self.sure_pid = pid
        if self.idle():
            self._send_sure(now)

    def puback(self, pid):
        # to be sent for a message that came
        self._pubacks[self._count] = pid
        self._count += 1

    def take_puback(self, pid):
        # One that comes for a message already acknowledged says nothing, one that comes while the
        # retry is half out is repeated for the retry.
        if pid == self.sure_pid and (self._sure == _OUT or self._sure == _DUE and self._tries):
            self._sure = _NONE
            self.sure_pid = 0
            self.acked = pid

    # --- one slice
    def step(self, now):
        # continues the packet that is half out, or begins what else wants to go, the little first
        if self._at < self._end:
            return self.write(now)
        if self._count:
            self._count -= 1
            at = packets.put_head(self._buffer, SURE_ROOM, packets.PUBACK, 2)
            self._go(packets.put_word(self._buffer, at, self._pubacks[self._count]), now)
        elif self.ping_wanted:
            self.ping_wanted = False
            self._go(packets.put_head(self._buffer, SURE_ROOM, packets.PINGREQ, 0), now)
        elif self._sure == _DUE and self.may_follow():
            self._send_sure(now)
        elif self._sure == _OUT and time.ticks_diff(now, self._puback_at) >= 0:
            self._again()

    def write(self, now):
        # One write. Raises OSError when the connection is dead or nothing gets out for long.
        n = self.sock.write(self._buffer, self._at, self._end - self._at)
        if n:
            self._at += n
            self._unanswered += n
            self.said_at = now
            self._stuck_at = None
            if self._at == self._end:
                self._left(now)
        elif self._stuck_at is None:
            self._stuck_at = now
        elif time.ticks_diff(now, self._stuck_at) >= _WRITE_MS:
            raise OSError(errno.ETIMEDOUT, "cannot write")

    def _left(self, now):
        sure = self._sure == _LEAVING and self._end == self._sure_end
        if sure:
            self._sure = _OUT
            self._puback_at = time.ticks_add(now, _PUBACK_MS)
        if not self._asked and (sure or self._buffer[SURE_ROOM] == packets.PINGREQ):
            self._asked = self._unanswered

    def _begin(self, start, end):
        self._at = start
        self._end = end
        self._stuck_at = None

    def _go(self, end, now):
        self._begin(SURE_ROOM, end)
        self.write(now)

    def _send_sure(self, now):
        self._tries += 1
        self._sure = _LEAVING
        self._begin(0, self._sure_end)
        self.write(now)

    def _again(self):
        if self._tries >= _TRIES:
            raise OSError(errno.ETIMEDOUT, "no PUBACK")
        self._buffer[0] |= packets.DUP
        self.dups += 1
        self._sure = _DUE
