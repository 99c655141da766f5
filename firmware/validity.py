# For the board's TLS a certificate is valid or not by the RTC, which starts in 2021 after each
# reset: every certificate made since would be "not yet valid", and the host, who tells the time,
# never reached. So a lower bound of the time is kept on flash and set before TLS begins. It
# never counts as knowing the time (clock.py).
import time
from mailbox import AGAIN_MS, Busy

import files
import machine
from clock import EPOCH_S, FLOOR_MS
from micropython import const

_FILE = "utc_floor"
_OLD_MS = const(86400000)  # written anew once a day
_OFTEN_MS = const(600000)  # and after each new session, but no sooner


def floor_ms():
    return max(int(files.read_one(_FILE) or 0), FLOOR_MS)


def keep_floor(utc_ms):
    # also what `make provision` tells: the CA it brings is older than that
    files.mark(_FILE, b"%d" % utc_ms)


def set_rtc(utc_ms, back=False):
    # back: also to an earlier time
    if back or utc_ms // 1000 > time.time() + EPOCH_S:
        t = time.gmtime(utc_ms // 1000 - EPOCH_S)
        machine.RTC().datetime((t[0], t[1], t[2], t[6], t[3], t[4], t[5], 0))


class Validity:
    # clock: clock.Clock.  mailbox: mailbox.Mailbox, whose quiet the writing needs.
    def __init__(self, clock, mailbox):
        self._clock = clock
        self._mailbox = mailbox
        self._kept_ms = floor_ms()
        self._session = 0
        self._again_ms = 0
        self._told = False
        set_rtc(self._kept_ms)

    def step(self, session):
        # session: counts those with the broker; each may have been with a renewed certificate
        if not self._clock.known or not self._mailbox.at_rest():
            return
        utc_ms = self._clock.utc_ms()
        if not self._told:
            self._told = True
            set_rtc(utc_ms)
        age_ms = utc_ms - self._kept_ms
        back = age_ms < -_OLD_MS  # the floor is that of a clock which was wrong
        if back:
            set_rtc(utc_ms, back)
        if self._clock.uptime_ms() < self._again_ms:
            return
        if back or age_ms >= _OLD_MS or session != self._session and age_ms >= _OFTEN_MS:
            self._keep(utc_ms, session)

    def _keep(self, utc_ms, session):
        try:
            with self._mailbox.quiet():
                keep_floor(utc_ms)
        except (Busy, OSError):
            self._again_ms = self._clock.uptime_ms() + AGAIN_MS
            return  # it began to pour, or the flash fails; later
        self._kept_ms = utc_ms
        self._session = session
