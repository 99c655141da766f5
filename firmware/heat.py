# All that is hot: from ADC sums to SSR half-cycles, for the brew boiler and the steam boiler where
# there is one. Asked by the tick; told by modes.py what to aim at and by the interlocks whether.
from array import array

import board
import burst
import interlocks as il
import sensors
from autotune import HOLD, Autotune
from burst import FLOW, GIVEN_BREW, GIVEN_STEAM, MJ
from calorimeter import Calorimeter
from guards import BIAS, BLINK, RAIL_HIGH, RAIL_LOW, READ, BoilerGuard, ear, look
from hal import BREW, STEAM
from live import wrapped
from micropython import const
from thermal import FIRED, MEASURED, WORDS, Boiler, T

_BREW_TURN, _STEAM_TURN = 8, 9  # of ten ticks, when nothing else is due
_LET_PASS = const(2)  # tenths of a second with the group's sensor at a rail


class Heat:
    # wish: tune the brew boiler at the first chance
    def __init__(self, live, hal, interlocks, tune, wish):
        self._live = live
        self._raw = hal.raw
        self._out = hal.out
        self._il = interlocks
        self.brew = self._boiler(tune or board.BREW_BOILER)
        self._brew = self.brew.words
        self._brew_ear = _ear(0, board.BREW_SENSOR, board.BREW_LIMIT_MC, _BREW_TURN)
        self.brew_guard = BoilerGuard(
            interlocks, self.brew, self._brew_ear,
            (il.OVER_TEMP_BREW, il.SENSOR_BREW, il.NO_HEAT_BREW, il.STUCK_SSR_BREW))
        self._calorimeter = Calorimeter(self.brew, board.BREW_BOILER, board.INLET_MC)
        if tune:
            live.tuned(self.brew.figures)
        self._tuner = Autotune(live, self.brew, board.BREW_BOILER)
        self._burst = burst.board_words()
        self.tuner = None  # the same while it is at work
        self.noted = 0  # a guard had something to judge in this tick
        self._wish = wish
        self.steam = None
        self._steam = array("i", [0] * WORDS)  # without a boiler nothing is read or computed
        self._too_much = False  # both elements at once are more than the budget
        if board.STEAM_BOILER:
            self._fit_steam(interlocks)

    def _boiler(self, figures):
        return Boiler(figures, board.INLET_MC, board.AMBIENT_MC)

    def _fit_steam(self, interlocks):
        self.steam = self._boiler(board.STEAM_BOILER)
        self._steam = self.steam.words
        looks = 1 if board.ADC_MUX is None else 2  # it takes turns with the group's (hal.py)
        self._steam_ear = _ear(1, board.STEAM_SENSOR, board.STEAM_LIMIT_MC, _STEAM_TURN, looks)
        self.steam_guard = BoilerGuard(
            interlocks, self.steam, self._steam_ear,
            (il.OVER_TEMP_STEAM, il.SENSOR_STEAM, il.NO_HEAT_STEAM, il.STUCK_SSR_STEAM))
        self._rail = 0
        self._group_table = sensors.temperature_table(board.GROUP_SENSOR)
        self._too_much = board.BREW_BOILER[0] + board.STEAM_BOILER[0] > board.POWER_BUDGET_W

    # --- readings, every tick
    def read(self):
        raw = self._raw
        self.noted = said = look(self._brew_ear, raw, self._brew)
        if said:
            self.brew_guard.noted(said)
        if self.steam:
            said = look(self._steam_ear, raw, self._steam)
            if said:
                self.noted = said
                self.steam_guard.noted(said)

    def flow(self, ul_s):
        self._burst[FLOW] = ul_s

    # --- ten times a second
    def publish(self):
        # the observer's water, over a spark too; the bare reading of a sensor that is broken
        live = self._live
        bw = self._burst
        live.temp_mc = _believed(self.brew_guard, self._brew, self._brew_ear)
        live.duty_permille = bw[0] * 1000 >> 16
        joule = bw[MJ] // 1000
        bw[MJ] -= joule * 1000
        live.energy_j = wrapped(live.energy_j, joule)

    def publish_steam(self):
        live = self._live
        if self.steam:
            live.steam_temp_mc = _believed(self.steam_guard, self._steam, self._steam_ear)
            live.steam_duty_permille = self._burst[1] * 1000 >> 16

    def publish_group(self):
        live = self._live
        if self.steam:
            raw = self._raw[2]
            if RAIL_LOW < raw < RAIL_HIGH:
                self._rail = 0
            elif self._rail < _LET_PASS:
                self._rail += 1  # a spark on its wire is no broken sensor
                return
            else:
                self._il.up(il.SENSOR_GROUP)
            mc = sensors.read(self._group_table, raw)
            live.group_temp_mc += (mc - live.group_temp_mc) >> 2

    # --- tuning
    def seek(self):
        # idle and not ready: from cold is the chance, once
        if self._wish and not self.tuner and self._tuner.start():
            self.tuner = self._tuner

    def no_tune(self):
        self.tuner = None
        self._wish = False

    def steered(self):
        # the auto-tune has the heat, not the law
        return self.tuner and self.tuner.phase < HOLD

    def _tuning(self):
        # while it needs full power the steam boiler rests: they share the budget
        tuner, bw = self.tuner, self._burst
        asked = tuner.step(self._brew[MEASURED])
        if asked < 0:
            self._ended(tuner)
            return 0
        bw[0] = asked
        bw[1] = 0
        return GIVEN_BREW | GIVEN_STEAM if asked else GIVEN_BREW

    def _ended(self, tuner):
        # or not: it may hold
        if not tuner.phase:
            self.tuner = None
            if tuner.done:
                self._wish = False

    # --- ten times a second, too
    def learn(self):
        tuner = self.tuner
        if tuner and tuner.phase == HOLD:
            tuner.hold()
            self._ended(tuner)
        if self._calorimeter.look():
            live = self._live
            if live.tune[0]:
                live.tuned(self.brew.figures)

    # --- output; how: of burst.fire
    def fire(self, how):
        tuner = self.tuner
        if tuner:
            if tuner.phase == HOLD:
                tuner.fired += tuner.words[FIRED]  # a shot may run: nothing more in every tick
            else:
                how |= self._tuning()
        on = burst.fire(self._brew, self._steam, self._burst, how)
        if on:
            out = self._out
            out[BREW] = on & 1
            out[STEAM] = on >> 1
            if on == 3 and self._too_much:
                self._il.up(il.POWER_BUDGET)


def _ear(channel, sensor, limit_mc, turn, looks=1):
    return ear(channel, sensors.temperature_table(sensor), limit_mc, False, turn, looks)


def _believed(guard, words, heard):
    return words[T] >> 10 if guard.away <= BLINK else heard[READ] - BIAS
