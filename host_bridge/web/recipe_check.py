"""What is wrong with a recipe, by the limits its machine published, before it is sent. The machine
checks again and has the last word. No HTML and no widgets.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

Recipe = Mapping[str, Any]
Limits = Mapping[str, Any]

NAME_LENGTH = 32
PHASE_LIMIT_MS = 90_000
PAUSE_LIMIT_MS = 60_000


@dataclass(frozen=True)
class Problem:
    """`field` as a path into the recipe (`phases[2].exit.time_ms`); the message ends in a cure."""

    field: str
    message: str


@dataclass(frozen=True)
class Quantity:
    """How a number of the contract is written for people: thousandths of `unit`."""

    name: str
    unit: str
    limit: str | None = None
    """Which of the machine's limits bounds it."""
    most: int = PHASE_LIMIT_MS


QUANTITIES = {
    "temp_mc": Quantity("Temperature", "°C", "brew_mc"),
    "volume_ul": Quantity("Volume", "ml", "volume_ul"),
    "weight_mg": Quantity("Weight", "g", "weight_mg"),
    "time_ms": Quantity("Time", "s"),
    "ramp_ms": Quantity("Ramp", "s", most=PAUSE_LIMIT_MS),
    "dose_ms": Quantity("Grind for", "s", most=PAUSE_LIMIT_MS),
    "preinfusion_ms": Quantity("Pre-infusion", "s", most=PAUSE_LIMIT_MS),
    "preinfusion_ul": Quantity("Pre-infusion", "ml", most=100_000),
    "soak_ms": Quantity("Soak", "s", most=PAUSE_LIMIT_MS),
    "pressure_mbar": Quantity("Pressure", "bar", "pressure_mbar"),
    "flow_ul_s": Quantity("Flow", "ml/s", "flow_ul_s"),
    "limit_pressure_mbar": Quantity("Max. pressure", "bar", "pressure_mbar"),
    "limit_flow_ul_s": Quantity("Max. flow", "ml/s", "flow_ul_s"),
    "pressure_over_mbar": Quantity("Pressure above", "bar", "pressure_mbar"),
    "pressure_under_mbar": Quantity("Pressure below", "bar", "pressure_mbar"),
    "flow_over_ul_s": Quantity("Flow above", "ml/s", "flow_ul_s"),
    "flow_under_ul_s": Quantity("Flow below", "ml/s", "flow_ul_s"),
}

EXITS = (
    "time_ms",
    "volume_ul",
    "weight_mg",
    "pressure_over_mbar",
    "pressure_under_mbar",
    "flow_over_ul_s",
    "flow_under_ul_s",
)
"""What may end a phase."""


def bounds(key: str, limits: Limits, inside_phase: bool = False) -> tuple[int, int] | None:
    """Lowest and highest value of `key` on this machine; None when it cannot do that at all.

    Inside a phase a volume or weight may be smaller than the least yield of a shot.
    """
    quantity = QUANTITIES[key]
    if quantity.limit is None:
        return 0, quantity.most
    if quantity.limit not in limits:
        return None
    low, high = limits[quantity.limit]
    return (0 if inside_phase and key in ("volume_ul", "weight_mg") else low), high


def problems(recipe: Recipe, limits: Limits) -> list[Problem]:
    """Everything wrong at once, in reading order; empty when the machine should take it."""
    return list(_profile(recipe, limits) if "phases" in recipe else _volumetric(recipe, limits))


def _volumetric(recipe: Recipe, limits: Limits) -> Iterator[Problem]:
    yield from _name(recipe)
    yield from _number(recipe, "temp_mc", "", limits, needed=True)
    yield from _number(recipe, "volume_ul", "", limits, needed=True)
    for key in ("preinfusion_ms", "preinfusion_ul", "soak_ms"):
        yield from _number(recipe, key, "", limits)
    if "preinfusion_ms" in recipe and "preinfusion_ul" in recipe:
        yield Problem("preinfusion_ul", "Either by time or by volume; empty one of them")
    if (recipe.get("preinfusion_ul") or 0) > (recipe.get("volume_ul") or 0):
        yield Problem("preinfusion_ul", "More than the whole shot; give less")


def _profile(recipe: Recipe, limits: Limits) -> Iterator[Problem]:
    most = limits.get("phases_max", 0)
    if not most:
        yield Problem("phases", "This machine follows no profiles; write a volumetric recipe")
        return
    yield from _name(recipe)
    yield from _number(recipe, "temp_mc", "", limits, needed=True)
    yield from _number(recipe, "dose_ms", "", limits)
    stop = recipe.get("stop") or {}
    if not stop:
        yield Problem("stop", "Nothing ends the shot; give a weight, a volume or a time")
    for key in stop:
        yield from _number(stop, key, "stop.", limits)
    if stop.get("time_ms", 1000) < 1000:
        yield Problem("stop.time_ms", "A shot lasts at least 1 s; give more")
    phases = recipe["phases"]
    if not 1 <= len(phases) <= most:
        yield Problem("phases", f"{len(phases)} phases; this machine takes 1 to {most}")
    for number, phase in enumerate(phases):
        yield from _phase(phase, f"phases[{number}].", limits)


def _phase(phase: Recipe, at: str, limits: Limits) -> Iterator[Problem]:
    if len(phase.get("name", "x")) not in range(1, NAME_LENGTH + 1):
        yield Problem(f"{at}name", f"1 to {NAME_LENGTH} letters; shorten it")
    own = "pressure_mbar" if "pressure_mbar" in phase else "flow_ul_s"
    limit = "limit_flow_ul_s" if own == "pressure_mbar" else "limit_pressure_mbar"
    yield from _number(phase, own, at, limits, needed=True)
    yield from _number(phase, "ramp_ms", at, limits)
    yield from _number(phase, limit, at, limits)
    if phase.get(limit) == 0:
        yield Problem(f"{at}{limit}", "At 0 no water moves; give more, or leave it empty")
    leave = phase.get("exit") or {}
    if not leave:
        yield Problem(f"{at}exit", "Nothing ends this phase; give a time or a condition")
    for key in leave:
        yield from _number(leave, key, f"{at}exit.", limits, inside_phase=True)


def _name(recipe: Recipe) -> Iterator[Problem]:
    name = recipe.get("name")
    if not isinstance(name, str) or not 1 <= len(name.strip()) <= NAME_LENGTH:
        yield Problem("name", f"1 to {NAME_LENGTH} letters; give it a short name")


def _number(
    of: Recipe,
    key: str,
    at: str,
    limits: Limits,
    needed: bool = False,
    inside_phase: bool = False,
) -> Iterator[Problem]:
    value = of.get(key)
    if value is None:
        if needed:
            yield Problem(f"{at}{key}", "Missing; give a number")
        return
    span = bounds(key, limits, inside_phase)
    unit = QUANTITIES[key].unit
    if span is None:
        yield Problem(f"{at}{key}", "This machine cannot measure that; empty it")
    elif not span[0] <= value <= span[1]:
        low, high = span[0] / 1000, span[1] / 1000
        yield Problem(f"{at}{key}", f"Between {low:g} and {high:g} {unit}")
