# A `machine` that costs next to nothing: the instructions counted are the firmware's own, not a
# simulator's. Pins and ADC are C functions on the board; here they are native one-liners.
import micropython

PWRON_RESET = 1
WDT_RESET = 3
adc = {}  # GPIO -> u16, filled by drive.py
low = {}  # GPIO -> list of one level, for the pins that change


@micropython.native
def _closed(value=0):
    return 0


class Pin:
    IN = 0
    OUT = 1
    PULL_UP = 1
    IRQ_FALLING = 2
    IRQ_RISING = 4

    def __init__(self, number, mode=-1, pull=-1, value=None):
        self.number = number
        cell = low.get(number)
        self.value = _reader(cell) if cell else _closed

    def irq(self, handler=None, trigger=0, hard=False):
        pass


def _reader(cell):
    @micropython.native
    def read(value=0):
        return cell[0]

    return read


class ADC:
    def __init__(self, pin):
        self.read_u16 = _reader([adc[pin.number]])


class PWM:
    def __init__(self, pin, freq=0, duty_u16=0):
        self.duty_u16 = _closed


class SoftSPI:
    def __init__(self, baudrate, polarity=0, phase=0, sck=None, mosi=None, miso=None):
        self.readinto = _closed
