# The board's UART over a file number of the host (one end of a pseudo-terminal), with what the rp2
# port does: bytes take their time on the wire, received ones wait in a ring and are lost when it
# is full, a write takes no more than the ring has room for. Nothing here waits.
import kernel
import uselect
from kernel import words
from micropython import const

_FIFO = const(32)  # in hardware, before the ring
_CALL_US = const(20)

# the host's end, if any; set by the world
host = {"file": None}


class UART:
    def __init__(self, id, baudrate=115200, *, bits=8, parity=None, stop=1, tx=None, rx=None,
                 txbuf=256, rxbuf=256, timeout=0, timeout_char=0):
        if id not in (0, 1):
            raise ValueError("UART(%d) doesn't exist" % id)
        for pin, first in ((tx, 0), (rx, 1)):
            if pin is not None and pin.id not in _pins(id, first):
                raise ValueError("bad %s pin" % ("RX" if first else "TX"))
        self._file = host["file"]
        self._poll = uselect.poll()
        if self._file is not None:
            self._poll.register(self._file, uselect.POLLIN)
        self._byte_us = 10000000 // baudrate
        self._rx_room = rxbuf + _FIFO
        self._tx_room = txbuf
        self._ring = b""
        self._out_until = self._looked_at = words[0]

    def _receive(self):
        # as many as can have come over the wire since the last look; more than the ring holds
        # are lost
        now = words[0]
        n = (now - self._looked_at) // self._byte_us
        self._looked_at += n * self._byte_us
        if self._file is None or not self._poll.poll(0):
            self._looked_at = now  # the wire was idle: its time does not add up
            return
        came = self._file.read(n) if n else b""
        if came:
            self._ring = (self._ring + came)[: self._rx_room]

    def any(self):
        kernel.advance(_CALL_US)
        self._receive()
        return len(self._ring)

    def readinto(self, buf, n=-1):
        kernel.advance(_CALL_US)
        self._receive()
        n = min(len(buf) if n < 0 else n, len(self._ring))
        if not n:
            return None
        buf[:n] = self._ring[:n]
        self._ring = self._ring[n:]
        return n

    def write(self, buf):
        kernel.advance(_CALL_US)
        now = words[0]
        waiting = max(self._out_until - now, 0) // self._byte_us
        n = min(len(buf), self._tx_room - waiting)
        if n <= 0:
            return None
        self._out_until = max(self._out_until, now) + n * self._byte_us
        if self._file is not None:
            self._file.write(bytes(buf[:n]))
        return n


def _pins(id, first):
    # rp2: UART0 on GP0, 12, 16, 28; UART1 on GP4, 8, 20, 24; the next pin receives
    return [n + first for n in ((0, 12, 16, 28) if id == 0 else (4, 8, 20, 24))]
