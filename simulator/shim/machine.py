# The board's `machine` module, with the semantics of the rp2 port: pins, interrupts, ADC, PWM,
# hard timers, watchdog, reset causes. Levels live in wiring.level, time in kernel.
# What the machine around the pins does belongs to wiring (cables) and plant (physics).
import time

import kernel
import life
import micropython
import wiring
from kernel import FAR, words
from micropython import const
from uart import UART  # noqa: F401

PWRON_RESET = const(1)
WDT_RESET = const(3)

_WDT_MAX_MS = const(8388)  # RP2040: 24-bit counter that loses two a microsecond


def _number(id):
    if isinstance(id, Pin):
        return id.id
    if id == "LED":
        return wiring.LED
    if isinstance(id, str) and id.startswith("GP"):
        id = int(id[2:])
    if not isinstance(id, int) or not 0 <= id < 30:
        raise ValueError("unknown named pin")
    return id


class Pin:
    IN = const(0)
    OUT = const(1)
    OPEN_DRAIN = const(2)
    ALT = const(3)
    PULL_UP = const(1)
    PULL_DOWN = const(2)
    IRQ_FALLING = const(4)
    IRQ_RISING = const(8)

    def __new__(cls, id, mode=-1, pull=-1, *, value=None, alt=None):
        # one object a pin, as on the board: naming it again does not change it
        n = _number(id)
        p = _pins[n]
        if p is None:
            p = object.__new__(_kinds.get(n, Pin))
            p.id = n
            p.mode = Pin.IN
            p._level = wiring.level
            _pins[n] = p
        if mode != -1 or value is not None or pull != -1:
            p.init(mode, pull, value=value)
        return p

    def init(self, mode=-1, pull=-1, *, value=None, alt=None):
        n = self.id
        if value is not None and (mode == Pin.OUT or mode == -1 and self.mode == Pin.OUT):
            wiring.level[n] = 1 if value else 0
        if mode != -1:
            self.mode = mode
            wiring.duty[n] = -1  # the pin leaves the PWM
            wiring.direction[n] = mode
        if pull != -1:
            wiring.pull[n] = pull or 0
        if self.mode == Pin.IN:
            wiring.refresh()

    @micropython.native
    def value(self, x=None):
        if x is None:
            return self._level[self.id]
        self._level[self.id] = 1 if x else 0

    def __call__(self, x=None):
        return self.value(x)

    @micropython.native
    def on(self):
        self._level[self.id] = 1

    @micropython.native
    def off(self):
        self._level[self.id] = 0

    high = on
    low = off

    def toggle(self):
        self._level[self.id] ^= 1

    def irq(self, handler=None, trigger=12, *, hard=False):
        wiring.irqs[self.id] = (handler, trigger, hard, self) if handler else None
        return self

    def __repr__(self):
        return "Pin(GPIO%d)" % self.id


class _Led(Pin):
    # On a Pico W the LED hangs on the radio chip: SPI transfers that allocate and wait, which a
    # hard interrupt must not do. There it would hang or corrupt the bus; here it says so.
    def value(self, x=None):
        if words[kernel.IN_IRQ]:
            raise _led_error
        if x is None:
            return self._level[self.id]
        self._level[self.id] = 1 if x else 0

    __call__ = value

    def on(self):
        self.value(1)

    def off(self):
        self.value(0)

    high = on
    low = off

    def toggle(self):
        self.value(1 - self.value())


_led_error = RuntimeError('Pin("LED") in an interrupt: it hangs on the radio chip')
_pins = [None] * 33
# subclasses of Pin by number: the LED, and devices that answer edge by edge (HX711)
_kinds = {wiring.LED: _Led}


class ADC:
    CORE_TEMP = const(4)

    def __init__(self, pin):
        n = _number(pin)
        if n < 5:
            n += 26
        if not 26 <= n <= 30:
            raise ValueError("Pin doesn't have ADC capabilities")
        if n < 30:
            wiring.direction[n] = Pin.ALT
        self.read_u16 = wiring.adc_reader(n)


class PWM:
    def __init__(self, pin, *, freq=0, duty_u16=-1, duty_ns=-1):
        self._n = _number(pin)
        self._duty = wiring.duty
        self._hz = freq
        if duty_ns >= 0:
            duty_u16 = duty_ns * freq * 65535 // 1000000000
        self._duty[self._n] = max(duty_u16, 0)
        wiring.direction[self._n] = Pin.ALT

    @micropython.native
    def duty_u16(self, x=None):
        if x is None:
            return self._duty[self._n]
        self._duty[self._n] = x

    def freq(self, hz=None):
        if hz is None:
            return self._hz
        self._hz = hz

    def deinit(self):
        self._duty[self._n] = 0


class SoftSPI:
    # reads only, a bit while the clock is high: all that a converter without a data input needs
    def __init__(self, baudrate=500000, *, polarity=0, phase=0, sck=None, mosi=None, miso=None):
        if sck is None or mosi is None or miso is None:
            raise ValueError("must specify all of sck/mosi/miso")
        if polarity or not phase:
            raise NotImplementedError("the simulator has SPI mode 1 only")
        sck.init(Pin.OUT, value=0)
        miso.init(Pin.IN)
        self._sck = sck
        self._miso = miso

    def readinto(self, buffer, write=0):
        sck, miso = self._sck, self._miso
        for i in range(len(buffer)):
            bits = 0
            for _ in range(8):
                sck.on()
                bits = bits << 1 | miso.value()
                sck.off()
            buffer[i] = bits


class Timer:
    ONE_SHOT = const(0)
    PERIODIC = const(1)

    def __init__(self, id=-1, **options):
        if id != -1:
            raise ValueError("Timer doesn't exist")
        self.due_us = FAR
        self.period_us = 0
        self.callback = None
        self.hard = False
        if options:
            self.init(**options)

    def init(self, *, mode=1, callback=None, period=-1, tick_hz=1000, freq=None, hard=False):
        self.deinit()
        us = int(1000000 / freq) if freq else period * 1000000 // tick_hz
        us = max(us, 1)
        self.period_us = us if mode == Timer.PERIODIC else 0
        self.callback = callback
        self.hard = hard
        self.due_us = words[kernel.NOW] + us
        kernel.timers.append(self)
        kernel.reschedule()

    def deinit(self):
        if self in kernel.timers:
            kernel.timers.remove(self)
            kernel.reschedule()


class WDT:
    def __init__(self, id=0, timeout=5000):
        if id != 0:
            raise ValueError("WDT(%d) doesn't exist" % id)
        if not 1 <= timeout <= _WDT_MAX_MS:
            raise ValueError("timeout must be 1..%d ms" % _WDT_MAX_MS)
        WDT.us = timeout * 1000  # of the one there is: made anew it only has another patience
        self.feed()

    @micropython.native
    def feed(self):
        words[4] = words[0] + WDT.us  # WDT_DUE, NOW; once started it cannot be stopped


class RTC:
    def __init__(self, id=0):
        pass

    def datetime(self, dt=None):
        if dt is None:
            s = time.time()
            t = time.gmtime(s)
            return (t[0], t[1], t[2], t[6], t[3], t[4], t[5], 0)
        s = time.mktime((dt[0], dt[1], dt[2], dt[4], dt[5], dt[6], 0, 0))
        time.set_utc_us(s * 1000000)


def reset():
    life.leave("reset")


def soft_reset():
    life.leave("reset")


def reset_cause():
    return WDT_RESET if life.cause() != "power" else PWRON_RESET


def unique_id():
    return life.unique_id()


idle = kernel.idle


def lightsleep(ms=0):
    kernel.advance(ms * 1000)


def freq(hz=None):
    return 125000000


def disable_irq():
    state = words[kernel.MASKED]
    kernel.mask()
    return state


def enable_irq(state=0):
    while words[kernel.MASKED] > state:
        kernel.unmask()
