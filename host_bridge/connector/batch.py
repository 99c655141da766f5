"""A batch of facts from the inbox into the ERP: one search, one create a model, one checkpoint
call.

A Transient error leaves the whole batch as it was. A Permanent one is narrowed down to the facts
that cause it; those go to quarantine and their neighbours into the ERP.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

import structlog

from host_bridge.connector import mappers
from host_bridge.connector.backend import UnknownVersion, coffee
from host_bridge.connector.checkpoint import about_backend
from host_bridge.connector.environment import Session, get_environment
from host_bridge.connector.fact import TimedFact, may_be_told_later, utc_ms
from host_bridge.connector.importer import FactImporter
from host_bridge.connector.mapper import MappingError
from host_bridge.contract.messages import AnyFact, ContractError, Lost, decode_fact
from host_bridge.gateway.port import (
    BackendDraft,
    BackendRecord,
    CheckpointDraft,
    Gateway,
    Key,
    Permanent,
)
from host_bridge.inbox import PendingFact
from host_bridge.live import Live
from host_bridge.registry import Registry
from host_bridge.settings import Settings

log = structlog.get_logger(__name__)
VERSION_REASON: Final = "version: "
"""Quarantine reasons that start so are taken back once the version is known."""
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
    values: dict[str, Any]
    record_id: int | None = None


class BatchImport:
    """Used by one thread. `now_ms` is UTC."""

    def __init__(
        self, gateway: Gateway, registry: Registry, live: Live, settings: Settings,
        now_ms: Callable[[], int],
    ) -> None:  # fmt: skip
        self._gateway = gateway
        self._registry = registry
        self._live = live
        self._settings = settings
        self._now_ms = now_ms
        self._backends: dict[str, BackendRecord] = {}

    def forget(self) -> None:
        """The ERP may have changed under us: ask it for its backends again."""
        self._backends.clear()

    def session(self) -> Session:
        return Session(self._gateway, self._settings.language, self._settings.languages)

    def run(self, rows: Sequence[PendingFact]) -> BatchResult:
        """Raises Transient; then nothing is to be settled and the same rows come again."""
        result = BatchResult(journals={row.journal_id for row in rows})
        session = self.session()
        facts = self._timed(rows, result)
        facts = self._of_known_machines(facts, session, result)
        prepared = self._prepare(facts, session, result)
        by_model: dict[str, list[_Prepared]] = defaultdict(list)
        for item in prepared:
            by_model[item.fact.model].append(item)
        for model, items in by_model.items():
            self._create(model, items, result)
        self._finish(prepared, session, result)
        return result

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
            timed.append(TimedFact(row, fact, happened_ms))
        return timed

    def _worth_waiting(self, row: PendingFact, fact: AnyFact) -> bool:
        running = self._live.snapshot(row.machine).boot
        return (
            may_be_told_later(row, fact)
            and running in (None, fact.boot)
            and self._now_ms() < self._wait_until(row)
        )

    def _wait_until(self, row: PendingFact) -> int:
        return row.arrival_ms + int(self._settings.importing.clock_wait_s * 1000)

    # --- whose it is
    def backends(self, machines: Sequence[str]) -> dict[str, BackendRecord]:
        """Records of machines; new ones are created and get a checkpoint."""
        stale = []
        for machine in dict.fromkeys(machines):
            version = self._registry.model(machine) or ""
            known = self._backends.get(machine)
            if known is None or (version and known.version != version):
                stale.append(BackendDraft(machine, version, self._registry.serial(machine)))
        if stale:
            records = self._gateway.save_backends(stale)
            self._gateway.add_checkpoints([self._first_seen(record) for record in records])
            self._backends.update((record.machine, record) for record in records)
        return {machine: self._backends[machine] for machine in machines}

    def _language(self, record: BackendRecord) -> str:
        return record.language or self._settings.language_of(record.machine)

    def _of_known_machines(
        self, facts: list[TimedFact], session: Session, result: BatchResult
    ) -> list[TimedFact]:
        """Without those that wait for the machine's info; those of an unknown version refused."""
        ready = [fact for fact in facts if not self._waits_for_info(fact, result)]
        backends = self.backends([fact.row.machine for fact in ready])
        known = []
        for fact in ready:
            record = backends[fact.row.machine]
            try:
                coffee.at(record.version)
            except UnknownVersion as error:
                session.checkpoints.append(self._unknown_version(record, error))
                result.refused.append((fact.row.id, f"{VERSION_REASON}{error}"))
            else:
                known.append(fact)
        return known

    def _first_seen(self, record: BackendRecord) -> CheckpointDraft:
        summary = f"machine {record.machine} seen for the first time: confirm that it is yours"
        return about_backend(record, "machine", summary, self._language(record))

    def _unknown_version(self, record: BackendRecord, error: UnknownVersion) -> CheckpointDraft:
        """The same for each of its facts, and the store keeps one."""
        summary = (
            f"facts of this machine are in quarantine: {error}; run a bridge that knows this "
            "version and they follow by themselves"
        )
        return about_backend(record, f"version/{record.version}", summary, self._language(record))

    def _waits_for_info(self, fact: TimedFact, result: BatchResult) -> bool:
        if self._registry.model(fact.row.machine) is not None:
            return False
        until_ms = fact.row.arrival_ms + int(self._settings.importing.info_wait_s * 1000)
        if until_ms <= self._now_ms():
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
        self._look_up_dependencies(facts, importers, session)
        prepared = []
        for fact in facts:
            importer = importers[fact.row.machine, fact.model]
            try:
                values = importer.prepare(fact)
            except MappingError as error:
                result.refused.append((fact.row.id, f"{error}; correct the machine, then replay"))
            except Exception as error:
                log.exception("mapping_defect", machine=fact.row.machine, fact=fact.coffee_id)
                result.refused.append((fact.row.id, f"defect of the bridge: {error!r}; report it"))
            else:
                if values is None:
                    result.imported.append(fact.row.id)
                else:
                    prepared.append(_Prepared(fact, importer, values))
        return prepared

    def _look_up_dependencies(
        self, facts: list[TimedFact], importers: dict[tuple[str, str], FactImporter],
        session: Session,
    ) -> None:  # fmt: skip
        wanted: dict[str, dict[Key, None]] = defaultdict(dict)
        for fact in facts:
            backend_id = self._backends[fact.row.machine].id
            for model, coffee_id in importers[fact.row.machine, fact.model].dependencies(fact):
                wanted[model][Key(backend_id, coffee_id)] = None
        for model, keys in wanted.items():
            found = self._gateway.search_bindings(model, list(keys))
            session.bound.update({(model, key): record_id for key, record_id in found.items()})

    def _create(self, model: str, items: list[_Prepared], result: BatchResult) -> None:
        try:
            ids = self._gateway.create_bindings(model, [item.values for item in items])
        except Permanent as error:
            if len(items) == 1:
                row = items[0].fact.row
                log.warning("fact_refused", machine=row.machine, seq=row.seq, reason=str(error))
                result.refused.append((row.id, f"{error}; correct it there, then replay"))
                return
            self._create(model, items[: len(items) // 2], result)
            self._create(model, items[len(items) // 2 :], result)
            return
        for item, record_id in zip(items, ids, strict=True):
            item.record_id = record_id

    def _finish(self, prepared: list[_Prepared], session: Session, result: BatchResult) -> None:
        for item in prepared:
            if item.record_id is None:
                continue
            item.importer.finish(item.fact, item.record_id)
            result.imported.append(item.fact.row.id)
            if isinstance(item.fact.fact, Lost):
                lost = item.fact.fact
                result.lost.append((item.fact.row.journal_id, lost.from_seq, lost.to_seq))
        if session.checkpoints:
            self._gateway.add_checkpoints(session.checkpoints)
