# ADC sums to milli degrees and millibar through tables made once at boot, where floats are
# allowed. The tick reads with guards.look(). No pins here (hal.py), no judgement (interlocks.py).
from array import array
from math import log

import micropython
from micropython import const

READS = const(4)  # ADC reads a tick; the sum of four 12-bit reads carries 14 bits
_STEPS = const(256)
_SHIFT = const(10)  # 4 * 65535 >> 10 = 255
_BIAS = const(50000)  # table words stay non-negative: ptr32 does not sign-extend everywhere
_LOW_MC = const(-40000)
_HIGH_MC = const(200000)


def temperature_table(sensor):
    # sensor: ("ntc", R25 ohm, B25 kelvin, divider ohm) or ("pt1000", mc at 0 V, mc at full scale)
    if sensor is None:
        return _table(lambda ratio: 0)
    if sensor[0] == "ntc":
        return _table(lambda ratio: _ntc_mc(ratio, *sensor[1:]))
    low, high = sensor[1:]
    return _table(lambda ratio: low + (high - low) * ratio)


def pressure_table(sensor):
    # sensor: (mV at 0 bar, mV at full scale, full scale mbar), pin at 3300 mV full scale
    if sensor is None:
        return _table(lambda ratio: 0)
    zero, full, scale = sensor
    return _table(lambda ratio: (ratio * 3300 - zero) * scale / (full - zero))


def _table(f):
    # in place: a list of as many would want 2 KB in one piece when memory is already full
    table = array("i", bytes(4 * (_STEPS + 1)))
    for i in range(_STEPS + 1):
        table[i] = _word(f(i / _STEPS))
    return table


def _word(value):
    return int(min(max(value, _LOW_MC), _HIGH_MC) + 0.5) + _BIAS


def _ntc_mc(ratio, r25, beta, divider):
    # NTC from 3.3 V to the pin, `divider` to ground; beta equation (IEC 60539-1)
    if ratio <= 0:
        return _LOW_MC
    if ratio >= 1:
        return _HIGH_MC
    r = divider * (1 - ratio) / ratio
    return 1000 / (1 / 298.15 + log(r / r25) / beta) - 273150


# One reading without judgement: raw is a sum of READS read_u16 values (0…262140); linear between
# table words.
@micropython.viper
def read(table: ptr32, raw: int) -> int:
    i = raw >> 10
    low = int(table[i])
    return low + (((int(table[i + 1]) - low) * (raw & 1023)) >> 10) - 50000
