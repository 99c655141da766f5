"""Many workers and the same facts: one record, one checkpoint, no failed call."""

from __future__ import annotations

from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier
from typing import Any

import pytest

from tests.erp.facts import alarm, brew
from tests.erp.odoo19.server import OdooServer
from tests.erp.odoo19.template import Cluster

WORKERS = 64


def together(odoo: OdooServer, calls: list[tuple[str, dict[str, Any]]]) -> list[Any]:
    """All at once; a call that fails fails the test."""
    ready = Barrier(len(calls))

    def one(call: tuple[str, dict[str, Any]]) -> Any:
        ready.wait()
        return odoo.call(call[0], **call[1])

    with ThreadPoolExecutor(len(calls)) as pool:
        return list(pool.map(one, calls))


def test_64_workers_push_the_same_new_fact_of_a_new_machine(odoo_server: OdooServer) -> None:
    calls = [("push", {"bridge": "bridge", "facts": [alarm(1, "rush")]})] * WORKERS
    answers = together(odoo_server, calls)
    found = Counter(one["results"][0]["status"] for one in answers)
    assert found == {"created": 1, "unchanged": WORKERS - 1}
    assert len({one["results"][0]["id"] for one in answers}) == 1
    count = "SELECT count(*) FROM {} WHERE backend_id = (SELECT id FROM coffee_backend WHERE machine = 'rush')"  # noqa: E501
    assert odoo_server.sql(count.format("coffee_alarm")) == "1"
    assert odoo_server.sql(count.format("coffee_checkpoint")) == "2"  # the alarm, the new machine


def test_overlapping_batches_of_many_machines_never_wait_for_each_other(
    odoo_server: OdooServer,
) -> None:
    """Each worker names the same machines in another order: without one order of locks, they
    would lock each other out."""
    machines = [f"cross-{number}" for number in range(6)]
    calls = []
    for worker in range(16):
        turned = machines[worker % 6 :] + machines[: worker % 6]
        facts = [brew(seq, machine) for machine in turned for seq in range(worker, worker + 20)]
        calls.append(("push", {"bridge": "bridge", "facts": facts}))
    answers = together(odoo_server, calls)
    assert not [one for answer in answers for one in answer["results"] if one["error"]]
    created = sum(o["status"] == "created" for answer in answers for o in answer["results"])
    held = odoo_server.sql(
        "SELECT count(*), count(DISTINCT (backend_id, coffee_id)) FROM coffee_brew WHERE"
        " backend_id IN (SELECT id FROM coffee_backend WHERE machine LIKE 'cross-%')"
    )
    assert held == f"{created}|{created}" == "210|210"
    assert {cursor["seq"] for cursor in answers[0]["cursors"]} <= {str(n) for n in range(35)}
    seqs = odoo_server.sql(
        "SELECT DISTINCT seq FROM coffee_journal WHERE backend_id IN (SELECT id FROM"
        " coffee_backend WHERE machine LIKE 'cross-%')"
    )
    assert seqs == "34"


def test_push_presence_recipes_and_orders_at_once(odoo_server: OdooServer) -> None:
    recipe = {"name": "espresso", "temp_mc": 93_000}
    calls: list[tuple[str, dict[str, Any]]] = []
    for number in range(12):
        state = {"machine": "busy", "online": True, "last_seen_ms": str(10**12 + number),
                 "alarms": []}  # fmt: skip
        calls += [
            ("push", {"bridge": "bridge", "facts": [brew(number, "busy")]}),
            ("presence", {"states": [state]}),
            ("import_recipes", {"machine": "busy", "rev": 1, "slots": {"0": recipe}}),
            ("fetch_orders", {"bridge": f"bridge-{number}", "limit": 10}),
        ]
    together(odoo_server, calls)
    assert odoo_server.sql("SELECT count(*) FROM coffee_recipe WHERE name = 'espresso'") == "1"


def test_machines_that_learn_the_same_new_drinks_share_their_products(
    odoo_server: OdooServer,
) -> None:
    """Each in another order of slots: who waited for who waits for it would be a deadlock."""
    drinks = [f"rush {number}" for number in range(4)]
    machines = [f"fresh-{number}" for number in range(12)]
    odoo_server.call("save_backends", drafts=[{"machine": machine} for machine in machines])
    calls = []
    for number, machine in enumerate(machines):
        turned = drinks[number % 4 :] + drinks[: number % 4]
        slots = {str(n): {"name": name, "temp_mc": 93_000} for n, name in enumerate(turned)}
        calls.append(("import_recipes", {"machine": machine, "rev": 1, "slots": slots}))
    answers = together(odoo_server, calls)
    assert {one["status"] for answer in answers for one in answer} == {"created"}
    held = odoo_server.sql(
        "SELECT count(*), count(DISTINCT odoo_id) FROM coffee_recipe WHERE name LIKE 'rush %'"
    )
    assert held == "48|4"


def test_a_job_that_began_before_the_newest_change_does_not_go_out_last(
    odoo_server: OdooServer,
) -> None:
    """As where jobs run side by side: the database refuses it, and queue_job repeats it."""
    recipe = {"name": "espresso", "temp_mc": 93_000}
    odoo_server.run_machine("side")
    odoo_server.call("import_recipes", machine="side", rev=1, slots={"0": recipe})
    found = odoo_server.shell("""
        from psycopg2.errors import SerializationFailure
        held = env["coffee.recipe"].search([("backend_id.machine", "=", "side")])
        held.with_context(connector_no_export=True).sync_state = "pending"  # a change before that
        env.cr.commit()
        held.temp_c  # what the slow job has read
        with env.registry.cursor() as other:
            newer = held.with_env(env(cr=other))
            newer.temp_c = 95
            newer.export_record()
        env.invalidate_all()
        try:
            with env.cr.savepoint():
                held.export_record()
            went_out = True
        except SerializationFailure:
            went_out = False
        env.cr.rollback()
        orders = env["coffee.command"].search([("backend_id.machine", "=", "side")], order="id")
        answer([went_out, orders[-1].args["recipe"]["temp_mc"]])
    """)
    assert found == [False, 95_000]


def test_a_deletion_that_began_before_a_new_recipe_was_saved_does_not_go_out_last(
    odoo_server: OdooServer,
) -> None:
    """The job sees nothing of the new recipe, and its order may come after that recipe's."""
    recipe = {"name": "espresso", "temp_mc": 93_000}
    odoo_server.run_machine("heir")
    odoo_server.call("import_recipes", machine="heir", rev=1, slots={"0": recipe})
    emptied = odoo_server.shell("""
        held = env["coffee.recipe"].search([("backend_id.machine", "=", "heir")])
        backend, drink = held.backend_id, held.odoo_id.copy()
        held.with_context(connector_no_export=True).unlink()
        env.cr.commit()
        backend.name  # the slow job has begun
        with env.registry.cursor() as other:
            made = env(cr=other)["coffee.recipe"].with_context(
                connector_no_export=True).create({
                "backend_id": backend.id, "coffee_id": "0", "name": "lungo",
                "odoo_id": drink.id, "temp_c": 92, "volume_ml": 60})
            made.export_record()
        answer(bool(env["coffee.recipe"].export_delete_record(backend, "0")))
    """)
    assert emptied, "the job has given its order"
    orders = odoo_server.call("fetch_orders", bridge="bridge", limit=1000)["orders"]
    assert [one["name"] for one in orders if one["machine"] == "heir"] == ["recipe.put"]


@pytest.mark.slow
def test_two_processes_race_as_threads_do(odoo_cluster: Cluster) -> None:
    """With `workers`, requests run in processes that share nothing but the database."""
    with OdooServer(odoo_cluster, "coffee_workers", workers=3, cron=False) as odoo:
        batch = [brew(seq, "rush") for seq in range(50)]
        answers = together(odoo, [("push", {"bridge": "bridge", "facts": batch})] * 12)
        found = Counter(one["status"] for answer in answers for one in answer["results"])
        assert found == {"created": 50, "unchanged": 550}
