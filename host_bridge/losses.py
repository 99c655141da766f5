"""What is lost for good and was told to nobody yet: of the ranges that machines report as dropped,
and of the gaps that the inbox finds. What the inbox lacks and the store holds is not lost: an
older copy of one of the two was restored.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from host_bridge.cursor import uncovered
from host_bridge.inbox import Gap, Inbox, PendingFact, Stored

Range = tuple[int, int]
"""First and last seq."""
Told = Callable[[str, str], list[Range]]
"""Machine, journal → ranges that checkpoints in the store are about (`StoreRecords.told`)."""


@dataclass(frozen=True, slots=True)
class Loss:
    from_seq: int
    to_seq: int
    count: int
    """At most their number: some of the range may be here."""


class Losses:
    def __init__(self, inbox: Inbox, stored: Stored, told: Told) -> None:
        self._inbox = inbox
        self._stored = stored
        self._told = told

    def reported(
        self, row: PendingFact, from_seq: int, to_seq: int, told: Sequence[Range]
    ) -> Loss | None:
        """Of a range that the machine reports in `row`, without what was told before and what is
        told with it (`told`). None: nothing."""
        parts = self._inbox.untold(row.journal_id, from_seq, to_seq, told)
        return self._loss(row, parts)

    def damaged(self, row: PendingFact, loss: Loss) -> Loss | None:
        """Of records the machine cannot read, without what was told before an older copy of the
        inbox was restored, perhaps in other company. None: nothing. A gap this inbox knows of
        hides none of them: it never counts what is here, as they are."""
        whole = (loss.from_seq, loss.to_seq)
        outside = self._inbox.untold(row.journal_id, *whole, ())
        untold = self._untold(row, outside)
        told = [part for one in outside for part in uncovered(*one, untold)]
        parts = uncovered(*whole, told)
        if parts == [whole]:
            return loss
        count = sum(last - first + 1 for first, last in parts)
        return Loss(parts[0][0], parts[-1][1], count) if count else None

    def found(self, gap: Gap) -> Loss | None:
        """None: all of it is here, or was told before an older copy of the inbox was restored."""
        return self._loss(gap, [(gap.from_seq, gap.to_seq)])

    def _untold(self, its: PendingFact | Gap, parts: Sequence[Range]) -> list[Range]:
        """Without what checkpoints are about; the inbox's own word on it may be gone."""
        told = self._told(its.machine, its.journal)
        return [rest for part in parts for rest in uncovered(*part, told)]

    def _loss(self, its: PendingFact | Gap, ranges: Sequence[Range]) -> Loss | None:
        parts = self._untold(its, ranges)
        count = sum(
            self._inbox.missing(
                its.journal_id, *part, self._stored(its.machine, its.journal, *part)
            )
            for part in parts
        )
        return Loss(parts[0][0], parts[-1][1], count) if count else None
