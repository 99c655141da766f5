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


def test_a_killed_odoo_comes_back_with_what_it_answered(odoo: OdooServer) -> None:
    odoo.call("push", bridge="bridge", facts=[brew(1)])
    odoo.kill9()
    odoo.postgres.kill9()
    odoo.postgres.start()
    odoo.restart()
    answer = odoo.call("push", bridge="bridge", facts=[brew(1), brew(2)])
    assert [one["status"] for one in answer["results"]] == ["unchanged", "created"]
