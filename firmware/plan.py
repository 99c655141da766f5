# A recipe as the tick reads it: a flat array of small ints. The background loads it, the tick
# copies it when a shot starts. No checking: recipes.py has refused what the machine cannot do.
from array import array

import board
from micropython import const

# header words
TEMP_MC = const(0)
DOSE_MS = const(1)  # grinder time, 0: no grinding
STOP_UL = const(2)  # stop criteria, ABSENT when not asked for
STOP_MG = const(3)
STOP_MS = const(4)
PHASES = const(5)  # how many phases follow
SLOT = const(6)
REV = const(7)
HEAD = const(8)  # words before the first phase

# words of one phase, from HEAD + n * PHASE
MODE = const(0)
TARGET = const(1)  # permille, mbar or ul/s by MODE
RAMP_MS = const(2)  # from where the pump stands to TARGET
LIMIT = const(3)  # on the other quantity: ul/s in MODE_PRESSURE and POWER, mbar in MODE_FLOW
PRE = const(4)  # 1: counts as pre-infusion
X_MS = const(5)  # exits: any that is met ends the phase; the last two are "under"
X_UL = const(6)
X_MG = const(7)
X_OVER_MBAR = const(8)
X_OVER_UL_S = const(9)
X_UNDER_MBAR = const(10)
X_UNDER_UL_S = const(11)
PHASE = const(12)  # words per phase

MODE_POWER = const(0)
MODE_PRESSURE = const(1)
MODE_FLOW = const(2)
ABSENT = const(0x3FFFFFFF)  # never reached; an absent "under" is 0, which nothing is under

_MODES = (
    ("pressure_mbar", MODE_PRESSURE), ("flow_ul_s", MODE_FLOW), ("power_permille", MODE_POWER),
)
_EXITS = (
    "time_ms", "volume_ul", "weight_mg", "pressure_over_mbar", "flow_over_ul_s",
    "pressure_under_mbar", "flow_under_ul_s",
)
_PRE_NAMES = ("pre", "fill", "soak", "bloom", "wet")
PHASES_MAX = max(3, board.PHASES_MAX)  # a volumetric recipe makes three
WORDS = HEAD + PHASE * PHASES_MAX


class Plan:
    # Two arrays: load() writes the idle one and then swaps, so a tick that interrupts a load
    # still copies a whole recipe.
    def __init__(self):
        self._pair = (array("i", [0] * WORDS), array("i", [0] * WORDS))
        self._active = 0
        self.loaded = False

    def load(self, recipe, slot=0, rev=0):
        words = self._pair[1 - self._active]
        _head(words, recipe, slot, rev)
        _phases(words, recipe["phases"] if "phases" in recipe else _volumetric(recipe))
        self._active = 1 - self._active
        self.loaded = True

    def clear(self):
        self.loaded = False

    def words(self):
        return self._pair[self._active]


def _head(words, recipe, slot, rev):
    stop = recipe.get("stop", recipe)  # a volumetric recipe carries volume_ul itself
    words[TEMP_MC] = recipe["temp_mc"]
    words[DOSE_MS] = recipe.get("dose_ms", 0)
    words[STOP_UL] = stop.get("volume_ul", ABSENT)
    words[STOP_MG] = stop.get("weight_mg", ABSENT)
    words[STOP_MS] = stop.get("time_ms", ABSENT)
    words[SLOT] = slot
    words[REV] = rev


def _phases(words, phases):
    words[PHASES] = len(phases)
    pre = 1
    for n, phase in enumerate(phases):
        # only the leading phases can be pre-infusion
        pre = pre and _is_pre(phase.get("name", ""))
        _phase(words, HEAD + n * PHASE, phase, 1 if pre else 0)


def _phase(words, at, phase, pre):
    for name, mode in _MODES:
        if name in phase:
            words[at + MODE] = mode
            words[at + TARGET] = phase[name]
    words[at + RAMP_MS] = phase.get("ramp_ms", 0)
    limit = phase.get("limit_flow_ul_s", ABSENT)
    words[at + LIMIT] = phase.get("limit_pressure_mbar", limit)
    words[at + PRE] = pre
    leave = phase.get("exit", {})
    for k, name in enumerate(_EXITS):
        words[at + X_MS + k] = leave.get(name, 0 if "under" in name else ABSENT)


def _is_pre(name):
    name = name.lower()
    for start in _PRE_NAMES:
        if name.startswith(start):
            return 1
    return 0


def _volumetric(recipe):
    # Pre-infusion by time or volume, a soak with the pump at rest, then the pump to the volume.
    phases = []
    if recipe.get("preinfusion_ms"):
        phases.append(_pumping("pre", {"time_ms": recipe["preinfusion_ms"]}))
    elif recipe.get("preinfusion_ul"):
        phases.append(_pumping("pre", {"volume_ul": recipe["preinfusion_ul"]}))
    if recipe.get("soak_ms"):
        soak = {"time_ms": recipe["soak_ms"]}
        phases.append({"name": "soak", "power_permille": 0, "exit": soak})
    phases.append(_pumping("brew", {}))
    return phases


def _pumping(name, leave):
    phase = dict(board.VOLUMETRIC_PHASE)
    phase["name"] = name
    phase["exit"] = leave
    return phase
