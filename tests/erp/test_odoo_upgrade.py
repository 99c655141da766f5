"""An upgrade of the addon keeps what is there."""

from __future__ import annotations

import pytest

from tests.erp.facts import alarm, brew
from tests.erp.odoo19.install import BUILD
from tests.erp.odoo19.server import OdooError, OdooServer
from tests.erp.odoo19.template import SHOP, Cluster, run_odoo

RULE = "(SELECT res_id FROM ir_model_data WHERE name = 'rule_quarantine')"
RULE_BEFORE = "['|', ('backend_id', '=', False), ('backend_id.company_id', 'in', company_ids)]"
CRONS = ("SELECT string_agg(cron_name, '; ' ORDER BY cron_name) FROM ir_cron"
         " WHERE cron_name ~ '^(Coffee|Mine)'")  # fmt: skip


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


def call_crons(odoo: OdooServer, **names: str) -> None:
    """Gives scheduled actions a name, and a priority as a person might have."""
    for xml_id, name in names.items():
        found = f"(SELECT res_id FROM ir_model_data WHERE name = '{xml_id}')"
        odoo.sql(f"UPDATE ir_cron SET cron_name = '{name}', priority = 7 WHERE id = {found}")
        odoo.sql(f"UPDATE ir_act_server SET name = jsonb_build_object('en_US', '{name}')"
                 f" WHERE id = (SELECT ir_actions_server_id FROM ir_cron WHERE id = {found})")


def test_an_upgrade_from_the_first_version(odoo: OdooServer, odoo_cluster: Cluster) -> None:
    """Aborted brews counted as drinks then, a brew had no currency of its own, a bridge's key
    opened all companies' machines, all saw the quarantine of one that nobody had entered, nobody
    that of a deleted user, and scheduled actions had other names."""
    recipe = {"name": "espresso", "temp_mc": 93_000}
    odoo.call("save_backends", bridge="bridge", drafts=[{"machine": "bar-left"}])
    odoo.call("import_recipes", machine="bar-left", rev=1, slots={"0": recipe})
    odoo.call("push", bridge="bridge", facts=[brew(1), brew(2, result="aborted")])
    odoo.sql("UPDATE coffee_brew SET amount = 1.5, currency_id = NULL")
    odoo.sql("UPDATE coffee_recipe SET in_machine = NULL")
    odoo.shell("""
        backend = env["coffee.backend"].search([("machine", "=", "bar-left")])
        backend.recipe_ids.odoo_id.company_id = False
        backend.company_id = env["res.company"].create({"name": "Other"})
        answer(True)
    """)
    answer = odoo.call("push", bridge="bridge", facts=[brew(3)])
    assert answer["results"][0]["error"].startswith("machine: bar-left belongs to another company")
    odoo.call("push", bridge="bridge", facts=[brew(1, machine="Bad name")])
    odoo.stop()
    odoo.sql("UPDATE coffee_quarantine SET bridge_company_id = NULL")
    odoo.sql("UPDATE coffee_backend SET state = 'running', active = false")
    call_crons(odoo, cron_gaps="Coffee: look for gaps in journals", cron_silent="Mine")
    odoo.sql(f"UPDATE ir_rule SET domain_force = $${RULE_BEFORE}$$ WHERE id = {RULE}")
    odoo.sql(
        "UPDATE ir_module_module SET latest_version = '19.0.1.0.0' WHERE name = 'connector_coffee'"
    )
    run_odoo(odoo_cluster.odoo, odoo.postgres, odoo.database, BUILD / "upgrade.log", odoo.folder,
             "-u", "connector_coffee")  # fmt: skip
    amounts = odoo.sql("SELECT string_agg(amount::text, ' ' ORDER BY shot) FROM coffee_brew")
    assert [float(amount) for amount in amounts.split()] == [1.5, 0]
    assert odoo.sql("SELECT DISTINCT currency_id IS NOT NULL FROM coffee_brew") == "t"
    assert odoo.sql("SELECT DISTINCT state FROM coffee_backend WHERE NOT active") == "checked"
    assert odoo.sql("SELECT in_machine FROM coffee_recipe") == "t"
    assert "bridge_company_id" in odoo.sql(f"SELECT domain_force FROM ir_rule WHERE id = {RULE}")
    assert odoo.sql("SELECT DISTINCT bridge_company_id FROM coffee_quarantine") == "1"
    assert odoo.sql(CRONS).split("; ") == [
        "Coffee: expire unanswered commands", "Coffee: find gaps in journals", "Mine",
    ]  # fmt: skip
    assert odoo.sql("SELECT count(*) FROM ir_cron WHERE priority = 7") == "2"
    odoo.start()
    answer = odoo.call("push", bridge="bridge", facts=[brew(3)])
    assert answer["results"][0]["status"] == "created"


@pytest.mark.slow
def test_what_was_taken_out_of_stock_goes_on_where_it_was(odoo_cluster: Cluster) -> None:
    """Beans and water had one beginning; what was not booked yet at the upgrade still is. The
    scheduled actions of stock and sale had other names."""
    shop = OdooServer(odoo_cluster, "coffee_shop", SHOP)

    def run(*what: str) -> None:
        run_odoo(odoo_cluster.odoo, shop.postgres, shop.database, BUILD / "upgrade.log",
                 shop.folder, *what)  # fmt: skip

    try:
        run("-i", "connector_coffee_stock,connector_coffee_sale")
        shop.shell("""
            beans = env["product.product"].create({
                "name": "Beans", "is_storable": True,
                "uom_id": env.ref("uom.product_uom_kgm").id})
            env["coffee.backend"].create({
                "name": "Bar", "machine": "bar-left", "bean_product_id": beans.id,
                "stock_location_id": env["stock.warehouse"].search([], limit=1).lot_stock_id.id})
            answer(True)
        """)
        shop.sql("ALTER TABLE coffee_backend ADD stock_since timestamp DEFAULT '2026-01-01',"
                 " DROP bean_since, DROP water_since")  # fmt: skip
        shop.sql("ALTER TABLE coffee_backend DROP CONSTRAINT coffee_backend_bean_default_g_sane")
        shop.sql("UPDATE coffee_backend SET bean_default_g = -1")
        shop.sql(
            "UPDATE ir_module_module SET latest_version = '19.0.1.0.0'"
            " WHERE name IN ('connector_coffee_stock', 'connector_coffee_sale')"
        )
        call_crons(shop, cron_consume="Coffee: take beans and water from stock",
                   cron_sell="Coffee: brews into sales orders")  # fmt: skip
        run("-u", "connector_coffee_stock,connector_coffee_sale")
        found = shop.sql("SELECT bean_since, water_since IS NULL FROM coffee_backend")
        assert found == "2026-01-01 00:00:00|t"
        assert shop.sql("SELECT bean_default_g FROM coffee_backend") == "0"
        constraint = "SELECT 1 FROM pg_constraint WHERE conname LIKE '%bean_default_g_sane'"
        assert shop.sql(constraint) == "1"
        found = shop.sql("SELECT cron_name FROM ir_cron WHERE priority = 7 ORDER BY cron_name")
        assert found.splitlines() == [
            "Coffee: add brews to sales orders", "Coffee: deduct beans and water from stock",
        ]  # fmt: skip
    finally:
        shop.close()


def test_after_an_uninstall_odoo_works_and_so_does_a_new_installation(
    odoo: OdooServer, odoo_cluster: Cluster
) -> None:
    """A job that waits would name a model that is gone, and the bridge's key would go on."""
    slots = {"0": {"name": "espresso", "temp_mc": 93_000}}
    odoo.call("push", bridge="bridge", facts=[brew(1)])
    odoo.call("import_recipes", machine="bar-left", rev=1, slots=slots)
    odoo.stop()
    odoo.shell("""
        env["coffee.recipe"].search([]).with_delay(eta=86_400).export_record()
        env.cr.commit()
        env.ref("base.module_connector_coffee").button_immediate_uninstall()
        answer(True)
    """)
    odoo.start()
    assert odoo.admin("queue.job", "search_read", [], ["name", "args"]) == []
    with pytest.raises(OdooError) as caught:
        odoo.call("push", bridge="bridge", facts=[brew(1)])
    assert caught.value.status == 401
    odoo.stop()
    run_odoo(odoo_cluster.odoo, odoo.postgres, odoo.database, BUILD / "upgrade.log", odoo.folder,
             "-i", "connector_coffee")  # fmt: skip
    odoo.key = ""
    odoo.start()
    answer = odoo.call("push", bridge="bridge", facts=[brew(1)])
    assert answer["results"][0]["status"] == "created"


def test_a_copy_for_trials_pours_nothing(odoo: OdooServer) -> None:
    """A bridge that is pointed at it by mistake finds no door; one that was given a key of the
    copy's own finds none of the orders that were waiting when it was made."""
    machine = odoo.run_machine("bar-left")
    odoo.admin("coffee.command", "create", {"backend_id": machine, "name": "identify"})
    odoo.shell("""
        from odoo.modules.neutralize import neutralize_database
        neutralize_database(env.cr)
        answer(True)
    """)
    with pytest.raises(OdooError) as caught:
        odoo.call("fetch_orders", bridge="bridge", limit=9)
    assert caught.value.status == 401
    odoo.key = ""
    odoo.restart()
    assert odoo.call("fetch_orders", bridge="bridge", limit=9)["orders"] == []


def test_a_killed_odoo_comes_back_with_what_it_answered(odoo: OdooServer) -> None:
    odoo.call("push", bridge="bridge", facts=[brew(1)])
    odoo.kill9()
    odoo.postgres.kill9()
    odoo.postgres.start()
    odoo.restart()
    answer = odoo.call("push", bridge="bridge", facts=[brew(1), brew(2)])
    assert [one["status"] for one in answer["results"]] == ["unchanged", "created"]
