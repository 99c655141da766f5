# boards: coffee_2900
# Tables against the equations they stand for, and the rails.
from math import exp

import board
import sensors


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
    assert _ntc_raw(-20000) > sensors.RAIL_LOW and _ntc_raw(150000) < sensors.RAIL_HIGH
    assert 0 < sensors.RAIL_LOW and sensors.RAIL_HIGH < 262140


def test_no_sensor_reads_zero():
    assert sensors.read(sensors.temperature_table(None), 131072) == 0
