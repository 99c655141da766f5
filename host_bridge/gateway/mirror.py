"""An ERP with the embedded store behind it, which keeps what the console reads.

The ERP is asked first. Only what it has taken goes into the store, so the console never shows
what the ERP lacks; a crash in between repeats both, and both know what they hold. People review
checkpoints in the ERP; `follow_reviews` brings that here.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

import structlog

from host_bridge.gateway.embedded import EmbeddedStore
from host_bridge.gateway.port import (
    BackendDraft,
    BackendRecord,
    CheckpointDraft,
    CheckpointKey,
    Done,
    FactPush,
    Fetched,
    Gateway,
    Hello,
    Presence,
    Pushed,
    Reviewed,
)

log = structlog.get_logger(__name__)
ASKED_AT_ONCE: Final = 500


class Mirror:
    """Implements `port.Gateway`."""

    def __init__(self, erp: Gateway, store: EmbeddedStore) -> None:
        self._erp = erp
        self._store = store
        self._asked_from = 0

    def close(self) -> None:
        """The store is its owner's to close."""
        self._erp.close()

    def hello(self) -> Hello:
        return self._erp.hello()

    def probe(self) -> None:
        self._erp.probe()

    def save_backends(self, drafts: Sequence[BackendDraft]) -> list[BackendRecord]:
        records = self._erp.save_backends(drafts)
        let_in = [
            draft for draft, record in zip(drafts, records, strict=True) if not record.refused
        ]
        self._store.save_backends(let_in)
        return records

    def push(self, facts: Sequence[FactPush]) -> list[Pushed]:
        answers = self._erp.push(facts)
        taken = [
            fact for fact, answer in zip(facts, answers, strict=True) if answer.status != "refused"
        ]
        for fact, kept in zip(taken, self._store.push(taken), strict=True):
            if kept.status == "refused":  # the ERP has it, so it is not lost, only not shown
                log.warning("not_mirrored", machine=fact.machine, fact=fact.coffee_id,
                            reason=kept.error)  # fmt: skip
        return answers

    def presence(self, states: Sequence[Presence]) -> None:
        self._erp.presence(states)

    def import_recipes(
        self, machine: str, rev: int, slots: Mapping[str, Mapping[str, Any]]
    ) -> dict[str, Pushed]:
        answers = self._erp.import_recipes(machine, rev, slots)
        self._store.import_recipes(machine, rev, slots)
        return answers

    def add_checkpoints(self, drafts: Sequence[CheckpointDraft]) -> None:
        self._erp.add_checkpoints(drafts)
        self._store.add_checkpoints(drafts)

    def reviewed(self, open_keys: Sequence[CheckpointKey]) -> list[Reviewed]:
        return self._erp.reviewed(open_keys)

    def fetch(self, limit: int, known: Sequence[str] = ()) -> Fetched:
        return self._erp.fetch(limit, known)

    def finished(self, done: Sequence[Done]) -> None:
        self._erp.finished(done)

    def follow_reviews(self) -> bool:
        """Asks the ERP about the checkpoints that are open here, round robin when they are many.
        True when one was closed."""
        keys = self._store.open_keys(self._asked_from, ASKED_AT_ONCE)
        self._asked_from = max(keys, default=0) if len(keys) == ASKED_AT_ONCE else 0
        if not keys:
            return False
        found = self._erp.reviewed(list(keys.values()))
        self._store.close_reviewed(found)
        return bool(found)
