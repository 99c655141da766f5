# The running shot's curve in batches of columns, as the topic `shot` has it. Reads the tick's ring
# with a cursor of its own; what it cannot send in time is lost to the watchers and to no one else.
from array import array

import board
from micropython import const
from samples import SAMPLE_WORDS

_BATCH = const(5)  # samples in a message while the shot runs: two messages a second
_MOST = const(10)

_SHOT = const(0)


def _columns():
    # (place in a sample, name): what this board measures
    fitted = {"pressure_mbar": board.ADC_PRESSURE, "weight_mg": board.HX711_DOUT}
    return [(k, name) for k, name in enumerate(SAMPLE_WORDS)
            if k and (name not in fitted or fitted[name] is not None)]


class Curve:
    def __init__(self, live, boot):
        self._live = live
        self._samples = live.samples
        self._boot = boot
        self._one = array("i", [0] * len(SAMPLE_WORDS))
        self._kept = [array("i", [0] * _MOST) for _ in SAMPLE_WORDS]
        self._columns = _columns()
        self.restart()

    def restart(self):
        # nobody listened: begin with what comes
        self._cursor = self._samples.count
        self._n = 0
        self._shot = self._part = 0

    def message(self):
        # The next batch, or None. One sample is held back until the next one comes or the shot
        # is over, so that there is always one for the last message.
        samples = self._samples
        while self._n < _MOST and self._cursor != samples.count:
            cursor = samples.get(self._cursor, self._one)
            if self._n and self._one[_SHOT] != self._shot:
                return self._batch(self._n, True)
            self._cursor = cursor
            self._keep()
        if not self._n:
            return None
        if self._live.shot != self._shot and self._cursor == samples.count:
            return self._batch(self._n, True)
        return self._batch(self._n - 1, False) if self._n > _BATCH else None

    def _keep(self):
        one, n = self._one, self._n
        if one[_SHOT] != self._shot:
            self._shot = one[_SHOT]
            self._part = 0
        for k, column in enumerate(self._kept):
            column[n] = one[k]
        self._n = n + 1

    def _batch(self, n, last):
        text = '{"v":1,"boot":%d,"shot":%d,"part":%d,"last":%s' % (
            self._boot, self._shot, self._part, "true" if last else "false")
        for k, name in self._columns:
            text += ',"%s":[%s]' % (name, ",".join(str(self._kept[k][i]) for i in range(n)))
        self._part += 1
        for column in self._kept:
            column[0] = column[n] if n < self._n else 0
        self._n -= n
        return text + "}"
