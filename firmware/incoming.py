# What comes from the broker: small reads into one chunk, packets taken apart as the bytes drip in.
# Bounded: of a packet longer than the room the head is kept and the rest counted away. Knows no
# session (link.py).
import errno
import select

from micropython import const
from packets import copy

_CHUNK = const(256)

_HEAD = const(0)
_LENGTH = const(1)
_BODY = const(2)
_WHOLE = const(3)


class Garbled(Exception):
    # Not MQTT: the stream cannot be trusted any more.
    pass


class PacketReader:
    # One packet at a time. Of a packet longer than the room the head is kept and the rest counted
    # away, so no sender makes it grow.
    def __init__(self, room):
        self.body = bytearray(room)
        self.view = memoryview(self.body)
        self.room = room
        self.kind = 0  # first byte, with its flags
        self.length = 0  # of the body as announced
        self.got = 0  # bytes of the body seen so far
        self._state = _HEAD
        self._shift = 0

    def restart(self):
        self._state = _HEAD

    def whole(self):
        return self._state == _WHOLE

    def too_long(self):
        return self._state >= _BODY and self.length > self.room

    def feed(self, chunk, at, end):
        # Takes chunk[at:end] up to the end of one packet; returns where it stopped. After a whole
        # packet the next call begins another.
        if self._state == _WHOLE:
            self._state = _HEAD
        while at < end and self._state != _WHOLE:
            if self._state == _BODY:
                at = self._take(chunk, at, end)
            else:
                self._begin(chunk[at])
                at += 1
        return at

    def _begin(self, byte):
        if self._state == _HEAD:
            self.kind = byte
            self.length = self.got = self._shift = 0
            self._state = _LENGTH
            return
        self.length |= (byte & 0x7F) << self._shift
        self._shift += 7
        if not byte & 0x80:
            self._state = _BODY if self.length else _WHOLE
        elif self._shift > 21:
            raise Garbled("length of a packet has more than four bytes")

    def _take(self, chunk, at, end):
        n = min(end - at, self.length - self.got)
        kept = min(n, self.room - self.got)
        if kept > 0:
            copy(self.body, self.got, chunk, at, kept)
        self.got += n
        if self.got == self.length:
            self._state = _WHOLE
        return at + n

    def word(self, at):
        return self.body[at] << 8 | self.body[at + 1]

    def topic(self):
        # of a PUBLISH; b"" when not even the topic had room
        if self.length < 2:
            raise Garbled("PUBLISH without a topic")
        n = self.word(0)
        if 2 + n > self.length:
            raise Garbled("topic longer than its packet")
        return bytes(self.view[2 : 2 + n]) if 2 + n <= self.room else b""

    def packet_id(self):
        # of a PUBLISH: 0 at QoS 0. The body of one that is too long may end before it: then 0 too.
        qos = self.kind >> 1 & 3
        if not qos:
            return 0
        at = 2 + self.word(0)
        if qos > 1 or at + 2 > self.length:
            raise Garbled("QoS %d or no packet id in a PUBLISH" % qos)
        return self.word(at) if at + 2 <= self.room else 0

    def payload(self):
        at = 2 + self.word(0) + (2 if self.kind & 6 else 0)
        return bytes(self.view[at : self.length])


class Incoming:
    def __init__(self, room):
        self.packet = PacketReader(room)
        self._chunk = bytearray(_CHUNK)
        self._poll = select.poll()
        self.detach()

    def attach(self, sock, polled, events):
        # polled: the bare socket below TLS. What TLS has already taken from it is read all the
        # same, because after a full chunk we read on without asking.
        self.sock = sock
        self._polled = polled
        self._poll.register(polled, events)

    def detach(self):
        self.sock = None
        self.packet.restart()
        self._at = self._end = 0  # what of the chunk is not yet taken
        self._more = False  # the last read filled the chunk

    def release(self):
        # the socket is to be closed, or wrapped
        if self.sock:
            self._poll.unregister(self._polled)
        self.detach()

    def events(self):
        for event in self._poll.ipoll(0):
            return event[1]
        return 0

    def has_work(self):
        return self._at < self._end or self._more or self.events()

    def step(self):
        # At most one read. False: there is nothing to take apart. Then look at packet.whole().
        if self._at == self._end and not self._fill():
            return False
        self._at = self.packet.feed(self._chunk, self._at, self._end)
        return True

    def _fill(self):
        event = select.POLLIN if self._more else self.events()
        if not event:
            return False
        n = self.sock.readinto(self._chunk)
        self._more = n == _CHUNK
        if n is None and event & select.POLLIN:
            return False
        if not n:
            raise OSError(errno.ECONNRESET, "closed by the broker")
        self._at = 0
        self._end = n
        return True
