"""Runs the firmware unchanged on the real MicroPython, with simulated peripherals and plant.

`simulator.Machine` is the door for tests and tools, `python -m simulator` the one for people.
"""

from simulator.machine import Machine, read_trace

__all__ = ["Machine", "read_trace"]
