# The coffee in the basket: how much it resists, sucks up and gives away. Volumes in nl, resistance
# in mbar s/ml, masses in ug. Chance comes from outside (plant.py), so a shot repeats by its seed.
import micropython
from micropython import const

# --- state
_KIND = const(0)  # words.PUCK_COFFEE, PUCK_NONE, PUCK_BLIND
_FRESH = const(1)  # resistance of this puck when dry-ish, mbar s/ml
_CAPACITY = const(2)  # water it can take up, nl
_ABSORBED = const(3)  # nl
_PASSED = const(4)  # nl that came out below
_ERODED = const(5)  # 0...2**20
_CHANNEL_AT = const(6)  # passed volume at which a channel opens, nl
_CHANNEL_DEPTH = const(7)  # share of the resistance it takes, 65536 = all
_CHANNEL = const(8)  # open so far, 65536 = _CHANNEL_DEPTH
_SOLUBLE = const(9)  # not yet dissolved, ug
_DOSE = const(10)  # ug
_RESISTANCE = const(11)  # now, mbar s/ml
# a disturbance from outside (fault puck_step): the factor runs to its goal by _PACE a step
_FACTOR = const(12)  # 2**20 = 1
_GOAL = const(13)
_PACE = const(14)
_DISSOLVED = const(15)  # ug in the last step
_USED = const(16)  # 1: water has come through
PUCK_STATE = 17

# --- parameters
_WETTING = const(0)  # share of the resistance lost by wetting, 1024 = all
_EROSION = const(1)  # share lost by erosion in the end, 1024 = all
_EROSION_NL = const(2)  # volume constant of erosion
_COMPACTION = const(3)  # relative change of resistance for a doubling of 9 bar, 1024 = 1
_SUCTION = const(4)  # ul/s a dry puck sucks in without pressure
_EMPTY = const(5)  # resistance of the bare basket, mbar s/ml
_WASH_NL = const(6)  # volume constant of extraction
_BREAKTHROUGH = const(7)  # wetness at which water first comes through, 0...1023
PUCK_PARAMETERS = 8

_BLIND = const(50000000)  # mbar s/ml: 9 bar press 0.2 ul/s past the seal

(
    KIND, FRESH, CAPACITY, ABSORBED, PASSED, ERODED, CHANNEL_AT, CHANNEL_DEPTH, CHANNEL, SOLUBLE,
    DOSE, RESISTANCE, FACTOR, GOAL, PACE, DISSOLVED, USED,
) = range(17)
EMPTY = _EMPTY


def puck_parameters(get):
    return [
        get("puck_wetting_permille") * 1024 // 1000,
        get("puck_erosion_permille") * 1024 // 1000,
        get("puck_erosion_ul") * 1000,
        get("puck_compaction_permille") * 1024 // 1000,
        get("puck_suction_ul_s"),
        get("basket_mbar_s_ml"),
        get("puck_wash_ul") * 1000,
        min(get("puck_breakthrough_permille") * 1024 // 1000, 1000),
    ]


@micropython.viper
def resist(s, p: ptr32, pressure_ubar: int) -> int:
    """Conductance for the next step, ul/s per ubar with 2**32 = 1.

        R = R0 (1 - w wetness)(1 - e eroded)(1 - channel)(1 + k (P/9 bar - 1)) disturbance

    R0 stands in the board's plant data (4.5 bar s/ml: 9 bar drive 2 ml/s) times this puck's grind
    and dose. wetness = absorbed/capacity; eroded = 1 - exp(-passed/V_e).
    """
    kind = int(s[_KIND])
    if kind == 2:
        r = 50000000
    elif kind == 1:
        r = int(p[_EMPTY])
    else:
        wet = 1024
        if int(s[_ABSORBED]) < int(s[_CAPACITY]):
            wet = (int(s[_ABSORBED]) * 1024) // int(s[_CAPACITY])
        r = (int(s[_FRESH]) * (1048576 - int(p[_WETTING]) * wet)) >> 10
        r = (r * (1024 - ((int(s[_ERODED]) * int(p[_EROSION])) >> 20))) >> 10
        r = (r * (65536 - ((int(s[_CHANNEL]) * int(s[_CHANNEL_DEPTH])) >> 16))) >> 16
        r = (r * (1048576 + (int(p[_COMPACTION]) * (pressure_ubar - 9000000)) // 8789)) >> 20
        r = r >> 10
    f = int(s[_FACTOR])
    if f != int(s[_GOAL]):
        d = int(s[_GOAL]) - f
        w = int(s[_PACE])
        if d > w:
            d = w
        if d < 0 - w:
            d = 0 - w
        f += d
        s[_FACTOR] = f
    r = (r * f) >> 20
    if r < 10:
        r = 10
    s[_RESISTANCE] = r
    return (1 << 32) // r


@micropython.viper
def soak(s, p: ptr32, into_nl: int) -> int:
    """Takes what entered in this step; returns what comes out below, nl.

    Up to the breakthrough wetness the puck keeps all, then a share that falls linearly to nothing
    when it is full. What passes erodes, opens the channel and washes out solubles (first order in
    what is left).
    """
    out = into_nl
    if int(s[_KIND]) == 0:
        capacity = int(s[_CAPACITY])
        absorbed = int(s[_ABSORBED])
        room = capacity - absorbed
        if room > 0:
            wet = (absorbed * 1024) // capacity
            first = int(p[_BREAKTHROUGH])
            keep = into_nl
            if wet > first:
                keep = (into_nl * (1024 - wet)) // (1024 - first)
                keep += 1
            if keep > into_nl:
                keep = into_nl
            if keep > room:
                keep = room
            s[_ABSORBED] = absorbed + keep
            out = into_nl - keep
    if out > 0:
        passed = int(s[_PASSED]) + out
        s[_PASSED] = passed
        s[_USED] = 1
        eroded = int(s[_ERODED])
        s[_ERODED] = eroded + ((1048576 - eroded) * out) // int(p[_EROSION_NL])
        if passed > int(s[_CHANNEL_AT]):
            # a channel takes 0.7 s to open
            c = int(s[_CHANNEL])
            s[_CHANNEL] = c + (((65536 - c) * 936) >> 16)
        left = int(s[_SOLUBLE])
        d = (left * out) // int(p[_WASH_NL])
        if d > left:
            d = left
        s[_SOLUBLE] = left - d
        s[_DISSOLVED] = d
    else:
        s[_DISSOLVED] = 0
    return out


@micropython.viper
def suction(s, p: ptr32) -> int:
    """ul/s a coffee puck sucks in while it is dry: falls linearly with its wetness."""
    if int(s[_KIND]):
        return 0
    room = int(s[_CAPACITY]) - int(s[_ABSORBED])
    if room <= 0:
        return 0
    return (int(p[_SUCTION]) * ((room * 1024) // int(s[_CAPACITY]))) >> 10


def fresh(s, kind, channel_at_nl, depth):
    """An empty basket for a new puck; the standing disturbance of a fault stays."""
    factor, goal, pace = s[_FACTOR], s[_GOAL], s[_PACE]
    for i in range(PUCK_STATE):
        s[i] = 0
    s[_KIND], s[_CHANNEL_AT], s[_CHANNEL_DEPTH] = kind, channel_at_nl, depth
    s[_FACTOR], s[_GOAL], s[_PACE] = factor, goal, pace


def fill(s, resistance, capacity_nl, dose_ug, soluble_ug):
    """So much coffee lies in the basket."""
    s[_FRESH] = s[_RESISTANCE] = resistance
    s[_CAPACITY] = max(capacity_nl, 1)
    s[_DOSE] = dose_ug
    s[_SOLUBLE] = soluble_ug
