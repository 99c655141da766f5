"""The flash chip's side of the story: how long it is busy, how often, and when its power goes."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

SECTOR_ERASE = 0x20
BLOCK_ERASE = 0xD8
PAGE_PROGRAM = 0x02

# Typical figures of the W25Q16JV on a Pico (Winbond data sheet rev. H, 9.6 AC characteristics)
BUSY_NS = {SECTOR_ERASE: 45_000_000, BLOCK_ERASE: 150_000_000, PAGE_PROGRAM: 400_000}


class Flash:
    """Counts and times the operations of the emulated flash, and can lose power at any of them.

    Attributes:
        operations, erases: since power-on.
        dead: the power has failed.
    """

    def __init__(self, mcu: Any) -> None:
        self.operations = 0
        self.erases = 0
        self._mcu = mcu
        self._apply: Callable[[], None] = mcu.ssi._apply_command
        self._cut_at: int | None = None
        self._on_cut: Callable[[], None] = lambda: None
        self.dead = False
        mcu.ssi._apply_command = self._command

    def cut_after(self, operations: int, on_cut: Callable[[], None]) -> None:
        """Power fails as the operation after the next `operations` would begin."""
        self._cut_at = self.operations + operations
        self._on_cut = on_cut

    def _command(self) -> None:
        sent = self._mcu.ssi._tx_buffer
        busy_ns = BUSY_NS.get(sent[0]) if sent else None
        if busy_ns is None:
            self._apply()
            return
        if self.dead or (self._cut_at is not None and self.operations >= self._cut_at):
            if not self.dead:
                self.dead = True
                self._on_cut()
            return
        self.operations += 1
        self.erases += sent[0] != PAGE_PROGRAM
        self._apply()
        # The CPU polls the busy bit with interrupts off; nothing it executes meanwhile matters, so
        # time jumps. Timers and the watchdog go on.
        self._mcu.clock.tick(busy_ns)
