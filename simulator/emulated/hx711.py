"""The load cell's converter at its two wires, by its data sheet: DOUT falls when a conversion is
ready, ten times a second; each rising edge of PD_SCK shifts out one of 24 bits, most significant
first, two's complement; the 25th pulse selects the gain and lets DOUT rise.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from simulator.emulated.chip import Chip

PERIOD_NS = 100_000_000
HIGH = 1


class LoadCell:
    """Args:
    counts: the value of a conversion, None while the converter gives none.
    """

    def __init__(
        self, chip: Chip, dout: int, sck: int, counts: Callable[[], int | None]
    ) -> None:
        self._data = chip.mcu.gpio[dout]
        self._counts = counts
        self._bits = 0
        self._left = 0  # pulses until this word is out; 0: nothing ready
        self._ready = chip.alarm(self._convert)
        chip.mcu.gpio[sck].add_listener(self._pulse)
        self._data.set_input_value(True)
        self._ready.schedule(PERIOD_NS)

    def _convert(self) -> None:
        self._ready.schedule(PERIOD_NS)
        counts = self._counts()
        if counts is None or 0 < self._left < 25:
            return  # silent, or somebody is still reading
        self._bits = counts & 0xFFFFFF
        self._left = 25
        self._data.set_input_value(False)

    def _pulse(self, new: Any, old: Any) -> None:
        if int(new) != HIGH or not self._left:
            return
        self._left -= 1
        bit = self._bits >> (self._left - 1) & 1 if self._left else 1
        self._data.set_input_value(bool(bit))
