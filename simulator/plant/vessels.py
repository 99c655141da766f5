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
def pour(s, p: ptr32, out_nl: int, dissolved_ug: int):
    """What left the puck hangs in two first-order stores (spout and cling) before it falls:
    the drip after the valve has closed. Solubles fall with their share of the water.
    Without a cup, or over its brim, it falls into the tray.
    """
    held = int(s[_SPOUT]) + int(s[_CLING])
    solubles = int(s[_RINSED]) + dissolved_ug
    slow = (out_nl * int(p[_CLING_SHARE])) >> 10
    a = int(s[_SPOUT]) + out_nl - slow
    b = int(s[_CLING]) + slow
    held += out_nl
    fall = (a * 10 + int(p[_SPOUT_LAG]) - 1) // int(p[_SPOUT_LAG])
    a -= fall
    d = (b * 10) // int(p[_CLING_LAG])
    if d == 0:
        if b > 0:
            d = 1
    b -= d
    fall += d
    d = 0
    if held > 0:
        d = (solubles * fall) // held
    s[_SPOUT] = a
    s[_CLING] = b
    s[_RINSED] = solubles - d
    s[_FALL] = fall
    if fall:
        if int(s[_CUP_THERE]):
            cup = int(s[_CUP_NL]) + fall
            if cup <= int(p[_CUP_SIZE]):
                s[_CUP_NL] = cup
                # 0.998 ug a nl
                s[_CUP_UG] = int(s[_CUP_UG]) + fall - (fall >> 9) + d
                return
        s[_TRAY] = int(s[_TRAY]) + fall


@micropython.viper
def meter(s, p: ptr32, intake_nl: int, jitter: int):
    """Hall flow meter in the suction line: a pulse each _PULSE_NL, its place off by some jitter
    that does not add up. jitter: N(0,1), 1024 = one sigma; drawn again for each pulse.
    """
    s[_PULSES] = 0
    if intake_nl > 0:
        m = int(s[_METER]) + intake_nl
        if m >= int(s[_NEXT]):
            m -= int(p[_PULSE_NL])
            s[_NEXT] = int(p[_PULSE_NL]) + ((jitter * int(p[_JITTER_NL])) >> 10)
            s[_PULSES] = 1
        s[_METER] = m


@micropython.viper
def weigh(s, p: ptr32):
    """Load cell, once a step: cup, its tare and what lies on the grid, behind the filter's lag."""
    w = int(s[_EXTRA]) + (((int(s[_TRAY]) * int(p[_DRAIN_WEIGHED])) >> 10))
    if int(s[_CUP_THERE]):
        w += int(p[_CUP_TARE]) + int(s[_CUP_UG])
    c = int(s[_CELL])
    s[_CELL] = c + ((w - c) * 10) // int(p[_SCALE_LAG])


@micropython.viper
def grind(s, on: int):
    ground = 0
    if on:
        ground = int(s[_GRIND_RATE])
        if ground > int(s[_HOPPER]):
            ground = int(s[_HOPPER])
        s[_HOPPER] = int(s[_HOPPER]) - ground
    s[_GROUND] = ground
