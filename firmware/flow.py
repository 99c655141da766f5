# Water from the hall meter's pulses: how much and how fast. The interrupt only counts and stamps.
# Between pulses the flow can only be lower than what would have made another pulse.
from time import ticks_diff, ticks_us

import board
from micropython import const

_UL = board.FLOW_UL_PULSE
_UL_US = board.FLOW_UL_PULSE * 1000000  # volume of a pulse in ul, per us
_TICK_US = const(10000)
_STILL_US = const(2000000)  # no pulse for so long is no flow


class Flow:
    def __init__(self):
        self.pulses = 0
        self.stamp = 0
        self.flow_ul_s = 0
        self.still_ms = 10000  # since the last pulse
        self._seen = 0
        self._last = 0
        self._moving = False

    def pulse(self, pin):
        # hard interrupt
        self.pulses += 1
        self.stamp = ticks_us()

    def step(self, now_us):
        n = self.pulses - self._seen
        if n:
            self._advance(n)
        elif self._moving:
            self._wait(ticks_diff(now_us, self._last))
        elif self.still_ms < 100000:
            self.still_ms += 10

    def _advance(self, n):
        stamp = self.stamp
        if self._moving:
            us = ticks_diff(stamp, self._last) // n
            if us > 1000:  # above 500 ml/s it is an electrical glitch
                self.flow_ul_s = (self.flow_ul_s + _UL_US // us + 1) >> 1
        self._moving = True
        self._last = stamp
        self._seen += n
        self.still_ms = 0

    def _wait(self, us):
        self.still_ms = us // 1000
        if us > _STILL_US:
            self._moving = False
            self.flow_ul_s = 0
        elif us > _TICK_US and self.flow_ul_s > _UL_US // us:
            self.flow_ul_s = _UL_US // us

    def volume_ul(self):
        # whole pulses and the part of the next one that must have passed
        part = self.still_ms * self.flow_ul_s // 1000
        return self._seen * _UL + (part if part < _UL else _UL - 1)
