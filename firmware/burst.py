# What each boiler gets in the coming mains half-cycle: observer and state feedback say how much,
# sigma-delta per boiler and one power budget say whether now. Law and constants: docs/control.md.
# Knows words, duties and watts, no pins.
from array import array

import board
import micropython
from micropython import const

# words; a duty of 65536 is every half-cycle
DUTY_BREW = const(0)  # allowed in this half-cycle; computed anew in each
DUTY_STEAM = const(1)
_ACC_BREW = const(2)  # what is owed, 65536 = one half-cycle
_ACC_STEAM = const(3)
_DC_BREW = const(4)  # fired positive less negative half-cycles, biased by 8
_DC_STEAM = const(5)
_PHASE = const(6)  # half-cycles modulo 4: polarity in bit 0, whole cycles in bit 1
_TOGETHER = const(7)  # 1: the budget carries both boilers at once
FLOW = const(8)  # ul/s, into the brew boiler or, with FILLING, the steam boiler
MJ = const(9)  # fired since somebody took it away
_MJ_BREW = const(10)  # of one half-cycle
_MJ_STEAM = const(11)
_BOILERS = const(12)
_ON = const(13)  # what fire() returned last
WORDS = const(14)

# bits of fire()'s `how`
BREW_FIRST = const(1)
MAY_BREW = const(2)
MAY_STEAM = const(4)
GIVEN_BREW = const(8)  # the duty stands in DUTY_BREW already (auto-tune), the law is only watched
GIVEN_STEAM = const(16)
FILLING = const(32)


def words(brew_w, steam_w, budget_w):
    w = array("i", [0] * WORDS)
    w[_DC_BREW] = w[_DC_STEAM] = 8
    w[_TOGETHER] = 1 if brew_w + steam_w <= budget_w else 0
    w[_MJ_BREW] = brew_w * 10
    w[_MJ_STEAM] = steam_w * 10
    w[_BOILERS] = 2 if steam_w else 1
    return w


def board_words():
    steam = board.STEAM_BOILER[0] if board.STEAM_BOILER else 0
    return words(board.BREW_BOILER[0], steam, board.POWER_BUDGET_W)


# One half-cycle. w, steam: words of thermal.Boiler; b: words() above. Returns bit 0: brew SSR on,
# bit 1: steam SSR on. BREW_FIRST: brew wins whenever both are due and the budget carries one; else
# the one that is owed more. A half-cycle whose polarity would unbalance the mains waits one tick
# unless two are owed. Every intermediate stays inside 31 bits for the limits in
# tests/unit/hard/test_32_bits.py. One function, for a call costs as much as a third of it.
@micropython.viper
def fire(w: ptr32, steam: ptr32, b: ptr32, how: int) -> int:
    phase = (int(b[6]) + 1) & 3
    b[6] = phase
    sign = (phase & 1) * 2 - 1
    due = 0
    i = 0
    while i < int(b[12]):
        fired = (int(b[13]) >> i) & 1
        w[6] = fired
        w[7] = 0
        if (how >> 5) == i:
            w[7] = int(b[8])
        duty = 0
        if int(w[21]):
            # --- observer: residual, at most 8 degrees
            t = int(w[0])
            ts = int(w[1])
            power = int(w[12])
            d = int(w[3]) - 4194304
            e = (int(w[5]) << 10) - ts
            if e > 8388608:
                e = 8388608
            if e < -8388608:
                e = -8388608
            # element: first-order lag behind the power that was really switched on
            q = int(w[2])
            q += ((fired * power - q) * int(w[13]) + 32768) >> 16
            w[2] = q
            # water: element less shot less loss plus what we do not know
            net = q + d - (((t - int(w[17])) >> 10) * int(w[16]) >> 10)
            net -= ((((t >> 14) - int(w[18])) * int(w[7])) >> 10) * 70
            if net > 3670016:
                net = 3670016
            if net < -3670016:
                net = -3670016
            # sensor: first-order lag behind the water
            ts += ((((t - ts) >> 6) * int(w[15]) + 512) >> 10) + ((e * 51) >> 10)
            if ts < 0:
                ts = 0
            w[1] = ts
            t += ((net * int(w[14]) + 32768) >> 16) + ((e * 61) >> 10)
            if t < 0:
                t = 0
            w[0] = t
            d += ((e >> 4) * int(w[19])) >> 6
            if d > 4194303:
                d = 4194303
            if d < -4194304:
                d = -4194304
            w[3] = d + 4194304
            # --- law: the power that would hold the set-point with the water that is coming
            ref = int(w[9])
            want = (((ref - int(w[17])) >> 10) * int(w[16]) >> 10) - d
            want += ((((ref >> 14) - int(w[18])) * int(w[8])) >> 10) * 70
            miss = ref - t
            if miss > 20971520:
                miss = 20971520
            if miss < -20971520:
                miss = -20971520
            if int(w[10]):
                if miss < 0:
                    miss = 0  # charging means to rise above the set-point
            lag = want - q
            if lag > 8388608:
                lag = 8388608
            if lag < -8388608:
                lag = -8388608
            v = want + (((miss >> 6) * int(w[11])) >> 4) + lag * 4
            if v > power:
                v = power
            if v > 0:
                duty = (v << 8) // (power >> 8)
            w[4] = duty
        if how & (8 << i):
            duty = int(b[i])
        if how & (2 << i) == 0 or int(w[21]) == 0:
            duty = 0
        b[i] = duty
        # --- what is owed; never more than three: the observer knows what was not fired
        if duty:
            acc = int(b[2 + i]) + duty
            if acc > 196608:
                acc = 196608
            b[2 + i] = acc
            if acc >= 65536:
                if (int(b[4 + i]) - 8) * sign <= 0:
                    due |= 1 << i
                if acc >= 131072:
                    due |= 1 << i
        else:
            b[2 + i] = 0  # no debt outlives its demand: off means off in this very half-cycle
        w = steam
        i += 1
    if due == 3:
        if int(b[7]) == 0:
            due = 1
            if how & 1 == 0:
                if int(b[3]) > int(b[2]):
                    due = 2
                if int(b[3]) == int(b[2]):
                    due = 1 + (phase >> 1)  # both owed all they may be: whole cycles in turn
    b[13] = due
    i = 0
    while due >> i:
        if (due >> i) & 1:
            b[2 + i] = int(b[2 + i]) - 65536
            b[9] = int(b[9]) + int(b[10 + i])
            dc = int(b[4 + i]) + sign
            if dc < 0:
                dc = 0
            if dc > 15:
                dc = 15
            b[4 + i] = dc
        i += 1
    return due
