"""A batch of facts from the inbox into the ERP: mapped, pushed in one call, answered per fact.

A Transient error leaves the whole batch as it was. What the mapper or the ERP refuses goes to
quarantine, and its neighbours into the ERP.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import Final

import structlog

from host_bridge.connector import mappers
from host_bridge.connector.backend import UnknownVersion, coffee
from host_bridge.connector.checkpoint import HELD, about_backend, about_loss, add_checkpoint
from host_bridge.connector.environment import Session, get_environment
from host_bridge.connector.fact import TimedFact, may_be_told_later, utc_ms
from host_bridge.connector.importer import FactImporter
from host_bridge.connector.lost import of_losses, told_of
from host_bridge.connector.mapper import MappingError
from host_bridge.contract.messages import AnyFact, ContractError, Lost, decode_fact
from host_bridge.gateway.port import (
    REFUSED_MACHINE,
    BackendDraft,
    BackendRecord,
    CheckpointDraft,
    FactPush,
    Gateway,
    Pushed,
)
from host_bridge.inbox import CLOCK_BACK_MS, PendingFact
from host_bridge.live import Live
from host_bridge.losses import Losses
from host_bridge.registry import Registry
from host_bridge.settings import Settings

log = structlog.get_logger(__name__)
VERSION_REASON: Final = "version: "
"""Quarantine reasons that start so are taken back once the version is known."""
NOT_LET_IN: Final = (
    "the ERP does not know this machine; create its backend there, and its facts follow "
    "automatically"
)
assert mappers  # importing them registers them


@dataclass(slots=True)
class BatchResult:
    imported: list[int] = field(default_factory=list)
    refused: list[tuple[int, str]] = field(default_factory=list)
    deferred: list[tuple[int, int]] = field(default_factory=list)
    lost: list[tuple[int, int, int]] = field(default_factory=list)
    """(journal_id, from_seq, to_seq) the machines reported as dropped."""
    journals: set[int] = field(default_factory=set)


@dataclass(slots=True)
class _Prepared:
    fact: TimedFact
    importer: FactImporter
    push: FactPush


class BatchImport:
    """Used by one thread. `now_ms` is UTC."""

    def __init__(
        self, gateway: Gateway, registry: Registry, live: Live, settings: Settings,
        now_ms: Callable[[], int], losses: Losses, holds: Callable[[str, str], bool],
    ) -> None:  # fmt: skip
        """`holds`: whether the store has a record of that machine and external id that is no
        loss (StoreRecords.holds)."""
        self._gateway = gateway
        self._registry = registry
        self._live = live
        self._settings = settings
        self._now_ms = now_ms
        self._losses = losses
        self._holds = holds
        self._backends: dict[str, BackendRecord] = {}
        self.refused: set[str] = set()
        """Machines the ERP does not let in, as far as they were asked about."""

    def forget(self) -> None:
        """The ERP may have changed under us: ask it for its backends again."""
        self._backends.clear()

    def session(self) -> Session:
        return Session(self._settings.language, self._settings.languages)

    def run(self, rows: Sequence[PendingFact]) -> BatchResult:
        """Raises Transient; then nothing is to be settled and the same rows come again."""
        result = BatchResult(journals={row.journal_id for row in rows})
        session = self.session()
        facts = self._timed(rows, result)
        facts = self._of_known_machines(facts, session, result)
        prepared = self._prepare(facts, session, result)
        pushed = self._gateway.push([item.push for item in prepared]) if prepared else []
        answered = zip(prepared, pushed, strict=True)
        taken = [item.fact for item, answer in answered if self._settle(item, answer, result)]
        session.checkpoints += self._about_losses(taken)
        if session.checkpoints:
            self._gateway.add_checkpoints(session.checkpoints)
        return result

    def _settle(self, item: _Prepared, answer: Pushed, result: BatchResult) -> bool:
        """Whether the ERP took it."""
        row, fact = item.fact.row, item.fact.fact
        if answer.status == "refused":
            log.warning("fact_refused", machine=row.machine, seq=row.seq, reason=answer.error)
            result.refused.append((row.id, answer.error))
            if answer.error.startswith(REFUSED_MACHINE):
                self.refused.add(row.machine)  # since it was asked about
            return False
        item.importer.finish(item.fact)
        result.imported.append(row.id)
        if isinstance(fact, Lost):
            result.lost.append((row.journal_id, fact.from_seq, fact.to_seq))
        return True

    def _about_losses(self, taken: Sequence[TimedFact]) -> list[CheckpointDraft]:
        """About the machine, as a gap is: it may have been seen as one before."""
        return [
            about_loss(row.machine, row.journal, loss, why,
                       self._language(self._backends[row.machine]))
            for row, loss, why in told_of(of_losses(taken), self._losses)
        ]  # fmt: skip

    # --- when it happened
    def _timed(self, rows: Sequence[PendingFact], result: BatchResult) -> list[TimedFact]:
        timed = []
        for row in rows:
            try:
                fact = decode_fact(row.payload)
            except ContractError as error:  # decoded when stored: the contract became stricter
                result.refused.append((row.id, str(error)))
                continue
            offset_ms = self._live.offset_ms(row.machine, fact.boot)
            happened_ms = utc_ms(row, fact, offset_ms)
            if happened_ms is None and self._worth_waiting(row, fact):
                result.deferred.append((row.id, self._wait_until(row)))
                continue
            if isinstance(fact, Lost) and self._is_here(row, fact):
                result.imported.append(row.id)
                continue
            timed.append(TimedFact(row, fact, happened_ms))
        return timed

    def _is_here(self, row: PendingFact, lost: Lost) -> bool:
        """A record that the machine cannot read any more came before it was damaged, and the
        inbox forgot it: an older copy was restored."""
        return lost.to_seq == row.seq and self._holds(row.machine, f"{row.journal}/{row.seq}")

    def _worth_waiting(self, row: PendingFact, fact: AnyFact) -> bool:
        running = self._live.snapshot(row.machine).boot
        return (
            may_be_told_later(row, fact)
            and running in (None, fact.boot)
            and self._lies_before(row, self._wait_until(row))
        )

    def _wait_until(self, row: PendingFact) -> int:
        return row.arrival_ms + int(self._settings.importing.clock_wait_s * 1000)

    def _lies_before(self, row: PendingFact, until_ms: int) -> bool:
        """Whether it is worth waiting for that time: not by a clock that was set back since."""
        return row.arrival_ms - CLOCK_BACK_MS <= self._now_ms() < until_ms

    # --- whose it is
    def backends(self, machines: Sequence[str], afresh: bool = False) -> dict[str, BackendRecord]:
        """Records of machines; new ones are created. The machine's own word on its version comes
        first, the ERP's stands in while it has not said any. `afresh`: tell the ERP again."""
        stale = []
        for machine in dict.fromkeys(machines):
            version = self._registry.model(machine) or ""
            known = None if afresh else self._backends.get(machine)
            if known is None or known.refused or (version and known.version != version):
                stale.append(
                    BackendDraft(
                        machine, version, self._registry.serial(machine),
                        firmware=self._registry.firmware(machine),
                    )
                )  # fmt: skip
        if stale:
            for draft, record in zip(stale, self._gateway.save_backends(stale), strict=True):
                version = draft.version or record.version
                self._backends[draft.machine] = replace(record, version=version)
                (self.refused.add if record.refused else self.refused.discard)(draft.machine)
        return {machine: self._backends[machine] for machine in machines}

    def _language(self, record: BackendRecord) -> str:
        return record.language or self._settings.language_of(record.machine)

    def _of_known_machines(
        self, facts: list[TimedFact], session: Session, result: BatchResult
    ) -> list[TimedFact]:
        """Without those that wait for the machine's info; refused are those of a machine the ERP
        does not let in, and of an unknown version."""
        ready = [fact for fact in facts if not self._waits_for_info(fact, result)]
        backends = self.backends([fact.row.machine for fact in ready])
        known = []
        for fact in ready:
            record = backends[fact.row.machine]
            if record.refused:
                result.refused.append((fact.row.id, f"{REFUSED_MACHINE}{NOT_LET_IN}"))
                continue
            try:
                coffee.at(record.version)
            except UnknownVersion as error:
                session.checkpoints.append(self._unknown_version(record, error))
                result.refused.append((fact.row.id, f"{VERSION_REASON}{error}"))
            else:
                known.append(fact)
        return known

    def _unknown_version(self, record: BackendRecord, error: UnknownVersion) -> CheckpointDraft:
        """The same for each of its facts, and the store keeps one."""
        summary = (
            f"facts of this machine are in quarantine: {error}; run a bridge that knows this "
            "version, and they follow automatically"
        )
        return about_backend(
            record.machine, f"version/{record.version}", summary, self._language(record)
        )

    def _waits_for_info(self, fact: TimedFact, result: BatchResult) -> bool:
        if self._registry.model(fact.row.machine) is not None:
            return False
        until_ms = fact.row.arrival_ms + int(self._settings.importing.info_wait_s * 1000)
        if not self._lies_before(fact.row, until_ms):
            return False
        result.deferred.append((fact.row.id, until_ms))
        return True

    # --- the records
    def _prepare(
        self, facts: list[TimedFact], session: Session, result: BatchResult
    ) -> list[_Prepared]:
        importers: dict[tuple[str, str], FactImporter] = {}
        for fact in facts:
            key = (fact.row.machine, fact.model)
            if key not in importers:
                env = get_environment(session, fact.model, self._backends[fact.row.machine])
                importers[key] = env.unit(FactImporter)
        prepared = []
        for fact in facts:
            importer = importers[fact.row.machine, fact.model]
            try:
                push = importer.prepare(fact)
            except MappingError as error:
                result.refused.append((fact.row.id, f"{error}; correct the machine, then replay"))
                add_checkpoint(importer.env, fact.coffee_id, f"{HELD}{error}")
            except Exception as error:
                log.exception("mapping_defect", machine=fact.row.machine, fact=fact.coffee_id)
                result.refused.append((fact.row.id, f"bug in the bridge: {error!r}; report it"))
            else:
                if push is None:
                    result.imported.append(fact.row.id)
                else:
                    prepared.append(_Prepared(fact, importer, push))
        return prepared
