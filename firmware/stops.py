# When a phase or a shot has had enough, what still comes after the pump stops, and how much water
# the boiler must expect. Looks at live only; brew.py acts.
from array import array

import board
import micropython
import plan
from interlocks import SCALE_FAULT
from micropython import const

_SETTLED_MS = const(1000)  # an "under" exit counts only after a phase has had time to build up
_USUAL_UL_S = const(2000)  # a puck's flow before we know better
_KNOWN_MS = const(4000)  # after so long the measured flow is the better guess
_FAR_MS = const(60000)
_ALL_OF_IT = const(1100)  # a tenth still clings to the puck when ENDING ends


class Stops:
    # figures: of the brew boiler, those in force (thermal.Boiler.figures)
    def __init__(self, live, figures):
        self._live = live
        self._figures = figures
        # ms, ul, mg, mbar, ul/s in the phase: the order of plan's exits
        self._now = array("i", [0] * 5)
        self.drip_ms = board.DRIP_MS  # flow that still arrives in the cup after the stop; learned
        self._stop_mg = 0
        self._stop_rate = 0

    # --- phases
    def phase_over(self, words, at, phase_ms, phase_ul):
        live = self._live
        now = self._now
        now[0] = phase_ms
        # between two pulses the volume is a guess and may be taken back; exits() takes no
        # negatives
        now[1] = max(live.pumped_ul - phase_ul, 0)
        now[2] = live.weight_mg if live.weight_mg > 0 else 0
        now[3] = live.pressure_mbar
        now[4] = live.flow_ul_s
        return exits(words, at + plan.X_MS, now, _SETTLED_MS)

    # --- the whole shot
    def left_ms(self, words):
        # until a stop is met at the present flow, 0: now
        live = self._live
        left = _FAR_MS
        if words[plan.STOP_MS] != plan.ABSENT:
            left = words[plan.STOP_MS] - live.shot_ms
        if words[plan.STOP_UL] != plan.ABSENT:
            more = words[plan.STOP_UL] - live.volume_ul
            left = min(left, _time_ms(more, live.flow_ul_s) - board.TAIL_MS)
        if words[plan.STOP_MG] != plan.ABSENT:
            more = words[plan.STOP_MG] - self._weight_mg()
            left = min(left, _time_ms(more, self._rate()) - self.drip_ms)
        return left if left > 0 else 0

    def _weight_mg(self):
        # a scale that died in the shot: what the meter says is in the cup, 7 % of it dissolved
        live = self._live
        if live.alarms & SCALE_FAULT:
            return live.volume_ul * 137 >> 7
        return live.weight_mg

    def _rate(self):
        # A puck that is through gives what the pump pushes; 3 % more for what it dissolves. The
        # scale's own slope is noisier.
        return self._live.flow_ul_s * 33 >> 5

    def water_ends(self):
        self._stop_mg = self._live.weight_mg
        self._stop_rate = self._rate()

    def learn(self):
        # after the drip: how long at the last rate would the rest have taken?
        rate = self._stop_rate
        if rate < 500:
            return
        ms = (self._live.weight_mg - self._stop_mg) * _ALL_OF_IT // rate
        if 0 <= ms <= 3000:
            self.drip_ms += (ms - self.drip_ms) // 4

    # --- feed-forward
    def ahead_ul_s(self, words, at, shot_ms, left_ms):
        # The flow one element lag from now. What is stored in the element goes on heating after
        # the water has stopped, so it is cut off before: 0.48 lags at 2 ml/s, less when more flows
        # and the water would cool more in that time.
        flow = min(self._live.flow_ul_s, board.PUMP_FREE_UL_S >> 1)
        if left_ms < self._figures[3] * (7300 - flow) // 10000:
            return 0
        if shot_ms > _KNOWN_MS:
            return flow
        return expected_ul_s(words, at)


def _time_ms(amount, rate):
    # amount in thousandths (ul, mg), rate per second; a stop already met is now
    if amount <= 0:
        return 0
    if rate < 50:
        return _FAR_MS
    return min(amount * 100 // rate * 10, _FAR_MS)


def expected_ul_s(words, at):
    # before anything flows: what this phase will take
    target = words[at + plan.TARGET]
    if words[at + plan.MODE] == plan.MODE_FLOW:
        return target
    if target == 0:
        return 0
    limit = words[at + plan.LIMIT]
    return min(_USUAL_UL_S, limit)


def charge_ms(words, figures):
    # The element is heated ahead of the water, 0.18 lags for each ml/s it begins with, longer when
    # it has less power than the board says.
    flow = min(expected_ul_s(words, plan.HEAD), _USUAL_UL_S)
    if words[plan.HEAD + plan.MODE] == plan.MODE_POWER and words[plan.HEAD + plan.RAMP_MS]:
        flow = words[plan.HEAD + plan.LIMIT] >> 1
    ms = figures[3] * flow // 5500
    return ms * board.BREW_BOILER[0] // figures[0] // 10 * 10


# words: the plan; at: its first exit; now: ms, ul, mg, mbar, ul/s. Overs, then the unders of the
# last two. 1: the phase is over.
@micropython.viper
def exits(words: ptr32, at: int, now: ptr32, settled: int) -> int:
    i = 0
    while i < 5:
        if int(now[i]) >= int(words[at + i]):
            return 1
        i += 1
    if int(now[0]) >= settled:
        if int(now[3]) < int(words[at + 5]):
            return 1
        if int(now[4]) < int(words[at + 6]):
            return 1
    return 0
