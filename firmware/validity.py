# For the board's TLS a certificate is valid or not by the RTC, which starts in 2021 after each
# reset: every certificate made since would be "not yet valid", and the host, who tells the time,
# never reached. So a lower bound of the time is kept on flash and set before TLS begins. It
# never counts as knowing the time (clock.py).
import time
from mailbox import Busy

import files
import machine
from clock import EPOCH_S, FLOOR_MS
from micropython import const

_FILE = "utc_floor"
_OLD_MS = const(604800000)  # written anew once a week


def floor_ms():
    return max(int(files.read_one(_FILE) or 0), FLOOR_MS)


def set_rtc(utc_ms):
    # never back
    if utc_ms // 1000 > time.time() + EPOCH_S:
        t = time.gmtime(utc_ms // 1000 - EPOCH_S)
        machine.RTC().datetime((t[0], t[1], t[2], t[6], t[3], t[4], t[5], 0))


class Validity:
    # clock: clock.Clock.  mailbox: mailbox.Mailbox, whose quiet the writing needs.
    def __init__(self, clock, mailbox):
        self._clock = clock
        self._mailbox = mailbox
        self._done = False
        set_rtc(floor_ms())

    def step(self):
        # as soon as the time is known, for the next start and for this one
        if self._done or not self._clock.known or not self._mailbox.at_rest():
            return
        self._done = True
        utc_ms = self._clock.utc_ms()
        set_rtc(utc_ms)
        if utc_ms - floor_ms() >= _OLD_MS:
            self._keep(utc_ms)

    def _keep(self, utc_ms):
        try:
            with self._mailbox.quiet():
                files.mark(_FILE, b"%d" % utc_ms)
        except Busy:
            self._done = False  # it began to pour; later
