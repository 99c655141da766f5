"""Finished curves on disk, one row a machine/boot/shot. Nothing else."""

from __future__ import annotations

import json
import sqlite3
import zlib
from collections.abc import Iterable
from dataclasses import asdict
from typing import Final

from host_bridge.database import Database, Row
from host_bridge.views import Curve

SAME_SHOT_MS: Final = 3_600_000
SCHEMA: Final = """
CREATE TABLE curve (
  machine TEXT NOT NULL, boot INTEGER NOT NULL, shot INTEGER NOT NULL,
  finished_ms INTEGER NOT NULL, columns BLOB NOT NULL, PRIMARY KEY (machine, boot, shot)
);
CREATE INDEX curve_newest ON curve (machine, finished_ms);
"""


class Curves:
    def __init__(self, db: Database) -> None:
        self._db = db

    def store(self, tx: sqlite3.Connection, curve: Curve, now_ms: int) -> None:
        """A curve that is complete, or shows as much, is never replaced by one that is not, except
        of a shot long before: a machine whose flash was wiped counts its boots and shots from the
        beginning."""
        known = tx.execute(
            "SELECT columns, finished_ms FROM curve WHERE machine=? AND boot=? AND shot=?",
            (curve.machine, curve.boot, curve.shot),
        ).fetchone()
        same_shot = known is not None and abs(now_ms - known["finished_ms"]) < SAME_SHOT_MS
        if same_shot and not curve.complete:
            before = _unpack(known)
            if before.complete or len(before.t_ms) >= len(curve.t_ms):
                return
        columns = zlib.compress(json.dumps(asdict(curve)).encode(), 6)
        tx.execute(
            "INSERT OR REPLACE INTO curve VALUES (?,?,?,?,?)",
            (curve.machine, curve.boot, curve.shot, now_ms, columns),
        )

    def curve(self, machine: str, boot: int, shot: int) -> Curve | None:
        row = self._db.one(
            "SELECT columns FROM curve WHERE machine=? AND boot=? AND shot=?",
            (machine, boot, shot),
        )
        return None if row is None else _unpack(row)

    def newest(self, machine: str) -> Curve | None:
        """The last one stored, whatever the clock said then."""
        row = self._db.one(
            "SELECT columns FROM curve WHERE machine=? ORDER BY rowid DESC LIMIT 1",
            (machine,),
        )
        return None if row is None else _unpack(row)

    def present(self, keys: Iterable[tuple[str, int, int]]) -> set[tuple[str, int, int]]:
        """Which of these (machine, boot, shot) have a stored curve."""
        wanted = json.dumps(list(keys))
        rows = self._db.read(
            "SELECT machine, boot, shot FROM json_each(?) AS key JOIN curve ON"
            " machine = json_extract(key.value, '$[0]') AND boot = json_extract(key.value, '$[1]')"
            " AND shot = json_extract(key.value, '$[2]')",
            (wanted,),
        )
        return {(row["machine"], row["boot"], row["shot"]) for row in rows}

    def purge(self, before_ms: int) -> None:
        with self._db.write() as tx:
            tx.execute("DELETE FROM curve WHERE finished_ms<?", (before_ms,))


def _unpack(row: Row) -> Curve:
    return Curve(**json.loads(zlib.decompress(row["columns"])))
