# Why a shot may not begin now: one question, one answer, the same for button and command.
import interlocks as il
import live as names
import plan
from micropython import const

# why a request was not taken: live.answer is 1 + the index here, 0 when it was taken
REFUSALS = (
    "remote_disabled", "cup_missing", "interlock", "busy", "not_ready", "water", "standby",
    "safe_mode", "tray", "door", "hopper", "no_recipe", "unsupported", "not_standing", "too_hot",
)
REMOTE_DISABLED = const(1)
_CUP_MISSING = const(2)
INTERLOCK = const(3)
BUSY = const(4)
NOT_READY = const(5)
_WATER = const(6)
STANDBY = const(7)
SAFE_MODE = const(8)
_TRAY = const(9)
_DOOR = const(10)
_HOPPER = const(11)
_NO_RECIPE = const(12)
UNSUPPORTED = const(13)
NOT_STANDING = const(14)
_TOO_HOT = const(15)
# A boiler loses a good 4 K by itself while a shot waits for its temperature (brew.py), and would
# do so with the coffee ground already.
_COOLS_MC = const(3000)


# asked: plan.Plan; source: live.SOURCE_*; ready: the water is at its temperature.
# 0: may start, else 1 + index into REFUSALS
def refusal(live, locks, asked, source, ready):
    if live.state == names.SAFE_MODE:
        return SAFE_MODE
    if live.state == names.STANDBY:
        return STANDBY
    if source == names.SOURCE_REMOTE:
        if not live.remote:
            return REMOTE_DISABLED
        if not live.cup:
            return _CUP_MISSING
    return hindrance(locks) or _lacking(locks, asked) or _unready(live, ready, asked)


def hindrance(locks):
    # what forbids water of any kind
    blocked = locks.blocked(il.NO_WATER)
    if not blocked:
        return 0
    if blocked & il.TANK_EMPTY:
        return _WATER
    if blocked & il.TRAY_FULL:
        return _TRAY
    return _DOOR if blocked & il.DOOR_OPEN else INTERLOCK


def _lacking(locks, asked):
    if not asked.loaded:
        return _NO_RECIPE
    words = asked.words()
    if words[plan.DOSE_MS] and locks.blocked(il.HOPPER_EMPTY):
        return _HOPPER
    if words[plan.STOP_MG] != plan.ABSENT and locks.blocked(il.SCALE_FAULT):
        return INTERLOCK
    return 0


def _unready(live, ready, asked):
    state = live.state
    if state != names.READY and state != names.STEAM:
        return NOT_READY if state < names.READY else BUSY
    if not ready:
        return NOT_READY
    return _TOO_HOT if live.temp_mc - asked.words()[plan.TEMP_MC] > _COOLS_MC else 0
