# When a phase or a shot has had enough, what still comes after the pump stops, and how much water
# the boiler must expect. Looks at live only; brew.py acts.
from array import array

import board
import micropython
import plan
from interlocks import SCALE_FAULT
from micropython import const

_STOP_UL = const(2)  # words of plan.py: STOP_UL, STOP_MG
_STOP_MS = const(4)
_X_MS = const(5)
_AHEAD = const(8)  # word of thermal.py

_USUAL_UL_S = const(2000)  # a puck's flow before we know better
_KNOWN_MS = const(4000)  # after so long the measured flow is the better guess
_ALL_OF_IT = const(1100)  # a tenth still clings to the puck when ENDING ends

# words of what the shot is now; the first five in the order of plan's exits
MS = const(0)  # in the phase
_UL = const(1)  # metered in the phase
_MG = const(2)
_MBAR = const(3)
_UL_S = const(4)
SHOT_MS = const(5)
_CUP_UL = const(6)
_CUP_MG = const(7)
_DRIP_MS = const(8)  # flow that still arrives in the cup after the stop; learned
_TAIL_MS = const(9)
_LAG_MS = const(10)  # of the element
_TOP_UL_S = const(11)  # more than this is no shot's flow
_AT = const(12)  # first word of the phase in the plan
_EXPECTED = const(13)  # ul/s the phase will take
_PHASE_UL = const(14)  # metered when the phase began
_WORDS = const(15)

# what judged() says
GOES_ON = const(0)
PHASE_OVER = const(1)
SHOT_OVER = const(2)


class Stops:
    # heat: words of the brew boiler, whose AHEAD is set here; figures: those in force
    # (thermal.Boiler.figures)
    def __init__(self, live, heat, figures):
        self._live = live
        self._heat = heat
        self._figures = figures
        now = self.now = array("i", [0] * _WORDS)
        now[_DRIP_MS] = board.DRIP_MS
        now[_TAIL_MS] = board.TAIL_MS
        now[_TOP_UL_S] = board.PUMP_FREE_UL_S >> 1
        self._stop_mg = 0
        self._stop_rate = 0

    def phase(self, words, at, pumped_ul):
        # a phase begins
        now = self.now
        now[MS] = 0
        now[_AT] = at
        now[_PHASE_UL] = pumped_ul
        now[_LAG_MS] = self._figures[3]
        now[_EXPECTED] = expected_ul_s(words, at)

    def step(self, words, pumped_ul, cup_ul):
        # every tick with water; MS and SHOT_MS are kept by brew.py
        live = self._live
        now = self.now
        weight = live.weight_mg
        # between two pulses the volume is a guess and may be taken back, judged() takes no
        # negatives
        now[_UL] = max(pumped_ul - now[_PHASE_UL], 0)
        now[_MG] = weight if weight > 0 else 0
        now[_MBAR] = live.pressure_mbar
        now[_UL_S] = live.flow_ul_s
        now[_CUP_UL] = cup_ul
        if live.alarms & SCALE_FAULT:
            # a scale that died in the shot: what the meter says is in the cup, 7 % of it dissolved
            now[_CUP_MG] = cup_ul * 137 >> 7
        else:
            now[_CUP_MG] = now[_MG]
        return judged(words, now, self._heat)

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
        mg = self._live.weight_mg - self._stop_mg
        if rate >= 500 and 0 <= mg <= rate * 3:  # more is a hand on the tray
            self.now[_DRIP_MS] += (mg * _ALL_OF_IT // rate - self.now[_DRIP_MS]) // 4


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


# words: the plan; now: words above. SHOT_OVER when a stop is met once what still comes is counted;
# PHASE_OVER when an exit of the phase is met, an "under" only after a phase has had a second to
# build up. Also sets heat's AHEAD, the flow one element lag from now: what is stored in the
# element goes on heating after the water has stopped, so it is cut off before, 0.48 lags at
# 2 ml/s, less when more flows and the water would cool more in that time.
@micropython.viper
def judged(words: ptr32, now: ptr32, heat: ptr32) -> int:
    flow = int(now[_UL_S])
    left = 60000  # ms until a stop is met at the present flow
    ms = int(words[_STOP_MS]) - int(now[SHOT_MS])
    if ms < left:
        left = ms
    k = 0
    while k < 2:  # by volume in the cup, by weight
        stop = int(words[_STOP_UL + k])
        if stop < 1073741823:  # plan.ABSENT
            more = stop - int(now[_CUP_UL + k])
            rate = flow
            after = int(now[_TAIL_MS])
            if k:
                rate = (flow * 33) >> 5
                after = int(now[_DRIP_MS])
            ms = 0 - after
            if more > 0:
                ms = 60000 - after
                if rate >= 50:
                    if more < rate * 60:
                        ms = ((more * 100) // rate) * 10 - after
            if ms < left:
                left = ms
        k += 1
    most = int(now[_TOP_UL_S])
    ahead = flow
    if ahead > most:
        ahead = most
    cut = int(now[_LAG_MS]) * (7300 - ahead) // 10000
    if int(now[SHOT_MS]) <= _KNOWN_MS:
        ahead = int(now[_EXPECTED])
    if left < cut:
        ahead = 0
    heat[_AHEAD] = ahead
    if left <= 0:
        return SHOT_OVER
    at = int(now[_AT]) + _X_MS
    k = 0
    while k < 5:
        if int(now[k]) >= int(words[at + k]):
            return PHASE_OVER
        k += 1
    if int(now[MS]) >= 1000:
        if int(now[_MBAR]) < int(words[at + 5]):
            return PHASE_OVER
        if int(now[_UL_S]) < int(words[at + 6]):
            return PHASE_OVER
    return GOES_ON
