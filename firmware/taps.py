# Water and steam outside the group: the hot-water tap, the steam wand, the steam boiler's refill.
# Asks for valves and pump; interlocks have the last word over all of them.
import board
import interlocks as il
from hal import SW_PROBE, VALVE_REFILL, VALVE_STEAM, VALVE_WATER
from live import HOT_WATER
from micropython import const
from plan import ABSENT, MODE_POWER

_WATER_MS = const(60000)
_WATER_UL = const(250000)
_STEAM_MS = const(240000)
_DRY_MS = const(500)  # the probe splashes; the element is still covered for minutes
_FILL_ON_MS = const(2000)  # beyond the probe, so that it does not chatter
_FILL_MS = const(120000)  # as long a refill is a leak or a dead probe; 60 s of tap need 84
_LOOK_MS = const(100)
_EXCUSE_MS = const(30000)  # after steam or refill: five element lags until the balance is true


class Taps:
    def __init__(self, live, interlocks, hal, hydraulics, flow):
        self._live = live
        self._il = interlocks
        self._hal = hal
        self._hyd = hydraulics
        self._flow = flow
        self._has_tap = board.VALVE_WATER is not None  # else a tap turned by hand
        self._has_steam = board.VALVE_STEAM is not None
        self._has_refill = board.VALVE_REFILL is not None
        self._ms = 0  # of hot water
        self._steam_ms = 0
        self._dry_ms = 0
        self.fill_ms = 0  # since the refill began, 0: none
        self._wet_ms = 0
        self._excuse_ms = 0
        self.steaming = False
        self.dry = False  # steam boiler below its probe: no heat
        self.excused = False

    # --- hot water: state HOT_WATER is modes'
    def water_start(self):
        self._ms = 0
        self._flow.begin()
        self._hyd.go(MODE_POWER, board.HOT_WATER_PERMILLE, 0, ABSENT)

    def water_step(self):
        # False: the tap is closed
        self._ms += 10
        drawn = self._flow.volume_ul()
        if self._ms > _WATER_MS or drawn > _WATER_UL or self._il.blocked(il.NO_WATER):
            self._hyd.stop()
            return False
        if self._has_tap:
            self._hal.out[VALVE_WATER] = 1
        return True

    # --- steam
    def steam_toggle(self):
        hot = self._live.steam_temp_mc > board.STEAM_RANGE_MC[0] if self._has_steam else False
        self.steaming = hot and not self.steaming
        self._steam_ms = 0

    def step(self, may_fill):
        # every tick with steam or refill; may_fill: the pump is free for it
        if self.steaming:
            self._steam_ms += 10
            if self._steam_ms > _STEAM_MS or self._il.blocked(il.NO_WATER | il.STEAM_OUT):
                self.steaming = False
            else:
                self._hal.out[VALVE_STEAM] = 1
        if self.fill_ms:
            self._fill(may_fill)

    # --- ten times a second
    def look(self, may_fill):
        # the probe of the steam boiler, and what takes heat past the flow meter's knowledge
        if self.steaming or self.fill_ms or self._live.state == HOT_WATER:
            self._excuse_ms = _EXCUSE_MS
        elif self._excuse_ms:
            self._excuse_ms -= _LOOK_MS
        self.excused = self._excuse_ms > 0
        if not self._has_refill:
            return
        if self._hal.switches & SW_PROBE:
            self._dry_ms = 0
            self._wet()
        else:
            self._wet_ms = 0
            if self._dry_ms < _DRY_MS:
                self._dry_ms += _LOOK_MS
        self.dry = self._dry_ms >= _DRY_MS
        if self.dry and may_fill and not self.fill_ms \
                and not self._il.blocked(il.NO_WATER | il.STEAM_REFILL):
            self.fill_ms = 10
            self._hyd.go(MODE_POWER, board.REFILL_PERMILLE, 0, ABSENT)

    def _wet(self):
        if self.fill_ms:
            self._wet_ms += _LOOK_MS
            if self._wet_ms > _FILL_ON_MS:
                self._fill_end()

    def _fill_end(self):
        self.fill_ms = 0
        self._hyd.stop()

    def _fill(self, may_fill):
        if not may_fill or self._il.blocked(il.NO_WATER | il.STEAM_REFILL):
            self._fill_end()
            return
        self.fill_ms += 10
        self._hal.out[VALVE_REFILL] = 1
        if self.fill_ms > _FILL_MS:
            self._il.up(il.STEAM_REFILL)
