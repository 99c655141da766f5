"""Mappings that are the same for every version."""

from __future__ import annotations

from typing import Any, ClassVar

import msgspec

from host_bridge.connector.backend import coffee
from host_bridge.connector.fact import TimedFact, is_sound
from host_bridge.connector.mapper import Mapper, MappingError, mapping
from host_bridge.contract.messages import AnyFact, Brew
from host_bridge.gateway.port import ALARM, BREW, EVENT, MAINTENANCE, METER, RECIPE


class FactMapper(Mapper[TimedFact]):
    direct: ClassVar[tuple[str, ...]] = ("boot", "uptime_ms")

    def payload(self, source: TimedFact) -> AnyFact:
        return source.fact

    @mapping
    def time(self, source: TimedFact) -> dict[str, Any]:
        return {"utc_ms": source.utc_ms, "time_known": source.utc_ms is not None}


class BrewMapper(FactMapper):
    """What every brew has. Each version registers its own, with what its sensors add."""

    models = (BREW,)
    direct: ClassVar[tuple[str, ...]] = (
        "shot", "slot", "recipe_rev", "source", "command", "start_uptime_ms", "duration_ms",
        "volume_ul", "temp_mean_mc", "energy_j", "result", "reason",
    )  # fmt: skip

    @mapping
    def start(self, source: TimedFact) -> dict[str, Any]:
        brew = source.fact
        if not isinstance(brew, Brew):
            raise MappingError("kind: not a brew")
        if brew.start_uptime_ms > brew.uptime_ms:
            raise MappingError(
                f"start_uptime_ms: {brew.start_uptime_ms} is after the end {brew.uptime_ms}"
            )
        start_ms = source.utc_at(brew.start_uptime_ms)
        if start_ms is not None and not is_sound(start_ms):
            raise MappingError(
                f"start_uptime_ms: {brew.start_uptime_ms} is "
                f"{(brew.uptime_ms - brew.start_uptime_ms) // 1000} s before the end, which is "
                "before any machine was made"
            )
        return {"start_ms": start_ms}


@coffee
class AlarmMapper(FactMapper):
    models = (ALARM,)
    direct = ("code", "raised", "severity", "latched")


@coffee
class MeterMapper(FactMapper):
    models = (METER,)
    direct = ("day", "water_ul", "energy_j", "grinds", "shots")


@coffee
class MaintenanceMapper(FactMapper):
    models = (MAINTENANCE,)
    direct = ("code", "value")


@coffee
class EventMapper(FactMapper):
    """Boots, changed recipes and lost ranges: kept whole, as people read them."""

    models = (EVENT,)

    @mapping
    def event(self, source: TimedFact) -> dict[str, Any]:
        detail = msgspec.to_builtins(source.fact)
        for name in ("seq", "boot", "uptime_ms", "utc_ms"):
            detail.pop(name)
        return {"kind": detail.pop("kind"), "detail": detail}


class RecipeMapper(Mapper[tuple[str, dict[str, Any]]]):
    """(slot, recipe) → the recipe as the ERP gets it. Each version checks its own kind."""

    models = (RECIPE,)
    needed: tuple[str, ...] = ()

    @mapping
    def recipe(self, source: tuple[str, dict[str, Any]]) -> dict[str, Any]:
        slot, recipe = source
        missing = [name for name in self.needed if name not in recipe]
        if missing:
            raise MappingError(f"slots.{slot}.{missing[0]}: missing in a recipe of this version")
        return recipe
