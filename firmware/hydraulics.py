# The pump: on/off through an SSR, or a gear pump that follows a pressure or a flow with a limit
# on the other. Law and constants: docs/control.md. Knows millibar and microlitres, no recipe.
from array import array

import board
import micropython
from micropython import const
from plan import ABSENT, MODE_POWER, MODE_PRESSURE

# words; pressures in mbar << 8 (P8), flows in ul/s << 6 (Q6), duties in permille << 6
_P = const(0)  # observer: pressure, P8, never below zero
_Q = const(1)  # observer: flow out of the chamber into the puck, Q6, biased by _Q_ZERO
_U = const(2)  # pump duty in force
_MEASURED = const(3)  # mbar
_MODE = const(4)
_REF = const(5)  # P8 or Q6: where the ramp stands
_LIMIT = const(6)  # Q6 or P8
_MOVES = const(7)  # what the pump moves by its map, ul/s
_FREE = const(8)  # ul/s at full duty without pressure
_STALL = const(9)  # mbar at full duty without flow
_TRIM = const(10)  # pump map correction from the flow meter, 1024 = none
_SPIN = const(11)  # 65536 * 10 ms / pump lag
_SPEED = const(12)  # observer: pump speed
_C = const(13)  # compliance, ul/bar, one word each 1024 mbar
_LEFT = const(13 + 18)  # ticks of the ramp
_STEP = const(14 + 18)  # of the ramp, P8 or Q6 a tick, biased by _STEP_ZERO
_GOAL = const(15 + 18)  # of the ramp, P8 or Q6
_PUSHED = const(16 + 18)  # ul/s ticks by the map since the last pulse of the meter
_DRY_MS = const(17 + 18)  # what a tick without a pulse counts as
_WORDS = const(18 + 18)
_Q_ZERO = const(1 << 21)
_STEP_ZERO = const(1 << 23)
_NO_LIMIT = const(0x3FFFFFF)
_TRIM_LOW = const(717)
_TRIM_HIGH = const(1331)
_AIR_MBAR = const(1013)
_PACE = const(400)  # of the share, permille << 9, that is 200 permille in 1/256
_LEAST = const(100 << 9)  # share of the cycles a throttled SSR pump never goes below


def _compliance(mbar):
    # elastic parts plus trapped air squeezed isothermally (Boyle): V p0 / (P + p0)^2
    elastic, air = board.COMPLIANCE
    absolute = mbar + _AIR_MBAR
    return elastic + air * 1000 // absolute * _AIR_MBAR // absolute


class Hydraulics:
    def __init__(self, flow):
        self._flow = flow
        self._pulses = 0
        self._target = 0  # permille, mbar or ul/s
        self._step = 0  # of the limit's ramp, 1/256 ul/s a tick
        self._left = 0  # ticks of the limit's ramp
        self._limit = ABSENT
        self._share = 0  # of the mains cycles, permille << 9
        self._owed = 0
        self._half = False
        self.pump = 0  # permille, the demand of this tick
        # water is being asked for: no soak. A pump held back by its limit still has to move some.
        self.asking = False
        self.smooth = bool(board.PUMP_PWM_HZ)  # a pump that can be throttled
        self.step = self._follow if self.smooth else self._cycles
        w = self.words = array("i", [0] * _WORDS)
        w[_Q] = _Q_ZERO
        w[_STEP] = _STEP_ZERO
        w[_FREE] = board.PUMP_FREE_UL_S
        w[_STALL] = board.PUMP_STALL_MBAR
        w[_TRIM] = 1024
        w[_SPIN] = 655360 // board.PUMP_LAG_MS
        for k in range(18):
            w[_C + k] = _compliance(k << 10)

    def go(self, mode, target, ramp_ms, limit):
        # a new phase: mode, target, limit as in plan.py
        w = self.words
        w[_MODE] = mode
        w[_DRY_MS] = 10
        self._target = target
        self.asking = target > 0
        if mode == MODE_POWER:
            self._power(target, limit, ramp_ms)
            return
        pressure = mode == MODE_PRESSURE
        now = w[_P] if pressure else w[_MOVES] << 6
        if limit == ABSENT:
            w[_LIMIT] = _NO_LIMIT
        else:
            w[_LIMIT] = limit << 6 if pressure else limit << 8
        goal = w[_GOAL] = target << (8 if pressure else 6)
        left = w[_LEFT] = ramp_ms // 10
        w[_REF] = now if left else goal
        w[_STEP] = _STEP_ZERO + ((goal - now) // left if left else 0)

    def _power(self, permille, limit, ramp_ms):
        # limit: ul/s; begins with the power that gives it without pressure. A ramp is the limit's,
        # from half of it, so that the water grows no faster than the element's heat.
        self._limit = limit
        self.pump = permille
        self.words[_U] = permille << 6
        self._left = 0
        if limit == ABSENT or not permille:
            self._share = permille << 9
            return
        if ramp_ms:
            self._left = ramp_ms // 10
            self._step = (limit << 7) // self._left  # ul/s << 8 a tick
            limit >>= 1
        self._share = min(permille, limit * 1000 // board.PUMP_FREE_UL_S) << 9

    def stop(self):
        self.go(MODE_POWER, 0, 0, ABSENT)

    # --- step(mbar): every tick, returns the flow in ul/s; `pump` is the demand
    def _follow(self, mbar):
        # also at rest: the observer must know the pressure when a shot begins
        w = self.words
        w[_MEASURED] = mbar
        pump = self.pump = follow(w) >> 6
        if pump and self._flow.pulses != self._pulses:
            self._calibrate(w)
        return w[_MOVES]  # by the pump's map

    def _cycles(self, mbar):
        # A pump on an SSR strokes once a mains cycle, so it is throttled by whole cycles (two
        # ticks); the flow limit acts on their share, in proportion to it: against pressure each
        # stroke moves less. A channel in the puck is answered within two seconds. It has no map,
        # there the meter speaks.
        flow = self._flow.flow_ul_s
        if self.asking or self.pump:
            limit = self._limit
            if limit != ABSENT and flow:
                if self._left:
                    self._left -= 1
                    limit -= self._left * self._step >> 8
                pace = max(self._share // _PACE, 1 << 8)
                share = self._share + ((limit - flow) * pace >> 8)
                top = self._target << 9
                self._share = top if share > top else _LEAST if share < _LEAST else share
            self._half = not self._half
            if self._half:
                owed = self._owed + (self._share >> 9)
                self.pump = 1000 if owed >= 1000 else 0
                self._owed = owed - self.pump
        return flow

    def _calibrate(self, w):
        # The pump map against the hall meter: what was pushed by the map between two pulses
        # must be one pulse's volume. Long memory, within 30 %.
        n = self._flow.pulses - self._pulses
        self._pulses += n
        pushed = w[_PUSHED] // 100
        w[_PUSHED] = 0
        if n == 1 and pushed > 100:
            ratio = w[_TRIM] * board.FLOW_UL_PULSE // pushed
            trim = w[_TRIM] + (ratio - w[_TRIM]) // 8
            w[_TRIM] = min(max(trim, _TRIM_LOW), _TRIM_HIGH)

    def share_permille(self):
        # of the mains cycles, for a pump on an SSR
        return self._share >> 9


# One tick: observe pump speed, pressure and puck flow; then the duty that follows the reference
# along its ramp. With MODE_POWER only observes. Returns the duty, permille << 6.
@micropython.viper
def follow(w: ptr32) -> int:
    p = int(w[0])
    q = int(w[1]) - 2097152
    u = int(w[2])
    free = int(w[8])
    mode = int(w[4])
    i = p >> 18
    if i > 16:
        i = 16
    c = int(w[13 + i])
    c += ((int(w[14 + i]) - c) * ((p >> 8) & 1023)) >> 10
    n = int(w[12])
    n += ((u - n) * int(w[11])) >> 16
    w[12] = n
    # pump map: flow in proportion to speed, slip in proportion to pressure
    slip = (free * (p >> 8) // int(w[9])) << 6
    dq = (((free * (n >> 2)) // 250 - slip) * int(w[10])) >> 10
    if dq < 0:
        dq = 0
    moves = dq >> 6
    w[7] = moves
    if u:
        pushed = int(w[34]) + moves
        if pushed < 50000000:
            w[34] = pushed
    dq -= q
    if dq > 500000:
        dq = 500000
    if dq < -500000:
        dq = -500000
    e = (int(w[3]) << 8) - p
    p += ((dq * (655360 // c)) >> 14) + ((e * 307) >> 10)
    q -= ((e >> 4) * (c * 9 >> 2)) >> 8
    if p < 0:
        p = 0
    if q > 1000000:
        q = 1000000
    if q < -200000:
        q = -200000
    w[0] = p
    w[1] = q + 2097152
    if mode == 0:
        return u
    ref = int(w[5])
    limit = int(w[6])
    slope = 0  # of the reference, mbar/s
    left = int(w[31])
    if left:
        left -= 1
        w[31] = left
        slope = int(w[32]) - 8388608
        ref += slope
        slope = (slope * 100) >> 8
        if left == 0:
            ref = int(w[33])
        w[5] = ref
    if mode == 1:
        pace = slope + (((ref - p) * 10) >> 8)
        want = q + ((c * pace) >> 4)
        asked = limit
        if want > limit:
            want = limit
        limit = ref
    else:
        asked = want = ref
        if limit < 67108863:
            most = q + ((c * (((limit - p) * 10) >> 8)) >> 4)
            if want > most:
                want = most
    # below 250 ul/s the meter's pulses come so seldom that nothing is wrong yet
    dry = 10
    if asked < 16384:
        dry = asked * 10 >> 14
    # half a bar too much has to go through the puck before water is wanted: that takes longer
    if p - limit > 128000:
        if dry > 3:
            dry = 3
    w[35] = dry
    if want < 0:
        want = 0
    if want > 1000000:
        want = 1000000
    want = (want << 10) // int(w[10]) + slip
    if want > 2000000:
        want = 2000000
    u = want * 1000 // free
    u += u - n
    if u < 0:
        u = 0
    if u > 64000:
        u = 64000
    w[2] = u
    return u
