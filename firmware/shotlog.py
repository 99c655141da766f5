# What is remembered of a shot: its curve, ten samples a second, and its summary words for the
# brew fact. Only writes down; decides nothing.
import live as names
import micropython

_WORDS = len(names.SHOT_WORDS)


class ShotLog:
    def __init__(self, live):
        self._live = live
        self._count = 0  # shots begun in this boot
        self._base = 0  # of the summary in live.shots
        self._n = 0
        self._temp = 0
        self._mbar = 0
        self._energy = 0

    def open(self, slot, rev, source):
        live = self._live
        self._count += 1
        live.shot = self._count
        live.volume_ul = live.pumped_ul = live.shot_ms = 0
        self._n = self._temp = self._mbar = 0
        self._energy = live.energy_j
        self._base = (self._count % names.SHOTS_KEPT) * _WORDS
        s = live.shots
        b = self._base
        wipe(s, b, _WORDS)
        s[b] = self._count
        s[b + 1] = slot
        s[b + 2] = rev
        s[b + 3] = source
        s[b + 4] = live.uptime_ms
        s[b + 10] = live.temp_mc  # of a shot without water: at its end the sensor may be broken

    def water_begins(self):
        # the shot's time counts from here
        self._live.shots[self._base + 4] = self._live.uptime_ms

    def water_ends(self):
        self._live.shots[self._base + 5] = self._live.shot_ms

    def sample(self, pouring):
        # ten times a second from water_begins() to close()
        live = self._live
        live.samples.put(live)
        if pouring:
            self._n += 1
            self._temp += live.temp_mc >> 4  # 900 samples of 98 degrees stay below 2^30
            self._mbar += live.pressure_mbar
            if live.pressure_mbar > live.shots[self._base + 8]:
                live.shots[self._base + 8] = live.pressure_mbar

    def close(self, result, reason):
        live = self._live
        s = live.shots
        b = self._base
        s[b + 6] = live.volume_ul
        s[b + 7] = live.weight_mg
        if self._n:
            s[b + 9] = self._mbar // self._n
            s[b + 10] = (self._temp // self._n) << 4
        s[b + 11] = (live.energy_j - self._energy) & 0x3FFFFFFF
        s[b + 12] = result
        s[b + 13] = reason
        live.shots_done += 1
        live.shot = 0
        live.shot_ms = 0
        live.put(names.EV_SHOT, b // _WORDS, result)


@micropython.viper
def wipe(words: ptr32, at: int, n: int):
    while n > 0:
        n -= 1
        words[at + n] = 0
