"""TLS to the broker from the chip itself: trust, time, stack, memory, and coffee all the same.

By radio where the board has one, else over the serial line: the same TLS, buffers and depth of
calls.
"""

from __future__ import annotations

import json
import ssl
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import trustme

from tests.hil.in_step import Pace, Unhurried, way
from tests.hil.rig import EmulatedRig, filed
from tests.support.mosquitto import Mosquitto
from tests.support.tls import TlsFront
from tests.support.wire import Wire

pytestmark = [pytest.mark.hil, pytest.mark.one_board, pytest.mark.fixture("emulator"),
              pytest.mark.broker, pytest.mark.slow, pytest.mark.timeout(1800)]
NAME = "tls-box"
HEAP_FREE_BYTES = 80 * 1024  # 128 without TLS; a session takes 30
STACK_SPARE_BYTES = 512  # of 8 KiB: what MicroPython keeps for C below its own limit, twice
HANDSHAKE_MS = 20_000  # what the firmware allows
ANSWER_MS = 2000  # the element is pre-charged before water flows


def flash(link: str, ca: trustme.CA, now: datetime) -> dict[str, bytes]:
    """What `make provision` leaves on the board."""
    settings = {"machine": NAME, "link": link, "wifi_ssid": "cafe", "broker_host": "localhost",
                "broker_tls": True, "broker_ca": "ca.der"}
    return {
        "config": filed(json.dumps(settings).encode()),
        "ca.der": ssl.PEM_cert_to_DER_cert(ca.cert_pem.bytes().decode()),
        "utc_floor": filed(b"%d" % (now.timestamp() * 1000)),
    }


def test_a_session_over_tls(rig: EmulatedRig, broker: Mosquitto, wire: Wire) -> None:
    now = datetime.now(UTC)
    ca, stranger = trustme.CA(), trustme.CA()
    proxy = Unhurried(broker.port)
    yesterday = now - timedelta(days=1)
    with rig.boot(flash(rig.link, ca, now)) as board, \
            TlsFront(proxy.port, stranger, yesterday) as wrong, \
            TlsFront(proxy.port, ca, now + timedelta(days=40)) as unborn, \
            TlsFront(proxy.port, ca, yesterday) as right:
        board.plant.set("barista", 0)
        board.plant.set("temp_brew_mc", 93_000)
        line = way(board, wrong.port)
        line.until(lambda: wrong.refused, HANDSHAKE_MS)
        assert wrong.refused == ["TLSV1_ALERT_UNKNOWN_CA"]
        line.port = unborn.port
        line.until(lambda: unborn.refused, HANDSHAKE_MS)
        line.port = right.port
        line.until(lambda: state(wire).get("state") == "ready", HANDSHAKE_MS)
        brew_in_a_handshake(rig, board, line)
        line.until(lambda: brews(wire), 3 * HANDSHAKE_MS)
        seen = state(wire)
        print(f"heap free {seen['heap_free']}, stack unused {board.chip.stack_unused}")
        assert board.resets == ["power"]
        assert seen["late_ticks"] == 0
        assert seen["heap_free"] >= HEAP_FREE_BYTES
        assert board.chip.stack_unused >= STACK_SPARE_BYTES
        line.close()


def brew_in_a_handshake(rig: EmulatedRig, board: Any, line: Pace) -> None:
    """The broker goes, the board comes back to it, and just then somebody wants a coffee."""
    valve = rig.data["VALVE_BREW"]
    line.cut()
    line.until(lambda: line.passed, HANDSHAKE_MS)  # certificates: now the chip has much to do
    line.run(100)
    board.press("brew")
    line.until(lambda: board.pin(valve), ANSWER_MS)
    board.press("brew", False)
    line.run(2000)
    board.press("brew")
    line.until(lambda: not board.pin(valve), ANSWER_MS)
    board.press("brew", False)


def state(wire: Wire) -> dict[str, Any]:
    return wire.latest(f"coffee/v1/{NAME}/state") or {}


def brews(wire: Wire) -> list[Any]:
    return [fact for m in list(wire.messages) if m.topic == f"coffee/v1/{NAME}/journal"
            for fact in m.json["facts"] if fact["kind"] == "brew"]
