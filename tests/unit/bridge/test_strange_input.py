"""Settings, files and requests nobody expects are refused by the name of what is wrong."""

from __future__ import annotations

import json
import socket
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient
from typer.testing import CliRunner

from host_bridge import settings as given
from host_bridge.cli.api import Api, ApiError
from host_bridge.cli.main import app as cli
from host_bridge.cli.serve import serve
from host_bridge.contract.messages import Status
from host_bridge.errors import BridgeError, Invalid
from host_bridge.mqtt.link import Link
from host_bridge.profiles.decent import ProfileRefused, import_profile
from host_bridge.service import Bridge
from host_bridge.settings import (
    MqttSettings,
    Settings,
    SettingsError,
    WebSettings,
)
from host_bridge.web.address import ADDRESS_FILE, FOLDER
from host_bridge.web.app import build_api
from host_bridge.web.server import WebServer
from tests.support.contract import validate
from tests.unit.bridge.world import example, take
from tests.unit.profiles.test_decent import LIMITS, PROFILE

TOKEN = "only-for-this-test"
BEARER = {"Authorization": f"Bearer {TOKEN}"}
BIG = 2**63


@pytest.fixture
def bridge(tmp_path: Path) -> Any:
    made = Bridge(Settings(data=tmp_path, web=WebSettings(token=TOKEN)))  # type: ignore[arg-type]
    yield made
    made.stop()


@pytest.fixture
def http(bridge: Bridge) -> TestClient:
    return TestClient(build_api(bridge), raise_server_exceptions=False)


@pytest.mark.parametrize(
    "header", [None, "", "Bearer", "Bearer ", f"Basic {TOKEN}", TOKEN, "Bearer é", "Bearer x"]
)
def test_wrong_authorization_headers(http: TestClient, header: str | None) -> None:
    sent = {} if header is None else {"Authorization": header.encode()}
    path, order = "/api/machines/m1/commands", {"name": "wake"}
    assert http.post(path, json=order, headers=sent).status_code == 401
    right = {"Authorization": f"bearer {TOKEN}"}
    assert http.post(path, json=order, headers=right).status_code == 404, "it was let in"


def test_nothing_is_done_without_the_token(bridge: Bridge) -> None:
    app = build_api(bridge)
    http = TestClient(app, raise_server_exceptions=False)
    acting = [
        (method, path.format(machine="m1", slot="0", checkpoint_id=1, quarantine_id=1))
        for path, methods in app.openapi()["paths"].items() for method in methods
        if method not in ("get", "head")
    ]  # fmt: skip
    assert len(acting) >= 7
    for method, path in acting:
        answer = http.request(method, path, json={}, params={"upto": 1})
        assert answer.status_code == 401, (method, path)


def test_a_deadline_is_the_one_that_was_asked_for(
    bridge: Bridge, http: TestClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    given: list[float] = []

    def send(machine: str, name: str, args: Any, user: str, deadline_s: float) -> str:
        given.append(deadline_s)
        raise Invalid("name", "enough")

    monkeypatch.setattr(bridge, "send", send)
    for wanted in ({"deadline_s": 7}, {}):
        http.post("/api/machines/m1/commands", json={"name": "wake", **wanted}, headers=BEARER)
    assert given == [7, 60]


@pytest.mark.parametrize("deadline_s", [0, 0.9, 7 * 86_400 + 1, float("nan"), float("inf")])
def test_a_deadline_nobody_can_keep_is_refused(bridge: Bridge, deadline_s: float) -> None:
    take(bridge, "status", example("status"))
    with pytest.raises(Invalid) as caught:
        bridge.send("m1", "wake", {}, "ann", deadline_s)
    assert caught.value.field == "deadline_s" and bridge.commands() == []


def test_who_mistypes_now_and_then_is_not_braked(http: TestClient) -> None:
    for _ in range(3):
        for token, status in (("x", 401), ("y", 401), (TOKEN, 404)):
            answer = http.post("/api/machines/m1/commands", json={"name": "wake"},
                               headers={"Authorization": f"Bearer {token}"})  # fmt: skip
            assert answer.status_code == status


def test_what_a_browser_must_not_do_with_an_answer_is_said(http: TestClient) -> None:
    """What a machine wrote is shown in some of them."""
    headers = http.get("/api/quarantine").headers
    assert headers["x-content-type-options"] == "nosniff"
    assert "frame-ancestors 'none'" in headers["content-security-policy"]
    assert headers["referrer-policy"] == "same-origin"


@pytest.mark.parametrize(("text", "named"), [
    ('[pour]\noffice_from = "08:00Z"\n', "office_from"),
    ('[gateway]\nkind = "odoo"\nkey = "k"\nurl = "https://odoo.example:99999"\n', "gateway.url"),
    ('[gateway]\nkind = "odoo"\nkey = "k"\nurl = "https://odoo.example:80x"\n', "gateway.url"),
])  # fmt: skip
def test_more_errors_name_the_field(tmp_path: Path, text: str, named: str) -> None:
    file = tmp_path / "coffee.toml"
    file.write_text(text)
    with pytest.raises(given.SettingsError) as caught:
        given.load(file)
    assert named in str(caught.value)


@pytest.mark.parametrize("name", ["COFFEE_LANGUAGES", "COFFEE_MQTT", "COFFEE_MQTT_COMMAND_KEYS"])
def test_a_variable_that_is_no_json_is_named(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(name, "it")
    with pytest.raises(given.SettingsError) as caught:
        given.load()
    assert name in str(caught.value) or "mqtt" in str(caught.value)


@pytest.mark.parametrize(("method", "path"), [
    ("GET", f"/api/brews?before={BIG}"), ("GET", f"/api/quarantine?before={BIG}"),
    ("GET", f"/api/quarantine?before=-{BIG + 1}"),
    ("DELETE", f"/api/quarantine?upto={BIG}"), ("DELETE", f"/api/quarantine/{BIG}"),
    ("POST", f"/api/quarantine/{BIG}/replay"), ("POST", f"/api/checkpoints/{BIG}/review"),
])  # fmt: skip
def test_numbers_no_row_can_have_are_no_error_of_ours(
    http: TestClient, method: str, path: str
) -> None:
    body = {"json": {}} if path.endswith("review") else {}
    answer = http.request(method, path, headers=BEARER, **body)
    assert answer.status_code in (200, 404, 422)


@pytest.mark.parametrize("path", ["//[", "http://["])
def test_a_strange_way_back_is_no_error_of_ours(http: TestClient, path: str) -> None:
    answer = http.post("/login", data={"token": TOKEN, "next": path}, follow_redirects=False)
    assert answer.status_code == 303


def test_a_strange_origin_is_not_ours(http: TestClient) -> None:
    answer = http.post("/login", data={"token": TOKEN}, headers={"Origin": "http://["},
                       follow_redirects=False)  # fmt: skip
    assert answer.status_code == 303 and "elsewhere" in answer.headers["location"]


def test_a_recipe_file_that_is_no_text_is_named(tmp_path: Path) -> None:
    file = tmp_path / "r.json"
    file.write_bytes(b'{"name": "caff\xe8"}')
    found = CliRunner().invoke(
        cli, ["recipe", "put", "m1", "0", str(file), "--data", str(tmp_path)]
    )
    assert isinstance(found.exception, SystemExit) and "file" in found.output


@pytest.mark.parametrize("raw", [
    b'{"title": "caff\xe8", "version": "2", "steps": []}', b"[" * 100_000,
    b'{"version": ' + b"9" * 400 + b"}",
])  # fmt: skip
def test_a_file_that_is_no_profile_is_refused(raw: bytes) -> None:
    with pytest.raises(ProfileRefused):
        import_profile(raw, {"phases_max": 8})


@pytest.mark.parametrize("change", [
    {"transition": "smooth", "seconds": 80}, {"weight": 5000},
])  # fmt: skip
def test_an_imported_profile_is_a_recipe_by_the_contract(change: dict[str, Any]) -> None:
    steps = [{**PROFILE["steps"][1], **change}]
    try:
        recipe = import_profile(json.dumps({**PROFILE, "steps": steps}).encode(), LIMITS)
    except ProfileRefused:
        return
    command = {"v": 1, "id": "i1", "deadline": 1_800_000_000_000,
               "args": {"slot": 3, "recipe": recipe}}  # fmt: skip
    validate("coffee/v1/m/cmd/recipe.put", json.dumps(command).encode())


def test_an_answer_cut_short_is_told(tmp_path: Path) -> None:
    class Cut(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.send_header("Content-Length", "99")
            self.end_headers()
            self.wfile.write(b"{")

        def log_message(self, *_: Any) -> None: ...

    with ThreadingHTTPServer(("127.0.0.1", 0), Cut) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        port = server.server_address[1]
        api = Api(Settings(data=tmp_path, web=WebSettings(port=port, token=TOKEN)))  # type: ignore[arg-type]
        with pytest.raises(ApiError):
            api.call("GET", "machines")
        server.shutdown()


def test_a_certificate_that_is_none_is_named(tmp_path: Path) -> None:
    file = tmp_path / "ca.pem"
    file.write_text("not a certificate")
    with pytest.raises((BridgeError, SettingsError)) as caught:
        bridge = Bridge(Settings(data=tmp_path / "d", mqtt=MqttSettings(ca_file=file)))
        try:
            bridge.start()
        finally:
            bridge.stop()
    assert "ca_file" in str(caught.value)


def test_no_host_is_no_broker(tmp_path: Path) -> None:
    with pytest.raises(ValueError):
        MqttSettings(host="")


def test_a_taken_port_is_named_with_the_cure(bridge: Bridge) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        settings = bridge.settings.model_copy(update={"web": WebSettings(port=port)})
        with pytest.raises(OSError, match=r"web\.port.*--web-port"):
            WebServer(bridge, settings, build_api).start()


def test_a_bridge_that_is_gone_leaves_no_address(bridge: Bridge) -> None:
    settings = bridge.settings.model_copy(update={"web": WebSettings(port=0)})
    left = settings.data / FOLDER / ADDRESS_FILE
    server = WebServer(bridge, settings, build_api)
    server.start()
    assert left.read_text() == f"{server.url}\n"
    server.stop()
    assert not left.exists()


def test_nobody_fills_the_memory_with_a_request(bridge: Bridge) -> None:
    http = TestClient(build_api(bridge), raise_server_exceptions=False)
    huge = b'{"name": "' + b"x" * (8 << 20) + b'"}'
    for content in (huge, iter([huge[n : n + 65536] for n in range(0, len(huge), 65536)])):
        answer = http.post("/api/machines/m1/commands", content=content)
        assert answer.status_code == 413 and answer.json()["field"] == "body"


@pytest.mark.parametrize("address", ["localhost:²", "localhost", ":1883", "localhost:65536"])
def test_a_broker_that_is_no_address_is_named(
    address: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("host_bridge.log.configure", lambda *given: None)  # for all that follow
    found = CliRunner().invoke(cli, ["gateway", "/dev/null", "--mqtt", address])
    assert isinstance(found.exception, SystemExit) and "--mqtt" in found.output


def test_while_the_broker_is_away_no_machine_counts_as_online(
    bridge: Bridge, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The fleet showed *Ready* and the last temperature as if it were now."""
    engine = bridge._engine
    with engine.db.write() as tx:
        engine.registry.see(tx, "m1", 1)
    engine.live.status("m1", Status(online=True, boot=3))

    def online() -> list[bool]:
        (view,) = bridge.machines()
        (told,) = engine.orders._presences.changed(9)  # to the ERP
        counted = bridge.health().machines_online == 1
        return [view.online, bridge.live("m1").online, counted, told.online]

    assert online() == [False] * 4
    assert b"coffee_machines_online 0.0" in bridge.metrics()
    monkeypatch.setattr(Link, "connected", True)
    assert online() == [True] * 4, "it was heard and is back with the broker"


def test_a_bridge_that_cannot_stay_does_not_meet_the_broker(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With the console's port taken it took the running bridge's session before it gave up."""
    met: list[str] = []
    monkeypatch.setattr(Bridge, "start", lambda self: met.append("broker"))
    monkeypatch.setattr("host_bridge.cli.serve.asked_to_end", lambda *numbers: [1])
    with socket.create_server(("127.0.0.1", 0)) as taken:
        web = WebSettings(port=taken.getsockname()[1])
        with pytest.raises(OSError, match=r"web\.port.*--web-port"):
            serve(Settings(data=tmp_path, web=web), web=True)
    assert met == []


def test_an_address_that_was_taken_is_given_back(bridge: Bridge) -> None:
    """Also by a console that was never started."""
    settings = bridge.settings.model_copy(update={"web": WebSettings(port=0)})
    server = WebServer(bridge, settings, build_api)
    port = server.listen().getsockname()[1]
    server.stop()
    socket.create_server(("127.0.0.1", port)).close()
