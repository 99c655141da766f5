"""The durable inbox: one row a machine/journal/seq, and what could not be taken beside it.

A fact that is committed here survives any crash of broker or bridge; the unique key makes every
replay a no-op. Nothing here maps, imports or publishes. Methods with a `tx` work inside the
caller's transaction (group commit), the others make their own.
"""

from __future__ import annotations

import hashlib
import json
import sqlite3
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Final

from host_bridge.contract.messages import ContractError, decode_fact_at
from host_bridge.contract.topics import journal as journal_topic
from host_bridge.cursor import uncovered
from host_bridge.database import Database
from host_bridge.errors import Invalid, NotFound
from host_bridge.settings import InboxSettings
from host_bridge.views import QuarantineView

PENDING: Final = 0
IMPORTED: Final = 1
QUARANTINED: Final = 2
DISCARDED: Final = 3
DROP_EVERY: Final = 1_000
Stored = Callable[[str, str, int, int], list[int]]
"""Machine, journal, first and last seq → those the store has records of (`StoreRecords.seqs`)."""
CLOCK_BACK_MS: Final = 60_000
"""A clock that goes back so far was wrong before."""

_QUARANTINE: Final = """
CREATE TABLE quarantine (
  id INTEGER PRIMARY KEY AUTOINCREMENT, topic TEXT NOT NULL, machine TEXT, fact_id INTEGER UNIQUE
    REFERENCES fact, payload BLOB NOT NULL, size_bytes INTEGER NOT NULL, digest BLOB NOT NULL,
  reason TEXT NOT NULL, received_ms INTEGER NOT NULL, times INTEGER NOT NULL DEFAULT 1,
  UNIQUE (topic, digest)
);
"""
"""AUTOINCREMENT: the number of a row thrown away is never given to another one."""
SCHEMA: Final = f"""
CREATE TABLE journal (
  id INTEGER PRIMARY KEY, machine TEXT NOT NULL, journal TEXT NOT NULL,
  held_seq INTEGER NOT NULL, purged_seq INTEGER NOT NULL, UNIQUE (machine, journal)
);
CREATE TABLE fact (
  id INTEGER PRIMARY KEY, journal_id INTEGER NOT NULL REFERENCES journal, seq INTEGER NOT NULL,
  payload BLOB NOT NULL, sent_boot INTEGER NOT NULL, sent_ms INTEGER NOT NULL,
  sent_utc_ms INTEGER, arrival_ms INTEGER NOT NULL, live INTEGER NOT NULL,
  state INTEGER NOT NULL, due_ms INTEGER NOT NULL DEFAULT 0, UNIQUE (journal_id, seq)
);
CREATE INDEX fact_pending ON fact (id, due_ms) WHERE state = 0;
CREATE TABLE gap (
  journal_id INTEGER NOT NULL REFERENCES journal, from_seq INTEGER NOT NULL,
  to_seq INTEGER NOT NULL, reported INTEGER NOT NULL, PRIMARY KEY (journal_id, from_seq, to_seq)
);
{_QUARANTINE}"""
UPGRADES: Final = {
    1: f"""
ALTER TABLE quarantine RENAME TO quarantine_1;
{_QUARANTINE}
INSERT INTO quarantine SELECT * FROM quarantine_1;
DROP TABLE quarantine_1;
DELETE FROM sqlite_sequence WHERE name='quarantine';
INSERT INTO sqlite_sequence SELECT 'quarantine', max(
  coalesce((SELECT max(id) FROM quarantine), 0),
  coalesce((SELECT json_extract(value, '$.upto') FROM kept WHERE name='unreadable'), 0));
""",
}
"""Version of the bridge's file → what makes it the next one."""


@dataclass(frozen=True, slots=True)
class Envelope:
    """What a journal message says about itself and how it came."""

    machine: str
    journal: str
    boot: int
    first: int
    sent_ms: int
    sent_utc_ms: int | None
    arrival_ms: int
    live: bool
    """False: it may have waited in a backlog, so its arrival tells nothing about the time."""
    again: bool = False
    """Out of quarantine: what is old here need not have been held, and the ERP knows if it was."""


@dataclass(frozen=True, slots=True)
class RawFact:
    """One fact byte for byte; `reason` is why it is bad, None when it decodes."""

    seq: int
    payload: bytes
    reason: str | None


@dataclass(slots=True)
class Outcome:
    """What became of a number of facts or messages. Every one is counted exactly once."""

    stored: int = 0
    duplicate: int = 0
    quarantined: int = 0

    @property
    def matched(self) -> int:
        return self.stored + self.duplicate + self.quarantined

    def add(self, other: Outcome) -> None:
        self.stored += other.stored
        self.duplicate += other.duplicate
        self.quarantined += other.quarantined


@dataclass(frozen=True, slots=True)
class PendingFact:
    """A fact that waits for the importer."""

    id: int
    journal_id: int
    machine: str
    journal: str
    seq: int
    payload: bytes
    sent_boot: int
    sent_ms: int
    sent_utc_ms: int | None
    arrival_ms: int
    live: bool


@dataclass(frozen=True, slots=True)
class Gap:
    """Facts the machine no longer holds and this inbox never got."""

    journal_id: int
    machine: str
    journal: str
    from_seq: int
    to_seq: int


@dataclass(frozen=True, slots=True)
class Unread:
    """Whole messages of one topic that are in quarantine; `reason` is the newest one's."""

    machine: str
    topic: str
    first_id: int
    last_id: int
    count: int
    reason: str


@dataclass(slots=True)
class _Journal:
    journal: str
    id: int
    purged_seq: int
    forgotten: int
    """The machine holds nothing up to here, and what we lack of it is in `gap`."""


class Inbox:
    def __init__(self, db: Database, settings: InboxSettings) -> None:
        self._db = db
        self._settings = settings
        self._since_dropped = 0
        self._journals: dict[str, _Journal] = {}  # by machine, the journal seen last

    # --- taking in
    def store(
        self, tx: sqlite3.Connection, envelope: Envelope, facts: Sequence[RawFact]
    ) -> Outcome:
        """Stores what is new; bad facts keep their place in the journal, in quarantine."""
        journal_id, purged_seq = self._journal(tx, envelope)
        outcome = Outcome()
        for fact in facts:
            purged = fact.seq <= purged_seq and not envelope.again
            if purged or not self._insert(tx, journal_id, envelope, fact):
                outcome.duplicate += 1
            elif fact.reason is None:
                outcome.stored += 1
            else:
                outcome.quarantined += 1
        return outcome

    def _insert(
        self, tx: sqlite3.Connection, journal_id: int, envelope: Envelope, fact: RawFact
    ) -> bool:
        cursor = tx.execute(
            "INSERT OR IGNORE INTO fact (journal_id, seq, payload, sent_boot, sent_ms,"
            " sent_utc_ms, arrival_ms, live, state) VALUES (?,?,?,?,?,?,?,?,?)",
            (journal_id, fact.seq, fact.payload, envelope.boot, envelope.sent_ms,
             envelope.sent_utc_ms, envelope.arrival_ms, envelope.live,
             PENDING if fact.reason is None else QUARANTINED),
        )  # fmt: skip
        if cursor.rowcount == 0:
            return False
        if fact.reason is not None and cursor.lastrowid is not None:
            self._set_aside(tx, cursor.lastrowid, fact.reason, envelope.arrival_ms)
        return True

    def _journal(self, tx: sqlite3.Connection, envelope: Envelope) -> tuple[int, int]:
        """(id, purged_seq) of the journal; what the machine forgot and we lack becomes a gap."""
        known = self._journals.get(envelope.machine)
        if known is None or known.journal != envelope.journal:
            known = self._open_journal(tx, envelope)
            self._journals[envelope.machine] = known
        if envelope.first - 1 > known.forgotten:
            known.forgotten = envelope.first - 1
            self._add_gaps(tx, known.id, known.forgotten)
        return known.id, known.purged_seq

    def _add_gaps(self, tx: sqlite3.Connection, journal_id: int, upto: int) -> None:
        """What is above the cursor and no gap yet, also where one above it was told before."""
        held = tx.execute("SELECT held_seq FROM journal WHERE id=?", (journal_id,)).fetchone()[0]
        told = tx.execute(
            "SELECT from_seq, to_seq FROM gap WHERE journal_id=? AND to_seq>?", (journal_id, held)
        )
        parts = uncovered(held + 1, upto, [(first, last) for first, last in told])
        tx.executemany(
            "INSERT INTO gap VALUES (?,?,?,0)", [(journal_id, *part) for part in parts]
        )

    def _open_journal(self, tx: sqlite3.Connection, envelope: Envelope) -> _Journal:
        """A journal never seen begins with what the machine still holds."""
        for name in [name for name, one in self._journals.items()
                     if one.journal == envelope.journal]:  # fmt: skip
            del self._journals[name]  # a board may be given a former name again
        made = tx.execute(
            "INSERT OR IGNORE INTO journal (machine, journal, held_seq, purged_seq)"
            " VALUES (?,?,?,-1)",
            (envelope.machine, envelope.journal, envelope.first - 1),
        )
        key = (envelope.machine, envelope.journal)
        find = "SELECT id, purged_seq, held_seq FROM journal WHERE machine=? AND journal=?"
        self._carry_over(tx, tx.execute(find, key).fetchone()["id"], made.rowcount > 0)
        row = tx.execute(find, key).fetchone()
        return _Journal(envelope.journal, row["id"], row["purged_seq"], row["held_seq"])

    def _carry_over(self, tx: sqlite3.Connection, journal_id: int, new: bool) -> None:
        """A board that was given another name, or a former one again, sends all it still holds
        under that one; what came under another stays there. It is the same board by journal and
        serial number."""
        other = tx.execute(_OTHER_NAME, (journal_id, new)).fetchone()
        if other is None:
            return
        tx.execute(
            "UPDATE journal SET held_seq=?2, purged_seq=max(purged_seq, ?2) WHERE id=?1",
            (journal_id, other["held_seq"]),
        )
        tx.execute(
            "INSERT OR IGNORE INTO fact (journal_id, seq, payload, sent_boot, sent_ms,"
            " sent_utc_ms, arrival_ms, live, state) SELECT ?, seq, payload, sent_boot, sent_ms,"
            " sent_utc_ms, arrival_ms, live, ? FROM fact WHERE journal_id=? AND seq>?",
            (journal_id, DISCARDED, other["id"], other["held_seq"]),
        )

    def forget_cache(self) -> None:
        """After a transaction was undone: cached journal rows may not exist."""
        self._journals.clear()

    # --- for the importer
    def pending(self, limit: int, now_ms: int) -> list[PendingFact]:
        """Oldest first, without those that wait for a later time. What came in the future came
        by a clock that was set back since."""
        rows = self._db.read(
            "SELECT fact.id, journal_id, machine, journal, seq, payload, sent_boot, sent_ms,"
            " sent_utc_ms, arrival_ms, live FROM fact JOIN journal ON journal.id=journal_id"
            " WHERE state=0 AND (due_ms<=? OR arrival_ms>?) ORDER BY fact.id LIMIT ?",
            (now_ms, now_ms + CLOCK_BACK_MS, limit),
        )  # fmt: skip
        return [PendingFact(*row) for row in rows]

    def payload(self, machine: str, journal: str, seq: int) -> bytes | None:
        """A fact byte for byte; None once it was dropped (`keep_days`)."""
        row = self._db.one(
            "SELECT payload FROM fact JOIN journal ON journal.id=journal_id"
            " WHERE machine=? AND journal=? AND seq=?", (machine, journal, seq),
        )  # fmt: skip
        return None if row is None else bytes(row["payload"])

    def count_pending(self) -> int:
        row = self._db.one("SELECT count(*) AS n FROM fact WHERE state=0")
        return 0 if row is None else int(row["n"])

    def settle(
        self,
        tx: sqlite3.Connection,
        imported: Iterable[int],
        refused: Iterable[tuple[int, str]],
        deferred: Iterable[tuple[int, int]],
        now_ms: int,
    ) -> None:
        """`refused` is (id, reason), `deferred` is (id, due_ms)."""
        tx.executemany("UPDATE fact SET state=1 WHERE id=?", [(id,) for id in imported])
        tx.executemany("UPDATE fact SET due_ms=? WHERE id=?", [(due, id) for id, due in deferred])
        for fact_id, reason in refused:
            tx.execute("UPDATE fact SET state=2 WHERE id=?", (fact_id,))
            self._set_aside(tx, fact_id, reason, now_ms)

    def release(self, machine: str, reason_prefix: str) -> int:
        """Takes facts of a machine out of quarantine whose reason starts so; returns how many."""
        with self._db.write() as tx:
            ids = tx.execute(
                "SELECT id, fact_id FROM quarantine WHERE machine=? AND fact_id IS NOT NULL"
                " AND substr(reason, 1, ?) = ?", (machine, len(reason_prefix), reason_prefix),
            ).fetchall()  # fmt: skip
            tx.executemany("DELETE FROM quarantine WHERE id=?", [(row[0],) for row in ids])
            tx.executemany(
                "UPDATE fact SET state=0, due_ms=0 WHERE id=?", [(row[1],) for row in ids]
            )
        return len(ids)

    def hurry(self, machine: str) -> None:
        """Facts of this machine that wait for a later time are due now."""
        with self._db.write() as tx:
            tx.execute(
                "UPDATE fact SET due_ms=0 WHERE state=0 AND due_ms>0 AND journal_id IN"
                " (SELECT id FROM journal WHERE machine=?)", (machine,),
            )  # fmt: skip

    def add_gap(self, tx: sqlite3.Connection, journal_id: int, from_seq: int, to_seq: int) -> None:
        """A range the machine itself reported as lost, which tells what was found of it too."""
        found = tx.execute(
            "DELETE FROM gap WHERE journal_id=? AND NOT reported AND from_seq<=? AND to_seq>=?"
            " RETURNING from_seq, to_seq", (journal_id, to_seq, from_seq),
        ).fetchall()  # fmt: skip
        ranges = [(row["from_seq"], row["to_seq"]) for row in found]
        rest = [part for one in ranges for part in uncovered(*one, [(from_seq, to_seq)])]
        tx.executemany(
            "INSERT OR IGNORE INTO gap VALUES (?,?,?,?)",
            [(journal_id, from_seq, to_seq, 1), *((journal_id, *part, 0) for part in rest)],
        )

    def untold(
        self, journal_id: int, from_seq: int, to_seq: int, told: Iterable[tuple[int, int]]
    ) -> list[tuple[int, int]]:
        """Parts of a range whose loss is neither known here nor among `told`."""
        rows = self._db.read(
            "SELECT from_seq, to_seq FROM gap WHERE journal_id=? AND reported"
            " AND from_seq<=? AND to_seq>=?", (journal_id, to_seq, from_seq),
        )  # fmt: skip
        return uncovered(from_seq, to_seq, [*((row[0], row[1]) for row in rows), *told])

    def missing(
        self, journal_id: int, from_seq: int, to_seq: int, stored: Sequence[int] = ()
    ) -> int:
        """How many of a range never got here, nor are among those `stored` elsewhere."""
        row = self._db.one(
            "WITH told AS (SELECT max(?2, purged_seq + 1) AS low FROM journal WHERE id=?1)"
            " SELECT ?3 - low + 1 - (SELECT count(*) FROM (SELECT seq FROM fact"
            "  WHERE journal_id=?1 AND seq BETWEEN low AND ?3 UNION SELECT value"
            "  FROM json_each(?4) WHERE value BETWEEN low AND ?3)) AS missing FROM told",
            (journal_id, from_seq, to_seq, json.dumps(stored)),
        )
        return 0 if row is None else max(0, int(row["missing"]))

    def unreported_gaps(self) -> list[Gap]:
        rows = self._db.read(
            "SELECT journal_id, machine, journal, from_seq, to_seq"
            " FROM gap JOIN journal ON journal.id=journal_id WHERE NOT reported"
        )
        return [Gap(*row) for row in rows]

    def gaps_reported(self, gaps: Iterable[Gap]) -> None:
        with self._db.write() as tx:
            tx.executemany(
                "UPDATE gap SET reported=1 WHERE journal_id=? AND from_seq=? AND to_seq=?",
                [(gap.journal_id, gap.from_seq, gap.to_seq) for gap in gaps],
            )

    def import_again(self, holds: Callable[[str, str], bool], stored: Stored) -> int:
        """Gives the importer back what the store has lost: of journals whose newest imported fact
        it has no record of (`holds`), all that is not `stored`. Returns the number of facts."""
        again = 0
        with self._db.write() as tx:
            for journal_id, machine, journal, seq in self._db.read(_NEWEST_IMPORTED):
                if not holds(machine, f"{journal}/{seq}"):
                    again += self._give_back(tx, journal_id, stored(machine, journal, 0, seq))
        return again

    def _give_back(self, tx: sqlite3.Connection, journal_id: int, stored: Sequence[int]) -> int:
        """With facts the word about losses went, too; who looks again tells what is not told."""
        facts = tx.execute(
            f"UPDATE fact SET state={PENDING}, due_ms=0 WHERE journal_id=? AND state={IMPORTED}"
            " AND seq NOT IN (SELECT value FROM json_each(?))", (journal_id, json.dumps(stored)),
        ).rowcount  # fmt: skip
        if facts:
            tx.execute("UPDATE gap SET reported=0 WHERE journal_id=?", (journal_id,))
        return facts

    # --- quarantine
    def set_aside_message(
        self, tx: sqlite3.Connection, topic: str, machine: str | None, payload: bytes,
        reason: str, now_ms: int,
    ) -> None:  # fmt: skip
        """A whole message nobody could read. The same bytes again only count."""
        self._since_dropped += 1
        if self._since_dropped >= DROP_EVERY:  # a flood would fill the disk within the hour
            self._drop_messages(tx)
        digest = hashlib.sha256(payload).digest()[:16]
        tx.execute(
            "INSERT INTO quarantine (topic, machine, payload, size_bytes, digest, reason,"
            " received_ms) VALUES (?,?,?,?,?,?,?)"
            " ON CONFLICT (topic, digest) DO UPDATE SET times=times+1, reason=excluded.reason",
            (_printable(topic), machine, payload[: self._settings.payload_bytes], len(payload),
             digest, reason, now_ms),
        )  # fmt: skip

    def unreadable(self, after_id: int) -> list[Unread]:
        """Whole messages with a machine's name set aside since that row, by topic."""
        rows = self._db.read(
            "SELECT new.*, reason FROM (SELECT machine, topic, min(id), max(id) AS last_id,"
            " count(*) FROM quarantine WHERE id>? AND fact_id IS NULL AND machine IS NOT NULL"
            " GROUP BY machine, topic) AS new JOIN quarantine ON quarantine.id=last_id",
            (after_id,),
        )
        return [Unread(*row) for row in rows]

    def _set_aside(self, tx: sqlite3.Connection, fact_id: int, reason: str, now_ms: int) -> None:
        row = tx.execute(
            "SELECT machine, payload FROM fact JOIN journal ON journal.id=journal_id"
            " WHERE fact.id=?", (fact_id,),
        ).fetchone()  # fmt: skip
        tx.execute(
            "INSERT INTO quarantine (topic, machine, fact_id, payload, size_bytes, digest, reason,"
            " received_ms) VALUES (?,?,?,?,?,?,?,?)"
            " ON CONFLICT (fact_id) DO UPDATE SET reason=excluded.reason, times=times+1",
            (journal_topic(row["machine"]), row["machine"], fact_id, row["payload"],
             len(row["payload"]), b"fact %d" % fact_id, reason, now_ms),
        )  # fmt: skip

    def quarantine(
        self, limit: int, containing: str = "", before: int | None = None
    ) -> list[QuarantineView]:
        """Newest first; `containing` is looked for in topic, reason and external id."""
        rows = self._db.read(
            f"{_QUARANTINE_VIEW} WHERE {_CONTAINING} AND (?2 IS NULL OR quarantine.id < ?2)"
            " ORDER BY quarantine.id DESC LIMIT ?3", (containing, before, limit),
        )  # fmt: skip
        return [QuarantineView(*row) for row in rows]

    def quarantined(self, quarantine_id: int) -> QuarantineView:
        """Raises NotFound."""
        row = self._db.one(f"{_QUARANTINE_VIEW} WHERE quarantine.id=?", (quarantine_id,))
        if row is None:
            raise NotFound("quarantine_id", f"no row {quarantine_id} in quarantine; list it again")
        return QuarantineView(*row)

    def quarantined_fact(self, machine: str, external_id: str) -> QuarantineView | None:
        """The fact with that `<journal>/<seq>`, while it is in quarantine."""
        journal, _, seq = external_id.rpartition("/")
        row = self._db.one(
            f"{_QUARANTINE_VIEW} WHERE journal.machine=? AND journal.journal=? AND fact.seq=?",
            (machine, journal, seq),
        )
        return None if row is None else QuarantineView(*row)

    def count_quarantined(self, containing: str = "") -> int:
        # all of them by an index: every page asks, and the rows are as large as what came
        where, given = (f" WHERE {_CONTAINING}", (containing,)) if containing else ("", ())
        row = self._db.one(f"SELECT count(*) AS n FROM quarantine{where}", given)
        return 0 if row is None else int(row["n"])

    def replay_fact(self, quarantine_id: int) -> bool:
        """Gives a single fact back to the importer. False: the row is a whole message.

        Raises:
            Invalid: it still does not decode, or belongs elsewhere in its journal.
        """
        view = self.quarantined(quarantine_id)
        if view.external_id is None:
            return False
        try:
            decode_fact_at(view.payload, int(view.external_id.rpartition("/")[2]))
        except ContractError as error:
            raise Invalid("quarantine_id", f"still unreadable: {error}; discard it") from error
        with self._db.write() as tx:
            fact_id = self._remove(tx, quarantine_id)
            tx.execute("UPDATE fact SET state=0, due_ms=0 WHERE id=?", (fact_id,))
        return True

    def discard(self, quarantine_id: int) -> QuarantineView:
        """Raises NotFound. The identity of a single fact stays known, so it never comes back."""
        view = self.quarantined(quarantine_id)
        with self._db.write() as tx:
            fact_id = self._remove(tx, quarantine_id)
            if fact_id is not None:
                tx.execute("UPDATE fact SET state=3 WHERE id=?", (fact_id,))
        return view

    def discard_all(self, containing: str, upto: int) -> int:
        """All rows up to id `upto` that contain the text; how many those were."""
        with self._db.write() as tx:
            gone = tx.execute(
                f"DELETE FROM quarantine WHERE {_CONTAINING} AND id <= ?2 RETURNING fact_id",
                (containing, upto),
            ).fetchall()
            facts = [(row["fact_id"],) for row in gone if row["fact_id"] is not None]
            tx.executemany("UPDATE fact SET state=3 WHERE id=?", facts)
        return len(gone)

    def remove_message(self, tx: sqlite3.Connection, quarantine_id: int) -> None:
        tx.execute("DELETE FROM quarantine WHERE id=? AND fact_id IS NULL", (quarantine_id,))

    def reason(self, tx: sqlite3.Connection, quarantine_id: int) -> str:
        row = tx.execute("SELECT reason FROM quarantine WHERE id=?", (quarantine_id,)).fetchone()
        return "unknown" if row is None else str(row["reason"])

    def _remove(self, tx: sqlite3.Connection, quarantine_id: int) -> int | None:
        row = tx.execute(
            "DELETE FROM quarantine WHERE id=? RETURNING fact_id", (quarantine_id,)
        ).fetchone()
        return None if row is None else row["fact_id"]

    # --- housekeeping
    def purge(self, now_ms: int) -> tuple[int, int]:
        """Drops imported facts older than keep_days and whole messages above quarantine_rows.

        Returns:
            Number of facts dropped, number of quarantined messages dropped.
        """
        before_ms = now_ms - int(self._settings.keep_days * 86_400_000)
        with self._db.write() as tx:
            tx.execute(_MARK, (before_ms, now_ms + CLOCK_BACK_MS))
            facts = tx.execute(
                "DELETE FROM fact WHERE seq <= (SELECT purged_seq FROM journal"
                " WHERE id=journal_id) AND state NOT IN (0, 2) AND arrival_ms < ?",
                (before_ms,),
            ).rowcount
            facts += tx.execute(_ABOVE_HOLES, (before_ms, now_ms + CLOCK_BACK_MS)).rowcount
            # What the machine itself says of a loss may come long after it was found, and what
            # waits within a gap was not told with it.
            tx.execute(
                "DELETE FROM gap WHERE to_seq <= (SELECT purged_seq FROM journal"
                " WHERE id=journal_id) AND reported AND NOT EXISTS (SELECT 1 FROM fact WHERE"
                " journal_id=gap.journal_id AND seq BETWEEN from_seq AND to_seq)"
            )
            messages = self._drop_messages(tx)
            self.forget_cache()
        return facts, messages

    def _drop_messages(self, tx: sqlite3.Connection) -> int:
        """The oldest whole messages above quarantine_rows."""
        self._since_dropped = 0
        return tx.execute(
            "DELETE FROM quarantine WHERE fact_id IS NULL AND id <= (SELECT id FROM"
            " quarantine WHERE fact_id IS NULL ORDER BY id DESC LIMIT 1 OFFSET ?)",
            (self._settings.quarantine_rows,),
        ).rowcount


_NEWEST_IMPORTED: Final = f"""
SELECT * FROM (SELECT id, machine, journal, (SELECT seq FROM fact WHERE journal_id=journal.id
  AND state={IMPORTED} ORDER BY seq DESC LIMIT 1) AS seq FROM journal) WHERE seq NOT NULL
"""
_CONTAINING: Final = (
    "(?1 = '' OR instr(lower(topic), lower(?1)) OR instr(lower(reason), lower(?1))"
    " OR EXISTS (SELECT 1 FROM fact AS held JOIN journal AS its ON its.id = held.journal_id"
    " WHERE held.id = fact_id AND instr(lower(its.journal || '/' || held.seq), lower(?1))))"
)
_OTHER_NAME: Final = """
SELECT other.id, other.held_seq FROM journal AS now JOIN journal AS other
  ON other.journal = now.journal AND other.id <> now.id
JOIN machine AS a ON a.machine = now.machine JOIN machine AS b ON b.machine = other.machine
WHERE now.id = ? AND json_extract(a.info, '$.serial') = json_extract(b.info, '$.serial')
  AND (? OR other.held_seq > now.held_seq)
ORDER BY other.held_seq DESC, other.id DESC LIMIT 1
"""
_MARK: Final = """
UPDATE journal SET purged_seq=max(purged_seq, upto) FROM (
  SELECT id, min(
    coalesce((SELECT min(seq) - 1 FROM fact WHERE journal_id=journal.id AND seq <= held_seq
      AND arrival_ms BETWEEN ?1 AND ?2), held_seq),
    coalesce((SELECT min(from_seq) - 1 FROM gap WHERE journal_id=journal.id AND NOT reported),
      held_seq)) AS upto
  FROM journal) AS old
WHERE old.id=journal.id AND EXISTS (
  SELECT 1 FROM fact WHERE journal_id=old.id AND seq <= upto AND state NOT IN (0, 2))
"""
"""Never past the cursor (a hole may still be filled) nor past what came of late: what belongs
before it may be on its way. A row that waits, for a person or for the ERP again, stays and is
known by itself, so the mark may pass it; so may it what came by a clock that was set back since,
which would hold it for as long as it was wrong. Nor past a gap that is still to be told, nor
where no row would be dropped, below a journal's first message or with all of it in quarantine:
what is under the mark counts as here, never as lost."""
_ABOVE_HOLES: Final = f"""
DELETE FROM fact WHERE state={IMPORTED} AND arrival_ms < ?1 AND journal_id IN (
  SELECT id FROM journal AS old
  WHERE id < (SELECT max(id) FROM journal WHERE machine=old.machine) AND NOT EXISTS (
    SELECT 1 FROM fact WHERE journal_id=old.id AND arrival_ms BETWEEN ?1 AND ?2))
"""
"""Of boards that were replaced long ago: nothing will fill the hole. The mark stays below it, so
that one put back is listened to; what it sends again, the store knows."""
_QUARANTINE_VIEW: Final = """
SELECT quarantine.id, topic, quarantine.machine, journal.journal || '/' || fact.seq,
  quarantine.payload, size_bytes, reason, received_ms, times
FROM quarantine LEFT JOIN fact ON fact.id=fact_id LEFT JOIN journal ON journal.id=journal_id
"""


def _printable(topic: str) -> str:
    """A topic may hold what SQLite text cannot (surrogates of bad UTF-8)."""
    return topic.encode("utf-8", "backslashreplace").decode()
