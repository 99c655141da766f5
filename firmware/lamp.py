# The little lamp: dark, alight when ready, blinking while an alarm is latched, fast to be found
# among other machines. Its pin hangs on the radio chip, so only the background touches it, and not
# before the tick runs: the first touch starts the radio. A dead one costs a third of a second each
# time, so what was slow has a rest.
import time

import board
import live as names
from backoff import Backoff
from machine import Pin
from micropython import const

_SLOW_MS = const(100)
_REST_MS = const(2000)
_REST_MAX_MS = const(60000)


class Lamp:
    # commands: has identify_until_ms, an uptime
    def __init__(self, live, commands):
        self._live = live
        self._commands = commands
        self._pin = None
        self._shown = 0
        self._rest = Backoff(_REST_MS, _REST_MAX_MS)

    def step(self, uptime_ms):
        # about ten times a second
        if uptime_ms < self._commands.identify_until_ms:
            wanted = uptime_ms // 100 & 1
        elif self._live.latched:
            wanted = uptime_ms // 1000 & 1
        else:
            wanted = names.READY <= self._live.state <= names.CLEANING
        if wanted != self._shown:
            now = time.ticks_ms()
            if self._rest.over(now):
                self._show(wanted, now)

    def _show(self, wanted, now):
        self._shown = wanted
        if not self._pin:
            self._pin = Pin(board.LED, Pin.OUT)
        self._pin.value(wanted)
        if time.ticks_diff(time.ticks_ms(), now) > _SLOW_MS:
            self._rest.failed(now)
        else:
            self._rest.reset(now)
