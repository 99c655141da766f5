# Drives the firmware's tick through `sys.argv[1]` ticks of a shot, and nothing else: run twice
# with different counts, the difference in host instructions is the cost of a tick.
import sys
from math import exp

import board
import gc
import machine
import micropython
import time


def ntc_u16(sensor, celsius):
    r25, beta, divider = sensor[1:]
    r = r25 * exp(beta / (celsius + 273.15) - beta / 298.15)
    return int(65535 * divider / (divider + r))


def u16(sensor, celsius):
    if sensor[0] == "ntc":
        return ntc_u16(sensor, celsius)
    return int(65535 * (celsius * 1000 - sensor[1]) / (sensor[2] - sensor[1]))


machine.adc[board.ADC_BREW[0]] = u16(board.BREW_SENSOR, 93.0)
if board.ADC_GROUP:
    machine.adc[board.ADC_GROUP[0]] = u16(board.STEAM_SENSOR, 123.0)
    zero_mv, full_mv, full_mbar = board.PRESSURE_SENSOR
    millivolt = zero_mv + (full_mv - zero_mv) * 9000 // full_mbar
    machine.adc[board.ADC_PRESSURE[0]] = 65535 * millivolt // 3300
dout = [1]
if board.HX711_DOUT is not None:
    machine.low[board.HX711_DOUT] = dout
# buttons are open, all other switches closed
for button in (board.BTN_BREW, board.BTN_WATER, board.BTN_STEAM):
    machine.low[button] = [1]

import live as names
from hal import Hal
from plan import Plan
from tick import Tick

live = names.Live()
plan, button = Plan(), Plan()
recipe = {"temp_mc": 93000, "volume_ul": 200000}
plan.load(recipe)
button.load(recipe)
tick = Tick(live, Hal(), plan, button)


def run(n):
    step = tick.step
    pulse = tick.flow.pulse
    # Under heap_lock like the hard timer's callback: unlocked, each frame above 11 words is taken
    # from the heap, and looking for room in it cost as much as the tick.
    for k in range(n):
        micropython.heap_lock()
        time.now_us[0] += 10000
        live.beat += 1
        dout[0] = 0 if k % 10 == 0 else 1  # the scale has ten values a second
        if k % 25 == 0:
            pulse(None)  # 2 ml/s
        step(None)
        micropython.heap_unlock()


def pouring():
    seen = live.state, live.alarms, live.latched
    assert names.PREINFUSION <= live.state <= names.BREWING, seen


gc.disable()  # one collection between the two counts would be taken for ticks
run(1500)
live.request_source = names.SOURCE_LOCAL
live.request = names.REQ_BREW
run(800)
pouring()
run(int(sys.argv[1]))
pouring()
