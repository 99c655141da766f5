"""Checkpoints: what a person must look at. Adding one again changes nothing, reviewed or not."""

from __future__ import annotations

from host_bridge.connector.environment import Environment
from host_bridge.gateway.port import BACKEND, BackendRecord, CheckpointDraft


def add_checkpoint(
    env: Environment, coffee_id: str, summary: str, record_id: int | None = None
) -> None:
    """Notes it in the session; it is written with the batch, after the record it is about."""
    env.session.checkpoints.append(
        CheckpointDraft(
            env.backend_record.id, env.model, coffee_id, summary, record_id, env.language
        )
    )


def about_backend(
    record: BackendRecord, coffee_id: str, summary: str, language: str
) -> CheckpointDraft:
    """One about the machine itself; needs no environment, so it works for unknown versions."""
    return CheckpointDraft(record.id, BACKEND, coffee_id, summary, record.id, language)


def lost_id(journal: str, from_seq: int, to_seq: int) -> str:
    """The same range is one checkpoint, however we learnt of it."""
    return f"lost/{journal}/{from_seq}-{to_seq}"
