"""Fifty seeded kill -9 of Odoo, PostgreSQL and the bridge with facts under way.

What the machines journalled and what Odoo's tables hold must be the same set, each fact once, and
the cursors at their ends. The machines are played on the wire, so that facts are dense enough for
a kill to meet a batch; the firmware's own kills are in tests/e2e.
"""

from __future__ import annotations

import random
import signal
import time
from pathlib import Path

import pytest

from host_bridge.gateway.embedded import EmbeddedStore
from tests.e2e.test_ingest import Process, bound
from tests.erp.odoo19.server import OdooServer
from tests.erp.odoo19.template import Cluster
from tests.erp.site import environment, facts, rows
from tests.support.fleet import Fleet
from tests.support.mosquitto import Mosquitto
from tests.support.stack import eventually

pytestmark = [pytest.mark.slow, pytest.mark.broker, pytest.mark.timeout(1500)]
KILLS = 50
MACHINES = 6
FACTS = 60
"""Of each machine and round."""
VICTIMS = ("odoo", "postgres", "bridge")


def test_fifty_kills_lose_and_double_nothing(odoo_cluster: Cluster, tmp_path: Path) -> None:
    chance = random.Random(19)
    victims = [VICTIMS[n % len(VICTIMS)] for n in range(KILLS)]
    chance.shuffle(victims)
    broker = Mosquitto(tmp_path / "broker")
    broker.start()
    under_way = 0
    with OdooServer(odoo_cluster, "coffee_kill") as odoo, Fleet(broker.port, MACHINES) as fleet:
        settings = {"COFFEE_IMPORTING_BATCH": "200", "COFFEE_IMPORTING_RETRY_MAX_S": "1",
                    "COFFEE_GATEWAY_TIMEOUT_S": "10"}  # fmt: skip
        bridge = Process(tmp_path / "data", broker.port, **environment(odoo), **settings)
        bridge.start()
        try:
            for victim in victims:
                fleet.journal(FACTS)
                time.sleep(chance.uniform(0.0, 1.2))
                under_way += not fleet.all_acked()
                kill_and_restart(victim, odoo, bridge, chance)
            eventually(fleet.all_acked, 180)
            held = facts(odoo)
            cursors = rows(odoo, "SELECT machine, j.name, seq FROM coffee_journal j JOIN"
                                 " coffee_backend b ON b.id = backend_id")  # fmt: skip
            assert bridge.end(signal.SIGTERM) == 0
        finally:
            if bridge.running is not None:
                bridge.end(signal.SIGKILL)
            broker.stop()
    made = {(machine, f"{journal}/{seq}") for machine, journal, seq in fleet.identities()}
    assert len(held) == len(set(held)), "doubled"
    assert set(held) == made
    assert {(c["machine"], c["name"], c["seq"]) for c in cursors} == {
        (m.name, m.journal, m.made) for m in fleet.machines.values()
    }
    assert set(bound(bridge.data)) == fleet.identities()  # what the console shows
    promised: dict[str, int] = {}
    for machine, _, seq in fleet.acks:
        assert seq >= promised.get(machine, 0), "an ack was taken back"
        promised[machine] = seq
    store = EmbeddedStore(bridge.data / "store.sqlite", read_only=True)
    assert not [c for c in store.checkpoints("all", None) if "lost/" in c.coffee_id]
    store.close()
    assert "Traceback" not in bridge.log()
    assert under_way >= KILLS * 3 // 4, f"only {under_way} kills met facts under way"


def kill_and_restart(
    victim: str, odoo: OdooServer, bridge: Process, chance: random.Random
) -> None:
    if victim == "odoo":
        odoo.kill9()
        time.sleep(chance.uniform(0, 0.5))
        odoo.launch()
        if chance.random() < 0.5:  # else the next kill may come while it starts
            odoo.wait()
    elif victim == "postgres":
        odoo.postgres.kill9()
        time.sleep(chance.uniform(0, 0.5))
        odoo.postgres.start()
    else:
        bridge.end(signal.SIGKILL)
        time.sleep(chance.uniform(0, 0.5))
        bridge.start()
