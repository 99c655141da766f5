# The boiler's figures from one heat-up: full power from cold, a cut below the set-point, a coast,
# then two quiet minutes at the set-point, whenever they come. Rise, coast and idle duty tell
# power, lag and loss relative to the heat capacity; the shots tell the rest (calorimeter.py).
# Formulas: docs/control.md. Integers only: runs in the tick.
import board
import live as names
from micropython import const
from thermal import FIRED, FLOW, REF, T

_COLD_MC = const(40000)  # must begin below: two slopes have to fit under the cut
_CUT_MC = const(9000)  # heat ends so far below the set-point: the element's rest carries it on
_WARM_MC = const(12000)  # above the start: element and sensor lag have died away
_SLOPE_MS = const(15000)  # two slopes, each over this time
_SLOPE_S = const(15)
_SLOPE_TICKS = const(1500)
_LEAST_FIRED = const(1450)  # of them: flash writes take some half-cycles
_OFF_TICKS = const(120)  # longer than a flash write may take
_HOT_MC = const(2000)  # above the cut full power ends in any case
_COAST_MS = const(45000)  # six element lags
_COAST_S = const(45)
_NEAR_MC = const(300)
_SETTLE_MS = const(60000)  # near the set-point before the duty is counted
_COUNT_MS = const(65500)  # over 6550 half-cycles: ten times them is a duty of 65500
_LIMIT_MC = const(125000)  # never above while tuning
_GIVE_UP_MS = const(900000)  # before the set-point is reached
_FILTER_MS = const(640)
_MOST = const(20000)  # idle duty beyond it is no idling

_YOURS = const(-1)  # step(): the controller's own duty, please
IDLE = const(0)
_RISE = const(1)
_LOW = const(2)
_CLIMB = const(3)
_HIGH = const(4)
_COAST = const(5)
HOLD = const(6)  # the controller's own heat from here on; shots may come between


class Autotune:
    # nominal: five figures like board.BREW_BOILER
    def __init__(self, live, boiler, nominal):
        self._live = live
        self._boiler = boiler
        self.words = boiler.words
        self._nominal = nominal
        self.phase = IDLE
        self._ms = self._total_ms = 0
        self._begin_mc = self._target_mc = self._ref_mc = 0
        self._mean = 0  # 64 x filtered temperature
        self._mark_mc = self._cut_mc = 0
        # mc per _SLOPE_MS, and the temperature in their middle
        self._low = self._low_mc = self._high = self._high_mc = 0
        self._coast = 0
        self.fired = 0  # half-cycles in this phase; in HOLD somebody else counts (heat.py)
        self._off = 0  # half-cycles since the last one that was fired
        self.done = False  # the figures are complete

    def start(self):
        # False: too warm to learn anything
        measured_mc = self._boiler.temp_mc()
        if measured_mc > _COLD_MC:
            return False
        self._total_ms = self._off = 0
        self.done = False
        self._begin_mc = measured_mc
        self._mean = measured_mc << 6
        self._ref_mc = self.words[REF] >> 10
        self._target_mc = self._ref_mc - _CUT_MC
        self._next(_RISE, measured_mc)
        return True

    def stop(self):
        self.phase = IDLE

    # --- every tick before HOLD: the duty to use, 65536 = full, or -1 for the controller's own
    def step(self, measured_mc):
        self._mean += measured_mc - (self._mean >> 6)  # 0.64 s, the same at both ends of a slope
        self._ms += 10
        self._total_ms += 10
        fired = self.words[FIRED]
        self.fired += fired
        self._off = 0 if fired else self._off + 1
        if self._spoilt(measured_mc):
            self.stop()
        self._advance(self._mean >> 6)
        if self.phase == HOLD or self.phase == IDLE:
            return _YOURS
        return 0 if self.phase == _COAST else 65536

    def _spoilt(self, mc):
        # too hot for full power or held back from it, too long, or somebody takes water or has
        # lowered the set-point
        full = self.phase < _COAST
        if mc > _LIMIT_MC or full and (mc > self._target_mc + _HOT_MC or self._off > _OFF_TICKS):
            return True
        return (self._total_ms > _GIVE_UP_MS or self.words[FLOW] > 0
                or self.words[REF] >> 10 < self._ref_mc)

    def _next(self, phase, mc):
        self.phase = phase
        self._ms = self.fired = 0
        self._mark_mc = mc

    def _advance(self, mc):
        phase = self.phase
        if phase == _RISE:
            if mc > self._begin_mc + _WARM_MC:
                self._next(_LOW, mc)
        elif phase == _CLIMB:
            # the second slope must end at the cut
            if mc + self._low > self._target_mc:
                self._next(_HIGH, mc)
        elif phase:
            self._timed(phase, mc)

    def _timed(self, phase, mc):
        if self._ms < (_COAST_MS if phase == _COAST else _SLOPE_MS):
            return
        gain = mc - self._mark_mc
        if phase != _COAST:
            if self.fired < _LEAST_FIRED:
                self.stop()
                return
            gain = gain * _SLOPE_TICKS // self.fired
        if phase == _LOW:
            self._low = gain
            self._low_mc = mc - (gain >> 1)
            self._next(_CLIMB, mc)
        elif phase == _HIGH:
            self._high = gain
            self._high_mc = mc - (gain >> 1)
            self._cut_mc = mc
            self._next(_COAST, mc)
        else:
            self._coast = gain
            self._next(HOLD, mc)
            self._solve(self._usual_duty())  # for a shot that comes before the duty is known

    # --- ten times a second in HOLD
    def hold(self):
        # a shot, hot water or another set-point begin the wait anew
        words = self.words
        self._ref_mc = words[REF] >> 10
        self._ms += 100
        if abs((words[T] >> 10) - self._ref_mc) > _NEAR_MC or words[FLOW]:
            self._ms = 0
        if self._ms <= _SETTLE_MS:
            self.fired = 0
        elif self._ms >= _SETTLE_MS + _COUNT_MS:
            self.stop()
            self.done = True
            self._solve(min(self.fired * 10, _MOST))
            self._tell()

    def _usual_duty(self):
        nominal = self._nominal
        return nominal[2] * ((self._ref_mc - board.AMBIENT_MC) // 1000) * 65 // nominal[0]

    def _solve(self, duty):
        # duty: idle, 65536 = full
        capacity = self._boiler.figures[1]
        over = self._ref_mc - board.AMBIENT_MC
        # gross slope: net slope over what the losses leave of the power at that temperature
        gross = (_gross(self._low, self._low_mc, duty, over)
                 + _gross(self._high, self._high_mc, duty, over)) >> 1
        # a boiler without water seems to have ten times the power: more than is believed anyway,
        # and more than small ints carry
        power = min(gross * capacity // (_SLOPE_S * 1000), self._nominal[0] * 2)
        loss = (power * duty >> 6) * 1000 // 1024 * 1000 // over
        # after the cut: the element's lag at the gross slope, sensor's and ours at the net one
        fall = loss * ((self._cut_mc - board.AMBIENT_MC) >> 3) // 125 // capacity  # mc/s
        mine = self._high * _FILTER_MS // _SLOPE_MS
        rise = self._coast + fall * _COAST_S - mine
        whole = (gross * self._nominal[3] + self._high * self._nominal[4]) // _SLOPE_MS
        self._keep(power, loss, rise * 1000 // whole if whole > 0 else 1000)

    def _keep(self, power_w, loss, scale):
        nominal = self._nominal
        found = self._boiler.figures
        found[0] = _within(power_w, nominal[0])
        found[2] = _within(loss, nominal[2])
        found[3] = _within(nominal[3] * scale // 1000, nominal[3])
        found[4] = _within(nominal[4] * scale // 1000, nominal[4])
        self._boiler.tune(found)

    def _tell(self):
        self._live.tuned(self._boiler.figures)
        self._live.put(names.EV_MAINT, 4, 0)


def _gross(slope, mc, duty, over):
    lost = duty * ((mc - board.AMBIENT_MC) // (over >> 10)) >> 10
    return (slope << 10) // ((65536 - lost) >> 6)


def _within(value, nominal):
    # what lies further off is no machine of this kind
    return min(max(value, nominal * 6 // 10), nominal * 15 // 10)
