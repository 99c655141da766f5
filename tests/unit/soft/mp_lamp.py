# The lamp shows what there is to show, and a radio chip that does not answer costs little.
import time

import lamp
from peer import days_off, leap
from live import HEATING, READY, STANDBY, Live


class Orders:
    identify_until_ms = 0


class Pin:
    OUT = 1
    made = 0
    shown = []
    takes_ms = 0

    def __init__(self, id, mode):
        Pin.made += 1
        time.sleep_ms(Pin.takes_ms)

    def value(self, level):
        time.sleep_ms(Pin.takes_ms)
        Pin.shown.append(level)


def fresh(takes_ms=0):
    lamp.Pin = Pin
    Pin.made, Pin.shown, Pin.takes_ms = 0, [], takes_ms
    live = Live()
    live.state = HEATING
    return lamp.Lamp(live, Orders()), live


def through(it, ms):
    # what step() took of these milliseconds, as the background would call it
    end = time.ticks_add(time.ticks_ms(), ms)
    taken = 0
    while time.ticks_diff(end, time.ticks_ms()) > 0:
        began = time.ticks_ms()
        it.step(began)
        taken += time.ticks_diff(time.ticks_ms(), began)
        time.sleep_ms(100)
    return taken


def test_nothing_touches_the_radio_before_there_is_something_to_show():
    it, live = fresh()
    through(it, 1000)
    assert Pin.made == 0
    live.state = READY
    through(it, 1000)
    assert Pin.made == 1 and Pin.shown == [1]


def test_a_machine_asleep_is_dark():
    it, live = fresh()
    live.state = READY
    through(it, 1000)
    live.state = STANDBY
    through(it, 1000)
    assert Pin.shown == [1, 0]


def test_it_blinks_while_an_alarm_is_latched():
    it, live = fresh()
    live.latched = 1
    through(it, 10000)
    assert 9 <= len(Pin.shown) <= 11 and Pin.shown[:2] in ([1, 0], [0, 1])


def test_a_radio_that_starts_slowly_makes_it_late_once():
    it, live = fresh(1500)
    live.state = READY
    through(it, 3000)
    assert Pin.shown == [1]
    Pin.takes_ms = 0
    live.state = HEATING
    through(it, 4000)
    assert Pin.shown == [1, 0]


def test_a_dead_radio_costs_little():
    it, live = fresh(350)
    live.latched = 1
    assert through(it, 300000) < 300000 // 50


def test_a_lamp_that_was_dark_for_days_lights_up():
    for days, ms in days_off():
        it, live = fresh()
        live.state = READY
        through(it, 1000)
        live.state = STANDBY
        through(it, 1000)
        leap(ms)
        live.state = READY
        through(it, 1000)
        assert Pin.shown == [1, 0, 1], days
