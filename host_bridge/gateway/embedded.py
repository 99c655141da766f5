"""The port filled by SQLite: the store of a bridge that has no ERP yet, and the port's reference.

One file, `store.sqlite`, with the tables an ERP addon will have. It is a gateway like any other:
nothing else in the bridge may read the file.
"""

from __future__ import annotations

import json
import sqlite3
import time
import uuid
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final, Literal

from host_bridge.database import Database, DatabaseError, Row
from host_bridge.gateway.port import (
    BackendDraft,
    BackendRecord,
    CheckpointDraft,
    CommandOrder,
    Done,
    Key,
    Permanent,
    RecipeExport,
    Transient,
    Values,
)
from host_bridge.gateway.tables import SCHEMA, TABLES
from host_bridge.views import AlarmView, BrewView, CheckpointView, MeterView

_SYSTEM_COLUMNS: Final = {"id", "created_ms"}


def _now_ms() -> int:
    return time.time_ns() // 1_000_000


@contextmanager
def _as_gateway_errors() -> Iterator[None]:
    """SQLite's errors in the port's words: what may pass, and what never will."""
    try:
        yield
    except (sqlite3.IntegrityError, sqlite3.DataError, sqlite3.InterfaceError) as error:
        raise Permanent(f"the store refuses it: {error}") from error
    except (OverflowError, UnicodeEncodeError) as error:
        raise Permanent(f"the store cannot hold this value: {error}") from error
    except (sqlite3.Error, DatabaseError, OSError) as error:
        raise Transient(f"the store is not available: {error}") from error


class EmbeddedStore:
    """Implements `port.Gateway` and `port.Records`."""

    def __init__(self, path: Path, read_only: bool = False) -> None:
        """Raises DatabaseError when the file cannot be used."""
        self._db = Database(path, SCHEMA, read_only=read_only)
        self._columns = {
            model: {row["name"] for row in self._db.read(f"PRAGMA table_info({table})")}
            for model, table in TABLES.items()
        }

    def close(self) -> None:
        self._db.close()

    def probe(self) -> None:
        with _as_gateway_errors(), self._db.write() as tx:
            tx.execute("SELECT count(*) FROM coffee_backend").fetchone()

    # --- backends and bindings
    def save_backends(self, drafts: Sequence[BackendDraft]) -> list[BackendRecord]:
        found = []
        with _as_gateway_errors(), self._db.write() as tx:
            for draft in drafts:
                row = tx.execute(
                    "INSERT INTO coffee_backend (machine, version, serial, language, created_ms)"
                    " VALUES (?,?,?,?,?) ON CONFLICT (machine) DO UPDATE SET version="
                    "CASE excluded.version WHEN '' THEN version ELSE excluded.version END,"
                    " serial=coalesce(excluded.serial, serial)"
                    " RETURNING id, machine, version, language",
                    (draft.machine, draft.version, draft.serial, draft.language, _now_ms()),
                ).fetchone()
                found.append(BackendRecord(*row))
        return found

    def search_bindings(self, model: str, keys: Sequence[Key]) -> dict[Key, int]:
        table = self._table(model)
        with _as_gateway_errors():
            rows = self._db.read(
                f"SELECT backend_id, coffee_id, record.id FROM json_each(?) AS key JOIN {table}"
                " AS record ON backend_id = json_extract(key.value, '$[0]')"
                " AND coffee_id = json_extract(key.value, '$[1]')",
                (json.dumps([(key.backend_id, key.coffee_id) for key in keys]),),
            )
        return {Key(row["backend_id"], row["coffee_id"]): row["id"] for row in rows}

    def create_bindings(self, model: str, records: Sequence[Values]) -> list[int]:
        with _as_gateway_errors(), self._db.write() as tx:
            return [self._create(tx, model, record) for record in records]

    def _create(self, tx: sqlite3.Connection, model: str, record: Values) -> int:
        names = self._checked(model, record)
        if "backend_id" not in record or not isinstance(record.get("coffee_id"), str):
            raise Permanent(f"{model}: backend_id and a text coffee_id are needed")
        table = TABLES[model]
        cursor = tx.execute(
            f"INSERT INTO {table} (created_ms, {', '.join(names)})"
            f" VALUES (?{', ?' * len(names)}) ON CONFLICT (backend_id, coffee_id) DO NOTHING",
            (_now_ms(), *(_plain(record[name]) for name in names)),
        )
        if cursor.rowcount and cursor.lastrowid is not None:
            return cursor.lastrowid
        row = tx.execute(
            f"SELECT id FROM {table} WHERE backend_id=? AND coffee_id=?",
            (record["backend_id"], record["coffee_id"]),
        ).fetchone()
        return int(row["id"])

    def write(self, model: str, changes: Sequence[tuple[int, Values]]) -> None:
        table = self._table(model)
        with _as_gateway_errors(), self._db.write() as tx:
            for record_id, values in changes:
                names = self._checked(model, values)
                assigned = ", ".join(f"{name}=?" for name in names)
                changed = tx.execute(
                    f"UPDATE {table} SET {assigned} WHERE id=?",
                    (*(_plain(values[name]) for name in names), record_id),
                ).rowcount
                if not changed:
                    raise Permanent(f"{model}: no record {record_id}")

    def _table(self, model: str) -> str:
        if model not in TABLES:
            raise Permanent(f"{model}: no such model; known are {', '.join(TABLES)}")
        return TABLES[model]

    def _checked(self, model: str, values: Values) -> list[str]:
        """Names go into SQL, so they must be columns."""
        self._table(model)
        unknown = sorted(set(values) - (self._columns[model] - _SYSTEM_COLUMNS))
        if unknown:
            raise Permanent(f"{model}: no field {', '.join(unknown)}")
        return list(values)

    # --- checkpoints
    def add_checkpoints(self, drafts: Sequence[CheckpointDraft]) -> list[int]:
        found = []
        with _as_gateway_errors(), self._db.write() as tx:
            for draft in drafts:
                key = (draft.backend_id, draft.coffee_id)
                tx.execute(
                    "INSERT INTO checkpoint (backend_id, coffee_id, model, record_id, summary,"
                    " language, created_ms) VALUES (?,?,?,?,?,?,?)"
                    " ON CONFLICT (backend_id, coffee_id) DO NOTHING",
                    (*key, draft.model, draft.record_id, draft.summary, draft.language,
                     _now_ms()),
                )  # fmt: skip
                row = tx.execute(
                    "SELECT id FROM checkpoint WHERE backend_id=? AND coffee_id=?", key
                ).fetchone()
                found.append(int(row["id"]))
        return found

    def review(self, checkpoint_id: int, user: str, note: str, now_ms: int) -> bool:
        with _as_gateway_errors(), self._db.write() as tx:
            changed = tx.execute(
                "UPDATE checkpoint SET state='done', reviewed_by=?, reviewed_ms=?, note=?"
                " WHERE id=? AND state='open'", (user, now_ms, note, checkpoint_id),
            ).rowcount  # fmt: skip
        return changed > 0

    # --- what people want of the machines
    def order(
        self, machine: str, name: str, args: dict[str, Any], user: str,
        deadline_ms: int | None = None,
    ) -> str:  # fmt: skip
        """Writes down a command; recipe.put and recipe.delete have no deadline and are exported
        until the machine has answered. Returns the order's id."""
        order_id = f"erp-{uuid.uuid4().hex[:24]}"
        with _as_gateway_errors(), self._db.write() as tx:
            tx.execute(
                "INSERT INTO outgoing (id, machine, name, args, person, deadline_ms, created_ms)"
                " VALUES (?,?,?,?,?,?,?)",
                (order_id, machine, name, json.dumps(args), user, deadline_ms, _now_ms()),
            )
        return order_id

    def recipes_to_export(self, limit: int) -> list[RecipeExport]:
        rows = self._waiting("name LIKE 'recipe.%'", limit)
        found = []
        for row in rows:
            args = json.loads(row["args"])
            found.append(
                RecipeExport(
                    row["id"], row["machine"], args["slot"], args.get("recipe"), row["person"]
                )
            )
        return found

    def commands_to_run(self, limit: int) -> list[CommandOrder]:
        rows = self._waiting("name NOT LIKE 'recipe.%'", limit)
        return [
            CommandOrder(
                row["id"], row["machine"], row["name"], row["person"], row["deadline_ms"],
                json.loads(row["args"]),
            )
            for row in rows
        ]  # fmt: skip

    def _waiting(self, condition: str, limit: int) -> list[Row]:
        with _as_gateway_errors():
            return self._db.read(
                f"SELECT * FROM outgoing WHERE state='waiting' AND {condition}"
                " ORDER BY created_ms, rowid LIMIT ?", (limit,),
            )  # fmt: skip

    def finished(self, done: Sequence[Done]) -> None:
        with _as_gateway_errors(), self._db.write() as tx:
            tx.executemany(
                "UPDATE outgoing SET state=?, message=? WHERE id=?",
                [(end.state, end.message, end.id) for end in done],
            )

    # --- for the console
    def brews(
        self, machine: str | None, limit: int, before: int | None, external_id: str | None = None
    ) -> list[BrewView]:
        rows = self._db.read(
            f"{_BREWS} WHERE (?1 IS NULL OR machine=?1) AND (?2 IS NULL OR brew.id<?2)"
            " AND (?3 IS NULL OR coffee_id=?3) ORDER BY brew.id DESC LIMIT ?4",
            (machine, before, external_id, limit),
        )
        return [_brew(row) for row in rows]

    def last_brews(self) -> dict[str, BrewView]:
        rows = self._db.read(
            f"{_BREWS} WHERE brew.id IN (SELECT (SELECT max(id) FROM coffee_brew WHERE"
            " backend_id=coffee_backend.id) FROM coffee_backend)"
        )
        return {row["machine"]: _brew(row) for row in rows}

    def alarms(self, machine: str | None, limit: int) -> list[AlarmView]:
        rows = self._db.read(
            "SELECT machine, coffee_id, code, raised, severity, latched, utc_ms, time_known, boot,"
            " uptime_ms FROM coffee_alarm JOIN coffee_backend ON coffee_backend.id=backend_id"
            " WHERE (?1 IS NULL OR machine=?1) ORDER BY coffee_alarm.id DESC LIMIT ?2",
            (machine, limit),
        )
        return [
            AlarmView(
                row["machine"], row["coffee_id"], row["code"], bool(row["raised"]),
                row["severity"], bool(row["latched"]), row["utc_ms"], bool(row["time_known"]),
                row["boot"], row["uptime_ms"],
            )
            for row in rows
        ]  # fmt: skip

    def meters(self, machine: str, limit: int) -> list[MeterView]:
        rows = self._db.read(
            "SELECT machine, coffee_id, day, water_ul, energy_j, grinds, shots FROM coffee_meter"
            " JOIN coffee_backend ON coffee_backend.id=backend_id WHERE machine=?"
            " ORDER BY coffee_meter.id DESC LIMIT ?", (machine, limit),
        )  # fmt: skip
        return [MeterView(*row) for row in rows]

    def checkpoints(
        self, state: Literal["open", "done", "all"], machine: str | None, limit: int = 500
    ) -> list[CheckpointView]:
        rows = self._db.read(
            f"{_CHECKPOINTS} WHERE (?1='all' OR state=?1) AND (?2 IS NULL OR machine=?2)"
            " ORDER BY checkpoint.id DESC LIMIT ?3", (state, machine, limit),
        )  # fmt: skip
        return [CheckpointView(*row) for row in rows]

    def checkpoint(self, checkpoint_id: int) -> CheckpointView | None:
        row = self._db.one(f"{_CHECKPOINTS} WHERE checkpoint.id=?", (checkpoint_id,))
        return None if row is None else CheckpointView(*row)

    def open_checkpoints(self) -> dict[str, int]:
        rows = self._db.read(
            "SELECT machine, count(*) AS n FROM checkpoint JOIN coffee_backend ON"
            " coffee_backend.id=backend_id WHERE state='open' GROUP BY backend_id"
        )
        return {row["machine"]: row["n"] for row in rows}


_BREWS: Final = """
SELECT brew.*, machine FROM coffee_brew AS brew
JOIN coffee_backend ON coffee_backend.id=brew.backend_id
"""
_CHECKPOINTS: Final = """
SELECT checkpoint.id, machine, model, coffee_id, summary, state, checkpoint.created_ms,
  reviewed_by, reviewed_ms, note
FROM checkpoint JOIN coffee_backend ON coffee_backend.id=backend_id
"""


def _plain(value: Any) -> Any:
    return json.dumps(value) if isinstance(value, (dict, list)) else value


def _brew(row: Row) -> BrewView:
    return BrewView(
        machine=row["machine"], external_id=row["coffee_id"], boot=row["boot"], shot=row["shot"],
        slot=row["slot"], recipe_rev=row["recipe_rev"], source=row["source"],
        command=row["command"], start_ms=row["start_ms"], time_known=bool(row["time_known"]),
        duration_ms=row["duration_ms"], volume_ul=row["volume_ul"],
        temp_mean_mc=row["temp_mean_mc"], energy_j=row["energy_j"], result=row["result"],
        reason=row["reason"], weight_mg=row["weight_mg"],
        pressure_peak_mbar=row["pressure_peak_mbar"],
        pressure_mean_mbar=row["pressure_mean_mbar"], has_curve=False, cursor=row["id"],
    )  # fmt: skip
