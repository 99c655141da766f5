"""The port filled by SQLite: the store of a bridge that has no ERP, and the port's reference.

One file, `store.sqlite`, with the tables an ERP addon will have. With an ERP it is what the
console reads (see mirror.py). Nothing but this package may read the file.
"""

from __future__ import annotations

import json
import sqlite3
import time
import uuid
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

from host_bridge.database import Database, DatabaseError
from host_bridge.gateway.history import History
from host_bridge.gateway.port import (
    BACKEND,
    BREW,
    FACT_MODELS,
    FIRST_SEEN,
    RECIPE,
    BackendDraft,
    BackendRecord,
    CheckpointDraft,
    CheckpointKey,
    Done,
    ErpOrder,
    FactPush,
    Fetched,
    Hello,
    Permanent,
    Presence,
    Pushed,
    PushStatus,
    Reviewed,
    Transient,
    Values,
)
from host_bridge.gateway.records import StoreRecords
from host_bridge.gateway.tables import SCHEMA, TABLES, UPGRADES, VERSION

_OURS: Final = {"id", "created_ms", "backend_id", "coffee_id", "recipe_id"}
_TIME: Final = ("time_known", "utc_ms", "start_ms")


def _now_ms() -> int:
    return time.time_ns() // 1_000_000


@contextmanager
def _as_gateway_errors() -> Iterator[None]:
    """SQLite's errors in the port's words: what may pass, and what never will."""
    try:
        yield
    except (sqlite3.IntegrityError, sqlite3.DataError, sqlite3.InterfaceError) as error:
        raise Permanent(f"the store refused it: {error}") from error
    except (OverflowError, UnicodeEncodeError) as error:
        raise Permanent(f"the store cannot hold this value: {error}") from error
    except (sqlite3.Error, DatabaseError, OSError) as error:
        raise Transient(f"the store is not available: {error}") from error


class EmbeddedStore(StoreRecords):
    """Implements `port.Gateway` and `port.Records`."""

    def __init__(self, path: Path, read_only: bool = False) -> None:
        """Raises DatabaseError when the file cannot be used."""
        super().__init__(Database(path, SCHEMA, VERSION, read_only, UPGRADES))
        self.history = History(self._db)
        self._columns = {
            model: {row["name"] for row in self._db.read(f"PRAGMA table_info({table})")} - _OURS
            for model, table in TABLES.items()
        }

    def close(self) -> None:
        self._db.close()

    def hello(self) -> Hello:
        self.probe()
        return Hello(f"SQLite {sqlite3.sqlite_version}", "embedded", "")

    def probe(self) -> None:
        with _as_gateway_errors(), self._db.write() as tx:
            tx.execute("SELECT count(*) FROM coffee_backend").fetchone()

    # --- backends
    def save_backends(self, drafts: Sequence[BackendDraft]) -> list[BackendRecord]:
        found = []
        with _as_gateway_errors(), self._db.write() as tx:
            for draft in drafts:
                self._backend(tx, draft)
                row = tx.execute(
                    "SELECT machine, version, language FROM coffee_backend WHERE machine=?",
                    (draft.machine,),
                ).fetchone()
                found.append(BackendRecord(*row))
        return found

    def _backend(self, tx: sqlite3.Connection, draft: BackendDraft) -> int:
        """Its id; a machine new to the store asks a person whether it is theirs."""
        changed = tx.execute(
            "UPDATE coffee_backend SET version=CASE ?2 WHEN '' THEN version ELSE ?2 END,"
            " serial=coalesce(?3, serial), firmware=coalesce(?4, firmware) WHERE machine=?1"
            " RETURNING id",
            (draft.machine, draft.version, draft.serial, draft.firmware),
        ).fetchone()
        if changed is not None:
            return int(changed["id"])
        made = tx.execute(
            "INSERT INTO coffee_backend (machine, version, serial, language, firmware, created_ms)"
            " VALUES (?,?,?,?,?,?) RETURNING id",
            (draft.machine, draft.version, draft.serial, draft.language, draft.firmware,
             _now_ms()),
        ).fetchone()  # fmt: skip
        backend_id = int(made["id"])
        serial = f", serial {draft.serial}" if draft.serial else ""
        summary = f"Is this your machine? {draft.machine}{serial}, seen for the first time"
        self._ask(tx, backend_id, BACKEND, FIRST_SEEN, summary, draft.language or "en_US")
        return backend_id

    def presence(self, states: Sequence[Presence]) -> None:
        """The bridge's own registry has it, and the console reads it there."""
        self.probe()

    # --- facts
    def push(self, facts: Sequence[FactPush]) -> list[Pushed]:
        """A savepoint a fact, not bisection: SQLite makes one in microseconds."""
        with _as_gateway_errors(), self._db.write() as tx:
            machines = dict.fromkeys(fact.machine for fact in facts)
            ids = {machine: self._backend(tx, BackendDraft(machine, "")) for machine in machines}
            return [self._push_one(tx, ids[fact.machine], fact) for fact in facts]

    def _push_one(self, tx: sqlite3.Connection, backend_id: int, fact: FactPush) -> Pushed:
        tx.execute("SAVEPOINT fact")
        try:
            with _as_gateway_errors():
                if fact.model not in FACT_MODELS:
                    raise Permanent(f"model: {fact.model!r} is none of {', '.join(FACT_MODELS)}")
                if not fact.journal or fact.seq < 0:
                    raise Permanent("journal, seq: a fact needs both to be identified")
                key = (backend_id, fact.coffee_id)
                record_id, status = self._upsert(tx, fact.model, key, fact.values, fact.again)
                if fact.review is not None:
                    self._ask(tx, backend_id, fact.model, fact.coffee_id, fact.review.summary,
                              fact.review.language, record_id)  # fmt: skip
            return Pushed(status)
        except Permanent as error:
            tx.execute("ROLLBACK TO fact")
            return Pushed("refused", f"{error}; correct it, then replay")
        finally:
            tx.execute("RELEASE fact")

    def _upsert(
        self, tx: sqlite3.Connection, model: str, key: tuple[int, str], values: Values,
        again: bool = False,
    ) -> tuple[int, PushStatus]:  # fmt: skip
        table, names = TABLES[model], self._checked(model, values)
        row = tx.execute(
            f"SELECT * FROM {table} WHERE backend_id=? AND coffee_id=?", key
        ).fetchone()
        if row is not None:
            status = "unchanged" if again else self._update(tx, table, row, values)
            return int(row["id"]), status
        columns = ["created_ms", "backend_id", "coffee_id", *names]
        found = [_now_ms(), *key, *(_plain(values[name]) for name in names)]
        if model == BREW:
            columns.append("recipe_id")
            found.append(self._recipe_id(tx, key[0], values))
        made = tx.execute(
            f"INSERT INTO {table} ({', '.join(columns)})"
            f" VALUES (?{', ?' * (len(columns) - 1)}) RETURNING id", found,
        ).fetchone()  # fmt: skip
        return int(made["id"]), "created"

    def _update(
        self, tx: sqlite3.Connection, table: str, row: sqlite3.Row, values: Values
    ) -> PushStatus:
        """After a crash the bridge may know less of the time than it did: that changes nothing."""
        less = bool("time_known" in values and row["time_known"] and not values["time_known"])
        changes = {
            name: _plain(value)
            for name, value in values.items()
            if row[name] != _plain(value) and not (less and name in _TIME)
        }
        if not changes:
            return "unchanged"
        assigned = ", ".join(f"{name}=?" for name in changes)
        tx.execute(f"UPDATE {table} SET {assigned} WHERE id=?", (*changes.values(), row["id"]))
        return "updated"

    def _checked(self, model: str, values: Values) -> list[str]:
        """Names go into SQL, so they must be columns."""
        unknown = sorted(set(values) - self._columns[model])
        if unknown:
            raise Permanent(f"{unknown[0]}: {model} has no such field")
        return list(values)

    def _recipe_id(self, tx: sqlite3.Connection, backend_id: int, values: Values) -> int | None:
        row = tx.execute(
            "SELECT id FROM coffee_recipe WHERE backend_id=? AND coffee_id=?",
            (backend_id, values.get("slot")),
        ).fetchone()
        return None if row is None else int(row["id"])

    # --- recipes
    def import_recipes(
        self, machine: str, rev: int, slots: Mapping[str, Mapping[str, Any]]
    ) -> dict[str, Pushed]:
        found = {}
        with _as_gateway_errors(), self._db.write() as tx:
            backend_id = self._backend(tx, BackendDraft(machine, ""))
            for slot, recipe in slots.items():
                values = {"name": str(recipe.get("name", slot))[:64], "recipe": dict(recipe),
                          "rev": rev, "active": True}  # fmt: skip
                _, status = self._upsert(tx, RECIPE, (backend_id, slot), values)
                found[slot] = Pushed(status)
            tx.execute(
                "UPDATE coffee_recipe SET active=0 WHERE backend_id=? AND active AND coffee_id"
                " NOT IN (SELECT value FROM json_each(?))",
                (backend_id, json.dumps(list(slots))),
            )
        return found

    # --- checkpoints
    def add_checkpoints(self, drafts: Sequence[CheckpointDraft]) -> None:
        with _as_gateway_errors(), self._db.write() as tx:
            for draft in drafts:
                backend_id = self._backend(tx, BackendDraft(draft.machine, ""))
                self._ask(
                    tx, backend_id, draft.model, draft.coffee_id, draft.summary, draft.language
                )

    def _ask(
        self, tx: sqlite3.Connection, backend_id: int, model: str, coffee_id: str, summary: str,
        language: str, record_id: int | None = None,
    ) -> None:  # fmt: skip
        tx.execute(
            "INSERT INTO checkpoint (backend_id, coffee_id, model, record_id, summary, language,"
            " created_ms) VALUES (?,?,?,?,?,?,?) ON CONFLICT DO NOTHING",
            (backend_id, coffee_id, model, record_id, summary, language, _now_ms()),
        )

    def review(self, checkpoint_id: int, user: str, note: str, now_ms: int) -> bool:
        """False when it was reviewed before (nothing changes)."""
        with _as_gateway_errors(), self._db.write() as tx:
            changed = tx.execute(
                "UPDATE checkpoint SET state='done', reviewed_by=?, reviewed_ms=?, note=?"
                " WHERE id=? AND state='open'", (user, now_ms, note, checkpoint_id),
            ).rowcount  # fmt: skip
        return changed > 0

    def review_all(
        self, checkpoint_ids: Sequence[int], user: str, note: str, now_ms: int
    ) -> list[int]:
        """Those of them that were open until now."""
        with _as_gateway_errors(), self._db.write() as tx:
            rows = tx.execute(
                "UPDATE checkpoint SET state='done', reviewed_by=?, reviewed_ms=?, note=?"
                " WHERE state='open' AND id IN (SELECT value FROM json_each(?)) RETURNING id",
                (user, now_ms, note, json.dumps(list(checkpoint_ids))),
            ).fetchall()
        return sorted(row["id"] for row in rows)

    def reviewed(self, open_keys: Sequence[CheckpointKey]) -> list[Reviewed]:
        asked = [(key.machine, key.model, key.coffee_id) for key in open_keys]
        with _as_gateway_errors():
            rows = self._db.read(
                "WITH asked AS (SELECT json_extract(value, '$[0]') AS machine, json_extract(value,"
                " '$[1]') AS model, json_extract(value, '$[2]') AS coffee_id FROM json_each(?))"
                " SELECT asked.*, state, reviewed_by, note, reviewed_ms FROM asked LEFT JOIN"
                " coffee_backend AS b ON b.machine=asked.machine LEFT JOIN checkpoint AS c ON"
                " c.backend_id=b.id AND c.model=asked.model AND c.coffee_id=asked.coffee_id",
                (json.dumps(asked),),
            )  # fmt: skip
        return [
            Reviewed(
                CheckpointKey(row["machine"], row["model"], row["coffee_id"]),
                row["reviewed_by"] or "", row["note"] or "", row["reviewed_ms"],
            )
            for row in rows
            if row["state"] != "open"
        ]  # fmt: skip

    def open_keys(self, after_id: int, limit: int) -> dict[int, CheckpointKey]:
        """Open checkpoints above that id, by id."""
        rows = self._db.read(
            "SELECT checkpoint.id, machine, model, coffee_id FROM checkpoint JOIN coffee_backend"
            " ON coffee_backend.id=backend_id WHERE state='open' AND checkpoint.id>?"
            " ORDER BY checkpoint.id LIMIT ?", (after_id, limit),
        )  # fmt: skip
        return {row[0]: CheckpointKey(*row[1:]) for row in rows}

    def close_reviewed(self, found: Sequence[Reviewed]) -> None:
        """What was reviewed elsewhere."""
        with _as_gateway_errors(), self._db.write() as tx:
            tx.executemany(
                "UPDATE checkpoint SET state='done', reviewed_by=?, reviewed_ms=?, note=? WHERE"
                " state='open' AND model=? AND coffee_id=? AND backend_id=(SELECT id FROM"
                " coffee_backend WHERE machine=?)",
                [
                    (one.user or "the ERP", one.reviewed_ms or _now_ms(), one.note,
                     one.key.model, one.key.coffee_id, one.key.machine)
                    for one in found
                ],
            )  # fmt: skip

    # --- what people want of the machines
    def order(
        self, machine: str, name: str, args: dict[str, Any], user: str,
        deadline_ms: int | None = None,
    ) -> str:  # fmt: skip
        """Writes down what an ERP would order, and returns its id."""
        order_id = f"erp-{uuid.uuid4().hex[:24]}"
        with _as_gateway_errors(), self._db.write() as tx:
            tx.execute(
                "INSERT INTO outgoing (id, machine, name, args, person, deadline_ms, created_ms)"
                " VALUES (?,?,?,?,?,?,?)",
                (order_id, machine, name, json.dumps(args), user, deadline_ms, _now_ms()),
            )
        return order_id

    def fetch(self, limit: int, known: Sequence[str] = ()) -> Fetched:
        with _as_gateway_errors():
            rows = self._db.read(
                "SELECT * FROM outgoing WHERE state='waiting' AND id NOT IN (SELECT value FROM"
                " json_each(?)) ORDER BY +rowid LIMIT ?",  # +: by the index
                (json.dumps(list(known)), limit),
            )
        return Fetched([
            ErpOrder(row["id"], row["machine"], row["name"], json.loads(row["args"]),
                     row["person"], row["deadline_ms"])
            for row in rows
        ])  # fmt: skip

    def finished(self, done: Sequence[Done]) -> None:
        with _as_gateway_errors(), self._db.write() as tx:
            tx.executemany(
                "UPDATE outgoing SET state=?, message=?, result=? WHERE id=?",
                [(end.state, end.message, json.dumps(end.result), end.id) for end in done],
            )


def _plain(value: Any) -> Any:
    return json.dumps(value) if isinstance(value, (dict, list)) else value
