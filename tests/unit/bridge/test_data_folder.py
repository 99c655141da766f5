"""What is wrong with a data folder is said with the cure that fits: a file that is whole is never
to be moved away."""

from __future__ import annotations

import errno
import os
import resource
import sqlite3
from pathlib import Path
from typing import Any

import pytest
import typer

from host_bridge import storage
from host_bridge.cli.common import explained
from host_bridge.database import Database, DatabaseError
from host_bridge.service import Bridge
from host_bridge.settings import Settings
from tests.unit.bridge.world import JOURNAL, World, bound, example, fact, journal, take

FULL = OSError(errno.ENOSPC, "No space left on device")


def disk_full() -> sqlite3.Error:
    """As SQLite says it."""
    small = sqlite3.connect(":memory:")
    small.execute("PRAGMA max_page_count=1")
    with pytest.raises(sqlite3.OperationalError) as caught:
        small.execute("CREATE TABLE large (x)")
    return caught.value


@pytest.mark.parametrize("error", [disk_full(), FULL])
def test_a_full_disk_is_no_reason_to_move_the_data_away(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    def create(*_: object) -> None:
        raise error

    monkeypatch.setattr(Database, "_create", create)
    with pytest.raises(DatabaseError, match="free disk space; the file is whole"):
        storage.open_bridge(tmp_path)


def test_a_folder_that_cannot_be_written_is_to_be_copied(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A backup, mounted for reading: SQLite needs files of its own beside the database."""
    folder = world.settings.data

    def opened(self: Database, read_only: bool = False) -> Any:
        raise sqlite3.OperationalError("attempt to write a readonly database")

    monkeypatch.setattr(Database, "_open", opened)
    with pytest.raises(DatabaseError, match="restore it from a backup"):
        storage.open_bridge(folder, read_only=True)
    access = os.access
    monkeypatch.setattr(os, "access", lambda at, how: how != os.W_OK and access(at, how))
    with pytest.raises(DatabaseError, match="copy the folder to a place where this user may"):
        storage.open_bridge(folder, read_only=True)


def test_an_sqlite_that_is_too_old_is_named_before_anything_is_taken_in(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of RHEL 9, whose Python 3.11 has 3.34."""
    monkeypatch.setattr(sqlite3, "sqlite_version_info", (3, 34, 1))
    with pytest.raises(DatabaseError, match=r"3\.35 is needed; use a Python that is built with"):
        storage.open_bridge(tmp_path)


def test_the_folder_is_ours_though_there_is_no_room_to_say_so(tmp_path: Path) -> None:
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, limits[1]))  # no write succeeds
    try:
        held = storage.lock(tmp_path)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    with held, pytest.raises(DatabaseError, match="in use by another bridge"):
        storage.lock(tmp_path)


@pytest.mark.parametrize(
    ("error", "told"),
    [(FULL, "No space left on device; free disk space"), (OSError(5, "Input/output"), "output\n")],
)
def test_a_command_on_a_full_disk_says_what_to_do(
    capsys: pytest.CaptureFixture[str], error: OSError, told: str
) -> None:
    with pytest.raises(typer.Exit), explained():
        raise error
    assert told in capsys.readouterr().err


def lived(folder: Path, *messages: dict[str, Any]) -> Bridge:
    """A bridge that took these in."""
    bridge = Bridge(Settings(data=folder))
    for kind in ("status", "info"):
        take(bridge, kind, example(kind))
    for message in messages:
        take(bridge, "journal", message)
    bridge._engine.synchronizer.step()
    return bridge


@pytest.mark.parametrize("is_kept", [True, False], ids=["older", "moved_away"])
def test_what_a_store_has_lost_comes_back_out_of_the_inbox(tmp_path: Path, is_kept: bool) -> None:
    """The machine has forgotten it."""
    store, copy = tmp_path / "store.sqlite", tmp_path / "copy"
    lived(tmp_path, journal([fact(1), fact(2)], first=1)).stop()
    copy.write_bytes(store.read_bytes())
    lived(tmp_path, journal([fact(5, "brew"), fact(6, "boot")], first=5)).stop()
    store.unlink()
    if is_kept:
        copy.rename(store)
    bridge = lived(tmp_path)
    assert bound(bridge._engine.store, "m1") == [f"{JOURNAL}/{seq}" for seq in (1, 2, 5, 6)]
    told = [one.coffee_id for one in bridge.checkpoints("open", "m1", kind="lost")]
    bridge.stop()
    assert told == [f"lost/{JOURNAL}/3-4"]


def test_a_store_that_lacks_nothing_gets_nothing_again(tmp_path: Path) -> None:
    """A lost fact is newest; a fact that the ERP refused waits for a person."""
    lost = fact(2, "lost", from_seq=0, to_seq=0, count=1)
    bridge = lived(tmp_path, journal([fact(1, code=9), lost], first=1))
    engine = bridge._engine
    found = engine.inbox.import_again(engine.store.holds, engine.store.seqs)
    waiting = engine.inbox.count_pending(), engine.inbox.count_quarantined()
    bridge.stop()
    assert (found, waiting) == (0, (0, 1))


def test_a_store_that_is_damaged_further_in_does_not_keep_the_bridge_from_starting(
    tmp_path: Path,
) -> None:
    """Its header is whole, so it opens; machines are still to be commanded and listened to."""
    lived(tmp_path, journal([fact(1)], first=1)).stop()
    _damage(tmp_path / "store.sqlite", "sqlite_autoindex_coffee_maintenance_1")
    bridge = lived(tmp_path)
    known = [one.machine for one in bridge.machines()]
    bridge.stop()
    assert known == ["m1"]


def _damage(file: Path, index: str) -> None:
    with sqlite3.connect(file) as db:
        page, size = db.execute(
            "SELECT rootpage, page_size FROM sqlite_master, pragma_page_size WHERE name=?",
            (index,),
        ).fetchone()
    db.close()
    content = bytearray(file.read_bytes())
    content[(page - 1) * size : page * size] = bytes(size)
    file.write_bytes(content)
