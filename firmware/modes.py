# What the machine is doing: cold, heating, ready … fault, safe mode, and which of its parts has
# the water meanwhile. One state at a time; the shot's own states are brew.py's.
import interlocks as il
import live as names
from guards import BLINK
from hal import GRINDER, VALVE_BREW
from micropython import const
from thermal import T

_READY_MC = const(500)
_READY_MS = const(5000)
_LOST_MC = const(2000)  # as far away for as long a machine is no longer ready
_LOST_MS = const(5000)
_LOOK_MS = const(100)
# what is asked in every tick, folded: states of live.py
_HEATING = const(1)
_READY = const(2)
_CLEANING = const(9)
_FAULT = il.FAULT | il.RESET_STORM
_NO_WATER = il.NO_WATER


class Modes:
    def __init__(self, live, interlocks, hal, shot, taps, cleaning, heat):
        self._live = live
        self._il = interlocks
        self._out = hal.out
        self.shot = shot
        self.taps = taps
        self.cleaning = cleaning
        self.boilers = heat
        self._brew = heat.brew
        self._steam = heat.steam
        self.brew_mc = 0
        self.steam_mc = 0
        self.ready = False
        self._resting = names.HEATING  # the state without work or trouble
        self.heat = False  # this state may heat
        self._near_ms = 0
        self._far_ms = 0
        self._standby = False

    def setpoints(self, brew_mc, steam_mc):
        if brew_mc:
            self.brew_mc = brew_mc
        if steam_mc and self._steam:
            self.steam_mc = steam_mc
            self._steam.set(steam_mc)
            self._live.steam_setpoint_mc = steam_mc
        self._aim(self.brew_mc)

    def _aim(self, mc):
        if mc != self._live.setpoint_mc:
            self._brew.set(mc)
            self._live.setpoint_mc = mc
            self._near_ms = 0

    def enter(self, state):
        live = self._live
        if live.state != state:
            live.state = state
            live.put(names.EV_STATE, state, 0)

    # --- every tick; taken: something else took time in it. True: this one has had its share.
    def step(self, taken):
        live = self._live
        fault = (live.alarms | live.latched) & _FAULT
        state = live.state
        full = False
        if self.shot.running:
            full = self._in_shot(live, state, taken)
        elif fault:
            self._rest(names.SAFE_MODE if fault & il.RESET_STORM else names.FAULT)
        elif self._standby:
            self._rest(names.STANDBY)
        else:
            self._at_work(state)
        state = live.state
        self.heat = not fault and _HEATING <= state <= _CLEANING and self.cleaning.heat
        taps = self.taps
        if taps.fill_ms or taps.steaming:
            taps.step(self._may_fill(state))
        return full

    def _may_fill(self, state):
        return self.heat and state <= _READY or state == names.STEAM

    # --- ten times a second
    def look(self):
        if self._steam:
            taps = self.taps
            taps.look(self._may_fill(self._live.state))
            self.boilers.steam_guard.excused = taps.excused

    def readiness(self):
        off = abs((self._brew.words[T] >> 10) - self._live.setpoint_mc)
        if off > _READY_MC or self.boilers.steered():
            self._near_ms = 0
            self._far_ms = self._far_ms + _LOOK_MS if off > _LOST_MC else 0
            if self._far_ms > _LOST_MS:
                self._set_ready(False)
        else:
            self._far_ms = 0
            if self._near_ms < _READY_MS:
                self._near_ms += _LOOK_MS
            else:
                self._set_ready(True)
        state = self._live.state
        if state == names.HEATING or state == names.READY or state == names.STEAM:
            self._brew.firm(self.ready)
        if state == names.HEATING:
            self.boilers.seek()

    def _set_ready(self, ready):
        self.ready = ready
        self._resting = names.READY if ready else names.HEATING

    def _in_shot(self, live, state, taken):
        shot = self.shot
        blocked = (live.alarms | live.latched) & _NO_WATER
        if blocked:
            shot.abort(blocked)
            state = live.state
        full = shot.step(state, taken)
        out = self._out
        out[VALVE_BREW] = shot.valve
        out[GRINDER] = shot.grinder
        if not shot.running:
            self._aim(self.brew_mc)
            self.enter(names.STEAM if self.taps.steaming else names.READY)
        return full

    def begin_shot(self, words, source):
        self._brew.firm(True)
        self.shot.start(words, source)
        self._aim(self.shot.temp_mc())

    def _rest(self, state):
        # nothing moves, nothing heats
        if self._live.state != state:
            self.taps.steaming = False
            self.stop()
            self._set_ready(False)
            self._near_ms = 0
            self.boilers.tuner = None
            self.enter(state)

    def stop(self):
        # hot water and cleaning; the shot has its own end
        state = self._live.state
        if state == names.CLEANING or state == names.HOT_WATER:
            self.cleaning.stop()
            self.enter(names.HEATING)

    def _at_work(self, state):
        if state == names.HOT_WATER:
            if not self.taps.water_step():
                self.enter(names.HEATING)
        elif state == names.CLEANING:
            if not self.cleaning.step():
                self.enter(names.HEATING)
        else:
            rest = self._resting
            if self.boilers.brew_guard.away > BLINK:
                rest = names.COLD
            elif self.taps.steaming:
                rest = names.STEAM
            if state != rest:
                self.enter(rest)

    # --- wishes; 0 or a refusal of brew.REFUSALS is decided by front.py
    def water_start(self):
        self.taps.water_start()
        self.enter(names.HOT_WATER)

    def clean(self, which):
        self.cleaning.start(which)
        self.enter(names.CLEANING)

    def sleep(self, asleep):
        self._standby = asleep
