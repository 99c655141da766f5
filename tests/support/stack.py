"""The whole thing for end-to-end tests: real broker, real bridge process, simulated machines.

Parts are named "broker", "bridge" and by machine ("sim-1900", …); any can be killed with -9 and
comes back by `restart`. What machines journalled and what the store holds are read from the
files themselves, past all our running code.
"""

from __future__ import annotations

import contextlib
import json
import os
import signal
import sqlite3
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import Any, Literal

from simulator.machine import Machine
from simulator.parts import Part, port_answers
from tests.support.flash_image import Journalled, read_journal
from tests.support.mosquitto import Mosquitto, free_port
from tests.support.wire import Wire

START_S = 90.0
FACT_TABLES = ("brew", "alarm", "meter", "maintenance", "event")
TOKEN = "only-for-this-test"

Name = tuple[str, str, int]
"""(machine, journal, seq): the identity of a fact."""


class EmbeddedBroker:
    """`python -m host_bridge broker` as a part, with Mosquitto's few methods."""

    def __init__(self, folder: Path) -> None:
        self.port = free_port()
        self.address = f"127.0.0.1:{self.port}"
        arguments = ["host_bridge", "broker", "--port", str(self.port), "--data", str(folder)]
        log = folder / "broker.log"
        self._part = Part("broker", arguments, log, lambda: port_answers(self.port))

    def start(self) -> None:
        self._part.start()
        self._part.wait_healthy(START_S)

    def stop(self) -> None:
        self._part.stop()

    def kill9(self) -> None:
        kill9(self._part)


def kill9(part: Part) -> None:
    assert part.pid
    os.killpg(part.pid, signal.SIGKILL)
    part.stop()


class Stack:
    """Start with `with Stack(folder) as stack:`.

    Args:
        folder: of all data; the store is in folder/bridge, a machine's flash in folder/<name>.
        broker: "mosquitto" (real) or "embedded" (the one of `make run`).
        models: one machine each, named sim-<model>.
        speed: simulated seconds a second; 0: as fast as possible.
        mode: "run": machines go by themselves; "step": only in `machine.run(ms)`.
    """

    def __init__(
        self,
        folder: Path,
        broker: Literal["mosquitto", "embedded"] = "mosquitto",
        models: tuple[str, ...] = ("1900", "2900"),
        speed: float = 20,
        mode: str = "run",
        seed: int = 1,
        machine_config: dict[str, Any] | None = None,
    ) -> None:
        self.folder = folder
        self.broker = (
            Mosquitto(folder / "broker") if broker == "mosquitto" else EmbeddedBroker(folder)
        )
        self.web_port = free_port()
        self._machine_options: dict[str, Any] = {
            "mode": mode, "speed": speed, "seed": seed, "config": machine_config,
        }
        self.models = {f"sim-{model}": model for model in models}
        self.machines: dict[str, Machine] = {}
        self.bridge = Part(
            "bridge",
            ["host_bridge", "run", "--data", str(folder / "bridge"),
             "--mqtt-port", str(self.broker.port), "--web-port", str(self.web_port)],
            folder / "bridge.log",
            lambda: self.http("/healthz")[0] == 200,
        )
        self.wire: Wire

    def __enter__(self) -> Stack:
        self._token_before = os.environ.get("COFFEE_WEB_TOKEN")
        os.environ["COFFEE_WEB_TOKEN"] = TOKEN  # for the bridge, at each of its starts
        try:
            self.broker.start()
            self.wire = Wire(self.broker.port)
            self.bridge.start()
            for name in self.models:
                self._start_machine(name)
            self.bridge.wait_healthy(START_S)
        except BaseException:
            self._close()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._close()

    def _close(self) -> None:
        for machine in self.machines.values():
            machine.close()
        self.bridge.stop()
        if hasattr(self, "wire"):
            self.wire.close()
        self.broker.stop()
        if self._token_before is None:
            os.environ.pop("COFFEE_WEB_TOKEN", None)
        else:
            os.environ["COFFEE_WEB_TOKEN"] = self._token_before

    def _start_machine(self, name: str) -> None:
        self.machines[name] = Machine(
            self.models[name], name=name, data=self.folder / name, broker=self.broker.address,
            **self._machine_options,
        )

    # --- breaking and mending
    def kill9(self, part: str) -> None:
        """Kill without warning. A machine's supervisor starts its next life by itself, as power
        that comes back would."""
        if part == "broker":
            self.broker.kill9()
        elif part == "bridge":
            kill9(self.bridge)
        else:
            pid = self.machines[part].board.pid
            assert pid
            os.kill(pid, signal.SIGKILL)

    def restart(self, part: str) -> None:
        if part == "broker":
            self.broker.start()
        elif part == "bridge":
            self.bridge.start()

    # --- asking
    def http(self, path: str, body: Any = None) -> tuple[int, Any]:
        """Status and JSON of the bridge's API; (0, None) when it does not answer."""
        request = urllib.request.Request(f"http://127.0.0.1:{self.web_port}{path}")
        request.add_header("Authorization", f"Bearer {TOKEN}")
        if body is not None:
            request.data = json.dumps(body).encode()
            request.add_header("Content-Type", "application/json")
        try:
            with urllib.request.urlopen(request, timeout=20) as reply:
                return reply.status, _json(reply.read())
        except urllib.error.HTTPError as error:
            return error.code, _json(error.read())
        except OSError:
            return 0, None

    def state(self, machine: str) -> dict[str, Any]:
        """The last `state` a machine published, {} before the first."""
        return self.wire.latest(f"coffee/v1/{machine}/state") or {}

    def wait_state(self, machine: str, timeout_s: float = 180, **wanted: Any) -> dict[str, Any]:
        """First state from now on in which every wanted field has its value (or one of a set)."""

        def fits(state: dict[str, Any]) -> bool:
            return all(
                state.get(key) in value if isinstance(value, set) else state.get(key) == value
                for key, value in wanted.items()
            )

        if fits(latest := self.state(machine)):
            return latest
        try:
            return self.wire.wait(
                f"coffee/v1/{machine}/state", fits, self.wire.mark(), timeout_s
            ).json
        except TimeoutError as error:
            made = self.machines.get(machine)  # else it is the test's own
            console = made.console()[-2000:] if made else "?"
            raise TimeoutError(f"{wanted}: {error}\nits console:\n{console}") from error

    # --- the books
    def journalled(self, machine: str) -> Journalled:
        """From the flash image, with the firmware's own code."""
        board = f"coffee_{self.models[machine]}"
        return read_journal(self.folder / machine / "flash.bin", board)

    def records(self) -> dict[Name, dict[str, Any]]:
        """Every fact's record in the store; fails if one is bound twice."""
        found: dict[Name, dict[str, Any]] = {}
        with contextlib.closing(self._store()) as store:
            for table in FACT_TABLES:
                for row in store.execute(
                    f"SELECT '{table}' AS of_table, machine, r.* FROM coffee_{table} r"
                    " JOIN coffee_backend b ON b.id = r.backend_id"
                ):
                    journal, _, seq = row["coffee_id"].partition("/")
                    name = (row["machine"], journal, int(seq))
                    assert name not in found, f"{name} is bound twice"
                    found[name] = dict(row)
        return found

    def acked(self, machine: str) -> dict[str, Any]:
        """The last cursor the bridge published for this machine, {} before the first."""
        return self.wire.latest(f"coffee/v1/{machine}/ack") or {}

    def _store(self) -> sqlite3.Connection:
        (file,) = (self.folder / "bridge").rglob("store.sqlite")
        store = sqlite3.connect(f"{file.absolute().as_uri()}?mode=ro", uri=True)
        store.row_factory = sqlite3.Row
        return store


def _json(raw: bytes) -> Any:
    try:
        return json.loads(raw)
    except ValueError:
        return raw.decode(errors="replace")


def eventually(what: Callable[[], Any], timeout_s: float = 60, every_s: float = 0.2) -> Any:
    """The first true answer.

    Raises:
        TimeoutError: none within the time; the text shows the last one.
    """
    deadline = time.monotonic() + timeout_s
    while not (answer := what()):
        if time.monotonic() > deadline:
            raise TimeoutError(f"still {answer!r} after {timeout_s:.0f} s")
        time.sleep(every_s)
    return answer
