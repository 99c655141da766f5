"""One fact, one record: the hooks around it. Batches and quarantine are in batch.py."""

from __future__ import annotations

from typing import Final

from host_bridge.connector.backend import coffee
from host_bridge.connector.checkpoint import add_checkpoint
from host_bridge.connector.fact import TimedFact
from host_bridge.connector.mappers.common import FactMapper
from host_bridge.connector.unit import ConnectorUnit
from host_bridge.contract.messages import Alarm, Maintenance
from host_bridge.gateway.port import (
    ALARM,
    BREW,
    EVENT,
    MAINTENANCE,
    METER,
    FactPush,
    Review,
)

FOR_A_PERSON: Final = ("warning", "critical")


class FactImporter(ConnectorUnit):
    """A subclass overrides the hooks it needs. All of them may run twice for one fact (after a
    crash), so they must not do anything that doubles."""

    def prepare(self, fact: TimedFact) -> FactPush | None:
        """What goes to the ERP, or None when it is skipped. Raises MappingError."""
        if self._must_skip(fact):
            return None
        self._before_import(fact)
        values = self.env.unit(FactMapper).values(fact)
        summary = self._review(fact)
        review = None if summary is None else Review(summary, self.env.language)
        row = fact.row
        return FactPush(row.machine, row.journal, row.seq, fact.model, values, row.payload, review)

    def finish(self, fact: TimedFact) -> None:
        """Called when the ERP holds the record, created now or before."""
        self._after_import(fact)

    def _must_skip(self, fact: TimedFact) -> bool:
        """True when this fact needs no record."""
        return False

    def _before_import(self, fact: TimedFact) -> None:
        """Last chance to object (MappingError)."""

    def _review(self, fact: TimedFact) -> str | None:
        """What a person shall look at about this record, if anything."""
        return None

    def _after_import(self, fact: TimedFact) -> None:
        """Checkpoints about something else than the record."""

    def _ask_for_time(self, fact: TimedFact) -> None:
        """One checkpoint a boot, not one a fact: the cause is one and the cure is one."""
        if fact.utc_ms is None:
            add_checkpoint(
                self.env, f"clock/{fact.row.journal}/{fact.fact.boot}",
                f"in boot {fact.fact.boot} the machine did not know the time, so its records have "
                "no date; set up NTP for it",
            )  # fmt: skip


@coffee
class PlainImporter(FactImporter):
    """Of a `lost` event a person is told by lost.py."""

    models = (METER, EVENT)


@coffee
class MaintenanceImporter(FactImporter):
    models = (MAINTENANCE,)

    def _review(self, fact: TimedFact) -> str | None:
        work = fact.fact
        if isinstance(work, Maintenance) and work.code == "descale_due":
            return f"descaling is due: {work.value} l of water since the last time"
        return None


@coffee
class BrewImporter(FactImporter):
    models = (BREW,)

    def _after_import(self, fact: TimedFact) -> None:
        self._ask_for_time(fact)


@coffee
class AlarmImporter(FactImporter):
    models = (ALARM,)

    def _review(self, fact: TimedFact) -> str | None:
        alarm = fact.fact
        if isinstance(alarm, Alarm) and alarm.raised and alarm.severity in FOR_A_PERSON:
            return f"{alarm.severity} alarm: {alarm.code}"
        return None

    def _after_import(self, fact: TimedFact) -> None:
        self._ask_for_time(fact)
