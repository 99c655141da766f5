# boards: coffee_2900
# What takes more than one reading to know: does this heater heat, does this pump move water.
import board
import guards
import hydraulics
import interlocks as il
import live as names
import plan
import sensors
import thermal
from array import array
from flow import Flow

_RAIL, _MEAN = 1, 7  # words of an ear
_REF, _TRIM, _DRY_MS = 5, 10, 35  # words of hydraulics
_W = board.BREW_BOILER[0]
_BITS = (il.OVER_TEMP_BREW, il.SENSOR_BREW, il.NO_HEAT_BREW, il.STUCK_SSR_BREW)


class Heated:
    # a boiler of which the observer says what the test wants, a tenth of a second at a time
    def __init__(self):
        self.live = names.Live()
        self.locks = il.Interlocks(self.live, 0, False)
        boiler = thermal.Boiler(board.BREW_BOILER, board.INLET_MC, board.AMBIENT_MC)
        self.words = boiler.words
        self.ear = guards.ear(0, sensors.temperature_table(board.BREW_SENSOR), 130000, True, 9)
        self.guard = guards.BoilerGuard(self.locks, boiler, self.ear, _BITS)
        self.guard.noted(guards.AGAIN)

    def run(self, tenths, q=0, d=0, flow=0):
        # q, d: W. The tenth in which something latched, else None
        w = self.words
        for n in range(tenths):
            w[thermal.Q], w[thermal.D] = q << 10, (d << 10) + thermal.D_ZERO
            w[thermal.FLOW] = flow
            self.tenth(90000)
            if self.live.latched:
                return n + 1

    def tenth(self, mean_mc, said=0):
        self.ear[_MEAN] = mean_mc + guards.BIAS
        self.guard.noted(guards.TENTH | said)
        self.locks.settle()

    def acknowledge(self):
        self.locks.settle()
        for _ in range(100):
            self.locks.settle()
        assert self.locks.acknowledge(-1) == 0


# --- the heater
def test_three_quarters_of_the_heat_missing_for_15_s_is_a_dead_heater():
    h = Heated()
    assert h.run(400, q=_W, d=-_W * 74 // 100) is None
    assert h.run(400, q=_W * 24 // 100, d=-_W) is None
    assert h.run(400, q=_W * 26 // 100, d=-_W * 26 // 100) == 150
    assert h.live.latched == il.NO_HEAT_BREW
    h.acknowledge()
    assert h.run(149, q=_W, d=-_W) is None  # counted from nothing again


def test_heat_that_comes_now_and_then_is_weighed_against_what_is_missing():
    h = Heated()
    assert h.run(100, q=_W, d=-_W) is None
    assert h.run(50, q=_W) is None
    assert h.run(200, q=_W, d=-_W) == 100


def test_steam_or_refill_excuses_what_is_missing_and_what_was():
    h = Heated()
    assert h.run(140, q=_W, d=-_W) is None
    h.guard.excused = True
    assert h.run(200, q=_W, d=-_W) is None
    h.guard.excused = False
    assert h.run(200, q=_W, d=-_W) == 150


def test_heat_that_nobody_sent_for_3_s_is_a_stuck_ssr_but_not_in_the_first_30_s():
    # after a reset the element may be hot, and the observer does not know
    assert Heated().run(400, d=_W >> 1) == 330
    h = Heated()
    assert h.run(400, d=_W * 43 // 100) is None
    assert h.run(400, q=_W * 26 // 100, d=_W >> 1) is None
    assert h.run(29, d=_W >> 1) is None and h.run(1) is None
    assert h.run(100, d=_W >> 1) == 30 and h.live.latched == il.STUCK_SSR_BREW


def test_water_and_a_sensor_that_came_back_put_the_stuck_ssr_off_for_10_s():
    h = Heated()
    assert h.run(400) is None
    assert h.run(100, d=_W >> 1, flow=2000) is None
    assert h.run(400, d=_W >> 1) == 130
    h.acknowledge()
    for _ in range(guards.BLINK + 1):
        h.guard.noted(guards.BAD)
    h.guard.noted(guards.AGAIN)
    assert h.run(400, d=_W >> 1) == 130


# --- the sensor
def test_a_jump_that_no_water_makes_is_a_broken_sensor_and_the_observer_begins_anew():
    h = Heated()
    h.tenth(20000)  # a shorter one: compared with none
    for mc in (90000, 91650, 90000):
        h.tenth(mc)
    assert not h.live.latched and h.guard.good
    h.words[thermal.GOOD] = 1
    h.tenth(91750)
    assert h.live.latched == il.SENSOR_BREW and not h.guard.good
    assert not h.words[thermal.GOOD] and h.ear[_RAIL] == 4  # proves itself as after a start
    h.words[thermal.Q] = _W << 10
    h.guard.noted(guards.BAD)
    h.guard.noted(guards.AGAIN)
    assert not h.words[thermal.Q]
    h.acknowledge()
    for _ in range(3):
        h.guard.noted(guards.AGAIN)
        h.tenth(91750)
    assert not h.live.latched and h.guard.good  # the sensor that shows so now is believed


def test_a_sensor_that_was_told_of_and_is_repaired_begins_anew():
    h = Heated()
    for _ in range(3):
        h.tenth(90000)
    for _ in range(5):
        h.tenth(165000, guards.BAD | guards.SENSOR)
    h.acknowledge()
    h.words[thermal.Q] = _W << 10
    h.guard.noted(guards.AGAIN)
    h.tenth(60000)  # it has cooled meanwhile
    assert not h.live.latched and not h.words[thermal.Q]


def test_a_jump_behind_readings_that_are_none_is_one_too():
    # a contact that slips, and the wire is off for a moment
    h = Heated()
    for mc in (90000, 90000):
        h.tenth(mc)
    h.tenth(165000, guards.BAD)
    h.guard.noted(guards.AGAIN)
    h.tenth(88000)
    assert h.live.latched == il.SENSOR_BREW


def test_after_a_spark_the_observer_goes_on_and_after_0_6_s_it_begins_anew():
    h = Heated()
    for ticks, q in ((60, _W << 10), (61, 0)):
        h.words[thermal.Q] = _W << 10
        for _ in range(ticks):
            h.guard.noted(guards.BAD)
            assert not h.guard.good
        h.guard.noted(guards.AGAIN)
        assert h.guard.good and h.words[thermal.Q] == q


def test_5_s_more_without_a_reading_than_with_one_are_a_broken_sensor():
    h = Heated()
    for n in range(300):
        h.tenth(90000, (guards.BAD, guards.AGAIN)[n % 3 == 0])
        if h.live.latched:
            break
    assert n == 149 and h.live.latched == il.SENSOR_BREW
    h = Heated()
    for n in range(600):
        h.tenth(90000, (guards.BAD, guards.AGAIN)[n & 1])
    assert not h.live.latched


def test_the_observer_begins_at_the_first_good_reading():
    h = Heated()
    h.words[thermal.Q] = _W << 10
    h.ear[guards.READ] = 91000 + guards.BIAS
    h.guard.away = guards.BLINK + 1
    h.guard.noted(guards.AGAIN)
    assert h.words[thermal.T] == 91000 << 10 and not h.words[thermal.Q] and h.guard.good
    h.ear[guards.READ] = guards.BIAS - 5000
    h.guard.away = guards.BLINK + 1
    h.guard.noted(guards.AGAIN)
    assert h.words[thermal.T] == 0


def test_readings_that_are_none_are_no_jump():
    h = Heated()
    for _ in range(3):
        h.tenth(90000)
    h.tenth(165000, guards.BAD)
    h.tenth(90100, guards.AGAIN)
    assert not h.live.latched


# --- the pump
class Pumped:
    def __init__(self):
        self.live = names.Live()
        self.locks = il.Interlocks(self.live, 0, False)
        self.flow = Flow()
        self.words = array("i", [0] * (_DRY_MS + 1))
        self.words[_DRY_MS] = 10
        self.guard = guards.WaterGuard(self.locks, self.flow, self.words)

    def run(self, ms, mbar=0, every_ms=0):
        # every_ms: a pulse so often. After how long something latched, else None
        for n in range(10, ms + 10, 10):
            if every_ms and n % every_ms == 0:
                self.flow.pulses += 1
            self.guard.step(mbar)
            self.locks.settle()
            if self.live.latched:
                return n


def test_a_pump_may_run_4_s_without_a_pulse():
    p = Pumped()
    assert p.run(20000, every_ms=3900) is None
    p = Pumped()
    assert p.run(10000) == 4000 and p.live.latched == il.DRY_PUMP


def test_water_that_ran_or_pressure_that_stands_is_a_blockage():
    for pulses, mbar, alarm in ((3, 3000, il.DRY_PUMP), (4, 0, il.STAGNATION),
                                (0, 3001, il.STAGNATION)):
        p = Pumped()
        p.run(pulses * 500, every_ms=500)
        p.run(5000, mbar)
        assert p.live.latched == alarm, (pulses, mbar)


def test_a_soak_is_forgotten_with_all_that_was_before_it():
    p = Pumped()
    p.run(3000, every_ms=500)
    assert p.run(3900) is None
    p.guard.rest()
    p.flow.pulses += 9  # what the puck drew in
    assert p.run(5000) == 4000 and p.live.latched == il.DRY_PUMP


def test_less_water_asked_for_may_let_its_pulses_wait_as_much_longer():
    p = Pumped()
    p.words[_DRY_MS] = 4
    assert p.run(20000) == 10000
    p = Pumped()
    p.words[_DRY_MS] = 0
    assert p.run(60000) is None


def test_what_a_tick_without_a_pulse_counts_as_follows_what_is_asked_for():
    h = hydraulics.Hydraulics(Flow())
    for mode, target, limit, mbar, counts in (
        (plan.MODE_FLOW, 2000, plan.ABSENT, 0, 10), (plan.MODE_FLOW, 128, plan.ABSENT, 0, 5),
        (plan.MODE_FLOW, 20, plan.ABSENT, 0, 0), (plan.MODE_POWER, 1000, plan.ABSENT, 0, 10),
        (plan.MODE_PRESSURE, 9000, 128, 0, 5), (plan.MODE_PRESSURE, 9000, plan.ABSENT, 0, 10),
        (plan.MODE_PRESSURE, 9000, plan.ABSENT, 9400, 10),
        (plan.MODE_PRESSURE, 9000, plan.ABSENT, 9600, 3), (plan.MODE_FLOW, 2000, 9000, 9600, 3),
        (plan.MODE_FLOW, 26, 9000, 9600, 1),
    ):
        h.go(mode, target, 0, limit)
        for _ in range(300):
            h.step(mbar)
        assert h.words[_DRY_MS] == counts, (mode, target, limit, mbar, h.words[_DRY_MS])


def test_a_ramp_begins_where_the_pump_stands():
    h = hydraulics.Hydraulics(Flow())
    for mode, before, goal, shift in ((plan.MODE_PRESSURE, 6000, 9000, 8),
                                      (plan.MODE_PRESSURE, 6000, 3000, 8),
                                      (plan.MODE_FLOW, 3000, 1000, 6)):
        h.go(mode, before, 0, plan.ABSENT)
        for _ in range(300):
            h.step(6000)
        h.go(mode, goal, 3000, plan.ABSENT)
        began = h.words[_REF] >> shift
        assert abs(began - before) * 20 < before, (mode, before, goal, began)
        for _ in range(150):
            h.step(6000)
        assert abs((h.words[_REF] >> shift) - (began + goal) // 2) * 20 < goal
        for _ in range(150):
            h.step(6000)
        assert h.words[_REF] >> shift == goal


def test_the_pumps_map_believes_the_meter_within_three_tenths():
    for every, low, high in ((10, 1331, 1331), (400, 717, 717), (25, 900, 1150)):
        flow = Flow()
        h = hydraulics.Hydraulics(flow)
        h.go(plan.MODE_FLOW, 2000, 0, plan.ABSENT)  # a pulse each 25 ticks
        for n in range(40 * every):
            h.step(6000)
            flow.pulses += n % every == every - 1
        assert low <= h.words[_TRIM] <= high, (every, h.words[_TRIM])


def test_pressure_has_its_own_alarms():
    p = Pumped()
    p.guard.pressure(guards.BAD)
    p.locks.settle()
    assert not p.live.latched
    for said, alarm in ((guards.SENSOR, il.SENSOR_PRESSURE), (guards.ABOVE, il.OVER_PRESSURE)):
        p = Pumped()
        p.guard.pressure(said)
        p.locks.settle()
        assert p.live.latched == alarm
