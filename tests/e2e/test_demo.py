"""`make run` as a user sees it: a brew becomes a record, parts die and return, Ctrl-C ends all."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest

from tests.support.mosquitto import free_port
from tests.support.stack import eventually
from tests.support.wire import Wire

ROOT = Path(__file__).resolve().parents[2]
START_S = 120

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]


class Demo:
    def __init__(self, folder: Path, speed: float = 10) -> None:
        self.port, self.mqtt_port, self.panel_port = free_port(), free_port(), free_port()
        self.output = folder / "demo.out"
        self.data = folder / "data"
        with self.output.open("wb") as out:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "simulator.demo", "--port", str(self.port),
                 "--mqtt-port", str(self.mqtt_port), "--panel-port", str(self.panel_port),
                 "--data", str(self.data), "--speed", str(speed)],
                cwd=ROOT, stdout=out, stderr=out, start_new_session=True,
            )  # fmt: skip

    def said(self) -> str:
        return self.output.read_text(errors="replace")

    def wait_ready(self) -> None:
        done = self.process.poll
        eventually(lambda: "MQTT broker" in self.said() or done() is not None, START_S)
        assert self.process.poll() is None, self.said()

    def family(self) -> list[psutil.Process]:
        """All descendants, those that left our process group too."""
        return psutil.Process(self.process.pid).children(recursive=True)

    def get(self, path: str) -> Any:
        with urllib.request.urlopen(f"http://127.0.0.1:{self.port}{path}", timeout=20) as reply:
            return json.loads(reply.read())


@pytest.fixture
def demo(tmp_path: Path) -> Iterator[Demo]:
    demo = Demo(tmp_path)
    yield demo
    family = demo.family() if demo.process.poll() is None else []
    demo.process.kill()
    for process in family:
        if process.is_running():
            process.kill()


def gone(processes: list[psutil.Process]) -> bool:
    return not [
        p for p in processes if p.is_running() and p.status() != psutil.STATUS_ZOMBIE
    ]  # fmt: skip


def test_from_start_over_a_brew_and_a_death_to_ctrl_c(demo: Demo) -> None:
    demo.wait_ready()
    assert f"localhost:{demo.mqtt_port}" in demo.said()
    assert f":{demo.port}" in demo.said()
    wire = Wire(demo.mqtt_port)
    topic = "coffee/v1/sim-1900"
    ready = wire.wait(f"{topic}/state", lambda s: s["state"] == "ready", timeout_s=240).json
    wire.publish(f"{topic}/cmd/brew", {
        "id": "demo-1", "deadline": ready["utc_ms"] + 120_000, "args": {"slot": "0"},
    })  # fmt: skip
    assert wire.wait(f"{topic}/reply", lambda r: r["id"] == "demo-1").json["ok"]
    wire.wait(f"{topic}/shot", lambda shot: shot["last"], timeout_s=120)
    (brew,) = eventually(lambda: demo.get("/api/brews?machine=sim-1900"))
    assert "/" in brew["external_id"]

    bridge = next(p for p in demo.family() if "host_bridge run" in " ".join(p.cmdline()))
    bridge.kill()
    eventually(lambda: "bridge stopped (signal SIGKILL); restarting it" in demo.said())
    eventually(lambda: healthy(demo), START_S)
    assert [b["external_id"] for b in demo.get("/api/brews")] == [brew["external_id"]]
    wire.close()

    family = demo.family()
    assert len(family) >= 5  # broker, bridge, machines and a MicroPython each
    demo.process.send_signal(signal.SIGINT)
    assert demo.process.wait(40) == 0
    assert "stopped" in demo.said()
    assert gone(family), family
    for port in (demo.port, demo.mqtt_port, demo.panel_port):
        with socket.socket() as free:
            free.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            free.bind(("127.0.0.1", port))
    log = "".join(p.read_text(errors="replace") for p in (demo.data / "logs").iterdir())
    assert "Traceback" not in log


def healthy(demo: Demo) -> bool:
    try:
        return bool(demo.get("/healthz"))
    except OSError:
        return False


def test_kill_9_of_the_demo_leaves_no_orphan(demo: Demo) -> None:
    demo.wait_ready()
    family = demo.family()
    assert len(family) >= 5
    os.kill(demo.process.pid, signal.SIGKILL)
    demo.process.wait()
    eventually(lambda: gone(family), 30)


def test_taken_port_is_named_with_its_cure(tmp_path: Path) -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]
        done = subprocess.run(
            [sys.executable, "-m", "simulator.demo", "--port", str(free_port()),
             "--mqtt-port", str(port), "--data", str(tmp_path)],
            cwd=ROOT, capture_output=True, text=True, timeout=60,
        )  # fmt: skip
    assert done.returncode == 2
    assert f"port {port} is already in use" in done.stdout
    assert "make run MQTT_PORT=" in done.stdout


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (
            ["--port", "abc"],
            "'abc' is not a port; give a number from 1 to 65535: make run PORT=",
        ),
        (["--port", ""], "'' is not a port"),
        (["--port", "0"], "'0' is not a port"),
        (["--port", "65535"], "'65536' is not a port"),  # the panels' is the next one
        (["--mqtt-port", "-1"], "'-1' is not a port"),
        (["--port", "18080", "--mqtt-port", "18081"], "three different ports; make run MQTT_PORT"),
        (["--data", ""], "DATA is empty; give a folder"),
        (["--data", "/dev/null"], "DATA=/dev/null cannot be written to"),
    ],
)
def test_what_cannot_be_used_is_said_before_anything_starts(words: list[str], told: str) -> None:
    given = {"--port": str(free_port()), "--mqtt-port": str(free_port())}
    given |= dict(zip(words[::2], words[1::2], strict=True))
    options = [f"{name}={value}" for name, value in given.items()]
    done = subprocess.run(
        [sys.executable, "-m", "simulator.demo", *options],
        cwd=ROOT, capture_output=True, text=True, timeout=60,
    )  # fmt: skip
    assert done.returncode == 2, done.stdout + done.stderr
    assert told in done.stdout and not done.stderr
