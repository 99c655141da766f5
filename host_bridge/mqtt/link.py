"""The connection to the broker: reconnects for ever, acknowledges only on request, says when the
backlog is over. Carries bytes; knows no payload but the bridge's own birth and will.
"""

from __future__ import annotations

import secrets
import socket
import ssl
import sys
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

import paho.mqtt.client as paho
import structlog
from paho.mqtt.enums import CallbackAPIVersion
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties
from paho.mqtt.reasoncodes import ReasonCode

from host_bridge.contract import messages, topics
from host_bridge.errors import Invalid
from host_bridge.settings import MqttSettings

log = structlog.get_logger(__name__)
SESSION_S: Final = 7 * 86_400  # the broker keeps what comes while the bridge is away
ANSWER_S: Final = 3.0  # time a broker has to answer CONNECT, doubled while it does not …
ANSWER_MAX_S: Final = 60.0  # … up to this: it may ask a slow directory, over a slow line
SILENCES: Final = 3  # connections closed without an answer before another protocol is tried
TAKEN_OVER: Final = 142  # MQTT 5 reason code: another client came with our name
SHORT_LIFE_S: Final = 15.0  # older protocols give no reason; so short a connection …
SHORT_LIVES: Final = 3  # … so often in a row looks like it
CONFLICT_S: Final = 60.0  # two of a name take turns: said until one has been alone so long
NOT_LET_IN: Final = (134, 135)  # MQTT 5 reason codes: bad user name or password, not authorized
UNSUPPORTED_PROTOCOL: Final = 132  # MQTT 5 reason code, also what paho makes of a 3.1.1 refusal


CERTIFICATE: Final = {
    9: "set this computer's clock: the broker's certificate is not valid yet by it",
    10: "renew the broker's certificate, or set this computer's clock",
    62: "give mqtt.host as the broker's certificate names it",
    64: "give mqtt.host as the broker's certificate names it",
}
"""By OpenSSL's verify codes; all others are about who signed it."""


def _unreached(error: BaseException | None, tls: bool) -> str:
    """What to do when no connection came about."""
    if isinstance(error, ssl.SSLCertVerificationError):
        signed = "give as mqtt.ca_file the CA that signed the broker's certificate"
        return CERTIFICATE.get(error.verify_code, signed)
    if isinstance(error, ssl.SSLError) or (tls and isinstance(error, ConnectionResetError)):
        return "check mqtt.ca_file, and that mqtt.port speaks TLS"
    if isinstance(error, socket.gaierror):
        return "check mqtt.host"
    return "is the broker running?"


@dataclass(frozen=True, slots=True)
class Received:
    """A message with what is needed to acknowledge it on the connection it came by."""

    topic: str
    payload: bytes
    retain: bool
    live: bool
    arrival_ms: int
    qos: int
    mid: int
    connection: int


class Link:
    """One client with a persistent session. Callbacks come from the network thread.

    Args:
        on_message: must not raise and may block only to slow the broker down.
        on_connected: told whether the broker still had our session.
    """

    def __init__(
        self, settings: MqttSettings, bridge: str, on_message: Callable[[Received], None],
        on_connected: Callable[[bool], None],
    ) -> None:  # fmt: skip
        self._settings = settings
        self._bridge = bridge
        self._on_message = on_message
        self._on_connected = on_connected
        self._own_topic = topics.bridge_status(bridge)
        self._mqtt5 = settings.protocol != "3.1.1"
        self._client: paho.Client | None = None
        self._lock = threading.Lock()
        self._connection = 0
        self._caught_up = False
        self._birth = b""  # of this connection
        self._stopping = threading.Event()
        self._accepted = False  # by this broker, with this protocol
        self._refused = False  # by the answer to this connection's CONNECT
        self._turns = 0  # to the other protocol, in a row, none of them accepted
        self._unanswered = 0
        self._silences = 0  # CONNECTs in a row that were neither answered nor ended
        self._attempt = 0
        self._since_s = 0.0  # this connection
        self._short_lives = 0
        self._conflict_s: float | None = None
        self.problem = "not connected yet"

    # --- for everybody
    @property
    def connected(self) -> bool:
        return self._client is not None and self._client.is_connected()

    @property
    def conflict(self) -> str | None:
        """What to do when another client uses our name; None: nothing looks like it."""
        if self._conflict_s is None or time.monotonic() - self._conflict_s > CONFLICT_S:
            return None
        return (
            f"does another client use the name {self._client_id!r}? The broker keeps closing our "
            "connection; stop the other one, or give this bridge another name (COFFEE_NAME)"
        )

    @property
    def _client_id(self) -> str:
        return f"coffee-bridge-{self._bridge}"

    def start(self) -> None:
        with self._lock:
            if not self._stopping.is_set():
                self._client = self._build()
                self._client.loop_start()

    def stop(self) -> None:
        """Says goodbye and ends the thread; the session stays with the broker."""
        with self._lock:
            self._stopping.set()
            client = self._client
        if client is None:
            return
        if client.is_connected():
            farewell = messages.bridge_status(False)
            try:
                client.publish(self._own_topic, farewell, 1, retain=True).wait_for_publish(1)
            except (ValueError, RuntimeError) as error:
                log.info("farewell_not_sent", error=str(error))
        client.disconnect()
        client.loop_stop()

    def publish(self, topic: str, payload: bytes, retain: bool = False) -> bool:
        """QoS 1. False: not connected, nothing was queued; the caller keeps it."""
        client = self._client
        if client is None or not client.is_connected():
            return False
        return client.publish(topic, payload, 1, retain=retain).rc == paho.MQTT_ERR_SUCCESS

    def acknowledge(self, received: Received) -> None:
        """After the commit. On another connection the broker delivers it again instead."""
        client = self._client
        if received.qos and client is not None and received.connection == self._connection:
            client.ack(received.mid, received.qos)

    # --- paho's side
    def _build(self) -> paho.Client:
        settings = self._settings
        client = paho.Client(
            CallbackAPIVersion.VERSION2,
            client_id=self._client_id,
            protocol=paho.MQTTv5 if self._mqtt5 else paho.MQTTv311,
            clean_session=None if self._mqtt5 else False,
            manual_ack=True,
        )
        client.on_socket_open = self._socket_opened
        client.on_connect_fail = self._connect_failed
        client.on_connect = self._connect_answered
        client.on_disconnect = self._disconnected
        client.on_message = self._message
        client.max_inflight_messages_set(200)
        client.will_set(self._own_topic, messages.bridge_status(False), 1, retain=True)
        if settings.username is not None:
            password = settings.password.get_secret_value() if settings.password else None
            client.username_pw_set(settings.username, password)
        if settings.ca_file is not None:
            try:
                client.tls_set(
                    str(settings.ca_file),
                    str(settings.cert_file) if settings.cert_file else None,
                    str(settings.key_file) if settings.key_file else None,
                )
            except OSError as error:
                own = ", mqtt.cert_file, mqtt.key_file" if settings.cert_file else ""
                raise Invalid(
                    f"mqtt.ca_file{own}", f"cannot be used ({error}); give PEM files that "
                    "belong together"
                ) from error
        client.reconnect_delay_set(1, settings.reconnect_max_s)
        wanted: dict[str, Any] = {"keepalive": settings.keepalive_s}
        if self._mqtt5:
            wanted |= {"clean_start": False, "properties": self._session()}
        client.connect_async(settings.host, settings.port, **wanted)
        return client

    def _session(self) -> Properties:
        properties = Properties(PacketTypes.CONNECT)  # type: ignore[no-untyped-call]
        properties.SessionExpiryInterval = SESSION_S
        properties.ReceiveMaximum = self._settings.receive_maximum
        return properties

    def _connect_failed(self, _client: paho.Client, _data: object) -> None:
        """Called while paho handles the error: no such host, refused, certificate …"""
        error = sys.exc_info()[1]
        cure = _unreached(error, self._settings.ca_file is not None)
        problem = f"cannot connect: {error}; {cure}"
        if problem != self.problem:
            log.warning("mqtt_connect_failed", error=str(error), cure=cure)
        self.problem = problem

    def _socket_opened(self, client: paho.Client, _data: object, _socket: object) -> None:
        """Some brokers neither answer nor close when they do not like a CONNECT."""
        self._attempt += 1
        self._refused = False
        watch = threading.Timer(self._patience_s, self._unheard, (client, self._attempt))
        watch.daemon = True
        watch.start()

    @property
    def _patience_s(self) -> float:
        """Both protocols get the same time before both get more."""
        rounds = self._silences // 2 if self._settings.protocol == "auto" else self._silences
        return float(min(ANSWER_S * 2 ** min(rounds, 10), ANSWER_MAX_S))

    def _unheard(self, client: paho.Client, attempt: int) -> None:
        if attempt == self._attempt and client is self._client and not client.is_connected():
            self.problem = (
                f"the broker does not answer CONNECT within {self._patience_s:g} s; check "
                "mqtt.port"
            )
            self._silences += 1
            self._rebuild()

    def _connect_answered(
        self, client: paho.Client, _data: object, flags: paho.ConnectFlags, reason: ReasonCode,
        _properties: Properties | None,
    ) -> None:  # fmt: skip
        if reason.is_failure:
            self._refused = True
            self.problem = f"the broker refused the connection: {reason}{self._door(reason)}"
            log.warning("mqtt_refused", reason=str(reason))
            if reason.value == UNSUPPORTED_PROTOCOL and self._settings.protocol == "auto":
                self._other_protocol()
            return
        with self._lock:
            self._accepted, self._unanswered, self._silences, self._turns = True, 0, 0, 0
            self._since_s = time.monotonic()
            self._connection += 1
            self._caught_up = False
        log.info("mqtt_connected", session_present=flags.session_present, mqtt5=self._mqtt5)
        client.subscribe(topics.subscriptions(self._bridge))
        # Comes back after everything that waited for us: the end of the backlog. In which there
        # may be our will, and births of connections that were cut before their echo.
        self._birth = messages.bridge_status(True, secrets.token_hex(4))
        client.publish(self._own_topic, self._birth, 1, retain=True)
        try:
            self._on_connected(flags.session_present)
        except Exception:
            log.exception("connect_listener_failed")

    def _disconnected(
        self, _client: paho.Client, _data: object, _flags: paho.DisconnectFlags,
        reason: ReasonCode, _properties: Properties | None,
    ) -> None:  # fmt: skip
        if self._stopping.is_set():
            return
        self._note_conflict(reason)
        if not self._refused:  # else the answer said it
            heard = self._accepted and not self._unanswered
            why = f"{reason}; is the broker running?" if heard else self._shut
            self.problem = f"connection lost: {why}"
            log.warning("mqtt_disconnected", reason=self.conflict or why)
        self._unanswered += 1  # set back by the answer to CONNECT
        if self._settings.protocol == "auto" and self._unanswered >= (
            SILENCES if self._accepted else 1
        ):
            self._other_protocol()

    @property
    def _shut(self) -> str:
        question = "require TLS (mqtt.ca_file)"
        if self._settings.cert_file:
            question = "trust our client certificate (mqtt.cert_file)"
        elif self._settings.ca_file:
            question = "require a client certificate (mqtt.cert_file, mqtt.key_file)"
        return f"the broker closes without answering CONNECT; does it {question}?"

    @staticmethod
    def _door(reason: ReasonCode) -> str:
        if reason.value in NOT_LET_IN:
            return "; check mqtt.username and mqtt.password"
        return "; see the broker's log"

    def _note_conflict(self, reason: ReasonCode) -> None:
        if self._unanswered:
            return  # it never was a connection
        short = time.monotonic() - self._since_s < SHORT_LIFE_S
        self._short_lives = self._short_lives + 1 if short else 0
        if reason.value == TAKEN_OVER or self._short_lives >= SHORT_LIVES:
            self._conflict_s = time.monotonic()

    def _other_protocol(self) -> None:
        self._turns += 1
        wait = (self._turn_wait_s,)
        threading.Thread(target=self._rebuild, args=wait, name="mqtt-protocol").start()

    @property
    def _turn_wait_s(self) -> float:
        """0 for the first turn. When both protocols were in vain, as long as paho waits
        between attempts: a wrong password must not be offered dozens of times a second."""
        if self._turns < 2:
            return 0.0
        return float(min(2 ** min(self._turns - 2, 10), self._settings.reconnect_max_s))

    def _rebuild(self, wait_s: float = 0.0) -> None:
        """A new client; with `auto` in the other protocol, as a broker without MQTT 5 refuses
        it, closes, or says nothing at all."""
        with self._lock:
            old, self._client = self._client, None
            if self._stopping.is_set() or old is None:
                return
            if self._settings.protocol == "auto":
                self._mqtt5 = not self._mqtt5
            self._accepted, self._unanswered = False, 0
        old.on_disconnect = None
        old.disconnect()
        old.loop_stop()
        self._stopping.wait(wait_s)
        self.start()

    def _message(self, _client: paho.Client, _data: object, message: paho.MQTTMessage) -> None:
        arrival_ms = time.time_ns() // 1_000_000
        try:
            topic = message.topic
        except UnicodeDecodeError:
            topic = repr(message)
        received = Received(
            topic, bytes(message.payload), message.retain, self._caught_up, arrival_ms,
            message.qos, message.mid, self._connection,
        )  # fmt: skip
        if topic == self._own_topic:
            if not message.retain and received.payload == self._birth:
                self._caught_up = True
            self.acknowledge(received)
        elif topics.from_host(topic):
            self.acknowledge(received)
        else:
            self._on_message(received)
