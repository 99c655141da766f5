# The checks that need to look at more than one reading: is this sensor a sensor, does this heater
# heat, does this pump move water. They only raise alarms; interlocks.py knows what follows.
from array import array

import board
import interlocks as il
import micropython
from micropython import const
from thermal import D_ZERO, FLOW, POWER, D, Q

# A sum outside weighs ten, each inside takes one off. So a spark on the wire is let pass, and is
# forgotten only when the tenth of a second whose mean it spoilt is over; five in a row are a
# broken sensor, and so are more than one in eleven.
_RAIL_BAD = const(10)
_RAIL_ALARM = const(50)
# So far from the last that was believed is no temperature either: 5 s of cold water take 9 K. Two
# in a row are a broken sensor, or a contact that slips and comes back would never be told of.
_FAR = const(13000)
_FAR_BAD = const(25)  # shared by the looks at one reading
_UNPROVED = const(4)  # good readings before the first is believed
_LOST_S = const(5)  # without a good reading, less the time with one: no heat, so it is told
BLINK = const(60)  # ticks without a reading over which the observer goes on
_ABOVE_TICKS = const(5)
# A sum outside these is no temperature: open or shorted sensor, amplifier at its rail
RAIL_LOW = const(2100)  # 0.8 % of full scale: NTC below -22 °C, PT1000 below 1.3 °C
RAIL_HIGH = const(258200)  # 98.5 %: NTC above 250 °C, PT1000 above 162.5 °C
# Steepest true change: 10.8 ml/s of cold water through 1.9 kJ/K is 1.7 K/s. Ten times that is
# no temperature, whatever the amplifier says.
_RATE_MC = const(1700)  # per 100 ms
_NO_HEAT_S = const(15)
_STUCK_S = const(3)
_START_S = const(30)  # after a reset the element may be hot without our knowing: five lags
_FLOW_S = const(10)  # after water or a bad reading, until the observer has got over it

# words of an ear, which listens to one channel of hal.raw
READ = const(0)  # milli degrees or mbar, biased by BIAS
_RAIL = const(1)
_ABOVE = const(2)
_SUM = const(3)
_N = const(4)
_LIMIT = const(5)
_CHANNEL = const(6)
_MEAN = const(7)  # of the last tenth of a second
_FAR_WORSE = const(8)
_TABLE = const(9)
BIAS = const(50000)
_GOOD = const(21)  # of thermal.py, folded: look() runs in every tick
_MEASURED = const(5)
_DRY_MS = const(35)  # of hydraulics.py

# bits of what look() says; 0: all is well
BAD = const(1)  # this reading is none
SENSOR = const(2)
ABOVE = const(4)
TENTH = const(8)  # a tenth of a second is full
AGAIN = const(16)  # the first good reading, or the first after bad ones


# channel: index in hal.raw; table: of sensors.py; limit: what counts as too much; proved: 0 when
# the sensor has to prove itself first; turn: 0…9, which tick of ten says TENTH; looks: ticks until
# the next reading
def ear(channel, table, limit, proved, turn, looks=1):
    g = array("i", [BIAS, 0 if proved else _UNPROVED, 0, 0, 9 - turn, limit + BIAS, channel,
                    0, (_FAR_BAD + looks - 1) // looks])
    g.extend(table)
    return g


# Every tick, before the observer: one reading into g[READ] and, if it can be believed, into the
# boiler's words w (MEASURED, GOOD). An amplifier at its rail is a broken wire, not a boiler on
# fire.
@micropython.viper
def look(g: ptr32, raw: ptr32, w: ptr32) -> int:
    r = int(raw[int(g[_CHANNEL])])
    i = (r >> 10) + _TABLE
    v = int(g[i])
    v += ((int(g[i + 1]) - v) * (r & 1023)) >> 10
    g[READ] = v
    m = v - BIAS
    if m < 0:
        m = 0
    worse = 0
    last = int(w[_MEASURED])  # the last that was believed, 0: it may be anything
    if r < RAIL_LOW or r > RAIL_HIGH:
        worse = _RAIL_BAD
    elif last:
        last -= m
        if last < 0:
            last = 0 - last
        if last > _FAR:
            worse = int(g[_FAR_WORSE])
    rail = int(g[_RAIL])
    if worse:
        if rail < _RAIL_ALARM:
            rail += worse
    elif rail:
        rail -= 1
    g[_RAIL] = rail
    said = 0
    above = 0
    if rail:
        above = int(g[_ABOVE])  # a spark does not prove that it has cooled
        said = BAD
        if rail >= _RAIL_ALARM:
            said = BAD | SENSOR
            w[_MEASURED] = 0
        w[_GOOD] = 0
    else:
        if int(w[_GOOD]) == 0:
            said = AGAIN
            w[_GOOD] = 1
        w[_MEASURED] = m
        if v > int(g[_LIMIT]):
            above = int(g[_ABOVE]) + 1
            if above >= _ABOVE_TICKS:
                said |= ABOVE
    g[_ABOVE] = above
    total = int(g[_SUM]) + v
    n = int(g[_N]) + 1
    if n >= 10:
        g[_MEAN] = total // 10
        total = 0
        n = 0
        said |= TENTH
    g[_SUM] = total
    g[_N] = n
    return said


class BoilerGuard:
    # boiler: thermal.Boiler; ear: of its sensor
    # bits: over-temperature, sensor, no heat, stuck SSR
    def __init__(self, interlocks, boiler, ear, bits):
        self._il = interlocks
        self._boiler = boiler
        self._words = boiler.words
        self._ear = ear
        self._over, self._sensor, self._no_heat, self._stuck = bits
        self._mean = -1
        self.away = BLINK + 1  # ticks without a good reading
        # tenths of seconds
        self._lost = 0
        self._cold = 0
        self._hot = 0
        self._since_start = 0
        self._since_flow = 0
        self.good = False  # the last reading may be used
        self.excused = False  # steam or refill takes what the flow meter does not see

    def noted(self, said):
        # look() had something to say
        if said & BAD:
            self.good = False
            if self.away <= BLINK:
                self.away += 1
        if said & AGAIN:
            self.good = True
            if self.away > BLINK:
                self._since_flow = 0  # the element may be hot, the observer begins with a cold one
                self._boiler.start(max(self._ear[READ] - BIAS, 0))
            self.away = 0
        if said & SENSOR:
            self._broken()
        if said & ABOVE:
            self._il.up(self._over)
        if said & TENTH:
            self._tenth()

    def _tenth(self):
        if self.good:
            if self._lost:
                self._lost -= 1
            self._compare(self._ear[_MEAN])
        else:
            self._lost += 1
            if self._lost > _LOST_S * 10:
                self._lost = 0
                self._broken()
        self._energy()

    def _compare(self, mean):
        # with the last tenth that was believed, whether or not readings were none meanwhile
        if self._mean != -1 and abs(mean - self._mean) > _RATE_MC:
            self._broken()
            self._ear[_RAIL] = _UNPROVED
            self._words[_GOOD] = 0
            self.good = False
        elif self._since_start:  # the first tenth may have been a shorter one
            self._mean = mean

    def _broken(self):
        # what it shows from now on is all that we have, and the observer starts anew
        self._il.up(self._sensor)
        self.away = BLINK + 1
        self._mean = -1

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
    # words: of hydraulics
    def __init__(self, interlocks, flow, words):
        self._il = interlocks
        self._flow = flow
        self._words = words
        self._dry_ms = 0
        self._pulses = 0  # since the pump began
        self._seen = 0
        self.pumping = False

    def rest(self):
        # no more water is being asked for: at rest, a soak, a closed limit
        self.pumping = False
        self._dry_ms = self._pulses = 0

    def step(self, mbar):
        # every tick in which water is being asked for
        pulses = self._flow.pulses
        if not self.pumping:
            self.pumping = True
            self._seen = pulses
        if pulses != self._seen:
            self._pulses += pulses - self._seen
            self._seen = pulses
            self._dry_ms = 0
        else:
            self._dry_ms += self._words[_DRY_MS]
            if self._dry_ms >= board.DRY_PUMP_MS:
                self._no_flow(mbar)

    def _no_flow(self, mbar):
        # water did run, or pressure stands: something is blocked; else there is no water
        blocked = self._pulses >= 4 or mbar > 3000
        self._il.up(il.STAGNATION if blocked else il.DRY_PUMP)

    def pressure(self, said):
        # look() had something to say of the pressure
        if said & SENSOR:
            self._il.up(il.SENSOR_PRESSURE)
        if said & ABOVE:
            self._il.up(il.OVER_PRESSURE)
