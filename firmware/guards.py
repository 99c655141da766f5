# The checks that need to look at more than one reading: is this sensor a sensor, does this heater
# heat, does this pump move water. They only raise alarms; interlocks.py knows what follows.
import board
import interlocks as il
from micropython import const
from sensors import RAIL_HIGH, RAIL_LOW
from thermal import D_ZERO, FLOW, POWER, D, Q

_RAIL_TICKS = const(5)
_ABOVE_TICKS = const(5)
# Steepest true change: 10.8 ml/s of cold water through 1.9 kJ/K is 1.7 K/s. Ten times that is
# no temperature, whatever the amplifier says.
_RATE_MC = const(1700)  # per 100 ms
_NO_HEAT_S = const(15)
_STUCK_S = const(3)
_START_S = const(30)  # after a reset the element may be hot without our knowing: five lags
_FLOW_S = const(10)  # after water ran, until its model error has left the observer


class BoilerGuard:
    # boiler: thermal.Boiler; raw_word: index in hal.raw; limit_mc: over-temperature;
    # bits: over-temperature, sensor, no heat, stuck SSR
    def __init__(self, interlocks, boiler, hal, raw_word, limit_mc, bits):
        self._il = interlocks
        self._words = boiler.words
        self._raw = hal.raw
        self._k = raw_word
        self._limit = limit_mc
        self._over, self._sensor, self._no_heat, self._stuck = bits
        self._rail = _RAIL_TICKS - 1  # no heat before the sensor has proved itself
        self._above = 0
        self._sum = 0
        self._mean = -1
        self._n = 0
        # tenths of seconds
        self._cold = 0
        self._hot = 0
        self._since_start = 0
        self._since_flow = 0
        self.good = False  # the last reading may be used
        self.excused = False  # steam or refill takes what the flow meter does not see

    def reading(self, mc):
        # every tick, before the observer
        raw = self._raw[self._k]
        if raw < RAIL_LOW or raw > RAIL_HIGH:
            if self._rail < _RAIL_TICKS:
                self._rail += 1
        elif self._rail:
            self._rail -= 1
        self.good = self._rail == 0
        if self._rail >= _RAIL_TICKS:
            self._il.up(self._sensor)
        # an amplifier at its rail is a broken wire, not a boiler on fire
        self._above = self._above + 1 if mc > self._limit and not self._rail else 0
        if self._above >= _ABOVE_TICKS:
            self._il.up(self._over)
        self._sum += mc
        self._n += 1
        if self._n == 10:
            self._tenth()

    def _tenth(self):
        mean = self._sum // 10
        self._sum = self._n = 0
        if self.good and self._mean != -1 and abs(mean - self._mean) > _RATE_MC:
            self._il.up(self._sensor)
            self._rail = _RAIL_TICKS - 1  # and the observer starts anew
            self.good = False
        self._mean = mean if self.good else -1
        self._energy()

    def _energy(self):
        # Energy balance by the observer: what it has to assume to explain the thermometer.
        w = self._words
        q = w[Q]
        d = w[D] - D_ZERO
        power = w[POWER]
        self._no_heat_count(q > power >> 2 and d < -(q - (q >> 2)))
        self._since_flow = 0 if w[FLOW] else self._since_flow + 1
        self._since_start += 1
        calm = self._since_flow > _FLOW_S * 10 and self._since_start > _START_S * 10
        # 0.45 of the power out of nowhere while the element should be below a quarter
        self._stuck_count(calm and q < power >> 2 and d > (power * 7) >> 4)

    def _no_heat_count(self, bad):
        if self.excused:
            self._cold = 0
        elif bad:
            self._cold += 1
        elif self._cold:
            self._cold -= 1
        if self._cold >= _NO_HEAT_S * 10:
            self._cold = 0
            self._il.up(self._no_heat)

    def _stuck_count(self, bad):
        self._hot = self._hot + 1 if bad else 0
        if self._hot >= _STUCK_S * 10:
            self._il.up(self._stuck)


class WaterGuard:
    def __init__(self, interlocks, flow):
        self._il = interlocks
        self._flow = flow
        self._rail = self._above = 0
        self._dry_ms = 0
        self._pulses = 0  # since the pump began
        self._seen = 0

    def step(self, pumping, mbar):
        # pumping: water is being asked for (not a soak, not a closed limit)
        if not pumping:
            self._dry_ms = self._pulses = 0
            self._seen = self._flow.pulses
            return
        if self._flow.pulses != self._seen:
            self._pulses += self._flow.pulses - self._seen
            self._seen = self._flow.pulses
            self._dry_ms = 0
        else:
            self._dry_ms += 10
            if self._dry_ms >= board.DRY_PUMP_MS:
                self._no_flow(mbar)

    def _no_flow(self, mbar):
        # water did run, or pressure stands: something is blocked; else there is no water
        blocked = self._pulses >= 4 or mbar > 3000
        self._il.up(il.STAGNATION if blocked else il.DRY_PUMP)

    def pressure(self, raw, mbar):
        if raw < RAIL_LOW or raw > RAIL_HIGH:
            self._rail += 1
        else:
            self._rail = 0
        if self._rail >= _RAIL_TICKS:
            self._il.up(il.SENSOR_PRESSURE)
        self._above = self._above + 1 if mbar > board.PRESSURE_LIMIT_MBAR and not self._rail else 0
        if self._above >= _ABOVE_TICKS:
            self._il.up(il.OVER_PRESSURE)
