"""Small things that must survive a restart, by name, as JSON. Not for facts."""

from __future__ import annotations

import json
from typing import Any, Final

from host_bridge.database import Database

SCHEMA: Final = "CREATE TABLE kept (name TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;"


class Keeper:
    def __init__(self, db: Database) -> None:
        self._db = db

    def get(self, name: str) -> Any:
        """None when nothing is kept under that name."""
        row = self._db.one("SELECT value FROM kept WHERE name=?", (name,))
        return None if row is None else json.loads(row["value"])

    def put(self, name: str, value: Any) -> None:
        with self._db.write() as tx:
            tx.execute("INSERT OR REPLACE INTO kept VALUES (?,?)", (name, json.dumps(value)))
