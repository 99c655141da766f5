# The pins of this board, bound once: sample() reads all inputs, drive() writes all outputs.
# A demand lives for one tick: what nobody asks for again is off. No decisions here, and no LED:
# the Pico W's hangs on its radio chip, which an interrupt must not talk to.
from array import array

import board
import micropython
from machine import ADC, PWM, Pin
from micropython import const

# demands, words of Hal.out
BREW = const(0)  # 1: this half-cycle
STEAM = const(1)
PUMP = const(2)  # permille; an SSR pump runs from 500 up
VALVE_BREW = const(3)
VALVE_STEAM = const(4)
VALVE_WATER = const(5)
VALVE_REFILL = const(6)
GRINDER = const(7)
RELAY = const(8)  # 1: contactor closed, heaters may be fed
_OUTS = const(9)

# bits of Hal.switches, 1: the statement is true. Not fitted reads as board.py's absent value.
SW_TANK = const(1)
SW_TRAY = const(2)
SW_CUP = const(4)
SW_KEY = const(8)
SW_DOOR = const(16)
SW_HOPPER = const(32)
SW_PROBE = const(64)
SW_BREW = const(128)
SW_WATER = const(256)
SW_STEAM = const(512)
BUTTONS = const(896)
_ABSENT = const(SW_DOOR | SW_HOPPER | SW_PROBE)  # no door to open, nothing to run empty
_PUMP_MOVED = const(1 << 2)
_SLOW_MOVED = const(0x1F8)  # valves, grinder, relay
_UNKNOWN = const(1001)  # no demand is that


def _nothing(value=0):
    return 0


def _output(number):
    # value=0 goes with the mode: the pin never drives high, not even for a microsecond
    return _nothing if number is None else Pin(number, Pin.OUT, value=0).value


class Hal:
    def __init__(self):
        self.out = array("i", [0] * _OUTS)
        self._now = array("i", [0] * _OUTS)  # what the pins are
        # ADC sums of four: brew, steam, group, pressure
        self.raw = array("i", [0] * 4)
        self.switches = _ABSENT
        self._outputs()
        self._inputs()
        self.all_off()

    def _outputs(self):
        b = board
        self._brew = _output(b.HEATER_BREW)
        self._steam = _output(b.HEATER_STEAM)
        slow = (b.VALVE_BREW, b.VALVE_STEAM, b.VALVE_WATER, b.VALVE_REFILL, b.GRINDER,
                b.SAFETY_RELAY)
        fitted = [(k + VALVE_BREW, n) for k, n in enumerate(slow) if n is not None]
        self._slow = tuple(_output(n) for _, n in fitted)
        self._slow_word = bytes(k for k, _ in fitted)
        if b.PUMP_PWM_HZ:
            self._pump = PWM(Pin(b.PUMP), freq=b.PUMP_PWM_HZ, duty_u16=0).duty_u16
            self._pump_full = 65535
        else:
            self._pump = _output(b.PUMP)
            self._pump_full = 0

    def _inputs(self):
        b = board
        self._reader = tuple(
            ADC(Pin(c[0])).read_u16 if c else None
            for c in (b.ADC_BREW, b.ADC_STEAM, b.ADC_GROUP, b.ADC_PRESSURE)
        )
        self._mux = _output(b.ADC_MUX)
        self._muxed = b.ADC_MUX is not None
        self._channel = 0  # level of the analogue switch since the last tick
        people = ((b.BTN_BREW, SW_BREW), (b.BTN_WATER, SW_WATER), (b.BTN_STEAM, SW_STEAM),
                  (b.CUP, SW_CUP), (b.KEY_REMOTE, SW_KEY))
        machine = ((b.TANK, SW_TANK), (b.TRAY, SW_TRAY), (b.DOOR, SW_DOOR),
                   (b.HOPPER, SW_HOPPER), (b.STEAM_PROBE, SW_PROBE))
        self._banks = (Bank(people), Bank(machine))
        # What the pins say now is the beginning, buttons released: no alarm before a first look,
        # or each boot would tell of an empty tank; a button held down at boot is no press until it
        # has settled.
        for bank in self._banks:
            self.switches = bank.begin(self.switches)

    def on_pulse(self, handler):
        # the flow meter's open collector pulls low at each pulse
        self._meter = Pin(board.FLOWMETER, Pin.IN, Pin.PULL_UP)
        self._meter.irq(handler, Pin.IRQ_FALLING, hard=True)

    def sample(self):
        raw = self.raw
        read = self._reader[0]
        raw[0] = read() + read() + read() + read()
        c = self._channel = 1 - self._channel
        if self._muxed:
            read = self._reader[3]
            raw[3] = read() + read() + read() + read()
            # steam and group share a pin: one each tick, the switch moved a tick ahead
            read = self._reader[1]
            raw[2 - c] = read() + read() + read() + read()
            self._mux(c)
        bank = self._banks[c]  # people and tanks are slow: half of the switches each tick
        levels = 0
        for read in bank.read:
            levels = levels << 1 | read()
        if levels != bank.levels or bank.doubt:
            self.switches = bank.settle(levels, self.switches)

    def drive(self):
        now = self._now
        moved = taken(self.out, now)
        self._brew(now[BREW])
        self._steam(now[STEAM])
        if moved:
            self._move(moved, now)

    def _move(self, moved, now):
        if moved & _PUMP_MOVED:
            pump = now[PUMP]
            if self._pump_full:
                self._pump(pump * 65535 // 1000)
            else:
                self._pump(1 if pump >= 500 else 0)
        if moved & _SLOW_MOVED:
            word = self._slow_word
            slow = self._slow
            for k in range(len(slow)):
                slow[k](now[word[k]])

    def no_water(self):
        out = self.out
        for k in range(PUMP, RELAY):
            out[k] = 0

    def all_off(self):
        # whatever the pins are: all are written
        for k in range(_OUTS):
            self.out[k] = 0
            self._now[k] = _UNKNOWN
        self.drive()


class Bank:
    # Some of the switches. roles: (GPIO or None, bit) each.
    # read: functions, one a fitted pin; levels: settled, as one word, the first pin its highest
    # bit; doubt: pins that contradicted it at the last look.
    def __init__(self, roles):
        fitted = [(n, bit) for n, bit in roles if n is not None]
        self.read = tuple(Pin(n, Pin.IN, Pin.PULL_UP).value for n, _ in fitted)
        self._bit = array("i", [bit for _, bit in fitted])
        self.levels = 0
        self.doubt = 0

    def begin(self, switches):
        for read, bit in zip(self.read, self._bit):
            open_ = 1 if bit & BUTTONS else read()
            self.levels = self.levels << 1 | open_
            switches = switches & ~bit if open_ else switches | bit
        return switches

    def settle(self, levels, switches):
        # a switch counts after two equal looks; returns the new mask of switches
        other = levels ^ self.levels
        sure = other & self.doubt
        self.levels ^= sure
        self.doubt = other & ~sure
        bits = self._bit
        for k in range(len(bits)):
            if sure >> (len(bits) - 1 - k) & 1:
                switches ^= bits[k]
        return switches


# What was asked becomes what is: out to now, out empty again. Returns a mask of the words that
# changed.
@micropython.viper
def taken(out: ptr32, now: ptr32) -> int:
    moved = 0
    k = 0
    while k < _OUTS:
        v = int(out[k])
        if v != int(now[k]):
            now[k] = v
            moved |= 1 << k
        out[k] = 0
        k += 1
    return moved
