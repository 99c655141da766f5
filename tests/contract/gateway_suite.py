"""What every gateway must do, whichever ERP is behind it.

A gateway's test module defines a fixture `site` that yields a fresh, empty `Site` and imports
this class: `from tests.contract.gateway_suite import GatewayContract as TestContract`. What the
port does not let the bridge read, the site reads from the ERP's own tables.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Callable
from dataclasses import replace
from typing import Any, Protocol

import pytest

from host_bridge.gateway.port import (
    ALARM,
    BACKEND,
    BREW,
    EVENT,
    FACT_MODELS,
    FIRST_SEEN,
    MAINTENANCE,
    METER,
    RECIPE,
    BackendDraft,
    CheckpointDraft,
    CheckpointKey,
    Done,
    FactPush,
    Gateway,
    Presence,
    Review,
    Transient,
)

UTC_MS = 1_767_225_600_000
FACT = {"boot": 17, "uptime_ms": 61000, "utc_ms": UTC_MS, "time_known": True}
VALUES: dict[str, dict[str, Any]] = {
    BREW: {**FACT, "shot": 23, "slot": "0", "recipe_rev": 7, "source": "local", "command": None,
           "start_uptime_ms": 31000, "start_ms": UTC_MS - 30_000, "duration_ms": 28400,
           "volume_ul": 36100, "temp_mean_mc": 92950, "energy_j": 9100, "result": "ok",
           "reason": None},
    ALARM: {**FACT, "code": "tank_empty", "raised": True, "severity": "warning", "latched": True},
    METER: {**FACT, "day": None, "water_ul": 1, "energy_j": 2, "grinds": 3, "shots": 4},
    MAINTENANCE: {**FACT, "code": "descale_due", "value": -1},
    EVENT: {**FACT, "kind": "boot", "detail": {"cause": "power"}},
}  # fmt: skip
KINDS = {BREW: "brew", ALARM: "alarm", METER: "meter", MAINTENANCE: "maintenance", EVENT: "boot"}
ESPRESSO = {"name": "espresso", "temp_mc": 93000, "volume_ul": 36000}
LOOK = Review("look at it", "fr_FR")
JOURNAL = "9f3a51c2"


class Site(Protocol):
    """One ERP with nothing in it, and the gateway to it."""

    gateway: Gateway

    def records(self, model: str, machine: str) -> dict[str, dict[str, Any]]:
        """coffee_id → field → value. Two records of one id fail here."""

    def checkpoints(self, machine: str) -> dict[tuple[str, str], str]:
        """(model, coffee_id) → "open" or "done"."""

    def review(self, machine: str, coffee_id: str, note: str) -> None:
        """As a person would, in the ERP."""

    def order(self, machine: str, name: str, args: dict[str, Any], deadline_ms: int | None) -> str:
        """What a person wants of a machine; returns the id it is fetched under."""

    def order_state(self, order_id: str) -> tuple[str, str]:
        """(state, message) as the person sees it."""


def fact(seq: int, model: str = BREW, machine: str = "m1", **changes: Any) -> FactPush:
    values = {**VALUES[model], **changes}
    payload = {"seq": seq, "kind": KINDS[model], "from_a_newer_firmware": 2**40, **values}
    return FactPush(machine, JOURNAL, seq, model, values, json.dumps(payload).encode())


def ids(*seqs: int) -> list[str]:
    return [f"{JOURNAL}/{seq}" for seq in seqs]


def stati(gateway: Gateway, *facts: FactPush) -> list[str]:
    return [answer.status for answer in gateway.push(facts)]


@pytest.fixture
def gateway(site: Site) -> Gateway:
    site.gateway.save_backends([BackendDraft("m1", "2900", "e6614103")])
    return site.gateway


class GatewayContract:
    # --- backends
    def test_a_backend_is_one_machine(self, site: Site) -> None:
        drafts = [BackendDraft("m1", "1900"), BackendDraft("m2", "2900", "e66", "fr_FR", "0.2.0")]
        first = site.gateway.save_backends(drafts)
        assert [(r.machine, r.version, r.refused) for r in first] == [
            ("m1", "1900", False), ("m2", "2900", False)]  # fmt: skip
        again = site.gateway.save_backends(list(reversed(drafts)))
        assert [r.machine for r in again] == ["m2", "m1"]

    def test_a_version_learnt_later_is_kept(self, site: Site) -> None:
        assert site.gateway.save_backends([BackendDraft("m1", "")])[0].version == ""
        assert site.gateway.save_backends([BackendDraft("m1", "1900")])[0].version == "1900"
        assert site.gateway.save_backends([BackendDraft("m1", "")])[0].version == "1900"

    def test_a_machine_met_for_the_first_time_is_asked_about_once(self, site: Site) -> None:
        for _ in range(2):
            site.gateway.save_backends([BackendDraft("m1", "1900")])
            site.gateway.push([fact(1, machine="m2")])
        for machine in ("m1", "m2"):
            assert site.checkpoints(machine) == {(BACKEND, FIRST_SEEN): "open"}

    # --- facts
    @pytest.mark.parametrize("model", FACT_MODELS)
    def test_what_is_pushed_is_there_as_it_was_sent(
        self, site: Site, gateway: Gateway, model: str
    ) -> None:
        assert stati(gateway, fact(0, model), fact(1, model)) == ["created", "created"]
        found = site.records(model, "m1")
        assert sorted(found) == ids(0, 1)
        for name, value in VALUES[model].items():
            held = found[f"{JOURNAL}/0"][name]
            assert held == value or not (held or value), (name, held, value)

    @pytest.mark.parametrize("model", FACT_MODELS)
    def test_pushing_again_doubles_and_changes_nothing(
        self, site: Site, gateway: Gateway, model: str
    ) -> None:
        gateway.push([fact(1, model)])
        before = site.records(model, "m1")
        assert stati(gateway, fact(1, model), fact(2, model)) == ["unchanged", "created"]
        assert site.records(model, "m1")[f"{JOURNAL}/1"] == before[f"{JOURNAL}/1"]
        assert stati(gateway, fact(3, model), fact(3, model)) == ["created", "unchanged"]

    def test_a_corrected_fact_is_brought_up_to_date(self, site: Site, gateway: Gateway) -> None:
        gateway.push([fact(1)])
        assert stati(gateway, fact(1, volume_ul=36200)) == ["updated"]
        assert site.records(BREW, "m1")[f"{JOURNAL}/1"]["volume_ul"] == 36200
        assert stati(gateway, fact(1, volume_ul=36200)) == ["unchanged"]

    def test_history_sent_again_changes_nothing(self, site: Site, gateway: Gateway) -> None:
        gateway.push([fact(1)])
        less = [replace(fact(seq, volume_ul=1), payload=b"{}", again=True) for seq in (1, 2)]
        assert stati(gateway, *less) == ["unchanged", "created"]
        found = site.records(BREW, "m1")
        assert [found[key]["volume_ul"] for key in ids(1, 2)] == [36100, 1]

    def test_a_checkpoint_that_came_before_its_record(self, site: Site, gateway: Gateway) -> None:
        gateway.add_checkpoints([CheckpointDraft("m1", ALARM, f"{JOURNAL}/1", "look at it")])
        gateway.push([replace(fact(1, ALARM), review=LOOK)])
        assert set(site.checkpoints("m1")) == {
            (BACKEND, FIRST_SEEN), (ALARM, f"{JOURNAL}/1")}  # fmt: skip

    def test_a_known_time_is_never_made_unknown(self, site: Site, gateway: Gateway) -> None:
        unknown = {"utc_ms": None, "time_known": False, "start_ms": None}
        gateway.push([fact(1), fact(2, **unknown)])
        assert stati(gateway, fact(1, **unknown), fact(2)) == ["unchanged", "updated"]
        found = site.records(BREW, "m1")
        assert [found[key]["utc_ms"] for key in ids(1, 2)] == [UTC_MS, UTC_MS]
        assert [bool(found[key]["time_known"]) for key in ids(1, 2)] == [True, True]

    def test_numbers_beyond_32_bits(self, site: Site, gateway: Gateway) -> None:
        big = 2**53 - 1
        gateway.push([fact(2**31 - 1, METER, uptime_ms=big, water_ul=big)])
        found = site.records(METER, "m1")[f"{JOURNAL}/{2**31 - 1}"]
        assert (found["uptime_ms"], found["water_ul"]) == (big, big)

    def test_the_same_id_of_another_machine_is_another_record(
        self, site: Site, gateway: Gateway
    ) -> None:
        assert stati(gateway, fact(1), fact(1, machine="m2")) == ["created", "created"]
        assert len(site.records(BREW, "m1")) == len(site.records(BREW, "m2")) == 1

    @pytest.mark.parametrize(
        "bad",
        [{"energy_j": 2**70}, {"volume_ul": -1}, {"result": None}],
        ids=lambda bad: next(iter(bad)),
    )
    def test_one_that_can_never_be_taken_is_refused_alone(
        self, site: Site, gateway: Gateway, bad: dict[str, Any]
    ) -> None:
        batch = [fact(seq) for seq in range(1, 8)]
        batch[2] = batch[5] = fact(3, **bad)
        answers = gateway.push(batch)
        taken, refused = "created", "refused"
        assert [a.status for a in answers] == [
            taken, taken, refused, taken, taken, refused, taken]  # fmt: skip
        assert answers[2].error and not answers[0].error
        assert sorted(site.records(BREW, "m1")) == ids(1, 2, 4, 5, 7)
        assert stati(gateway, fact(3)) == ["created"]

    def test_an_unknown_model_is_refused(self, gateway: Gateway) -> None:
        tea = replace(fact(1), model="coffee.tea")
        (answer, good) = gateway.push([tea, fact(2)])
        assert (answer.status, good.status) == ("refused", "created")
        assert "coffee.tea" in answer.error

    def test_empty_batches_are_nothing(self, gateway: Gateway) -> None:
        assert gateway.save_backends([]) == []
        assert gateway.push([]) == []
        assert gateway.reviewed([]) == []
        gateway.add_checkpoints([])
        gateway.presence([])
        gateway.finished([])

    def test_a_thousand_facts_are_one_batch(self, site: Site, gateway: Gateway) -> None:
        batch = [fact(seq, FACT_MODELS[seq % 5]) for seq in range(1000)]
        assert set(stati(gateway, *batch)) == {"created"}
        assert set(stati(gateway, *batch)) == {"unchanged"}
        assert sum(len(site.records(model, "m1")) for model in FACT_MODELS) == 1000

    def test_two_bridges_racing_make_one_record(self, site: Site, gateway: Gateway) -> None:
        batch = [replace(fact(seq, ALARM), review=LOOK) for seq in range(50)]
        answers: list[list[str]] = []

        def race() -> None:
            while True:
                try:
                    answers.append(stati(gateway, *batch))
                    return
                except Transient:  # the loser of a race may have to ask again
                    continue

        _together(race, race)
        assert sorted(site.records(ALARM, "m1")) == sorted(ids(*range(50)))
        assert len(site.checkpoints("m1")) == 51
        assert set(zip(*answers, strict=True)) <= {
            ("created", "unchanged"), ("unchanged", "created")}  # fmt: skip

    # --- checkpoints
    def test_a_fact_to_look_at_has_one_checkpoint(self, site: Site, gateway: Gateway) -> None:
        """Of an alarm an ERP may judge itself; of this nobody else would make one."""
        looked_at = replace(fact(1, MAINTENANCE), review=LOOK)
        for _ in range(2):
            gateway.push([looked_at, fact(2, MAINTENANCE)])
        assert site.checkpoints("m1") == {
            (BACKEND, FIRST_SEEN): "open", (MAINTENANCE, f"{JOURNAL}/1"): "open"}  # fmt: skip

    def test_checkpoints_are_unique_by_their_key(self, site: Site, gateway: Gateway) -> None:
        drafts = [
            CheckpointDraft("m1", BACKEND, "lost/9f3a/1-5", "5 facts lost"),
            CheckpointDraft("m1", EVENT, "lost/9f3a/1-5", "5 facts lost"),
            CheckpointDraft("m2", BACKEND, "lost/9f3a/1-5", "5 facts lost"),
        ]
        for _ in range(2):
            gateway.add_checkpoints([*drafts, drafts[0]])
        expected = {(BACKEND, FIRST_SEEN)} | {(m, "lost/9f3a/1-5") for m in (BACKEND, EVENT)}
        assert set(site.checkpoints("m1")) == expected
        assert (BACKEND, "lost/9f3a/1-5") in site.checkpoints("m2")

    def test_a_review_is_told_and_never_undone(self, site: Site, gateway: Gateway) -> None:
        looked_at = replace(fact(1, ALARM), review=LOOK)
        gateway.push([looked_at])
        keys = [
            CheckpointKey("m1", BACKEND, FIRST_SEEN),
            CheckpointKey("m1", ALARM, f"{JOURNAL}/1"),
            CheckpointKey("m1", ALARM, "not/there"),
        ]
        assert [found.key for found in gateway.reviewed(keys)] == keys[2:]
        site.review("m1", f"{JOURNAL}/1", "filled the tank")
        found = {one.key: one for one in gateway.reviewed(keys)}
        assert set(found) == set(keys[1:])
        assert found[keys[1]].user and "filled the tank" in found[keys[1]].note
        assert (found[keys[2]].user, found[keys[2]].reviewed_ms) == ("", None)
        gateway.push([looked_at])
        gateway.add_checkpoints([CheckpointDraft("m1", ALARM, f"{JOURNAL}/1", "again")])
        assert site.checkpoints("m1")[ALARM, f"{JOURNAL}/1"] == "done"

    # --- recipes
    def test_recipes_follow_the_machine(self, site: Site, gateway: Gateway) -> None:
        answers = gateway.import_recipes("m1", 1, {"0": ESPRESSO, "3": ESPRESSO})
        assert {slot: a.status for slot, a in answers.items()} == {"0": "created", "3": "created"}
        assert gateway.import_recipes("m1", 1, {"0": ESPRESSO, "3": ESPRESSO})["0"].status == (
            "unchanged")  # fmt: skip
        changed = {**ESPRESSO, "name": "ristretto", "volume_ul": 20000}
        assert gateway.import_recipes("m1", 2, {"0": changed})["0"].status == "updated"
        found = site.records(RECIPE, "m1")
        assert (found["0"]["name"], found["0"]["rev"]) == ("ristretto", 2)
        assert (bool(found["0"]["active"]), bool(found["3"]["active"])) == (True, False)
        gateway.import_recipes("m1", 3, {"0": changed, "3": ESPRESSO})
        assert site.records(RECIPE, "m1")["3"]["active"]

    def test_a_brew_finds_its_recipe_slot_zero_included(
        self, site: Site, gateway: Gateway
    ) -> None:
        gateway.import_recipes("m1", 1, {"0": ESPRESSO})
        gateway.push([fact(1, slot="0"), fact(2, slot="9")])
        found = site.records(BREW, "m1")
        assert [bool(found[key]["recipe_id"]) for key in ids(1, 2)] == [True, False]

    # --- orders
    def test_orders_are_asked_for_until_their_end_is_told(
        self, site: Site, gateway: Gateway
    ) -> None:
        deadline_ms = 2_000_000_000_000
        brew = site.order("m1", "brew", {"slot": "0"}, deadline_ms)
        for _ in range(2):
            (order,) = gateway.fetch(10).orders
            assert (order.id, order.machine, order.name, order.args, order.deadline_ms) == (
                brew, "m1", "brew", {"slot": "0"}, deadline_ms)  # fmt: skip
            assert order.user
        assert gateway.fetch(10, [brew]).orders == []
        gateway.finished([Done(brew, "refused", "no cup: put one there"), Done("unknown", "ok")])
        assert gateway.fetch(10).orders == []
        state, message = site.order_state(brew)
        assert state == "refused" and "no cup" in message

    def test_the_oldest_orders_come_first(self, site: Site, gateway: Gateway) -> None:
        orders = [site.order("m1", "standby", {}, 2_000_000_000_000) for _ in range(4)]
        assert len(set(orders)) == 4
        assert [order.id for order in gateway.fetch(3).orders] == orders[:3]
        assert [order.id for order in gateway.fetch(3, orders[:2]).orders] == orders[2:]

    # --- health
    def test_a_healthy_gateway_answers(self, gateway: Gateway) -> None:
        gateway.probe()
        assert gateway.hello().server
        gateway.presence([Presence("m1", True, UTC_MS, ("tank_empty",)),
                          Presence("nobody", False, UTC_MS)])  # fmt: skip
        assert gateway.fetch(10).orders == []

    def test_one_that_is_gone_is_transient(self, gateway: Gateway) -> None:
        gateway.close()
        for call in (
            gateway.probe,
            gateway.hello,
            lambda: gateway.push([fact(1)]),
            lambda: gateway.save_backends([BackendDraft("m1", "1900")]),
            lambda: gateway.add_checkpoints([CheckpointDraft("m1", ALARM, "1", "x")]),
            lambda: gateway.fetch(1),
            lambda: gateway.finished([Done("1", "ok")]),
        ):
            with pytest.raises(Transient):
                call()


def _together(*calls: Callable[[], None]) -> None:
    threads = [threading.Thread(target=call) for call in calls]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
