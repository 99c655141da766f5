"""What one machine says, and where one thing fails, the others and their people are well off."""

from __future__ import annotations

import json
import xmlrpc.client
from pathlib import Path
from typing import Any
from xml.parsers import expat

import httpx
import pytest
from fastapi.testclient import TestClient
from rich.markup import render
from typer.testing import CliRunner

from host_bridge.cli.common import cell, said
from host_bridge.cli.main import app as cli
from host_bridge.commands import PAYLOAD_BYTES, Order, payload, signed
from host_bridge.contract.messages import Status
from host_bridge.engine import Engine
from host_bridge.errors import Invalid
from host_bridge.gateway.odoo_xmlrpc import XmlRpc
from host_bridge.gateway.port import Permanent
from host_bridge.resend import Resend
from host_bridge.service import Bridge
from host_bridge.settings import MqttSettings, Settings
from host_bridge.web.app import build_api
from host_bridge.web.markup import when
from tests.unit.bridge.world import World, example, fact, journal, take


def nested(kind: str, depth: int) -> bytes:
    whole = example(kind)
    mark = "nest-here"
    if kind == "recipes":
        whole["slots"]["0"]["x"] = mark
    elif kind == "info":
        whole["limits"]["x"] = mark
    else:
        whole["x"] = mark
    return json.dumps(whole).encode().replace(
        b'"nest-here"', b"[" * depth + b"]" * depth
    )


@pytest.fixture
def engine(tmp_path: Path) -> Any:
    made = Engine(Settings(data=tmp_path / "engine"))
    yield made
    made.stop()


class Wire:
    url = "http://odoo.example"

    def __init__(self) -> None:
        self.bodies: list[bytes] = []

    def post(self, path: str, body: bytes, headers: dict[str, str]) -> Any:
        self.bodies.append(body)
        return httpx.Response(200, content=xmlrpc.client.dumps((7,), methodresponse=True).encode())


@pytest.mark.parametrize("kind", ["info", "state", "recipes"])
@pytest.mark.parametrize("depth", [300, 900])
def test_what_one_machine_nests_hides_no_other(bridge: Bridge, kind: str, depth: int) -> None:
    for machine in ("m1", "m2"):
        take(bridge, "status", example("status"), machine)
        take(bridge, "info", example("info"), machine)
    take(bridge, kind, nested(kind, depth))
    http = TestClient(build_api(bridge), raise_server_exceptions=False)
    assert http.get("/api/machines").status_code == 200
    assert http.get("/api/machines/m1/recipes").status_code == 200
    bridge._engine.synchronizer.step()


def test_an_answer_that_nests_hides_no_order(bridge: Bridge) -> None:
    take(bridge, "status", example("status"))
    command = bridge.send("m1", "wake", {}, "ann")
    reply = {"v": 1, "id": command, "ok": True, "error": None, "result": {"x": "nest-here"}}
    raw = json.dumps(reply).encode().replace(b'"nest-here"', b"[" * 300 + b"]" * 300)
    take(bridge, "reply", raw)
    http = TestClient(build_api(bridge), raise_server_exceptions=False)
    assert http.get("/api/commands").status_code == 200


def test_a_fact_that_nests_is_set_aside(world: World) -> None:
    """Odoo reads a batch with Python's own json, which ends at 1000 levels: all would fail."""
    world.introduce()
    raw = json.dumps(journal([fact(0), {**fact(1), "new": "nest-here"}], first=0)).encode()
    outcome = world.take("journal", raw.replace(b'"nest-here"', b"[" * 900 + b"]" * 900))
    assert (outcome.stored, outcome.quarantined) == (1, 1)


@pytest.mark.parametrize("changes", [
    {"uptime_ms": 2**53, "start_uptime_ms": 0},
    {"utc_ms": None, "uptime_ms": 0, "start_uptime_ms": 0, "sent": True},
])  # fmt: skip
def test_a_brew_at_an_impossible_time_is_no_trouble_to_those_who_list(
    world: World, changes: dict[str, Any]
) -> None:
    world.introduce()
    sent = {"sent_ms": 2**53} if changes.pop("sent", False) else {}
    one = fact(0, "brew", **changes)
    world.take("journal", journal([one], first=0, boot=one["boot"], **sent))
    world.sync()
    for brew in world.store.brews(None, 10, None):
        when(brew.start_ms)
        cell("start_ms", brew.start_ms)


@pytest.mark.parametrize("text", ["a\x01b", "\x1b[31m", "\ufffe", "\x00"])
def test_what_a_machine_says_never_makes_a_call_that_no_server_can_read(text: str) -> None:
    wire = Wire()
    rpc = XmlRpc(wire, "db", "ann", "key")  # type: ignore[arg-type]
    rpc.call("import_recipes", {"slots": {"0": {"name": text, text: 1}}})
    for body in wire.bodies:
        parser = expat.ParserCreate()
        parser.Parse(body, True)


def test_resend_goes_on_when_one_machines_recipes_are_refused(world: World) -> None:
    for machine in ("m1", "m2"):
        world.introduce(machine)
        world.take("recipes", example("recipes"), machine)
        world.take("journal", journal([fact(0)], first=0), machine)
    world.sync()

    class Erp:
        def __init__(self) -> None:
            self.facts: list[str] = []

        def save_backends(self, drafts: Any) -> Any:
            return world.store.save_backends(drafts)

        def import_recipes(self, machine: str, *_: Any) -> Any:
            if machine == "m1":
                raise Permanent("recipe: no such drink; make it there")
            return {}

        def push(self, facts: Any) -> Any:
            self.facts += [f.machine for f in facts]
            return world.store.push(facts)

        def add_checkpoints(self, drafts: Any) -> None: ...

    erp = Erp()
    Resend(world.store.history, world.inbox, erp, None, 0, 10, lambda _: None).run(lambda _: None)  # type: ignore[arg-type]
    assert sorted(erp.facts) == ["m1", "m2"]


def test_a_machine_is_not_online_for_ever_when_the_broker_forgot_it(
    engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    engine._connected(False)
    engine.live.status("m1", Status(online=True, boot=3))
    engine._connected(False)  # a broker that started anew: it never sends the will
    assert engine.live.online_machines() == []


def test_what_a_machine_sent_does_not_reach_the_terminal_as_orders(tmp_path: Path) -> None:
    world = World(tmp_path)
    world.introduce()
    world.take("journal", journal([fact(0, "brew", reason="\x1b]0;owned\x1b\\")], first=0))
    world.take("state", b"\x1b[2J\x9b2J{")
    world.sync()
    world.close()
    for arguments in (["quarantine", "show", "1"], ["brews"]):
        found = CliRunner().invoke(cli, [*arguments, "--data", str(tmp_path)])
        assert found.exit_code == 0, found.output
        assert "\x1b" not in found.output


def test_what_a_machine_said_is_no_markup() -> None:
    assert render(said("[red]no cup[/red] [link=x]")).plain == "[red]no cup[/red] [link=x]"


def test_a_machine_with_wiped_flash_does_not_show_the_curves_of_its_first_life(
    world: World
) -> None:
    """Its boots and shots count from the beginning again, so the keys come again."""
    shot = {**example("shot"), "boot": 1, "shot": 0, "part": 0, "last": True}
    world.take("shot", shot)
    world.now_ms += 30 * 86_400_000
    anew = {**shot, "part": 1, "temp_mc": [90_001 for _ in shot["temp_mc"]]}  # part 0 was lost
    world.take("shot", anew)
    kept = world.curves.curve("m1", 1, 0)
    assert kept is not None and kept.temp_mc == anew["temp_mc"]


def test_counts_are_those_of_now(bridge: Bridge) -> None:
    take(bridge, "status", example("status"))
    take(bridge, "info", example("info"))
    assert [view.open_checkpoints for view in bridge.machines()] == [0]
    bridge._engine.synchronizer.step()
    bridge._engine.orders.step()
    assert bridge.health().checkpoints_open == 1
    assert [view.open_checkpoints for view in bridge.machines()] == [1]


def test_expired_commands_are_counted(engine: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    engine.outbox.submit(Order("m1", "wake", {}, "ann", 1))
    engine.sender.step()
    assert b'coffee_commands_total{state="expired"} 1.0' in engine.metrics.text()


def test_a_signed_command_fits_on_the_wire_too(world: World, tmp_path: Path) -> None:
    keys = MqttSettings(command_keys={"*": "key"})  # type: ignore[dict-item]
    engine = Engine(Settings(data=tmp_path / "signing", mqtt=keys))
    for length in range(800, 1024):
        args = {"wifi_ssid": "x" * length}
        try:
            command = engine.outbox.submit(Order("m1", "config.put", args, "ann", world.now_ms))
        except Invalid:
            break
        body = payload(command, world.now_ms, args)
        assert len(signed(body, "m1", "config.put", b"key")) <= PAYLOAD_BYTES
    engine.stop()
