"""The connection when the other side is no proper broker. The proper one is in tests/e2e."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import trustme
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.reasoncodes import ReasonCode

from host_bridge.mqtt.link import CONFLICT_S, Link, Received, _unreached
from host_bridge.settings import MqttSettings
from tests.support.stack import eventually
from tests.support.tls import TlsFront

DAY = timedelta(days=1)

CONNACK_5 = b"\x20\x03\x00\x00\x00"
CONNACK_311 = b"\x20\x02\x00\x00"
REFUSED_311 = b"\x20\x02\x00\x01"  # "unacceptable protocol version", as a 3.1.1 broker says it
NOT_LET_IN_5, NOT_LET_IN_311 = b"\x20\x03\x00\x87\x00", b"\x20\x02\x00\x05"
CLOSE = b""
# PUBLISH whose properties hold an identifier that does not exist
BAD_PROPERTIES = b"\x30\x08\x00\x01a\x03\xff\x00\x00x"


class Impostor:
    """Accepts connections; `answers` is what it sends to the first, second … of them (the last
    one for all that follow). None: it says nothing and keeps the connection. CLOSE: it ends it."""

    def __init__(self, *answers: bytes | None) -> None:
        self.answers = answers
        self.connects: list[bytes] = []
        self._news = threading.Condition()
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = self._listener.getsockname()[1]
        self._open: list[socket.socket] = []
        threading.Thread(target=self._serve, daemon=True).start()

    def _serve(self) -> None:
        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            self._open.append(connection)
            connect = connection.recv(1000)
            answer = self.answers[min(len(self.connects), len(self.answers) - 1)]
            if answer is not None:
                connection.sendall(answer)
            if answer == CLOSE:
                connection.close()
            with self._news:
                self.connects.append(connect)
                self._news.notify_all()

    def wait_for(self, connections: int) -> list[int]:
        """Protocol levels of the CONNECTs so far (5 or 4), once there are so many."""
        with self._news:
            assert self._news.wait_for(lambda: len(self.connects) >= connections, 30)
            return [connect[connect.index(b"MQTT") + 4] for connect in self.connects]

    def send(self, raw: bytes) -> None:
        self._open[-1].sendall(raw)

    def close(self) -> None:
        for connection in (self._listener, *self._open):
            connection.close()


@pytest.fixture
def links() -> Iterator[list[Link]]:
    made: list[Link] = []
    yield made
    for link in made:
        link.stop()


def link_to(links: list[Link], impostor: Impostor, **settings: object) -> Link:
    wanted = MqttSettings.model_validate({"port": impostor.port, "reconnect_max_s": 1, **settings})
    links.append(Link(wanted, "b1", lambda received: None, lambda present: None))
    links[-1].start()
    return links[-1]


def test_a_packet_that_cannot_be_parsed_does_not_deafen_the_bridge(links: list[Link]) -> None:
    impostor = Impostor(CONNACK_5)
    link = link_to(links, impostor, protocol="5")
    impostor.wait_for(1)
    while not link.connected:
        time.sleep(0.01)
    impostor.send(BAD_PROPERTIES)
    impostor.wait_for(2)
    impostor.close()


def test_a_broker_that_never_answers_is_asked_the_other_way(links: list[Link]) -> None:
    impostor = Impostor(None, CONNACK_311)
    link = link_to(links, impostor)
    assert impostor.wait_for(2) == [5, 4]
    assert "does not answer" in link.problem or link.connected
    impostor.close()


def test_a_broker_of_3_1_1_that_refuses_is_asked_the_other_way(links: list[Link]) -> None:
    impostor = Impostor(REFUSED_311, CONNACK_311)
    link_to(links, impostor)
    assert impostor.wait_for(2) == [5, 4]
    impostor.close()


@pytest.mark.parametrize("closes", [True, False])
def test_a_broker_that_wants_neither_protocol_is_not_stormed(closes: bool) -> None:
    """A wrong password, or plain text at a TLS port: that was dozens of attempts a second."""
    impostor = Impostor(*[CLOSE, CLOSE] * 3 if closes else [NOT_LET_IN_5, NOT_LET_IN_311] * 3)
    settings = MqttSettings(port=impostor.port, reconnect_max_s=3)
    link = Link(settings, "b1", lambda received: None, lambda present: None)
    waits: list[float] = []
    link._stopping.wait = waits.append  # type: ignore[method-assign, assignment]
    link.start()
    assert impostor.wait_for(5)[:5] == [5, 4, 5, 4, 5]
    link.stop()
    assert waits[:4] == [0, 1, 2, 3]
    impostor.close()
    told = "without answering CONNECT; does it require TLS (mqtt.ca_file)?" if closes else (
        "refused the connection: Not authorized; check mqtt.username and mqtt.password")
    assert told in link.problem


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"port": 9}, "is the broker running?"),
        ({"host": "no.such.host.invalid"}, "check mqtt.host"),
        ({"ca_file": "tls"}, "check mqtt.ca_file, and that mqtt.port speaks TLS"),
    ],
)
def test_each_way_not_to_connect_has_its_own_cure(
    changes: dict[str, Any], told: str, tmp_path: Path
) -> None:
    """Of a wrong certificate or name nobody must be asked whether the broker runs."""
    impostor = Impostor(CONNACK_5)
    if "ca_file" in changes:  # which answers a ClientHello with MQTT
        (tmp_path / "ca.pem").write_bytes(trustme.CA().cert_pem.bytes())
        changes = {"ca_file": str(tmp_path / "ca.pem")}
    link = Link(
        MqttSettings.model_validate({"port": impostor.port, **changes}), "b1",
        lambda received: None, lambda present: None,
    )  # fmt: skip
    link.start()
    eventually(lambda: told in link.problem)
    assert "cannot connect" in link.problem
    link.stop()
    impostor.close()


@pytest.mark.parametrize(
    ("host", "since", "until", "told"),
    [
        ("localhost", None, DAY, "renew the broker's certificate, or set this computer's clock"),
        ("localhost", -DAY, None, "set this computer's clock: the broker's certificate is not"),
        ("127.0.0.1", None, None, "give mqtt.host as the broker's certificate names it"),
        ("localhost", None, None, "give as mqtt.ca_file the CA that signed the broker's"),
    ],
)
def test_each_fault_of_a_certificate_has_its_own_cure(
    tmp_path: Path, host: str, since: timedelta | None, until: timedelta | None, told: str
) -> None:
    """The settings are right where the broker's certificate has expired."""
    authority, now = trustme.CA(), datetime.now(UTC)
    trusted = authority if since or until or host != "localhost" else trustme.CA()
    (tmp_path / "ca.pem").write_bytes(trusted.cert_pem.bytes())
    with TlsFront(9, authority, since and now - since, until and now - until) as front:
        link = Link(
            MqttSettings(host=host, port=front.port, ca_file=tmp_path / "ca.pem"), "b1",
            lambda received: None, lambda present: None,
        )  # fmt: skip
        link.start()
        eventually(lambda: told in link.problem)
        link.stop()


def test_a_plain_broker_that_cuts_tls_short_is_not_said_to_be_down() -> None:
    assert "that mqtt.port speaks TLS" in _unreached(ConnectionResetError(), True)
    assert "running" in _unreached(ConnectionResetError(), False)


def test_a_certificate_that_the_broker_refuses_is_not_asked_for_again(tmp_path: Path) -> None:
    (pem := tmp_path / "any.pem").touch()
    settings = MqttSettings(ca_file=pem, cert_file=pem, key_file=pem)
    link = Link(settings, "b1", lambda received: None, lambda present: None)
    assert "does it trust our client certificate (mqtt.cert_file)?" in link._shut


@pytest.mark.parametrize(("protocol", "level"), [("5", 5), ("3.1.1", 4)])
def test_a_fixed_protocol_stays(links: list[Link], protocol: str, level: int) -> None:
    impostor = Impostor(None)
    link_to(links, impostor, protocol=protocol)
    assert impostor.wait_for(2) == [level, level]
    impostor.close()


@pytest.mark.parametrize(("protocol", "levels"), [("5", [5, 5, 5]), ("auto", [5, 4, 5, 4, 5])])
def test_a_slow_broker_gets_more_time_with_each_attempt(
    links: list[Link], monkeypatch: pytest.MonkeyPatch, protocol: str, levels: list[int]
) -> None:
    """It asks a slow directory whether we may: answered is the first that waits long enough."""
    monkeypatch.setattr("host_bridge.mqtt.link.ANSWER_S", 0.4)
    impostor = Impostor(*[None] * (len(levels) - 1), CONNACK_5)
    link = link_to(links, impostor, protocol=protocol)
    assert impostor.wait_for(len(levels))[: len(levels)] == levels
    while link._silences:  # until one was answered in time
        time.sleep(0.01)
    assert link._patience_s == 0.4
    impostor.close()
    monkeypatch.setattr(link, "_silences", 3)
    assert link._patience_s == (3.2 if protocol == "5" else 0.8)


def test_another_client_of_the_name_is_said_until_one_has_been_alone_for_a_minute(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    clock = [1000.0]
    monkeypatch.setattr("host_bridge.mqtt.link.time.monotonic", lambda: clock[0])
    link = Link(MqttSettings(), "b1", lambda received: None, lambda present: None)
    assert link.conflict is None
    link._note_conflict(ReasonCode(PacketTypes.DISCONNECT, "Session taken over"))
    clock[0] += CONFLICT_S
    assert link.conflict is not None and "coffee-bridge-b1" in link.conflict
    clock[0] += 1
    assert link.conflict is None


def test_an_acknowledgement_belongs_to_its_connection(links: list[Link]) -> None:
    """A packet id of a connection that is gone may mean another message on this one."""
    impostor = Impostor(CONNACK_311)
    link = link_to(links, impostor, protocol="3.1.1")
    impostor.wait_for(1)
    acked: list[int] = []
    assert link._client is not None
    link._client.ack = lambda mid, qos: acked.append(mid)  # type: ignore[method-assign,assignment,return-value]
    old = Received("t", b"", False, True, 0, 1, 7, link._connection - 1)
    link.acknowledge(old)
    assert acked == []
    link.acknowledge(Received("t", b"", False, True, 0, 1, 8, link._connection))
    link.acknowledge(Received("t", b"", False, True, 0, 0, 9, link._connection))
    assert acked == [8]
    impostor.close()


def test_what_a_host_says_is_not_for_the_bridge(links: list[Link]) -> None:
    """A careless broker hands on what nobody here asked for; it is acknowledged and forgotten."""
    impostor = Impostor(CONNACK_311)
    link = link_to(links, impostor, protocol="3.1.1")
    taken: list[str] = []
    acked: list[int] = []
    link._on_message = lambda received: taken.append(received.topic)
    link.acknowledge = lambda received: acked.append(received.mid)  # type: ignore[method-assign]
    impostor.wait_for(1)
    for mid, topic in enumerate(("m1/ack", "m1/cmd/brew", "_host/other/status", "m1/nonsense"), 1):
        name = f"coffee/v1/{topic}".encode()
        impostor.send(bytes([0x32, len(name) + 4, 0, len(name)]) + name + bytes([0, mid]))
    while not taken:
        time.sleep(0.01)
    assert (taken, acked) == (["coffee/v1/m1/nonsense"], [1, 2, 3])
    impostor.close()


def test_nothing_is_published_into_a_queue_nobody_sees(links: list[Link]) -> None:
    impostor = Impostor(None)
    link = link_to(links, impostor)
    assert link.publish("coffee/v1/m1/ack", b"{}") is False
    impostor.close()
