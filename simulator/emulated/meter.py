"""What code costs on the emulated chip: instructions and cycles, exact and repeatable, by C
function and by the Python function they work for. Needs the image's ELF file for the names.

The emulator is stepped one instruction at a time here, so this is for milliseconds, not minutes.
"""

from __future__ import annotations

from bisect import bisect_right
from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from elftools.elf.elffile import ELFFile

from simulator.emulated.chip import Chip

CYCLE_NS = 8.0
TIMER_IRQ = 16  # exception number of the first of four timer interrupts
PYTHON_ENTRIES = ("fun_bc_call", "fun_native_call", "fun_viper_call")
CODE_WORD = 12  # offset of the code pointer in a function object (py/objfun.h)


@dataclass
class Cost:
    """Of one stretch of code.

    Attributes:
        functions: cycles by C function.
        python: cycles by Python function, callees included; recursion counts once a level.
        calls: how often each Python function was entered.
    """

    instructions: int = 0
    cycles: int = 0
    functions: dict[str, int] = field(default_factory=lambda: defaultdict(int))
    python: dict[str, int] = field(default_factory=lambda: defaultdict(int))
    calls: dict[str, int] = field(default_factory=lambda: defaultdict(int))

    @property
    def us(self) -> float:
        """At 125 MHz."""
        return self.cycles * CYCLE_NS / 1000


class Symbols:
    """Names by address out of an ELF file."""

    def __init__(self, elf: Path) -> None:
        with elf.open("rb") as f:
            table: Any = ELFFile(f).get_section_by_name(".symtab")
            found = sorted(
                {(s["st_value"] & ~1 if s["st_info"]["type"] == "STT_FUNC" else s["st_value"],
                  s["st_size"], s.name)
                 for s in table.iter_symbols() if s["st_size"]}
            )
        self._starts = [start for start, _, _ in found]
        self._found: list[tuple[int, int, str]] = found
        self.addresses = {name: start for start, _, name in found}

    def name(self, address: int) -> str:
        """The symbol that holds an address, or "?"."""
        at = bisect_right(self._starts, address) - 1
        if at >= 0:
            start, size, name = self._found[at]
            if address < start + size:
                return name
        return "?"


class Meter:
    """Steps a chip and books what it does."""

    def __init__(self, chip: Chip, elf: Path) -> None:
        self._chip = chip
        self._core = chip.mcu.core
        self._clock = chip.clock
        self.symbols = Symbols(elf)
        self._entries = {self.symbols.addresses[n] for n in PYTHON_ENTRIES
                         if n in self.symbols.addresses}
        self._names: dict[int, str] = {}

    def close(self) -> None:
        """The chip may run freely again."""

    def step(self) -> int:
        """One instruction, or sleep until the next event. Returns the cycles (0: slept)."""
        core = self._core
        if core.waiting:
            self._clock.tick(self._clock.nanos_to_next_alarm)
            return 0
        cycles = int(core.execute_instruction())
        self._clock.tick(cycles * CYCLE_NS)
        return cycles

    def run_to(self, here: Callable[[], bool], ms: float = 1000) -> bool:
        """Steps until something holds; False when it does not within simulated milliseconds."""
        end = self._clock.nanos + ms * 1e6
        while not here():
            if self._clock.nanos > end:
                return False
            self.step()
        return True

    def interrupt(self, exception: int | None = None, ms: float = 1000) -> Cost:
        """The next timer interrupt from entry to return, what interrupts it included.

        Raises:
            TimeoutError: none came.
        """
        core = self._core
        wanted = range(TIMER_IRQ, TIMER_IRQ + 4) if exception is None else (exception,)
        if not self.run_to(lambda: core.ipsr in wanted, ms):
            raise TimeoutError(f"no timer interrupt within {ms:g} ms")
        return self._book(lambda: core.ipsr == 0)

    def call(self, function: str, ms: float = 1000) -> Cost:
        """The next call of a C function, from its first instruction to its return.

        Raises:
            TimeoutError: it was not called.
        """
        core = self._core
        start = self.symbols.addresses[function]
        if not self.run_to(lambda: core.pc == start, ms):
            raise TimeoutError(f"{function} was not called within {ms:g} ms")
        back, depth = core.registers[14] & ~1, core.sp
        return self._book(lambda: core.pc == back and core.sp >= depth)

    def _book(self, over: Callable[[], bool]) -> Cost:
        cost, core, name = Cost(), self._core, self._name
        stack: list[tuple[str, int, int, int]] = []  # Python function, return, sp, cycles then
        while not over():
            pc = core.pc
            if pc in self._entries:
                who = self._python_name()
                stack.append((who, core.registers[14] & ~1, core.sp, cost.cycles))
                cost.calls[who] += 1
            while stack and pc == stack[-1][1] and core.sp >= stack[-1][2]:
                who, _, _, then = stack.pop()
                cost.python[who] += cost.cycles - then
            cycles = self.step()
            cost.instructions += cycles > 0
            cost.cycles += cycles
            cost.functions[name(pc)] += cycles
        for who, _, _, then in stack:
            cost.python[who] += cost.cycles - then
        return cost

    def _name(self, pc: int) -> str:
        if pc not in self._names:
            self._names[pc] = self.symbols.name(pc)
        return self._names[pc]

    def _python_name(self) -> str:
        mcu: Any = self._chip.mcu
        code = mcu.read_uint32(mcu.core.registers[0] + CODE_WORD)
        return self._name(code).removeprefix("fun_data_")
