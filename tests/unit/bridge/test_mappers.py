"""Facts as records: what each version adds, and when it happened."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from host_bridge.connector.fact import TimedFact, utc_ms
from host_bridge.contract.messages import decode_fact
from host_bridge.gateway.port import Permanent, Transient
from host_bridge.inbox import PendingFact
from tests.unit.bridge.world import JOURNAL, UTC_MS, World, example, fact, journal

PRESSED = {"weight_mg": 36100, "pressure_peak_mbar": 9100, "pressure_mean_mbar": 8400}


def brewed(world: World, model: str, **changes: Any) -> dict[str, Any]:
    world.introduce("m1", model)
    world.take("journal", journal([fact(1, "brew", **changes)], first=1))
    world.sync()
    (row,) = world.rows("coffee_brew")
    return row


@pytest.mark.parametrize("model", ["1900", "2900"])
def test_a_brew_as_every_version_has_it(world: World, model: str) -> None:
    row = brewed(world, model, slot="0", command=None)
    assert row["coffee_id"] == f"{JOURNAL}/1"
    expected = {"shot": 23, "slot": "0", "recipe_rev": 7, "source": "remote", "command": None,
                "duration_ms": 28400, "volume_ul": 36100, "temp_mean_mc": 92950, "energy_j": 9100,
                "result": "ok", "reason": None, "boot": 17, "uptime_ms": 61005,
                "utc_ms": UTC_MS, "time_known": 1, "start_ms": UTC_MS - 30005}  # fmt: skip
    assert {name: row[name] for name in expected} == expected


def test_only_the_2900_has_pressure_and_weight(world: World) -> None:
    assert {name: brewed(world, "2900", **PRESSED)[name] for name in PRESSED} == PRESSED


def test_a_1900_has_no_sensor_to_believe(world: World) -> None:
    row = brewed(world, "1900", **PRESSED)
    assert {row[name] for name in PRESSED} == {None}


def test_a_2900_with_a_dead_sensor_still_has_its_brew(world: World) -> None:
    assert brewed(world, "2900")["weight_mg"] is None


@pytest.mark.parametrize("model", ["1900", "2900"])
def test_what_a_reset_cut_is_unknown_and_not_nothing(world: World, model: str) -> None:
    cut = {"duration_ms": None, "volume_ul": None, "energy_j": None}
    row = brewed(world, model, result="aborted", reason="reset", **cut)
    assert {name: row[name] for name in cut} == cut


def test_a_brew_finds_its_recipe_record_slot_zero_included(world: World) -> None:
    world.introduce("m1", "2900")
    world.take("recipes", example("recipes", 1))
    world.take("journal", journal([fact(1, "brew", slot="0"), fact(2, "brew", slot="9")], first=1))
    world.sync()
    (recipe,) = world.rows("coffee_recipe")
    assert (recipe["coffee_id"], recipe["name"], recipe["active"]) == ("0", "lever", 1)
    assert [row["recipe_id"] for row in world.rows("coffee_brew")] == [recipe["id"], None]


def test_a_brew_that_starts_after_its_end_is_refused(world: World) -> None:
    world.introduce()
    world.take("journal", journal([fact(1, "brew", start_uptime_ms=61006)], first=1))
    world.sync()
    assert world.rows("coffee_brew") == []
    assert "start_uptime_ms: 61006 is after the end 61005" in world.inbox.quarantine(1)[0].reason
    (asked,) = [c for c in world.store.checkpoints("open", "m1") if c.model == "coffee.brew"]
    assert asked.coffee_id == f"{JOURNAL}/1" and "quarantine: start_uptime_ms" in asked.summary


def test_boots_losses_and_recipe_changes_are_events_kept_whole(world: World) -> None:
    world.introduce()
    kinds = ("boot", "recipe", "lost")
    facts = [fact(seq, kind) for seq, kind in enumerate(kinds, 5)]
    world.take("journal", journal(facts, first=1))
    world.sync()
    rows = world.rows("coffee_event")
    assert [row["kind"] for row in rows] == list(kinds)
    details = [json.loads(row["detail"]) for row in rows]
    assert details[0] == {"cause": "watchdog", "previous_uptime_ms": 987654, "safe_mode": False}
    assert details[2] == {"from_seq": 2, "to_seq": 4, "count": 3}


def test_recipes_follow_the_machine(world: World) -> None:
    world.introduce("m1", "1900")
    espresso = {"name": "espresso", "temp_mc": 93000, "volume_ul": 36000}
    world.take("recipes", {"v": 1, "rev": 1, "slots": {"0": espresso, "3": espresso}})
    world.sync()
    changed = {**espresso, "name": "ristretto", "volume_ul": 20000}
    world.take("recipes", {"v": 1, "rev": 2, "slots": {"0": changed}})
    world.synchronizer.recipes_changed()
    world.sync()
    rows = {row["coffee_id"]: row for row in world.rows("coffee_recipe")}
    assert (rows["0"]["name"], rows["0"]["rev"], rows["0"]["active"]) == ("ristretto", 2, 1)
    assert rows["3"]["active"] == 0


def test_recipes_follow_though_the_erp_was_away_when_they_came(world: World) -> None:
    world.introduce("m1", "1900")
    world.sync()
    espresso = {"name": "espresso", "temp_mc": 93000, "volume_ul": 36000}
    world.take("recipes", {"v": 1, "rev": 1, "slots": {"0": espresso}})
    world.synchronizer.recipes_changed()
    world.gateway.fault = Transient("away")
    with pytest.raises(Transient):
        world.synchronizer.step()
    world.gateway.fault = None
    world.sync()
    assert [row["coffee_id"] for row in world.rows("coffee_recipe")] == ["0"]


def test_a_recipe_that_is_none_asks_a_person_and_holds_up_no_other(world: World) -> None:
    world.introduce("m1", "1900")
    espresso = {"name": "espresso", "temp_mc": 93000, "volume_ul": 36000}
    bad = {"name": "no volume", "temp_mc": 93000}
    world.take("recipes", {"v": 1, "rev": 4, "slots": {"0": espresso, "1": bad}})
    world.sync()
    assert [row["coffee_id"] for row in world.rows("coffee_recipe")] == ["0"]
    asked = {c.coffee_id: c.summary for c in world.store.checkpoints("open", "m1")}
    assert "slots.1.volume_ul" in asked["refused/4/1"]


def test_recipes_the_erp_never_takes_ask_a_person_and_are_not_sent_again(world: World) -> None:
    world.introduce("m1", "1900")
    calls: list[int] = []

    def refuse(machine: str, rev: int, slots: Any) -> Any:
        calls.append(rev)
        raise Permanent("the site's own rule")

    world.gateway.import_recipes = refuse  # type: ignore[attr-defined]
    espresso = {"name": "espresso", "temp_mc": 93000, "volume_ul": 36000}
    world.take("recipes", {"v": 1, "rev": 4, "slots": {"0": espresso}})
    for _ in range(3):
        world.synchronizer.recipes_changed()
        world.sync()
    asked = {c.coffee_id: c.summary for c in world.store.checkpoints("open", "m1")}
    assert "the site's own rule" in asked["refused/4/"] and calls == [4]


def test_recipes_that_change_while_the_erp_is_told_are_told_too(world: World) -> None:
    world.introduce("m1", "1900")
    world.take("recipes", {"v": 1, "rev": 1, "slots": {}})
    (held,) = world.registry.changed_recipes(9)
    world.take("recipes", {"v": 1, "rev": 2, "slots": {}})
    world.registry.recipes_told(held)
    (newer,) = world.registry.changed_recipes(9)
    assert newer.rev == 2
    world.registry.recipes_told(newer)
    assert world.registry.changed_recipes(9) == []


def test_recipes_of_a_version_nobody_knew_follow_once_it_is_known(world: World) -> None:
    world.introduce("m1", "3100")
    espresso = {"name": "espresso", "temp_mc": 93000, "volume_ul": 36000}
    message = {"v": 1, "rev": 1, "slots": {"0": espresso}}
    world.take("recipes", message)
    world.sync()
    assert world.rows("coffee_recipe") == []
    world.introduce("m1", "1900")
    world.sync()
    assert [row["coffee_id"] for row in world.rows("coffee_recipe")] == ["0"]
    assert world.take("recipes", message).duplicate == 1, "the broker keeps them"


# --- time
def timed(**changes: Any) -> PendingFact:
    row = {"id": 1, "journal_id": 1, "machine": "m1", "journal": JOURNAL, "seq": 1,
           "payload": b"", "sent_boot": 17, "sent_ms": 62000, "sent_utc_ms": None,
           "arrival_ms": UTC_MS, "live": True}  # fmt: skip
    return PendingFact(**{**row, **changes})


def clockless(**changes: Any) -> Any:
    wanted = {**fact(1), "utc_ms": None, "uptime_ms": 2000, "boot": 17, **changes}
    return decode_fact(json.dumps(wanted).encode())


def test_the_machines_own_clock_comes_first() -> None:
    known = clockless(utc_ms=UTC_MS - 5)
    assert utc_ms(timed(sent_utc_ms=UTC_MS), known, UTC_MS) == UTC_MS - 5


def test_a_fact_from_before_the_clock_was_set_follows_from_the_senders() -> None:
    assert utc_ms(timed(sent_utc_ms=UTC_MS + 7), clockless(), None) == UTC_MS + 7 - 60000


def test_without_any_clock_the_arrival_tells() -> None:
    assert utc_ms(timed(), clockless(), None) == UTC_MS - 60000


def test_a_message_from_a_backlog_does_not_tell_the_time() -> None:
    assert utc_ms(timed(live=False), clockless(), None) is None


def test_a_message_the_broker_kept_does_not_tell_the_time_either(world: World) -> None:
    message = journal([fact(1, utc_ms=None)], first=1, sent_utc_ms=None)
    world.take("journal", message, retain=True)
    assert [row.live for row in world.inbox.pending(9, world.now_ms)] == [False]


def test_a_time_before_all_machines_is_none() -> None:
    """An uptime of a thousand years; calendars end before it."""
    row = timed(sent_ms=2**45, sent_utc_ms=UTC_MS)
    assert utc_ms(row, clockless(uptime_ms=2000), None) is None


def test_live_messages_of_the_same_boot_tell_it_even_for_a_backlog() -> None:
    booted_ms = UTC_MS - 1_000_000
    assert utc_ms(timed(live=False), clockless(), booted_ms) == booted_ms + 2000


def test_the_message_that_waited_less_is_believed() -> None:
    booted_ms = UTC_MS - 62000 - 3000  # this message was three seconds under way
    assert utc_ms(timed(), clockless(), booted_ms) == booted_ms + 2000


@given(
    st.integers(0, 30), st.integers(0, 30), st.integers(0, 10**9), st.integers(0, 10**9),
    st.booleans(), st.none() | st.integers(0, 2 * UTC_MS), st.none() | st.just(UTC_MS),
)  # fmt: skip
def test_an_earlier_boot_without_clock_is_never_guessed(
    boot: int, sent_boot: int, uptime_ms: int, sent_ms: int, live: bool,
    offset_ms: int | None, sent_utc_ms: int | None,
) -> None:  # fmt: skip
    row = timed(sent_boot=sent_boot, sent_ms=sent_ms, live=live, sent_utc_ms=sent_utc_ms)
    found = utc_ms(row, clockless(boot=boot, uptime_ms=uptime_ms), offset_ms)
    if boot != sent_boot or uptime_ms > sent_ms:
        assert found is None
    if found is not None and sent_utc_ms is not None:
        assert found == sent_utc_ms - (sent_ms - uptime_ms)


def test_times_of_one_boot_keep_their_distances() -> None:
    happened = TimedFact(timed(), clockless(uptime_ms=5000), UTC_MS)
    assert happened.utc_at(2000) == UTC_MS - 3000
    assert TimedFact(timed(), clockless(), None).utc_at(2000) is None


def test_a_brew_of_an_earlier_clockless_boot_is_marked_and_asked_about_once(world: World) -> None:
    world.introduce()
    facts = [fact(seq, "brew", boot=16, utc_ms=None) for seq in (1, 2)]
    world.take("journal", journal(facts, first=1))
    world.sync()
    rows = world.rows("coffee_brew")
    assert [(row["time_known"], row["utc_ms"], row["start_ms"]) for row in rows] == [
        (0, None, None), (0, None, None)]  # fmt: skip
    asked = [c.coffee_id for c in world.store.checkpoints("open", "m1")]
    assert asked.count(f"clock/{JOURNAL}/16") == 1


def test_a_clockless_fact_from_a_backlog_waits_for_a_live_message(world: World) -> None:
    world.introduce()
    message = journal([fact(1, utc_ms=None)], first=1, sent_utc_ms=None)
    world.take("journal", message, live=False)
    world.sync()
    assert world.bound() == []
    uptime_ms = 80000
    world.now_ms += 12000
    world.take("state", {**example("state"), "boot": 17, "uptime_ms": uptime_ms})
    world.now_ms += 5000
    world.sync()
    (row,) = world.rows("coffee_maintenance")
    assert row["utc_ms"] == world.now_ms - 5000 - uptime_ms + row["uptime_ms"]


def test_and_is_marked_when_none_comes(world: World) -> None:
    world.introduce()
    message = journal([fact(1, utc_ms=None)], first=1, sent_utc_ms=None)
    world.take("journal", message, live=False)
    world.now_ms += 14_999
    world.sync()
    assert world.rows("coffee_maintenance") == []
    world.now_ms += 1
    world.sync()
    assert world.rows("coffee_maintenance")[0]["time_known"] == 0
