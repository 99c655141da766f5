"""SQLite the way the bridge uses it: WAL, every commit on the disk before it counts, one writer.

Knows no table. A `Database` is one file with one writing and one reading connection, each behind
its own lock, so that a hundred console threads cost no memory and readers never wait for a commit.
"""

from __future__ import annotations

import contextlib
import errno
import os
import sqlite3
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

Row = sqlite3.Row
OLDEST: Final = (3, 35)
"""SQLite with RETURNING (and UPDATE … FROM, 3.33)."""


class DatabaseError(Exception):
    """The file cannot be used; the text names it and the cure."""


def _keep_private(path: Path) -> None:
    """Commands that wait carry passwords. SQLite makes -wal and -shm like the file; those of an
    older bridge, which left them open to everybody, are closed."""
    path.touch(0o600)
    for name in (path.name, f"{path.name}-wal", f"{path.name}-shm"):
        file = path.with_name(name)
        with contextlib.suppress(OSError):  # not there, or another user's
            file.chmod(file.stat().st_mode & 0o770)


def is_disk_full(error: BaseException) -> bool:
    if isinstance(error, sqlite3.Error):
        return getattr(error, "sqlite_errorcode", None) == sqlite3.SQLITE_FULL
    return isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT)


def _check_sqlite(path: Path) -> None:
    """Else the first fact fails with a syntax error, and each try after it."""
    if sqlite3.sqlite_version_info < OLDEST:
        raise DatabaseError(
            f"{path}: this Python has SQLite {sqlite3.sqlite_version}, but "
            f"{OLDEST[0]}.{OLDEST[1]} is needed; use a Python that is built with a newer one"
        )


def _cure(path: Path, error: BaseException) -> str:
    """Only a file that can be opened may be blamed, and moved away: another user's is whole and
    in use, as is one on a full disk or in a folder that cannot be written (SQLite reads a
    database only beside files of its own)."""
    if path.exists() and not os.access(path, os.R_OK):
        return "it is another user's; run this as the user the bridge runs as"
    if is_disk_full(error):
        return "free disk space; the file is whole"
    if path.exists() and not os.access(path.parent, os.W_OK):
        return "its folder cannot be written; copy the folder to a place where this user may write"
    return "restore it from a backup or move it away"


class Database:
    """One file under one schema (`CREATE …` script, applied once to a new file).

    Args:
        upgrades: version of an older file → the statements that make it the next version.
    """

    def __init__(
        self, path: Path, schema: str, version: int = 1, read_only: bool = False,
        upgrades: Mapping[int, str] | None = None,
    ) -> None:  # fmt: skip
        _check_sqlite(path)
        self.path = path
        self._write_lock = threading.RLock()
        self._read_lock = threading.Lock()
        self._writer: sqlite3.Connection | None = None
        self._inside = False
        try:
            if not read_only:
                path.parent.mkdir(parents=True, exist_ok=True)
                _keep_private(path)
                self._writer = self._open()
                self._writer.execute("PRAGMA journal_mode=WAL")
                self._create(schema, version, upgrades or {})
            self._reader = self._open(read_only=True)
            found = self._reader.execute("PRAGMA user_version").fetchone()[0]
        except (sqlite3.Error, OSError) as error:
            raise DatabaseError(f"{path}: {error}; {_cure(path, error)}") from error
        if found != version:
            cure = "start this bridge once to upgrade the file"
            if found > version or not read_only:
                cure = "run the bridge version that wrote it"
            raise DatabaseError(
                f"{path}: written by a bridge with schema {found}, but this one uses {version}; "
                f"{cure}"
            )

    def _open(self, read_only: bool = False) -> sqlite3.Connection:
        mode = "ro" if read_only else "rwc"
        connection = sqlite3.connect(
            f"{self.path.absolute().as_uri()}?mode={mode}",
            uri=True, timeout=10, isolation_level=None, check_same_thread=False,
        )  # fmt: skip
        connection.row_factory = sqlite3.Row
        connection.execute("PRAGMA foreign_keys=ON")
        # FULL: in WAL mode anything less may lose the last commits on a power cut, and what is
        # committed here has been acknowledged to a machine that then forgets it.
        connection.execute("PRAGMA synchronous=FULL")
        connection.execute("PRAGMA cache_size=-2048")
        return connection

    def _create(self, schema: str, version: int, upgrades: Mapping[int, str]) -> None:
        with self.write() as tx:
            found = tx.execute("PRAGMA user_version").fetchone()[0]
            if found == 0:
                self._script(tx, schema, version)
            while found in upgrades:
                found += 1
                self._script(tx, upgrades[found - 1], found)

    @staticmethod
    def _script(tx: sqlite3.Connection, script: str, version: int) -> None:
        for statement in filter(str.strip, script.split(";")):
            tx.execute(statement)
        tx.execute(f"PRAGMA user_version={version}")

    @contextmanager
    def write(self) -> Iterator[sqlite3.Connection]:
        """One transaction; on the disk when the block ends, undone when it raises."""
        with self._write_lock:
            if self._writer is None:
                raise DatabaseError(f"{self.path}: opened for reading only, or closed")
            if self._inside:  # a block inside a block joins it
                yield self._writer
                return
            self._roll_back(self._writer)
            self._writer.execute("BEGIN IMMEDIATE")
            self._inside = True
            try:
                yield self._writer
                self._writer.execute("COMMIT")
            except BaseException:
                with contextlib.suppress(sqlite3.Error):  # the disk: the next one tries again
                    self._roll_back(self._writer)
                raise
            finally:
                self._inside = False

    @staticmethod
    def _roll_back(writer: sqlite3.Connection) -> None:
        if writer.in_transaction:
            writer.execute("ROLLBACK")

    def read(self, sql: str, parameters: Sequence[Any] | dict[str, Any] = ()) -> list[Row]:
        with self._read_lock:
            return self._reader.execute(sql, parameters).fetchall()

    def one(self, sql: str, parameters: Sequence[Any] | dict[str, Any] = ()) -> Row | None:
        with self._read_lock:
            row: Row | None = self._reader.execute(sql, parameters).fetchone()
            return row

    def close(self) -> None:
        with self._write_lock, self._read_lock:
            self._reader.close()
            if self._writer is not None:
                self._writer.close()
                self._writer = None
