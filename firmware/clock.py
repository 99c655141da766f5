# What time it is: uptime that never wraps, UTC once the host's `clock` command said it. Stamps
# facts. The RTC is not asked: no board keeps it without power, and it holds a bound (validity.py).
import time

from micropython import const

_SMALL = const(0x3FFFFFFF)  # live.uptime_ms wraps here
FLOOR_MS = 1767225600000  # 2026-01-01: no machine with this firmware lived before
CEILING_MS = 4102444800000  # 2100-01-01
EPOCH_S = 0 if time.gmtime(0)[0] == 1970 else 946684800  # ports count from 1970 or 2000


class Clock:
    # live: live.Live, or None in a bench. boot: number of this boot, for the stamps.
    def __init__(self, live, boot):
        self._live = live
        self.boot = boot
        self._uptime_ms = 0
        self._seen = time.ticks_ms()
        self._offset_ms = None  # UTC less uptime

    def uptime_ms(self):
        # must be asked at least every 6 days, or a wrap is missed
        now = time.ticks_ms()
        self._uptime_ms += time.ticks_diff(now, self._seen)
        self._seen = now
        return self._uptime_ms

    def uptime_of(self, tick_ms):
        # tick_ms: a past live.uptime_ms (wraps); gives the full uptime then
        age = (self._live.uptime_ms - tick_ms) & _SMALL
        return max(self.uptime_ms() - age, 0)

    @property
    def known(self):
        return self._offset_ms is not None

    def set_utc(self, utc_ms):
        # False, and nothing set, when it cannot be true
        if not FLOOR_MS <= utc_ms <= CEILING_MS:
            return False
        self._offset_ms = utc_ms - self.uptime_ms()
        return True

    def utc_ms(self):
        return None if self._offset_ms is None else self.uptime_ms() + self._offset_ms

    def utc_of(self, uptime_ms):
        return None if self._offset_ms is None else uptime_ms + self._offset_ms

    def day(self):
        # "2026-11-23" (UTC), None while the clock is unknown
        utc_ms = self.utc_ms()
        if utc_ms is None:
            return None
        return "%04d-%02d-%02d" % time.gmtime(utc_ms // 1000 - EPOCH_S)[:3]

    def since_midnight_ms(self):
        return self.utc_ms() % 86400000

    def stamp(self, fact, uptime_ms=None):
        # adds boot, uptime_ms, utc_ms to a fact; uptime_ms None: now
        if uptime_ms is None:
            uptime_ms = self.uptime_ms()
        fact["boot"] = self.boot
        fact["uptime_ms"] = uptime_ms
        fact["utc_ms"] = self.utc_of(uptime_ms)
        return fact
