"""What stands around a board under test: hands at its pins, a machine at its sensors, its mains.

A laboratory writes a class like these and names it (`--fixture my_lab.jig:Jig`, docs/hil.md); an
emulated board's is EmulatedJig. A jig has the methods of what its `fixtures` name:

    pins     now_us, pin, edges, duty_permille, pwm_hz, drive, press
    machine  set, fault, truth
    power    power_off, power_on
"""

from __future__ import annotations

import contextlib
from collections.abc import Collection, Iterator
from typing import ClassVar, Protocol

from simulator.emulated import EmulatedBoard
from simulator.emulated.stand_in import plant_words


class Jig(Protocol):
    """`fixtures`: which of pins, machine and power it has; a class attribute, asked for before
    one is made. A laboratory's is made with the board's serial port."""

    fixtures: ClassVar[Collection[str]]

    @property
    def now_us(self) -> float:
        """The jig's clock, by which `edges` are stamped."""
        raise NotImplementedError

    def pin(self, number: int) -> int:
        """1 while the chip drives this GPIO high, 0 while low or not at all."""
        raise NotImplementedError

    def edges(self, number: int) -> list[tuple[float, int]]:
        """(now_us, level) of each change on this GPIO, oldest first; at least the last second's
        and the last change ever."""
        raise NotImplementedError

    def duty_permille(self, number: int) -> int:
        """Share of the time this GPIO is high, measured over at least 20 ms."""
        raise NotImplementedError

    def pwm_hz(self, number: int) -> float:
        """Frequency of the PWM on this GPIO."""
        raise NotImplementedError

    def drive(self, number: int, level: int | None) -> None:
        """Holds an input at a level, against what the machine would show; None lets go."""
        raise NotImplementedError

    def press(self, name: str, closed: bool = True) -> None:
        """A button ("brew", "water", "steam") or the key ("remote"), until told otherwise."""
        raise NotImplementedError

    def set(self, name: str, value: int) -> None:
        """Sets one thing of the machine: those of simulator/plant/hands.py (`temp_brew_mc`,
        `cup`, `tank_ml` …)."""
        raise NotImplementedError

    def fault(self, name: str, value: int = 1) -> None:
        """Breaks (or with 0 mends) one thing: those of simulator/plant/faults.py."""
        raise NotImplementedError

    def truth(self, name: str) -> int:
        """What the machine really did: `cup_mg`, `cup_ul`."""
        raise NotImplementedError

    def power_off(self) -> None:
        """Takes the board's supply away, its USB power too."""
        raise NotImplementedError

    def power_on(self) -> None:
        raise NotImplementedError


class EmulatedJig:
    """Around an emulated board. `held`: to be had before it is touched (Console.held)."""

    fixtures: ClassVar[Collection[str]] = ("pins", "machine", "power")

    def __init__(
        self, board: EmulatedBoard,
        held: contextlib.AbstractContextManager[object] | None = None,
    ) -> None:
        self._board = board
        self._held = held or contextlib.nullcontext()

    @contextlib.contextmanager
    def _its(self) -> Iterator[EmulatedBoard]:
        with self._held:
            yield self._board

    @property
    def now_us(self) -> float:
        # of this power-on, as edges are
        with self._its() as board:
            return board.chip.now_us

    def pin(self, number: int) -> int:
        with self._its() as board:
            return board.pin(number)

    def edges(self, number: int) -> list[tuple[float, int]]:
        with self._its() as board:
            return list(board.edges(number))

    def duty_permille(self, number: int) -> int:
        with self._its() as board:
            return board.duty_permille(number)

    def pwm_hz(self, number: int) -> float:
        with self._its() as board:
            channel = board.chip.mcu.pwm.channels[number >> 1 & 7]
            return 125e6 / (channel.top + 1) / (channel.div / 16)

    def drive(self, number: int, level: int | None) -> None:
        with self._its() as board:
            board.drive(number, level)

    def press(self, name: str, closed: bool = True) -> None:
        with self._its() as board:
            board.press(name, closed)

    def set(self, name: str, value: int) -> None:
        with self._its() as board:
            board.plant.set(name, value)

    def fault(self, name: str, value: int = 1) -> None:
        with self._its() as board:
            board.plant.fault(name, value)

    def truth(self, name: str) -> int:
        with self._its() as board:
            return int(board.plant.t[plant_words().T_NAMES.index(name)])

    def power_off(self) -> None:
        with self._its() as board:
            board.power_off()

    def power_on(self) -> None:
        with self._its() as board:
            board.power_on()
