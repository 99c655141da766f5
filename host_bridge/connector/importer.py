"""One fact, one record: the hooks around it. Batching, retries and quarantine are in batch.py."""

from __future__ import annotations

from typing import Any, Final

from host_bridge.connector.backend import coffee
from host_bridge.connector.checkpoint import add_checkpoint, lost_id
from host_bridge.connector.fact import TimedFact
from host_bridge.connector.mappers.common import FactMapper
from host_bridge.connector.unit import ConnectorUnit
from host_bridge.contract.messages import Alarm, Brew, Lost
from host_bridge.gateway.port import ALARM, BREW, EVENT, MAINTENANCE, METER, RECIPE

FOR_A_PERSON: Final = ("warning", "critical")


class FactImporter(ConnectorUnit):
    """A subclass overrides the hooks it needs. All of them may run twice for one fact (after a
    crash), so they must not do anything that doubles."""

    def dependencies(self, fact: TimedFact) -> list[tuple[str, str]]:
        """(model, external id) of other records this one refers to; found before `prepare`."""
        return []

    def prepare(self, fact: TimedFact) -> dict[str, Any] | None:
        """Values of the record, or None when it is skipped. Raises MappingError."""
        if self._must_skip(fact):
            return None
        self._before_import(fact)
        return self.env.unit(FactMapper).values(fact)

    def finish(self, fact: TimedFact, record_id: int) -> None:
        """Called when the record exists, created now or before."""
        self._after_import(fact, record_id)

    def _must_skip(self, fact: TimedFact) -> bool:
        """True when this fact needs no record."""
        return False

    def _before_import(self, fact: TimedFact) -> None:
        """Last chance to object (MappingError)."""

    def _after_import(self, fact: TimedFact, record_id: int) -> None:
        """Checkpoints and the like."""

    def _ask_for_time(self, fact: TimedFact) -> None:
        """One checkpoint a boot, not one a fact: the cause is one and the cure is one."""
        if fact.utc_ms is None:
            add_checkpoint(
                self.env, f"clock/{fact.row.journal}/{fact.fact.boot}",
                f"boot {fact.fact.boot} never knew the time: its records have no date; "
                "set up NTP for the machine",
            )  # fmt: skip


@coffee
class PlainImporter(FactImporter):
    models = (METER, MAINTENANCE)


@coffee
class BrewImporter(FactImporter):
    models = (BREW,)

    def dependencies(self, fact: TimedFact) -> list[tuple[str, str]]:
        return [(RECIPE, fact.fact.slot)] if isinstance(fact.fact, Brew) else []

    def _after_import(self, fact: TimedFact, record_id: int) -> None:
        self._ask_for_time(fact)


@coffee
class AlarmImporter(FactImporter):
    models = (ALARM,)

    def _after_import(self, fact: TimedFact, record_id: int) -> None:
        alarm = fact.fact
        if isinstance(alarm, Alarm) and alarm.raised and alarm.severity in FOR_A_PERSON:
            add_checkpoint(
                self.env, fact.coffee_id, f"{alarm.severity} alarm: {alarm.code}", record_id
            )
        self._ask_for_time(fact)


@coffee
class EventImporter(FactImporter):
    models = (EVENT,)

    def _after_import(self, fact: TimedFact, record_id: int) -> None:
        lost = fact.fact
        if isinstance(lost, Lost):
            add_checkpoint(
                self.env, lost_id(fact.row.journal, lost.from_seq, lost.to_seq),
                f"the machine's journal was full: {lost.count} facts lost "
                f"(seq {lost.from_seq} to {lost.to_seq})", record_id,
            )  # fmt: skip
