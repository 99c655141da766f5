# The shot: from a committed request to the last drop. Decides phases and stops; hydraulics.py
# moves the water, interlocks.py may end it at any tick. Nothing here touches a pin.
from array import array

import board
import interlocks as il
import live as names
import micropython
import plan
from micropython import const
from puck import Puck
from refusal import REFUSALS  # noqa: F401  for the background
from shotlog import ShotLog
from stops import MS, SHOT_MS, SHOT_OVER, Stops, charge_ms, expected_ul_s
from thermal import AHEAD, CHARGE, REF, T

# why a shot ended before its time: the shot word `reason` is 0 for none, else 1 + the index here;
# live.ALARM_NAMES follow on (reason 1 + len(REASONS) + alarm bit)
REASONS = ("button", "command", "temperature", "reset", "remote_disabled", "cup_missing")
BUTTON = const(1)
COMMAND = const(2)
TEMPERATURE = const(3)
_KEY = const(5)
_CUP = const(6)
_ALARM = const(7)

OK = const(0)
STOPPED = const(1)
_ABORTED = const(2)

_PREINFUSION = const(4)  # of live.py
_BREWING = const(5)
_NEAR_MC = const(250)  # the water must be this near the recipe's temperature before a shot
_PATIENCE_MS = const(120000)  # for it to get there
_CHARGE_ON_MS = const(600)  # the element still catches up with the water
_BEGUN_MS = const(20)  # the first two ticks have enough to do
_SOON_MS = const(60)  # so long water waits for a tick in which nothing else takes time
_RUN_DOWN_MS = const(150)
# a phase begins: its figures in one tick, its name in the next
_FIGURES = const(1)
_NAME = const(2)
_SETTLE_MS = const(5000)  # after the pump stopped: what drips still counts


class Shot:
    def __init__(self, live, interlocks, hydraulics, flow, scale, boiler):
        self._live = live
        self._il = interlocks
        self._hyd = hydraulics
        self._flow = flow
        self._scale = scale
        self._heat = boiler.words
        self._stops = Stops(live, boiler.words, boiler.figures)
        self._now = self._stops.now
        self._figures = boiler.figures
        self._puck = Puck()
        self._log = ShotLog(live)
        self._plan = array("i", [0] * plan.WORDS)
        self._ms = 0  # in STARTING, in ENDING
        self._charge = 0
        self._phase = 0
        self._new = 0  # 0, or what of the next phase is due
        self._turn = 0  # of ten ticks with water
        self._result = OK
        self._reason = 0
        self.running = False
        self.doubted = False  # the press that began it may yet be an acknowledgement (front.py)
        self.valve = 0
        self.grinder = 0
        self._charge_ms = 0
        self._remote = False

    def start(self, words, source):
        copy(self._plan, words, plan.WORDS)
        p = self._plan
        self._log.open(p[plan.SLOT], p[plan.REV], source)
        self._charge = self._new = 0
        self._remote = source == names.SOURCE_REMOTE
        self.running = True
        self._enter(names.STARTING)

    def temp_mc(self):
        return self._plan[plan.TEMP_MC]

    def _enter(self, state):
        self._ms = 0
        self._live.state = state
        self._live.put(names.EV_STATE, state, 0)

    # --- every tick while a shot runs; taken: something else took time in it. True: this one has
    # had its share of work.
    def step(self, state, taken):
        if state == _PREINFUSION or state == _BREWING:
            return self._pouring()
        self._ms += 10
        if state != names.STARTING:
            return self._ending()
        if self.doubted:
            self._ms = 0
        elif self._ms > _BEGUN_MS:
            return self._starting(taken)
        if self._ms == _BEGUN_MS:
            self._begun()

    def _begun(self):
        p = self._plan
        self._charge_ms = charge_ms(p, self._figures)
        if p[plan.DOSE_MS]:
            self._live.grinds += 1

    def _starting(self, taken):
        if self._remote and self._withdrawn():
            return False
        p = self._plan
        left = p[plan.DOSE_MS] - self._ms
        self.grinder = 1 if left > 0 else 0
        if not self._charge:
            if not self._may_charge(left):
                return False
            self._heat[CHARGE] = 1
            self._heat[AHEAD] = expected_ul_s(p, plan.HEAD)
        self._charge += 10
        over = self._charge - self._charge_ms
        if over <= 0 or left > 0 or (taken and over < _SOON_MS):
            return False
        if self._new:
            self._begin_water()
        else:
            self._make_ready()
        return True

    def _withdrawn(self):
        # what a remote brew was asked at its beginning must hold until the water runs
        live = self._live
        if live.remote and live.cup:
            return False
        self.end(_ABORTED, _CUP if live.remote else _KEY)
        return True

    def _may_charge(self, dose_left_ms):
        # near the recipe's temperature, and the coffee will be ground when the element is hot
        w = self._heat
        if abs((w[REF] - w[T]) >> 10) > _NEAR_MC:
            if self._ms > _PATIENCE_MS:
                self.end(_ABORTED, TEMPERATURE)
            return False
        return dose_left_ms <= self._charge_ms

    def _make_ready(self):
        # the tick before the water's, which has enough to do
        self._new = _NAME
        self._scale.tare()
        self._live.weight_mg = 0
        self._puck.fresh()

    def _begin_water(self):
        self._flow.begin()
        self._log.water_begins()
        self._live.state = 0
        self._now[SHOT_MS] = 0
        self._turn = 0
        self.valve = 1
        self._go(0)
        self._new = 0
        self._name()

    def _go(self, n):
        p = self._plan
        self._phase = n
        at = plan.HEAD + n * plan.PHASE
        self._stops.phase(p, at, self._live.pumped_ul)
        self._hyd.go(p[at + plan.MODE], p[at + plan.TARGET], p[at + plan.RAMP_MS],
                     p[at + plan.LIMIT])

    def _name(self):
        pre = self._plan[plan.HEAD + self._phase * plan.PHASE + plan.PRE]
        state = names.PREINFUSION if pre else names.BREWING
        if state != self._live.state:
            self._enter(state)

    def _pouring(self):
        live = self._live
        now = self._now
        live.shot_ms = now[SHOT_MS] = now[SHOT_MS] + 10
        now[MS] += 10
        live.pumped_ul = pumped = self._flow.volume_ul()
        cup = pumped - self._puck.keeps_ul
        live.volume_ul = cup = cup if cup > 0 else 0
        turn = self._turn
        self._turn = turn + 1 if turn < 9 else 0
        if turn == 0:
            self._log.sample(True)
        elif turn == 1:
            self._look(pumped)
        new = self._new
        if new == _FIGURES:
            self._new = _NAME
            self._go(self._phase + 1)
            return new
        if new:
            self._new = 0
            self._name()
        over = self._stops.step(self._plan, pumped, cup)
        if over:
            self._over(over)
        return new or over

    def _look(self, pumped):
        # what need not be known a hundred times a second
        live = self._live
        if self._hyd.asking:
            self._puck.look(pumped, self._hyd.share_permille())
        if live.shot_ms > _CHARGE_ON_MS:
            self._heat[CHARGE] = 0
        if live.shot_ms > board.SHOT_LIMIT_MS:
            self._il.up(il.SHOT_TOO_LONG)
        if pumped > board.SHOT_LIMIT_UL:
            self._il.up(il.SHOT_TOO_BIG)

    def _over(self, what):
        if what != SHOT_OVER and self._phase + 1 < self._plan[plan.PHASES]:
            self._new = _FIGURES
        else:
            self.end(OK, 0)

    # --- the end
    def abort(self, alarms):
        # alarms: the mask that forbids water; the lowest bit is the reason
        k = 0
        while not alarms >> k & 1:
            k += 1
        self.end(_ABORTED, _ALARM + k)

    def end(self, result, reason):
        if self._live.state == names.ENDING:
            return
        self._result = result
        self._reason = reason
        self.doubted = False
        self._hyd.stop()
        self.grinder = 0
        self._heat[AHEAD] = self._heat[CHARGE] = 0
        self._log.water_ends()
        self._stops.water_ends()
        self._enter(names.ENDING)

    def _ending(self):
        # The 3-way valve closes when the pump has run down, or it would squeeze the boiler; the
        # cup still gets its last drops.
        if self._ms >= _RUN_DOWN_MS:
            self.valve = 0
        self._live.shot_ms += 10  # the curve's clock; the duration is already written down
        turn = self._turn
        self._turn = turn + 1 if turn < 9 else 0
        if turn == 0:
            self._log.sample(False)
        if self._ms < _SETTLE_MS:
            return False
        if self._result == OK:
            self._stops.learn()
        self._log.close(self._result, self._reason)
        self.running = False
        return True


@micropython.viper
def copy(to: ptr32, source: ptr32, n: int):
    i = 0
    while i < n:
        to[i] = source[i]
        i += 1
