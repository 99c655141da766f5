"""The calls of the bridge against a real Odoo over HTTP, as JSON-2 and as XML-RPC."""

from __future__ import annotations

from typing import Any

import pytest

from tests.erp.facts import UTC_MS, alarm, brew
from tests.erp.odoo19.server import OdooError, OdooServer
from tests.support.contract import current

PROFILE = {"name": "espresso", "temp_mc": 93_000, "stop": {"volume_ul": 36_000}, "phases": []}


def push(odoo: OdooServer, *facts: dict[str, Any]) -> dict[str, Any]:
    answer: dict[str, Any] = odoo.call("push", bridge="bridge", facts=list(facts))
    return answer


def statuses(answer: dict[str, Any]) -> list[str]:
    return [one["status"] for one in answer["results"]]


def test_hello_says_who_is_there(odoo_server: OdooServer) -> None:
    answer = odoo_server.call("hello", bridge="bridge", protocol=1)
    assert (answer["protocol"], answer["addon"]) == (1, "19.0.1.7.0")
    with pytest.raises(OdooError, match="upgrade the older"):
        odoo_server.call("hello", bridge="bridge", protocol=2)


def test_a_fact_is_created_then_found_then_changed(odoo_server: OdooServer) -> None:
    first = push(odoo_server, brew(1, "life"), brew(2, "life"))
    assert statuses(first) == ["created"] * 2
    again = push(odoo_server, brew(1, "life"), brew(2, "life", volume_ul="5000000000"))
    assert statuses(again) == ["unchanged", "updated"]
    assert [one["id"] for one in again["results"]] == [one["id"] for one in first["results"]]
    held = odoo_server.sql(
        "SELECT volume_ul, utc_ms FROM coffee_brew WHERE coffee_id LIKE '%/2' AND backend_id ="
        " (SELECT id FROM coffee_backend WHERE machine = 'life')"
    )
    assert held == f"5000000000|{UTC_MS + 120_000}"


def test_the_cursor_stops_at_a_hole(odoo_server: OdooServer) -> None:
    answer = push(odoo_server, brew(10, "holes"), brew(11, "holes"), brew(13, "holes"))
    assert answer["cursors"] == [{"machine": "holes", "journal": "9f3a77aa", "seq": "11"}]
    answer = push(odoo_server, brew(12, "holes"))
    assert answer["cursors"][0]["seq"] == "13"


def test_poison_delays_nobody(odoo_server: OdooServer) -> None:
    facts = [brew(seq, "poison") for seq in range(40)]
    facts[7] = brew(7, "poison", volume_ul=-1)  # the database refuses it
    facts[23] = brew(23, "poison", shot="many")  # the mapper does
    facts[24] = {**brew(24, "poison"), "model": "coffee.tea"}
    answer = push(odoo_server, *facts)
    refused = {i: one["error"] for i, one in enumerate(answer["results"]) if one["error"]}
    assert sorted(refused) == [7, 23, 24]
    assert "cannot be negative" in refused[7]
    assert refused[23].startswith("shot: 'many' is not a whole number")
    assert refused[24].startswith("model: coffee.tea is unknown here")
    assert statuses(answer).count("created") == 37
    rows = odoo_server.records("coffee.quarantine", ["coffee_id"], [("machine", "=", "poison")])
    assert len(rows) == 3
    assert statuses(push(odoo_server, *facts)).count("unchanged") == 37
    assert answer["cursors"][0]["seq"] == "39"


def test_a_machine_nobody_knew_is_a_draft_with_a_checkpoint(odoo_server: OdooServer) -> None:
    push(odoo_server, brew(0, "stranger"))
    (machine,) = odoo_server.records("coffee.backend", ["state"], [("machine", "=", "stranger")])
    assert machine["state"] == "draft"
    about = [("backend_id", "=", machine["id"]), ("model", "=", "coffee.backend")]
    assert len(odoo_server.records("coffee.checkpoint", ["summary"], about)) == 1


def test_an_alarm_is_one_checkpoint_however_often_it_comes(odoo_server: OdooServer) -> None:
    facts = [
        alarm(1, "bells"),
        alarm(2, "bells", severity="info"),
        alarm(3, "bells", raised=False),
    ]
    for _ in range(2):
        push(odoo_server, *facts)
    found = odoo_server.records(
        "coffee.checkpoint", ["coffee_id"],
        [("backend_id.machine", "=", "bells"), ("model", "=", "coffee.alarm")],
    )  # fmt: skip
    assert [one["coffee_id"] for one in found] == ["9f3a77aa/1"]


def test_xmlrpc_does_the_same(odoo_server: OdooServer) -> None:
    answer = odoo_server.xmlrpc("push", bridge="bridge", facts=[brew(1, "old-way")])
    assert statuses(answer) == ["created"]
    answer = odoo_server.xmlrpc("fetch_orders", bridge="bridge", limit=1)
    assert set(answer) == {"orders", "pour"}


def test_machines_recipes_and_presence(odoo_server: OdooServer) -> None:
    odoo = odoo_server
    drafts = [{"machine": "slots", "version": "2900", "serial": "e66"}, {"machine": "b"}]
    saved = odoo.call("save_backends", drafts=drafts)
    assert [(one["machine"], one["version"]) for one in saved] == [("slots", "2900"), ("b", "")]
    assert odoo.call("save_backends", drafts=[{"machine": "slots"}])[0]["version"] == "2900"
    state = {"machine": "slots", "online": True, "last_seen_ms": str(UTC_MS),
             "alarms": ["door_open"]}  # fmt: skip
    assert odoo.call("presence", states=[state]) is True
    (seen,) = odoo.records("coffee.backend", ["health", "alarms"], [("machine", "=", "slots")])
    assert (seen["health"], seen["alarms"]) == ("alarm", "Door open")
    for expected in ("created", "unchanged"):
        (answer,) = odoo.call("import_recipes", machine="slots", rev=3, slots={"0": PROFILE})
        assert (answer["slot"], answer["status"]) == ("0", expected)
    odoo.call("import_recipes", machine="slots", rev=4, slots={})
    assert odoo.sql("SELECT active FROM coffee_recipe WHERE coffee_id = '0'") == "f"


def test_a_recipe_the_sites_own_rule_refuses_is_for_a_person(odoo_server: OdooServer) -> None:
    """Its neighbours are taken; the call does not fail, which would hold up the fleet."""
    odoo = odoo_server
    odoo.call("save_backends", drafts=[{"machine": "ruled", "version": "2900"}])
    odoo.sql("ALTER TABLE product_template ADD CONSTRAINT site_rule"
             " CHECK (name->>'en_US' <> 'forbidden') NOT VALID")  # fmt: skip
    try:
        slots = {"0": PROFILE | {"name": "forbidden"}, "1": PROFILE | {"name": "allowed"}}
        answers = odoo.call("import_recipes", machine="ruled", rev=1, slots=slots)
    finally:
        odoo.sql("ALTER TABLE product_template DROP CONSTRAINT site_rule")
    assert {one["slot"]: one["status"] for one in answers} == {"0": "refused", "1": "created"}
    about = odoo.records("coffee.checkpoint", ["summary"], [("coffee_id", "=", "refused/1/0")])
    assert any("site_rule" in one["summary"] for one in about)


def test_an_order_is_fetched_until_it_is_finished(odoo_server: OdooServer) -> None:
    odoo = odoo_server
    backend = odoo.run_machine("orders")
    odoo.call("import_recipes", machine="orders", rev=1, slots={"0": PROFILE})
    recipe = odoo.records("coffee.recipe", ["id"], [("backend_id", "=", backend)])[0]["id"]
    values = {"backend_id": backend, "name": "brew", "recipe_id": recipe}
    command = odoo.admin("coffee.command", "create", values)
    for _ in range(2):
        (order,) = odoo.call("fetch_orders", bridge="bridge", limit=10)["orders"]
        assert (order["machine"], order["name"], order["args"]) == (
            "orders",
            "brew",
            {"slot": "0"},
        )
    done = {"id": order["id"], "state": "refused", "message": "cup missing", "result": None}
    assert odoo.call("finished", done=[done, {"id": "odoo-of-another-life", "state": "ok"}])
    assert odoo.call("fetch_orders", bridge="bridge", limit=10)["orders"] == []
    (seen,) = odoo.admin("coffee.command", "read", [command], ["state", "message"])
    assert (seen["state"], seen["message"]) == ("refused", "cup missing")


def test_what_a_person_can_order_is_what_the_contract_knows(odoo_server: OdooServer) -> None:
    """Each command of the form, with what its fields say; a recipe orders the other two."""
    odoo = odoo_server
    backend = odoo.run_machine("words")
    recipe = {"name": "lungo", "temp_mc": 93_000, "volume_ul": 60_000}
    slots = {"0": recipe, "1": {**recipe, "name": "ristretto"}}
    odoo.call("import_recipes", machine="words", rev=1, slots=slots)
    recipes = odoo.records("coffee.recipe", ["id"], [("backend_id", "=", backend)])
    asked = {
        "brew": {"recipe_id": recipes[0]["id"]},
        "setpoint": {"setpoint_c": 93, "steam_c": 125},
    }
    kinds = odoo.admin("coffee.command", "fields_get", ["name"])["name"]["selection"]
    names = {name for name, _label in kinds}
    for name in sorted(names - {"recipe.put", "recipe.delete"}):
        values = {"backend_id": backend, "name": name, **asked.get(name, {})}
        odoo.admin("coffee.command", "create", values)
    odoo.admin("coffee.recipe", "action_export", [recipes[0]["id"]])
    # without its job, which would replace the order while it is fetched
    quiet = {"connector_no_export": True}
    odoo.admin("coffee.recipe", "write", [recipes[1]["id"]], {"active": False}, context=quiet)
    odoo.admin("coffee.recipe", "action_export", [recipes[1]["id"]])
    orders = odoo.call("fetch_orders", bridge="bridge", limit=99)["orders"]
    found = {one["name"]: one["args"] for one in orders if one["machine"] == "words"}
    assert found.keys() == names
    for name, args in found.items():
        message = {"id": "odoo-1", "deadline": UTC_MS, "args": args}
        current().validate_message(name, f"cmd-{name}.json", message)
