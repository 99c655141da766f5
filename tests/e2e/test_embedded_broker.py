"""The broker of the zero-config run: what is retained goes to who asked for it, once; it says in
a line why it cannot listen; its log is quiet."""

from __future__ import annotations

import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from host_bridge.mqtt.link import Link
from host_bridge.settings import MqttSettings
from tests.support.contract import examples
from tests.support.mosquitto import Mosquitto
from tests.support.stack import EmbeddedBroker, Stack, eventually
from tests.support.wire import Wire

JOURNAL = "abcdef0123456789"


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    folder = tmp_path_factory.mktemp("embedded")
    with Stack(folder, broker="embedded", models=()) as stack:
        yield stack


def test_a_restarted_bridge_sets_none_of_the_hosts_own_messages_aside(stack: Stack) -> None:
    here = "coffee/v1/m1"
    info = {**examples("info")[0], "journal": JOURNAL}
    facts = {**examples("journal")[0], "journal": JOURNAL, "seq": 1, "first": 1}
    facts["facts"] = [{**facts["facts"][0], "seq": 1}]
    stack.wire.publish(f"{here}/info", info, retain=True)
    stack.wire.publish(f"{here}/journal", facts)
    stack.wire.wait(f"{here}/ack", lambda ack: ack["seq"] == 1)
    stack.kill9("bridge")
    stack.restart("bridge")
    eventually(lambda: stack.http("/healthz")[0] == 200)
    again = {**facts, "seq": 2}
    again["facts"] = [{**facts["facts"][0], "seq": 2}]
    stack.wire.publish(f"{here}/journal", again)
    stack.wire.wait(f"{here}/ack", lambda ack: ack["seq"] == 2)
    assert stack.http("/api/quarantine")[1] == []


def test_what_is_retained_answers_a_subscription_and_comes_once(stack: Stack) -> None:
    wire = stack.wire  # asks for everything
    for number in range(3):
        wire.publish(f"coffee/v1/r{number}/ack", {"n": number}, retain=True)
        wire.publish(f"coffee/v1/r{number}/status", {"n": number}, retain=True)
    curious = Wire(stack.broker.port, "coffee/v1/+/status")
    curious.publish("coffee/v1/end/status", {"end": True})
    curious.wait("coffee/v1/end/status")
    got = [m.topic for m in curious.messages if m.topic.split("/")[2].startswith("r")]
    curious.close()
    assert sorted(got) == [f"coffee/v1/r{number}/status" for number in range(3)]


@pytest.mark.parametrize("broker", ["embedded", "mosquitto"])
def test_two_bridges_of_one_name_are_told(tmp_path: Path, broker: str) -> None:
    """Each ends the other's connection; MQTT 5 says why, 3.1.1 only by doing it again."""
    kind = EmbeddedBroker if broker == "embedded" else Mosquitto
    serving = kind(tmp_path)
    serving.start()
    settings = MqttSettings(port=serving.port, reconnect_max_s=1)
    links = [Link(settings, "twin", lambda _: None, lambda _: None) for _ in range(2)]
    links[0].start()
    eventually(lambda: links[0].connected)  # amqtt keeps both of two that come at the same moment
    links[1].start()
    eventually(lambda: any(link.conflict for link in links), 120)
    text = next(link.conflict for link in links if link.conflict)
    assert "does another client use the name 'coffee-bridge-twin'?" in text
    assert "COFFEE_NAME" in text
    for link in links:
        link.stop()
    serving.stop()


def test_clients_that_die_leave_no_traceback_in_its_log(tmp_path: Path) -> None:
    broker = EmbeddedBroker(tmp_path)
    broker.start()
    connect = b"\x10\x0e\x00\x04MQTT\x04\x02\x00\x3c\x00\x02c1"
    for begun in (b"", connect[:6], connect, connect + b"\xff\xff", b"GET / HTTP/1.1\r\n\r\n"):
        with socket.create_connection(("127.0.0.1", broker.port)) as client:
            client.sendall(begun)
    wire = Wire(broker.port)
    wire.publish("coffee/v1/m1/state", {})
    wire.wait("coffee/v1/m1/state")
    wire.close()
    broker.stop()
    assert (tmp_path / "broker.log").read_text() == ""


def test_a_taken_port_is_one_line_with_its_cure() -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        done = subprocess.run(
            [sys.executable, "-m", "host_bridge", "broker", "--port", str(port)],
            capture_output=True, text=True, timeout=60,
        )  # fmt: skip
    assert done.returncode == 1
    (line,) = done.stderr.splitlines()
    assert f"cannot listen on 127.0.0.1:{port}: Address already in use" in line
    assert "give another --port" in line
