"""Runs the firmware unchanged on the real MicroPython, with simulated peripherals and plant."""
