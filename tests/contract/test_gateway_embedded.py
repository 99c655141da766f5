"""The embedded store keeps the gateway contract, and shows a console what it holds."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from host_bridge.gateway.embedded import EmbeddedStore
from host_bridge.gateway.port import (
    ALARM,
    BACKEND,
    BREW,
    FIRST_SEEN,
    BackendDraft,
    Review,
    Transient,
)
from host_bridge.gateway.tables import TABLES
from tests.contract.gateway_suite import GatewayContract as TestContract
from tests.contract.gateway_suite import fact, gateway, stati

__all__ = ["TestContract", "gateway"]


class EmbeddedSite:
    def __init__(self, folder: Path) -> None:
        self.gateway = self.store = EmbeddedStore(folder / "store.sqlite")

    def records(self, model: str, machine: str) -> dict[str, dict[str, Any]]:
        rows = self.store._db.read(
            f"SELECT r.* FROM {TABLES[model]} AS r JOIN coffee_backend AS b ON b.id=backend_id"
            " WHERE machine=?", (machine,),
        )  # fmt: skip
        found = {row["coffee_id"]: dict(row) for row in rows}
        assert len(found) == len(rows)
        for record in found.values():
            if "detail" in record:
                record["detail"] = json.loads(record["detail"])
        return found

    def checkpoints(self, machine: str) -> dict[tuple[str, str], str]:
        found = self.store.checkpoints("all", machine)
        assert len({(c.model, c.coffee_id) for c in found}) == len(found)
        return {(c.model, c.coffee_id): c.state for c in found}

    def review(self, machine: str, coffee_id: str, note: str) -> None:
        (found,) = [c for c in self.store.checkpoints("open", machine) if c.coffee_id == coffee_id]
        assert self.store.review(found.id, "ann", note, 1_767_225_600_000)
        assert not self.store.review(found.id, "bob", "again", 1_767_225_600_001)

    def order(self, machine: str, name: str, args: dict[str, Any], deadline_ms: int | None) -> str:
        return self.store.order(machine, name, args, "ann", deadline_ms)

    def order_state(self, order_id: str) -> tuple[str, str]:
        row = self.store._db.one("SELECT state, message FROM outgoing WHERE id=?", (order_id,))
        assert row is not None
        return row["state"], row["message"]


@pytest.fixture
def site(tmp_path: Path) -> Iterator[EmbeddedSite]:
    made = EmbeddedSite(tmp_path)
    yield made
    made.store.close()


def test_a_value_that_has_no_column_is_refused(tmp_path: Path) -> None:
    """A mapper of this bridge that the tables do not know is our own mistake."""
    store = EmbeddedStore(tmp_path / "store.sqlite")
    (answer,) = store.push([fact(1, no_such_field=1)])
    assert answer.status == "refused" and answer.error.startswith("no_such_field: ")
    store.close()


def test_a_fact_is_taken_with_its_checkpoint_or_not_at_all(tmp_path: Path) -> None:
    site = EmbeddedSite(tmp_path)
    bad = replace(fact(1), review=Review("\ud800 is no text SQLite takes", "en_US"))
    assert stati(site.store, bad, fact(2)) == ["refused", "created"]
    assert list(site.records(BREW, "m1")) == [fact(2).coffee_id]
    site.store.close()


def test_what_is_committed_survives_the_process(tmp_path: Path) -> None:
    first = EmbeddedStore(tmp_path / "store.sqlite")
    first.push([fact(1)])
    again = EmbeddedStore(tmp_path / "store.sqlite")  # the first is not even closed
    assert stati(again, fact(1)) == ["unchanged"]
    again.close()
    first.close()


def test_a_locked_file_is_transient(tmp_path: Path) -> None:
    store = EmbeddedStore(tmp_path / "store.sqlite")
    store._db._writer.execute("PRAGMA busy_timeout=50")  # type: ignore[union-attr]
    other = sqlite3.connect(tmp_path / "store.sqlite")
    other.execute("BEGIN IMMEDIATE")
    with pytest.raises(Transient, match="locked"):
        store.save_backends([BackendDraft("m1", "1900")])
    other.rollback()
    store.save_backends([BackendDraft("m1", "1900")])
    other.close()
    store.close()


def test_brews_are_paged_newest_first(tmp_path: Path) -> None:
    store = EmbeddedStore(tmp_path / "store.sqlite")
    for seq in range(1, 8):
        store.push([fact(seq, machine="m1" if seq % 2 else "m2")])
    first = store.brews(None, 3, None)
    assert [brew.external_id for brew in first] == ["9f3a51c2/7", "9f3a51c2/6", "9f3a51c2/5"]
    older = store.brews(None, 3, first[-1].cursor)
    assert [brew.external_id for brew in older] == ["9f3a51c2/4", "9f3a51c2/3", "9f3a51c2/2"]
    assert [brew.external_id for brew in store.brews("m2", 9, None)] == [
        "9f3a51c2/6", "9f3a51c2/4", "9f3a51c2/2"]  # fmt: skip
    assert [brew.external_id for brew in store.brews("m2", 9, None, "9f3a51c2/4")] == [
        "9f3a51c2/4"]  # fmt: skip
    assert store.brews("m1", 9, None, "9f3a51c2/4") == []
    assert {m: brew.external_id for m, brew in store.last_brews().items()} == {
        "m1": "9f3a51c2/7", "m2": "9f3a51c2/6"}  # fmt: skip
    store.close()


VERSION_1 = """
CREATE TABLE coffee_backend (id INTEGER PRIMARY KEY, machine TEXT NOT NULL UNIQUE,
  version TEXT NOT NULL, serial TEXT, language TEXT, created_ms INTEGER NOT NULL);
CREATE TABLE coffee_recipe (id INTEGER PRIMARY KEY);
CREATE TABLE coffee_brew (id INTEGER PRIMARY KEY,
  backend_id INTEGER NOT NULL REFERENCES coffee_backend ON DELETE RESTRICT,
  coffee_id TEXT NOT NULL, created_ms INTEGER NOT NULL,
  boot INTEGER NOT NULL, uptime_ms INTEGER NOT NULL, utc_ms INTEGER, time_known INTEGER NOT NULL,
  shot INTEGER NOT NULL, slot TEXT NOT NULL, recipe_id INTEGER REFERENCES coffee_recipe,
  recipe_rev INTEGER NOT NULL, source TEXT NOT NULL, command TEXT,
  start_uptime_ms INTEGER NOT NULL, start_ms INTEGER, duration_ms INTEGER NOT NULL,
  volume_ul INTEGER NOT NULL, weight_mg INTEGER, pressure_peak_mbar INTEGER,
  pressure_mean_mbar INTEGER, temp_mean_mc INTEGER NOT NULL, energy_j INTEGER NOT NULL,
  result TEXT NOT NULL, reason TEXT, UNIQUE (backend_id, coffee_id));
CREATE TABLE coffee_alarm (
  id INTEGER PRIMARY KEY, backend_id INTEGER NOT NULL, coffee_id TEXT NOT NULL,
  created_ms INTEGER NOT NULL, boot INTEGER NOT NULL, uptime_ms INTEGER NOT NULL, utc_ms INTEGER,
  time_known INTEGER NOT NULL, code TEXT NOT NULL, raised INTEGER NOT NULL,
  severity TEXT NOT NULL, latched INTEGER NOT NULL, UNIQUE (backend_id, coffee_id));
CREATE TABLE checkpoint (
  id INTEGER PRIMARY KEY, backend_id INTEGER NOT NULL REFERENCES coffee_backend,
  coffee_id TEXT NOT NULL, model TEXT NOT NULL, record_id INTEGER, summary TEXT NOT NULL,
  language TEXT NOT NULL, state TEXT NOT NULL DEFAULT 'open' CHECK (state IN ('open', 'done')),
  created_ms INTEGER NOT NULL, reviewed_by TEXT, reviewed_ms INTEGER, note TEXT,
  UNIQUE (backend_id, coffee_id));
CREATE INDEX checkpoint_open ON checkpoint (backend_id) WHERE state = 'open';
CREATE TABLE outgoing (
  id TEXT PRIMARY KEY, machine TEXT NOT NULL, name TEXT NOT NULL, args TEXT NOT NULL,
  person TEXT NOT NULL, deadline_ms INTEGER, state TEXT NOT NULL DEFAULT 'waiting',
  message TEXT NOT NULL DEFAULT '', created_ms INTEGER NOT NULL);
INSERT INTO coffee_backend VALUES (1, 'm1', '1900', NULL, NULL, 5);
INSERT INTO coffee_brew VALUES (1, 1, 'j/1', 5, 1, 9, 8, 1, 1, '0', NULL, 1, 'local', NULL, 1, 8,
  28000, 36000, NULL, NULL, NULL, 93000, 9000, 'ok', NULL);
INSERT INTO coffee_brew VALUES (2, 1, 'j/2', 5, 1, 9, 8, 1, 2, '0', NULL, 1, 'local', NULL, 1, 8,
  0, 0, NULL, NULL, NULL, 93000, 0, 'aborted', 'reset');
INSERT INTO checkpoint VALUES (7, 1, 'machine', 'coffee.backend', 1, 'new', 'en_US', 'done', 6,
  'ann', 8, 'mine');
PRAGMA user_version=1;
"""


def test_a_file_of_the_version_before_is_brought_up_to_date(tmp_path: Path) -> None:
    old = sqlite3.connect(tmp_path / "store.sqlite")
    old.executescript(VERSION_1)
    old.close()
    store = EmbeddedStore(tmp_path / "store.sqlite")
    (kept,) = store.checkpoints("all", "m1")
    assert (kept.id, kept.coffee_id, kept.reviewed_by, kept.note) == (7, FIRST_SEEN, "ann", "mine")
    store.save_backends([BackendDraft("m1", "1900", firmware="0.2.0")])
    assert [(c.model, c.state) for c in store.checkpoints("all", "m1")] == [(BACKEND, "done")]
    cut, whole = store.brews("m1", 9, None)
    assert (cut.duration_ms, cut.volume_ul, cut.energy_j) == (None, None, None)
    assert (whole.duration_ms, whole.volume_ul, whole.energy_j) == (28000, 36000, 9000)
    assert "coffee_brew_newest" in indexes(store)
    store.close()


def indexes(store: EmbeddedStore) -> set[str]:
    return {row["name"] for row in store._db.read("SELECT name FROM sqlite_master")}


def test_the_newest_of_one_machine_are_not_looked_for_among_all(
    site: EmbeddedSite, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Among a million brews that took half a second for a machine that never brewed."""
    store, plans = site.store, list[str]()
    read = store._db.read

    def explained(sql: str, given: Any = ()) -> Any:
        plans.extend(row["detail"] for row in read(f"EXPLAIN QUERY PLAN {sql}", given))
        return read(sql, given)

    monkeypatch.setattr(store._db, "read", explained)
    store.brews("m1", 6, None)
    store.brews("m1", 1, None, "j/1")
    store.alarms("m1", 6)
    store.checkpoints("open", "m1")
    assert plans
    assert [step for step in plans if step.startswith("SCAN")] == []


def test_a_checkpoint_about_an_alarm_names_it(site: EmbeddedSite) -> None:
    store = site.store
    raised = fact(0, ALARM, code="tray_full", raised=True)
    store.push([replace(raised, review=Review("look", "en_US"))])
    found = {view.model: view.alarm for view in store.checkpoints("open", None)}
    assert found == {ALARM: "tray_full", BACKEND: None}
