"""Wi-Fi on the radio's real driver and lwIP: it comes, it goes, and the coffee does not care.

Only an image for a board with a radio has it, and only a checkout of MicroPython builds one
(docs/boards.md):

    make image BOARD=1900 ARGS="--micropython FOLDER"
    pytest tests/hil --board emulated-1900=build/image/1900-wifi.uf2
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest

from host_bridge.board.device import Device
from host_bridge.board.doctor import BAD
from simulator.emulated import EmulatedBoard
from simulator.emulated.console import Console
from simulator.emulated.lan import HERE, ROUTER
from tests.hil.in_step import OnAir, Unhurried
from tests.hil.rig import EmulatedRig, filed
from tests.support.mosquitto import Mosquitto, free_port
from tests.support.wire import Wire

pytestmark = [pytest.mark.hil, pytest.mark.fixture("pins", "machine", "radio"),
              pytest.mark.broker, pytest.mark.slow, pytest.mark.timeout(3600)]
NAME = "kitchen"
KEY = "two shots, please"
HEAP_FREE_BYTES = 96 * 1024
STACK_SPARE_BYTES = 512  # as in test_tls.py
JOIN_MS = 15_000  # the chip's start, the join, DHCP, name, session
GIVES_UP_MS = 60_000  # a join gets 20 s, a name 14, a connection 10; then there are pauses
ANSWER_MS = 2000


@pytest.fixture
def port(broker: Mosquitto) -> Iterator[int]:
    proxy = Unhurried(broker.port)
    yield proxy.port
    proxy.close()


def boot(rig: EmulatedRig, port: int) -> EmulatedBoard:
    settings = {"machine": NAME, "link": "wifi", "wifi_ssid": "cafe", "wifi_key": KEY,
                "wifi_country": "de", "broker_host": "broker.example", "broker_port": port,
                "autotune": "off"}
    board = rig.boot({"config": filed(json.dumps(settings).encode())})
    board.radio.key = KEY
    board.plant.set("barista", 0)
    board.plant.set("temp_brew_mc", 93_000)
    return board


def test_a_shot_while_the_access_point_is_away(rig: EmulatedRig, port: int, wire: Wire) -> None:
    valve = rig.data["VALVE_BREW"]
    with boot(rig, port) as board:
        air = OnAir(board, port)
        air.until(lambda: state(wire).get("state") == "ready", JOIN_MS)
        assert (board.radio.country, board.radio.lan.asked) == ("DE", ["broker.example"])
        board.press("brew")
        air.until(lambda: board.pin(valve), ANSWER_MS)
        board.press("brew", False)
        air.run(500)
        board.radio.on_air = False
        air.run(2500)
        assert board.pin(valve)
        board.press("brew")
        air.until(lambda: not board.pin(valve), ANSWER_MS)
        board.press("brew", False)
        air.until(lambda: b"wifi: cafe: lost" in board.console(), JOIN_MS)
        board.radio.on_air = True
        air.until(lambda: brews(wire), GIVES_UP_MS)
        check(board, wire)
        assert board.radio.joins == 2
        air.close()


def test_a_shot_while_everything_vanishes_on_the_way(
    rig: EmulatedRig, port: int, wire: Wire
) -> None:
    """The Wi-Fi stands, but nothing comes through: lwIP's buffers fill, and nobody says why."""
    valve = rig.data["VALVE_BREW"]
    with boot(rig, port) as board:
        air = OnAir(board, port)
        air.until(lambda: state(wire).get("state") == "ready", JOIN_MS)
        board.press("brew")
        air.until(lambda: board.pin(valve), ANSWER_MS)
        board.press("brew", False)
        board.radio.lan.silent = True
        air.until(lambda: not board.pin(valve), GIVES_UP_MS)
        board.radio.lan.silent = False
        air.until(lambda: brews(wire), GIVES_UP_MS)
        assert brews(wire)[0]["result"] == "ok"
        assert board.radio.lan.connects >= 2
        check(board, wire)
        air.close()


def test_a_key_that_is_refused(rig: EmulatedRig, port: int, wire: Wire) -> None:
    with boot(rig, port) as board:
        air = OnAir(board, port)
        board.radio.key = "another"
        air.until(lambda: b"wifi: cafe: the key is refused" in board.console(), GIVES_UP_MS)
        board.radio.ssid, board.radio.key = "bar", KEY
        air.until(lambda: b"wifi: cafe: no network of that name" in board.console(), GIVES_UP_MS)
        board.radio.ssid = "cafe"
        air.until(lambda: state(wire).get("state") == "ready", GIVES_UP_MS)
        assert b"wifi: cafe: joined, 10.0.0.2" in board.console()
        check(board, wire)
        air.close()


def test_names_and_connections_that_nobody_answers(
    rig: EmulatedRig, port: int, wire: Wire
) -> None:
    with boot(rig, port) as board:
        air = OnAir(board, port)
        lan = board.radio.lan
        there = lan.way
        lan.names_served, lan.way = False, lambda host, port: None
        air.until(lambda: board.radio.joins, JOIN_MS)
        air.run(16_000)  # lwIP asks four times and gives up
        assert not lan.connects
        lan.names_served = True
        air.until(lambda: lan.connects, GIVES_UP_MS)
        air.run(11_000)
        lan.way = there
        air.until(lambda: state(wire).get("state") == "ready", GIVES_UP_MS)
        check(board, wire)
        air.close()


def test_the_doctor_goes_the_way(rig: EmulatedRig, broker: Mosquitto) -> None:
    with boot(rig, broker.port) as board, (console := Console(board)) as tty:
        board.radio.lan.resolve = lambda name: None  # first: lwIP remembers what it was told
        assert "does not know broker.example" in way(tty)["broker"][1]
        board.radio.lan.resolve = lambda name: ROUTER
        found = way(tty)
        assert found == {"network": ("ok", "cafe at -58 dBm"), "join": ("ok", "address 10.0.0.2"),
                         "broker": ("ok", f"broker.example:{broker.port} accepts connections")}
        board.radio.lan.way = lambda host, port: (HERE, free_port())
        assert way(tty)["broker"][0] == BAD
        board.radio.key = "another"
        assert way(tty)["join"] == (BAD, "the key is refused")
        with console.held:
            board.radio.on_air = False
        assert way(tty)["network"] == (BAD, "cafe not found")


def way(tty: str) -> dict[str, tuple[str, str]]:
    """What `make doctor` says of the way to the broker."""
    with Device(tty) as device:
        device.interrupt()
        assert device.hold()
        return {part: (verdict, found) for part, verdict, found, _ in
                device.run("way", "examine()")}


def check(board: EmulatedBoard, wire: Wire) -> None:
    seen = state(wire)
    print(f"heap free {seen['heap_free']}, stack unused {board.chip.stack_unused}, "
          f"late by at most {seen['late_max_us']} us, busy {seen['busy_max_us']} us")
    assert board.resets == ["power"]
    assert seen["late_ticks"] == 0
    assert seen["heap_free"] >= HEAP_FREE_BYTES
    assert board.chip.stack_unused >= STACK_SPARE_BYTES


def state(wire: Wire) -> dict[str, Any]:
    return wire.latest(f"coffee/v1/{NAME}/state") or {}


def brews(wire: Wire) -> list[Any]:
    return [fact for m in list(wire.messages) if m.topic == f"coffee/v1/{NAME}/journal"
            for fact in m.json["facts"] if fact["kind"] == "brew"]
