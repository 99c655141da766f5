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
_SETTLED = const(2)  # a switch counts after two equal reads (40 ms)


def _nothing(value=0):
    return 0


def _output(number):
    # value=0 goes with the mode: the pin never drives high, not even for a microsecond
    return _nothing if number is None else Pin(number, Pin.OUT, value=0).value


class Hal:
    def __init__(self):
        self.out = array("i", [0] * _OUTS)
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
        roles = ((b.TANK, SW_TANK), (b.TRAY, SW_TRAY), (b.CUP, SW_CUP), (b.KEY_REMOTE, SW_KEY),
                 (b.DOOR, SW_DOOR), (b.HOPPER, SW_HOPPER), (b.STEAM_PROBE, SW_PROBE),
                 (b.BTN_BREW, SW_BREW), (b.BTN_WATER, SW_WATER), (b.BTN_STEAM, SW_STEAM))
        fitted = [(n, bit) for n, bit in roles if n is not None]
        self._switch = tuple(Pin(n, Pin.IN, Pin.PULL_UP).value for n, _ in fitted)
        self._bit = array("i", [bit for _, bit in fitted])
        self._seen = bytearray(len(fitted))  # equal reads that contradict `switches`
        # What the pins say now is the beginning, buttons released: no alarm before a first look.
        for k in range(len(fitted)):
            if not self._bit[k] & BUTTONS:
                self.switches &= ~self._bit[k]
                if not self._switch[k]():
                    self.switches |= self._bit[k]
        # what stands at boot counts at once, or each boot would tell of an empty tank; a button
        # held down at boot is no press until it has settled
        for read, bit in zip(self._switch, self._bit):
            if not read() and not bit & BUTTONS:
                self.switches |= bit

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
            self._sample_more(raw, c)
        if c:  # people are slow: switches every other tick
            self._look()

    def _sample_more(self, raw, c):
        read = self._reader[3]
        raw[3] = read() + read() + read() + read()
        # steam and group share a pin: one of them each tick, the switch moved a tick ahead
        read = self._reader[1]
        raw[2 - c] = read() + read() + read() + read()
        self._mux(c)

    def _look(self):
        switch = self._switch
        bit = self._bit
        now = self.switches
        for k in range(len(switch)):
            if switch[k]() == (1 if now & bit[k] else 0):  # closed (0) is true
                self._differs(k)
            else:
                self._seen[k] = 0

    def _differs(self, k):
        self._seen[k] += 1
        if self._seen[k] >= _SETTLED:
            self._seen[k] = 0
            self.switches ^= self._bit[k]

    def drive(self):
        out = self.out
        self._brew(out[0])
        self._steam(out[1])
        pump = out[2]
        if self._pump_full:
            self._pump(pump * 65535 // 1000)
        else:
            self._pump(1 if pump >= 500 else 0)
        word = self._slow_word
        slow = self._slow
        for k in range(len(slow)):
            slow[k](out[word[k]])
        forget(out)

    def no_water(self):
        out = self.out
        for k in range(PUMP, RELAY):
            out[k] = 0

    def all_off(self):
        forget(self.out)
        self.drive()


@micropython.viper
def forget(out: ptr32):
    k = 0
    while k < 9:  # _OUTS
        out[k] = 0
        k += 1
