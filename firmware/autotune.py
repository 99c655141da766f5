# The boiler's figures from one heat-up: full power from cold, cut below the set-point, coast.
# Three temperatures tell power, loss and lag relative to the known heat capacity (water and metal
# do not change; mains and elements do). Formulas: docs/control.md. Integers: runs in the tick.
from array import array

import board
import live as names
from micropython import const
from thermal import REF

_COLD_MC = const(60000)  # must begin below
_CUT_MC = const(9000)  # heat ends so far below the set-point: the element's rest carries it on
_WARM_MC = const(12000)  # above the start: element and sensor lag have died away
_SLOPE_MS = const(15000)  # two slopes, each over this time
_COAST_MS = const(45000)  # six element lags
_LIMIT_MC = const(125000)  # never above while tuning
_GIVE_UP_MS = const(900000)
_FILTER_MS = const(640)

IDLE = const(0)
_RISE = const(1)
_LOW = const(2)
_CLIMB = const(3)
_HIGH = const(4)
_COAST = const(5)


class Autotune:
    # nominal: five figures like board.BREW_BOILER; which: 0 brew, 1 steam
    def __init__(self, live, boiler, nominal, which):
        self._live = live
        self._boiler = boiler
        self._nominal = nominal
        self._which = which
        self._found = array("i", nominal)
        self.phase = IDLE
        self._ms = 0
        self._total_ms = 0
        self._begin_mc = 0
        self._mark_mc = 0
        self._low_slope = 0  # mc per _SLOPE_MS
        self._low_mc = 0
        self._high_slope = 0
        self._high_mc = 0
        self._mean = 0  # 16 x filtered temperature
        self._target = 0

    def start(self):
        # False: too warm to learn anything
        measured_mc = self._boiler.temp_mc()
        if measured_mc > _COLD_MC:
            return False
        self.phase = _RISE
        self._total_ms = self._ms = 0
        self._begin_mc = measured_mc
        self._mean = measured_mc << 6
        self._target = (self._boiler.words[REF] >> 10) - _CUT_MC
        return True

    def stop(self):
        self.phase = IDLE

    def step(self, measured_mc):
        # the duty to use instead of the controller's, 65536 = full
        self._mean += measured_mc - (self._mean >> 6)  # 0.64 s: same delay at both ends of a slope
        self._ms += 10
        self._total_ms += 10
        mc = self._mean >> 6
        if measured_mc > _LIMIT_MC or self._total_ms > _GIVE_UP_MS:
            self.stop()
        phase = self.phase
        if phase == _RISE:
            if mc > self._begin_mc + _WARM_MC:
                self._next(_LOW, mc)
        elif phase == _LOW:
            self._low(mc)
        elif phase == _CLIMB:
            self._climb(mc)
        elif phase == _HIGH:
            self._high(mc)
        elif phase == _COAST:
            self._coasting(mc)
        return 65536 if _RISE <= self.phase <= _HIGH else 0

    def _next(self, phase, mc):
        self.phase = phase
        self._ms = 0
        self._mark_mc = mc

    def _low(self, mc):
        if self._ms >= _SLOPE_MS:
            self._low_slope = mc - self._mark_mc
            self._low_mc = (mc + self._mark_mc) >> 1
            self._next(_CLIMB, mc)

    def _climb(self, mc):
        # the second slope must end at the cut
        if mc + self._low_slope > self._target:
            self._next(_HIGH, mc)

    def _high(self, mc):
        if self._ms >= _SLOPE_MS:
            self._high_slope = mc - self._mark_mc
            self._high_mc = (mc + self._mark_mc) >> 1
            self._next(_COAST, mc)

    def _coasting(self, mc):
        if self._ms >= _COAST_MS:
            self.stop()
            self._solve(mc - self._mark_mc)

    def _solve(self, coast_mc):
        power, capacity, loss, element, sensor = self._nominal
        # loss/C in 1/s * 2^20 from what the slope lost on its way up
        span = self._high_mc - self._low_mc
        lam = ((self._low_slope - self._high_slope) << 14) // span * 64 // (_SLOPE_MS // 1000)
        lam = min(max(lam, 0), 4000)
        # gross slope at the cut, mc/s: what the element gives without loss
        net = self._high_slope * 1000 // _SLOPE_MS
        gross = net + ((self._high_mc - board.AMBIENT_MC) * lam >> 20)
        # after the cut: element lag at the gross slope, sensor lag at the net one, less loss
        lost = ((self._mark_mc - board.AMBIENT_MC) * lam >> 20) * (_COAST_MS // 1000)
        whole = gross * element // 1000 + net * sensor // 1000
        filtered = net * _FILTER_MS // 1000  # our own mean lagged at the cut, too
        scale = (coast_mc + lost - filtered) * 1000 // whole if whole > 0 else 1000
        self._keep(gross * capacity // 1000, lam, scale)

    def _keep(self, power_w, lam, scale):
        nominal = self._nominal
        found = self._found
        found[0] = _within(power_w, nominal[0])
        found[2] = _within((lam * found[1] >> 10) * 1000 >> 10, nominal[2])
        found[3] = _within(nominal[3] * scale // 1000, nominal[3])
        found[4] = _within(nominal[4] * scale // 1000, nominal[4])
        self._boiler.tune(found)
        for k in range(5):
            self._live.tune[self._which * 5 + k] = found[k]
        self._live.put(names.EV_MAINT, 4, self._which)


def _within(value, nominal):
    # what lies further off is no machine of this kind
    return min(max(value, nominal * 6 // 10), nominal * 15 // 10)
