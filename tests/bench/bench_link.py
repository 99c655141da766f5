"""`publish_qos1_us`: publish with QoS 1 until PUBACK, our Link against stock umqtt.simple 1.3.4
over the same mosquitto. Median over all round trips; both run on the host's own sockets and clock,
without the simulator's virtual time.
"""

from __future__ import annotations

import os
import statistics
import subprocess
import tempfile
from pathlib import Path
from typing import Any

from simulator.interpreter import find_interpreter
from tests.support.micropython import micropython_path
from tests.support.mosquitto import Mosquitto

SCRIPT = Path(__file__).with_name("_publish.py")


def round_trips_us(which: str, port: int, n: int) -> list[int]:
    done = subprocess.run(
        [*find_interpreter(), str(SCRIPT), which, str(port), str(n)],
        env=os.environ | {"MICROPYPATH": ":".join([*micropython_path(), ".frozen"])},
        capture_output=True, text=True, timeout=300,
    )
    if done.returncode:
        raise RuntimeError(f"{which}: {done.stdout[-2000:]}{done.stderr[-2000:]}")
    return [int(line) for line in done.stdout.split()]


def run(quick: bool) -> dict[str, dict[str, Any]]:
    with tempfile.TemporaryDirectory() as folder:
        broker = Mosquitto(Path(folder) / "broker")
        broker.start()
        try:
            ours = statistics.median(round_trips_us("ours", broker.port, 200 if quick else 3000))
            stock = statistics.median(round_trips_us("stock", broker.port, 20 if quick else 100))
        finally:
            broker.stop()
    return {
        "publish_qos1_us": {
            "value": ours, "unit": "us", "vs": stock, "ratio": round(stock / ours, 1)
        }
    }
