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
from tests.unit.bridge.world import World

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
