"""A broker of its own for each test, and a client that listens to everything there."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.mosquitto import Mosquitto
from tests.support.wire import Wire


@pytest.fixture
def broker(tmp_path: Path) -> Iterator[Mosquitto]:
    made = Mosquitto(tmp_path / "broker")
    made.start()
    yield made
    made.stop()


@pytest.fixture
def wire(broker: Mosquitto) -> Iterator[Wire]:
    made = Wire(broker.port)
    yield made
    made.close()
