# The board's `time`: ticks wrap at 2**30 as 31-bit small ints need; sleeping moves virtual time.
# The RTC of an rp2 starts at 2021-01-01 after each reset and knows whole seconds.
import kernel
import micropython
import utime
from kernel import advance, quick, words

_PERIOD = 1 << 30
_HALF = 1 << 29
_EPOCH_S = 1609459200  # 2021-01-01T00:00:00Z
_rtc = [_EPOCH_S * 1000000]  # UTC us at reset


def gmtime(s=None):
    return utime.gmtime(time() if s is None else s)[:8]


localtime = gmtime  # the board knows no time zone


def mktime(t):
    # seconds since 1970 of a UTC tuple, as on the rp2 (the host's mktime would apply its zone)
    year, month, day = t[0], t[1], t[2]
    year -= month <= 2  # years begin in March: the leap day is the last
    era = year // 400
    of_era = year - era * 400
    of_year = (153 * ((month + 9) % 12) + 2) // 5 + day - 1
    days = era * 146097 + of_era * 365 + of_era // 4 - of_era // 100 + of_year - 719468
    return days * 86400 + t[3] * 3600 + t[4] * 60 + t[5]



# Reading the clock takes a microsecond, so a loop that only looks at it ends as on the board.
@micropython.viper
def ticks_us() -> int:
    w = words
    if not int(quick(w, 1)):
        advance(1)
    p = ptr32(w)
    return int(p[0]) & 0x3FFFFFFF


@micropython.viper
def ticks_ms() -> int:
    w = words
    if not int(quick(w, 1)):
        advance(1)
    p = ptr32(w)
    return ((int(p[1]) << 32) | int(p[0])) // 1000 & 0x3FFFFFFF


def ticks_cpu():
    return ticks_us()


@micropython.viper
def ticks_diff(a: int, b: int) -> int:
    return ((a - b + 0x20000000) & 0x3FFFFFFF) - 0x20000000


@micropython.viper
def ticks_add(a: int, b: int) -> int:
    return (a + b) & 0x3FFFFFFF


def sleep(s):
    kernel.advance(int(s * 1000000))


def sleep_ms(ms):
    kernel.advance(ms * 1000 if ms > 0 else 0)


def sleep_us(us):
    kernel.advance(us if us > 0 else 0)


def utc_us():
    return _rtc[0] + words[0]


def set_utc_us(us):
    _rtc[0] = us - words[0]


def time():
    return utc_us() // 1000000


def time_ns():
    return utc_us() * 1000
