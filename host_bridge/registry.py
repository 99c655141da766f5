"""What is known of each machine across restarts: when first seen, its info, boot and recipes.

Only the retained, slow-changing messages live here; the latest `state` and running curves are in
live.py. Methods with a `tx` work inside the caller's transaction.
"""

from __future__ import annotations

import sqlite3
from dataclasses import dataclass
from typing import Any, Final

import msgspec

from host_bridge.database import Database, Row
from host_bridge.names import natural

SCHEMA: Final = """
CREATE TABLE machine (
  machine TEXT PRIMARY KEY, first_seen_ms INTEGER NOT NULL, last_seen_ms INTEGER NOT NULL,
  boot INTEGER, online INTEGER NOT NULL DEFAULT 0, model TEXT, info TEXT, recipes TEXT,
  recipes_rev INTEGER, recipes_dirty INTEGER NOT NULL DEFAULT 0
) WITHOUT ROWID;
"""


@dataclass(frozen=True, slots=True)
class Known:
    machine: str
    first_seen_ms: int
    last_seen_ms: int
    boot: int | None
    online: bool
    """As last heard; the process that reads it may have been away since."""
    model: str | None
    info: dict[str, Any]


@dataclass(frozen=True, slots=True)
class HeldRecipes:
    machine: str
    rev: int
    slots: dict[str, dict[str, Any]]


@dataclass(frozen=True, slots=True)
class Identity:
    """What a machine says it is; None while it has not."""

    model: str | None = None
    serial: str | None = None
    firmware: str | None = None


class Registry:
    def __init__(self, db: Database) -> None:
        self._db = db
        self._identities = {
            known.machine: Identity(
                known.model, known.info.get("serial"), known.info.get("firmware")
            )
            for known in self.machines()
        }

    def model(self, machine: str) -> str | None:
        """From memory: what the machine says it is, None while it has not."""
        return self._identities.get(machine, Identity()).model

    def serial(self, machine: str) -> str | None:
        return self._identities.get(machine, Identity()).serial

    def firmware(self, machine: str) -> str | None:
        return self._identities.get(machine, Identity()).firmware

    def count(self) -> int:
        row = self._db.one("SELECT count(*) AS n FROM machine")
        return 0 if row is None else int(row["n"])

    def meet(self, tx: sqlite3.Connection, machine: str, now_ms: int) -> None:
        """Known from now on; changes nothing for one that is known."""
        tx.execute(
            "INSERT INTO machine (machine, first_seen_ms, last_seen_ms) VALUES (?,?,?)"
            " ON CONFLICT DO NOTHING",
            (machine, now_ms, now_ms),
        )

    def see(self, tx: sqlite3.Connection, machine: str, now_ms: int) -> None:
        tx.execute(
            "INSERT INTO machine (machine, first_seen_ms, last_seen_ms) VALUES (?,?,?)"
            " ON CONFLICT DO UPDATE SET last_seen_ms=excluded.last_seen_ms",
            (machine, now_ms, now_ms),
        )

    def set_status(self, tx: sqlite3.Connection, machine: str, online: bool, boot: int) -> None:
        tx.execute("UPDATE machine SET online=?, boot=? WHERE machine=?", (online, boot, machine))

    def set_info(
        self, tx: sqlite3.Connection, machine: str, identity: Identity, payload: bytes
    ) -> None:
        self._identities[machine] = identity
        tx.execute(
            "UPDATE machine SET model=?, info=? WHERE machine=?",
            (identity.model, payload.decode(), machine),
        )

    def set_recipes(self, tx: sqlite3.Connection, machine: str, rev: int, payload: bytes) -> bool:
        """False: exactly these are known already."""
        changed = tx.execute(
            "UPDATE machine SET recipes=?, recipes_rev=?, recipes_dirty=1"
            " WHERE machine=? AND recipes IS NOT ?",
            (payload.decode(), rev, machine, payload.decode()),
        ).rowcount
        return changed > 0

    def machines(self) -> list[Known]:
        rows = self._db.read("SELECT * FROM machine")
        return sorted((_known(row) for row in rows), key=lambda one: natural(one.machine))

    def machine(self, machine: str) -> Known | None:
        row = self._db.one("SELECT * FROM machine WHERE machine=?", (machine,))
        return None if row is None else _known(row)

    def recipes(self, machine: str) -> HeldRecipes | None:
        row = self._db.one("SELECT * FROM machine WHERE machine=?", (machine,))
        return None if row is None or row["recipes"] is None else _recipes(row)

    def changed_recipes(self, limit: int) -> list[HeldRecipes]:
        """Machines whose recipes the store has not been told of."""
        rows = self._db.read(
            "SELECT * FROM machine WHERE recipes_dirty AND model IS NOT NULL LIMIT ?", (limit,)
        )
        return [_recipes(row) for row in rows]

    def recipes_told(self, told: HeldRecipes) -> None:
        """Leaves the mark standing when newer ones came meanwhile."""
        with self._db.write() as tx:
            row = tx.execute("SELECT * FROM machine WHERE machine=?", (told.machine,)).fetchone()
            if row is not None and _recipes(row) == told:
                tx.execute("UPDATE machine SET recipes_dirty=0 WHERE machine=?", (told.machine,))

    def recipes_untold(self, machine: str) -> None:
        """The store may take them now."""
        with self._db.write() as tx:
            tx.execute(
                "UPDATE machine SET recipes_dirty=1 WHERE machine=? AND recipes IS NOT NULL",
                (machine,),
            )


def _known(row: Row) -> Known:
    return Known(
        machine=row["machine"],
        first_seen_ms=row["first_seen_ms"],
        last_seen_ms=row["last_seen_ms"],
        boot=row["boot"],
        online=bool(row["online"]),
        model=row["model"],
        info=msgspec.json.decode(row["info"]) if row["info"] else {},
    )


def _recipes(row: Row) -> HeldRecipes:
    slots = msgspec.json.decode(row["recipes"])["slots"]
    return HeldRecipes(row["machine"], row["recipes_rev"], slots)
