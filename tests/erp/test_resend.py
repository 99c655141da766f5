"""An Odoo that comes after the bridge has worked without one: what happens then to the past."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import paho.mqtt.publish
import pytest

from host_bridge.gateway.embedded import EmbeddedStore
from tests.e2e.test_ingest import Process, bound
from tests.erp.odoo19.server import OdooServer
from tests.erp.site import environment, facts, rows
from tests.support.fleet import Fleet
from tests.support.mosquitto import Mosquitto
from tests.support.stack import eventually

pytestmark = [pytest.mark.slow, pytest.mark.broker, pytest.mark.timeout(600)]
BEFORE, AFTER = 45, 5
"""Facts of each machine."""


def resend(data: Path, odoo: OdooServer, *more: str) -> subprocess.CompletedProcess[str]:
    done = subprocess.run(
        [sys.executable, "-m", "host_bridge", "resend", "--data", str(data), *more],
        capture_output=True, text=True,
        env={**os.environ, **environment(odoo), "COFFEE_IMPORTING_BATCH": "20"},
    )  # fmt: skip
    assert odoo.key not in done.stdout + done.stderr
    return done


def open_checkpoints(odoo: OdooServer) -> list[str]:
    found = rows(odoo, "SELECT coffee_id FROM coffee_checkpoint WHERE state = 'review'")
    return [row["coffee_id"].rpartition("/")[0] for row in found if "/" in row["coffee_id"]]


def in_store(data: Path) -> list[str]:
    store = EmbeddedStore(data / "store.sqlite", read_only=True)
    found = [c.coffee_id for c in store.checkpoints("open", "f1") if "unreadable" in c.coffee_id]
    store.close()
    return found


@pytest.fixture
def mosquitto(tmp_path: Path) -> Iterator[Mosquitto]:
    broker = Mosquitto(tmp_path / "broker")
    broker.start()
    yield broker
    broker.stop()


def spoil(broker: Mosquitto, text: str) -> None:
    paho.mqtt.publish.single("coffee/v1/f1/journal", text, 1, port=broker.port)


def test_what_was_before_odoo_follows_when_it_is_wanted(
    odoo: OdooServer, mosquitto: Mosquitto, tmp_path: Path
) -> None:
    data = tmp_path / "data"
    with Fleet(mosquitto.port, 2) as fleet:
        alone = Process(data, mosquitto.port)
        alone.start()
        fleet.journal(BEFORE)
        eventually(fleet.all_acked, 60)
        spoil(mosquitto, "{")
        eventually(lambda: in_store(data), 60)
        assert alone.end(signal.SIGTERM) == 0

        connected = Process(data, mosquitto.port, **environment(odoo))
        connected.start()
        try:
            # what a person still has to look at comes by itself, and stays open here
            eventually(lambda: "unreadable/journal" in open_checkpoints(odoo), 60)
            fleet.journal(AFTER)
            eventually(fleet.all_acked, 60)
            assert len(in_store(data)) == 1
            assert len(facts(odoo)) == 2 * AFTER
            assert "resend" in connected.log()

            only = resend(data, odoo, "--machine", "f2")
            assert (only.returncode, only.stderr) == (0, "")
            assert only.stdout == (
                f"{BEFORE} added, {AFTER} already there or not wanted, 0 refused\n"
            )
            done = resend(data, odoo)
            assert done.returncode == 0, done.stderr
            assert done.stdout.startswith(f"{BEFORE} added, ")
            again = resend(data, odoo)
            assert again.stdout.startswith(f"0 added, {2 * (BEFORE + AFTER)} already there")

            # what nobody can read asks a person in Odoo: once, and again after the review
            for number in range(30):
                spoil(mosquitto, f"[{number}")
            fleet.journal(AFTER)
            eventually(fleet.all_acked, 60)
            ids = odoo.admin("coffee.checkpoint", "search", [("coffee_id", "like", "unreadable")])
            assert len(ids) == 1
            odoo.admin("coffee.checkpoint", "action_review", ids)
            spoil(mosquitto, "{{{")
            eventually(lambda: open_checkpoints(odoo).count("unreadable/journal") == 1, 60)
            assert connected.end(signal.SIGTERM) == 0
        finally:
            if connected.running is not None:
                connected.end(signal.SIGKILL)
    held = facts(odoo)
    assert len(held) == len(set(held)), "doubled"
    assert set(held) == {(m, f"{journal}/{seq}") for m, journal, seq in fleet.identities()}
    assert set(bound(data)) == fleet.identities()
    holes = rows(odoo, "SELECT id FROM coffee_journal WHERE hole_since IS NOT NULL")
    assert holes == []


def test_an_odoo_that_does_not_answer_well(odoo_server: OdooServer, tmp_path: Path) -> None:
    nothing = resend(tmp_path, odoo_server)
    assert nothing.returncode == 1 and "no bridge has run" in nothing.stderr
    alone = subprocess.run(
        [sys.executable, "-m", "host_bridge", "resend", "--data", str(tmp_path)],
        capture_output=True, text=True,
    )  # fmt: skip
    assert alone.returncode == 2 and "gateway.kind: no ERP to send to" in alone.stderr


def test_an_older_backup_of_odoo_gets_back_what_came_after_it(
    odoo: OdooServer, mosquitto: Mosquitto, tmp_path: Path
) -> None:
    """Odoo had confirmed those facts, so nobody sends them by himself."""
    data = tmp_path / "data"
    with Fleet(mosquitto.port, 2) as fleet:
        bridge = Process(data, mosquitto.port, **environment(odoo))
        bridge.start()
        try:
            deliver(fleet, BEFORE)
            back_up(odoo)
            deliver(fleet, BEFORE)
            restore(odoo)
            deliver(fleet, AFTER)
            assert len(facts(odoo)) == 2 * (BEFORE + AFTER)
            assert len(holes(odoo)) == 2
            done = resend(data, odoo, "--since", "2026-01-01")
            assert (done.returncode, done.stderr) == (0, "")
            assert done.stdout.startswith(f"{2 * BEFORE} added, ")
            assert bridge.end(signal.SIGTERM) == 0
        finally:
            if bridge.running is not None:
                bridge.end(signal.SIGKILL)
    held = facts(odoo)
    assert len(held) == len(set(held)), "doubled"
    assert set(held) == {(m, f"{journal}/{seq}") for m, journal, seq in fleet.identities()}
    assert holes(odoo) == []


def deliver(fleet: Fleet, count: int) -> None:
    fleet.journal(count)
    eventually(fleet.all_acked, 60)


def holes(odoo: OdooServer) -> list[dict[str, object]]:
    return rows(odoo, "SELECT id FROM coffee_journal WHERE hole_since IS NOT NULL")


def back_up(odoo: OdooServer) -> None:
    odoo.stop()
    odoo.postgres.create(f"{odoo.database}_backup", odoo.database)
    odoo.start()


def restore(odoo: OdooServer) -> None:
    odoo.stop()
    odoo.postgres.drop(odoo.database)
    odoo.postgres.create(odoo.database, f"{odoo.database}_backup")
    odoo.postgres.drop(f"{odoo.database}_backup")
    odoo.start()
