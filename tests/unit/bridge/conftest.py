from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from host_bridge.service import Bridge
from host_bridge.settings import Settings
from tests.unit.bridge.world import World


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    made = World(tmp_path)
    yield made
    made.close()


@pytest.fixture
def bridge(tmp_path: Path) -> Iterator[Bridge]:
    made = Bridge(Settings(data=tmp_path))
    yield made
    made.stop()
