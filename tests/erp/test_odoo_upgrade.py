"""An upgrade of the addon keeps what is there."""

from __future__ import annotations

from tests.erp.facts import alarm, brew
from tests.erp.odoo19.install import BUILD
from tests.erp.odoo19.server import OdooServer
from tests.erp.odoo19.template import Cluster, run_odoo


def test_an_upgrade_keeps_records_reviews_and_the_bridges_key(
    odoo: OdooServer, odoo_cluster: Cluster
) -> None:
    facts = [brew(1), alarm(2)]
    odoo.call("push", bridge="bridge", facts=facts)
    found = odoo.admin("coffee.checkpoint", "search", [("model", "=", "coffee.alarm")])
    odoo.admin("coffee.checkpoint", "action_review", found)
    odoo.stop()
    run_odoo(odoo_cluster.odoo, odoo.postgres, odoo.database, BUILD / "upgrade.log", odoo.folder,
             "-u", "connector_coffee")  # fmt: skip
    odoo.start()
    answer = odoo.call("push", bridge="bridge", facts=facts)
    assert [one["status"] for one in answer["results"]] == ["unchanged", "unchanged"]
    (after,) = odoo.admin("coffee.checkpoint", "read", found, ["state"])
    assert after["state"] == "reviewed"


def test_an_upgrade_from_the_first_version(odoo: OdooServer, odoo_cluster: Cluster) -> None:
    """Aborted brews counted as drinks then, and a bridge's key opened all companies' machines."""
    recipe = {"name": "espresso", "temp_mc": 93_000}
    odoo.call("save_backends", bridge="bridge", drafts=[{"machine": "bar-left"}])
    odoo.call("import_recipes", machine="bar-left", rev=1, slots={"0": recipe})
    odoo.call("push", bridge="bridge", facts=[brew(1), brew(2, result="aborted")])
    odoo.sql("UPDATE coffee_brew SET amount = 1.5")
    odoo.shell("""
        backend = env["coffee.backend"].search([("machine", "=", "bar-left")])
        backend.recipe_ids.odoo_id.company_id = False
        backend.company_id = env["res.company"].create({"name": "Other"})
        answer(True)
    """)
    answer = odoo.call("push", bridge="bridge", facts=[brew(3)])
    assert answer["results"][0]["error"].startswith("machine: bar-left is of another company")
    odoo.stop()
    odoo.sql(
        "UPDATE ir_module_module SET latest_version = '19.0.1.0.0' WHERE name = 'connector_coffee'"
    )
    run_odoo(odoo_cluster.odoo, odoo.postgres, odoo.database, BUILD / "upgrade.log", odoo.folder,
             "-u", "connector_coffee")  # fmt: skip
    amounts = odoo.sql("SELECT string_agg(amount::text, ' ' ORDER BY shot) FROM coffee_brew")
    assert [float(amount) for amount in amounts.split()] == [1.5, 0]
    odoo.start()
    answer = odoo.call("push", bridge="bridge", facts=[brew(3)])
    assert answer["results"][0]["status"] == "created"


def test_a_killed_odoo_comes_back_with_what_it_answered(odoo: OdooServer) -> None:
    odoo.call("push", bridge="bridge", facts=[brew(1)])
    odoo.kill9()
    odoo.postgres.kill9()
    odoo.postgres.start()
    odoo.restart()
    answer = odoo.call("push", bridge="bridge", facts=[brew(1), brew(2)])
    assert [one["status"] for one in answer["results"]] == ["unchanged", "created"]
