"""Odoo 19 with connector_coffee on a private PostgreSQL, through the bridge's own gateway.

Facts a second are those of `push`, HTTP and JSON included, beside the same data through Odoo's own
`load()` and through one search, create and commit a record, both inside Odoo. The PostgreSQL is
the tests': without fsync, so a commit costs less here than on a disk; all three gain by it.
"""

from __future__ import annotations

import contextlib
import json
import multiprocessing
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import paho.mqtt.client as mqtt
from paho.mqtt.enums import CallbackAPIVersion

from host_bridge.gateway.odoo import OdooGateway
from host_bridge.gateway.port import BREW, BackendDraft, FactPush
from tests.contract.gateway_suite import fact
from tests.erp.odoo19.postgres import program
from tests.erp.odoo19.server import BRIDGE, OdooServer
from tests.erp.odoo19.template import cluster
from tests.erp.site import environment, settings
from tests.support.fleet import Fleet, Journaller, journal_message
from tests.support.mosquitto import Mosquitto
from tests.support.stack import eventually
from tests.support.wire import Wire

BATCH = 500
MACHINES = 50
RATE = 200  # facts a second


# --- facts a second
def measure_push(odoo: OdooServer, facts: int) -> tuple[float, float]:
    """(created, unchanged) a second."""
    gateway = OdooGateway(settings(odoo), BRIDGE)
    gateway.save_backends([BackendDraft("m1", "2900")])
    gateway.push([fact(0, machine="m1")])  # what Odoo loads at the first call
    batches = [
        [fact(seq, BREW, "m1") for seq in range(first, first + BATCH)]
        for first in range(1, facts, BATCH)
    ]
    created_s = _rate(gateway, batches, "created")
    unchanged_s = _rate(gateway, batches, "unchanged")
    gateway.close()
    return created_s, unchanged_s


def _rate(gateway: OdooGateway, batches: list[list[FactPush]], status: str) -> float:
    began = time.monotonic()
    for batch in batches:
        assert {answer.status for answer in gateway.push(batch)} == {status}
    return len(batches) * BATCH / (time.monotonic() - began)


def measure_rivals(odoo: OdooServer, load: int, single: int) -> tuple[float, float]:
    """(through load(), one at a time) a second, inside Odoo, as superuser and untracked."""
    values = dict(fact(0).values)
    names = [*values, "coffee_id", "backend_id/.id"]
    found: list[float] = odoo.shell(f"""
        import time
        values, names = {values!r}, {names!r}
        Brew = env["coffee.brew"].sudo().with_context(
            tracking_disable=True, connector_no_export=True)
        backend = env["coffee.backend"].search([("machine", "=", "m1")])
        rows = [
            ["" if v is None or v is False else str(v) for v in values.values()]
            + [f"load/{{n}}", str(backend.id)] for n in range({load})
        ]
        began = time.monotonic()
        for first in range(0, {load}, {BATCH}):
            loaded = Brew.load(names, rows[first:first + {BATCH}])
            assert loaded["ids"], loaded["messages"]
            env.cr.commit()
        load_s = {load} / (time.monotonic() - began)
        began = time.monotonic()
        for n in range({single}):
            key = f"single/{{n}}"
            if not Brew.search([("backend_id", "=", backend.id), ("coffee_id", "=", key)]):
                Brew.create(values | {{"coffee_id": key, "backend_id": backend.id}})
            env.cr.commit()
        answer([load_s, {single} / (time.monotonic() - began)])
    """)
    return found[0], found[1]


# --- from the machine to the row
class Query:
    """A psql that stays open: one line in, one line out."""

    def __init__(self, odoo: OdooServer) -> None:
        options = odoo.postgres.odoo_options
        self._psql = subprocess.Popen(
            [program("psql"), "-X", "-A", "-t", "-q", "-h", options["db_host"],
             "-p", options["db_port"], "-U", options["db_user"], "-d", odoo.database],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, bufsize=1,
        )  # fmt: skip

    def ask(self, sql: str) -> str:
        assert self._psql.stdin and self._psql.stdout
        self._psql.stdin.write(f"{sql};\n")
        return self._psql.stdout.readline().strip()

    def close(self) -> None:
        self._psql.terminate()
        self._psql.wait(10)


@contextlib.contextmanager
def stage(odoo: OdooServer) -> Iterator[Mosquitto]:
    """Broker and bridge in front of this Odoo; every machine known."""
    with tempfile.TemporaryDirectory(prefix="bench-odoo-") as name:
        folder = Path(name)
        broker = Mosquitto(folder / "broker")
        broker.start()
        with (folder / "bridge.log").open("wb") as log:
            bridge = subprocess.Popen(
                [sys.executable, "-m", "host_bridge", "run", "--no-web",
                 "--data", str(folder / "data"), "--mqtt-port", str(broker.port)],
                stdout=log, stderr=log,
                env={**os.environ, "COFFEE_LOG": "warning", **environment(odoo)},
            )  # fmt: skip
        try:
            with Fleet(broker.port, MACHINES):
                known = "SELECT count(*) FROM coffee_backend WHERE version IS NOT NULL"
                eventually(lambda: int(odoo.sql(known)) >= MACHINES, 120)
            yield broker
        finally:
            bridge.terminate()
            bridge.wait(30)
            broker.stop()


def publish(port: int, facts: int, out: Any) -> None:
    """In its own process: one fact a message, QoS 1, round robin; sends each publish's time."""
    client = mqtt.Client(CallbackAPIVersion.VERSION2)
    client.connect("127.0.0.1", port)
    client.loop_start()
    machines = [Journaller(f"f{n}", f"{n:08x}") for n in range(1, MACHINES + 1)]
    began, sent_ns = time.monotonic(), []
    for number in range(facts):
        machine = machines[number % MACHINES]
        body = journal_message(machine.journal, [number // MACHINES + 1], 1)
        time.sleep(max(0.0, began + number / RATE - time.monotonic()))
        sent_ns.append(time.time_ns())
        info = client.publish(f"coffee/v1/{machine.name}/journal", body, 1)
    info.wait_for_publish(60)
    out.send(sent_ns)
    client.disconnect()
    client.loop_stop()


def measure_latency(odoo: OdooServer, facts: int) -> float:
    """p99 in ms from the publish to the first moment another session reads the row."""
    mine = "FROM coffee_brew w JOIN coffee_backend b ON b.id = backend_id WHERE machine LIKE 'f%'"
    context = multiprocessing.get_context("spawn")
    ours, theirs = context.Pipe()
    query = Query(odoo)
    with stage(odoo) as broker:
        before = int(query.ask("SELECT coalesce(max(id), 0) FROM coffee_brew"))
        sender = context.Process(target=publish, args=(broker.port, facts, theirs))
        sender.start()
        readable_ns: list[int] = []
        until = time.monotonic() + facts / RATE + 120
        while len(readable_ns) < facts and time.monotonic() < until:
            seen = int(query.ask(f"SELECT count(*) FROM coffee_brew WHERE id > {before}"))
            readable_ns += [time.time_ns()] * (seen - len(readable_ns))
            time.sleep(0.005)
        sent_ns = ours.recv()
        sender.join()
        order = json.loads(odoo.sql(
            f"SELECT json_agg(json_build_array(machine, coffee_id) ORDER BY w.id) {mine}"
        ))  # fmt: skip
    query.close()
    assert len(order) == len(readable_ns) == facts
    late_ms = []
    for (machine, coffee_id), at_ns in zip(order, readable_ns, strict=True):
        number = (int(coffee_id.split("/")[1]) - 1) * MACHINES + int(machine[1:]) - 1
        late_ms.append((at_ns - sent_ns[number]) / 1e6)
    return sorted(late_ms)[int(len(late_ms) * 0.99)]


def measure_orders(odoo: OdooServer, orders: int) -> float:
    """Slowest, in ms, from a person's click to the command on the wire."""
    backend = odoo.run_machine("f1")
    slowest_ms = 0.0
    with stage(odoo) as broker, Fleet(broker.port, 1):
        wire = Wire(broker.port)
        wire.wait("coffee/v1/f1/status", lambda said: said["online"])
        for number in range(orders + 1):
            mark, clicked = wire.mark(), time.monotonic()
            given = {"backend_id": backend, "name": "identify", "args": {"seconds": 1}}
            odoo.admin("coffee.command", "create", given)
            wire.wait("coffee/v1/f1/cmd/identify", lambda sent: True, mark, 30)
            if number:  # the first waits for what a bridge tells when it starts
                slowest_ms = max(slowest_ms, (time.monotonic() - clicked) * 1000)
            time.sleep(0.237)  # not in step with the poll
        wire.close()
    return slowest_ms


def figure(value: float, unit: str, vs: float) -> dict[str, Any]:
    return {
        "value": round(value, 1),
        "unit": unit,
        "vs": round(vs, 1),
        "ratio": round(value / vs, 3),
    }


def run(quick: bool) -> dict[str, dict[str, Any]]:
    """`vs` of the pushes are the rivals, of the latencies what the project promises."""
    with cluster() as ready, OdooServer(ready, "coffee_bench") as odoo:
        created_s, unchanged_s = measure_push(odoo, 2_000 if quick else 10_000)
        load_s, single_s = measure_rivals(odoo, 1_000 if quick else 3_000, 100 if quick else 300)
        latency_ms = measure_latency(odoo, RATE * (5 if quick else 30))
        order_ms = measure_orders(odoo, 5 if quick else 20)
    return {
        "odoo_push_facts_s": figure(created_s, "facts/s", load_s),
        "odoo_push_facts_s_vs_single": figure(created_s, "facts/s", single_s),
        "odoo_push_unchanged_facts_s": figure(unchanged_s, "facts/s", created_s),
        "e2e_p99_ms": figure(latency_ms, "ms", 1000),
        "odoo_order_max_ms": figure(order_ms, "ms", 1000),
    }
