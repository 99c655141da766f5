"""Many machines in one client: they journal, send, and send again until the ack covers it.

Stands in for real firmware only where the number of facts matters and coffee does not; knows the
contract and nothing of the bridge.
"""

from __future__ import annotations

import json
import threading
import time
from dataclasses import dataclass, field
from typing import Any

import paho.mqtt.client as mqtt
from paho.mqtt.enums import CallbackAPIVersion

PER_MESSAGE = 3  # brew facts that fit into 1 KiB
UTC_MS = 1_767_225_600_000


def brew_fact(seq: int) -> dict[str, Any]:
    return {
        "seq": seq, "kind": "brew", "boot": 17, "uptime_ms": seq * 1000, "utc_ms": UTC_MS + seq,
        "shot": seq, "slot": "0", "recipe_rev": 7, "source": "local", "command": None,
        "start_uptime_ms": max(0, seq * 1000 - 28_000), "duration_ms": 28_000,
        "volume_ul": 36_100, "temp_mean_mc": 92_950, "energy_j": 9_100, "result": "ok",
        "reason": None,
    }  # fmt: skip


def journal_message(journal: str, seqs: list[int], first: int) -> bytes:
    message = {
        "v": 1, "journal": journal, "boot": 17, "seq": seqs[0], "first": first,
        "sent_ms": 10_000_000, "sent_utc_ms": UTC_MS + 10_000_000,
        "facts": [brew_fact(seq) for seq in seqs],
    }  # fmt: skip
    return json.dumps(message, separators=(",", ":")).encode()


@dataclass
class Journaller:
    """One machine. `made` facts exist; it forgets up to `acked`."""

    name: str
    journal: str
    made: int = 0
    acked: int = 0
    moved_s: float = field(default_factory=time.monotonic)

    def unsent(self, limit: int) -> list[list[int]]:
        """Seqs of the next messages, from the oldest it still holds."""
        seqs = list(range(self.acked + 1, min(self.made, self.acked + limit) + 1))
        return [seqs[at : at + PER_MESSAGE] for at in range(0, len(seqs), PER_MESSAGE)]


class Fleet:
    """`journal(n)` adds facts to every machine; a thread sends until all are acknowledged.

    Args:
        window: facts of one machine under way at once.
        resend_s: patience for an ack before the same facts are sent again.
    """

    def __init__(
        self, port: int, machines: int, model: str = "1900", window: int = 60,
        resend_s: float = 1.0,
    ) -> None:  # fmt: skip
        self.machines = {f"f{n}": Journaller(f"f{n}", f"{n:08x}") for n in range(1, machines + 1)}
        self.acks: list[tuple[str, str, int]] = []
        self.sent_messages = 0
        self._model = model
        self._window = window
        self._resend_s = resend_s
        self._lock = threading.Lock()
        self._closing = threading.Event()
        self._client = mqtt.Client(CallbackAPIVersion.VERSION2)
        self._client.reconnect_delay_set(1, 1)
        self._client.on_connect = self._connected
        self._client.on_message = self._ack
        self._client.connect("127.0.0.1", port)
        self._client.loop_start()
        self._thread = threading.Thread(target=self._send_for_ever, daemon=True, name="fleet")

    def __enter__(self) -> Fleet:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._closing.set()
        self._thread.join()
        self._client.disconnect()
        self._client.loop_stop()

    def _connected(self, client: mqtt.Client, *_: object) -> None:
        """A broker that was killed has forgotten what was retained."""
        client.subscribe("coffee/v1/+/ack", 1)
        for machine in self.machines.values():
            self.introduce(machine)

    def introduce(self, machine: Journaller) -> None:
        """Birth and info, retained."""
        info = {
            "v": 1, "model": self._model, "serial": machine.journal, "boot": 17,
            "hardware": f"coffee-{self._model}/pico-w", "firmware": "0.1.0", "build": "1a2b3c4d",
            "journal": machine.journal, "capabilities": ["brew"], "commands": ["stop"],
            "limits": {"brew_mc": [80000, 98000], "volume_ul": [5000, 250000], "phases_max": 0,
                       "slots": 16, "recipes_bytes": 4096},
        }  # fmt: skip
        for kind, body in (("status", {"v": 1, "online": True, "boot": 17}), ("info", info)):
            topic = f"coffee/v1/{machine.name}/{kind}"
            self._client.publish(topic, json.dumps(body), 1, retain=True)

    def journal(self, facts: int) -> None:
        with self._lock:
            for machine in self.machines.values():
                machine.made += facts

    def all_acked(self) -> bool:
        with self._lock:
            return all(m.acked == m.made for m in self.machines.values())

    def identities(self) -> set[tuple[str, str, int]]:
        """Of every fact ever made."""
        return {
            (machine.name, machine.journal, seq)
            for machine in self.machines.values()
            for seq in range(1, machine.made + 1)
        }

    def _ack(self, _client: object, _user: object, message: mqtt.MQTTMessage) -> None:
        """An ack that a wire spoilt is none: unreadable, or beyond what was told."""
        name = message.topic.split("/")[2]
        try:
            ack = json.loads(message.payload)
            journal, seq = ack["journal"], int(ack["seq"])
        except (ValueError, TypeError, KeyError):
            return
        with self._lock:
            self.acks.append((name, journal, seq))
            machine = self.machines.get(name)
            if machine and machine.journal == journal and machine.acked < seq <= machine.made:
                machine.acked = seq
                machine.moved_s = 0.0

    def _send_for_ever(self) -> None:
        while not self._closing.wait(0.02):
            if not self._client.is_connected():
                continue
            with self._lock:
                due = [
                    (m.name, journal_message(m.journal, seqs, m.acked + 1))
                    for m in self.machines.values()
                    if m.acked < m.made and time.monotonic() - m.moved_s > self._resend_s
                    for seqs in m.unsent(self._window)
                ]
                for m in self.machines.values():
                    if m.acked < m.made and time.monotonic() - m.moved_s > self._resend_s:
                        m.moved_s = time.monotonic()
            for name, body in due:
                self._client.publish(f"coffee/v1/{name}/journal", body, 1)
                self.sent_messages += 1
