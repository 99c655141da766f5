"""What the bridge's key opens, asked from outside: the calls of the seam, and nothing else."""

from __future__ import annotations

import xmlrpc.client

import pytest

from tests.erp.facts import brew
from tests.erp.odoo19.server import BRIDGE, OdooError, OdooServer

MODELS = (
    "coffee.backend", "coffee.brew", "coffee.alarm", "coffee.recipe", "coffee.checkpoint",
    "coffee.command", "coffee.quarantine", "coffee.journal", "coffee.bridge", "coffee.secret",
    "res.partner", "res.users", "res.users.apikeys", "ir.config_parameter", "product.product",
    "queue.job", "ir.attachment", "mail.message", "ir.cron",
)  # fmt: skip


@pytest.mark.parametrize("model", MODELS)
def test_no_record_can_be_read_or_written(odoo_server: OdooServer, model: str) -> None:
    odoo_server.call("push", bridge=BRIDGE, facts=[brew(1)])
    try:  # of attachments Odoo shows those one may see: none
        assert odoo_server.call("search_read", model, domain=[], fields=["id"], limit=1) == []
        assert model == "ir.attachment"
    except OdooError as error:
        assert error.status == 403, error
    for method, arguments in (
        ("create", {"vals_list": [{}]}),
        ("write", {"ids": [1], "vals": {"active": False}}),
        ("unlink", {"ids": [1]}),
    ):
        with pytest.raises(OdooError) as caught:
            odoo_server.call(method, model, **arguments)
        assert caught.value.status == 403, (method, caught.value)


@pytest.mark.parametrize("method", ["_push", "_enter", "_pour", "sudo", "with_user", "env"])
def test_no_inner_method_is_a_door(odoo_server: OdooServer, method: str) -> None:
    with pytest.raises(OdooError) as caught:
        odoo_server.call(method)
    assert caught.value.status in (403, 404, 422)


@pytest.mark.parametrize("method", ["action_check", "action_start", "action_draft"])
def test_no_button_is_a_door(odoo_server: OdooServer, method: str) -> None:
    odoo_server.call("push", bridge=BRIDGE, facts=[brew(1)])
    with pytest.raises(OdooError) as caught:
        odoo_server.call(method, ids=[1])
    assert caught.value.status == 403


def test_a_wrong_key_opens_nothing(odoo_server: OdooServer) -> None:
    with pytest.raises(OdooError) as caught:
        odoo_server.json2("coffee.backend/hello", {"bridge": "b", "protocol": 1}, "0" * 40)
    assert caught.value.status == 401


def test_the_administrator_is_no_bridge(odoo_server: OdooServer) -> None:
    with pytest.raises(xmlrpc.client.Fault, match="is not a bridge"):
        odoo_server.admin("coffee.backend", "push", "b", [])


def test_the_key_opens_no_session_of_the_web_client(odoo_server: OdooServer) -> None:
    """Logged in by key over XML-RPC it may call, and still see nothing."""
    login = f"coffee-bridge-{BRIDGE}"
    common = xmlrpc.client.ServerProxy(f"{odoo_server.url}/xmlrpc/2/common")
    uid = common.authenticate(odoo_server.database, login, odoo_server.key, {})
    models = xmlrpc.client.ServerProxy(f"{odoo_server.url}/xmlrpc/2/object")
    with pytest.raises(xmlrpc.client.Fault, match="not allowed to access"):
        models.execute_kw(
            odoo_server.database, uid, odoo_server.key, "coffee.brew", "search", [[]]
        )
