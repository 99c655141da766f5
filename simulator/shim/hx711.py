# The load cell amplifier as its data sheet describes the serial interface: DOUT falls when a
# conversion is ready (10 a second), each rising edge of PD_SCK brings the next of 24 bits, most
# significant first, two's complement; the 25th pulse selects gain 128 and raises DOUT. A silent
# converter (plant word scale_ready 0) never pulls DOUT down.
import machine
import wiring
from kernel import words

_PERIOD_US = 100000

_state = [0, 0, 0, 0]  # next conversion due us, pulse number, shift register, last SCK level
_source = [None, 0, 0, 0]  # plant.y, index of the counts, DOUT pin, index of scale_ready


def attach(board, plant, names):
    if board.HX711_SCK is None:
        return
    _source[0] = plant.y
    _source[3] = names.Y_NAMES.index("scale_ready")
    _source[1] = names.Y_NAMES.index("scale_counts")
    _source[2] = board.HX711_DOUT
    machine._kinds[board.HX711_SCK] = Clock
    machine._kinds[board.HX711_DOUT] = Data


class Data(machine.Pin):
    def value(self, x=None):
        # between conversions high, then low until the bits are clocked out
        s = _state
        if s[1]:
            return self._level[self.id]
        return 0 if words[0] >= s[0] and _source[0][_source[3]] else 1

    __call__ = value


class Clock(machine.Pin):
    def value(self, x=None):
        if x is None:
            return _state[3]
        if x:
            self.on()
        else:
            self.off()

    __call__ = value

    def on(self):
        s = _state
        if s[3]:
            return
        s[3] = 1
        out = wiring.level
        data = _source[2]
        n = s[1]
        if n == 0:
            if words[0] < s[0] or not _source[0][_source[3]]:
                return  # nothing ready: the pulse shifts out the end of an old word
            s[2] = _source[0][_source[1]] & 0xFFFFFF
        n += 1
        if n <= 24:
            out[data] = s[2] >> (24 - n) & 1
            s[1] = n
        else:
            s[1] = 0
            # conversions run free at 10 Hz
            s[0] += _PERIOD_US * ((words[0] - s[0]) // _PERIOD_US + 1)

    def off(self):
        _state[3] = 0

    high = on
    low = off
