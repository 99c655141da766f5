# Brings the journal's facts to the host, batch after batch, and again from the host's cursor until
# it says that it holds them. What a fact is, and how long it is kept, is the journal's affair.
import time

from messages import MESSAGE_MAX
from micropython import const

_AGAIN_MS = const(15000)  # no word from the host for so long: once more, then ever more patient
_AGAIN_MAX_MS = const(300000)
_REPEATED_MS = const(5000)


class Courier:
    def __init__(self, journal, clock):
        self._journal = journal
        self._clock = clock
        self._acked = journal.first - 1
        self.resent = 0
        self.restart(time.ticks_ms())

    def restart(self, now):
        # a new session: nothing that was under way can be relied on
        self._next = self._end = self._cursor()
        self._since = now
        self._again_ms = _AGAIN_MS

    def _cursor(self):
        # the oldest fact the host does not hold
        return max(self._journal.first, self._acked + 1)

    def due(self, now):
        # Is there a batch to send? Called in every pass.
        journal = self._journal
        if self._next < journal.next:
            return True
        if self._acked + 1 >= journal.next:
            return False
        if time.ticks_diff(now, self._since) < self._again_ms:
            return False
        self._again_ms = min(self._again_ms * 2, _AGAIN_MAX_MS)
        return self._back()

    def _back(self):
        self._next = self._cursor()
        self.resent += 1
        return self._next < self._journal.next

    def message(self):
        # The batch from the next fact on; None when the journal has nothing left to give.
        journal = self._journal
        self._next = max(self._next, self._cursor())
        head = b'{"v":1,"journal":"%s","boot":%d,"seq":%d,"first":%d,"sent_ms":%d,' % (
            journal.id, self._clock.boot, self._next, journal.first, self._clock.uptime_ms())
        utc_ms = self._clock.utc_ms()
        head += b'"sent_utc_ms":%s,"facts":[' % ("null" if utc_ms is None else str(utc_ms))
        facts = journal.read(self._next, MESSAGE_MAX - 2 - len(head))
        if not facts:
            self._next = journal.next
            return None
        self._end = self._next + len(facts)
        return head + b",".join(facts) + b"]}"

    def delivered(self, now):
        # the broker has the batch
        self._next = self._end
        self._since = now

    def ack(self, journal, seq, now):
        # The host's cursor. The same one again, out of silence: the host begins anew after it.
        if not self._journal.ack(journal, seq):
            return False
        if seq > self._acked:
            self._acked = seq
            self._since = now
            self._again_ms = _AGAIN_MS
        elif seq == self._acked and time.ticks_diff(now, self._since) >= _REPEATED_MS:
            self._since = now
            self._back()
        return True
