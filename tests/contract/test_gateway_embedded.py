"""The embedded store keeps the gateway contract, and shows a console what it holds."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from pathlib import Path

import pytest

from host_bridge.gateway.embedded import EmbeddedStore
from host_bridge.gateway.port import BREW, BackendDraft, Done, Gateway, Key, Transient
from tests.contract.gateway_suite import GatewayContract as TestContract
from tests.contract.gateway_suite import backend_id, record

__all__ = ["TestContract", "backend_id"]


@pytest.fixture
def gateway(tmp_path: Path) -> Iterator[Gateway]:
    store = EmbeddedStore(tmp_path / "store.sqlite")
    yield store
    store.close()


def test_what_is_committed_survives_the_process(tmp_path: Path) -> None:
    first = EmbeddedStore(tmp_path / "store.sqlite")
    backend = first.save_backends([BackendDraft("m1", "1900")])[0]
    (id,) = first.create_bindings(BREW, [record(BREW, backend.id, "9f3a/1")])
    again = EmbeddedStore(tmp_path / "store.sqlite")  # the first is not even closed
    assert again.search_bindings(BREW, [Key(backend.id, "9f3a/1")]) == {(backend.id, "9f3a/1"): id}
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


def test_orders_wait_until_their_end_is_told(tmp_path: Path) -> None:
    store = EmbeddedStore(tmp_path / "store.sqlite")
    put = store.order("m1", "recipe.put", {"slot": "0", "recipe": {"name": "x"}}, "ann")
    gone = store.order("m1", "recipe.delete", {"slot": "1"}, "ann")
    brew = store.order("m1", "brew", {"slot": "0"}, "bob", 1_767_225_660_000)
    for _ in range(2):
        exports = store.recipes_to_export(10)
        assert [(e.id, e.slot, e.recipe) for e in exports] == [
            (put, "0", {"name": "x"}), (gone, "1", None)]  # fmt: skip
        assert [(o.id, o.name, o.args) for o in store.commands_to_run(10)] == [
            (brew, "brew", {"slot": "0"})]  # fmt: skip
    store.finished([Done(put, "ok"), Done(brew, "refused", "no cup")])
    assert [e.id for e in store.recipes_to_export(10)] == [gone]
    assert store.commands_to_run(10) == []
    store.close()


def test_brews_are_paged_newest_first(tmp_path: Path) -> None:
    store = EmbeddedStore(tmp_path / "store.sqlite")
    one, two = store.save_backends([BackendDraft("m1", "1900"), BackendDraft("m2", "2900")])
    for seq in range(1, 8):
        store.create_bindings(BREW, [record(BREW, one.id if seq % 2 else two.id, f"9f3a/{seq}")])
    first = store.brews(None, 3, None)
    assert [brew.external_id for brew in first] == ["9f3a/7", "9f3a/6", "9f3a/5"]
    older = store.brews(None, 3, first[-1].cursor)
    assert [brew.external_id for brew in older] == ["9f3a/4", "9f3a/3", "9f3a/2"]
    assert [brew.external_id for brew in store.brews("m2", 9, None)] == [
        "9f3a/6", "9f3a/4", "9f3a/2"]  # fmt: skip
    assert [brew.external_id for brew in store.brews("m2", 9, None, "9f3a/4")] == ["9f3a/4"]
    assert store.brews("m1", 9, None, "9f3a/4") == []
    assert {m: brew.external_id for m, brew in store.last_brews().items()} == {
        "m1": "9f3a/7", "m2": "9f3a/6"}  # fmt: skip
    store.close()
