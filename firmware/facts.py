# What happened becomes facts: the tick's events are drained into a queue in RAM, and when nothing
# pours the queue goes to the journal, in one quiet moment together with all else that is written.
# Only the background calls this. Sending is link.py's work.
import json
from array import array
from mailbox import AGAIN_MS, Busy
from time import ticks_add, ticks_diff, ticks_ms

import interlocks as il
import live as names
import shot_mark
from brew_fact import SOURCES, brew_fact, word
from ledger import Ledger
from meters import Meters
from micropython import const

QUEUE_MAX = 48
_GATHER_MS = const(200)  # events come in bunches: one flash write for a bunch
_LOOK_MS = const(100)  # between two looks for something to write
_METERS_MS = const(5000)
_WORTH = const(33)  # figures that changed by 3 % are worth a write


class Facts:
    # All by their modules: live.Live, journal.Journal, clock.Clock, mailbox.Mailbox,
    # resets.Resets, config.Config.
    def __init__(self, live, journal, clock, mailbox, resets, config):
        self._live = live
        self._journal = journal
        self._clock = clock
        self._mailbox = mailbox
        self._resets = resets
        self._config = config
        self._meters = Meters(live, clock, config)
        self._mark = shot_mark.ShotMark()
        self._marked_shot_done = False  # its fact is in the queue
        self._queue = []
        self._dropped = 0
        self._events_lost = 0
        self._event = array("i", [0] * 4)
        self._oldest = 0  # ticks_ms of the first fact in the queue
        self._look_at = self._metered = ticks_ms()
        self._tunes = 0  # bits: 1 an auto-tune to keep, 2 what a shot taught
        self._kept = 0  # J/K of the brew boiler on flash, 0: no auto-tune
        self.flash_errors = 0
        self._again_ms = 0

    # --- once, before the tick runs
    def start(self):
        tune = self._config.tune()
        self._kept = tune[1] if tune else 0
        fact = {"kind": "boot", "cause": self._resets.cause, "safe_mode": self._resets.safe_mode}
        fact["previous_uptime_ms"] = self._resets.previous_uptime_ms
        try:
            self._meters.told(self._recent())
            if self._mark.kept:
                self._close_last_boot(self._mark.kept)
            self._journal.append(self._clock.stamp(fact))
        except OSError:
            # full of somebody's files: that is no reason to pour no coffee
            self.flash_errors += 1
            self.add(fact)

    def _close_last_boot(self, note):
        # The mark goes after the fact came; cut between the two, the fact is there already. And it
        # comes before the ledger's line: a command that is not in there never asked for the shot,
        # and one that was refused has none.
        command = note["command"]
        began = not command or b'"ok":f' not in (Ledger().find(command) or b'"ok":f')
        if began and not self._journalled(note["boot"], note["shot"]):
            self._journal.append(shot_mark.aborted(note))
        self._mark.clear()

    def _journalled(self, boot, shot):
        return any(fact["kind"] == "brew" and (fact["boot"], fact["shot"]) == (boot, shot)
                   for fact in self._recent())

    def _recent(self):
        # the latest facts in the journal, the oldest of them first
        journal = self._journal
        seq = max(journal.first, journal.next - QUEUE_MAX - 8)
        while seq < journal.next:
            texts = journal.read(seq, 1024)
            for text in texts:
                yield json.loads(text)
            seq += len(texts)

    # --- shots that commands start; both write flash, in the caller's quiet moment
    def shot_expected(self, command, slot, rev):
        # before the tick is asked to brew. Returns the number that the shot will have.
        shot = self._live.shots_done + 1
        self._mark_shot(shot, slot, rev, "remote", command)
        return shot

    def shot_refused(self):
        self._journal_queue()  # as in _mark_shot
        self._mark.clear()

    def _mark_shot(self, shot, slot, rev, source, command):
        self._journal_queue()  # the shot before may still be in it, and its mark goes now
        self._mark.write({
            "boot": self._clock.boot, "shot": shot, "slot": slot, "rev": rev, "source": source,
            "command": command, "uptime_ms": self._clock.uptime_ms(),
            "utc_ms": self._clock.utc_ms(), "temp_mc": self._live.temp_mc,
        })

    # --- every pass; with nothing to do it must cost nothing. A frame of more than eleven words
    # MicroPython takes from the heap, and to find room there takes the chip 0.7 ms.
    def step(self):
        while self._live.get(self._event):
            self._noted(self._event)
        now = ticks_ms()
        if ticks_diff(now, self._look_at) >= 0:
            self._look_at = ticks_add(now, _LOOK_MS)
            self._look(now)

    def _look(self, now):
        if ticks_diff(now, self._metered) >= _METERS_MS:
            self._metered = now
            self._count()
        if self._wants_flash(now):
            self._write()

    def _noted(self, event):
        self._take(event[0], event[1], event[2], self._clock.uptime_of(event[3]))

    def add(self, fact, uptime_ms=None):
        # queued; stamped when it is written, so that a clock set meanwhile dates it
        if len(self._queue) >= QUEUE_MAX:
            self._dropped += 1
            return
        if not self._queue:
            self._oldest = ticks_ms()
        fact["uptime_ms"] = self._clock.uptime_ms() if uptime_ms is None else uptime_ms
        self._queue.append(fact)

    def _take(self, kind, a, b, uptime_ms):
        if kind == names.EV_ALARM:
            self.add(_alarm(a, b), uptime_ms)
        elif kind == names.EV_SHOT:
            self._shot_done(a, uptime_ms)
        elif kind == names.EV_MAINT:
            if names.MAINT_NAMES[a] == "autotune_done":
                self._tunes |= 1
            elif names.MAINT_NAMES[a] == "descale_done":
                self._meters.descaled()
            self.add({"kind": "maintenance", "code": names.MAINT_NAMES[a], "value": b}, uptime_ms)
        elif kind == names.EV_STATE and a == names.STARTING:
            self._look_at = ticks_ms()  # its mark is wanted in this pass

    def _shot_done(self, index, uptime_ms):
        ours = self._marked(index)
        command = self._mark.kept["command"] if ours else None
        self._marked_shot_done = self._marked_shot_done or ours
        capacity = self._live.tune[1]
        if abs(capacity - self._kept) * _WORTH > capacity:
            self._tunes |= 2  # this shot taught something (calorimeter.py)
        self.add(brew_fact(self._live, self._clock, index, command), uptime_ms)

    def _count(self):
        lost = self._live.events_lost
        self._dropped += lost - self._events_lost
        self._events_lost = lost
        for fact in self._meters.step():
            self.add(fact)

    # --- flash
    def _marked(self, index):
        live = self._live
        return self._mark.is_for(
            self._clock.boot, word(live, index, "shot"), SOURCES[word(live, index, "source")])

    def _unmarked(self):
        # a shot from the button is about to begin and has no mark yet
        live = self._live
        return (live.state == names.STARTING and live.shot
                and not self._marked(live.shot % names.SHOTS_KEPT))

    def _wants_flash(self, now):
        latches = self._resets.latches_changed(self._live.latched)
        if self._unmarked() or latches and self._live.latched:
            return True
        if not self._mailbox.at_rest() or self._clock.uptime_ms() < self._again_ms:
            return False
        if self._queue and ticks_diff(now, self._oldest) >= _GATHER_MS:
            return True
        return (latches or self._dropped or self._tunes or self._journal.forgettable
                or self._sparing())

    def _sparing(self):
        uptime_ms = self._clock.uptime_ms()
        return self._resets.due(uptime_ms) or self._meters.due(uptime_ms)

    def _write(self):
        try:
            with self._mailbox.quiet():
                self._write_now()
        except Busy:
            pass  # something pours: later
        except OSError:
            self.flash_errors += 1
            self._again_ms = self._clock.uptime_ms() + AGAIN_MS

    def _write_now(self):
        if self._unmarked():
            shot = self._live.shot
            k = shot % names.SHOTS_KEPT
            live = self._live
            self._mark_shot(shot, str(word(live, k, "slot")), word(live, k, "recipe_rev"),
                            SOURCES[word(live, k, "source")], None)
        if self._resets.latches_changed(self._live.latched):
            self._resets.keep_latches(self._live.latched)
        if self._mailbox.at_rest():
            self.flush()

    def flush(self):
        # everything that waits; the flash may be written now
        uptime_ms = self._clock.uptime_ms()
        if self._meters.due(uptime_ms):
            self._count()  # the last shot is not in yet
        self._journal_queue()
        if self._tunes:
            self._kept = self._live.tune[1]
            self._config.keep_tune(list(self._live.tune), self._tunes & 1)
            self._tunes = 0
        if self._meters.due(uptime_ms):
            self._meters.save(uptime_ms, self._journal.next)
        if self._resets.due(uptime_ms):
            self._resets.note(uptime_ms)
        self._journal.forget()

    def _journal_queue(self):
        while self._live.get(self._event):  # a shot that ended in this pass
            self._noted(self._event)
        note = self._mark.kept
        if note and note["boot"] != self._clock.boot:
            self._close_last_boot(note)  # the flash was full at the start
        stamp = self._clock.stamp
        for fact in self._queue:
            stamp(fact, fact["uptime_ms"])
        self._journal.append_all(self._queue)  # takes out what is safe
        if self._dropped:
            seq = self._journal.next
            lost = {"kind": "lost", "from_seq": seq, "to_seq": seq, "count": self._dropped}
            self._journal.append(stamp(lost))
            self._dropped = 0
        if self._marked_shot_done:
            self._mark.clear()
            self._marked_shot_done = False


def _alarm(bit, raised):
    mask = 1 << bit
    severity = "critical" if mask & il.CRITICAL else "warning" if mask & il.WARNING else "info"
    return {
        "kind": "alarm", "code": names.ALARM_NAMES[bit], "raised": bool(raised),
        "severity": severity, "latched": bool(mask & il.LATCHING),
    }
