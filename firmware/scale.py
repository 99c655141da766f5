# HX711 load-cell amplifier, bit-banged: 24 bits, 10 readings a second, channel A gain 128.
# Raw weight, tare, and a smoothed weight with its rate for the stop's prediction. No decisions.
import board
from machine import Pin
from micropython import const

_ALPHA = const(5)  # shares of 16: alpha-beta filter at 10 Hz, noise of a cheap cell about 0.1 g
_BETA = const(1)
_STALE = const(100)  # ticks without a reading: the cell is dead (nominal 10)
_FROZEN = const(20)
_SPAN = const(1000000)  # counts either side of the tare that are believed


class Scale:
    def __init__(self):
        self.fitted = board.HX711_DOUT is not None
        self.weight_mg = 0  # smoothed, since tare
        self.rate_mg_s = 0
        self.fresh = False  # a reading came in this tick
        self.age = 0  # ticks since the last reading
        self._counts = 0
        self._same = 0  # equal readings in a row: a living cell is never that quiet
        self._zero = 0
        self._per_g = board.SCALE_COUNTS_G
        if self.fitted:
            self._dout = Pin(board.HX711_DOUT, Pin.IN).value
            self._sck = Pin(board.HX711_SCK, Pin.OUT, value=0).value

    def step(self):
        self.fresh = False
        if self._dout():
            if self.age < 10000:
                self.age += 1
            return
        self._take(self._read())

    def _read(self):
        sck = self._sck
        dout = self._dout
        v = 0
        for _ in range(24):
            sck(1)
            v = v << 1 | dout()
            sck(0)
        sck(1)  # 25th pulse: next reading channel A, gain 128
        sck(0)
        return v - (v >> 23 << 24)

    def _take(self, counts):
        age = self.age + 1
        self.age = 0
        self.fresh = True
        self._same = self._same + 1 if counts == self._counts else 0
        self._counts = counts
        mg = self._mg(counts)
        guess = self.weight_mg + self.rate_mg_s * age // 100
        off = mg - guess
        self.weight_mg = guess + off * _ALPHA // 16
        self.rate_mg_s += off * _BETA * 100 // (16 * age)

    def _mg(self, counts):
        d = counts - self._zero
        if d > _SPAN:
            d = _SPAN
        elif d < -_SPAN:
            d = -_SPAN
        return d * 1000 // self._per_g

    def tare(self):
        # the smoothed weight becomes zero; a load that still moves is no tare
        self._zero += self.weight_mg * self._per_g // 1000
        self.weight_mg = 0
        self.rate_mg_s = 0

    def alive(self):
        return self.age < _STALE and self._same < _FROZEN
