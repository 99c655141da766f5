# The one meeting place of the hard tick and the background. Plain small ints, all preallocated.
# The tick writes readings and pushes events; the background only reads them, and asks for work
# through `request`. Nothing here touches hardware, flash or network.
from array import array

import micropython
from micropython import const
from samples import Samples

# machine states (published by name; order is the wire order of STATE_NAMES)
COLD = const(0)
HEATING = const(1)
READY = const(2)
STARTING = const(3)  # grinding, pre-charging the element: a shot is committed, the pump still off
PREINFUSION = const(4)
BREWING = const(5)
ENDING = const(6)
HOT_WATER = const(7)
STEAM = const(8)
CLEANING = const(9)
STANDBY = const(10)
FAULT = const(11)
SAFE_MODE = const(12)
STATE_NAMES = (
    "cold", "heating", "ready", "starting", "preinfusion", "brewing", "ending",
    "hot_water", "steam", "cleaning", "standby", "fault", "safe_mode",
)

# alarms: bit numbers in Live.alarms (standing now) and Live.latched (until acknowledged)
ALARM_NAMES = (
    "over_temp_brew", "over_temp_steam", "sensor_brew", "sensor_steam", "sensor_group",
    "sensor_pressure", "no_heat_brew", "no_heat_steam", "stuck_ssr_brew", "stuck_ssr_steam",
    "dry_pump", "stagnation", "shot_too_long", "shot_too_big", "tank_empty", "tray_full",
    "door_open", "hopper_empty", "scale_fault", "tick_overrun", "over_pressure", "reset_storm",
    "steam_refill", "power_budget",
)

# events, tick -> background: (kind, a, b) plus the uptime in ms
EV_STATE = const(1)  # a: new state
EV_ALARM = const(2)  # a: alarm bit, b: 1 raised / 0 cleared
EV_SHOT = const(3)  # a: index into Live.shots of the finished shot
EV_MAINT = const(4)  # a: maintenance code (MAINT_NAMES), b: value
MAINT_NAMES = ("backflush_done", "descale_done", "wand_rinse_done", "descale_due", "autotune_done")

# requests, background -> tick (one at a time; the tick answers in `answer`)
REQ_NONE = const(0)
REQ_BREW = const(1)  # recipe already loaded into the shot plan
REQ_STOP = const(2)
REQ_CLEAN = const(3)  # request_arg: index into CLEAN_NAMES
REQ_STANDBY = const(4)
REQ_WAKE = const(5)
REQ_ACK = const(6)  # request_arg: alarm bit, or -1 for all
REQ_SETPOINT = const(7)  # request_arg: brew mc, request_arg2: steam mc or 0
REQ_QUIET = const(8)  # a flash erase is coming: outputs off, lateness not counted, until REQ_LOUD
REQ_LOUD = const(9)
CLEAN_NAMES = ("backflush", "rinse", "descale")
SOURCE_LOCAL = const(0)
SOURCE_REMOTE = const(1)

# words of one shot summary (Live.shots holds SHOTS_KEPT of them, so a finished one is not
# overwritten before the background has made a fact of it)
SHOT_WORDS = (
    "shot", "slot", "recipe_rev", "source", "start_ms", "duration_ms", "volume_ul", "weight_mg",
    "pressure_peak_mbar", "pressure_mean_mbar", "temp_mean_mc", "energy_j", "result", "reason",
)
SHOTS_KEPT = const(4)
RESULT_NAMES = ("ok", "stopped", "aborted")

_EVENTS = const(32)
_SMALL = const(0x3FFFFFFF)


# a + b in a counter of 30 bits: one more would be a big int, which allocates on the board
@micropython.viper
def wrapped(a: int, b: int) -> int:
    return (a + b) & 0x3FFFFFFF


class Live:
    def __init__(self):
        self.state = COLD
        self.ticks = 0
        self.uptime_ms = 0  # monotonic since boot, small int: good for 12 days between wraps
        self.late_ticks = 0  # ticks that began > 2 ms late, outside REQ_QUIET
        self.late_max_us = 0
        self.busy_max_us = 0  # longest tick body
        # readings
        self.temp_mc = 0
        self.setpoint_mc = 0
        self.steam_temp_mc = 0
        self.steam_setpoint_mc = 0
        self.group_temp_mc = 0
        self.pressure_mbar = 0
        self.flow_ul_s = 0
        self.volume_ul = 0  # of the running shot, in the cup: metered less what the puck keeps
        self.pumped_ul = 0  # of the running shot, metered
        self.weight_mg = 0
        self.duty_permille = 0
        self.steam_duty_permille = 0
        self.pump_permille = 0
        self.shot = 0  # number of the running shot in this boot, from 1; 0 when none runs
        self.shot_ms = 0  # since the shot began, 0 when none runs
        self.samples = Samples()  # the running shot's curve, ten a second
        # switches, 1 = true statement
        self.water = 0
        self.tray = 0
        self.cup = 0
        self.remote = 0
        self.door = 1
        self.hopper = 1
        # interlocks
        self.alarms = 0
        self.latched = 0
        # meters since boot (the background adds them to the persisted totals)
        self.water_ul = 0
        self.energy_j = 0
        self.grinds = 0
        self.shots_done = 0
        # the background adds 1 in every pass; when it stops for BACKGROUND_MS the tick no longer
        # feeds the watchdog
        self.beat = 0
        # what an auto-tune found, now or before: board.BREW_BOILER's five figures; 0: never.
        # EV_MAINT autotune_done says that they are new. A shot may scale the first three.
        self.tune = array("i", [0] * 5)
        # mailbox
        self.request = REQ_NONE
        self.request_arg = 0
        self.request_arg2 = 0
        self.request_source = SOURCE_LOCAL
        self.answer = 0  # 0: taken; else 1 + index into brew.REFUSALS
        self.shots = array("i", [0] * (len(SHOT_WORDS) * SHOTS_KEPT))
        self._ring = array("i", [0] * (_EVENTS * 4))
        self._head = 0
        self._tail = 0
        self.events_lost = 0

    def tuned(self, figures):
        for k in range(5):
            self.tune[k] = figures[k]

    def put(self, kind, a, b):
        # tick only
        n = (self._head + 1) % _EVENTS
        if n == self._tail:
            self.events_lost += 1
            return
        r = self._ring
        i = self._head * 4
        r[i] = kind
        r[i + 1] = a
        r[i + 2] = b
        r[i + 3] = self.uptime_ms
        self._head = n

    def get(self, into):
        # background only; into: array("i", 4). False when there is none.
        if self._tail == self._head:
            return False
        i = self._tail * 4
        for k in range(4):
            into[k] = self._ring[i + k]
        self._tail = (self._tail + 1) % _EVENTS
        return True
