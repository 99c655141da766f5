"""The doctor's way to the broker where the radio fails on it: what was found is told even then."""

from __future__ import annotations

import sys
import time
from types import SimpleNamespace
from typing import Any
from unittest.mock import MagicMock

import pytest

from host_bridge.board.device import ON_BOARD

SETTINGS = {"link": "wifi", "wifi_ssid": "cafe", "wifi_key": "a long key", "wifi_country": "",
            "broker_host": "broker.example", "broker_port": 0, "broker_tls": False}
LOST = OSError(5)
NO_CHIP = OSError("STA must be active")


def way(radio: dict[str, Any], monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, str, str, str]]:
    """The rows where this radio is otherwise a good one."""
    wlan = MagicMock(**{"scan.return_value": [(b"cafe", b"", 1, -58, 0, 0)],
                        "isconnected.return_value": True,
                        "ifconfig.return_value": ("10.0.0.2",), **radio})
    modules = {
        "config": SimpleNamespace(load=lambda: SETTINGS), "hold": MagicMock(), "net": MagicMock(),
        "network": SimpleNamespace(STA_IF=0, WLAN=lambda interface: wlan),
        "socket": MagicMock(**{"getaddrinfo.return_value": [("10.0.0.1", 1883)]}),
    }
    for name, module in modules.items():
        monkeypatch.setitem(sys.modules, name, module)
    for name in ("ticks_ms", "ticks_add", "ticks_diff"):  # MicroPython's own
        monkeypatch.setattr(time, name, lambda *given: 1, raising=False)
    names: dict[str, Any] = {}
    exec((ON_BOARD / "way.py").read_text(), names)
    found: list[tuple[str, str, str, str]] = names["examine"]()
    return found


def test_a_radio_that_works_leads_to_the_broker(monkeypatch: pytest.MonkeyPatch) -> None:
    assert [row[:2] for row in way({}, monkeypatch)] == [
        ("network", "ok"), ("join", "ok"), ("broker", "ok")]


@pytest.mark.parametrize(
    ("radio", "rows", "said"),
    [({"scan.side_effect": NO_CHIP}, ["network"], "STA must be active"),
     ({"active.side_effect": LOST}, ["network"], "OSError(5"),
     ({"connect.side_effect": LOST}, ["network", "join"], "OSError(5")],
)
def test_a_radio_that_fails_is_a_row_with_a_cure(
    radio: dict[str, Any], rows: list[str], said: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = way(radio, monkeypatch)
    assert [row[0] for row in found] == rows
    assert found[-1][1] == "BAD" and said in found[-1][2] and "is it a Pico W?" in found[-1][3]
