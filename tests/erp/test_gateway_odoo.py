"""The gateway contract on a real Odoo, over JSON-2 and over XML-RPC, and what people are told."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import trustme

from host_bridge.gateway import odoo_json2, odoo_xmlrpc
from host_bridge.gateway.odoo import OdooGateway
from host_bridge.gateway.port import BackendDraft, Transient
from tests.contract.gateway_suite import GatewayContract as TestContract
from tests.contract.gateway_suite import fact, gateway, stati
from tests.erp.odoo19.server import BRIDGE, OdooServer
from tests.erp.site import OdooSite, environment, settings
from tests.support.tls import TlsFront

__all__ = ["TestContract", "gateway"]
pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]
LOGIN = f"coffee-bridge-{BRIDGE}"


@pytest.fixture(params=["json2", "xmlrpc"])
def site(request: pytest.FixtureRequest, odoo_server: OdooServer) -> Iterator[OdooSite]:
    made = OdooSite(odoo_server, transport=request.param, login=LOGIN)
    yield made
    made.clear()


# --- what a person is told
def refusal(odoo: OdooServer, **changes: Any) -> str:
    asked = OdooGateway(settings(odoo, **changes), BRIDGE)
    with pytest.raises(Transient) as raised:
        asked.push([fact(1)])
    asked.close()
    text = str(raised.value)
    assert odoo.key not in text and "wrong-key" not in text
    return text


@pytest.mark.parametrize("transport", ["json2", "xmlrpc"])
def test_a_wrong_key(odoo_server: OdooServer, transport: str) -> None:
    told = refusal(odoo_server, key="wrong-key", transport=transport, login=LOGIN)
    assert "gateway." in told and "key" in told


@pytest.mark.parametrize("transport", ["json2", "xmlrpc", "auto"])
def test_a_wrong_database(odoo_server: OdooServer, transport: str) -> None:
    told = refusal(odoo_server, database="no-such-one", transport=transport, login=LOGIN)
    assert "gateway.database" in told and "no-such-one" in told


@pytest.fixture(scope="module")
def guest_key(odoo_server: OdooServer) -> str:
    """Of a user who may log in and is no bridge."""
    key: str = odoo_server.shell("""
        from datetime import datetime, timedelta
        user = env["res.users"].create({"name": "Guest", "login": "guest",
            "group_ids": [(6, 0, [env.ref("base.group_user").id])]})
        keys = env["res.users.apikeys"].with_user(user)
        answer(keys._generate(None, "x", datetime.now() + timedelta(days=1)))
    """)
    return key


@pytest.mark.parametrize("transport", ["json2", "xmlrpc"])
def test_a_user_without_rights(odoo_server: OdooServer, guest_key: str, transport: str) -> None:
    told = refusal(odoo_server, key=guest_key, transport=transport, login="guest")
    assert "is not a bridge" in told and "group" in told


def test_an_odoo_without_the_addon(odoo_server: OdooServer) -> None:
    """Its methods are there, the model is not: as before the addon was installed."""
    for transport in ("json2", "xmlrpc"):
        asked = OdooGateway(settings(odoo_server, transport=transport, login=LOGIN), BRIDGE)
        with pytest.MonkeyPatch.context() as patch:
            for module in (odoo_json2, odoo_xmlrpc):
                patch.setattr(module, "MODEL", "coffee.not.installed")
            with pytest.raises(Transient, match="connector_coffee is not installed"):
                asked.probe()
        asked.close()


@pytest.mark.parametrize("transport", ["json2", "xmlrpc"])
def test_an_addon_of_another_version(odoo_server: OdooServer, transport: str) -> None:
    asked = OdooGateway(settings(odoo_server, transport=transport, login=LOGIN), BRIDGE)
    for method, arguments in (("no_such_method", {}), ("push", {"beans": 1})):
        with pytest.raises(Transient, match="does not fit this bridge"):
            asked._call(method, **arguments)
    asked.close()


def test_over_tls(odoo_server: OdooServer, tmp_path: Path) -> None:
    authority = trustme.CA()
    authority.cert_pem.write_to_path(str(tmp_path / "ca.pem"))
    with TlsFront(odoo_server.port, authority) as front:
        told = refusal(odoo_server, url=front.url)
        assert "is not trusted" in told and "gateway.ca_file" in told
        trusting = OdooGateway(
            settings(odoo_server, url=front.url, ca_file=tmp_path / "ca.pem"), BRIDGE
        )
        assert trusting.hello().server.startswith("19.")
        trusting.close()


def check(**environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "host_bridge", "check"],
        capture_output=True, text=True, env={**os.environ, "COLUMNS": "400", **environment},
    )  # fmt: skip


def test_the_command_line_says_who_answers(odoo_server: OdooServer) -> None:
    good = check(**environment(odoo_server))
    assert good.returncode == 0 and "ready" in good.stdout and odoo_server.key not in good.stdout
    bad = check(**{**environment(odoo_server), "COFFEE_GATEWAY_KEY": "wrong-key"})
    assert bad.returncode == 1 and "gateway.key: Odoo does not accept it" in bad.stderr
    assert "wrong-key" not in bad.stderr + bad.stdout


# --- life
def test_a_hanging_odoo_is_unknown_and_the_same_batch_doubles_nothing(
    odoo_server: OdooServer,
) -> None:
    site = OdooSite(odoo_server, timeout_s=1.0)
    site.gateway.save_backends([BackendDraft("m1", "2900")])
    odoo_server.pause()
    try:
        with pytest.raises(Transient, match="unknown"):
            site.gateway.push([fact(1), fact(2)])
    finally:
        odoo_server.go_on()
    assert set(stati(OdooSite(odoo_server).gateway, fact(1), fact(2))) <= {"created", "unchanged"}
    assert len(site.records("coffee.brew", "m1")) == 2
    site.clear()


def test_a_restarted_odoo_is_found_again(odoo_server: OdooServer) -> None:
    site = OdooSite(odoo_server)
    assert stati(site.gateway, fact(1)) == ["created"]
    odoo_server.stop()
    with pytest.raises(Transient, match="is it running"):
        site.gateway.push([fact(1)])
    odoo_server.start()
    assert stati(site.gateway, fact(1), fact(2)) == ["unchanged", "created"]
    site.clear()
