"""Databases to copy from, with the addons installed, kept in build/odoo19/clusters.

Installing takes a minute, copying a database 0.3 s. A cluster is saved stopped, under a key of all
that went into it; when the addons change, only they are installed anew, into the saved one that
has Odoo and the OCA modules.

    python -m tests.erp.odoo19.template
"""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from tests.erp.odoo19.install import (
    ADDONS,
    BUILD,
    InstallError,
    Odoo,
    exclusively,
    find,
    fingerprint,
)
from tests.erp.odoo19.postgres import OwnPostgres, Postgres, copy_tree, version

BASE: Final = ("rpc", "web", "connector", "component_event", "queue_job", "product")
CLUSTERS: Final = BUILD / "clusters"
NOT_INSTALLED: Final = {".po", ".pot", ".md", ".png", ".svg", ".pyc"}
"""Files whose change needs no new installation."""


@dataclass(frozen=True, slots=True)
class Kind:
    """A template: what is installed beside the base, and the addons of ours."""

    name: str
    more: tuple[str, ...]
    ours: tuple[str, ...]


PLAIN: Final = Kind("plain", (), ("connector_coffee",))
"""What a user installs."""
SHOP: Final = Kind("shop", ("stock", "sale"), ())
"""With Odoo's stock and sale and none of ours: the addon tests install ours into it."""


@dataclass(frozen=True, slots=True)
class Cluster:
    """A started PostgreSQL with the templates, and their files."""

    odoo: Odoo
    postgres: Postgres
    filestores: Path

    def copy(self, kind: Kind, database: str, data_dir: Path) -> None:
        """A database of its own for a test, and the files that belong to it."""
        self.postgres.create(database, template(kind))
        source, target = self.filestores / template(kind), data_dir / "filestore" / database
        target.parent.mkdir(parents=True, exist_ok=True)
        if source.exists():
            shutil.copytree(source, target, dirs_exist_ok=True)


def template(kind: Kind) -> str:
    return f"coffee_template_{kind.name}"


@contextmanager
def cluster() -> Iterator[Cluster]:
    """Raises InstallError with the cure."""
    odoo = find()
    odoo.version()
    own = bool(os.environ.get("COFFEE_PG"))
    with exclusively("clusters"):
        saved = CLUSTERS / f"own-{_addons_key(odoo)}" if own else _saved(odoo)
    postgres: Postgres = OwnPostgres() if own else Postgres(saved / "data")
    try:
        postgres.start()
        if own:
            with exclusively("clusters"):
                _fill_own(odoo, postgres, saved)
        yield Cluster(odoo, postgres, saved / "filestore")
    finally:
        postgres.throw_away()


def _base_key(odoo: Odoo) -> str:
    return fingerprint_text(odoo.key, version(), *BASE, *SHOP.more)


def _addons_key(odoo: Odoo) -> str:
    files = sorted(
        file
        for file in ADDONS.rglob("*")
        if file.is_file() and file.suffix not in NOT_INSTALLED and "tests" not in file.parts[-3:-1]
    )
    return fingerprint_text(_base_key(odoo), fingerprint(files))


def fingerprint_text(*words: str) -> str:
    return hashlib.sha256("\n".join(words).encode()).hexdigest()[:16]


def _saved(odoo: Odoo) -> Path:
    """The folder of the saved cluster, made now if it is not there."""
    wanted = CLUSTERS / f"addons-{_addons_key(odoo)}"
    if wanted.exists():
        return wanted
    base = CLUSTERS / f"base-{_base_key(odoo)}"
    if not base.exists():
        _save(base, None, odoo, [(PLAIN, BASE), (SHOP, SHOP.more)])
    for old in [*CLUSTERS.glob("addons-*"), *CLUSTERS.glob("base-*")]:
        if old != base:
            shutil.rmtree(old)
    _save(wanted, base, odoo, [(PLAIN, PLAIN.ours)])
    return wanted


def _save(
    target: Path, base: Path | None, odoo: Odoo, work: list[tuple[Kind, tuple[str, ...]]]
) -> None:
    fresh = target.with_suffix(".new")
    shutil.rmtree(fresh, ignore_errors=True)
    fresh.mkdir(parents=True)
    if base:
        copy_tree(base / "filestore", fresh / "filestore")
    postgres = Postgres(base / "data" if base else None)
    try:
        postgres.start()
        for kind, modules in work:
            _begin(postgres, kind, fresh)
            _install(odoo, postgres, template(kind), modules, fresh)
        postgres.stop()
        copy_tree(postgres.data, fresh / "data")
    finally:
        postgres.throw_away()
    fresh.rename(target)


def _fill_own(odoo: Odoo, postgres: Postgres, saved: Path) -> None:
    if saved.exists():
        return
    saved.mkdir(parents=True)
    for kind in (SHOP, PLAIN):
        postgres.drop(template(kind))
    for kind, modules in ((PLAIN, BASE), (SHOP, SHOP.more), (PLAIN, PLAIN.ours)):
        _begin(postgres, kind, saved)
        _install(odoo, postgres, template(kind), modules, saved)


def _begin(postgres: Postgres, kind: Kind, folder: Path) -> None:
    """What adds to the base begins as a copy of it."""
    if kind.more and not postgres.has(template(kind)):
        postgres.create(template(kind), template(PLAIN))
        copy_tree(folder / "filestore" / template(PLAIN), folder / "filestore" / template(kind))


def _install(
    odoo: Odoo, postgres: Postgres, database: str, modules: tuple[str, ...], folder: Path
) -> None:
    print(f"[odoo] installing {', '.join(modules)}", end=" … ", flush=True)
    began = time.monotonic()
    log = BUILD / f"install-{database}.log"
    run_odoo(odoo, postgres, database, log, folder, "-i", ",".join(modules))
    print(f"{time.monotonic() - began:.0f} s", flush=True)


def odoo_command(odoo: Odoo, postgres: Postgres, database: str, data_dir: Path) -> list[str]:
    """Without server-wide settings; the caller adds what it wants of the program."""
    options = [f"--{name}={value}" for name, value in postgres.odoo_options.items()]
    addons = ",".join(str(path) for path in odoo.addons)
    return [
        str(odoo.python), str(odoo.program), f"--database={database}", f"--addons-path={addons}",
        f"--data-dir={data_dir}", "--load=base,rpc,web,queue_job", "--no-database-list",
        *options,
    ]  # fmt: skip


def run_odoo(
    odoo: Odoo,
    postgres: Postgres,
    database: str,
    log_path: Path,
    data_dir: Path,
    *more: str,
    check: bool = True,
) -> str:
    """Runs until it has done `more` and gives its log. With `check`, raises InstallError."""
    command = [*odoo_command(odoo, postgres, database, data_dir), "--stop-after-init",
               "--max-cron-threads=0", "--no-http", "--skip-auto-install", *more]  # fmt: skip
    with log_path.open("wb") as log:
        done = subprocess.run(
            command, stdout=log, stderr=log, env=odoo.environment(), cwd=data_dir,
            stdin=subprocess.DEVNULL, check=False,
        )  # fmt: skip
    text = log_path.read_text(errors="replace")
    broken = [line for line in text.splitlines() if " ERROR " in line or " CRITICAL " in line]
    if check and (done.returncode or broken):
        tail = "\n".join(text.splitlines()[-25:])
        raise InstallError(f"{tail}\nOdoo could not do {' '.join(more)}; full log: {log_path}")
    return text


if __name__ == "__main__":
    try:
        with cluster() as ready:
            print(f"[odoo] Odoo {ready.odoo.version()}, {version()}")
            print(f"[odoo] templates are ready ({ready.filestores.parent})")
    except InstallError as error:
        sys.exit(str(error))
