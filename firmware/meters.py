# Water, energy, grinds and shots of each UTC day. The tick counts since boot; here its counts
# become days, kept on flash sparingly: after shots, every 15 minutes when something changed, and
# when a day ends. What was counted while no clock was set is attributed only when that is certain.
# Beside them the water since the last descaling, clock or not.
import json

import files
from micropython import const

NAMES = ("water_ul", "energy_j", "grinds", "shots")
_LIVE = ("water_ul", "energy_j", "grinds", "shots_done")
_FILE = "meters"
_SMALL = const(0x3FFFFFFF)  # the tick's counts wrap here
_SAVE_MS = const(900000)


class Meters:
    # step() and save() from the background only; save() writes flash.
    def __init__(self, live, clock, config):
        self._live = live
        self._clock = clock
        self._config = config
        self._seen = [0, 0, 0, 0]
        self._saved_ms = 0
        self._shots_saved = 0
        self._told = False  # a fact, or soon; saved later it would be told twice after a power cut
        self.day, self.totals, self.loose, self._scaling_ul, self._seq = _stored()
        # counted in this boot, or under a set clock: then the day may be certain
        self._fresh = not any(self.loose)
        self._knew = False  # the clock was set at the last step
        self._saved = self._image()

    def step(self):
        # Takes over the tick's counts. Returns the `meter` facts of days that have ended, and
        # that descaling is due.
        loose_ul = self.loose[0]
        for k in range(4):
            now = getattr(self._live, _LIVE[k])
            self.loose[k] += (now - self._seen[k]) & _SMALL
            self._seen[k] = now
        self._scaling_ul += self.loose[0] - loose_ul
        return self._scale() + (self._settle(self._clock.day()) if self._clock.known else [])

    def told(self, facts):
        # once, at boot. facts: the latest in the journal; what the power left no time to note here
        for fact in facts:
            if fact["seq"] < self._seq:
                continue
            if fact.get("day"):
                self._open(None)
            elif "day" in fact:
                self.loose = [0, 0, 0, 0]
            elif "descale" in fact.get("code", ""):
                self._scaling_ul = 0
        self._told = self._image() != self._saved  # noted soon, not read from the journal for ever

    def descaled(self):
        self._scaling_ul = 0
        self._told = True

    def _scale(self):
        litres = self._scaling_ul // 1000000
        if not 0 < self._config["descale_l"] <= litres:
            return []
        self.descaled()
        return [{"kind": "maintenance", "code": "descale_due", "value": litres}]

    def _settle(self, today):
        ended = []
        if self.day != today and self.day is not None:
            ended.append(self._fact(self.day, self.totals))
            self._open(None)
        if any(self.loose) and self.day != today and not self._certain():
            ended.append(self._fact(None, self.loose))
            self.loose = [0, 0, 0, 0]
        # what got its day now is on flash without one: told with the day, it would be told again
        self._told = self._told or bool(ended) or not self._knew and any(self.loose)
        self._knew = True
        if self.day is None:
            self._open(today)
        self.totals = [a + b for a, b in zip(self.totals, self.loose)]
        self.loose = [0, 0, 0, 0]
        return ended

    def _certain(self):
        # all that is loose was counted today
        midnight_ms = self._clock.since_midnight_ms()
        return self._knew or (self._fresh and self._clock.uptime_ms() <= midnight_ms)

    def _open(self, day):
        self.day = day
        self.totals = [0, 0, 0, 0]

    def _fact(self, day, totals):
        fact = {"kind": "meter", "day": day}
        for k in range(4):
            fact[NAMES[k]] = totals[k]
        return fact

    # --- flash
    def due(self, uptime_ms):
        if self._told or self._shots_saved != self._live.shots_done:
            return True
        return uptime_ms - self._saved_ms >= _SAVE_MS and self._image() != self._saved

    def save(self, uptime_ms, seq):
        # seq: of the next fact, for what is told from there on is not in here
        self._seq = seq
        image = self._image()
        files.replace(_FILE, image)
        self._saved = image  # only now: a flash that fails is tried again
        self._saved_ms = uptime_ms
        self._told = False
        self._shots_saved = self._live.shots_done

    def _image(self):
        return files.as_json([self.day, self.totals, self.loose, self._scaling_ul, self._seq])


def _stored():
    try:
        kept = json.loads(files.read(_FILE) or b"x")
        kept += [0, _SMALL][len(kept) - 3:]  # what earlier firmware did not keep
        day, totals, loose, scaling_ul, seq = kept[:5]
        if len(totals) == len(loose) == 4:
            return day, totals, loose, scaling_ul, seq
    except ValueError:
        pass
    return None, [0, 0, 0, 0], [0, 0, 0, 0], 0, 0
