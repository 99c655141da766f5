# One boiler as 32-bit words in fixed point: what its observer believes, what it is told, what it
# is made of. burst.py computes with them once a half-cycle; docs/control.md has the law and every
# constant's source. No pins, no states of the machine.
from array import array

from micropython import const

# Units: temperatures in 1/1024 milli degree (uT), powers in 1/1024 W (uP), duty 65536 = full.
# words, state
T = const(0)  # boiler water, uT
_TS = const(1)  # sensor, uT
Q = const(2)  # heat flow out of the element, uP
D = const(3)  # unknown power into the water, uP, biased by D_ZERO to stay non-negative
DUTY = const(4)  # result of the law
# words, inputs
MEASURED = const(5)  # milli degrees
FIRED = const(6)  # 1 when the SSR conducted in the half-cycle just past (burst.py writes it)
FLOW = const(7)  # ul/s through the boiler now
AHEAD = const(8)  # ul/s to be expected one element lag ahead: feed-forward
REF = const(9)  # uT
CHARGE = const(10)  # 1: a shot is about to begin, heat in advance of the water
_K1 = const(11)  # gain on the temperature error
# words, parameters
POWER = const(12)
_GQ = const(13)
_GC = const(14)
_GS = const(15)
_LOSS = const(16)
_AMBIENT = const(17)
_INLET = const(18)
_LD = const(19)
_CAP = const(20)  # J/K
GOOD = const(21)  # 1: MEASURED may be believed (guards.look writes it); else no heat
WORDS = const(22)

D_ZERO = const(1 << 22)  # +-4096 W
_UT = const(10)  # shift from milli degrees to uT

# Gains. The feedback's are dimensionless per W and per (W/K)·s, the observer's 1/s.
_K1_CALM = const(400)  # 1/1000 1/s: cold to ready without overshoot, also when 20 % off
_K1_FIRM = const(1000)  # ready and brewing
_LD_W_SK = const(3000)  # observer: W/s of disturbance per degree of residual, for 1900 J/K


class Boiler:
    # tune: power_w, capacity_j_k, loss_mw_k, element_lag_ms, sensor_lag_ms
    def __init__(self, tune, inlet_mc, ambient_mc):
        w = self.words = array("i", [0] * WORDS)
        w[_AMBIENT] = ambient_mc << _UT
        w[_INLET] = inlet_mc >> 4
        w[D] = D_ZERO
        self.figures = array("i", tune)  # those in force
        self.tune(self.figures)
        self.firm(False)

    def tune(self, tune):
        for k in range(5):
            self.figures[k] = tune[k]
        power_w, capacity, loss, element_ms, sensor_ms = tune
        w = self.words
        w[POWER] = power_w << 10
        w[_GQ] = (655360 + element_ms // 2) // element_ms  # 2^16 * 10 ms / lag
        w[_GC] = (655360 + capacity // 2) // capacity  # 2^16 * 0.01 s / C, uP to uT
        w[_GS] = (655360 + sensor_ms // 2) // sensor_ms
        w[_LOSS] = loss * 1258 // 1200  # mc * this >> 10 = uP; 1200 mW/K = 1.2288 uP/mc
        w[_LD] = _LD_W_SK * capacity // 1900 * 1024 // 100000  # uP per uT >> 10
        w[_CAP] = capacity

    def firm(self, firm):
        # _K1 word * (uT >> 6) >> 4 = uP, so k1 * C * 1.024
        k = _K1_FIRM if firm else _K1_CALM
        self.words[_K1] = k * self.words[_CAP] // 1000 * 128 // 125

    def start(self, measured_mc):
        # Before the first step, and after a sensor came back: nothing flows, all at one level.
        w = self.words
        w[T] = w[_TS] = measured_mc << _UT
        w[Q] = 0
        w[D] = D_ZERO

    def set(self, ref_mc):
        self.words[REF] = ref_mc << _UT

    def temp_mc(self):
        return self.words[T] >> _UT
