# What forbids heat and water. Limits are checked here and nowhere else; an alarm that latches
# stays until somebody acknowledges it and its cause is gone. Off is decided here, never on.
from array import array

import live as names
import micropython
from hal import SW_CUP, SW_DOOR, SW_HOPPER, SW_KEY, SW_TANK, SW_TRAY
from micropython import const

_ALL_WELL = SW_TANK | SW_TRAY | SW_DOOR | SW_HOPPER

# alarm bits, the order of live.ALARM_NAMES
OVER_TEMP_BREW = const(1 << 0)
OVER_TEMP_STEAM = const(1 << 1)
SENSOR_BREW = const(1 << 2)
SENSOR_STEAM = const(1 << 3)
SENSOR_GROUP = const(1 << 4)
SENSOR_PRESSURE = const(1 << 5)
NO_HEAT_BREW = const(1 << 6)
NO_HEAT_STEAM = const(1 << 7)
STUCK_SSR_BREW = const(1 << 8)
STUCK_SSR_STEAM = const(1 << 9)
DRY_PUMP = const(1 << 10)
STAGNATION = const(1 << 11)
SHOT_TOO_LONG = const(1 << 12)
SHOT_TOO_BIG = const(1 << 13)
TANK_EMPTY = const(1 << 14)
TRAY_FULL = const(1 << 15)
DOOR_OPEN = const(1 << 16)
HOPPER_EMPTY = const(1 << 17)
SCALE_FAULT = const(1 << 18)
TICK_OVERRUN = const(1 << 19)
OVER_PRESSURE = const(1 << 20)
RESET_STORM = const(1 << 21)
STEAM_REFILL = const(1 << 22)
POWER_BUDGET = const(1 << 23)

# The table of consequences. FAULT: everything off, latched. STEAM_OUT: the steam boiler is off,
# latched, coffee goes on. Door, hopper, scale and group sensor stand only while their cause does.
FAULT = const(
    OVER_TEMP_BREW | OVER_TEMP_STEAM | SENSOR_BREW | SENSOR_PRESSURE | NO_HEAT_BREW
    | STUCK_SSR_BREW | STUCK_SSR_STEAM | DRY_PUMP | STAGNATION | SHOT_TOO_LONG | SHOT_TOO_BIG
    | TICK_OVERRUN | OVER_PRESSURE | POWER_BUDGET
)
STEAM_OUT = const(SENSOR_STEAM | NO_HEAT_STEAM | STEAM_REFILL)
CRITICAL = const(FAULT | STEAM_OUT | RESET_STORM)
# machines.md wants tank and tray acknowledged too: who refills looks at the machine anyway
LATCHING = const(CRITICAL | TANK_EMPTY | TRAY_FULL)
NO_HEAT = const(FAULT | RESET_STORM | TANK_EMPTY)  # an empty tank may mean an empty boiler
NO_STEAM_HEAT = const(NO_HEAT | STEAM_OUT)
NO_WATER = const(FAULT | RESET_STORM | TANK_EMPTY | TRAY_FULL | DOOR_OPEN)  # pump and valves
# severities of the alarm fact beside CRITICAL; what is in neither is "info"
WARNING = const(TANK_EMPTY | TRAY_FULL | DOOR_OPEN | HOPPER_EMPTY | SCALE_FAULT | SENSOR_GROUP)

_LATE_US = const(100000)  # ten ticks lost outside a flash erase
_BUSY_US = const(9000)  # tick.py's, too
_BUSY_TICKS = const(5)
_BITS = const(24)


class Interlocks:
    def __init__(self, live, latched, safe_mode):
        self._live = live
        live.latched = latched | (RESET_STORM if safe_mode else 0)
        self._now = 0  # causes seen in this tick
        self._told = 0  # alarms the background was told of
        self._away = array("i", [0] * _BITS)  # ticks since the cause was last seen
        self._busy = 0

    # --- what others ask
    def blocked(self, mask):
        live = self._live
        return (live.alarms | live.latched) & mask

    # --- raising and lowering
    def up(self, bit):
        # to be called in every tick in which the cause stands
        self._now |= bit

    def settle(self):
        # once a tick, after all checks: what is new stands, what stayed away for 1 s is gone
        live = self._live
        now = self._now
        self._now = 0
        if now & ~live.alarms:
            live.alarms |= now
            live.latched |= now & LATCHING
        if live.alarms:
            self._fade(now)
        if (live.alarms | live.latched) != self._told:
            self._tell(live.alarms | live.latched)

    def _fade(self, now):
        live = self._live
        live.alarms = faded(live.alarms, now, self._away)

    def acknowledge(self, bit_number):
        # the bits that could not be cleared because their cause still stands, 0: all are clear
        live = self._live
        asked = live.latched if bit_number < 0 else live.latched & (1 << bit_number)
        live.latched &= ~asked | live.alarms
        return asked & live.alarms

    def _tell(self, now):
        changed = now ^ self._told
        self._told = now
        for k in range(_BITS):
            if changed >> k & 1:
                self._live.put(names.EV_ALARM, k, now >> k & 1)

    # --- the tick itself, when it was late or long, and once after that
    def late(self, late_us, busy_us):
        if busy_us > _BUSY_US:
            self._busy += 1
        else:
            self._busy = 0
        if late_us > _LATE_US or self._busy >= _BUSY_TICKS:
            self._now |= TICK_OVERRUN

    # --- switches (hal.switches, debounced)
    def publish(self, sw):
        live = self._live
        live.water = 1 if sw & SW_TANK else 0
        live.tray = 1 if sw & SW_TRAY else 0
        live.cup = 1 if sw & SW_CUP else 0
        live.remote = 1 if sw & SW_KEY else 0
        live.door = 1 if sw & SW_DOOR else 0
        live.hopper = 1 if sw & SW_HOPPER else 0

    def switches(self, sw):
        if sw & _ALL_WELL != _ALL_WELL:
            if not sw & SW_TANK:
                self._now |= TANK_EMPTY
            if not sw & SW_TRAY:
                self._now |= TRAY_FULL
            if not sw & SW_DOOR:
                self._now |= DOOR_OPEN
            if not sw & SW_HOPPER:
                self._now |= HOPPER_EMPTY


# alarms less those whose cause stayed away for 1 s; away: ticks, a word a bit
@micropython.viper
def faded(alarms: int, now: int, away: ptr32) -> int:
    left = alarms
    k = 0
    while k < 24:  # _BITS
        if (alarms >> k) & 1:
            ticks = int(away[k]) + 1
            if (now >> k) & 1:
                ticks = 0
            away[k] = ticks
            if ticks >= 100:  # 1 s
                left &= ~(1 << k)
        k += 1
    return left
