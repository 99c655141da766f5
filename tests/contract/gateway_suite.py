"""What every gateway must do, whichever ERP is behind it.

A gateway's test module defines a fixture `gateway` that yields a fresh, empty one and imports
this class: `from tests.contract.gateway_suite import GatewayContract as TestContract`.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

import pytest

from host_bridge.gateway.port import (
    ALARM,
    BREW,
    EVENT,
    MAINTENANCE,
    METER,
    MODELS,
    RECIPE,
    BackendDraft,
    CheckpointDraft,
    Gateway,
    Key,
    Permanent,
    Transient,
)

FACT = {"boot": 17, "uptime_ms": 61000, "utc_ms": 1_767_225_600_000, "time_known": True}
VALUES: dict[str, dict[str, Any]] = {
    BREW: {**FACT, "shot": 23, "slot": "0", "recipe_rev": 7, "source": "local", "command": None,
           "start_uptime_ms": 31000, "start_ms": 1_767_225_570_000, "duration_ms": 28400,
           "volume_ul": 36100, "temp_mean_mc": 92950, "energy_j": 9100, "result": "ok",
           "reason": None, "recipe_id": None},
    ALARM: {**FACT, "code": "tank_empty", "raised": True, "severity": "warning", "latched": True},
    METER: {**FACT, "day": None, "water_ul": 1, "energy_j": 2, "grinds": 3, "shots": 4},
    MAINTENANCE: {**FACT, "code": "descale_due", "value": -1},
    EVENT: {**FACT, "kind": "boot", "detail": {"cause": "power"}},
    RECIPE: {"name": "espresso", "recipe": {"temp_mc": 93000}, "rev": 1, "active": True},
}  # fmt: skip


def record(model: str, backend_id: int, coffee_id: str, **changes: Any) -> dict[str, Any]:
    return {"backend_id": backend_id, "coffee_id": coffee_id, **VALUES[model], **changes}


@pytest.fixture
def backend_id(gateway: Gateway) -> int:
    return gateway.save_backends([BackendDraft("m1", "2900", "e6614103")])[0].id


class GatewayContract:
    # --- backends
    def test_a_backend_is_one_machine(self, gateway: Gateway) -> None:
        drafts = [BackendDraft("m1", "1900"), BackendDraft("m2", "2900", None, "fr_FR")]
        first = gateway.save_backends(drafts)
        assert [(r.machine, r.version) for r in first] == [("m1", "1900"), ("m2", "2900")]
        assert first[1].language == "fr_FR"
        again = gateway.save_backends(list(reversed(drafts)))
        assert [r.id for r in again] == [first[1].id, first[0].id]

    def test_a_version_learnt_later_is_kept(self, gateway: Gateway) -> None:
        unknown = gateway.save_backends([BackendDraft("m1", "")])[0]
        assert unknown.version == ""
        known = gateway.save_backends([BackendDraft("m1", "1900")])[0]
        assert (known.id, known.version) == (unknown.id, "1900")
        assert gateway.save_backends([BackendDraft("m1", "")])[0].version == "1900"

    # --- bindings
    @pytest.mark.parametrize("model", MODELS)
    def test_what_is_created_is_found(self, gateway: Gateway, backend_id: int, model: str) -> None:
        ids = gateway.create_bindings(
            model, [record(model, backend_id, "9f3a/0"), record(model, backend_id, "9f3a/1")]
        )
        keys = [Key(backend_id, f"9f3a/{seq}") for seq in range(3)]
        assert gateway.search_bindings(model, keys) == {keys[0]: ids[0], keys[1]: ids[1]}

    @pytest.mark.parametrize("model", MODELS)
    def test_creating_again_doubles_and_changes_nothing(
        self, gateway: Gateway, backend_id: int, model: str
    ) -> None:
        (first,) = gateway.create_bindings(model, [record(model, backend_id, "0")])
        again = [record(model, backend_id, "0"), record(model, backend_id, "1")]
        ids = gateway.create_bindings(model, again)
        assert ids[0] == first and ids[1] != first
        twice_in_one = gateway.create_bindings(model, [record(model, backend_id, "2")] * 2)
        assert twice_in_one[0] == twice_in_one[1]

    def test_an_external_id_is_text_and_zero_is_one(
        self, gateway: Gateway, backend_id: int
    ) -> None:
        gateway.create_bindings(RECIPE, [record(RECIPE, backend_id, "0")])
        assert list(gateway.search_bindings(RECIPE, [Key(backend_id, "0")])) == [(backend_id, "0")]
        for bad in ("", 0, None):
            with pytest.raises(Permanent):
                gateway.create_bindings(RECIPE, [record(RECIPE, backend_id, bad)])  # type: ignore[arg-type]

    def test_the_same_id_of_another_machine_is_another_record(self, gateway: Gateway) -> None:
        one, two = gateway.save_backends([BackendDraft("m1", "1900"), BackendDraft("m2", "1900")])
        ids = gateway.create_bindings(
            BREW, [record(BREW, one.id, "9f3a/1"), record(BREW, two.id, "9f3a/1")]
        )
        assert ids[0] != ids[1]

    def test_a_batch_is_taken_whole_or_not_at_all(self, gateway: Gateway, backend_id: int) -> None:
        batch = [record(BREW, backend_id, f"9f3a/{seq}") for seq in range(5)]
        batch[3] = record(BREW, backend_id, "9f3a/3", volume_ul=None)
        with pytest.raises(Permanent):
            gateway.create_bindings(BREW, batch)
        keys = [Key(backend_id, f"9f3a/{seq}") for seq in range(5)]
        assert gateway.search_bindings(BREW, keys) == {}

    @pytest.mark.parametrize(
        "changes", [{"no_such_field": 1}, {"backend_id": 999_999}, {"energy_j": 2**70}]
    )
    def test_what_can_never_be_taken_is_permanent(
        self, gateway: Gateway, backend_id: int, changes: dict[str, Any]
    ) -> None:
        with pytest.raises(Permanent):
            gateway.create_bindings(BREW, [{**record(BREW, backend_id, "9f3a/1"), **changes}])

    def test_an_unknown_model_is_permanent(self, gateway: Gateway, backend_id: int) -> None:
        for call in (
            lambda: gateway.create_bindings("coffee.tea", [record(BREW, backend_id, "1")]),
            lambda: gateway.search_bindings("coffee.tea", [Key(backend_id, "1")]),
            lambda: gateway.write("coffee.tea", [(1, {"name": "x"})]),
        ):
            with pytest.raises(Permanent):
                call()

    def test_write_changes_what_is_given(self, gateway: Gateway, backend_id: int) -> None:
        (id,) = gateway.create_bindings(RECIPE, [record(RECIPE, backend_id, "0")])
        gateway.write(RECIPE, [(id, {"name": "lungo", "active": False})])
        with pytest.raises(Permanent):
            gateway.write(RECIPE, [(id, {"name": "never"}), (999_999, {"name": "never"})])

    def test_empty_batches_are_nothing(self, gateway: Gateway) -> None:
        assert gateway.save_backends([]) == []
        assert gateway.create_bindings(BREW, []) == []
        assert gateway.search_bindings(BREW, []) == {}
        assert gateway.add_checkpoints([]) == []
        gateway.write(BREW, [])
        gateway.finished([])

    def test_a_thousand_records_are_one_batch(self, gateway: Gateway, backend_id: int) -> None:
        batch = [record(BREW, backend_id, f"9f3a/{seq}") for seq in range(1000)]
        ids = gateway.create_bindings(BREW, batch)
        assert len(set(ids)) == 1000
        keys = [Key(backend_id, f"9f3a/{seq}") for seq in range(1000)]
        found = gateway.search_bindings(BREW, keys)
        assert [found[key] for key in keys] == ids

    def test_two_bridges_racing_make_one_record(self, gateway: Gateway, backend_id: int) -> None:
        found: list[list[int]] = []

        def race() -> None:
            batch = [record(BREW, backend_id, f"9f3a/{seq}") for seq in range(50)]
            found.append(gateway.create_bindings(BREW, batch))

        _together(race, race)
        assert found[0] == found[1]

    # --- checkpoints
    def test_a_checkpoint_is_added_once(self, gateway: Gateway, backend_id: int) -> None:
        draft = CheckpointDraft(backend_id, ALARM, "9f3a/1", "look")
        (first,) = gateway.add_checkpoints([draft])
        other = CheckpointDraft(backend_id, ALARM, "9f3a/2", "look")
        again = gateway.add_checkpoints([draft, other, draft])
        assert again[0] == again[2] == first and again[1] != first

    def test_a_checkpoint_of_no_backend_is_permanent(self, gateway: Gateway) -> None:
        with pytest.raises(Permanent):
            gateway.add_checkpoints([CheckpointDraft(999_999, ALARM, "1", "look")])

    # --- health
    def test_a_healthy_gateway_answers_the_probe(self, gateway: Gateway) -> None:
        gateway.probe()
        assert gateway.recipes_to_export(10) == []
        assert gateway.commands_to_run(10) == []

    def test_one_that_is_gone_is_transient(self, gateway: Gateway, backend_id: int) -> None:
        gateway.close()
        for call in (
            gateway.probe,
            lambda: gateway.create_bindings(BREW, [record(BREW, backend_id, "9f3a/1")]),
            lambda: gateway.search_bindings(BREW, [Key(backend_id, "9f3a/1")]),
            lambda: gateway.save_backends([BackendDraft("m1", "1900")]),
            lambda: gateway.add_checkpoints([CheckpointDraft(backend_id, ALARM, "1", "x")]),
            lambda: gateway.commands_to_run(1),
        ):
            with pytest.raises(Transient):
                call()


def _together(*calls: Callable[[], None]) -> None:
    threads = [threading.Thread(target=call) for call in calls]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
