# From temperature and pressure to what the converter sees: divider, amplifier, transducer, noise,
# 12 bits. Codes are 16 x the 12-bit code (65536 = full scale). No judgement of readings here.
import math

import micropython
from micropython import const

_WORDS = const(202)  # one each 2**20 u°C from _FROM
_FROM_UC = const(10485760)  # the table begins at -10.49 °C

# --- state of a channel (lists of four)
# faults: what a channel shows instead: -1 nothing, else the code
# drift and slow noise are added to the code, gain multiplies the noise


def temperature_table(sensor):
    """256 x the 12-bit code, one word each 2**20 u°C from -10.49 °C.

    sensor: ("ntc", R25 ohm, B25 kelvin, divider ohm): NTC from the reference to the pin, divider
    to ground, R = R25 exp(B (1/T - 1/298.15 K)) (beta equation, IEC 60539-1); or ("pt1000", mc at
    0 V, mc at full scale): linear amplifier.
    """
    return [_code(sensor, (i - 10) * 1.048576) for i in range(_WORDS + 1)]


def _code(sensor, temp_c):
    if sensor is None:
        return 0
    if sensor[0] == "ntc":
        ohm = sensor[1] * math.exp(sensor[2] * (1 / (temp_c + 273.15) - 1 / 298.15))
        ratio = sensor[3] / (sensor[3] + ohm)
    else:
        ratio = (temp_c * 1000 - sensor[1]) / (sensor[2] - sensor[1])
    return int(min(max(ratio, 0), 1) * 1048560 + 0.5)


@micropython.viper
def temperature_code(table, temp_uc: int) -> int:
    """16 x the 12-bit code at temp_uc; the table's ends hold outside it."""
    t = temp_uc + 10485760
    if t < 0:
        t = 0
    if t > 210000000:
        t = 210000000
    i = t >> 20
    low = int(table[i])
    return (low + (((int(table[i + 1]) - low) * (t & 0xFFFFF)) >> 20)) >> 4


def pressure_line(sensor):
    """(offset, slope): code x 16 = offset + (ubar * slope >> 30).

    sensor: (mV at the pin at 0 bar, mV at full scale, full scale mbar), reference 3300 mV.
    """
    if sensor is None:
        return [0, 0]
    zero, full, scale = sensor
    return [zero * 65536 // 3300, (((full - zero) << 46) // 3300) // (scale * 1000)]


@micropython.viper
def pressure_code(line, pressure_ubar: int) -> int:
    code = int(line[0]) + ((pressure_ubar * int(line[1])) >> 30)
    if code < 0:
        code = 0
    if code > 65535:
        code = 65535
    return code


# One conversion. c: the channel's words [code, fault code or -1, drift, slow noise, sigma, stream]
# code, drift, slow noise and sigma in sixteenths of a 12-bit code.
CODE, STUCK, DRIFT, SLOW, SIGMA, STREAM, BASE_SIGMA, GAIN = range(8)


@micropython.viper
def convert(c) -> int:
    """read_u16 of one conversion: drift, noise, 12 bits, spread to 16 as the rp2 port does."""
    code = int(c[0]) + int(c[2]) + int(c[3])
    if int(c[1]) >= 0:
        code = int(c[1])
    # noise as in noise.normal, from this channel's own stream
    x = int(c[5])
    x ^= (x << 13) & 0xFFFFFFFF
    x ^= x >> 17
    x ^= (x << 5) & 0xFFFFFFFF
    n = (x & 255) + ((x >> 8) & 255) + ((x >> 16) & 255) + (x >> 24)
    x ^= (x << 13) & 0xFFFFFFFF
    x ^= x >> 17
    x ^= (x << 5) & 0xFFFFFFFF
    n += (x & 255) + ((x >> 8) & 255) + ((x >> 16) & 255) + (x >> 24)
    c[5] = x
    code = (code + ((((n - 1020) * int(c[4])) * 5017) >> 20)) >> 4
    if code < 0:
        code = 0
    if code > 4095:
        code = 4095
    return (code << 4) | (code >> 8)
