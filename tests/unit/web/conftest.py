"""The whole console over a real bridge and a real broker; the machine is played on the wire, so
that what it says is under control.
"""

from __future__ import annotations

import itertools
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from host_bridge.service import Bridge
from host_bridge.settings import MqttSettings, Settings, WebSettings
from host_bridge.web.server import WebServer
from tests.support.mosquitto import Mosquitto
from tests.support.stack import eventually
from tests.support.wire import Wire

TOKEN = "only-for-this-test"
MACHINE = "m-1900"
JOURNAL = "9f3ac21b"
BEARER = {"Authorization": f"Bearer {TOKEN}"}


def now_ms() -> int:
    return time.time_ns() // 1_000_000


class PlayedMachine:
    """A Coffee 1900 as the contract describes it."""

    def __init__(self, wire: Wire, name: str = MACHINE) -> None:
        self._wire = wire
        self._name = name
        self._seq = itertools.count()
        self._mark = 0

    def says(self, topic: str, payload: Any, retain: bool = False) -> None:
        self._wire.publish(f"coffee/v1/{self._name}/{topic}", payload, retain=retain)

    def is_born(self) -> None:
        limits = {
            "brew_mc": [80000, 98000], "volume_ul": [5000, 250000], "phases_max": 0,
            "slots": 16, "recipes_bytes": 4096,
        }  # fmt: skip
        commands = ["brew", "stop", "recipe.put", "recipe.delete", "setpoint", "clean", "standby",
                    "wake", "alarm.ack", "identify", "clock"]  # fmt: skip
        self.says("status", {"v": 1, "online": True, "boot": 3}, retain=True)
        self.says("info", {
            "v": 1, "model": "1900", "serial": "e6614c311b5f8c24",
            "hardware": "coffee-1900/pico-w", "firmware": "0.1.0", "build": "1a2b3c4d",
            "boot": 3, "journal": JOURNAL,
            "capabilities": ["brew", "clean", "volumetric"], "commands": commands,
            "limits": limits,
        }, retain=True)  # fmt: skip
        self.reports()
        recipe = {"name": "Espresso", "temp_mc": 93000, "volume_ul": 36000}
        self.says("recipes", {"v": 1, "rev": 1, "slots": {"0": recipe}}, retain=True)

    def reports(self, **changed: Any) -> None:
        self.says("state", {
            "v": 1, "boot": 3, "uptime_ms": 60000, "utc_ms": now_ms(), "state": "ready",
            "temp_mc": 93012, "setpoint_mc": 93000, "flow_ul_s": 0, "volume_ul": 0,
            "duty_permille": 80, "shot": None, "water": True, "tray": True, "cup": True,
            "remote": True, "alarms": [], "latched": [], "ticks": 6000, "late_ticks": 0,
            "late_max_us": 90, "busy_max_us": 700, "heap_free": 90000, "journal_held": 0,
            **changed,
        }, retain=True)  # fmt: skip

    def journals(self, **fact: Any) -> str:
        """Sends one fact; returns its external id."""
        seq = next(self._seq)
        whole = {"seq": seq, "boot": 3, "uptime_ms": 60000 + seq, "utc_ms": now_ms(), **fact}
        self.says("journal", {
            "v": 1, "journal": JOURNAL, "boot": 3, "seq": seq, "first": 0, "sent_ms": 61000,
            "sent_utc_ms": now_ms(), "facts": [whole],
        })  # fmt: skip
        return f"{JOURNAL}/{seq}"

    def brewed(self, shot: int) -> str:
        return self.journals(
            kind="brew", shot=shot, slot="0", recipe_rev=1, source="local", command=None,
            start_uptime_ms=30000, duration_ms=27400, volume_ul=36200, temp_mean_mc=93040,
            energy_j=9400, result="ok", reason=None,
        )  # fmt: skip

    def draws(self, shot: int) -> None:
        self.says("shot", {
            "v": 1, "boot": 3, "shot": shot, "part": 0, "last": True, "t_ms": [0, 100],
            "temp_mc": [93000, 93010], "flow_ul_s": [0, 1500], "volume_ul": [0, 150],
            "duty_permille": [100, 900],
        })  # fmt: skip

    def answers(self, name: str, **reply: Any) -> dict[str, Any]:
        """Waits for the next order `name` and answers it; returns the order."""
        topic = f"coffee/v1/{self._name}/cmd/{name}"
        order: dict[str, Any] = self._wire.wait(topic, since=self._mark).json
        whole = {"v": 1, "id": order["id"], "ok": True, "error": None, "result": {}, **reply}
        self.says("reply", whole)
        self._mark = self._wire.mark()
        return order


class Console:
    def __init__(self, bridge: Bridge, url: str, wire: Wire, data: Path) -> None:
        self.bridge = bridge
        self.wire = wire
        self.data = data
        self.url = url
        self.machine = PlayedMachine(wire)
        self.http = httpx.Client(base_url=url, timeout=30)

    def forgive(self) -> None:
        """Lets the next test try tokens again."""
        import nicegui

        nicegui.app.state.console.auth.brake.succeeded("127.0.0.1")


@pytest.fixture(scope="session")
def console(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Console]:
    folder = tmp_path_factory.mktemp("console")
    broker = Mosquitto(folder / "broker")
    broker.start()
    settings = Settings(
        data=folder / "data",
        mqtt=MqttSettings(port=broker.port),
        web=WebSettings(port=0, token=TOKEN),  # type: ignore[arg-type]
    )
    bridge = Bridge(settings)
    bridge.start()
    server = WebServer(bridge, settings)
    server.start()
    wire = Wire(broker.port)
    made = Console(bridge, server.url, wire, folder / "data")
    try:
        eventually(lambda: bridge.health().ok)
        made.machine.is_born()
        # `recipes` is the last of a birth, so it means that the whole of it has been read
        recipes = f"/api/machines/{MACHINE}/recipes"
        eventually(lambda: made.http.get(recipes).json().get("slots"))
        yield made
    finally:
        made.http.close()
        wire.close()
        server.stop()
        bridge.stop()
        broker.stop()
