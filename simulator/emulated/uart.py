"""A serial line at one of the chip's UARTS, as a cable to this program: bytes take their time."""

from __future__ import annotations

from collections.abc import Callable

from simulator.emulated.chip import Chip

FIFO_BYTES = 32
BITS_A_BYTE = 10


class Uart:
    """Attributes:
    on_bytes: gets what the chip sends, as it leaves the shift register.
    """

    def __init__(self, number: int) -> None:
        self.number = number
        self.on_bytes: Callable[[bytes], None] = lambda data: None
        self._sending = bytearray()

    def attach(self, chip: Chip) -> None:
        """Plugs the cable into a chip; bytes still under way are gone."""
        self._port = chip.mcu.uart[self.number]
        self._port.on_byte = lambda byte: self.on_bytes(bytes((byte,)))
        self._sending.clear()
        self._next = chip.alarm(self._deliver)

    def send(self, data: bytes) -> None:
        """Bytes to the chip, one after another at the port's baud rate."""
        idle = not self._sending
        self._sending += data
        if idle:
            self._next.schedule(self._byte_ns())

    def _byte_ns(self) -> float:
        # a port not yet set up divides by nothing: look again in a millisecond
        if not self._port.baud_divider:
            return 1e6
        return BITS_A_BYTE * 1e9 / self._port.baud_rate

    def _deliver(self) -> None:
        if not self._sending:
            return
        if self._port.baud_divider and self._port.rx_enabled:
            byte = self._sending.pop(0)
            if self._port.rx_fifo.item_count < FIFO_BYTES:  # else overrun: lost, as on silicon
                self._port.feed_byte(byte)
        if self._sending:
            self._next.schedule(self._byte_ns())
