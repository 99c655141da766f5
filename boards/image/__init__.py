"""Builds MicroPython images with the firmware frozen in: `python -m boards.image --help`."""
