# Why a shot may not begin now: one question, one answer, the same for button and command.
import interlocks as il
import live as names
import plan
from micropython import const

# why a request was not taken: live.answer is 1 + the index here, 0 when it was taken
REFUSALS = (
    "remote_disabled", "cup_missing", "interlock", "busy", "not_ready", "water", "standby",
    "safe_mode", "tray", "door", "hopper", "no_recipe", "unsupported", "not_standing",
)
REMOTE_DISABLED = const(1)
CUP_MISSING = const(2)
INTERLOCK = const(3)
BUSY = const(4)
NOT_READY = const(5)
WATER = const(6)
STANDBY = const(7)
SAFE_MODE = const(8)
TRAY = const(9)
DOOR = const(10)
HOPPER = const(11)
NO_RECIPE = const(12)
UNSUPPORTED = const(13)
NOT_STANDING = const(14)


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
            return CUP_MISSING
    return hindrance(locks) or _lacking(locks, asked) or _unready(live, ready)


def hindrance(locks):
    # what forbids water of any kind
    blocked = locks.blocked(il.NO_WATER)
    if not blocked:
        return 0
    if blocked & il.TANK_EMPTY:
        return WATER
    if blocked & il.TRAY_FULL:
        return TRAY
    return DOOR if blocked & il.DOOR_OPEN else INTERLOCK


def _lacking(locks, asked):
    if not asked.loaded:
        return NO_RECIPE
    words = asked.words()
    if words[plan.DOSE_MS] and locks.blocked(il.HOPPER_EMPTY):
        return HOPPER
    if words[plan.STOP_MG] != plan.ABSENT and locks.blocked(il.SCALE_FAULT):
        return INTERLOCK
    return 0


def _unready(live, ready):
    state = live.state
    if state != names.READY and state != names.STEAM:
        return NOT_READY if state < names.READY else BUSY
    return 0 if ready else NOT_READY
