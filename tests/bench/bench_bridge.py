"""The bridge under load: a real mosquitto, one bridge process, machines in one client process.

Facts are timed from the publisher's call to the moment another process can read them from the
inbox file, so nothing of it is the bridge's own word.
"""

from __future__ import annotations

import contextlib
import json
import multiprocessing
import os
import signal
import sqlite3
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import paho.mqtt.client as mqtt
import psutil
from paho.mqtt.enums import CallbackAPIVersion

from tests.support.contract import examples
from tests.support.fleet import Fleet, Journaller, journal_message
from tests.support.mosquitto import Mosquitto, free_port
from tests.support.stack import eventually

MACHINES = 1000
RATE = 1000  # facts a second for the latency figure


class Bridge:
    """`python -m host_bridge run` on a data folder of its own."""

    def __init__(self, folder: Path, port: int, web: bool) -> None:
        self.data = folder / "data"
        self.data.mkdir()
        web_options = ["--web-port", str(free_port())] if web else ["--no-web"]
        with (folder / "bridge.log").open("wb") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "host_bridge", "run", "--data", str(self.data),
                 "--mqtt-port", str(port), *web_options],
                stdout=log, stderr=log, env={**os.environ, "COFFEE_LOG": "warning"},
            )  # fmt: skip

    def inbox(self) -> sqlite3.Connection:
        uri = f"{(self.data / 'bridge.sqlite').absolute().as_uri()}?mode=ro"
        return sqlite3.connect(uri, uri=True)

    def stop(self) -> None:
        self.process.send_signal(signal.SIGTERM)
        self.process.wait(30)


@contextlib.contextmanager
def stage(web: bool = False) -> Iterator[tuple[Mosquitto, Bridge]]:
    with tempfile.TemporaryDirectory(prefix="bench-bridge-") as name:
        folder = Path(name)
        broker = Mosquitto(folder / "broker")
        config = folder / "broker" / "mosquitto.conf"
        # the default of 1000 would drop what waits for the bridge at full speed
        config.write_text(f"{config.read_text()}max_queued_messages 0\n")
        broker.start()
        bridge = Bridge(folder, broker.port, web)
        try:
            yield broker, bridge
        finally:
            bridge.stop()
            broker.stop()


def wait_for(question: Callable[[], int], wanted: int, what: str, timeout_s: float = 300) -> None:
    until = time.monotonic() + timeout_s
    while (found := question()) < wanted:
        if time.monotonic() > until:
            raise TimeoutError(f"{what}: {found} of {wanted} after {timeout_s:.0f} s")
        time.sleep(0.002)


def count(db: sqlite3.Connection, sql: str) -> int:
    return int(db.execute(sql).fetchone()[0] or 0)


def introduce(port: int, bridge: Bridge) -> None:
    """Every machine's birth and info, as they are at a site that has been running."""
    with Fleet(port, MACHINES):
        eventually(lambda: (bridge.data / "bridge.sqlite").exists())
        with contextlib.closing(bridge.inbox()) as db:
            known = "SELECT count(*) FROM machine WHERE model IS NOT NULL"
            wait_for(lambda: count(db, known), MACHINES, "machines known")


def publish(port: int, facts: int, rate: int, out: Any) -> None:
    """In its own process: facts round robin over the machines, one a message, QoS 1.

    Sends [began, then for each fact the time of its publish] over `out`, time.time_ns().
    """
    client = mqtt.Client(CallbackAPIVersion.VERSION2)
    client.max_inflight_messages_set(1000)
    client.connect("127.0.0.1", port)
    client.loop_start()
    machines = [Journaller(f"f{n}", f"{n:08x}") for n in range(1, MACHINES + 1)]
    bodies = [
        (f"coffee/v1/{machine.name}/journal", journal_message(machine.journal, [seq], 1))
        for seq in range(1, facts // MACHINES + 1)
        for machine in machines
    ]
    began = time.monotonic()
    sent_ns = []
    for number, (topic, body) in enumerate(bodies):
        if rate:
            wait_s = began + number / rate - time.monotonic()
            if wait_s > 0.001:
                time.sleep(wait_s)
        sent_ns.append(time.time_ns())
        info = client.publish(topic, body, 1)
    info.wait_for_publish(300)
    out.send(sent_ns)
    client.disconnect()
    client.loop_stop()


def flood(port: int, bridge: Bridge, facts: int, rate: int) -> tuple[list[int], list[int]]:
    """Times in ns at which each fact was published, and could be read, in inbox order."""
    ours, theirs = multiprocessing.get_context("spawn").Pipe()
    sender = multiprocessing.get_context("spawn").Process(
        target=publish, args=(port, facts, rate, theirs)
    )
    with contextlib.closing(bridge.inbox()) as db:
        sender.start()
        readable_ns: list[int] = []

        def look() -> int:
            seen = count(db, "SELECT max(id) FROM fact")
            readable_ns.extend([time.time_ns()] * (seen - len(readable_ns)))
            return seen

        wait_for(look, facts, "facts in the inbox")
        sent_ns = ours.recv()
        sender.join()
        order = db.execute(
            "SELECT machine, seq FROM fact JOIN journal ON journal.id=journal_id ORDER BY fact.id"
        ).fetchall()
    published = [sent_ns[(seq - 1) * MACHINES + int(machine[1:]) - 1] for machine, seq in order]
    return published, readable_ns


def measure_throughput(quick: bool) -> float:
    facts = 10_000 if quick else 60_000
    with stage() as (broker, bridge):
        introduce(broker.port, bridge)
        published, readable = flood(broker.port, bridge, facts, rate=0)
        return facts / ((readable[-1] - min(published)) / 1e9)


def measure_latency(quick: bool) -> float:
    seconds = 5 if quick else 30
    with stage() as (broker, bridge):
        introduce(broker.port, bridge)
        published, readable = flood(broker.port, bridge, RATE * seconds, RATE)
        late_ms = sorted((r - p) / 1e6 for p, r in zip(published, readable, strict=True))
        return late_ms[int(len(late_ms) * 0.99)]


def measure_memory(quick: bool) -> float:
    """Console included; every machine with info, state, recipes and facts, one in ten brewing."""
    with stage(web=True) as (broker, bridge):
        introduce(broker.port, bridge)
        client = mqtt.Client(CallbackAPIVersion.VERSION2)
        client.connect("127.0.0.1", broker.port)
        client.loop_start()
        state, recipes, shot = (examples(kind)[-1] for kind in ("state", "recipes", "shot"))
        with contextlib.closing(bridge.inbox()) as db:
            for n in range(1, MACHINES + 1):
                base = f"coffee/v1/f{n}"
                client.publish(f"{base}/recipes", json.dumps(recipes), 1, retain=True)
                client.publish(f"{base}/journal", journal_message(f"{n:08x}", [1, 2, 3], 1), 1)
                if n % 10 == 0:
                    for part in range(60):
                        client.publish(f"{base}/shot", json.dumps({**shot, "part": part}), 0)
            rounds = 3 if quick else 20
            for number in range(rounds):
                for n in range(1, MACHINES + 1):
                    body = {**state, "uptime_ms": number * 10_000}
                    client.publish(f"coffee/v1/f{n}/state", json.dumps(body), 0, retain=True)
                time.sleep(0.5)
            imported = "SELECT count(*) FROM fact WHERE state=1"
            wait_for(lambda: count(db, imported), 3 * MACHINES, "facts imported")
        client.disconnect()
        client.loop_stop()
        return psutil.Process(bridge.process.pid).memory_info().rss / 2**20


def promised(value: float, unit: str, promise: float) -> dict[str, Any]:
    return {"value": value, "unit": unit, "vs": promise, "ratio": round(value / promise, 3)}


def run(quick: bool) -> dict[str, dict[str, Any]]:
    """`vs` is what the project promises: at least so many facts/s, at most so many ms."""
    return {
        "ingest_facts_s": promised(round(measure_throughput(quick)), "facts/s", 3000),
        "ingest_p99_ms": promised(round(measure_latency(quick), 1), "ms", 250),
        "bridge_rss_mib": {"value": round(measure_memory(quick), 1), "unit": "MiB"},
    }
