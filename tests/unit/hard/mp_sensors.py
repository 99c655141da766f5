# boards: coffee_2900
# Tables against the equations they stand for, and the rails.
from array import array
from math import exp

import board
import guards
import sensors
import thermal


def _ntc_raw(mc):
    # what the divider gives for a temperature, as the sum of four 16-bit reads
    r25, beta = board.GROUP_SENSOR[1:3]
    r = r25 * exp(beta * (1 / (mc / 1000 + 273.15) - 1 / 298.15))
    return int(262140 * board.GROUP_SENSOR[3] / (board.GROUP_SENSOR[3] + r))


def test_ntc_follows_the_beta_equation():
    table = sensors.temperature_table(board.GROUP_SENSOR)
    for mc in range(10000, 140000, 1370):
        assert abs(sensors.read(table, _ntc_raw(mc)) - mc) < 300, mc
    for mc in range(80000, 100000, 370):  # where coffee is made
        assert abs(sensors.read(table, _ntc_raw(mc)) - mc) < 12, mc


def test_pt1000_is_a_straight_line():
    table = sensors.temperature_table(board.BREW_SENSOR)
    for raw in range(0, 262140, 997):
        assert abs(sensors.read(table, raw) - raw * 165000 // 262144) < 3


def test_pressure_zero_and_full_scale():
    table = sensors.pressure_table(board.PRESSURE_SENSOR)
    for mbar in (0, 1000, 9000, 16000):
        mv = 333 + (3000 - 333) * mbar / 16000
        assert abs(sensors.read(table, int(262144 * mv / 3300)) - mbar) < 4


def test_broken_wires_lie_outside_the_rails():
    assert _ntc_raw(-20000) > guards.RAIL_LOW and _ntc_raw(150000) < guards.RAIL_HIGH
    assert 0 < guards.RAIL_LOW and guards.RAIL_HIGH < 262140


def test_no_sensor_reads_zero():
    assert sensors.read(sensors.temperature_table(None), 131072) == 0


def _ear(proved=False):
    return guards.ear(0, sensors.temperature_table(board.BREW_SENSOR), 130000, proved, 9)


def _heard(g, w, *raws):
    raw = array("i", [0])
    said = []
    for raw[0] in raws:
        said.append(guards.look(g, raw, w) & ~guards.TENTH)
    return said


def test_no_heat_before_the_sensor_has_proved_itself():
    w = array("i", [0] * thermal.WORDS)
    at_93 = 93 * 262144 // 165
    assert _heard(_ear(), w, *[at_93] * 5) == [guards.BAD] * 3 + [guards.AGAIN, 0]
    assert w[thermal.GOOD] == 1 and abs(w[thermal.MEASURED] - 93000) < 3


def test_an_open_sensor_is_told_of_after_five_readings_and_not_used_from_the_first():
    w = array("i", [0] * thermal.WORDS)
    g = _ear(True)
    assert _heard(g, w, 150000, 262140) == [guards.AGAIN, guards.BAD] and not w[thermal.GOOD]
    broken = guards.BAD | guards.SENSOR
    assert _heard(g, w, *[262140] * 4) == [guards.BAD] * 3 + [broken]
    assert _heard(g, w, *[150000] * 50) == [guards.BAD] * 49 + [guards.AGAIN]


def test_a_reading_that_is_none_spoils_the_ten_after_it_and_is_forgotten_then():
    w = array("i", [0] * thermal.WORDS)
    g = _ear(True)
    for _ in range(20):
        assert _heard(g, w, 262140) == [guards.BAD]
        assert _heard(g, w, *[150000] * 10) == [guards.BAD] * 9 + [guards.AGAIN]
    # more often than that is a loose wire: nine more each time, the other alarm after five
    said = [_heard(g, w, 262140, 150000)[0] for _ in range(5)]
    assert said == [guards.BAD] * 5
    assert _heard(g, w, 262140) == [guards.BAD | guards.SENSOR]


def test_a_reading_far_from_the_last_is_a_spark_once_and_a_broken_sensor_twice():
    far = 15 * 262144 // 165
    for jump in (far, -far):
        w = array("i", [0] * thermal.WORDS)
        g = _ear(True)
        assert _heard(g, w, 150000) == [guards.AGAIN]  # the first may be anything
        seen = w[thermal.MEASURED]
        said = _heard(g, w, 150000 + jump, *[150000] * 25)
        assert said == [guards.BAD] * 25 + [guards.AGAIN] and w[thermal.MEASURED] == seen
        said = _heard(g, w, 150000 + jump, 150000 + jump)
        assert said == [guards.BAD, guards.BAD | guards.SENSOR]
        # told of; what it shows from now on is believed when it has proved itself
        said = _heard(g, w, *[150000 + jump] * 70)
        assert not said[-1] and said.count(guards.AGAIN) == 1
        assert abs(w[thermal.MEASURED] - seen) > 14000


def test_a_reading_that_is_not_so_far_is_one():
    w = array("i", [0] * thermal.WORDS)
    near = 12 * 262144 // 165
    assert _heard(_ear(True), w, 150000, 150000 + near, 150000, 150000 - near) == [
        guards.AGAIN, 0, 0, 0]


def test_frost_reads_as_zero():
    w = array("i", [0] * thermal.WORDS)
    g = guards.ear(0, sensors.temperature_table(board.GROUP_SENSOR), 130000, True, 9)
    assert _heard(g, w, _ntc_raw(-10000)) == [guards.AGAIN]
    assert w[thermal.MEASURED] == 0 and w[thermal.GOOD] == 1


def test_too_hot_between_sparks_is_too_hot():
    w = array("i", [0] * thermal.WORDS)
    g = _ear(True)
    hot = 131 * 262144 // 165
    said = 0
    for n in range(100):
        said |= _heard(g, w, 262140 if n % 13 == 0 else hot)[0]
    assert said & guards.ABOVE and not said & guards.SENSOR


def test_too_hot_is_too_hot_five_times():
    w = array("i", [0] * thermal.WORDS)
    g = _ear(True)
    hot = 131 * 262144 // 165
    assert _heard(g, w, *[hot] * 5) == [guards.AGAIN, 0, 0, 0, guards.ABOVE]
    assert _heard(g, w, 129 * 262144 // 165, hot) == [0, 0]
