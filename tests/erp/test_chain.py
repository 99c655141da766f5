"""The whole chain on real servers: firmware → mosquitto → bridge → Odoo, and back.

One Odoo, one bridge and one heated Coffee 1900 at the speed of the clock (deadlines go by it). The
tests tell one story and stand in its order.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from typing import Any

import pytest

from simulator.machine import Machine
from tests.erp.odoo19.server import OdooServer
from tests.erp.odoo19.template import Cluster
from tests.erp.site import environment, rows
from tests.support.stack import Stack, eventually

pytestmark = [pytest.mark.slow, pytest.mark.broker, pytest.mark.timeout(900)]
MACHINE = "sim-1900"
HEAT_UP_MS = 240_000
ENTER_S = 8
"""Five minutes of a busy ERP would be five minutes of test."""
POUR = {"COFFEE_POUR_PROBE_EVERY_S": "1", "COFFEE_POUR_PROBE_TIMEOUT_S": "5"}


@pytest.fixture(scope="module")
def odoo(odoo_cluster: Cluster) -> Iterator[OdooServer]:
    with OdooServer(odoo_cluster, "coffee_chain") as server:
        yield server


@pytest.fixture(scope="module")
def stack(odoo: OdooServer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    folder = tmp_path_factory.mktemp("chain")
    with Machine("1900", name=MACHINE, data=folder / MACHINE) as machine:
        machine.run(HEAT_UP_MS)
    with pytest.MonkeyPatch.context() as patch:
        for name, value in {**environment(odoo), **POUR}.items():
            patch.setenv(name, value)
        with Stack(folder, models=("1900",), speed=1) as made:
            yield made


def brews(odoo: OdooServer) -> list[dict[str, Any]]:
    return rows(odoo, "SELECT w.*, c.uid AS ordered_as FROM coffee_brew w LEFT JOIN coffee_command"
                      " c ON c.id = w.command_id ORDER BY w.id")  # fmt: skip


def backend(odoo: OdooServer) -> dict[str, Any]:
    (found,) = rows(odoo, f"SELECT * FROM coffee_backend WHERE machine = '{MACHINE}'")
    return found


def ready(stack: Stack) -> Machine:
    machine = stack.machines[MACHINE]
    for name, value in {"tank_ml": 1800, "tray_ml": 0, "hopper_g": 250, "barista": 1}.items():
        machine.set(name, value)
    machine.set("cup", 1)
    stack.wait_state(MACHINE, state="ready", cup=True, water=True)
    return machine


def test_a_machine_becomes_a_draft_and_its_recipes_are_bound(
    odoo: OdooServer, stack: Stack
) -> None:
    held = eventually(lambda: stack.wire.latest(f"coffee/v1/{MACHINE}/recipes"))
    eventually(lambda: rows(odoo, "SELECT id FROM coffee_recipe"), 60)
    assert (backend(odoo)["version"], backend(odoo)["state"]) == ("1900", "draft")
    bound = rows(odoo, "SELECT coffee_id, name, recipe FROM coffee_recipe WHERE active")
    assert {row["coffee_id"]: row["name"] for row in bound} == {
        slot: recipe["name"] for slot, recipe in held["slots"].items()
    }
    odoo.run_machine(MACHINE, "1900")
    eventually(lambda: backend(odoo)["online"], 60)


def test_a_brew_at_the_machine_is_a_record(odoo: OdooServer, stack: Stack) -> None:
    ready(stack).press("brew")
    eventually(lambda: brews(odoo), 120)
    (record,) = brews(odoo)
    assert (record["source"], record["result"], record["slot"]) == ("local", "ok", "0")
    assert record["recipe_id"] and record["time_known"] and record["volume_ul"] > 20_000, record
    (told,) = [
        fact
        for message in stack.wire.messages
        if message.topic == f"coffee/v1/{MACHINE}/journal"
        for fact in message.json["facts"]
        if record["coffee_id"] == f"{message.json['journal']}/{fact['seq']}"
    ][:1]
    same = set(told) & set(record) - {"kind", "seq"}
    assert len(same) > 12
    assert {name: record[name] for name in same} == {name: told[name] for name in same}
    # the console shows the same, out of its own store
    status, shown = eventually(
        lambda: (found := stack.http(f"/api/brews?machine={MACHINE}")) and found[1] and found
    )
    assert status == 200
    assert [brew["external_id"] for brew in shown] == [record["coffee_id"]]
    journal, _, seq = record["coffee_id"].partition("/")
    eventually(lambda: stack.acked(MACHINE).get("seq", -1) >= int(seq))
    assert stack.acked(MACHINE)["journal"] == journal


def test_an_alarm_is_a_checkpoint_until_it_is_reviewed_in_odoo(
    odoo: OdooServer, stack: Stack
) -> None:
    ready(stack).set("tank_ml", 0)
    domain = [("model", "=", "coffee.alarm")]
    (asked, *_) = eventually(
        lambda: odoo.records("coffee.checkpoint", ["coffee_id", "state", "summary"], domain), 60
    )
    assert asked["state"] == "review" and "tank" in asked["summary"]
    eventually(lambda: [c for c in open_here(stack) if c["coffee_id"] == asked["coffee_id"]])
    eventually(lambda: "tank" in str(backend(odoo)["alarm_codes"]), 60)
    odoo.admin("coffee.checkpoint", "write", [asked["id"]], {"note": "filled the tank"})
    odoo.admin("coffee.checkpoint", "action_review", [asked["id"]])
    eventually(lambda: asked["coffee_id"] not in [c["coffee_id"] for c in open_here(stack)], 60)
    (closed,) = [
        c for c in stack.http("/api/checkpoints?state=done")[1]
        if c["coffee_id"] == asked["coffee_id"]
    ]  # fmt: skip
    assert closed["reviewed_by"] and closed["note"] == "filled the tank"
    stack.machines[MACHINE].set("tank_ml", 1800)
    stack.wait_state(MACHINE, water=True)
    # it latches until a person acknowledges it; here the one who reviewed it
    eventually(lambda: acknowledged(odoo, stack), 120, 1)


def acknowledged(odoo: OdooServer, stack: Stack) -> bool:
    """Refused while the alarm still stands: water first has to be seen for a while."""
    ended(odoo, order(odoo, name="alarm.ack", args={}))
    return stack.state(MACHINE).get("latched") == []


def open_here(stack: Stack) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = stack.http("/api/checkpoints?state=open")[1] or []
    return found


def test_a_review_in_the_console_is_sent_to_the_erp(stack: Stack) -> None:
    (some, *_) = open_here(stack)
    status, told = stack.http(f"/api/checkpoints/{some['id']}/review", {"note": "x"})
    assert status == 422 and "review it in the ERP" in told["message"]


def test_a_recipe_changed_in_odoo_reaches_the_machine(odoo: OdooServer, stack: Stack) -> None:
    (binding,) = odoo.records(
        "coffee.recipe", ["name", "volume_ml", "sync_date"], [("coffee_id", "=", "0")]
    )
    odoo.admin("coffee.recipe", "write", [binding["id"]], {"name": "morning", "volume_ml": 42.0})

    def held() -> dict[str, Any]:
        slots = (stack.wire.latest(f"coffee/v1/{MACHINE}/recipes") or {"slots": {}})["slots"]
        found: dict[str, Any] = slots["0"]
        return found

    eventually(lambda: held()["name"] == "morning", 120)
    assert held()["volume_ul"] == 42_000

    def synced() -> bool:
        (now,) = odoo.records(
            "coffee.recipe", ["sync_state", "sync_date"], [("id", "=", binding["id"])]
        )
        return now["sync_state"] == "synced" and now["sync_date"] != binding["sync_date"]

    eventually(synced, 60)


def order(odoo: OdooServer, **values: Any) -> str:
    given = {"backend_id": backend(odoo)["id"], **values}
    made = odoo.admin("coffee.command", "create", given)
    (command,) = odoo.admin("coffee.command", "read", [made], ["uid"])
    return str(command["uid"])


def ended(odoo: OdooServer, uid: str) -> dict[str, Any]:
    """The order once it has ended."""

    def look() -> dict[str, Any] | None:
        (found,) = odoo.records("coffee.command", ["state", "message"], [("uid", "=", uid)])
        return None if found["state"] == "waiting" else found

    found: dict[str, Any] = eventually(look, 60)
    return found


def test_a_brew_ordered_in_odoo_is_a_shot_and_a_record(odoo: OdooServer, stack: Stack) -> None:
    ready(stack)
    before = len(brews(odoo))
    uid = order(odoo, name="brew", args={"slot": "0"})
    ended_as = ended(odoo, uid)
    assert ended_as["state"] == "ok", ended_as["message"]
    eventually(lambda: len(brews(odoo)) > before, 120)
    record = brews(odoo)[-1]
    assert (record["source"], record["command"], record["ordered_as"]) == ("remote", uid, uid)


def test_a_refusal_says_why(odoo: OdooServer, stack: Stack) -> None:
    ready(stack).set("cup", 0)
    stack.wait_state(MACHINE, cup=False)
    refused = ended(odoo, order(odoo, name="brew", args={"slot": "0"}))
    assert refused["state"] == "refused" and "cup" in refused["message"]
    stack.machines[MACHINE].set("cup", 1)


def test_a_temperature_and_a_clean_ordered_in_odoo(odoo: OdooServer, stack: Stack) -> None:
    """As the form orders them: no arguments, but its fields."""
    ready(stack)
    for temp_mc in (92_500, 93_000):
        warmer = ended(odoo, order(odoo, name="setpoint", setpoint_c=temp_mc / 1000))
        assert warmer["state"] == "ok", warmer["message"]
        stack.wait_state(MACHINE, setpoint_mc=temp_mc)
    stack.wait_state(MACHINE, state="ready")
    clean = ended(odoo, order(odoo, name="clean"))
    assert clean["state"] == "ok", clean["message"]
    assert ended(odoo, order(odoo, name="stop"))["state"] == "ok"


# --- pour a coffee when OpenERP is busy for too long
def test_the_signs_from_inside(odoo: OdooServer, stack: Stack) -> None:
    """A transaction that stays open, as a stuck job's would."""
    sleeper = threading.Thread(target=odoo.sql, args=("SELECT pg_sleep(9)",))
    sleeper.start()
    signals = eventually(
        lambda: (s := odoo.call("fetch_orders", bridge="bridge", limit=1)["pour"]["signals"])
        and s["oldest_transaction_s"] >= 2 and s, 30,
    )  # fmt: skip
    assert set(signals) >= {"oldest_started_job_s", "late_cron_s", "pending_jobs"}
    sleeper.join()


def test_an_odoo_kept_busy_pours_a_coffee(odoo: OdooServer, stack: Stack) -> None:
    ready(stack)
    before = len(brews(odoo))
    odoo.admin("coffee.backend", "write", [backend(odoo)["id"]], {
        "pour_enabled": True, "pour_slot": "0", "pour_enter_s": ENTER_S, "pour_threshold_ms": 400,
        "pour_office_from": 0.0, "pour_office_to": 24.0, "pour_office_days": "1,2,3,4,5,6,7",
    })  # fmt: skip
    eventually(lambda: stack.http("/healthz")[1]["pour"] == "idle")
    mark = stack.wire.mark()
    report = long_report(odoo)
    stop = threading.Event()
    crowd = [threading.Thread(target=keep_busy, args=(odoo, report, stop)) for _ in range(24)]
    for worker in crowd:
        worker.start()
    try:
        poured = stack.wire.wait(
            f"coffee/v1/{MACHINE}/cmd/brew", lambda sent: True, mark, timeout_s=180
        )
    finally:
        stop.set()
        for worker in crowd:
            worker.join()
    eventually(lambda: len(brews(odoo)) > before, 120)
    record = brews(odoo)[-1]
    assert (record["source"], record["command"]) == ("remote", poured.json["id"])
    sent = [m for m in stack.wire.messages[mark:] if m.topic.endswith("/cmd/brew")]
    assert {m.json["id"] for m in sent} == {poured.json["id"]}


def long_report(odoo: OdooServer) -> int:
    """Seconds of Python's work, so the others wait for it; a short answer, so the test's own
    process does not."""
    (model,) = odoo.records("ir.model", ["id"], [("model", "=", "res.partner")])
    (action,) = odoo.admin("ir.actions.server", "create", [{
        "name": "A long report", "model_id": model["id"], "state": "code",
        "code": "total = 0\nfor n in range(3_000_000):\n    total += n",
    }])  # fmt: skip
    return int(action)


def keep_busy(odoo: OdooServer, report: int, stop: threading.Event) -> None:
    while not stop.is_set():
        try:
            odoo.admin("ir.actions.server", "run", [report])
        except OSError:
            time.sleep(0.1)
