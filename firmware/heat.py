# All that is hot: from ADC sums to SSR half-cycles, for the brew boiler and the steam boiler where
# there is one. Asked by the tick; told by modes.py what to aim at and by the interlocks whether.
import board
import burst
import interlocks as il
import sensors
import thermal
from autotune import COAST, HOLD, Autotune
from calorimeter import Calorimeter
from guards import BoilerGuard
from hal import BREW, STEAM
from live import wrapped
from thermal import FIRED, FLOW, MEASURED, Boiler, T


class Heat:
    # wish: tune the brew boiler at the first chance
    def __init__(self, live, hal, interlocks, brew_tune, steam_tune, wish):
        self._live = live
        self._hal = hal
        self._il = interlocks
        self.brew = self._boiler(brew_tune or board.BREW_BOILER)
        self.brew_guard = BoilerGuard(
            interlocks, self.brew, hal, 0, board.BREW_LIMIT_MC,
            (il.OVER_TEMP_BREW, il.SENSOR_BREW, il.NO_HEAT_BREW, il.STUCK_SSR_BREW))
        self._brew_table = sensors.temperature_table(board.BREW_SENSOR)
        self._brew_tuner = Autotune(live, self.brew, board.BREW_BOILER, 0)
        self._calorimeter = Calorimeter(self.brew, board.BREW_BOILER, board.INLET_MC)
        if brew_tune:
            live.brew_tuned(self.brew.figures)
        self._burst = burst.board_words()
        self._brew_mj = board.BREW_BOILER[0] * 10  # of one half-cycle
        self._mj = 0
        self.tuner = None  # the Autotune at work
        self._wish = wish
        self.steam = None
        if board.STEAM_BOILER:
            self._fit_steam(live, hal, interlocks, steam_tune)

    def _boiler(self, tune):
        return Boiler(tune, board.INLET_MC, board.AMBIENT_MC)

    def _fit_steam(self, live, hal, interlocks, tune):
        self.steam = self._boiler(tune or board.STEAM_BOILER)
        self.steam_guard = BoilerGuard(
            interlocks, self.steam, hal, 1, board.STEAM_LIMIT_MC,
            (il.OVER_TEMP_STEAM, il.SENSOR_STEAM, il.NO_HEAT_STEAM, il.STUCK_SSR_STEAM))
        self._steam_table = sensors.temperature_table(board.STEAM_SENSOR)
        self._group_table = sensors.temperature_table(board.GROUP_SENSOR)
        self._steam_tuner = Autotune(live, self.steam, board.STEAM_BOILER, 1)
        self._steam_mj = board.STEAM_BOILER[0] * 10

    # --- readings
    def read(self):
        live = self._live
        raw = self._hal.raw
        mc = sensors.read(self._brew_table, raw[0])
        guard = self.brew_guard
        live.temp_mc = self._take(self.brew, guard, mc)
        if self.steam:
            mc = sensors.read(self._steam_table, raw[1])
            live.steam_temp_mc = self._take(self.steam, self.steam_guard, mc)
            mc = sensors.read(self._group_table, raw[2])
            live.group_temp_mc += (mc - live.group_temp_mc) >> 4

    def _take(self, boiler, guard, mc):
        # what to publish: the observer's water, or the bare reading while it cannot be believed
        w = boiler.words
        if not guard.good:
            guard.reading(mc)
            if guard.good:
                boiler.start(mc if mc > 0 else 0)
            return mc
        guard.reading(mc)
        w[MEASURED] = mc if mc > 0 else 0
        return w[T] >> 10

    def flows(self, brew_ul_s, steam_ul_s):
        self.brew.words[FLOW] = brew_ul_s
        if self.steam:
            self.steam.words[FLOW] = steam_ul_s

    # --- tuning
    def seek(self):
        # idle and not ready: from cold is the chance, once
        if self._wish and not self.tuner:
            self.tune(0)

    def no_tune(self):
        self.tuner = None
        self._wish = False

    def steered(self):
        # the auto-tune has the heat, not the law
        return self.tuner and self.tuner.phase < HOLD

    def tune(self, which):
        # False: too warm. None: no such boiler
        tuner = self._steam_tuner if which and self.steam else None if which else self._brew_tuner
        if tuner is None:
            return None
        if not tuner.start():
            return False
        self.tuner = tuner
        return True

    def _tuning(self, mine, mc, duty):
        # one boiler is tuned; while that needs full power the other rests: they share the budget
        if self.tuner is not mine:
            return 0 if self.tuner.phase < COAST else duty
        asked = mine.step(mc)
        if not mine.phase:
            self.tuner = None
            self._wish = self._wish and not mine.done
        return duty if asked < 0 else asked

    # --- output
    def fire(self, may_brew, may_steam, brew_first):
        live = self._live
        bw = self._burst
        w = self.brew.words
        duty = thermal.step(w) if self.brew_guard.good else 0
        if self.tuner:
            duty = self._tuning(self._brew_tuner, w[MEASURED], duty)
        if self._calorimeter.step() and live.tune[0]:
            live.brew_tuned(self.brew.figures)
        bw[0] = duty = duty if may_brew else 0
        live.duty_permille = duty * 1000 >> 16
        if self.steam:
            self._steam_duty(live, bw, may_steam)
        on = burst.fire(bw, 1 if brew_first else 0)
        w[FIRED] = on & 1
        if self.steam:
            self.steam.words[FIRED] = on >> 1
        out = self._hal.out
        out[BREW] = on & 1
        out[STEAM] = on >> 1
        if on:
            self._count(live, on)

    def _steam_duty(self, live, bw, may):
        w = self.steam.words
        duty = thermal.step(w) if self.steam_guard.good else 0
        if self.tuner:
            duty = self._tuning(self._steam_tuner, w[MEASURED], duty)
        bw[1] = duty = duty if may else 0  # the observer follows even when it may not heat
        live.steam_duty_permille = duty * 1000 >> 16

    def _count(self, live, on):
        if on == 3 and board.BREW_BOILER[0] + board.STEAM_BOILER[0] > board.POWER_BUDGET_W:
            self._il.up(il.POWER_BUDGET)
        mj = self._mj
        if on & 1:
            mj += self._brew_mj
        if on & 2:
            mj += self._steam_mj
        joule = mj // 1000
        live.energy_j = wrapped(live.energy_j, joule)
        self._mj = mj - joule * 1000
