# One boiler's temperature: an observer that follows element, water and sensor, and a state
# feedback on what it sees. The law and every constant's source: docs/control.md.
# Works on one array of 32-bit words in fixed point; no pins, no states of the machine.
from array import array

import micropython
from micropython import const

# Units: temperatures in 1/1024 milli degree (uT), powers in 1/1024 W (uP), duty 65536 = full.
# words, state
T = const(0)  # boiler water, uT
TS = const(1)  # sensor, uT
Q = const(2)  # heat flow out of the element, uP
D = const(3)  # unknown power into the water, uP, biased by D_ZERO to stay non-negative
DUTY = const(4)  # result of step()
# words, inputs of step()
MEASURED = const(5)  # milli degrees
FIRED = const(6)  # 1 when the SSR conducted in the half-cycle just past
FLOW = const(7)  # ul/s through the boiler now
AHEAD = const(8)  # ul/s to be expected one element lag ahead: feed-forward
REF = const(9)  # uT
CHARGE = const(10)  # 1: a shot is about to begin, heat in advance of the water
K1 = const(11)  # gain on the temperature error
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
WORDS = const(21)

D_ZERO = const(1 << 22)  # +-4096 W
UT = const(10)  # shift from milli degrees to uT

# Gains. The feedback's are dimensionless per W and per (W/K)·s, the observer's 1/s.
K1_CALM = const(400)  # 1/1000 1/s: cold to ready without overshoot, also when 20 % off
K1_FIRM = const(1000)  # ready and brewing
_LD_W_SK = const(3000)  # observer: W/s of disturbance per degree of residual, for 1900 J/K


class Boiler:
    # tune: power_w, capacity_j_k, loss_mw_k, element_lag_ms, sensor_lag_ms
    def __init__(self, tune, inlet_mc, ambient_mc):
        w = self.words = array("i", [0] * WORDS)
        w[_AMBIENT] = ambient_mc << UT
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
        # K1 word * (uT >> 6) >> 4 = uP, so k1 * C * 1.024
        k = K1_FIRM if firm else K1_CALM
        self.words[K1] = k * self.words[_CAP] // 1000 * 128 // 125

    def start(self, measured_mc):
        # Before the first step, and after a sensor came back: nothing flows, all at one level.
        w = self.words
        w[T] = w[TS] = measured_mc << UT
        w[Q] = 0
        w[D] = D_ZERO

    def set(self, ref_mc):
        self.words[REF] = ref_mc << UT

    def temp_mc(self):
        return self.words[T] >> UT

    def disturbance_w(self):
        return (self.words[D] - D_ZERO) >> UT


# Boil-down of ten milliseconds. Every intermediate stays inside 31 bits for the limits in
# tests/unit/hard/test_thermal_range.py.
@micropython.viper
def step(w: ptr32) -> int:
    t = int(w[0])
    ts = int(w[1])
    q = int(w[2])
    d = int(w[3]) - 4194304
    power = int(w[12])
    loss = int(w[16])
    inlet = int(w[18])
    # residual, at most 8 degrees
    e = (int(w[5]) << 10) - ts
    if e > 8388608:
        e = 8388608
    if e < -8388608:
        e = -8388608
    # element: first-order lag behind the power that was really switched on
    q += (((int(w[6]) * power) - q) * int(w[13]) + 32768) >> 16
    # water: element less shot less loss plus what we do not know
    water = ((((t >> 14) - inlet) * int(w[7])) >> 10) * 70
    net = q - water - (((t - int(w[17])) >> 10) * loss >> 10) + d
    if net > 3670016:
        net = 3670016
    if net < -3670016:
        net = -3670016
    tn = t + ((net * int(w[14]) + 32768) >> 16) + ((e * 61) >> 10)
    # sensor: first-order lag behind the water
    ts += ((((t - ts) >> 6) * int(w[15]) + 512) >> 10) + ((e * 51) >> 10)
    t = tn
    d += ((e >> 4) * int(w[19])) >> 6
    if d > 4194303:
        d = 4194303
    if d < -4194304:
        d = -4194304
    if t < 0:
        t = 0
    if ts < 0:
        ts = 0
    w[0] = t
    w[1] = ts
    w[2] = q
    w[3] = d + 4194304
    # the power that would hold the set-point with the water that is coming
    ref = int(w[9])
    want = (((ref - int(w[17])) >> 10) * loss >> 10) - d
    want += ((((ref >> 14) - inlet) * int(w[8])) >> 10) * 70
    miss = ref - t
    if miss > 20971520:
        miss = 20971520
    if miss < -20971520:
        miss = -20971520
    if int(w[10]):
        if miss < 0:
            miss = 0  # charging means to rise above the set-point
    v = want + (((miss >> 6) * int(w[11])) >> 4)
    lag = want - q
    if lag > 8388608:
        lag = 8388608
    if lag < -8388608:
        lag = -8388608
    v += lag * 4
    if v < 0:
        v = 0
    if v > power:
        v = power
    duty = (v << 8) // (power >> 8)
    w[4] = duty
    return duty
