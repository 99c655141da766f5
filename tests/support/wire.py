"""Listens to a broker and keeps every message; sends some. Knows none of our code."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import paho.mqtt.client as mqtt
from paho.mqtt.enums import CallbackAPIVersion

PATIENCE_S = 60.0


@dataclass(frozen=True)
class Message:
    topic: str
    payload: bytes
    qos: int
    retain: bool
    at_s: float

    @property
    def json(self) -> Any:
        return json.loads(self.payload)


class Wire:
    """Everything below `filter_`, from the moment it is made; survives the broker's death."""

    def __init__(self, port: int, filter_: str = "coffee/#") -> None:
        self.messages: list[Message] = []
        self._news = threading.Condition()
        self._subscribed = threading.Event()
        self._client = mqtt.Client(CallbackAPIVersion.VERSION2)
        self._client.reconnect_delay_set(1, 1)
        self._client.on_connect = lambda c, *_: c.subscribe(filter_, 1)
        self._client.on_subscribe = lambda *_: self._subscribed.set()
        self._client.on_disconnect = lambda *_: self._subscribed.clear()
        self._client.on_message = self._take
        self._client.connect("127.0.0.1", port)
        self._client.loop_start()
        assert self._subscribed.wait(PATIENCE_S), "broker did not take the subscription"

    def _take(self, _client: object, _user: object, message: mqtt.MQTTMessage) -> None:
        with self._news:
            self.messages.append(
                Message(message.topic, bytes(message.payload), message.qos, message.retain,
                        time.monotonic())
            )
            self._news.notify_all()

    def rejoin(self) -> None:
        """Wait until a broker that was away has our subscription again: it keeps none over its
        death, and virtual time is quicker than our reconnect."""
        assert self._subscribed.wait(PATIENCE_S), "broker did not take the subscription again"

    def publish(self, topic: str, payload: Any, qos: int = 1, retain: bool = False) -> None:
        raw = payload if isinstance(payload, bytes) else json.dumps(payload).encode()
        self._client.publish(topic, raw, qos, retain).wait_for_publish(PATIENCE_S)

    def mark(self) -> int:
        """Position to look from."""
        with self._news:
            return len(self.messages)

    def wait(
        self, topic: str, accept: Callable[[Any], bool] = lambda _: True, since: int = 0,
        timeout_s: float = PATIENCE_S,
    ) -> Message:
        """First message on `topic` at or after `since` whose JSON is accepted.

        Raises:
            TimeoutError: none came; the text shows the last ones that did.
        """
        deadline = time.monotonic() + timeout_s
        seen = since
        with self._news:
            while True:
                while seen < len(self.messages):
                    message = self.messages[seen]
                    seen += 1
                    if message.topic == topic and accept(message.json):
                        return message
                left = deadline - time.monotonic()
                if left <= 0 or not self._news.wait(left):
                    last = [m.payload[:300] for m in self.messages if m.topic == topic][-3:]
                    raise TimeoutError(f"{topic}: nothing fit in {timeout_s:.0f} s; last: {last}")

    def latest(self, topic: str) -> Any:
        """JSON of the last message on `topic`, None if there was none."""
        with self._news:
            for message in reversed(self.messages):
                if message.topic == topic:
                    return message.json
        return None

    def close(self) -> None:
        self._client.disconnect()
        self._client.loop_stop()
