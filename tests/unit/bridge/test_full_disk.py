"""A disk that is full or fails: the bridge goes on, says so, and can be stopped."""

from __future__ import annotations

import queue
import sqlite3
import threading
import time
from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient

from host_bridge.cli.api import token
from host_bridge.engine import Engine
from host_bridge.gateway.port import Transient
from host_bridge.mqtt.link import Received
from host_bridge.probe import ProbeLoop
from host_bridge.service import Bridge
from host_bridge.settings import MqttSettings, Settings
from host_bridge.web.app import build_api
from tests.unit.bridge.world import example, take


def test_the_probe_goes_on_when_its_result_could_not_be_written_down() -> None:
    told: list[str | None] = []
    again = threading.Event()

    def result(_: float | None, error: str | None) -> None:
        told.append(error)
        if len(told) == 1:
            raise OSError("disk full")
        again.set()

    loop = ProbeLoop(lambda: None, 0.01, 1, result, __import__("time").monotonic)
    loop.start()
    try:
        assert again.wait(3)
    finally:
        loop.stop()


def test_a_review_while_the_store_is_busy_is_told_as_such(
    bridge: Bridge, monkeypatch: pytest.MonkeyPatch
) -> None:
    def busy(*_: Any) -> Any:
        raise Transient("the store is not available: disk I/O error")

    monkeypatch.setattr(bridge._engine.store, "review", busy)
    http = TestClient(build_api(bridge), raise_server_exceptions=False)

    answer = http.post("/api/checkpoints/1/review", json={},
                       headers={"Authorization": f"Bearer {token(bridge.settings)}"})  # fmt: skip
    assert answer.status_code == 503 and "not available" in answer.json()["message"]


def test_a_full_disk_is_told_to_who_orders(
    bridge: Bridge, monkeypatch: pytest.MonkeyPatch
) -> None:
    take(bridge, "status", example("status"))

    def full(*_: Any, **__: Any) -> Any:
        raise sqlite3.OperationalError("database or disk is full")

    monkeypatch.setattr(bridge._engine.outbox, "submit", full)
    http = TestClient(build_api(bridge), raise_server_exceptions=False)
    answer = http.post("/api/machines/m1/commands", json={"name": "wake"},
                       headers={"Authorization": f"Bearer {token(bridge.settings)}"})  # fmt: skip
    assert answer.status_code == 503 and "disk" in answer.json()["message"]


def test_health_says_503_when_the_store_cannot_be_read(
    bridge: Bridge, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken() -> Any:
        raise sqlite3.OperationalError("disk I/O error")

    monkeypatch.setattr(bridge._engine.store, "open_checkpoints", broken)
    http = TestClient(build_api(bridge), raise_server_exceptions=False)
    answer = http.get("/healthz")
    assert answer.status_code == 503


def test_stopping_on_a_full_disk_ends_though_the_queue_is_full(tmp_path: Path) -> None:
    """The network thread waits in put() then, and the link waits for that thread."""

    engine = Engine(Settings(data=tmp_path / "full", mqtt=MqttSettings(port=9)))

    def full(*_: Any) -> Any:
        raise sqlite3.OperationalError("database or disk is full")

    engine.ingest._queue = queue.Queue(1)
    engine.ingest._commit = full  # type: ignore[method-assign]
    engine.ingest.start()
    one = Received("coffee/v1/m1/status", b"{}", False, True, 1, 1, 1, 1)
    network = threading.Thread(target=lambda: [engine.ingest.put(one) for _ in range(9)])
    network.start()
    engine.link.stop = lambda: network.join(20)  # type: ignore[method-assign]
    time.sleep(0.3)
    began = time.monotonic()
    engine.stop()
    assert time.monotonic() - began < 15
