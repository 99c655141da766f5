# boards: coffee_2900
# The refill of the steam boiler and what excuses its heater, step by step.
from array import array

import interlocks as il
import live as names
from flow import Flow
from hal import SW_PROBE, VALVE_REFILL
from taps import Taps


class Hal:
    def __init__(self):
        self.out = array("i", [0] * 16)
        self.switches = SW_PROBE


class Pump:
    # what of Hydraulics is asked for
    def __init__(self):
        self.permille = 0
        self.begun = 0

    def go(self, mode, target, ramp_ms, limit):
        self.permille = target
        self.begun += 1

    def stop(self):
        self.permille = 0


class Tapped:
    def __init__(self):
        self.live = names.Live()
        self.live.state = names.READY
        self.locks = il.Interlocks(self.live, 0, False)
        self.hal, self.pump = Hal(), Pump()
        self.taps = Taps(self.live, self.locks, self.hal, self.pump, Flow())

    def run(self, ms, wet, may_fill=True):
        self.hal.switches = SW_PROBE if wet else 0
        for n in range(ms // 10):
            self.hal.out[VALVE_REFILL] = 0
            if self.taps.fill_ms:
                self.taps.step(may_fill)
            if n % 10 == 9:
                self.taps.look(may_fill)
        return self.hal.out[VALVE_REFILL], self.pump.permille > 0


OFF, ON = (0, False), (1, True)


def test_a_dry_probe_begins_a_refill_after_half_a_second():
    t = Tapped()
    assert t.run(400, wet=False) == OFF and not t.taps.dry
    t.run(100, wet=False)
    assert t.taps.dry and t.run(100, wet=False) == ON
    t = Tapped()
    for _ in range(9):  # it splashes
        t.run(400, wet=False)
        assert t.run(100, wet=True) == OFF


def test_a_refill_waits_for_the_pump_and_leaves_it_at_once():
    t = Tapped()
    assert t.run(5000, wet=False, may_fill=False) == OFF and t.taps.dry and not t.pump.begun
    assert t.run(300, wet=False) == ON
    assert t.run(10, wet=False, may_fill=False) == OFF
    assert t.pump.begun == 1


def test_a_refill_that_is_forbidden_is_not_begun_for_a_moment():
    for alarm in (il.TRAY_FULL, il.STEAM_REFILL, il.DOOR_OPEN):
        t = Tapped()
        t.live.latched = alarm
        t.run(5000, wet=False)
        assert not t.pump.begun, alarm
        t.live.latched = 0
        assert t.run(300, wet=False) == ON
        t.live.latched = alarm
        assert t.run(10, wet=False) == OFF, alarm


def test_a_refill_goes_on_for_two_seconds_in_a_row_beyond_the_probe():
    t = Tapped()
    t.run(1000, wet=False)
    for _ in range(3):
        assert t.run(1500, wet=True) == ON
        assert t.run(200, wet=False) == ON
    assert t.run(2000, wet=True) == ON
    assert t.run(200, wet=True) == OFF
    t.run(1000, wet=False)
    assert t.run(2000, wet=True) == ON  # as long the next time


def test_steam_refill_and_hot_water_excuse_for_half_a_minute():
    def steam(t):
        t.taps.steaming = not t.taps.steaming

    def water(t):
        t.live.state = names.HOT_WATER if t.live.state == names.READY else names.READY

    for turn in (steam, water):
        t = Tapped()
        t.run(100, wet=True)
        assert not t.taps.excused
        turn(t)
        t.run(100, wet=True)
        assert t.taps.excused
        turn(t)
        t.run(29900, wet=True)
        assert t.taps.excused
        t.run(200, wet=True)
        assert not t.taps.excused
    t = Tapped()
    t.run(1000, wet=False)
    assert t.taps.excused
    t.run(2200, wet=True)
    t.run(29700, wet=True)
    assert t.taps.excused
    t.run(500, wet=True)
    assert not t.taps.excused
