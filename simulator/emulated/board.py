"""A machine with an emulated controller: power, hands, faults, console, and what its pins do."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from simulator.emulated import repl
from simulator.emulated.chip import FLASH_BYTES, Chip
from simulator.emulated.filesystem import filesystem
from simulator.emulated.image import RADIO, storage_bytes
from simulator.emulated.meter import Cost, Meter
from simulator.emulated.radio import Radio
from simulator.emulated.uart import Uart
from simulator.emulated.wires import Wires

ROOT = Path(__file__).resolve().parents[2]
IMAGES = ROOT / "build" / "image"


class PowerCut(RuntimeError):
    """The board has no power: power_on() it."""


def image_of(model: str) -> Path:
    """Where `make image` puts the image of this model that the emulator runs.

    Raises:
        FileNotFoundError: it was not built yet; the text says how to.
    """
    path = IMAGES / f"{model}.uf2"
    if not path.exists():
        radio = model.endswith("-wifi")
        board = model.removesuffix("-wifi")
        how = f"make image BOARD={board}" + ' ARGS="--micropython FOLDER"' * radio
        raise FileNotFoundError(f"{path}: no image yet; build it with: {how} (docs/boards.md)")
    return path


class EmulatedBoard:
    """The controller, its machine and the person before it.

    Args:
        model: "1900", "2900": names the folder boards/coffee_<model>.
        flash: 2 MiB file that keeps the flash chip; None: a new one, forgotten at the end. It is
            written at close() and when the power goes.
        seed: of the plant and of what stands in RAM at power-on.
        image: UF2 to run; None: the model's, from `make image`.
        files: what a new flash holds, path → content; None: erased, the firmware formats it.

    Attributes:
        plant: simulator.plant.Plant: .y, .t, .fault(name, value), .set(name, value).
        resets: causes of all resets so far: "power", "watchdog", "software".
        on_text: gets the console's bytes as they come.
        radio: simulator.emulated.radio.Radio; None: a board without, as its image is.
    """

    def __init__(
        self, model: str, flash: Path | None = None, seed: int = 1, image: Path | None = None,
        files: Mapping[str, bytes] | None = None,
    ) -> None:
        self.model = model
        self.image = image or image_of(model)
        self.wires = Wires(model, seed)
        self.plant = self.wires.plant
        self.resets: list[str] = []
        self.on_text: Callable[[bytes], None] = lambda data: None
        self._flash_file = flash
        self._stored = flash.read_bytes() if flash and flash.exists() else None
        if self._stored is None and files is not None:
            self._stored = filesystem(files, storage_bytes(self.image)).rjust(
                FLASH_BYTES, b"\xff")
        self._seed = seed
        self._text = bytearray()
        self._uarts: dict[int, Uart] = {}
        self._before_us = 0.0
        self._operations_before = 0
        self.radio: Radio | None = None
        self.powered = False
        self.power_on()

    # --- power
    def power_on(self) -> None:
        """Cold boot with the flash as it is; RAM holds noise."""
        if self.powered:
            return
        self.chip = Chip(self.image, self._stored, self._print, self._was_reset,
                         self._seed + len(self.resets))
        self.wires.attach(self.chip)
        for uart in self._uarts.values():
            uart.attach(self.chip)
        if RADIO in bytes(self.chip.mcu.flash[:FLASH_BYTES]):
            self.radio = self.radio or Radio()
            self.radio.attach(self.chip)
        self.powered = True
        self.resets.append("power")

    def power_off(self) -> None:
        """Pulls the plug. What the flash holds is kept, all else is gone."""
        if not self.powered:
            return
        self.powered = False
        self._before_us += self.chip.now_us
        self._operations_before += self.chip.flash.operations
        self._stored = bytes(self.chip.mcu.flash[:FLASH_BYTES])
        if self._flash_file:
            self._flash_file.write_bytes(self._stored)
        self.wires.dark()
        if self.radio:
            self.radio.dark()

    def power_cut(self, after_flash_operation: int) -> None:
        """Lets the power fail as the flash is about to do its next erase or program after so many.

        run() then returns early and `powered` is False.
        """
        self.chip.flash.cut_after(after_flash_operation, self.chip.stop)

    def close(self) -> None:
        """Switches off and stores the flash."""
        self.power_off()

    def __enter__(self) -> EmulatedBoard:
        return self

    def __exit__(self, *error: object) -> None:
        self.close()

    # --- time
    @property
    def now_us(self) -> float:
        """Simulated time with power, over all power cycles and resets."""
        return self._before_us + (self.chip.now_us if self.powered else 0.0)

    def run(self, ms: float) -> None:
        """Lets simulated milliseconds pass; stops early at an armed power cut.

        Raises:
            PowerCut: there is no power to begin with.
        """
        if not self.powered:
            raise PowerCut("the board is off; power_on() it first")
        self.chip.run(ms * 1000)
        if self.chip.flash.dead:
            self.power_off()

    def run_until(self, true: Callable[[], bool], ms: float, step_ms: float = 10) -> bool:
        """Lets time pass until something holds; False when `ms` were not enough."""
        end = self.now_us + ms * 1000
        while not true():
            if self.now_us >= end or not self.powered:
                return False
            self.run(step_ms)
        return True

    # --- pins and hands
    def pin(self, number: int) -> int:
        """1 while the chip drives this pin high."""
        return self.wires.level(number)

    def duty_permille(self, number: int) -> int:
        """PWM duty the chip gives on this pin."""
        return self.wires.duty_permille(number)

    def edges(self, number: int) -> list[tuple[float, int]]:
        """(us since power-on, level) of each change the chip made on this pin."""
        return self.wires.log[number]

    def drive(self, number: int, level: int | None) -> None:
        """Holds an input at a level, against what the machine would show; None lets go."""
        if level is None:
            self.wires.held.pop(number, None)
        else:
            self.wires.held[number] = level
            self.wires._show(number, level)
        self.wires.refresh()

    def press(self, name: str, closed: bool = True) -> None:
        """A button ("brew", "water", "steam") or the key ("remote") of the front panel.

        Raises:
            KeyError: this machine has none of that name.
        """
        if name not in self.wires.hands:
            raise KeyError(f"{name}: this machine has {', '.join(self.wires.hands)}")
        self.wires.hands[name] = closed
        self.wires.refresh()

    # --- what it cost
    @property
    def cycles(self) -> int:
        """Clock cycles spent awake since this power-on."""
        return self.chip.cycles

    @property
    def flash_operations(self) -> int:
        """Erases and page programs so far."""
        return self._operations_before + (self.chip.flash.operations if self.powered else 0)

    @contextmanager
    def measure(self) -> Iterator[Meter]:
        """A meter over this chip: exact instructions and cycles, by function (meter.py)."""
        meter = Meter(self.chip, self.image.with_suffix(".elf"))
        try:
            yield meter
        finally:
            meter.close()

    # --- console and lines
    def console(self) -> bytes:
        """Everything printed so far."""
        return bytes(self._text)

    def type(self, data: bytes) -> None:
        """Keys at the console."""
        self.chip.type(data)

    def exec(self, code: str, ms: float = 10_000) -> str:
        """Runs code at the raw REPL, interrupting what runs; returns what it printed.

        Raises:
            repl.ReplError: it raised, or did not end within `ms` of simulated time.
        """
        return repl.run(self, code, ms)

    def uart(self, number: int) -> Uart:
        """The line at UART 0 or 1."""
        if number not in self._uarts:
            self._uarts[number] = Uart(number)
            self._uarts[number].attach(self.chip)
        return self._uarts[number]

    def _print(self, data: bytes) -> None:
        self._text += data
        self.on_text(data)

    def _was_reset(self, cause: str) -> None:
        self.resets.append(cause)


__all__ = ("Cost", "EmulatedBoard", "PowerCut", "image_of")
