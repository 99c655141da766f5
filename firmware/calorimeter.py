# Each shot is a flow calorimeter: its water takes a heat that is known in watts, and the observer
# says how much of it the model missed. That tells what a heat-up cannot (autotune.py knows power
# and loss only relative to the heat capacity): the scale of all three. docs/control.md.
from micropython import const
from thermal import D_ZERO, FLOW, D, T

_LEAST_UL_S = const(800)  # of water in earnest
_LEAST_T = const(60000 << 10)  # colder water takes so little heat that any error looks vast
_SETTLED = const(100)  # looks: ten seconds, after which lags have died away
_ENOUGH = const(160)  # looks: six seconds of counting
_MOST = const(250)  # permille that one shot may say


class Calorimeter:
    # boiler: thermal.Boiler; nominal: five figures like board.BREW_BOILER
    def __init__(self, boiler, nominal, inlet_mc):
        self._boiler = boiler
        self._words = boiler.words
        self._nominal = nominal
        self._inlet_mc = inlet_mc
        self._looks = 0
        self._missed_w = 0  # sums
        self._water_w = 0

    def look(self):
        # ten times a second; True: the figures have changed
        w = self._words
        flow = w[FLOW]
        if flow < _LEAST_UL_S or w[T] < _LEAST_T:
            enough = self._looks > _ENOUGH
            if enough:
                self._learn()
            self._looks = self._missed_w = self._water_w = 0
            return enough
        self._looks += 1
        if self._looks > _SETTLED:
            self._missed_w += (w[D] - D_ZERO) >> 10
            kelvin8 = ((w[T] >> 10) - self._inlet_mc) // 125
            self._water_w += (kelvin8 * flow >> 8) * 134 // 1000  # 4.178 J/(ml K) * 256 / 8000
        return False

    def _learn(self):
        # The model's capacity is C/k of the true one, so it counts the water k times too small:
        # d = W (1 - 1/k). Half of what this shot says is believed.
        counted = self._looks - _SETTLED
        missed = self._missed_w // counted
        off = missed * 1000 // max(self._water_w // counted - missed, 1)
        off = min(max(off, -_MOST), _MOST) >> 1
        found = self._boiler.figures
        nominal = self._nominal[1]
        capacity = found[1] + found[1] * off // 1000
        capacity = min(max(capacity, nominal * 7 // 10), nominal * 14 // 10)
        for k in (0, 2):
            found[k] = found[k] * capacity // found[1]
        found[1] = capacity
        self._boiler.tune(found)
