"""What the console lists out of the embedded store. Reads only."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Final, Literal

from host_bridge.database import Database, Row
from host_bridge.gateway.port import EVENT, FACT_MODELS
from host_bridge.gateway.tables import TABLES
from host_bridge.subjects import OF_NO_RECORD, SUBJECTS, CheckpointKind
from host_bridge.views import AlarmView, BrewView, CheckpointView, MaintenanceView, MeterView

_BREWS: Final = """
SELECT brew.*, machine FROM coffee_brew AS brew
JOIN coffee_backend ON coffee_backend.id=brew.backend_id
"""
_CHECKPOINTS: Final = """
SELECT checkpoint.id, machine, model, checkpoint.coffee_id, summary, state, checkpoint.created_ms,
  reviewed_by, reviewed_ms, note, code
FROM checkpoint JOIN coffee_backend ON coffee_backend.id=checkpoint.backend_id
LEFT JOIN coffee_alarm AS alarm ON model='coffee.alarm' AND alarm.backend_id=checkpoint.backend_id
  AND alarm.coffee_id=checkpoint.coffee_id
"""
_STATES: Final = {"open": "state='open'", "done": "state='done'", "all": "true"}
"""Written out: only then its index serves."""
_HEAD: Final = "substr(checkpoint.coffee_id, 1, instr(checkpoint.coffee_id || '/', '/') - 1)"
_OF_KIND: Final = (  # subjects.subject
    f"CASE WHEN {_HEAD} IN {OF_NO_RECORD} THEN {_HEAD} ELSE model END"
    " IN (SELECT value FROM json_each(?))"
)

_OF_MACHINE: Final = "backend_id=(SELECT id FROM coffee_backend WHERE machine=?1)"
_SEQS: Final = " UNION ALL ".join(  # 0 comes after /: the unique key's index serves
    "SELECT CAST(substr(coffee_id, length(?2) + 2) AS INTEGER) AS seq"
    f" FROM {TABLES[model]} WHERE {_OF_MACHINE} AND coffee_id BETWEEN ?2 || '/' AND ?2 || '0'"
    for model in FACT_MODELS
)
_HOLDS: Final = " UNION ALL ".join(
    f"SELECT 1 FROM {TABLES[model]} WHERE {_OF_MACHINE} AND coffee_id=?2"
    + (" AND kind<>'lost'" if model == EVENT else "")
    for model in FACT_MODELS
)


class StoreRecords:
    """Implements `port.Records` on the tables of tables.py."""

    def __init__(self, db: Database) -> None:
        self._db = db

    def brews(
        self, machine: str | None, limit: int, before: int | None, external_id: str | None = None
    ) -> list[BrewView]:
        where, given = _where("brew", machine, {"brew.id<?": before, "coffee_id=?": external_id})
        rows = self._db.read(
            f"{_BREWS} WHERE {where} ORDER BY brew.id DESC LIMIT ?", (*given, limit)
        )
        return [_brew(row) for row in rows]

    def last_brews(self) -> dict[str, BrewView]:
        rows = self._db.read(
            f"{_BREWS} WHERE brew.id IN (SELECT (SELECT max(id) FROM coffee_brew WHERE"
            " backend_id=coffee_backend.id) FROM coffee_backend)"
        )
        return {row["machine"]: _brew(row) for row in rows}

    def alarms(self, machine: str | None, limit: int) -> list[AlarmView]:
        where, given = _where("coffee_alarm", machine)
        rows = self._db.read(
            "SELECT machine, coffee_id, code, raised, severity, latched, utc_ms, time_known, boot,"
            " uptime_ms FROM coffee_alarm JOIN coffee_backend ON coffee_backend.id=backend_id"
            f" WHERE {where} ORDER BY coffee_alarm.id DESC LIMIT ?",
            (*given, limit),
        )
        return [
            AlarmView(
                row["machine"], row["coffee_id"], row["code"], bool(row["raised"]),
                row["severity"], bool(row["latched"]), row["utc_ms"], bool(row["time_known"]),
                row["boot"], row["uptime_ms"],
            )
            for row in rows
        ]  # fmt: skip

    def maintenance(self, machine: str | None, limit: int) -> list[MaintenanceView]:
        rows = self._db.read(
            "SELECT machine, coffee_id, code, value, utc_ms, time_known, boot, uptime_ms"
            " FROM coffee_maintenance JOIN coffee_backend ON coffee_backend.id=backend_id"
            " WHERE (?1 IS NULL OR machine=?1) ORDER BY coffee_maintenance.id DESC LIMIT ?2",
            (machine, limit),
        )
        return [
            MaintenanceView(
                row["machine"], row["coffee_id"], row["code"], row["value"], row["utc_ms"],
                bool(row["time_known"]), row["boot"], row["uptime_ms"],
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
        self, state: Literal["open", "done", "all"], machine: str | None, limit: int = 500,
        kind: CheckpointKind | None = None, before: int | None = None,
    ) -> list[CheckpointView]:  # fmt: skip
        where, given = _which(machine, kind, before)
        rows = self._db.read(
            f"{_CHECKPOINTS} WHERE {_STATES[state]} AND {where}"
            " ORDER BY checkpoint.id DESC LIMIT ?", (*given, limit),
        )  # fmt: skip
        return [CheckpointView(*row) for row in rows]

    def count_checkpoints(
        self, state: Literal["open", "done", "all"], machine: str | None = None,
        kind: CheckpointKind | None = None, before: int | None = None,
    ) -> int:  # fmt: skip
        where, given = _which(machine, kind, before)
        row = self._db.one(
            f"SELECT count(*) AS n FROM checkpoint WHERE {_STATES[state]} AND {where}", given
        )
        return 0 if row is None else int(row["n"])

    def open_among(self, checkpoint_ids: Sequence[int]) -> list[CheckpointView]:
        """Those of them that nobody reviewed yet."""
        rows = self._db.read(
            f"{_CHECKPOINTS} WHERE state='open' AND checkpoint.id IN (SELECT value FROM"
            " json_each(?)) ORDER BY checkpoint.id", (json.dumps(list(checkpoint_ids)),),
        )  # fmt: skip
        return [CheckpointView(*row) for row in rows]

    def raised_alarms(self) -> set[tuple[str, str]]:
        """(machine, code) of each alarm whose newest fact says that it was raised."""
        rows = self._db.read(
            "SELECT machine, code FROM coffee_alarm JOIN coffee_backend ON"
            " coffee_backend.id=backend_id WHERE raised AND coffee_alarm.id IN"
            " (SELECT max(id) FROM coffee_alarm GROUP BY backend_id, code)"
        )
        return {(row["machine"], row["code"]) for row in rows}

    def checkpoint(self, checkpoint_id: int) -> CheckpointView | None:
        row = self._db.one(f"{_CHECKPOINTS} WHERE checkpoint.id=?", (checkpoint_id,))
        return None if row is None else CheckpointView(*row)

    def seqs(self, machine: str, journal: str, first: int, last: int) -> list[int]:
        """Of the facts in that range of a journal that are here."""
        rows = self._db.read(
            f"SELECT seq FROM ({_SEQS}) WHERE seq BETWEEN ?3 AND ?4",
            (machine, journal, first, last),
        )
        return [row["seq"] for row in rows]

    def holds(self, machine: str, coffee_id: str) -> bool:
        """Whether a fact is here, other than as a loss."""
        return self._db.one(f"SELECT 1 FROM ({_HOLDS}) LIMIT 1", (machine, coffee_id)) is not None

    def told(self, machine: str, journal: str) -> list[tuple[int, int]]:
        """First and last seq of each loss in that journal that a checkpoint is about."""
        rows = self._db.read(
            f"SELECT coffee_id FROM checkpoint WHERE {_OF_MACHINE}"
            " AND coffee_id BETWEEN 'lost/' || ?2 || '/' AND 'lost/' || ?2 || '0'",
            (machine, journal),
        )
        ranges = (row["coffee_id"].rpartition("/")[2].partition("-") for row in rows)
        return [(int(first), int(last)) for first, _, last in ranges]

    def open_checkpoints(self) -> dict[str, int]:
        rows = self._db.read(
            "SELECT machine, count(*) AS n FROM checkpoint JOIN coffee_backend ON"
            " coffee_backend.id=backend_id WHERE state='open' GROUP BY backend_id"
        )
        return {row["machine"]: row["n"] for row in rows}


def _which(
    machine: str | None, kind: CheckpointKind | None, before: int | None
) -> tuple[str, list[object]]:
    subjects = None if kind is None else json.dumps(SUBJECTS[kind])
    return _where("checkpoint", machine, {_OF_KIND: subjects, "checkpoint.id<?": before})


def _where(
    table: str, machine: str | None, more: Mapping[str, object] | None = None
) -> tuple[str, list[object]]:
    """Only what is asked for: a condition that may not apply keeps SQLite from its indexes."""
    owned = f"{table}.backend_id=(SELECT id FROM coffee_backend WHERE machine=?)"
    wanted = {owned: machine, **(more or {})}
    given = {text: value for text, value in wanted.items() if value is not None}
    return " AND ".join(given) or "true", list(given.values())


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
