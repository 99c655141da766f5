# HX711 load-cell amplifier: 24 bits, 10 readings a second, channel A gain 128.
# Raw weight, tare, and a smoothed weight with its rate for the stop's prediction. No decisions.
import board
from machine import Pin, SoftSPI
from micropython import const

_ALPHA = const(5)  # shares of 16: alpha-beta filter at 10 Hz, noise of a cheap cell about 0.1 g
_BETA = const(5)  # shares of 8 each second: a sixteenth of what a reading is off by
_STALE = const(100)  # ticks without a reading: the cell is dead (nominal 10)
_FROZEN = const(20)
_SPAN = const(1000000)  # counts either side of the tare that are believed
_BAUD = const(250000)  # a clock of 2 us high, 2 us low


class Scale:
    def __init__(self):
        self.fitted = board.HX711_DOUT is not None
        self.weight_mg = 0  # smoothed, since tare
        self.rate_mg_s = 0
        self.alive = True
        self._age = 0  # ticks since the last reading
        self._counts = 0
        self._same = 0  # equal readings in a row: a living cell is never that quiet
        self._zero = 0
        self._per_g = board.SCALE_COUNTS_G
        self._bits = bytearray(3)
        if self.fitted:
            dout = Pin(board.HX711_DOUT, Pin.IN)
            sck = Pin(board.HX711_SCK, Pin.OUT, value=0)
            # The converter listens to nothing but the clock: zeros "sent" on the clock's own pin
            # while it is low change nothing, and no pin is spent on them.
            spi = SoftSPI(_BAUD, polarity=0, phase=1, sck=sck, mosi=sck, miso=dout)
            self._take_bits = spi.readinto
            self._dout = dout.value
            self._sck = sck.value

    def step(self):
        # every tick. True: there is a new weight
        if self._dout():
            age = self._age
            if age < _STALE:
                self._age = age + 1
            else:
                self.alive = False
            return False
        self._read()
        return True

    def _read(self):
        bits = self._bits
        self._take_bits(bits)
        sck = self._sck
        sck(1)  # 25th pulse: next reading channel A, gain 128
        sck(0)
        high = bits[0]
        counts = (high - (high >> 7 << 8) << 8 | bits[1]) << 8 | bits[2]
        self._same = self._same + 1 if counts == self._counts else 0
        self._counts = counts
        self.alive = self._same < _FROZEN
        self._smooth(counts - self._zero)

    def _smooth(self, counts):
        age = self._age + 1
        self._age = 0
        if counts > _SPAN:
            counts = _SPAN
        elif counts < -_SPAN:
            counts = -_SPAN
        guess = self.weight_mg + self.rate_mg_s * age // 100
        off = counts * 1000 // self._per_g - guess
        self.weight_mg = guess + off * _ALPHA // 16
        # as after ten ticks, whatever the age: the noise of a loose wire must not grow past 2^30
        self.rate_mg_s += off * _BETA >> 3

    def tare(self):
        # the smoothed weight becomes zero; a load that still moves is no tare
        self._zero += (self.weight_mg >> 3) * self._per_g // 125
        self.weight_mg = 0
        self.rate_mg_s = 0
