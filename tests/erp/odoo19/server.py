"""A running Odoo with a database of its own, and how a test speaks to it.

JSON-2 and XML-RPC with the key of the technical bridge user, as the bridge does; `shell` runs
Python inside Odoo for what a person would click.
"""

from __future__ import annotations

import contextlib
import http.client
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import textwrap
import time
import xmlrpc.client
from pathlib import Path
from typing import Any, Final

from tests.erp.odoo19.postgres import LEASH
from tests.erp.odoo19.template import PLAIN, Cluster, Kind, odoo_command
from tests.support.mosquitto import free_port

START_S: Final = 120.0
BRIDGE: Final = "bridge"
ADMIN: Final = ("admin", "admin")


class OdooError(Exception):
    """What Odoo answered instead of a result: HTTP status and its own words."""

    def __init__(self, status: int, name: str, message: str) -> None:
        super().__init__(f"{status} {name}: {message}")
        self.status, self.name, self.message = status, name, message


class OdooServer:
    """`with OdooServer(cluster) as odoo`. `workers` 0: threads, as many as there are requests."""

    def __init__(
        self, cluster: Cluster, database: str = "coffee", kind: Kind = PLAIN, workers: int = 0,
        cron: bool = True, folder: Path | None = None, port: int | None = None,
    ) -> None:  # fmt: skip
        self.database = database
        self.port = port or free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.postgres = cluster.postgres
        self.folder = folder or Path(tempfile.mkdtemp(prefix="coffee-odoo-"))
        self.folder.mkdir(parents=True, exist_ok=True)
        self.key = ""
        self._cluster, self._workers, self._cron = cluster, workers, cron
        self._process: subprocess.Popen[bytes] | None = None
        cluster.copy(kind, database, self.folder)

    def __enter__(self) -> OdooServer:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    # --- life
    def start(self) -> None:
        """Returns when it answers; the first time a bridge user is made and its key kept."""
        self.launch()
        self.wait()
        if not self.key:
            self.key = self.shell(f"""
                wizard = env["coffee.bridge.connect"].create({{"name": {BRIDGE!r}}})
                wizard.action_make()
                answer(wizard.key)
            """)

    def launch(self) -> None:
        """Starts the process and does not wait for it."""
        options = [
            f"--http-port={self.port}", "--http-interface=127.0.0.1",
            f"--workers={self._workers}", f"--max-cron-threads={1 if self._cron else 0}",
            "--db_maxconn=80", "--limit-memory-soft=0", "--limit-memory-hard=0",
            f"--gevent-port={free_port()}",
        ]  # fmt: skip
        command = odoo_command(self._cluster.odoo, self.postgres, self.database, self.folder)
        with (self.folder / "odoo.log").open("ab") as log:
            self._process = subprocess.Popen(
                [sys.executable, str(LEASH), str(os.getpid()), *command, *options],
                stdout=log, stderr=log, stdin=subprocess.DEVNULL, cwd=self.folder,
                env=self._cluster.odoo.environment() | {"ODOO_QUEUE_JOB_CHANNELS": "root:2"},
                start_new_session=True,
            )  # fmt: skip

    def wait(self, timeout_s: float = START_S) -> None:
        deadline = time.monotonic() + timeout_s
        while time.monotonic() < deadline:
            with contextlib.suppress(OSError, http.client.HTTPException):
                connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)
                connection.request("GET", "/web/health")
                if connection.getresponse().status == 200:
                    return
            if self._process is None or self._process.poll() is not None:
                break
            time.sleep(0.1)
        raise RuntimeError(f"Odoo does not answer: {self.log()[-3000:]}")

    def kill9(self) -> None:
        """All of it, at once."""
        assert self._process
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait(10)
        self._process = None

    def stop(self) -> None:
        """Politely; by force after 10 s, since a poll may hold it."""
        if self._process is None:
            return
        self._process.terminate()
        try:
            self._process.wait(10)
        except subprocess.TimeoutExpired:
            self.kill9()
        self._process = None

    def restart(self) -> None:
        """Same port, database and key."""
        self.stop()
        self.start()

    def pause(self) -> None:
        """It hangs: takes connections and answers nothing."""
        assert self._process
        os.killpg(self._process.pid, signal.SIGSTOP)

    def go_on(self) -> None:
        assert self._process
        os.killpg(self._process.pid, signal.SIGCONT)

    def close(self) -> None:
        if self._process:
            self.kill9()
        with contextlib.suppress(RuntimeError):
            self.postgres.drop(self.database)
        shutil.rmtree(self.folder, ignore_errors=True)

    def log(self) -> str:
        return (self.folder / "odoo.log").read_text(errors="replace")

    # --- speaking as the bridge
    def call(self, method: str, model: str = "coffee.backend", **arguments: Any) -> Any:
        """JSON-2, a connection a call. Raises OdooError."""
        return self.json2(f"{model}/{method}", arguments, self.key)

    def json2(self, path: str, body: Any, key: str, timeout_s: float = 120) -> Any:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=timeout_s)
        headers = {"Content-Type": "application/json", "Authorization": f"bearer {key}"}
        try:
            connection.request("POST", f"/json/2/{path}", json.dumps(body), headers)
            response = connection.getresponse()
            raw = response.read()
        finally:
            connection.close()
        try:
            answer = json.loads(raw)
        except ValueError:
            answer = {"name": "", "message": raw.decode(errors="replace")}
        if response.status != 200:
            raise OdooError(response.status, answer.get("name", ""), answer.get("message", ""))
        return answer

    def xmlrpc(self, method: str, **arguments: Any) -> Any:
        """As a server before 19 would be called. Raises xmlrpc.client.Fault."""
        login = f"coffee-bridge-{BRIDGE}"
        common = xmlrpc.client.ServerProxy(f"{self.url}/xmlrpc/2/common", allow_none=True)
        uid = common.authenticate(self.database, login, self.key, {})
        models = xmlrpc.client.ServerProxy(f"{self.url}/xmlrpc/2/object", allow_none=True)
        return models.execute_kw(
            self.database, uid, self.key, "coffee.backend", method, [], arguments
        )

    # --- acting as a person, inside
    def shell(self, code: str) -> Any:
        """Runs `code` as the administrator in a process of its own and commits. `env` is there;
        what `answer(…)` is given comes back through JSON."""
        script = _SHELL.format(code=textwrap.indent(textwrap.dedent(code), "    "))
        command = odoo_command(self._cluster.odoo, self.postgres, self.database, self.folder)
        command.insert(2, "shell")
        done = subprocess.run(
            [*command, "--no-http", "--log-level=warn"], input=script, text=True,
            capture_output=True, env=self._cluster.odoo.environment(), cwd=self.folder,
        )  # fmt: skip
        for line in done.stdout.splitlines():
            if line.startswith(_MARK):
                return json.loads(line.removeprefix(_MARK))
        raise AssertionError(f"{done.stdout[-2000:]}{done.stderr[-3000:]}")

    def admin(self, model: str, method: str, *args: Any, **kwargs: Any) -> Any:
        """A call as the administrator, over XML-RPC: quick, for what the web client would do."""
        models = xmlrpc.client.ServerProxy(f"{self.url}/xmlrpc/2/object", allow_none=True)
        return models.execute_kw(self.database, 2, ADMIN[1], model, method, list(args), kwargs)

    def records(
        self, model: str, fields: list[str], domain: list[Any] | None = None
    ) -> list[dict[str, Any]]:
        """In the order of their ids."""
        found: list[dict[str, Any]] = self.admin(
            model, "search_read", domain or [], fields=fields, order="id"
        )
        return found

    def run_machine(self, machine: str, version: str = "2900") -> int:
        """The machine's backend, confirmed by a person: running. Gives its id."""
        found = self.admin("coffee.backend", "search", [("machine", "=", machine)])
        if not found:
            values = {"name": machine, "machine": machine, "version": version}
            found = [self.admin("coffee.backend", "create", values)]
        self.admin("coffee.backend", "write", found, {"state": "running"})
        return int(found[0])

    def sql(self, query: str) -> str:
        """What the database holds, past all of our code."""
        return self.postgres.psql(query, self.database)


_MARK: Final = "COFFEE-ANSWER "
_SHELL: Final = """
import json
def answer(value):
    print("COFFEE-ANSWER " + json.dumps(value))
def act():
{code}
try:
    act()
    env.cr.commit()
except BaseException:
    import traceback
    traceback.print_exc()

"""
