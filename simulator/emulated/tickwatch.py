"""How long each hard timer callback takes and when it comes, at the emulator's full speed.

From the alarm to the moment the handler arms the next one.
"""

from __future__ import annotations

from typing import Any

from simulator.emulated.chip import Chip

ALARM_REGISTERS = range(0x10, 0x20, 4)  # RP2040 data sheet 4.6.5
BODY_US = 100  # shorter ones are the system's own timers


class TickWatch:
    """Attributes:
    ticks: (us since power-on of the alarm, us it took) of each callback longer than BODY_US.
    """

    def __init__(self, chip: Chip) -> None:
        self.ticks: list[tuple[float, float]] = []
        self._chip = chip
        self._fired: dict[int, float] = {}
        timer = chip.mcu.timer
        self._fire: Any = timer._fire_alarm
        self._write: Any = timer.write_uint32
        vars(timer).update(_fire_alarm=self._on_fire, write_uint32=self._on_write)

    def worst_us(self, since_us: float = 0) -> float:
        """The longest callback that began at or after a moment; 0 without any."""
        return max((took for at, took in self.ticks if at >= since_us), default=0.0)

    def _on_fire(self, index: int) -> None:
        self._fired[index] = self._chip.now_us
        self._fire(index)

    def _on_write(self, offset: int, value: int) -> None:
        if offset in ALARM_REGISTERS:
            index = (offset - ALARM_REGISTERS.start) // 4
            began = self._fired.pop(index, None)
            if began is not None and self._chip.now_us - began > BODY_US:
                self.ticks.append((began, self._chip.now_us - began))
        self._write(offset, value)
