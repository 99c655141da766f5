# The two ways a serial line leaves the board, each never waiting: the USB console, which frames
# and printed text share, and a UART of its own.
import select
import sys


class UsbPort:
    CHUNK = 16  # asked for byte by byte: so many are well below a millisecond

    def __init__(self):
        self._in = sys.stdin.buffer
        self._out = sys.stdout.buffer
        self._byte = bytearray(1)
        self._can_read = select.poll()
        self._can_read.register(sys.stdin, select.POLLIN)
        self._can_write = select.poll()
        self._can_write.register(sys.stdout, select.POLLOUT)

    def read(self, chunk):
        # a read of more bytes than are there would wait for them
        n = 0
        while n < len(chunk) and _ready(self._can_read):
            self._in.readinto(self._byte)
            chunk[n] = self._byte[0]
            n += 1
        return n

    def write(self, view):
        # At most one frame is under way at a time, so the driver's 256 bytes are free when the
        # host reads at all; when it does not, a write would wait for it.
        return self._out.write(view) or 0 if _ready(self._can_write) else 0


class UartPort:
    CHUNK = 64

    def __init__(self, baud):
        from board import UART as pins
        from machine import UART, Pin

        number, tx, rx = pins
        self._uart = UART(number, baudrate=baud, tx=Pin(tx), rx=Pin(rx), txbuf=512, rxbuf=512,
                          timeout=0)

    def read(self, chunk):
        return self._uart.readinto(chunk) or 0

    def write(self, view):
        return self._uart.write(view) or 0


def _ready(poll):
    for _ in poll.ipoll(0):
        return True
    return False
