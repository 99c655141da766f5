"""Alarms as spells, from raised to cleared, out of single facts. No page, no HTML."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace

from host_bridge.views import AlarmView


@dataclass(frozen=True)
class Spell:
    """One alarm. `raised`, `cleared`: its facts, None where none is known; `stands`: it still
    does."""

    code: str
    raised: AlarmView | None
    cleared: AlarmView | None
    stands: bool = False

    @property
    def lasted_ms(self) -> int | None:
        """None while it stands, and where that is not known."""
        if self.raised is None or self.cleared is None:
            return None
        span_ms = _between_ms(self.raised, self.cleared)
        return span_ms if span_ms is not None and span_ms >= 0 else None


def spells(newest_first: Sequence[AlarmView], standing: Collection[str] | None) -> list[Spell]:
    """Newest first, of one machine. `standing`: the codes it reports now; None if it does not:
    then the last fact of each counts."""
    begun: dict[str, int] = {}
    found: list[Spell] = []
    for fact in reversed(newest_first):
        _take(fact, begun, found)
    for code, place in begun.items():
        stands = standing is None or code in standing
        found[place] = replace(found[place], stands=stands)
    return found[::-1]


def _take(fact: AlarmView, begun: dict[str, int], found: list[Spell]) -> None:
    """`begun`: code → place in `found` of the spell that has no end yet.

    After a restart a machine raises again what it had latched: that is the same spell. Of what it
    had not latched nobody told the end.
    """
    place = begun.get(fact.code)
    if not fact.raised:
        if place is None:
            found.append(Spell(fact.code, None, fact))
        else:
            found[begun.pop(fact.code)] = replace(found[place], cleared=fact)
    elif place is None or not fact.latched:
        begun[fact.code] = len(found)
        found.append(Spell(fact.code, fact, None))


def _between_ms(raised: AlarmView, cleared: AlarmView) -> int | None:
    if raised.boot == cleared.boot:  # whatever became of the clock meanwhile
        return cleared.uptime_ms - raised.uptime_ms
    if raised.utc_ms is None or cleared.utc_ms is None:
        return None
    return cleared.utc_ms - raised.utc_ms
