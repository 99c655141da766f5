"""Checkpoints: what a person must look at. Adding one again changes nothing, reviewed or not.

What a person shall look at about the record itself travels with the fact (importer.review).
"""

from __future__ import annotations

from host_bridge.connector.environment import Environment
from host_bridge.gateway.port import BACKEND, CheckpointDraft
from host_bridge.losses import Loss

HELD = "in the bridge's quarantine: "
"""How the summary begins of one about a fact that is no record yet."""


def add_checkpoint(env: Environment, coffee_id: str, summary: str) -> None:
    """Notes it in the session; it is written after the batch."""
    env.session.checkpoints.append(
        CheckpointDraft(env.backend_record.machine, env.model, coffee_id, summary, env.language)
    )


def about_backend(machine: str, coffee_id: str, summary: str, language: str) -> CheckpointDraft:
    """One about the machine itself; needs no environment, so it works for unknown versions."""
    return CheckpointDraft(machine, BACKEND, coffee_id, summary, language)


def lost_id(journal: str, from_seq: int, to_seq: int) -> str:
    """The same range is one checkpoint, however we learnt of it."""
    return f"lost/{journal}/{from_seq}-{to_seq}"


def about_loss(machine: str, journal: str, loss: Loss, why: str, language: str) -> CheckpointDraft:
    """`why` goes on after "3 facts "."""
    few = "1 fact" if loss.count == 1 else f"{loss.count} facts"
    seqs = f"seq {loss.from_seq}"
    if loss.to_seq != loss.from_seq:
        seqs += f" to {loss.to_seq}"
    found = lost_id(journal, loss.from_seq, loss.to_seq)
    return about_backend(machine, found, f"{few} {why} ({seqs})", language)
