# boards: coffee_2900
# The load cell amplifier, clocked as its data sheet says. The plant is two words.
import time

import board
import hx711
import kernel
import machine
from machine import Pin


class Cell:
    y = [0, 1]


class Names:
    Y_NAMES = ("scale_counts", "scale_ready")


def fresh(counts=0, ready=1):
    kernel.reset_state()
    Cell.y[:] = [counts, ready]
    hx711._state[:] = [0, 0, 0, 0]
    hx711.attach(board, Cell, Names)
    machine._pins[board.HX711_DOUT] = machine._pins[board.HX711_SCK] = None
    return Pin(board.HX711_DOUT, Pin.IN), Pin(board.HX711_SCK, Pin.OUT, value=0)


def read(dout, sck, pulses=25):
    value = 0
    for n in range(pulses):
        sck.on()
        if n < 24:
            value = value << 1 | dout.value()
        sck.off()
    return value - (1 << 24) if value & 1 << 23 else value


def test_value_in_twos_complement():
    for counts in (0, 1, 106856, -1, -106856, 8388607, -8388608):
        dout, sck = fresh(counts)
        time.sleep_ms(150)
        assert dout.value() == 0
        assert read(dout, sck) == counts, counts


def test_ten_conversions_a_second():
    dout, sck = fresh(5)
    got = 0
    for _ in range(1000):
        time.sleep_ms(1)
        if not dout.value():
            assert read(dout, sck) == 5
            assert dout.value() == 1, "busy until the next conversion"
            got += 1
    assert 9 <= got <= 11, got


def test_a_value_is_held_while_it_is_clocked_out():
    dout, sck = fresh(0x555555)
    time.sleep_ms(150)
    sck.on()
    first = dout.value()
    sck.off()
    Cell.y[0] = 0
    value = first
    for n in range(24):
        sck.on()
        if n < 23:
            value = value << 1 | dout.value()
        sck.off()
    assert value == 0x555555, hex(value)


def test_a_silent_converter_never_pulls_down():
    dout, sck = fresh(7, ready=0)
    for _ in range(300):
        time.sleep_ms(1)
        assert dout.value() == 1
