"""One fact, one record: the hooks around it. Batches and quarantine are in batch.py."""

from __future__ import annotations

from typing import Final

from host_bridge.connector.backend import coffee
from host_bridge.connector.checkpoint import about_loss, add_checkpoint
from host_bridge.connector.fact import TimedFact
from host_bridge.connector.mappers.common import FactMapper
from host_bridge.connector.unit import ConnectorUnit
from host_bridge.contract.messages import Alarm, Lost, Maintenance
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
    models = (METER,)


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


@coffee
class EventImporter(FactImporter):
    models = (EVENT,)

    def _after_import(self, fact: TimedFact) -> None:
        lost = fact.fact
        if isinstance(lost, Lost) and fact.loss is not None:
            # about the machine, as a gap is: it may have been seen as one before
            self.env.session.checkpoints.append(about_loss(
                fact.row.machine, fact.row.journal, fact.loss, _why(lost), self.env.language
            ))  # fmt: skip


def _why(lost: Lost) -> str:
    """As far as the machine says: see firmware/journal.py and facts.py."""
    if lost.to_seq < lost.seq:
        return "lost: the machine's journal was full"
    if lost.count > 1:
        return "lost: the machine could not write them down in time"
    return "lost: damaged in the machine's journal, or not written down in time"
