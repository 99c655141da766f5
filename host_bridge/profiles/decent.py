"""Imports the JSON shot profiles that the Decent community shares (format version 2).

The form, as published profiles show it: numbers may be written as text, a step has `pump`
("pressure" or "flow"), `transition` ("fast" or "smooth"), `seconds`, `volume` (ml, 0 none),
`weight` (g, 0 none), at most one `exit` {type, condition, value} and a `limiter` {value, range}
on the quantity the step does not command. Pressures are bar, flows ml/s, temperatures °C.

What the machine cannot do is refused with every reason at once, never bent silently.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal, NamedTuple

import msgspec

NAME_LENGTH = 32  # docs/schemas/recipe.json
SMOOTH_S = 60  # both: docs/schemas/recipe.json
STEP_WEIGHT_G = 1000
STEP_VOLUME_NONE_ML = 400.0  # profiles write a figure no shot reaches where they mean "no limit"
ESPRESSO = ("espresso", "")
# finite and physical: "nan" and "1e999" are text a lax reader would take for numbers
Number = Annotated[float, msgspec.Meta(ge=0, le=10000)]


class Problem(NamedTuple):
    """One reason for a refusal: where in the file, and what to do about it."""

    field: str
    message: str


class ProfileRefused(ValueError):
    """The profile is malformed, or asks for what this machine cannot do."""

    def __init__(self, problems: list[Problem]) -> None:
        super().__init__("; ".join(f"{field}: {message}" for field, message in problems))
        self.problems = problems


class Exit(msgspec.Struct):
    type: Literal["pressure", "flow"]
    condition: Literal["over", "under"]
    value: Number


class Limiter(msgspec.Struct):
    value: Number
    range: Number = 0.0


class Step(msgspec.Struct):
    pump: Literal["pressure", "flow"]
    temperature: Number
    seconds: Number
    name: str = ""
    sensor: Literal["coffee", "water"] = "coffee"
    transition: Literal["fast", "smooth"] = "fast"
    pressure: Number | None = None
    flow: Number | None = None
    volume: Number = 0.0
    weight: Number = 0.0
    exit: Exit | None = None
    limiter: Limiter | None = None


class Profile(msgspec.Struct):
    title: str
    version: str
    steps: list[Step]
    beverage_type: str = ""
    target_weight: Number = 0.0
    target_volume: Number = 0.0
    target_volume_count_start: int = 0
    tank_temperature: Number = 0.0


def import_profile(
    raw: bytes, limits: dict[str, Any], one_temperature: bool = False
) -> dict[str, Any]:
    """Turn a shared profile into a recipe for `recipe.put`.

    Args:
        raw: the file's bytes, JSON.
        limits: the machine's `info.limits` (ranges as [lowest, highest], `phases_max`).
        one_temperature: accept steps of different temperatures and brew at their mean weighted
            by time. A boiler of water cannot follow steps of seconds; by default it is refused.

    Raises:
        ProfileRefused: with every problem found, each naming its field and the cure.
    """
    return _Import(_parse(raw), limits, one_temperature).recipe()


def _parse(raw: bytes) -> Profile:
    try:
        tree = msgspec.json.decode(raw)
        if isinstance(tree, dict) and isinstance(tree.get("version"), int | float):
            tree["version"] = f"{tree['version']:g}"
        return msgspec.convert(tree, Profile, strict=False)
    except msgspec.ValidationError as e:
        reason, _, path = str(e).partition(" - at `$")
        field = path.strip("`.") or "profile"
        raise ProfileRefused([Problem(field, f"{reason}; correct it in the file")]) from e
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError, OverflowError) as e:
        raise ProfileRefused([Problem("file", f"not JSON: {e}; export it again")]) from e


class _Import:
    def __init__(self, profile: Profile, limits: dict[str, Any], one_temperature: bool) -> None:
        self._profile = profile
        self._limits = limits
        self._one_temperature = one_temperature
        self._problems: list[Problem] = []

    def recipe(self) -> dict[str, Any]:
        self._check_whole()
        recipe = {
            "name": self._profile.title.strip()[:NAME_LENGTH] or "imported",
            "temp_mc": self._temperature(),
            "stop": self._stop(),
            "phases": [self._phase(n, s) for n, s in enumerate(self._profile.steps) if s.seconds],
        }
        if self._problems:
            raise ProfileRefused(self._problems)
        return recipe

    def _refuse(self, field: str, message: str) -> None:
        self._problems.append(Problem(field, message))

    def _check_whole(self) -> None:
        p = self._profile
        most = self._limits.get("phases_max", 0)
        if not most:
            self._refuse("steps", "this machine cannot follow profiles; use a volumetric recipe")
        elif len(p.steps) > most:
            self._refuse("steps", f"{len(p.steps)}, but this machine takes {most}; merge some")
        if not any(s.seconds for s in p.steps):
            self._refuse("steps", "every step lasts 0 s; give at least one a time")
        if p.version != "2":
            self._refuse("version", f"{p.version!r} is not '2'; export it in format version 2")
        if p.beverage_type not in ESPRESSO:
            self._refuse("beverage_type", f"{p.beverage_type!r}; only espresso is brewed here")
        if p.tank_temperature:
            self._refuse("tank_temperature", "this machine's tank is not heated; set it to 0")

    def _temperature(self) -> int:
        steps = [s for s in self._profile.steps if s.seconds]
        if not steps:
            return 0
        spread = max(s.temperature for s in steps) - min(s.temperature for s in steps)
        if spread and not self._one_temperature:
            self._refuse(
                "steps[].temperature",
                f"differs by {spread:g} °C between steps; a boiler holds one temperature per "
                "shot: make them equal, or import with one temperature (time-weighted mean)",
            )
        total_s = sum(s.seconds for s in steps)
        mean_c = sum(s.temperature * s.seconds for s in steps) / total_s
        return self._within("steps[].temperature", mean_c, "brew_mc", "°C") or 0

    def _stop(self) -> dict[str, int]:
        p = self._profile
        stop: dict[str, int] = {}
        if p.target_weight:
            self._put(stop, "weight_mg", "target_weight", p.target_weight, "weight_mg", "g")
        elif p.target_volume and p.target_volume_count_start:
            self._refuse(
                "target_volume_count_start",
                f"volume counted from step {p.target_volume_count_start}; this machine counts "
                "from the first drop pumped: set it to 0, or give target_weight",
            )
        elif p.target_volume:
            self._put(stop, "volume_ul", "target_volume", p.target_volume, "volume_ul", "ml")
        else:
            total_ms = round(sum(s.seconds for s in p.steps) * 1000)
            stop["time_ms"] = min(max(total_ms, 1000), 90000)
        return stop

    def _phase(self, n: int, step: Step) -> dict[str, Any]:
        at = f"steps[{n}]"
        if step.sensor == "water":
            self._refuse(f"{at}.sensor", "'water': this machine controls the group inlet; "
                         "set it to 'coffee'")
        phase: dict[str, Any] = {"name": step.name.strip()[:NAME_LENGTH] or f"step {n + 1}"}
        own, other = ("pressure", "flow") if step.pump == "pressure" else ("flow", "pressure")
        self._target(phase, at, own, step.pressure if own == "pressure" else step.flow)
        if step.transition == "smooth":
            if step.seconds > SMOOTH_S:
                self._refuse(f"{at}.seconds", f"{step.seconds:g} s; a smooth step lasts up to "
                             f"{SMOOTH_S} s: split it, or make it fast")
            phase["ramp_ms"] = round(step.seconds * 1000)
        if step.limiter and step.limiter.value:
            key = "limit_" + _UNITS[other].key
            self._quantity(phase, key, f"{at}.limiter.value", other, step.limiter.value)
        phase["exit"] = self._exit(at, step)
        return phase

    def _target(self, phase: dict[str, Any], at: str, own: str, value: float | None) -> None:
        if value is None:
            self._refuse(f"{at}.{own}", f"missing, but pump is {own!r}; add it")
        else:
            self._quantity(phase, _UNITS[own].key, f"{at}.{own}", own, value)

    def _exit(self, at: str, step: Step) -> dict[str, int]:
        leave = {"time_ms": round(step.seconds * 1000)}
        if not 0 < step.seconds <= 90:
            self._refuse(f"{at}.seconds", f"{step.seconds:g} s; a step lasts up to 90 s: split it")
        if 0 < step.volume < STEP_VOLUME_NONE_ML:
            leave["volume_ul"] = round(step.volume * 1000)
        if step.weight:
            if "weight_mg" not in self._limits:
                self._refuse(f"{at}.weight", "this machine has no scale; set it to 0")
            if step.weight > STEP_WEIGHT_G:
                self._refuse(f"{at}.weight", f"{step.weight:g} g; at most {STEP_WEIGHT_G} g, or 0")
            leave["weight_mg"] = round(step.weight * 1000)
        if step.exit:
            kind = _UNITS[step.exit.type]
            key = f"{step.exit.type}_{step.exit.condition}_{kind.suffix}"
            self._quantity(leave, key, f"{at}.exit.value", step.exit.type, step.exit.value)
        return leave

    def _quantity(
        self, into: dict[str, Any], key: str, field: str, kind: str, value: float
    ) -> None:
        self._put(into, key, field, value, _UNITS[kind].key, _UNITS[kind].unit)

    def _put(
        self, into: dict[str, Any], key: str, field: str, value: float, limit: str, unit: str
    ) -> None:
        checked = self._within(field, value, limit, unit)
        if checked is not None:
            into[key] = checked

    def _within(self, field: str, value: float, limit: str, unit: str) -> int | None:
        """`value` in thousandths of `unit`, or a problem noted and None."""
        if limit not in self._limits:
            what = limit.rsplit("_", 1)[0]
            self._refuse(field, f"this machine has no {what} control; remove it")
            return None
        low, high = self._limits[limit]
        thousandths = round(value * 1000)
        if low <= thousandths <= high:
            return thousandths
        self._refuse(
            field, f"{value:g} {unit} is outside {low / 1000:g}-{high / 1000:g} {unit}; change it"
        )
        return None


class _Unit(NamedTuple):
    key: str
    suffix: str
    unit: str


_UNITS = {
    "pressure": _Unit("pressure_mbar", "mbar", "bar"),
    "flow": _Unit("flow_ul_s", "ul_s", "ml/s"),
}
