"""A private PostgreSQL on a unix socket, thrown away afterwards. Debian's package `postgresql`.

Or a server of the user's own: COFFEE_PG="host=… port=… user=… password=…" (it must be allowed to
create databases). It is then used as it is, and cannot be killed by tests.
"""

from __future__ import annotations

import contextlib
import os
import pwd
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Final

from tests.erp.odoo19.install import InstallError

USER: Final = "odoo"
START_S: Final = 60.0
LEASH: Final = Path(__file__).with_name("leash.py")
SETTINGS: Final = (
    "listen_addresses=", "max_connections=200", "shared_buffers=128MB",
    # thrown away after the test, and a killed process does not need what only a power cut takes
    "fsync=off", "full_page_writes=off", "autovacuum=on",
    "log_min_messages=warning",
)  # fmt: skip


def program(name: str) -> Path:
    """Debian keeps the server's programs off the PATH.

    Raises:
        InstallError: not installed.
    """
    versions = sorted(Path("/usr/lib/postgresql").glob("*"), key=lambda p: p.name.zfill(3))
    for folder in [*(v / "bin" for v in reversed(versions))]:
        if (folder / name).exists():
            return folder / name
    found = shutil.which(name)
    if found:
        return Path(found)
    raise InstallError(f"no {name}: apt install postgresql (or name your own server in COFFEE_PG)")


def version() -> str:
    if os.environ.get("COFFEE_PG"):
        return "external"
    done = subprocess.run([program("postgres"), "--version"], capture_output=True, text=True)
    return done.stdout.strip()


class Postgres:
    """`start` and use; `folder` holds the cluster, `saved` may be an older one to begin with."""

    def __init__(self, saved: Path | None = None) -> None:
        base = tempfile.gettempdir()
        short = base if len(base) < 60 else "/tmp"  # a socket's path has 107 letters
        self.folder = Path(tempfile.mkdtemp(prefix="coffee-pg-", dir=short))
        self.data = self.folder / "data"
        self._process: subprocess.Popen[bytes] | None = None
        self._user = _unprivileged()
        if saved:
            copy_tree(saved, self.data)
        if self._user:
            os.chmod(self.folder, 0o755)
            subprocess.run(["chown", "-R", self._user, self.folder], check=True)
        if not saved:
            self._initdb()

    def _initdb(self) -> None:
        done = subprocess.run(
            [program("initdb"), "-D", self.data, "-U", USER, "-E", "UTF8", "--locale=C.UTF-8",
             "--auth=trust", "--no-sync"],
            user=self._user, group=self._user, capture_output=True, text=True, cwd=self.folder,
            extra_groups=[] if self._user else None,
        )  # fmt: skip
        if done.returncode:
            raise InstallError(f"initdb failed: {done.stderr}{done.stdout}")

    # --- life
    def start(self) -> None:
        """Also after `kill9`: the old server's children may take a moment to go."""
        deadline = time.monotonic() + START_S
        while time.monotonic() < deadline:
            self._launch()
            while self._process and self._process.poll() is None:
                if self._answers():
                    return
                time.sleep(0.05)
                if time.monotonic() > deadline:
                    break
            time.sleep(0.2)
        raise RuntimeError(f"PostgreSQL does not start: {self.log()[-2000:]}")

    def _launch(self) -> None:
        command = [sys.executable, str(LEASH), str(os.getpid()), str(program("postgres")),
                   "-D", str(self.data), "-k", str(self.folder)]  # fmt: skip
        for setting in SETTINGS:
            command += ["-c", setting]
        environment = {k: v for k, v in os.environ.items() if not k.startswith("PG")}
        if self._user:
            environment["LEASH_USER"] = self._user
        with (self.folder / "log").open("ab") as log:
            self._process = subprocess.Popen(
                command, stdout=log, stderr=log, env=environment, cwd=self.folder,
                start_new_session=True,
            )  # fmt: skip

    def _answers(self) -> bool:
        done = subprocess.run(
            [program("pg_isready"), "-q", "-h", self.folder, "-U", USER, "-d", "postgres"],
            check=False,
        )
        return done.returncode == 0

    def stop(self, how: int = signal.SIGINT) -> None:
        if self._process:
            self._process.send_signal(how)
            self._process.wait(60)
            self._process = None

    def kill9(self) -> None:
        """The postmaster at once; its children see that and go."""
        assert self._process
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait(10)
        self._process = None

    def throw_away(self) -> None:
        with contextlib.suppress(Exception):
            self.stop()
        shutil.rmtree(self.folder, ignore_errors=True)

    def log(self) -> str:
        return (self.folder / "log").read_text(errors="replace")

    # --- use
    @property
    def odoo_options(self) -> dict[str, str]:
        return {"db_host": str(self.folder), "db_user": USER, "db_port": "5432"}

    def psql(self, sql: str, database: str = "postgres") -> str:
        """What a query gives, one row a line. Raises RuntimeError with PostgreSQL's words."""
        options = self.odoo_options
        environment = dict(os.environ)
        if "db_password" in options:
            environment["PGPASSWORD"] = options["db_password"]
        done = subprocess.run(
            [program("psql"), "-X", "-A", "-t", "-q", "-v", "ON_ERROR_STOP=1",
             "-h", options["db_host"], "-p", options["db_port"], "-U", options["db_user"],
             "-d", database, "-c", sql],
            capture_output=True, text=True, env=environment,
        )  # fmt: skip
        if done.returncode:
            raise RuntimeError(done.stderr.strip())
        return done.stdout.strip()

    def has(self, database: str) -> bool:
        return bool(self.psql(f"SELECT 1 FROM pg_database WHERE datname='{database}'"))

    def create(self, database: str, template: str) -> None:
        self.psql(f'CREATE DATABASE "{database}" TEMPLATE "{template}"')

    def drop(self, database: str) -> None:
        self.psql(f'DROP DATABASE IF EXISTS "{database}" WITH (FORCE)')


class OwnPostgres(Postgres):
    """The server named in COFFEE_PG."""

    def __init__(self, saved: Path | None = None) -> None:
        words = dict(word.split("=", 1) for word in os.environ["COFFEE_PG"].split())
        self._options = {f"db_{name}": value for name, value in words.items()}
        self._options.setdefault("db_port", "5432")

    def start(self) -> None:
        self.psql("SELECT 1")

    def stop(self, how: int = signal.SIGINT) -> None: ...

    def kill9(self) -> None:
        raise InstallError("COFFEE_PG is your own server; this test needs a private one: unset it")

    def throw_away(self) -> None: ...

    @property
    def odoo_options(self) -> dict[str, str]:
        return self._options


def _unprivileged() -> str | None:
    """PostgreSQL refuses to run as root."""
    if os.getuid():
        return None
    for name in ("postgres", "nobody"):
        with contextlib.suppress(KeyError):
            return pwd.getpwnam(name).pw_name
    raise InstallError("PostgreSQL does not run as root; create a user postgres or nobody for it")


def copy_tree(source: Path, target: Path) -> None:
    subprocess.run(["cp", "-a", "--reflink=auto", source, target], check=True)
