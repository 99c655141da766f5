"""A fact on its way into the ERP, with its place in time; and how that place is found."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from host_bridge.contract import messages
from host_bridge.contract.messages import AnyFact
from host_bridge.gateway.port import ALARM, BREW, EVENT, MAINTENANCE, METER
from host_bridge.inbox import PendingFact

MODEL_OF: Final[dict[type[messages.Fact], str]] = {
    messages.Brew: BREW,
    messages.Alarm: ALARM,
    messages.Meter: METER,
    messages.Maintenance: MAINTENANCE,
    messages.RecipeChange: EVENT,
    messages.Boot: EVENT,
    messages.Lost: EVENT,
}


@dataclass(frozen=True, slots=True)
class TimedFact:
    row: PendingFact
    fact: AnyFact
    utc_ms: int | None
    """None: never known and never guessed."""

    @property
    def coffee_id(self) -> str:
        return f"{self.row.journal}/{self.row.seq}"

    @property
    def model(self) -> str:
        return MODEL_OF[type(self.fact)]

    def utc_at(self, uptime_ms: int) -> int | None:
        """UTC of another instant of the same boot."""
        if self.utc_ms is None:
            return None
        return self.utc_ms - (self.fact.uptime_ms - uptime_ms)


def utc_ms(row: PendingFact, fact: AnyFact, offset_ms: int | None) -> int | None:
    """When it happened.

    The machine's own UTC; else, for a fact of the boot that sent it, by the difference of uptimes
    from the sender's UTC, from live messages of that boot (`offset_ms`: UTC at uptime 0), or from
    the arrival of the message itself if it did not wait in a backlog. Else, or when that gives no
    time a machine can have lived at, None.
    """
    found = _computed_ms(row, fact, offset_ms)
    return found if found is not None and is_sound(found) else None


def is_sound(utc_ms: int) -> bool:
    """Calendars end somewhere, and a list of all brews must not end with them."""
    return messages.UTC_FIRST_MS <= utc_ms <= messages.UTC_LAST_MS


def _computed_ms(row: PendingFact, fact: AnyFact, offset_ms: int | None) -> int | None:
    if fact.utc_ms is not None:
        return fact.utc_ms
    age_ms = row.sent_ms - fact.uptime_ms
    if fact.boot != row.sent_boot or age_ms < 0:
        return None
    if row.sent_utc_ms is not None:
        return row.sent_utc_ms - age_ms
    # The smaller one waited less on its way.
    sent = [] if offset_ms is None else [offset_ms + row.sent_ms]
    if row.live:
        sent.append(row.arrival_ms)
    return min(sent) - age_ms if sent else None


def may_be_told_later(row: PendingFact, fact: AnyFact) -> bool:
    """A live message of the same boot would still tell the time of this fact."""
    return (
        fact.utc_ms is None
        and row.sent_utc_ms is None
        and fact.boot == row.sent_boot
        and fact.uptime_ms <= row.sent_ms
    )
