# The hard tick: everything that must happen every 10 ms, in its order. Called by the hard Timer
# under heap_lock: nothing here or below allocates, waits, prints, or touches flash or network.
from time import ticks_diff, ticks_us

import board
import interlocks as il
import sensors
from brew import Shot
from cleaning import Cleaning
from flow import Flow
from front import Front
from guards import WaterGuard
from hal import PUMP, RELAY, SW_CUP, SW_DOOR, SW_HOPPER, SW_KEY, SW_TANK, SW_TRAY
from heat import Heat
from hydraulics import Hydraulics
from live import wrapped
from micropython import const
from modes import Modes
from scale import Scale
from taps import Taps

WDT_MS = const(400)  # a tick that stops resets the board: off within 0.5 s
_PERIOD_US = const(10000)
_LATE_US = const(2000)
_BACKGROUND_TICKS = const(500)  # the background must show a sign of life every 5 s


class Tick:
    # live: live.Live.  hal: hal.Hal().  plan: plan.Plan for REQ_BREW, loaded by the background
    # before it asks.  button: plan.Plan of the brew button, kept loaded by the background.
    # wdt: machine.WDT(timeout=tick.WDT_MS) or None; fed here while the background beats.
    # latched: the mask of live.latched that flash kept.  safe_mode: the reset history says so.
    # brew_mc, steam_mc: set-points, None for the board's.
    # brew_tune, steam_tune: five figures like board.BREW_BOILER found by an auto-tune, or None.
    # wish: tune the brew boiler in the next heat-up from cold.
    def __init__(self, live, hal, plan, button, wdt=None, latched=0, safe_mode=False,
                 brew_mc=None, steam_mc=None, brew_tune=None, steam_tune=None, wish=False):
        self._live = live
        self._hal = hal
        self._feed = wdt.feed if wdt else None
        locks = self.interlocks = il.Interlocks(live, latched, safe_mode)
        self.flow = Flow()
        hal.on_pulse(self.flow.pulse)
        self.scale = Scale()
        self.hydraulics = Hydraulics(self.flow)
        self.heat = Heat(live, hal, locks, brew_tune, steam_tune, wish)
        self._water_guard = WaterGuard(locks, self.flow)
        self._people(plan, button)
        self.modes.setpoints(brew_mc or board.BREW_DEFAULT_MC, steam_mc or board.STEAM_DEFAULT_MC)
        self._pressure_table = sensors.pressure_table(board.PRESSURE_SENSOR)
        self._has_pressure = board.ADC_PRESSURE is not None
        self._has_scale = self.scale.fitted
        self._switches = -1
        self._last_us = ticks_us()
        self._late_us = 0
        self._busy_us = 0
        self._rest_us = 0
        self._beat = 0
        self._silent = 0
        self._metered = 0
        self.broken = None

    def _people(self, plan, button):
        live, hal, locks, heat = self._live, self._hal, self.interlocks, self.heat
        shot = Shot(live, locks, self.hydraulics, self.flow, self.scale, heat.brew)
        self.taps = Taps(live, locks, hal, self.hydraulics, self.flow)
        cleaning = Cleaning(live, locks, hal, self.hydraulics)
        self.modes = Modes(live, locks, hal, shot, self.taps, cleaning, heat)
        self.front = Front(live, locks, hal, self.modes, plan, button)

    def step(self, timer):
        # The hard Timer's callback. Whatever goes wrong below: off, and no more food for the dog.
        try:
            self._step()
        except BaseException as e:
            self.broken = e  # for whoever asks; the reset comes in WDT_MS
            self._hal.all_off()

    def _step(self):
        if self.broken:
            return
        now = ticks_us()
        live = self._live
        self._clock(live, now)
        self._read(live, now)
        self.front.step()
        self.modes.step()
        self._pump(live)
        self.interlocks.settle()
        self._act(live)
        self._watch(live)
        us = ticks_diff(ticks_us(), now)
        self._busy_us = us
        if us > live.busy_max_us:
            live.busy_max_us = us

    # --- time
    def _clock(self, live, now):
        passed = ticks_diff(now, self._last_us)
        self._last_us = now
        live.ticks = wrapped(live.ticks, 1)
        rest = self._rest_us + passed
        ms = rest // 1000
        self._rest_us = rest - ms * 1000
        live.uptime_ms = wrapped(live.uptime_ms, ms)
        late = self._late_us + passed - _PERIOD_US
        if late < 0 or self.front.quiet_ms:
            late = 0  # the timer keeps its own grid: early means that the last one was late
        self._late_us = late
        if late > _LATE_US:
            self._was_late(live, late)
        self.interlocks.late(late, self._busy_us)

    def _was_late(self, live, late):
        live.late_ticks = wrapped(live.late_ticks, 1)
        if late > live.late_max_us:
            live.late_max_us = late

    # --- readings
    def _read(self, live, now):
        hal = self._hal
        hal.sample()
        sw = hal.switches
        if sw != self._switches:
            self._publish_switches(live, sw)
        self.interlocks.switches(sw)
        self.heat.read()
        self.flow.step(now)
        if self._has_pressure:
            raw = hal.raw[3]
            mbar = sensors.read(self._pressure_table, raw)
            self._water_guard.pressure(raw, mbar)
            live.pressure_mbar = mbar if mbar > 0 else 0
        if self._has_scale:
            self._weigh(live)
        live.flow_ul_s = self.hydraulics.flow_ul_s()

    def _weigh(self, live):
        scale = self.scale
        scale.step()
        live.weight_mg = scale.weight_mg
        if not scale.alive():
            self.interlocks.up(il.SCALE_FAULT)

    def _publish_switches(self, live, sw):
        self._switches = sw
        live.water = 1 if sw & SW_TANK else 0
        live.tray = 1 if sw & SW_TRAY else 0
        live.cup = 1 if sw & SW_CUP else 0
        live.remote = 1 if sw & SW_KEY else 0
        live.door = 1 if sw & SW_DOOR else 0
        live.hopper = 1 if sw & SW_HOPPER else 0

    # --- outputs
    def _pump(self, live):
        water = self.hydraulics
        water.step(live.pressure_mbar)
        live.pump_permille = water.pump
        self._hal.out[PUMP] = water.pump
        self._water_guard.step(water.asking(), live.pressure_mbar)
        filling = self.taps.filling()
        self.heat.flows(0 if filling else live.flow_ul_s, live.flow_ul_s if filling else 0)

    def _act(self, live):
        # the interlocks' last word, after everybody has asked
        hal = self._hal
        blocked = live.alarms | live.latched
        quiet = self.front.quiet_ms > 0
        heat = self.modes.heat and not blocked & il.NO_HEAT and not quiet
        if blocked & il.NO_WATER or quiet and not self.modes.shot.running:  # a grinder goes on
            hal.no_water()
        steam = heat and not blocked & il.NO_STEAM_HEAT and not self.taps.dry
        hal.out[RELAY] = 1 if heat else 0
        self.heat.fire(heat, steam, self.modes.shot.running)
        hal.drive()

    # --- the other side of the machine
    def _watch(self, live):
        # The dog is fed only while both sides live: a dead background is worth a reset, too.
        pulses = self.flow.pulses
        if pulses != self._metered:
            new = (pulses - self._metered) * board.FLOW_UL_PULSE
            live.water_ul = wrapped(live.water_ul, new)
            self._metered = pulses
        if live.beat != self._beat:
            self._beat = live.beat
            self._silent = 0
        else:
            self._silent += 1
        if self._feed and self._silent < _BACKGROUND_TICKS:
            self._feed()
