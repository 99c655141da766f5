"""What a technician can act on: what is wrong, and the cure."""

from __future__ import annotations


class BoardError(Exception):
    """The text says what is wrong and what to do next."""


class WrongBoard(BoardError):
    """Another chip, port or MicroPython than this firmware can run on."""


class LostBoard(BoardError):
    """It no longer answers: cable, power or another program at the port."""


class BusyBoard(BoardError):
    """It pours; nothing was interrupted."""
