# The running shot's curve: a ring the tick writes every 100 ms and telemetry reads with a cursor
# of its own. A reader that falls behind loses the oldest samples, never the tick's time.
from array import array

from micropython import const

SAMPLE_WORDS = (
    "shot", "t_ms", "temp_mc", "pressure_mbar", "flow_ul_s", "volume_ul", "weight_mg",
    "duty_permille",
)
_WORDS = const(8)
KEPT = const(64)  # 6.4 s


class Samples:
    def __init__(self):
        self.count = 0  # samples ever written; a reader's cursor counts the same
        self._ring = array("i", [0] * (_WORDS * KEPT))

    def put(self, live):
        # tick only
        r = self._ring
        i = (self.count % KEPT) * _WORDS
        r[i] = live.shot
        r[i + 1] = live.shot_ms
        r[i + 2] = live.temp_mc
        r[i + 3] = live.pressure_mbar
        r[i + 4] = live.flow_ul_s
        r[i + 5] = live.volume_ul
        r[i + 6] = live.weight_mg
        r[i + 7] = live.duty_permille
        self.count = self.count + 1

    def get(self, cursor, into):
        # background only: copies the sample at `cursor`, or the oldest still held, into
        # array("i", 8). Returns the next cursor; the same cursor when there is nothing new.
        if cursor >= self.count:
            return cursor
        oldest = self.count - KEPT + 1  # the very oldest may be overwritten under our hands
        if cursor < oldest:
            cursor = oldest
        i = (cursor % KEPT) * _WORDS
        for k in range(_WORDS):
            into[k] = self._ring[i + k]
        return cursor + 1
