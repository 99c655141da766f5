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
    """Newest first, of one machine. `newest_first`: as they came here. `standing`: the codes it
    reports now; None if it does not: then the last fact of each counts."""
    begun: dict[str, int] = {}
    found: list[Spell] = []
    for fact in _as_it_happened(newest_first[::-1]):
        _take(fact, begun, found)
    for code, place in begun.items():
        stands = standing is None or code in standing
        found[place] = replace(found[place], stands=stands)
    return found[::-1]


def _as_it_happened(as_it_came: Sequence[AlarmView]) -> list[AlarmView]:
    """Each journal in its own order: what waited in quarantine, or for the time, came later than
    what followed it."""
    by_journal: dict[str, list[AlarmView]] = {}
    for fact in sorted(as_it_came, key=lambda fact: _place(fact)[1]):
        by_journal.setdefault(_place(fact)[0], []).append(fact)
    following = {journal: iter(facts) for journal, facts in by_journal.items()}
    return [next(following[_place(fact)[0]]) for fact in as_it_came]


def _place(fact: AlarmView) -> tuple[str, int]:
    """Journal and seq."""
    journal, _, seq = fact.external_id.rpartition("/")
    return journal, int(seq)


def _boot(fact: AlarmView) -> tuple[str, int]:
    """Another board counts its boots anew."""
    return _place(fact)[0], fact.boot


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
    if _boot(raised) == _boot(cleared):  # whatever became of the clock meanwhile
        return cleared.uptime_ms - raised.uptime_ms
    if raised.utc_ms is None or cleared.utc_ms is None:
        return None
    return cleared.utc_ms - raised.utc_ms
