"""A scenario file: what happens to which machine at which virtual second.

    # brews, then someone takes the cup away and the heater grows weak
    [[step]]
    at_s = 240
    press = "brew"

    [[step]]
    at_s = 300
    machine = "sim-1900"          # left out: every machine
    set = { cup = 0 }
    fault = { scale_heater_brew = 500 }

    [[step]]
    at_s = 400
    clear = ["scale_heater_brew"]
    power_cut = true

Times count from the start of the run and go on over resets of the machine.
"""

from __future__ import annotations

import math
import tomllib
from pathlib import Path
from typing import Any

import msgspec


class Step(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    """One moment. Several actions in one step happen in the order of these fields.

    Args:
        at_s: virtual seconds since the start of the run.
        machine: its name; None: all.
        set: switches and states, name → value.
        press: a button, held for `hold_ms`.
        fault: name → value.
        clear: faults that end.
        speed: simulated seconds a second from now on, 0: as fast as possible.
        power_cut_after_flash_ops: the power fails in the nth flash operation from now.
        power_cut: power off and on again.
    """

    at_s: float
    machine: str | None = None
    set: dict[str, int] = {}
    press: str | None = None
    hold_ms: int = 200
    fault: dict[str, int] = {}
    clear: list[str] = []
    speed: float | None = None
    power_cut_after_flash_ops: int = 0
    power_cut: bool = False

    def requests(self) -> list[dict[str, Any]]:
        """The same in the words of the board's control line."""
        found: list[dict[str, Any]] = [
            {"do": "set", "name": name, "value": value} for name, value in self.set.items()
        ]
        if self.press:
            found.append({"do": "press", "what": self.press, "ms": self.hold_ms})
        found += [{"do": "fault", "name": n, "value": v} for n, v in self.fault.items()]
        found += [{"do": "fault", "name": name, "value": 0} for name in self.clear]
        if self.speed is not None:
            found.append({"do": "speed", "value": self.speed})
        if self.power_cut_after_flash_ops:
            found.append({"do": "power_cut", "after_flash_ops": self.power_cut_after_flash_ops})
        if self.power_cut:
            found.append({"do": "power_cut"})
        return found


class Scenario(msgspec.Struct, forbid_unknown_fields=True):
    """The whole file."""

    step: list[Step] = []

    def for_machine(self, name: str) -> list[tuple[float, dict[str, Any]]]:
        """(virtual ms, request) of one machine, in order of time."""
        mine = [step for step in self.step if step.machine in (None, name)]
        return [
            (step.at_s * 1000, request)
            for step in sorted(mine, key=lambda step: step.at_s)
            for request in step.requests()
        ]


class ScenarioRefused(ValueError):
    """The file cannot be a scenario; the text names the place and the cure."""


def read_scenario(path: Path, machines: list[str]) -> Scenario:
    """Reads and checks a scenario file.

    Raises:
        ScenarioRefused: no TOML, an unknown field, a wrong type or an unknown machine.
    """
    try:
        scenario = msgspec.convert(tomllib.loads(path.read_text()), Scenario)
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as e:
        raise ScenarioRefused(f"{path}: {e}") from e
    except msgspec.ValidationError as e:
        fields = ", ".join(Step.__struct_fields__)
        raise ScenarioRefused(f"{path}: {e}; a step has the fields {fields}") from e
    for number, step in enumerate(scenario.step):
        if step.machine is not None and step.machine not in machines:
            raise ScenarioRefused(
                f"{path}: $.step[{number}].machine is {step.machine!r}; this run has "
                + ", ".join(machines)
            )
        for name, figure in (("at_s", step.at_s), ("speed", step.speed or 0)):
            if not 0 <= figure < math.inf:
                raise ScenarioRefused(
                    f"{path}: $.step[{number}].{name} is {figure}; give a number from 0 on"
                )
        if not step.requests():
            raise ScenarioRefused(f"{path}: $.step[{number}] does nothing; add press, set, …")
    return scenario
