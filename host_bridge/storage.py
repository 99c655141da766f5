"""The data folder: which files are in it and which tables in the bridge's own one.

`bridge.sqlite` is the bridge's (inbox, outbox, curves); `store.sqlite` is the embedded gateway's,
which stands where an ERP will, and behind one that is there (gateway/mirror.py). They are never
opened for writing by two bridges at once.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
from pathlib import Path
from typing import IO, Final

from host_bridge import commands, curves, inbox, keeper, registry
from host_bridge.database import Database, DatabaseError
from host_bridge.gateway.embedded import EmbeddedStore
from host_bridge.gateway.mirror import Mirror
from host_bridge.settings import Settings

VERSION: Final = 3
SCHEMA: Final = inbox.SCHEMA + registry.SCHEMA + curves.SCHEMA + commands.SCHEMA + keeper.SCHEMA
UPGRADES: Final = inbox.UPGRADES | {2: commands.NEWEST_OF}


def open_bridge(data: Path, read_only: bool = False) -> Database:
    """Raises DatabaseError."""
    return Database(data / "bridge.sqlite", SCHEMA, VERSION, read_only, UPGRADES)


def open_store(data: Path, read_only: bool = False) -> EmbeddedStore:
    """Raises DatabaseError."""
    return EmbeddedStore(data / "store.sqlite", read_only=read_only)


def open_erp(settings: Settings, store: EmbeddedStore) -> Mirror | None:
    """The ERP of the settings in front of the store; None: there is none."""
    if settings.gateway.kind == "embedded":
        return None
    from host_bridge.gateway.odoo import OdooGateway  # brings an HTTP client nobody else needs

    return Mirror(OdooGateway(settings.gateway, settings.name), store)


def lock(data: Path) -> IO[str]:
    """One bridge a folder, until the returned file is closed or the process ends.

    Raises:
        DatabaseError: another bridge runs on it, or it cannot be written.
    """
    try:
        data.mkdir(parents=True, exist_ok=True)
        file = (data / "bridge.lock").open("a+")
    except OSError as error:
        raise DatabaseError(
            f"data: {data} cannot be used ({error.strerror}); give a folder this user can "
            "write to"
        ) from error
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        file.close()
        raise DatabaseError(
            f"data: {data} is in use by another bridge; stop that one or give another folder"
        ) from error
    with contextlib.suppress(OSError):  # for people only: on a full disk the lock holds too
        os.ftruncate(file.fileno(), 0)
        os.write(file.fileno(), f"{os.getpid()}\n".encode())
    return file
