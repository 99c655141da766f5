"""What the gateway makes of answers a healthy Odoo will not give on demand. Wrong keys, databases
and versions are tried on a real one in tests/erp."""

from __future__ import annotations

import json
import threading
import traceback
import xmlrpc.client
from collections.abc import Callable, Iterator
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from ssl import PROTOCOL_TLS_SERVER, SSLContext
from typing import Any

import pytest
import trustme

from host_bridge.gateway.odoo import OdooGateway
from host_bridge.gateway.odoo_rpc import Failed, TimedOut
from host_bridge.gateway.odoo_xmlrpc import narrow
from host_bridge.gateway.port import (
    BACKEND,
    BackendDraft,
    BackendRecord,
    BusySigns,
    CheckpointDraft,
    Done,
    ErpOrder,
    Hello,
    Permanent,
    Presence,
    Transient,
)
from host_bridge.settings import GatewaySettings
from tests.contract.gateway_suite import fact

KEY = "hunter2-hunter2"
HELLO = {"protocol": 1, "server": "19.0", "addon": "19.0.1.0.0", "company": "Beans"}
Answer = tuple[int, Any]
Odoo = Callable[[str, dict[str, Any]], Answer]


class Server:
    """Answers with what `odoo(method, arguments)` gives: (status, body)."""

    def __init__(
        self, odoo: Odoo, tls: SSLContext | None = None, hello: Answer = (200, HELLO)
    ) -> None:
        self.calls: list[tuple[str, dict[str, Any]]] = []
        self.connections = 0
        self.cookies: list[str | None] = []
        self.release = threading.Event()
        server = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def setup(self) -> None:
                server.connections += 1
                super().setup()

            def do_POST(self) -> None:
                raw = self.rfile.read(int(self.headers["Content-Length"]))
                server.cookies.append(self.headers["Cookie"])
                method = self.path.rsplit("/", 1)[1]
                arguments = json.loads(raw) if raw.startswith(b"{") else {}
                if method != "hello":
                    server.calls.append((method, arguments))
                status, body = hello if method == "hello" else odoo(method, arguments)
                content = body.encode() if isinstance(body, str) else json.dumps(body).encode()
                self.send_response(status)
                if status == 299:  # by a proxy that changes answers
                    self.send_header("Content-Encoding", "gzip")
                if status == 301:
                    self.send_header("Location", "https://elsewhere.example/")
                self.send_header("Set-Cookie", "session_id=1; Path=/")
                self.send_header("Content-Length", str(len(content)))
                self.end_headers()
                self.wfile.write(content)

            def log_message(self, *_: Any) -> None: ...

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        if tls is not None:
            self._server.socket = tls.wrap_socket(self._server.socket, server_side=True)
        scheme = "http" if tls is None else "https"
        self.url = f"{scheme}://localhost:{self._server.server_address[1]}"
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def close(self) -> None:
        self.release.set()
        self._server.shutdown()
        self._server.server_close()


@pytest.fixture
def serve() -> Iterator[Callable[..., Server]]:
    made: list[Server] = []

    def start(odoo: Odoo, *options: Any, **named: Any) -> Server:
        made.append(Server(odoo, *options, **named))
        return made[-1]

    yield start
    for server in made:
        server.close()


def gateway(server: Server, **settings: Any) -> OdooGateway:
    given = {"kind": "odoo", "url": server.url, "key": KEY, **settings}
    return OdooGateway(GatewaySettings.model_validate(given), "bridge")


def push_answer(arguments: dict[str, Any]) -> Answer:
    return 200, {"results": [{"id": 1, "status": "created"} for _ in arguments["facts"]]}


def error(name: str, message: str = "it broke", status: int = 500) -> Answer:
    return status, {"name": name, "message": message, "arguments": [KEY], "debug": "…"}


@pytest.mark.parametrize(
    ("answer", "told"),
    [
        ((503, "down"), "HTTP 503: it is busy or starting"),
        ((502, ""), "HTTP 502: it is busy or starting"),
        ((301, ""), "redirects to https://elsewhere.example/; give the final"),
        ((404, "<html>X-Odoo-Database</html>"), "gateway.database: Odoo cannot tell which"),
        (error("odoo.exceptions.AccessError", "not for you", 403), "needs the group"),
        (error("odoo.exceptions.AccessDenied", "no", 403), "gateway.key: Odoo does not accept it"),
        (error("psycopg2.errors.SerializationFailure"), "SerializationFailure: it broke"),
        ((200, {"results": []}), "does not fit this bridge"),
        ((200, []), "does not fit this bridge"),
        ((200, {"results": [{"id": 1, "status": "eaten"}]}), "'eaten'"),
    ],
)
def test_every_failure_is_transient_and_says_what_to_do(
    serve: Callable[..., Server], answer: Answer, told: str
) -> None:
    asked = gateway(serve(lambda *_: answer))
    with pytest.raises(Transient) as raised:
        asked.push([fact(1)])
    assert told in str(raised.value)
    assert KEY not in str(raised.value)


def test_no_traceback_shows_what_odoo_quotes_of_us(serve: Callable[..., Server]) -> None:
    """A log keeps it."""
    fault = xmlrpc.client.Fault(1, f"Traceback\n  execute('db', 7, '{KEY}')\nValueError: broke")
    answers = {"common": (7,), "object": fault}
    asked = gateway(
        serve(lambda to, _: (200, xmlrpc.client.dumps(answers[to], methodresponse=True))),
        transport="xmlrpc", database="db", login="bridge",
    )  # fmt: skip
    with pytest.raises(Failed, match="broke") as raised:
        asked.hello()
    assert KEY not in "".join(traceback.format_exception(raised.value))


def old_odoo(server: Server) -> OdooGateway:
    return gateway(server, transport="xmlrpc", database="db", login="bridge")


SQL = 'invalid input syntax for type integer: "x"\nLINE 1: SELECT \'x\'::int\n               ^\n'


@pytest.mark.parametrize(
    ("said", "name"),
    [
        (f"psycopg2.errors.InvalidTextRepresentation: {SQL}", "InvalidTextRepresentation"),
        ("ValueError: two lines,\nas: here\n", "builtins.ValueError"),
        (
            "KeyError: 1\n\nDuring handling of the above exception, another exception occurred:"
            "\n\nTraceback (most recent call last):\n  File 'x'\n    b\nTypeError: no\n",
            "builtins.TypeError",
        ),
        ("psycopg2.OperationalError: server closed it\n\tThis probably means\n", "Operational"),
    ],
    ids=["sql", "lines", "chained", "closed"],
)
def test_a_fault_is_known_by_the_exception_not_by_its_last_line(
    serve: Callable[..., Server], said: str, name: str
) -> None:
    """A fact that alone is to blame kept all others waiting."""
    text = f"Traceback (most recent call last):\n  File 'x', line 1, in f\n    a\n{said}"
    answers = {"common": (7,), "object": xmlrpc.client.Fault(1, text)}
    server = serve(lambda to, _: (200, xmlrpc.client.dumps(answers[to], methodresponse=True)))
    with pytest.raises(Failed) as raised:
        old_odoo(server).hello()
    assert name in raised.value.name


@pytest.mark.parametrize(
    "page",
    [
        "<html><body><p>Log in</p></body></html>",
        "<methodResponse><params><param><value><boolean>no</boolean></value></param></params>"
        "</methodResponse>",
        "<html></array></html>",
        "<p><array></array></array></p>",
        "<methodResponse><fault><value><string>x</string></value></fault></methodResponse>",
        "<a><value><bigdecimal>x</bigdecimal></value></a>",
    ],
)
def test_xml_that_is_no_answer_is_transient_and_names_the_cure(
    serve: Callable[..., Server], page: str
) -> None:
    with pytest.raises(Transient, match=r"gateway\.url: .* to XML-RPC; correct the address"):
        old_odoo(serve(lambda *_: (200, page))).hello()


def test_no_proxy_of_the_environment_gets_the_key(
    serve: Callable[..., Server], monkeypatch: pytest.MonkeyPatch
) -> None:
    other = serve(lambda *_: (200, []))
    for name in ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"):
        monkeypatch.setenv(name, other.url)
    for name in ("no_proxy", "NO_PROXY"):
        monkeypatch.delenv(name, raising=False)
    server = serve(lambda _, arguments: push_answer(arguments))
    gateway(server).push([fact(1)])
    assert (other.connections, len(server.calls)) == (0, 1)


def test_what_is_no_odoo_is_said_to_be_none(serve: Callable[..., Server]) -> None:
    page = (200, "<html>a wiki</html>")
    asked = gateway(serve(lambda *_: page, hello=page))
    with pytest.raises(Transient, match=r"gateway.url: .* answers HTTP 200 to XML-RPC; correct"):
        asked.push([fact(1)])


def test_another_protocol_is_the_addons_version(serve: Callable[..., Server]) -> None:
    newer = (200, {**HELLO, "protocol": 2})
    asked = gateway(serve(lambda _, arguments: push_answer(arguments), hello=newer))
    with pytest.raises(Transient, match=r"does not fit this bridge; .*protocol 2 there, 1 here"):
        asked.push([fact(1)])


def test_a_timeout_is_unknown_and_then_less_is_sent_at_once(serve: Callable[..., Server]) -> None:
    server: Server

    def slow(_: str, arguments: dict[str, Any]) -> Answer:
        if len(arguments["facts"]) > 2:
            server.release.wait(5)
        return push_answer(arguments)

    server = serve(slow)
    asked = gateway(server, timeout_s=0.3)
    facts = [fact(seq) for seq in range(10)]
    for _ in range(2):
        with pytest.raises(TimedOut, match="the outcome is unknown"):
            asked.push(facts)
    assert [answer.status for answer in asked.push(facts[:4])] == ["created"] * 4
    assert [len(arguments["facts"]) for _, arguments in server.calls] == [10, 5, 2, 2]


def test_a_fact_odoo_itself_fails_on_is_refused_alone(serve: Callable[..., Server]) -> None:
    def odoo(_: str, arguments: dict[str, Any]) -> Answer:
        if any(one["seq"] in ("3", "6") for one in arguments["facts"]):
            return error("builtins.ValueError", "NUL")
        return push_answer(arguments)

    asked = gateway(serve(odoo))
    answers = asked.push([fact(seq) for seq in range(8)])
    assert [n for n, answer in enumerate(answers) if answer.status == "refused"] == [3, 6]
    assert "ValueError: NUL" in answers[3].error


def test_a_fact_odoo_fails_on_holds_up_none_after_a_timeout(serve: Callable[..., Server]) -> None:
    """Sent alone it cannot be told to be to blame: the next time it is sent with others."""
    server: Server
    slow = [True]

    def odoo(_: str, arguments: dict[str, Any]) -> Answer:
        if slow[0]:
            server.release.wait(5)
        if any(one["seq"] == "0" for one in arguments["facts"]):
            return error("builtins.ValueError", "NUL")
        return push_answer(arguments)

    server = serve(odoo)
    asked = gateway(server, timeout_s=0.3)
    with pytest.raises(TimedOut):
        asked.push([fact(0)])
    slow[0] = False
    facts = [fact(seq) for seq in range(4)]
    with pytest.raises(Failed):
        asked.push(facts)
    answers = asked.push(facts)
    assert [answer.status for answer in answers] == ["refused", "created", "created", "created"]


def test_when_odoo_fails_on_everything_no_fact_is_to_blame(serve: Callable[..., Server]) -> None:
    asked = gateway(serve(lambda *_: error("builtins.ValueError")))
    with pytest.raises(Failed):
        asked.push([fact(seq) for seq in range(8)])


def test_what_one_machine_says_holds_up_no_other(serve: Callable[..., Server]) -> None:
    """Odoo fails on it as a whole; it gets the rest, and of that one machine what it can keep."""

    def odoo(method: str, arguments: dict[str, Any]) -> Answer:
        given = arguments["drafts" if method == "save_backends" else "done"]
        if any("poison" in json.dumps(one) for one in given):
            return error("builtins.ValueError", "poison")
        return 200, [{"machine": one.get("machine"), "version": "1900"} for one in given]

    server = serve(odoo)
    asked = gateway(server)
    records = asked.save_backends([
        BackendDraft("m1", "1900", "SN1"), BackendDraft("m2", "1900", "poison"),
        BackendDraft("m3", "1900", "SN3"),
    ])  # fmt: skip
    assert [record.machine for record in records] == ["m1", "m2", "m3"]
    kept = [one for _, a in server.calls for one in a["drafts"] if "poison" not in str(a)]
    assert [(one["machine"], one["serial"]) for one in kept] == [
        ("m1", "SN1"), ("m2", None), ("m3", "SN3")]
    server.calls.clear()
    asked.finished([Done("a", "refused", "poison"), Done("b", "ok", result={"n": 1})])
    kept = [one for _, a in server.calls for one in a["done"] if "poison" not in str(a)]
    assert [(one["id"], one["state"]) for one in kept] == [("a", "refused"), ("b", "ok")]
    assert "see the bridge" in kept[0]["message"]


def test_recipes_odoo_fails_on_are_for_a_person(serve: Callable[..., Server]) -> None:
    asked = gateway(serve(lambda *_: error("odoo.exceptions.ValidationError", "site rule")))
    with pytest.raises(Permanent, match="site rule"):
        asked.import_recipes("m1", 1, {"0": {"name": "Espresso"}})


def test_an_answer_that_is_not_what_it_says_is_a_fault_of_the_way(
    serve: Callable[..., Server]
) -> None:
    server = serve(lambda *_: (200, []), hello=(299, "plain"))
    with pytest.raises(Transient, match="cannot be read"):
        gateway(server).hello()


@pytest.mark.parametrize(
    "name", ["psycopg2.OperationalError", "psycopg2.InterfaceError", "builtins.MemoryError"]
)
def test_a_database_that_goes_away_refuses_no_fact(
    serve: Callable[..., Server], name: str
) -> None:
    """It comes back in the middle: half of the batch would have passed."""
    server: Server

    def odoo(_: str, arguments: dict[str, Any]) -> Answer:
        return error(name) if len(server.calls) == 1 else push_answer(arguments)

    server = serve(odoo)
    asked = gateway(server)
    with pytest.raises(Failed):
        asked.push([fact(1), fact(2)])
    assert {answer.status for answer in asked.push([fact(1), fact(2)])} == {"created"}


def test_connections_are_kept(serve: Callable[..., Server]) -> None:
    """Odoo itself closes each; the proxy before it need not."""
    server = serve(lambda _, arguments: push_answer(arguments))
    asked = gateway(server)
    for seq in range(5):
        asked.push([fact(seq)])
    assert server.connections == 1
    assert set(server.cookies) == {None}, "Odoo refuses a session beside a named database"


def test_the_payload_goes_byte_for_byte(serve: Callable[..., Server]) -> None:
    server = serve(lambda _, arguments: push_answer(arguments))
    gateway(server).push([fact(1), replace(fact(2), again=True)])
    ((_, arguments),) = server.calls
    first, second = arguments["facts"]
    assert first["payload"] == json.loads(fact(1).payload)
    assert (first["seq"], first["again"], second["again"]) == ("1", False, True)


def test_an_empty_field_of_odoo_is_nothing(serve: Callable[..., Server]) -> None:
    """Odoo says false for what is empty; but a switch that is off is off."""
    pour = {"busy": True, "signals": {"pending_jobs": 9}, "settings": {"m1": {
        "enabled": False, "busy": False, "slot": False, "office_from": None, "per_day": 0}}}
    order = {"id": "a", "machine": "m1", "name": "wake", "args": False, "user": False}
    answers = {
        "fetch_orders": {"pour": pour, "orders": [
            {**order, "deadline_ms": False}, {**order, "deadline_ms": "1767225660000"}]},
        "save_backends": [
            {"machine": "m1", "version": False, "language": False, "state": "refused"},
            {"machine": "m2", "version": "1900", "language": "fr_FR", "state": "draft"}],
    }  # fmt: skip
    asked = gateway(serve(lambda method, _: (200, answers[method])))
    assert asked.hello() == Hello("19.0", "19.0.1.0.0", "Beans")
    fetched = asked.fetch(9)
    assert fetched.orders == [
        ErpOrder("a", "m1", "wake", {}, "Odoo", None),
        ErpOrder("a", "m1", "wake", {}, "Odoo", 1_767_225_660_000),
    ]
    assert fetched.busy == BusySigns(
        True, {"pending_jobs": 9}, {"m1": {"enabled": False, "busy": False, "per_day": 0}}
    )
    assert asked.save_backends([BackendDraft("m1", ""), BackendDraft("m2", "1900")]) == [
        BackendRecord("m1", "", None, refused=True), BackendRecord("m2", "1900", "fr_FR")
    ]  # fmt: skip


def test_who_answers_after_an_odoo_was_away_is_greeted_anew(serve: Callable[..., Server]) -> None:
    """It may have been away to be upgraded."""
    who = dict(HELLO)
    away = iter([(503, "down")])
    server = serve(
        lambda _, arguments: next(away, push_answer(arguments)), hello=(200, who)
    )
    asked = gateway(server)
    with pytest.raises(Transient, match="busy or starting"):
        asked.push([fact(1)])
    who["protocol"] = 2
    with pytest.raises(Transient, match="protocol 2 there"):
        asked.push([fact(1)])


def test_a_certificate_nobody_vouches_for(serve: Callable[..., Server], tmp_path: Path) -> None:
    authority = trustme.CA()
    tls = SSLContext(PROTOCOL_TLS_SERVER)
    authority.issue_cert("localhost").configure_cert(tls)
    server = serve(lambda *_: (200, {"orders": []}), tls)
    with pytest.raises(
        Transient, match=r"certificate .* is not trusted .*; give its CA as"
    ):
        gateway(server).fetch(1)
    authority.cert_pem.write_to_path(str(tmp_path / "ca.pem"))
    assert gateway(server, ca_file=tmp_path / "ca.pem").fetch(1).orders == []
    (tmp_path / "bad.pem").write_text("not a certificate")
    with pytest.raises(Transient, match=r"gateway.ca_file: .*bad.pem is no certificate"):
        gateway(server, ca_file=tmp_path / "bad.pem").fetch(1)


def test_tls_towards_a_server_that_has_none(serve: Callable[..., Server]) -> None:
    server = serve(lambda *_: (200, {}))
    server.url = server.url.replace("http:", "https:")
    with pytest.raises(Transient, match=r"no TLS with .*; is it really https"):
        gateway(server).fetch(1)


def test_nothing_there() -> None:
    asked = OdooGateway(
        GatewaySettings.model_validate({"kind": "odoo", "url": "http://localhost:9", "key": KEY}),
        "bridge",
    )
    with pytest.raises(
        Transient, match=r"nothing answers at http://localhost:9 .*; is it running"
    ):
        asked.probe()


def test_what_xmlrpc_cannot_carry() -> None:
    given = {"a": None, "b": 2**31, "c": -(2**31), "d": 7, "e": True, "f": [2**40, (None,)]}
    assert narrow(given) == {
        "a": False, "b": "2147483648", "c": "-2147483648", "d": 7, "e": True,
        "f": ["1099511627776", [False]]}  # fmt: skip


def test_no_error_is_permanent() -> None:
    """What Odoo says no to is refused per fact; a whole call can always be made again."""
    assert not issubclass(Failed, Permanent) and not issubclass(TimedOut, Permanent)


def test_a_presence_or_a_checkpoint_odoo_fails_on_holds_up_no_other(
    serve: Callable[..., Server]
) -> None:
    kept: list[Any] = []

    def odoo(method: str, arguments: dict[str, Any]) -> Answer:
        given = arguments["states" if method == "presence" else "drafts"]
        if any("poison" in json.dumps(one) for one in given):
            return error("builtins.ValueError", "poison")
        kept.extend(given)
        return 200, True

    asked = gateway(serve(odoo))
    asked.presence([Presence("m1", True, 1), Presence("m2", True, 1, ("poison",)),
                    Presence("m3", True, 1)])  # fmt: skip
    assert [one["machine"] for one in kept] == ["m1", "m2", "m3"]
    kept.clear()
    asked.add_checkpoints([CheckpointDraft("m1", BACKEND, "a", "poison"),
                           CheckpointDraft("m2", BACKEND, "b", "look")])  # fmt: skip
    assert [one["machine"] for one in kept] == ["m1", "m2"]
