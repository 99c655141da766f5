# The background's way to ask the tick for something, and to make it quiet before the flash or a
# name server takes interrupts or seconds. One request at a time; no hardware, no network here.
import time

import live as names
import machine
from micropython import const

NO_TICK = const(-1)  # nobody answered: the timer does not run (yet)
AGAIN_MS = const(2000)  # after a flash that failed, for outputs are off in each try
_PATIENCE_MS = const(50)  # a running tick answers within 10 ms
_SMALL = const(0x3FFFFFFF)


class Busy(Exception):
    # Something pours: not now.
    pass


class Mailbox:
    def __init__(self, live):
        self._live = live
        self._depth = 0

    def ask(self, request, arg=0, arg2=0, source=names.SOURCE_LOCAL):
        # 0: taken.  n: refused, brew.REFUSALS[n - 1].  NO_TICK: no answer in 50 ms.
        live = self._live
        if not live.ticks:
            return NO_TICK
        live.request_arg = arg
        live.request_arg2 = arg2
        live.request_source = source
        live.request = request
        began = time.ticks_ms()
        while live.request != names.REQ_NONE:
            if time.ticks_diff(time.ticks_ms(), began) > _PATIENCE_MS:
                live.request = names.REQ_NONE
                return NO_TICK
            machine.idle()
        return live.answer

    def at_rest(self):
        # No shot, no hot water, no steam, no cleaning: flash and name server may have their time.
        state = self._live.state
        return state < names.STARTING or state > names.CLEANING

    def hush(self):
        # Outputs off until loud(). False: something began to pour, leave the flash alone. Nests.
        # Granted before and after a shot's water, too: for one small file there.
        if not self._depth and self.ask(names.REQ_QUIET) > 0:
            return False
        self._depth += 1
        return True

    def loud(self):
        self._depth -= 1
        if not self._depth:
            self.ask(names.REQ_LOUD)

    def beat(self, timer=None):
        # the sign of life without which the tick lets the watchdog bite after 5 s
        self._live.beat = (self._live.beat + 1) & _SMALL

    def quiet(self):
        return _Quiet(self)


class _Quiet:
    # `with mailbox.quiet():` around what stops interrupts; raises Busy when something pours.
    def __init__(self, mailbox):
        self._mailbox = mailbox

    def __enter__(self):
        if not self._mailbox.hush():
            raise Busy

    def __exit__(self, *error):
        self._mailbox.loud()
