"""Importing in batches: transient waits, permanent is narrowed down, neighbours go on."""

from __future__ import annotations

from pathlib import Path

import pytest

from host_bridge.connector.fact import TimedFact
from host_bridge.connector.importer import FactImporter
from host_bridge.gateway.port import BackendDraft, BackendRecord, FactPush, Transient
from host_bridge.synchronizer import LOOK_AGAIN_MS
from tests.unit.bridge.trouble import Erp
from tests.unit.bridge.world import JOURNAL, World, fact, journal


def ids(*seqs: int) -> list[str]:
    return sorted(f"{JOURNAL}/{seq}" for seq in seqs)


def test_a_transient_error_leaves_everything_for_the_next_try(world: World) -> None:
    world.introduce()
    world.sync()
    world.take("journal", journal([fact(1), fact(2)], first=1))
    world.gateway.fault = Transient("gone for lunch")
    with pytest.raises(Transient):
        world.synchronizer.step()
    assert (world.bound(), world.inbox.count_pending(), world.inbox.quarantine(1)) == ([], 2, [])
    world.gateway.fault = None
    world.sync()
    assert world.bound() == ids(1, 2)


def test_a_defect_of_ours_takes_one_fact_aside_and_holds_up_no_other(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    prepare = FactImporter.prepare

    def defective(importer: FactImporter, timed: TimedFact) -> FactPush | None:
        if timed.row.seq == 2:
            raise RuntimeError("never thought of")
        return prepare(importer, timed)

    monkeypatch.setattr(FactImporter, "prepare", defective)
    world.introduce()
    world.take("journal", journal([fact(1), fact(2), fact(3)], first=1))
    world.sync()
    assert world.bound() == ids(1, 3)
    (row,) = world.inbox.quarantine(10)
    assert row.external_id == f"{JOURNAL}/2" and "never thought of" in row.reason


def test_after_a_failure_the_erp_is_asked_for_its_machines_again(world: World) -> None:
    """It may have been restored from a backup meanwhile."""
    world.introduce()
    world.sync()
    asked: list[object] = []

    def save_backends(drafts: list[object]) -> object:
        asked.extend(drafts)
        return world.store.save_backends(drafts)  # type: ignore[arg-type]

    world.gateway.save_backends = save_backends  # type: ignore[attr-defined]
    world.take("journal", journal([fact(1)], first=1))
    world.sync()
    assert asked == []
    world.synchronizer._failed()
    world.take("journal", journal([fact(2)], first=1))
    world.sync()
    assert len(asked) == 1 and world.metrics.import_retries._value.get() == 1


def test_a_machine_met_while_the_erp_is_away_is_told_of_later(world: World) -> None:
    world.gateway.fault = Transient("away")
    world.introduce()
    with pytest.raises(Transient):
        world.synchronizer.step()
    world.gateway.fault = None
    world.sync()
    assert [c.coffee_id for c in world.store.checkpoints("open", "m1")] == ["machine"]


def test_a_refused_fact_goes_alone(world: World) -> None:
    world.introduce()
    world.gateway.refuse = set(ids(3, 6))
    world.take("journal", journal([fact(seq) for seq in range(1, 9)], first=1))
    world.sync()
    assert world.bound() == ids(1, 2, 4, 5, 7, 8)
    refused = world.inbox.quarantine(10)
    assert sorted(row.external_id or "" for row in refused) == ids(3, 6)
    assert all("refused for this test" in row.reason for row in refused)
    assert world.held() == 8
    assert world.gateway.pushes == 1


def test_a_machine_that_is_refused_does_not_hold_up_the_others(world: World) -> None:
    for machine in ("m1", "m2", "m3"):
        world.introduce(machine)
        world.take("journal", journal([fact(1)], first=1), machine)
    world.gateway.refuse = {f"{JOURNAL}/1"}
    world.take("journal", journal([fact(1)], first=1, journal="0" * 8), "m2")
    world.sync()
    assert world.bound("m2") == [f"{'0' * 8}/1"]


def test_a_crash_between_store_and_inbox_doubles_nothing(world: World) -> None:
    """The store has taken the batch, the inbox was not told: all of it comes again."""
    world.introduce()
    alarm = fact(1, "alarm")
    world.take("journal", journal([alarm, fact(2, "brew")], first=1))
    world.batch.run(world.inbox.pending(10, world.now_ms))
    world.boot()
    assert world.inbox.count_pending() == 2
    world.sync()
    assert world.bound() == ids(1, 2)
    checkpoints = [c.coffee_id for c in world.store.checkpoints("all", "m1")]
    assert sorted(checkpoints) == sorted(set(checkpoints))
    assert f"{JOURNAL}/1" in checkpoints


def test_a_crash_before_the_checkpoints_still_brings_them(world: World) -> None:
    """Those about the record itself cannot be missing; the others are a call of their own."""
    world.introduce()
    world.take("journal", journal([fact(1, "lost", from_seq=0, to_seq=0, count=1)], first=1))
    world.sync()
    store = world.store._db
    with store.write() as tx:  # as if the process had died between the two calls
        tx.execute("DELETE FROM checkpoint")
    with world.db.write() as tx:
        tx.execute("UPDATE fact SET state=0")
        tx.execute("DELETE FROM gap")
    world.boot()
    world.sync()
    assert f"lost/{JOURNAL}/0-0" in [c.coffee_id for c in world.store.checkpoints("open", "m1")]


@pytest.mark.parametrize(
    ("changes", "asked"),
    [
        ({"severity": "critical"}, True),
        ({"severity": "warning"}, True),
        ({"severity": "info"}, False),
        ({"raised": False}, False),
    ],
)
def test_which_alarms_ask_a_person(world: World, changes: dict[str, object], asked: bool) -> None:
    world.introduce()
    world.take("journal", journal([fact(1, "alarm", **changes)], first=1))
    world.sync()
    found = [c.coffee_id for c in world.store.checkpoints("open", "m1")]
    assert (f"{JOURNAL}/1" in found) is asked


def test_a_descaling_that_is_due_is_for_a_person_and_done_work_is_not(world: World) -> None:
    world.introduce()
    due = fact(1, code="descale_due", value=60)
    world.take("journal", journal([due, fact(2, code="descale_done", value=0)], first=1))
    world.sync()
    asked = [
        (view.coffee_id, view.summary)
        for view in world.store.checkpoints("open", None)
        if view.model == "coffee.maintenance"
    ]
    assert asked == [
        (f"{JOURNAL}/1", "descaling is due: 60 l of water since the last time")
    ]


def test_a_reviewed_checkpoint_is_not_reopened_by_a_replay(world: World) -> None:
    world.introduce()
    world.take("journal", journal([fact(1, "alarm")], first=1))
    world.sync()
    for checkpoint in world.store.checkpoints("open", "m1"):
        assert world.store.review(checkpoint.id, "ann", "seen", world.now_ms)
        assert not world.store.review(checkpoint.id, "bob", "again", world.now_ms)
    with world.db.write() as tx:
        tx.execute("UPDATE fact SET state=0")
    world.boot()
    world.sync()
    assert world.store.checkpoints("open", "m1") == []
    assert {c.reviewed_by for c in world.store.checkpoints("done", "m1")} == {"ann"}


def test_every_new_machine_is_asked_about_once(world: World) -> None:
    for _ in range(2):
        world.introduce("m1", "1900")
        world.introduce("m2", "2900")
        world.sync()
        world.boot()
    summaries = {c.machine: c.summary for c in world.store.checkpoints("all", None)}
    assert len(world.store.checkpoints("all", None)) == 2
    assert summaries["m2"].startswith("Is this your machine? m2, serial ")
    assert "seen for the first time" in summaries["m2"]


def test_facts_of_an_unknown_version_wait_in_quarantine_and_follow_by_themselves(
    world: World,
) -> None:
    world.introduce("m1", "3100")
    world.take("journal", journal([fact(1), fact(2, "alarm")], first=1))
    world.sync()
    assert (world.bound(), world.held()) == ([], 2)
    reasons = {row.reason for row in world.inbox.quarantine(10)}
    assert reasons == {"version: no coffee backend of version '3100'; known: 1900, 2900"}
    (asked,) = [c for c in world.store.checkpoints("open", "m1") if c.coffee_id != "machine"]
    assert (asked.coffee_id, asked.model) == ("version/3100", "coffee.backend")
    world.introduce("m1", "2900")
    world.sync()
    assert (world.bound(), world.inbox.quarantine(10)) == (ids(1, 2), [])


def test_facts_of_a_machine_that_is_let_in_later_follow_by_themselves(world: World) -> None:
    def refused(drafts: list[BackendDraft]) -> list[BackendRecord]:
        return [BackendRecord(draft.machine, draft.version, None, True) for draft in drafts]

    world.gateway.save_backends = refused  # type: ignore[attr-defined]
    world.introduce()
    world.take("journal", journal([fact(1)], first=1))
    world.sync()
    (row,) = world.inbox.quarantine(10)
    assert row.reason.startswith("machine: the ERP does not know this machine")
    del world.gateway.save_backends  # type: ignore[attr-defined]
    world.sync()
    assert world.bound() == []
    world.now_ms += LOOK_AGAIN_MS
    world.sync()
    assert (world.bound(), world.inbox.quarantine(10)) == (ids(1), [])


def test_facts_before_the_info_wait_for_it(world: World) -> None:
    world.take("journal", journal([fact(1)], first=1))
    world.sync()
    assert (world.bound(), world.inbox.count_pending()) == ([], 1)
    world.introduce("m1", "1900")
    world.sync()
    assert world.bound() == ids(1)


def test_a_machine_that_never_says_what_it_is_asks_a_person(world: World) -> None:
    world.take("journal", journal([fact(1)], first=1))
    world.sync()
    world.now_ms += 60_000
    world.sync()
    assert world.inbox.quarantine(1)[0].reason.startswith("version: ")
    assert "version/" in [c.coffee_id for c in world.store.checkpoints("open", "m1")]
    world.introduce("m1", "1900")
    world.sync()
    assert world.bound() == ids(1)


def test_waiting_facts_do_not_hold_up_the_others(tmp_path: Path) -> None:
    world = World(tmp_path, importing={"batch": 5})
    silent = [fact(seq) for seq in range(1, 21)]
    world.take("journal", journal(silent, first=1), "silent")
    world.introduce("m1")
    world.take("journal", journal([fact(1)], first=1))
    world.sync()
    assert world.bound("m1") == ids(1)
    world.close()


def test_orders_of_the_erp_go_out_once_and_their_end_is_told(world: World) -> None:
    world.introduce("m1", "1900")
    recipe = {"name": "x", "temp_mc": 93000, "volume_ul": 30000}
    put = world.store.order("m1", "recipe.put", {"slot": "0", "recipe": recipe}, "ann")
    brew = world.store.order("m1", "brew", {"slot": "1"}, "bob", world.now_ms + 60_000)
    for _ in range(3):
        world.now_ms += 5000
        world.sync()
    sent = {view.id: view for view in world.outbox.due(10, ["m1"])}
    assert set(sent) == {put, brew}
    assert (sent[put].name, sent[put].args["slot"], sent[put].user) == ("recipe.put", "0", "ann")
    world.take("reply", {"id": put, "ok": True, "error": None, "result": {}})
    refusal = {"code": "cup_missing", "field": None, "message": "no cup"}
    world.take("reply", {"id": brew, "ok": False, "error": refusal, "result": None})
    world.now_ms += 5000
    world.sync()
    ended = {row["id"]: (row["state"], row["message"]) for row in outgoing(world)}
    assert ended == {put: ("ok", ""), brew: ("refused", "no cup")}


def test_an_order_for_nobody_is_refused_with_the_reason(world: World) -> None:
    world.store.order("m9", "brew", {"slot": "1"}, "bob", world.now_ms + 60_000)
    world.introduce("m1", "1900")
    world.store.order("m1", "fly", {}, "bob", world.now_ms + 60_000)
    world.sync()
    messages = [row["message"] for row in outgoing(world)]
    assert "machine: 'm9' has never been seen" in messages[0]
    assert "name: 'fly' is not a command" in messages[1]


def outgoing(world: World) -> list[dict[str, object]]:
    return [dict(row) for row in world.store._db.read("SELECT * FROM outgoing ORDER BY rowid")]


def test_facts_of_a_machine_the_erp_no_longer_knows_follow_when_it_is_back(world: World) -> None:
    """Somebody archived its backend, and undid that within the minute; it says nothing more."""
    erp = world.gateway = Erp(world.store)
    world.boot()
    world.introduce()
    world.take("journal", journal([fact(1)], first=1))
    world.sync()
    erp.shut_out = {"m1"}
    world.take("journal", journal([fact(2)], first=1))
    world.sync()
    assert world.inbox.count_quarantined() == 1
    erp.shut_out = set()
    world.now_ms += LOOK_AGAIN_MS
    world.sync()
    assert world.bound() == ids(1, 2)
