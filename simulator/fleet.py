"""Several simulated machines together: from what the user wishes to jobs, and their running.

Names, faults and scenario are checked here, before anything starts.
"""

from __future__ import annotations

import math
import re
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from types import TracebackType
from typing import Any

from host_bridge.board.build import short_name
from host_bridge.board.errors import BoardError
from simulator.scenario import read_scenario
from simulator.supervisor import Board, Job

NAME = re.compile(r"[a-z0-9-]{1,32}")


class FleetRefused(ValueError):
    """A wish that cannot be fulfilled; the text names the option and the cure."""


@dataclass
class Wish:
    """The options of the command line, as they were typed."""

    models: list[str]
    names: list[str] = field(default_factory=list)
    count: int = 1
    broker: str | None = None
    speed: float = 1.0
    seed: int = 1
    faults: list[str] = field(default_factory=list)
    scenario: Path | None = None
    duration_s: float | None = None
    data: Path = Path("data/machines")


def make_jobs(wish: Wish) -> list[Job]:
    """One job for each machine wished for.

    Raises:
        FleetRefused: an unknown model, a bad or double name, a bad broker or fault.
        ScenarioRefused: the scenario file is wrong.
    """
    named = _names(wish)
    if wish.duration_s is not None and not math.isfinite(wish.duration_s * 1000):
        raise FleetRefused(
            f"--duration {wish.duration_s}: give seconds; leave it out to run without an end"
        )
    broker = _broker(wish.broker)
    scenario = read_scenario(wish.scenario, [n for n, _ in named]) if wish.scenario else None
    jobs = []
    for number, (name, model) in enumerate(named):
        steps = scenario.for_machine(name) if scenario else []
        if wish.duration_s is not None:
            steps = [*steps, (wish.duration_s * 1000, {"do": "stop"})]
        jobs.append(
            Job(
                model, name, wish.data / name, seed=wish.seed + number, mode="run",
                speed=wish.speed, broker=broker, faults=_faults(wish.faults, name, named),
                steps=steps,
            )
        )
    return jobs


def never_reached(wish: Wish, jobs: list[Job]) -> int:
    """How many steps of the scenario come after the end of the run."""
    end_ms = math.inf if wish.duration_s is None else wish.duration_s * 1000
    late = [step for job in jobs for ms, step in job.steps if ms > end_ms]
    return len({step["where"].rpartition(".")[0] for step in late})


def _names(wish: Wish) -> list[tuple[str, str]]:
    models = [_known(model) for model in wish.models]
    if wish.names and wish.count > 1:
        raise FleetRefused("--name names one machine; leave it out with --count")
    if wish.names and len(wish.names) != len(wish.models):
        raise FleetRefused(
            f"--name was given {len(wish.names)} times, --model {len(wish.models)} times; "
            "give one --name for each --model"
        )
    made = []
    for number, model in enumerate(models):
        for copy in range(wish.count):
            suffix = f"-{copy + 1}" if wish.count > 1 else ""
            usual = f"sim-{model}{suffix}".replace("_", "-")  # as names may be, folders may not
            made.append((wish.names[number] if wish.names else usual, model))
    for name, _ in made:
        if not NAME.fullmatch(name):
            raise FleetRefused(f"--name {name}: give 1 to 32 characters of a-z, 0-9 and -")
        if [n for n, _ in made].count(name) > 1:
            raise FleetRefused(f"--name {name}: two machines have it; use --name or --count")
    return made


def _known(model: str) -> str:
    try:
        return short_name(model)
    except BoardError as error:
        raise FleetRefused(f"--model: {error}") from error


def _broker(text: str | None) -> str | None:
    if text is None:
        return None
    host, _, port = text.rpartition(":")
    if not host or not port.isdecimal() or not 0 < int(port) < 65536:
        raise FleetRefused(f"--broker {text}: give host:port, for example 127.0.0.1:1883")
    if ":" in host:
        raise FleetRefused(f"--broker {text}: boards speak IPv4; give a name or an IPv4 address")
    return text


def _faults(texts: list[str], name: str, named: list[tuple[str, str]]) -> dict[str, int]:
    found: dict[str, int] = {}
    names = ", ".join(n for n, _ in named)
    for text in texts:
        whose, _, rest = text.rpartition(":")
        if whose and whose not in [n for n, _ in named]:
            raise FleetRefused(f"--fault {text}: no machine {whose}; this run has {names}")
        fault, number = named_fault(rest)
        if whose in ("", name):
            found[fault] = number
    return found


def named_fault(text: str) -> tuple[str, int]:
    """A fault and its value, from NAME (which is 1) or NAME=VALUE.

    Raises: FleetRefused: the value is no whole number.
    """
    name, _, value = text.partition("=")
    try:
        return name, int(value or 1)
    except ValueError:
        raise FleetRefused(f"--fault {text}: give a whole number as its value") from None


class Fleet:
    """The boards of several jobs, started and stopped together.

    Raises: FleetRefused: their data has no place.
    """

    def __init__(self, jobs: list[Job], on_event: Callable[[str, dict[str, Any]], None]) -> None:
        try:
            self.boards = {job.name: Board(job, partial(on_event, job.name)) for job in jobs}
        except OSError as error:
            raise FleetRefused(
                f"--data: {error.filename} cannot be used ({error.strerror}); "
                "give another folder"
            ) from error

    def __enter__(self) -> Fleet:
        try:
            for board in self.boards.values():
                board.start()
        except BaseException:
            self.close()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def running(self) -> bool:
        """False when every machine has come to the end of its duration."""
        return any(board.alive for board in self.boards.values())

    def close(self) -> None:
        """Stops all at once, each keeping its flash and plant."""
        closers = [threading.Thread(target=board.close) for board in self.boards.values()]
        for closer in closers:
            closer.start()
        for closer in closers:
            closer.join(10)
