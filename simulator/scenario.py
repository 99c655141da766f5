"""A scenario file: what happens to which machine at which virtual second.

    # brews, then someone takes the cup away and the heater grows weak
    [[step]]
    at_s = 240
    press = "brew"

    [[step]]
    at_s = 300
    machine = "sim-1900"          # left out: every machine
    set = { cup = 0 }
    fault = { scaled_heater_brew = 500 }

    [[step]]
    at_s = 400
    clear = ["scaled_heater_brew"]
    power_cut = true

Times count from the start of the run and go on over resets of the machine.
"""

from __future__ import annotations

import math
import tomllib
from pathlib import Path
from typing import Annotated, Any

import msgspec

SLOWEST, FASTEST = 0.001, 1_000_000.0
"""Simulated seconds a second. Beyond, a machine's count of how far it is ahead overflows."""
A_SPEED = f"give a number from {SLOWEST:g} to {FASTEST:.0f}"


class Step(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    """One moment. Several actions in one step happen in the order of these fields.

    Args:
        at_s: virtual seconds since the start of the run.
        machine: its name; None: all.
        set: switches and states, name → value.
        press: a button, held for `hold_ms`.
        fault: name → value; `puck_step` also takes [permille, ms].
        clear: faults that end.
        speed: simulated seconds a second from now on, 0: as fast as possible.
        power_cut_after_flash_ops: the power fails in the nth flash operation from now.
        power_cut: power off and on again.
    """

    at_s: float
    machine: str | None = None
    set: dict[str, int] = {}
    press: str | None = None
    hold_ms: Annotated[int, msgspec.Meta(ge=1, le=3_600_000)] = 200
    fault: dict[str, int | list[int]] = {}
    clear: list[str] = []
    speed: float | None = None
    power_cut_after_flash_ops: Annotated[int, msgspec.Meta(ge=0)] = 0
    power_cut: bool = False

    def requests(self) -> list[tuple[str, dict[str, Any]]]:
        """The same in the words of the board's control line, each with the field it stands in."""
        found: list[tuple[str, dict[str, Any]]] = [
            ("set", {"do": "set", "name": name, "value": value})
            for name, value in self.set.items()
        ]
        if self.press is not None:
            found.append(("press", {"do": "press", "what": self.press, "ms": self.hold_ms}))
        found += [
            ("fault", {"do": "fault", "name": n, "value": v}) for n, v in self.fault.items()
        ]
        found += [("clear", {"do": "fault", "name": name, "value": 0}) for name in self.clear]
        if self.speed is not None:
            found.append(("speed", {"do": "speed", "value": self.speed}))
        if ops := self.power_cut_after_flash_ops:
            cut = {"do": "power_cut", "after_flash_ops": ops}
            found.append(("power_cut_after_flash_ops", cut))
        if self.power_cut:
            found.append(("power_cut", {"do": "power_cut"}))
        return found


class Scenario(msgspec.Struct, forbid_unknown_fields=True):
    """The whole file."""

    step: list[Step] = []

    def for_machine(self, name: str) -> list[tuple[float, dict[str, Any]]]:
        """(virtual ms, request) of one machine, in order of time. `where` in the request is its
        place in the file, for whoever must be told that it was refused."""
        mine = [(n, step) for n, step in enumerate(self.step) if step.machine in (None, name)]
        return [
            (step.at_s * 1000, request | {"where": f"$.step[{n}].{field}"})
            for n, step in sorted(mine, key=lambda pair: pair[1].at_s)
            for field, request in step.requests()
        ]


class ScenarioRefused(ValueError):
    """The file cannot be a scenario; the text names the place and the cure."""


def read_scenario(path: Path, machines: list[str]) -> Scenario:
    """Reads and checks a scenario file.

    Raises:
        ScenarioRefused: no TOML, an unknown field, a wrong type or an unknown machine.
    """
    try:
        # utf-8-sig: some editors put a mark before the text that no one sees
        scenario = msgspec.convert(tomllib.loads(path.read_text("utf-8-sig")), Scenario)
    except OSError as e:
        raise ScenarioRefused(
            f"--scenario {path}: cannot be read ({e.strerror}); give a readable file"
        ) from e
    except UnicodeDecodeError as e:
        raise ScenarioRefused(
            f"{path}: not UTF-8 at byte {e.start}; save the file as UTF-8"
        ) from e
    except tomllib.TOMLDecodeError as e:
        raise ScenarioRefused(f"{path}: not TOML: {e}; correct that line") from e
    except msgspec.ValidationError as e:
        fields = ", ".join(Step.__struct_fields__)
        raise ScenarioRefused(f"{path}: {e}; a step has the fields {fields}") from e
    for number, step in enumerate(scenario.step):
        if wrong := _wrong(step, machines):
            raise ScenarioRefused(f"{path}: $.step[{number}]{wrong}")
    return scenario


def is_speed(figure: float) -> bool:
    """Whether a run can keep it; 0, as fast as possible, has no pace to keep."""
    return SLOWEST <= figure <= FASTEST


def _wrong(step: Step, machines: list[str]) -> str | None:
    """What stands against a step of the right form, beginning with its field."""
    if step.machine is not None and step.machine not in machines:
        return f".machine is {step.machine!r}; this run has {', '.join(machines)}"
    if not 0 <= step.at_s * 1000 < math.inf:  # it becomes milliseconds
        return f".at_s is {step.at_s}; give a number, 0 or above"
    if step.speed and not is_speed(step.speed):
        return f".speed is {step.speed}; {A_SPEED}, or 0: as fast as possible"
    for name, value in step.fault.items():
        if isinstance(value, list) and (name != "puck_step" or len(value) != 2):
            return f".fault.{name} is {value}; give a number (puck_step: or [permille, ms])"
    return None if step.requests() else " does nothing; add press, set, …"
