# The pins of the board at the pseudo-terminal: nothing hangs on them. Timers that are hard never
# fire (no tick, no physics: the simulator and the emulated board have those), soft ones do; reset
# ends the process, which its keeper starts again. Ctrl-C is looked for in idle(), because a raw
# terminal raises no signal.
import os
import sys
import time

import uselect

PWRON_RESET = 1
WDT_RESET = 3
_input = uselect.poll()
_input.register(sys.stdin, uselect.POLLIN)


class Pin:
    IN, OUT, PULL_UP, IRQ_FALLING = 0, 1, 1, 4

    def __init__(self, number, mode=None, pull=None, value=None):
        self._value = value or 0

    def value(self, value=None):
        if value is None:
            return self._value
        self._value = value

    __call__ = value

    def toggle(self):
        self._value = 1 - self._value

    def off(self):
        self._value = 0

    def irq(self, *args, **options):
        pass


class ADC:
    def __init__(self, pin):
        pass

    def read_u16(self):
        return 20000


class PWM:
    def __init__(self, pin, freq=0, duty_u16=0):
        pass

    def duty_u16(self, value=None):
        pass

    def deinit(self):
        pass


class SoftSPI:
    def __init__(self, baudrate, *, polarity, phase, sck, mosi, miso):
        pass

    def readinto(self, buffer):
        buffer[:] = b"\x55" * len(buffer)


class WDT:
    def __init__(self, timeout):
        pass

    def feed(self):
        pass


class Timer:
    PERIODIC = 1
    running = []

    def __init__(self, period=0, mode=1, callback=None, hard=False):
        if not hard:
            import _thread

            self.callback = callback
            Timer.running.append(self)
            _thread.start_new_thread(self._run, (period,))

    def _run(self, period):
        while self in Timer.running:
            time.sleep_ms(period)
            self.callback(self)

    def deinit(self):
        if self in Timer.running:
            Timer.running.remove(self)


def idle():
    time.sleep_ms(1)
    if _input.poll(0) and sys.stdin.buffer.read(1) == b"\x03":
        raise KeyboardInterrupt


def reset():
    os.system("kill -9 $PPID")  # nothing runs after a reset, no `finally` either
    while True:
        time.sleep(1)


def reset_cause():
    return WDT_RESET if os.getenv("BOARD_BOOT") != "1" else PWRON_RESET


def unique_id():
    return b"\xe6\x61\x00\x00\x00\x00\x00\x01"


def freq():
    return 125000000
