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
        self._seen = self._zero = 0
        self._last = 0
        self._moving = False
        self._due_us = _STILL_US  # without a pulse for so long the flow is lower than it was

    def pulse(self, pin):
        # hard interrupt
        self.pulses += 1
        self.stamp = ticks_us()

    def step(self, now_us):
        if self.pulses != self._seen:
            self._advance(self.pulses - self._seen)
        elif self._moving:
            us = ticks_diff(now_us, self._last)
            self.still_ms = us // 1000
            if us > self._due_us:
                self._falls(us)
        elif self.still_ms < 100000:
            self.still_ms += 10

    def _advance(self, n):
        stamp = self.stamp
        if self._moving:
            us = ticks_diff(stamp, self._last) // n
            if us > 1000:  # above 500 ml/s it is an electrical glitch
                self._set((self.flow_ul_s + _UL_US // us + 1) >> 1)
        self._moving = True
        self._last = stamp
        self._seen += n
        self.still_ms = 0

    def _set(self, ul_s):
        self.flow_ul_s = ul_s
        self._due_us = min(max(_UL_US // ul_s, _TICK_US), _STILL_US) if ul_s else _STILL_US

    def _falls(self, us):
        if us > _STILL_US:
            self._moving = False
            self._set(0)
        else:
            self.flow_ul_s = min(self.flow_ul_s, _UL_US // us)

    def begin(self):
        # volume_ul() counts from here: since power-on it would grow past 2^30
        self._zero = self._seen

    def volume_ul(self):
        # whole pulses and the part of the next one that must have passed
        part = self.still_ms * self.flow_ul_s // 1000
        return (self._seen - self._zero) * _UL + (part if part < _UL else _UL - 1)
