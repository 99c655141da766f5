# From temperature and pressure to what the converter sees: divider, amplifier, transducer, noise,
# 12 bits. Codes are 16 x the 12-bit code (65536 = full scale). No judgement of readings here.
import math
from array import array

import micropython
from micropython import const

_WORDS = const(202)  # one each 2**20 u°C from _FROM
_FROM_UC = const(10485760)  # the table begins at -10.49 °C

# --- words of a channel; codes in sixteenths of a 12-bit code
_CODE = const(0)  # what the circuit gives, before noise
_STUCK = const(1)  # what it gives instead when broken, -1 when whole
_DRIFT = const(2)
_SLOW = const(3)  # noise that averaging does not take away
_SIGMA = const(4)  # of the noise from read to read, now
_STREAM = const(5)  # of this channel's generator
_BASE_SIGMA = const(6)  # without fault and ripple
_GAIN = const(7)  # of the noise, permille
_SLOW_FINE = const(8)  # slow noise x 256
CHANNEL_WORDS = 9
STUCK, DRIFT, SIGMA, BASE_SIGMA, GAIN = _STUCK, _DRIFT, _SIGMA, _BASE_SIGMA, _GAIN


def channel(stream):
    """Words of a whole channel with its own random stream."""
    c = [0] * CHANNEL_WORDS
    c[_STUCK], c[_STREAM], c[_GAIN] = -1, stream, 1000
    return c


def temperature_table(sensor):
    """256 x the 12-bit code, one word each 2**20 u°C from -10.49 °C.

    sensor: ("ntc", R25 ohm, B25 kelvin, divider ohm): NTC from the reference to the pin, divider
    to ground, R = R25 exp(B (1/T - 1/298.15 K)) (beta equation, IEC 60539-1); or ("pt1000", mc at
    0 V, mc at full scale): linear amplifier.
    """
    return array("i", [_code(sensor, (i - 10) * 1.048576) for i in range(_WORDS + 1)])


def _code(sensor, temp_c):
    if sensor is None:
        return 0
    if sensor[0] == "ntc":
        ohm = sensor[1] * math.exp(sensor[2] * (1 / (temp_c + 273.15) - 1 / 298.15))
        ratio = sensor[3] / (sensor[3] + ohm)
    else:
        ratio = (temp_c * 1000 - sensor[1]) / (sensor[2] - sensor[1])
    return min(int(max(ratio, 0) * 1048576 + 0.5), 1048575)


@micropython.viper
def temperature_code(table: ptr32, temp_uc: int) -> int:
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


@micropython.viper
def convert(c) -> int:
    """read_u16 of one conversion: drift, noise, 12 bits, spread to 16 as the rp2 port does."""
    code = int(c[_CODE]) + int(c[_DRIFT]) + int(c[_SLOW])
    if int(c[_STUCK]) >= 0:
        code = int(c[_STUCK])
    # noise as in noise.normal, from this channel's own stream
    x = int(c[_STREAM])
    x ^= (x << 13) & 0xFFFFFFFF
    x ^= x >> 17
    x ^= (x << 5) & 0xFFFFFFFF
    n = (x & 255) + ((x >> 8) & 255) + ((x >> 16) & 255) + (x >> 24)
    x ^= (x << 13) & 0xFFFFFFFF
    x ^= x >> 17
    x ^= (x << 5) & 0xFFFFFFFF
    n += (x & 255) + ((x >> 8) & 255) + ((x >> 16) & 255) + (x >> 24)
    c[_STREAM] = x
    code = (code + ((((n - 1020) * int(c[_SIGMA])) * 5017) >> 20)) >> 4
    if code < 0:
        code = 0
    if code > 4095:
        code = 4095
    return (code << 4) | (code >> 8)
