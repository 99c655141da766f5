# The facts of this machine, in order, until the host holds them. Bounded: when it is full the
# oldest go and a `lost` fact says so. A fact whose append() returned is never lost by a power cut;
# `next` and `first` never go back. Who makes facts, and who sends them, is not known here.
import json
import os
from binascii import hexlify

from files import as_json
from segments import Segments, seal, unseal

FACT_MAX = 880  # bytes of JSON: with its envelope a fact must fit a message of 1 KiB
_PREFIX = "journal-"
_SHORTEST = 60  # bytes of the shortest record: to guess how many a damaged tail held


def _text(fact, seq):
    return b'{"seq":%d,' % seq + as_json(fact)[1:]


def _seq_of(body):
    return int(body[7 : body.find(b",")])


def _identity():
    # The id is the folder's name, so journal and id are made and lost together.
    for name in os.listdir():
        if name.startswith(_PREFIX):
            return name[len(_PREFIX):]
    return hexlify(os.urandom(8)).decode()


class Journal:
    # clock: stamps the `lost` facts. The flash it takes is segments_max * segment_bytes.
    def __init__(self, clock, segment_bytes=8192, segments_max=40):
        self.id = _identity()
        self._clock = clock
        self._logs = Segments(_PREFIX + self.id)
        self._segment_bytes = segment_bytes
        self._segments_max = segments_max
        self._acked = 0
        self._cursor = (0, 0, 0)  # seq, segment, offset: where read() ended
        self._recover()

    # --- what is there
    @property
    def first(self):
        # oldest seq that can still be read
        return self._logs.starts[0] if self._logs.starts else self.next

    @property
    def held(self):
        return self.next - self.first

    def _recover(self):
        starts = self._logs.starts
        self.next = 1
        self._tail = None  # segment that takes the next record, None: a new one
        self._size = 0
        if not starts:
            return
        self.next = self._tail = starts[-1]
        self._size = self._logs.size(self._tail)
        if not self._size and len(starts) > 1:
            self._logs.drop(self._tail)  # made, but the power went before anything was in it
            self._tail = None
            return
        self._scan_tail()
        self._drop_surplus()  # the `lost` fact is written, the deed was interrupted

    def _scan_tail(self):
        good = 0  # end of the last good line
        for offset, line in self._logs.lines(self._tail):
            body = unseal(line)
            if body is not None:
                self.next = _seq_of(body) + 1
                good = offset + len(line) + 1
        if self._size > good:
            # Bad flash: never write behind it, and skip as many numbers as it may have held.
            self.next += (self._size - good + _SHORTEST - 1) // _SHORTEST
            self._tail = None

    # --- writing
    def append(self, fact):
        # fact: dict with kind, boot, uptime_ms, utc_ms …; its seq is given here and returned
        return self.append_all([fact])

    def append_all(self, facts):
        # One commit for each segment touched; returns the seq of the last one. What is safe is
        # taken out of the list `facts`, so that after an OSError the rest can be tried again.
        lines = []  # of the coming commit; all but the first `told` are facts[0], facts[1], …
        told = 0
        while len(lines) - told < len(facts):
            fact = facts[len(lines) - told]
            line = self._line(fact, self.next + len(lines))
            if self._tail is None or self._used(lines) + len(line) > self._segment_bytes:
                self._commit(lines)
                del facts[: len(lines) - told]
                lines = self._begin_segment()
                told = len(lines)
                line = self._line(fact, self.next + told)
            lines.append(line)
        self._commit(lines)
        del facts[: len(lines) - told]
        return self.next - 1

    def _line(self, fact, seq):
        body = _text(fact, seq)
        if len(body) > FACT_MAX:
            raise ValueError("fact of %d bytes, at most %d" % (len(body), FACT_MAX))
        return seal(body)

    def _used(self, lines):
        return self._size + sum(len(line) for line in lines)

    def _commit(self, lines):
        if not lines:
            return
        try:
            self._logs.write(self._tail, lines)
        except OSError:
            self._tail = None  # nobody knows what is in it now: begin another
            raise
        self._size = self._used(lines)
        self.next += len(lines)
        self._drop_surplus()

    def _begin_segment(self):
        # the lines it has to begin with
        self.forget()
        self._tail = self.next
        self._size = 0
        self._logs.discard(self._tail)  # of an append that failed, and of which nobody knows
        starts = self._logs.starts
        if len(starts) < self._segments_max or not starts:
            return []
        return [self._line(self._loss(self._lost_from(starts[0]), starts[1] - 1), self.next)]

    def _lost_from(self, start):
        # The segment at `start` goes. If it tells of an earlier loss, that would go unsaid.
        for _, line in self._logs.lines(start):
            body = unseal(line)
            fact = json.loads(body) if body else {}
            if fact.get("kind") == "lost":
                start = fact["from_seq"]
            break
        return max(start, self._acked + 1)

    def _loss(self, from_seq, to_seq):
        fact = {"kind": "lost", "from_seq": from_seq, "to_seq": to_seq}
        fact["count"] = to_seq - from_seq + 1
        return self._clock.stamp(fact)

    def _drop_surplus(self):
        while len(self._logs.starts) > self._segments_max:
            self._logs.drop(self._logs.starts[0])

    # --- forgetting
    def ack(self, journal, seq):
        # The host holds everything up to seq. Notes it in RAM only; False when it is not ours.
        if journal != self.id or not isinstance(seq, int) or not 0 <= seq < self.next:
            return False
        if seq > self._acked:
            self._acked = seq
        return True

    @property
    def forgettable(self):
        starts = self._logs.starts
        return len(starts) > 1 and starts[1] - 1 <= self._acked

    def forget(self):
        # Deletes what was acknowledged, whole segments; the newest stays, it carries `next`.
        while self.forgettable:
            self._logs.drop(self._logs.starts[0])

    # --- reading
    def read(self, seq, max_bytes):
        # JSON texts (bytes) of the facts from `seq` on, contiguous, at most max_bytes with a comma
        # each, but at least one. [] when there is none, or seq is no longer held.
        out = []
        if not self.first <= seq < self.next:
            return out
        left = max_bytes
        for text in self._texts(seq):
            left -= len(text) + 1
            if left < 0 and out:
                break
            out.append(text)
        return out

    def _texts(self, seq):
        # From `seq` to the end. A damaged record is read as the loss that it is.
        starts = self._logs.starts
        k = len(starts) - 1
        while starts[k] > seq:
            k -= 1
        while k < len(starts):
            start = starts[k]
            end = starts[k + 1] if k + 1 < len(starts) else self.next
            for seq, text in self._in_segment(start, seq, end):
                yield text
            seq = end
            k += 1

    def _in_segment(self, start, seq, end):
        # (seq, text) of every seq from `seq` to end - 1
        for offset, line in self._logs.lines(start, self._near(start, seq)):
            body = unseal(line)
            found = -1 if body is None else _seq_of(body)
            if not seq <= found < end:
                continue
            while seq < found:
                yield seq, self._unreadable(seq)
                seq += 1
            self._cursor = (seq, start, offset)
            yield seq, body
            seq += 1
        while seq < end:
            yield seq, self._unreadable(seq)
            seq += 1

    def _near(self, start, seq):
        # where to begin in a segment: where the last read ended, if that helps
        at, segment, offset = self._cursor
        return offset if segment == start and at <= seq else 0

    def _unreadable(self, seq):
        fact = {"kind": "lost", "from_seq": seq, "to_seq": seq, "count": 1}
        return _text(self._clock.stamp(fact), seq)
