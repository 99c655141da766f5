# Where water ends: spout, cup, tray, tank; the flow meter at the tank; the grinder; the load cell.
# Volumes in nl, masses in ug. No pressure here (hydraulics.py).
import micropython
from micropython import const

# --- state
_SPOUT = const(0)  # hanging in basket and spout, nl: drips fast
_CLING = const(1)  # clinging to puck and walls, nl: drips slowly
_CUP_NL = const(2)
_CUP_UG = const(3)
_TRAY = const(4)
_TANK = const(5)
_CUP_THERE = const(6)
_FALL = const(7)  # nl that left the spout in this step
_METER = const(8)  # flow meter: volume since the last pulse, nl
_NEXT = const(9)  # volume at which the next pulse comes, nl
_PULSES = const(10)  # in this step
_HOPPER = const(11)  # ug
_GROUND = const(12)  # ug that fell in this step
_GRIND_RATE = const(13)  # ug a step, this dose's
_CELL = const(14)  # weight as the load cell's filter has it, ug
_EXTRA = const(15)  # something else on the grid, ug
_RINSED = const(16)  # solubles in spout and cling, ug
VESSEL_STATE = 17

# --- parameters
_SPOUT_LAG = const(0)  # ms
_CLING_LAG = const(1)  # ms
_CLING_SHARE = const(2)  # of the flow, 1024 = all
_CUP_SIZE = const(3)  # nl
_PULSE_NL = const(4)  # as this meter really is
_JITTER_NL = const(5)  # one sigma of a pulse's place
_SCALE_LAG = const(6)  # ms
_CUP_TARE = const(7)  # ug
_DRAIN_WEIGHED = const(8)  # share of the drain's water that the load cell carries, 1024 = all
VESSEL_PARAMETERS = 9

(
    SPOUT, CLING, CUP_NL, CUP_UG, TRAY, TANK, CUP_THERE, FALL, METER, NEXT, PULSES, HOPPER, GROUND,
    GRIND_RATE, CELL, EXTRA, RINSED,
) = range(17)
PULSE_NL = _PULSE_NL


def vessel_parameters(get):
    return [
        get("spout_lag_ms"), get("cling_lag_ms"), get("cling_share_permille") * 1024 // 1000,
        get("cup_ml") * 1000000, get("flowmeter_ul_pulse") * 1000,
        get("flowmeter_jitter_ul") * 1000, get("scale_lag_ms"), get("cup_tare_mg") * 1000,
        get("drain_weighed_permille") * 1024 // 1000,
    ]


@micropython.viper
def pour(s, p, out_nl: int, dissolved_ug: int):
    """What left the puck hangs in two first-order stores (spout and cling) before it falls:
    the drip after the valve has closed. Solubles fall with their share of the water.
    Without a cup, or over its brim, it falls into the tray.
    """
    held = int(s[0]) + int(s[1])
    solubles = int(s[16]) + dissolved_ug
    slow = (out_nl * int(p[2])) >> 10
    a = int(s[0]) + out_nl - slow
    b = int(s[1]) + slow
    held += out_nl
    fall = (a * 10 + int(p[0]) - 1) // int(p[0])
    a -= fall
    d = (b * 10) // int(p[1])
    if d == 0:
        if b > 0:
            d = 1
    b -= d
    fall += d
    d = 0
    if held > 0:
        d = (solubles * fall) // held
    s[0] = a
    s[1] = b
    s[16] = solubles - d
    s[7] = fall
    if fall:
        if int(s[6]):
            cup = int(s[2]) + fall
            if cup <= int(p[3]):
                s[2] = cup
                # 0.998 ug a nl
                s[3] = int(s[3]) + fall - (fall >> 9) + d
                return
        s[4] = int(s[4]) + fall


@micropython.viper
def meter(s, p, intake_nl: int, jitter: int):
    """Hall flow meter in the suction line: a pulse each _PULSE_NL, its place off by some jitter
    that does not add up. jitter: N(0,1), 1024 = one sigma; drawn again for each pulse.
    """
    s[10] = 0
    if intake_nl > 0:
        m = int(s[8]) + intake_nl
        if m >= int(s[9]):
            m -= int(p[4])
            s[9] = int(p[4]) + ((jitter * int(p[5])) >> 10)
            s[10] = 1
        s[8] = m


@micropython.viper
def weigh(s, p):
    """Load cell, once a step: cup, its tare and what lies on the grid, behind the filter's lag."""
    w = int(s[15]) + (((int(s[4]) * int(p[8])) >> 10))
    if int(s[6]):
        w += int(p[7]) + int(s[3])
    c = int(s[14])
    s[14] = c + ((w - c) * 10) // int(p[6])


@micropython.viper
def grind(s, on: int):
    ground = 0
    if on:
        ground = int(s[13])
        if ground > int(s[11]):
            ground = int(s[11])
        s[11] = int(s[11]) - ground
    s[12] = ground
