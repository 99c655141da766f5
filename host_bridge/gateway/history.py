"""What the embedded store holds, in the words of the port: for an ERP that came later."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from typing import Any, Final

from host_bridge.database import Database, Row
from host_bridge.gateway.port import (
    BACKEND,
    FACT_MODELS,
    FIRST_SEEN,
    BackendDraft,
    CheckpointDraft,
    FactPush,
    Review,
)
from host_bridge.gateway.tables import TABLES

NOT_VALUES: Final = frozenset({
    "id", "created_ms", "backend_id", "coffee_id", "recipe_id", "machine", "summary", "language",
})  # fmt: skip
FLAGS: Final = frozenset({"time_known", "raised", "latched"})
"""SQLite knows no booleans."""

Key = tuple[str, int]
"""Model and id of a fact's record here."""


class History:
    def __init__(self, db: Database) -> None:
        self._db = db

    def backends(self, machine: str | None) -> list[BackendDraft]:
        rows = self._db.read(
            "SELECT machine, version, serial, language, firmware FROM coffee_backend"
            " WHERE (?1 IS NULL OR machine=?1) ORDER BY machine", (machine,),
        )  # fmt: skip
        return [BackendDraft(*row) for row in rows]

    def recipes(self, machine: str) -> tuple[int, dict[str, Any]]:
        """(revision, slot → recipe) as the machine held them last."""
        rows = self._db.read(
            "SELECT r.coffee_id, r.recipe, r.rev FROM coffee_recipe AS r JOIN coffee_backend AS b"
            " ON b.id=backend_id WHERE machine=? AND active", (machine,),
        )  # fmt: skip
        slots = {row["coffee_id"]: json.loads(row["recipe"]) for row in rows}
        return max((row["rev"] for row in rows), default=0), slots

    def keys(self, machine: str | None, since_ms: int) -> list[Key]:
        """All facts from that time on, journal by journal in order, so that cursors move without
        holes. One whose time nobody knows counts by when it came."""
        tables = " UNION ALL ".join(
            f"SELECT '{model}' AS model, id, backend_id, coffee_id, coalesce(utc_ms, created_ms)"
            f" AS at FROM {TABLES[model]}"
            for model in FACT_MODELS
        )
        rows = self._db.read(
            f"SELECT model, f.id FROM ({tables}) AS f JOIN coffee_backend AS b ON b.id=backend_id"
            " WHERE (?1 IS NULL OR machine=?1) AND at>=?2 ORDER BY machine,"
            " substr(coffee_id, 1, instr(coffee_id, '/')),"
            " CAST(substr(coffee_id, instr(coffee_id, '/') + 1) AS INTEGER)",
            (machine, since_ms),
        )
        return [(row[0], row[1]) for row in rows]

    def facts(
        self, keys: Sequence[Key], payload: Callable[[str, str, int], bytes | None]
    ) -> list[FactPush]:
        """In the order of keys, with the checkpoints that are still open. `payload(machine,
        journal, seq)` is the machine's own words where they are still known."""
        found: dict[Key, FactPush] = {}
        for model in {model for model, _ in keys}:
            ids = [id for one, id in keys if one == model]
            rows = self._db.read(
                f"SELECT f.*, machine, c.summary, c.language FROM {TABLES[model]} AS f"
                " JOIN coffee_backend AS b ON b.id=f.backend_id LEFT JOIN checkpoint AS c ON"
                " c.backend_id=f.backend_id AND c.coffee_id=f.coffee_id AND c.model=?1"
                " AND c.state='open' WHERE f.id IN (SELECT value FROM json_each(?2))",
                (model, json.dumps(ids)),
            )
            found |= {(model, row["id"]): _fact(model, row, payload) for row in rows}
        return [found[key] for key in keys]

    def open_checkpoints(self, machine: str | None = None) -> list[CheckpointDraft]:
        """Without those every gateway raises by itself about a machine new to it."""
        rows = self._db.read(
            "SELECT machine, model, coffee_id, summary, c.language FROM checkpoint AS c"
            " JOIN coffee_backend AS b ON b.id=backend_id WHERE state='open'"
            " AND (?1 IS NULL OR machine=?1) AND NOT (model=?2 AND coffee_id=?3) ORDER BY c.id",
            (machine, BACKEND, FIRST_SEEN),
        )
        return [CheckpointDraft(*row) for row in rows]


def _fact(model: str, row: Row, payload: Callable[[str, str, int], bytes | None]) -> FactPush:
    journal, _, seq = row["coffee_id"].rpartition("/")
    values: dict[str, Any] = {
        name: bool(row[name]) if name in FLAGS else row[name]
        for name in row.keys()  # noqa: SIM118 - a Row iterates over its values
        if name not in NOT_VALUES
    }
    if "detail" in values:
        values["detail"] = json.loads(values["detail"])
    said = payload(row["machine"], journal, int(seq))
    review = None if row["summary"] is None else Review(row["summary"], row["language"])
    return FactPush(
        row["machine"], journal, int(seq), model, values, said or b"{}", review, again=True
    )
