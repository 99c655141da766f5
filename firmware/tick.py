# The hard tick: everything that must happen every 10 ms, in its order. Called by the hard Timer
# under heap_lock: nothing here or below allocates, waits, prints, or touches flash or network.
# On the chip a look-up costs 2 us and a call 15, so what is rare is called only when it is due,
# and what need not be known a hundred times a second takes its turn: one of ten in each tick.
from array import array
from time import ticks_diff, ticks_us

import board
import interlocks as il
import sensors
from brew import Shot
from cleaning import Cleaning
from flow import Flow
from front import Front
from guards import WaterGuard, ear, look
from heat import Heat
from hydraulics import Hydraulics
from live import wrapped
from micropython import const
from modes import Modes
from scale import Scale
from taps import Taps
from thermal import GOOD, WORDS

# a tick that stops resets the board: off within 0.5 s, but an erase of flash may take 400 ms
WDT_MS = const(480)
_PERIOD_US = const(10000)
_LATE_US = const(2000)
_BUSY_US = const(9000)
_SILENT = const(50)  # tenths of seconds: the background must show a sign of life every 5 s
_SMALL = const(0x3FFFFFFF)
# what every tick asks for, folded: of guards.py, hal.py, burst.py and interlocks.py
_READ = const(0)
_BIAS = const(50000)
_PUMP = const(2)
_RELAY = const(8)
_BUTTONS = const(896)
_ALL_WELL = const(51)
_BREW_FIRST = const(1)
_MAY_BREW = const(2)
_MAY_BOTH = const(6)
_FILLING = const(32)
_NO_HEAT = il.NO_HEAT
_NO_STEAM_HEAT = il.NO_STEAM_HEAT
_NO_WATER = il.NO_WATER


class Tick:
    # live: live.Live.  hal: hal.Hal().  plan: plan.Plan for REQ_BREW, loaded by the background
    # before it asks.  button: plan.Plan of the brew button, kept loaded by the background.
    # wdt: machine.WDT(timeout=tick.WDT_MS) or None; fed here while the background beats.
    # latched: the mask of live.latched that flash kept.  safe_mode: the reset history says so.
    # brew_mc, steam_mc: set-points, None for the board's.
    # tune: five figures like board.BREW_BOILER found by an auto-tune, or None.
    # wish: tune the brew boiler in the next heat-up from cold.
    def __init__(self, live, hal, plan, button, wdt=None, latched=0, safe_mode=False,
                 brew_mc=None, steam_mc=None, tune=None, wish=False):
        self._live = live
        self._hal = hal
        self._out = hal.out
        self._feed = wdt.feed if wdt else None
        locks = self.interlocks = il.Interlocks(live, latched, safe_mode)
        self.flow = Flow()
        hal.on_pulse(self.flow.pulse)
        self.scale = Scale()
        self.hydraulics = Hydraulics(self.flow)
        self.heat = Heat(live, hal, locks, tune, wish)
        self._water_guard = WaterGuard(locks, self.flow, self.hydraulics.words)
        self._people(plan, button)
        self.modes.setpoints(brew_mc or board.BREW_DEFAULT_MC, steam_mc or board.STEAM_DEFAULT_MC)
        self._has_pressure = board.ADC_PRESSURE is not None
        table = sensors.pressure_table(board.PRESSURE_SENSOR)
        self._pressure_ear = ear(3, table, board.PRESSURE_LIMIT_MBAR or 0, True, 0)
        self._pressure_words = array("i", [0] * WORDS)
        self._pressure_words[GOOD] = 1
        self._has_scale = self.scale.fitted
        self._switches = -1
        self._last_us = ticks_us()
        self._late_us = -_SMALL // 2  # the first tick is on time, however long the start took
        self._busy_us = 0
        self._rest_us = 0
        self._beat = 0
        self._silent = 0
        self._metered = 0
        self._strained = False
        self._turn = 0
        self._next = 0
        heat, modes = self.heat, self.modes
        self._turns = (modes.readiness, modes.look, heat.publish, heat.publish_steam,
                       heat.publish_group, heat.learn, self._watch)
        self._last = len(self._turns)
        self.broken = None

    def _people(self, plan, button):
        live, hal, locks, heat = self._live, self._hal, self.interlocks, self.heat
        shot = Shot(live, locks, self.hydraulics, self.flow, self.scale, heat.brew)
        self.taps = Taps(live, locks, hal, self.hydraulics, self.flow)
        cleaning = Cleaning(live, locks, hal, self.hydraulics)
        self.modes = Modes(live, locks, hal, shot, self.taps, cleaning, heat)
        self.front = Front(live, locks, self.modes, plan, button)

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
        full = self._read(live, now)
        front = self.front
        buttons = self._switches & _BUTTONS
        if (buttons or front.down) and front.buttons(buttons):
            full = True
        if live.request:
            front.answer(live)
            full = True
        if self.modes.step(full or self.heat.noted):
            full = True
        self._pump(live)
        self.interlocks.settle()
        self._act(live)
        self._take_turns(full)
        if self._feed and self._silent < _SILENT:
            self._feed()
        us = ticks_diff(ticks_us(), now)
        self._busy_us = us
        if us > live.busy_max_us:
            live.busy_max_us = us

    def _take_turns(self, full):
        # one in a tick, and none in one that had more than usual: no tick is the sum of all
        turn = self._turn
        if turn == 9:
            self._turn = self._next = 0
        else:
            self._turn = turn + 1
            due = self._next
            if due < self._last and not full:
                self._next = due + 1
                self._turns[due]()

    # --- time
    def _clock(self, live, now):
        passed = ticks_diff(now, self._last_us)
        self._last_us = now
        ticks = live.ticks
        live.ticks = ticks + 1 if ticks < _SMALL else 0
        rest = self._rest_us + passed
        ms = rest // 1000
        self._rest_us = rest - ms * 1000
        live.uptime_ms = wrapped(live.uptime_ms, ms)
        late = self._late_us + passed - _PERIOD_US
        if late < 0:
            late = 0  # the timer keeps its own grid: early means that the last one was late
        front = self.front
        if front.quiet_ms:
            front.quiet_ms -= 10
            late = 0
        self._late_us = late
        busy = self._busy_us
        strained = late > _LATE_US or busy > _BUSY_US
        if strained or self._strained:
            self._strained = strained
            self._late(live, late, busy)

    def _late(self, live, late, busy):
        self.interlocks.late(late, busy)
        if late > _LATE_US:
            live.late_ticks = wrapped(live.late_ticks, 1)
            if late > live.late_max_us:
                live.late_max_us = late

    # --- readings. True: the scale was read, which takes as long as all others
    def _read(self, live, now):
        hal = self._hal
        hal.sample()
        sw = hal.switches
        if sw != self._switches:
            self._switches = sw
            self.interlocks.publish(sw)
        if sw & _ALL_WELL != _ALL_WELL:
            self.interlocks.switches(sw)
        self.heat.read()
        self.flow.step(now)
        if self._has_pressure:
            heard = self._pressure_ear
            said = look(heard, hal.raw, self._pressure_words)
            if said:
                self._water_guard.pressure(said)
            mbar = heard[_READ] - _BIAS
            live.pressure_mbar = mbar if mbar > 0 else 0
        return self._has_scale and self._weigh(live)

    def _weigh(self, live):
        scale = self.scale
        fresh = scale.step()
        if fresh:
            live.weight_mg = scale.weight_mg
        if not scale.alive:
            self.interlocks.up(il.SCALE_FAULT)
        return fresh

    # --- outputs
    def _pump(self, live):
        water = self.hydraulics
        mbar = live.pressure_mbar
        live.flow_ul_s = flow = water.step(mbar)
        self.heat.flow(flow)
        live.pump_permille = self._out[_PUMP] = water.pump
        guard = self._water_guard
        if water.asking:
            guard.step(mbar)
        elif guard.pumping:
            guard.rest()

    def _act(self, live):
        # the interlocks' last word, after everybody has asked
        hal = self._hal
        modes = self.modes
        blocked = live.alarms | live.latched
        pouring = modes.shot.running
        quiet = self.front.quiet_ms
        how = 0
        if modes.heat and not blocked & _NO_HEAT and not quiet:
            self._out[_RELAY] = 1
            how = _MAY_BOTH
            if blocked & _NO_STEAM_HEAT or self.taps.dry:
                how = _MAY_BREW
            if pouring:
                how |= _BREW_FIRST
        if blocked & _NO_WATER or quiet and not pouring:  # a grinder goes on
            hal.no_water()
        if self.taps.fill_ms:
            how |= _FILLING
        self.heat.fire(how)
        hal.drive()

    # --- the other side of the machine, ten times a second
    def _watch(self):
        # The dog is fed only while both sides live: a dead background is worth a reset, too.
        live = self._live
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
