"""What a person is told of `lost` facts: of those in a batch that the ERP took, each loss once."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from host_bridge.connector.fact import TimedFact
from host_bridge.contract.messages import Lost
from host_bridge.inbox import PendingFact
from host_bridge.losses import Loss, Losses, Range

LostFact = tuple[PendingFact, Lost]


def of_losses(facts: Sequence[TimedFact]) -> list[LostFact]:
    return [(fact.row, fact.fact) for fact in facts if isinstance(fact.fact, Lost)]


def told_of(facts: Sequence[LostFact], losses: Losses) -> Iterator[tuple[PendingFact, Loss, str]]:
    """Row of the first fact, what it tells the loss of, and why; nothing of what got here or was
    told before. What the machine dropped may have got here; a range that ends with the fact itself
    is of records that cannot be read, or of facts that never got a seq."""
    told: dict[int, list[Range]] = {}  # by journal: in this batch
    for run in _runs(facts):
        row, first = run[0]
        before = told.setdefault(row.journal_id, [])
        if first.to_seq < row.seq:
            loss = losses.reported(row, first.from_seq, first.to_seq, before)
            before.append((first.from_seq, first.to_seq))
        else:
            count = sum(lost.count for _, lost in run)
            loss = losses.damaged(row, Loss(first.from_seq, run[-1][1].to_seq, count))
        if loss is not None:
            yield row, loss, _why(row, first)


def _runs(facts: Sequence[LostFact]) -> list[list[LostFact]]:
    """A damaged part of the flash comes as one fact a record: those that one message brought
    together are one loss. Of one message, not of the batch: the next try of a batch may have more
    in it, and would tell of that loss as of another one."""
    runs: list[list[LostFact]] = []
    for fact in facts:
        if runs and _goes_on(runs[-1][-1], fact):
            runs[-1].append(fact)
        else:
            runs.append([fact])
    return runs


def _goes_on(before: LostFact, after: LostFact) -> bool:
    same = _message(before[0]) == _message(after[0])
    return same and before[0].seq + 1 == after[0].seq and _is_one(before) and _is_one(after)


def _is_one(fact: LostFact) -> bool:
    """A record that cannot be read, and no more."""
    row, lost = fact
    return lost.from_seq == lost.to_seq == row.seq and lost.count == 1


def _message(row: PendingFact) -> tuple[int, int, int, int]:
    return row.journal_id, row.sent_boot, row.sent_ms, row.arrival_ms


def _why(row: PendingFact, lost: Lost) -> str:
    """As far as the machine says: see firmware/journal.py and facts.py."""
    if lost.to_seq < row.seq:
        return "lost: the machine's journal was full"
    if lost.count > 1:
        return "lost: the machine could not write them down in time"
    return "lost: damaged in the machine's journal, or not written down in time"
