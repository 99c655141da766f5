"""The bridge as a process on a real mosquitto: killed, cut off, over TLS; loses nothing."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from host_bridge.errors import Invalid
from host_bridge.gateway.embedded import EmbeddedStore
from host_bridge.mqtt.link import Link, Received
from host_bridge.service import Bridge
from host_bridge.settings import MqttSettings, Settings, load
from tests.support.contract import validate
from tests.support.fleet import Fleet, brew_fact, journal_message
from tests.support.mosquitto import Mosquitto
from tests.support.proxy import Proxy
from tests.support.site import Site
from tests.support.stack import eventually
from tests.support.wire import Wire

pytestmark = pytest.mark.broker
KILLS = 25


@pytest.fixture
def mosquitto(tmp_path: Path) -> Iterator[Mosquitto]:
    broker = Mosquitto(tmp_path / "broker")
    broker.start()
    yield broker
    broker.stop()


class Process:
    """`python -m host_bridge run` without the console."""

    def __init__(self, data: Path, port: int, **environment: str) -> None:
        self.data = data
        self.port = port
        self.environment = {**os.environ, **environment}
        self.running: subprocess.Popen[bytes] | None = None
        data.mkdir(parents=True, exist_ok=True)

    def start(self) -> None:
        with (self.data / "bridge.log").open("ab") as log:
            self.running = subprocess.Popen(
                [sys.executable, "-m", "host_bridge", "run", "--no-web", "--data", str(self.data),
                 "--mqtt-port", str(self.port)],
                stdout=log, stderr=log, env=self.environment,
            )  # fmt: skip

    def end(self, how: signal.Signals) -> int:
        assert self.running is not None
        self.running.send_signal(how)
        code = self.running.wait(20)
        self.running = None
        return code

    def log(self) -> str:
        return (self.data / "bridge.log").read_text()


@contextmanager
def bridge(settings: Settings) -> Iterator[Bridge]:
    """In this process, so that it can be asked."""
    made = Bridge(settings)
    made.start()
    try:
        eventually(lambda: made.health().mqtt_connected)
        yield made
    finally:
        made.stop()


def bound(data: Path) -> list[tuple[str, str, int]]:
    """(machine, journal, seq) of every brew record; a double would show twice."""
    store = EmbeddedStore(data / "store.sqlite", read_only=True)
    brews = store.brews(None, 1_000_000, None)
    store.close()
    return [(b.machine, *_split(b.external_id)) for b in brews]


def _split(external_id: str) -> tuple[str, int]:
    journal, _, seq = external_id.partition("/")
    return journal, int(seq)


def test_killed_in_mid_stream_many_times(tmp_path: Path, mosquitto: Mosquitto) -> None:
    chance = random.Random(2900)
    process = Process(tmp_path / "data", mosquitto.port)
    with Fleet(mosquitto.port, machines=8) as fleet:
        for _ in range(KILLS):
            process.start()
            fleet.journal(20)
            time.sleep(chance.uniform(0.0, 1.5))
            process.end(signal.SIGKILL)
        process.start()
        eventually(fleet.all_acked, 50)
        assert process.end(signal.SIGTERM) == 0
    records = bound(process.data)
    assert len(records) == len(set(records)) == 8 * 20 * KILLS
    assert set(records) == fleet.identities()
    by_machine: dict[str, int] = {}
    for machine, _, seq in fleet.acks:
        # an ack may be told again, but what was once promised is never taken back
        assert seq >= by_machine.get(machine, 0)
        by_machine[machine] = seq
    assert "Traceback" not in process.log()


def test_the_broker_killed_in_mid_stream(tmp_path: Path, mosquitto: Mosquitto) -> None:
    chance = random.Random(1900)
    process = Process(tmp_path / "data", mosquitto.port)
    process.start()
    with Fleet(mosquitto.port, machines=4) as fleet:
        for _ in range(5):
            fleet.journal(60)
            time.sleep(chance.uniform(0.5, 2.0))
            mosquitto.kill9()
            time.sleep(chance.uniform(0.0, 1.0))
            mosquitto.start()
        eventually(fleet.all_acked, 50)
    assert process.end(signal.SIGTERM) == 0
    records = bound(process.data)
    assert len(records) == len(set(records)) and set(records) == fleet.identities()


@pytest.mark.parametrize("protocol", ["5", "3.1.1"])
def test_the_broker_keeps_what_comes_while_the_bridge_is_away(
    tmp_path: Path, mosquitto: Mosquitto, protocol: str
) -> None:
    """Sent once, acknowledged to the sender, and the bridge not there: the session has it."""
    settings = load(data=tmp_path / "data", mqtt={"port": mosquitto.port, "protocol": protocol})
    wire = Wire(mosquitto.port)
    with Fleet(mosquitto.port, machines=1), bridge(settings) as first:
        eventually(lambda: first.machine("f1"))
    for seq in range(1, 41):
        wire.publish("coffee/v1/f1/journal", journal_message("00000001", [seq], 1))
    with bridge(settings) as again:
        eventually(lambda: len(again.brews("f1", 100)) == 40)
        machine = again.machine("f1")
        assert machine is not None and machine.held_seq == 40
    ack = wire.wait("coffee/v1/f1/ack", lambda ack: ack["seq"] == 40)
    validate(ack.topic, ack.payload)
    wire.close()


def test_a_connection_that_is_cut_again_and_again(tmp_path: Path, mosquitto: Mosquitto) -> None:
    proxy = Proxy(mosquitto.port)
    settings = load(data=tmp_path / "data", mqtt={"port": proxy.port, "reconnect_max_s": 1})
    with Fleet(mosquitto.port, machines=4) as fleet, bridge(settings) as cut_off:
        for _ in range(6):
            fleet.journal(30)
            time.sleep(0.7)
            proxy.cut()
        eventually(fleet.all_acked, 90)
        assert proxy.connections > 3
        counters = cut_off.health().counters
        assert counters["quarantined"] == 0
        assert counters["matched"] == counters["stored"] + counters["duplicate"]
    proxy.close()
    records = bound(settings.data)
    assert len(records) == len(set(records)) and set(records) == fleet.identities()


def test_a_wire_that_garbles(tmp_path: Path, mosquitto: Mosquitto) -> None:
    """MQTT has no checksum: a flipped bit is a protocol error, or rubbish in a payload. A garbled
    payload may be quarantined; afterwards the bridge must hear and tell everything again."""
    proxy = Proxy(mosquitto.port)
    settings = load(data=tmp_path / "data", mqtt={"port": proxy.port, "reconnect_max_s": 1})
    with Fleet(mosquitto.port, machines=2) as fleet, bridge(settings) as deaf:
        eventually(lambda: len(deaf.machines()) == 2)
        proxy.fault.garble = 0.002
        for _ in range(8):
            fleet.journal(6)
            time.sleep(0.7)
        proxy.fault.garble = 0
        proxy.cut()
        eventually(fleet.all_acked, 90)
        # so many short connections may look like another client of our name for a minute
        eventually(lambda: deaf.health().ok, 90)
    proxy.close()


@pytest.mark.parametrize("protocol", ["5", "3.1.1"])
def test_what_waited_while_the_line_was_cut_is_no_news(
    tmp_path: Path, mosquitto: Mosquitto, protocol: str
) -> None:
    """The bridge's own will waits there too, and births whose echo was cut off; neither is the
    end of the backlog. Arrival would tell a wrong time."""
    proxy = Proxy(mosquitto.port)
    came: list[tuple[bytes, bool]] = []
    wanted = MqttSettings.model_validate(
        {"port": proxy.port, "protocol": protocol, "reconnect_max_s": 1}
    )

    def take(received: Received) -> None:
        came.append((received.payload, received.live))
        link.acknowledge(received)

    link = Link(wanted, "b1", take, lambda present: None)
    link.start()
    wire = Wire(mosquitto.port, "coffee/v1/_host/#")
    eventually(lambda: link._caught_up)
    for name in (b"first", b"second"):
        mark, before = wire.mark(), link._connection
        proxy.fault.refuse = True
        proxy.cut()
        wire.wait("coffee/v1/_host/b1/status", lambda said: not said["online"], mark)
        wire.publish("coffee/v1/m1/journal", name)
        # of a connection that was cut before its echo
        wire.publish("coffee/v1/_host/b1/status", b'{"v":1,"online":true,"connection":"0"}')
        wire.publish("coffee/v1/m1/journal", name + b" late")
        proxy.fault.refuse = False
        eventually(lambda n=before: link._connection > n and link._caught_up, 30)
        wire.publish("coffee/v1/m1/journal", name + b" live")
        eventually(lambda n=name: (n + b" live", True) in came, 30)
        assert (name, False) in came and (name + b" late", False) in came
    link.stop()
    wire.close()
    proxy.close()


def test_birth_and_will_of_the_bridge(tmp_path: Path, mosquitto: Mosquitto) -> None:
    process = Process(tmp_path / "data", mosquitto.port, COFFEE_NAME="kitchen")
    wire = Wire(mosquitto.port)
    topic = "coffee/v1/_host/kitchen/status"
    for how in (signal.SIGKILL, signal.SIGTERM):
        mark = wire.mark()
        process.start()
        validate(topic, wire.wait(topic, lambda said: said["online"], mark).payload)
        mark = wire.mark()
        process.end(how)
        validate(topic, wire.wait(topic, lambda said: not said["online"], mark).payload)
    late = Wire(mosquitto.port)
    assert late.wait(topic).retain
    for listener in (wire, late):
        listener.close()


def test_a_log_that_cannot_be_written_stops_nothing(
    tmp_path: Path, mosquitto: Mosquitto
) -> None:
    """On a full disk, or with nobody left at the other end of the pipe."""
    with open("/dev/full", "w") as full:
        process = subprocess.Popen(
            [sys.executable, "-m", "host_bridge", "run", "--data", str(tmp_path / "data"),
             "--web-port", "0", "--mqtt-port", str(mosquitto.port)],
            stdout=full, stderr=full, env={**os.environ, "COFFEE_IMPORTING_INFO_WAIT_S": "0"},
        )  # fmt: skip
    wire = Wire(mosquitto.port)
    try:
        wire.wait("coffee/v1/_host/bridge/status", lambda said: said["online"], timeout_s=30)
        wire.publish("coffee/v1/m1/journal", b"rubbish")
        wire.publish("coffee/v1/m1/status", {"v": 1, "online": True, "boot": 1})
        mosquitto.stop()  # each of these is worth a line
        mark = wire.mark()
        mosquitto.start()
        wire.wait("coffee/v1/_host/bridge/status", lambda said: said["online"], mark)
        wire.publish("coffee/v1/m1/journal", journal_message("00000001", [1], 1))
        assert wire.wait("coffee/v1/m1/ack", timeout_s=30).json["seq"] == 1
        process.send_signal(signal.SIGTERM)
        assert process.wait(20) == 0
    finally:
        process.kill()
        wire.close()


def test_two_bridges_do_not_share_a_folder(tmp_path: Path, mosquitto: Mosquitto) -> None:
    settings = load(data=tmp_path / "data", mqtt={"port": mosquitto.port})
    with bridge(settings):
        second = Process(settings.data, mosquitto.port)
        second.start()
        assert second.running is not None and second.running.wait(20) == 1
        assert f"data: {settings.data} is in use by another bridge; stop that one" in second.log()


def test_over_tls_with_user_and_client_certificate(tmp_path: Path) -> None:
    site = Site(tmp_path / "broker", users={"watcher": "secret"})
    issued = site.ca.issue_cert("bridge")
    cert, key = tmp_path / "bridge.pem", tmp_path / "bridge.key"
    issued.cert_chain_pems[0].write_to_path(str(cert))
    issued.private_key_pem.write_to_path(str(key))
    config = tmp_path / "broker" / "mosquitto.conf"
    config.write_text(f"{config.read_text()}cafile {site.ca_file}\nrequire_certificate true\n")
    site.start()
    tls = {
        "host": "localhost", "port": site.port, "ca_file": site.ca_file, "cert_file": cert,
        "key_file": key, "username": "watcher", "password": "secret",
    }  # fmt: skip
    with bridge(load(data=tmp_path / "data", mqtt=tls)) as trusted:
        assert trusted.health().ok
    without = Bridge(
        load(data=tmp_path / "data", mqtt={**tls, "cert_file": None, "key_file": None})
    )
    without.start()
    eventually(lambda: any("connection" in said or "refused" in said
                           for said in without.health().problems))
    assert not without.health().mqtt_connected
    assert any(f"localhost:{site.port}" in problem for problem in without.health().problems)
    without.stop()
    site.stop()


def test_a_certificate_of_another_ca_is_not_trusted(tmp_path: Path) -> None:
    site, other = Site(tmp_path / "broker"), Site(tmp_path / "other")
    site.start()
    tls = {"host": "localhost", "port": site.port, "ca_file": other.ca_file}
    stranger = Bridge(load(data=tmp_path / "data", mqtt=tls))
    stranger.start()
    eventually(lambda: "certificate" in stranger.health().problems[0].lower())
    assert not stranger.health().mqtt_connected
    stranger.stop()
    site.stop()


def test_a_broker_that_comes_later_is_found(tmp_path: Path) -> None:
    broker = Mosquitto(tmp_path / "broker")
    settings = load(data=tmp_path / "data", mqtt={"port": broker.port, "reconnect_max_s": 1})
    early = Bridge(settings)
    early.start()
    assert not early.health().ok
    assert f"broker 127.0.0.1:{broker.port}" in early.health().problems[0]
    broker.start()
    eventually(lambda: early.health().ok)
    early.stop()
    broker.stop()


def test_a_quarantined_message_taken_in_again(tmp_path: Path, mosquitto: Mosquitto) -> None:
    settings = load(data=tmp_path / "data", mqtt={"port": mosquitto.port})
    wire = Wire(mosquitto.port)
    with Fleet(mosquitto.port, machines=1), bridge(settings) as asked:
        eventually(asked.machines)  # heard: the subscription stands
        whole = journal_message("00000001", [1], 1)
        wire.publish("coffee/v1/f1/journal", whole[:-1])
        eventually(lambda: asked.quarantine())
        (row,) = asked.quarantine()
        with pytest.raises(Invalid, match="still cannot be processed: payload: not UTF-8 JSON"):
            asked.replay(row.id)
        assert [left.id for left in asked.quarantine()] == [row.id]
        asked.discard(row.id, "ann")
        assert asked.quarantine() == []
        wire.publish("coffee/v1/f1/journal", whole)
        eventually(lambda: asked.brews("f1"))
        assert asked.brews("f1")[0].volume_ul == brew_fact(1)["volume_ul"]
    wire.close()
