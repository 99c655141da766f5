"""An RP2040 that executes the real firmware image, wired to the plant of the desktop simulator.

Simulated time is the only clock: two runs with the same image, flash and inputs are equal to the
cycle. The emulator is rp2040py; its defects are cured in cures.py, everything else is ours.
"""

from simulator.emulated.board import EmulatedBoard, PowerCut
from simulator.emulated.meter import Cost

__all__ = ("Cost", "EmulatedBoard", "PowerCut")
