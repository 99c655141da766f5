"""A simulated coffee machine for tests and tools: press, break, run, look.

    with Machine("1900", seed=3) as machine:
        machine.run(ms=200_000)          # heat up
        machine.press("brew")
        machine.run(ms=40_000)
        print(machine.read()["live"]["state"], machine.read()["truth"])

Virtual time only; the firmware inside is the real one on the real MicroPython.
"""

from __future__ import annotations

import array
import contextlib
import json
import shutil
import tempfile
import time
from pathlib import Path
from types import TracebackType
from typing import Any

from simulator.supervisor import Board, BoardDied, Job

HALF_CYCLE_MS = 10


class Machine:
    """One machine, standing still between calls of `run` (mode "step").

    Args:
        model: "1900" or "2900".
        seed: of noise, puck and grind; the same seed and calls give the same bits.
        broker: "host:port" of a real MQTT broker; None attaches no network.
        data: folder for flash and plant state; None: a temporary one, removed by close().
        faults: name → value, standing from the start.
        mode: "step" or "run" (goes by itself at `speed`, 0: as fast as possible).
        config: settings provisioned into the firmware, beside name and broker.
        files: name → text of files put on its flash, such as the site's CA.
        serial: the board's UART ends in a pseudo-terminal, `board.serial_port`.
        firmware, main: another folder of modules, another main.py: for tests of parts.
    """

    def __init__(
        self,
        model: str = "1900",
        *,
        seed: int = 1,
        mode: str = "step",
        speed: float = 0,
        broker: str | None = None,
        data: Path | str | None = None,
        name: str | None = None,
        faults: dict[str, int] | None = None,
        config: dict[str, Any] | None = None,
        files: dict[str, str] | None = None,
        serial: bool = False,
        firmware: Path | None = None,
        main: Path | None = None,
    ) -> None:
        self._temporary = None if data else tempfile.mkdtemp(prefix="coffee-")
        folder = Path(data or self._temporary or ".")
        job = Job(
            model, name or f"sim-{model}", folder, seed, mode, speed, broker, faults or {},
            config or {}, files or {}, serial, main=main,
        )
        if firmware:
            job.firmware = firmware
        try:
            self.board = Board(job)
            self.board.start()
        except BaseException:
            if self._temporary:
                shutil.rmtree(self._temporary, ignore_errors=True)
            raise
        self._world_ms: float = self.board.events[-1]["world_ms"]

    def __enter__(self) -> Machine:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    # --- time
    def run(self, ms: float) -> list[dict[str, Any]]:
        """Lets so many virtual milliseconds pass, over resets too.

        Returns: what happened meanwhile (resets, a main that ended), oldest first.
        """
        seen = len(self.board.events)
        until = self._world_ms + ms
        while self._world_ms < until:
            try:
                reply = self.board.request("run", ms=until - self._world_ms, timeout_s=3600)
                self._world_ms = until
                until = min(until, reply["world_ms"])
            except BoardDied:
                self._catch_up()
        return self.board.events[seen:]

    def run_until(
        self, what: str, value: Any, limit_ms: float = 600_000, step_ms: int = 100
    ) -> int:
        """Runs until `live` shows value under the name `what`; the virtual ms that took.

        Raises:
            TimeoutError: it did not happen within limit_ms.
        """
        gone = 0
        while (found := (self.live() or {}).get(what)) != value:  # no Live yet: it only starts
            if gone >= limit_ms:
                raise TimeoutError(f"{what} is {found}, not {value}, after {gone} ms")
            self.run(step_ms)
            gone += step_ms
        return gone

    @property
    def world_ms(self) -> float:
        """Virtual time since the machine was made, over all resets."""
        return self._world_ms

    # --- hands
    def press(self, button: str, ms: int = 200) -> None:
        """Holds a button ("brew", "water", "steam") for so long."""
        self._ask("press", what=button, ms=ms)

    def set(self, name: str, value: int) -> None:
        """A switch or a state of the machine: cup, tank, tray, door, hopper, remote, grind, …"""
        self._ask("set", name=name, value=value)

    def fault(self, name: str, value: int = 1) -> None:
        """Breaks something; `names` lists what."""
        self._ask("fault", name=name, value=value)

    def clear(self, name: str) -> None:
        """Mends it."""
        self._ask("fault", name=name, value=0)

    def reset(self) -> None:
        """Power off and on."""
        self.power_cut()

    def power_cut(self, after_flash_ops: int = 0) -> None:
        """Now, or in the middle of the nth flash operation (page or sector) from now."""
        if after_flash_ops:
            self._ask("power_cut", after_flash_ops=after_flash_ops)
            return
        with contextlib.suppress(BoardDied):
            self.board.request("power_cut")
        self._catch_up()

    # --- eyes
    def read(self, collect: bool = False) -> dict[str, Any]:
        """Truth of the plant, outputs, sensors, pins, the firmware's Live, counters.

        Args:
            collect: run a garbage collection first, so heap_free is what is really free.
        """
        found = self._ask("read", collect=collect)
        del found["ok"]
        return found

    def live(self) -> dict[str, Any]:
        """The firmware's own readings (attributes of live.Live)."""
        found: dict[str, Any] = self.read()["live"]
        return found

    def truth(self) -> dict[str, int]:
        """The plant's true state."""
        found: dict[str, int] = self.read()["truth"]
        return found

    def half_cycles(self, last: int = 32768) -> list[tuple[int, int]]:
        """(brew, steam) SSR states at the last zero crossings, oldest first; 10 ms each."""
        path = self.board.job.data.resolve() / "half_cycles.bin"
        total = self._ask("half_cycles", path=str(path))["total"]
        ring = path.read_bytes()
        n = min(last, total, len(ring))
        at = total % len(ring)
        newest_last = ring[at:] + ring[:at]
        return [(b & 1, b >> 1) for b in newest_last[len(ring) - n :]]

    def trace(self, path: Path | str, hz: int = 10) -> None:
        """Records truth, outputs and readings at 10 or 100 Hz from now on; see read_trace."""
        path = Path(path).resolve()
        path.unlink(missing_ok=True)
        every = 1000 // hz // HALF_CYCLE_MS
        self.board.trace = {"trace": str(path), "trace_every": every}
        self._ask("trace", path=str(path), every=every)

    def stop_trace(self) -> None:
        self.board.trace = {}
        self._ask("trace", path=None, every=0)

    def names(self) -> dict[str, Any]:
        """{"faults": {name: what its value means}, "settings": [names for set()]}."""
        found = self._ask("names")
        del found["ok"]
        return found

    @property
    def resets(self) -> list[str]:
        """Causes of all resets so far."""
        return [e["cause"] for e in self.board.events if e["event"] == "reset"]

    def console(self) -> str:
        """What the firmware printed."""
        return self.board.console()

    def close(self) -> None:
        self.board.close()
        if self._temporary:
            shutil.rmtree(self._temporary, ignore_errors=True)

    # --- inside
    def _ask(self, do: str, **what: Any) -> dict[str, Any]:
        try:
            return self.board.request(do, **what)
        except BoardDied:
            self._catch_up()
            return self.board.request(do, **what)

    def _catch_up(self) -> None:
        # the line may still be that of the life that just ended
        for _ in range(100):
            with contextlib.suppress(BoardDied):
                self._world_ms = self.board.request("read")["world_ms"]
                return
            time.sleep(0.05)
        raise BoardDied("the board keeps dying:\n" + self.console())


def read_trace(path: Path | str) -> dict[str, list[int]]:
    """The columns of a recording: world_ms, u_* outputs, t_* truth, live_* readings."""
    with Path(path).open("rb") as f:
        names = json.loads(f.readline())
        rows = array.array("i", f.read())
    width = len(names)
    return {name: list(rows[i::width]) for i, name in enumerate(names)}
