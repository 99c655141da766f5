"""How far each journal is held without a hole: the number the machine may forget up to.

Pure arithmetic in `contiguous`, one table update around it. Publishing is someone else's work.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from host_bridge.database import Database


@dataclass(frozen=True, slots=True)
class Ack:
    machine: str
    journal: str
    seq: int


def contiguous(
    held: int, rows: Iterable[tuple[int, bool]], gaps: Sequence[tuple[int, int]]
) -> int:
    """Highest seq up to which nothing is missing.

    Args:
        held: everything up to here is known to be held.
        rows: (seq, done) above `held`, ascending: facts in the inbox, done when the store (or a
            person's quarantine) has them.
        gaps: inclusive ranges that will never come. A gap never covers a fact we do have.
    """
    ordered = sorted(gaps)
    for seq, done in rows:
        held = _across(held, ordered, seq - 1)
        if not done or held != seq - 1:
            return held
        held = seq
    return _across(held, ordered, None)


def _across(held: int, ordered_gaps: Sequence[tuple[int, int]], end: int | None) -> int:
    for first, last in ordered_gaps:
        if first <= held + 1 <= last:
            held = last if end is None else min(last, end)
    return held


def uncovered(
    first: int, last: int, ranges: Iterable[tuple[int, int]]
) -> list[tuple[int, int]]:
    """Parts of `first` to `last` that none of the ranges covers; all are inclusive."""
    parts = []
    for begin, end in [*sorted(ranges), (last + 1, last + 1)]:
        if first < begin and first <= last:
            parts.append((first, min(begin - 1, last)))
        first = max(first, end + 1)
    return parts


class Cursors:
    def __init__(self, db: Database) -> None:
        self._db = db

    def advance(self, journal_ids: Iterable[int]) -> list[Ack]:
        """Moves the cursors of these journals; those that moved are returned."""
        moved = []
        with self._db.write() as tx:
            for journal_id in sorted(set(journal_ids)):
                row = tx.execute("SELECT * FROM journal WHERE id=?", (journal_id,)).fetchone()
                held = row["held_seq"]
                facts = tx.execute(
                    "SELECT seq, state<>0 FROM fact WHERE journal_id=? AND seq>? ORDER BY seq",
                    (journal_id, held),
                )
                gaps = tx.execute(
                    "SELECT from_seq, to_seq FROM gap WHERE journal_id=? AND to_seq>?",
                    (journal_id, held),
                )
                # as tuples: two rows of sqlite3 have no order
                new = contiguous(held, facts, [(first, last) for first, last in gaps])
                if new > held:
                    tx.execute("UPDATE journal SET held_seq=? WHERE id=?", (new, journal_id))
                    moved.append(Ack(row["machine"], row["journal"], new))
        return moved

    def passable(self) -> list[int]:
        """Journals whose next fact is done though no import says so: it came bad."""
        rows = self._db.read(
            "SELECT id FROM journal WHERE EXISTS (SELECT 1 FROM fact WHERE journal_id=journal.id"
            " AND seq=held_seq+1 AND state<>0)"
        )
        return [row["id"] for row in rows]

    def of(self, machine: str, journal: str) -> Ack | None:
        row = self._db.one(
            "SELECT held_seq FROM journal WHERE machine=? AND journal=?", (machine, journal)
        )
        return None if row is None else Ack(machine, journal, row["held_seq"])

    def newest(self) -> dict[str, Ack]:
        """For each machine the cursor of the journal seen last."""
        rows = self._db.read("SELECT machine, journal, held_seq FROM journal ORDER BY id")
        return {row["machine"]: Ack(*row) for row in rows}
