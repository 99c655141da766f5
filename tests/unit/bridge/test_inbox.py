"""The durable inbox: replays change nothing, bad facts keep their place and a way back."""

from __future__ import annotations

import json

import pytest

from host_bridge.errors import Invalid, NotFound
from host_bridge.inbox import Outcome
from tests.unit.bridge.world import JOURNAL, World, example, fact, journal

DAY_MS = 86_400_000


def test_a_replay_stores_nothing_twice(world: World) -> None:
    message = journal([fact(1), fact(2), fact(3)], first=1)
    assert world.take("journal", message) == Outcome(stored=3)
    assert world.take("journal", message) == Outcome(duplicate=3)
    world.boot()
    assert world.take("journal", message) == Outcome(duplicate=3)
    assert world.inbox.count_pending() == 3


def test_overlapping_messages_store_each_fact_once(world: World) -> None:
    world.take("journal", journal([fact(1), fact(2)], first=1))
    assert world.take("journal", journal([fact(2), fact(3)])) == Outcome(stored=1, duplicate=1)


def test_the_same_seq_of_another_machine_or_journal_is_another_fact(world: World) -> None:
    message = journal([fact(1)], first=1)
    assert world.take("journal", message, "m1").stored == 1
    assert world.take("journal", message, "m2").stored == 1
    assert world.take("journal", {**message, "journal": "0" * 8}, "m1").stored == 1


def test_a_board_with_another_name_does_not_tell_all_again(world: World) -> None:
    """Nobody acknowledges to the new name what came under the old one, so it sends all it has."""
    world.introduce("board", serial="e661")
    world.take("journal", journal([fact(1), fact(2)], first=1), "board")
    world.sync()
    world.take("journal", journal([fact(3)], first=1), "board")  # waits for the ERP
    world.introduce("kitchen", serial="e661")
    world.take("journal", journal([fact(n) for n in range(1, 6)], first=1), "kitchen")
    world.sync()
    assert world.bound("board") == [f"{JOURNAL}/{seq}" for seq in (1, 2, 3)]
    assert world.bound("kitchen") == [f"{JOURNAL}/{seq}" for seq in (4, 5)]
    assert world.held("kitchen") == 5


def _lost(world: World) -> list[str]:
    every = world.store.checkpoints("open", None)
    return [view.coffee_id for view in every if view.coffee_id.startswith("lost/")]


def test_a_board_that_gets_a_former_name_back_goes_on_there(world: World) -> None:
    def tells(name: str, seqs: range, first: int) -> None:
        world.introduce(name, serial="e661")
        world.take("journal", journal([fact(n) for n in seqs], first=first), name)
        world.sync()

    tells("board", range(1, 4), 1)
    tells("kitchen", range(1, 7), 1)
    tells("board", range(1, 9), 1)
    tells("lobby", range(1, 11), 1)  # goes on where it got furthest
    tells("kitchen", range(11, 13), 11)  # what was forgotten came under another name
    for name, seqs in (
        ("board", {1, 2, 3, 7, 8}), ("kitchen", {4, 5, 6, 11, 12}), ("lobby", {9, 10}),
    ):  # fmt: skip
        assert set(world.bound(name)) == {f"{JOURNAL}/{seq}" for seq in seqs}, name
    assert world.held("kitchen") == 12
    assert not _lost(world)


def test_what_is_lost_before_a_new_name_is_told_is_told(world: World) -> None:
    world.introduce("board", serial="e661")
    world.take("journal", journal([fact(1), fact(2)], first=1), "board")
    world.sync()
    world.introduce("kitchen", serial="e661")
    world.take("journal", journal([fact(5)], first=5), "kitchen")
    world.sync()
    assert world.held("kitchen") == 5
    assert _lost(world)


def test_two_boards_with_one_journal_both_tell_all(world: World) -> None:
    """A flash that was copied: what they have told since is not the same."""
    for machine in ("m1", "m2"):
        world.introduce(machine)
        world.take("journal", journal([fact(1), fact(2)], first=1), machine)
        world.sync()
    assert world.bound("m1") == world.bound("m2") == [f"{JOURNAL}/{seq}" for seq in (1, 2)]


def test_a_bad_fact_does_not_take_its_neighbours_with_it(world: World) -> None:
    bad = fact(2, "brew", duration_ms="28 s")
    outcome = world.take("journal", journal([fact(1), bad, fact(3)], first=1))
    assert outcome == Outcome(stored=2, quarantined=1)
    assert world.inbox.count_pending() == 2
    (row,) = world.inbox.quarantine(10)
    assert row.external_id == f"{JOURNAL}/2"
    assert row.reason.startswith("facts[1].duration_ms: Expected `int | null`, got `str`")
    assert json.loads(row.payload) == bad


def test_a_fact_out_of_its_place_is_bad(world: World) -> None:
    assert world.take("journal", journal([fact(1), fact(7)], first=1)).quarantined == 1
    assert "facts[1].seq: 7, but its position makes it 2" in world.inbox.quarantine(1)[0].reason


def test_a_loss_reported_before_it_happened_is_bad(world: World) -> None:
    """Else one bad fact could move the cursor past everything the machine still holds."""
    for seq, to_seq in ((5, 900), (6, 7)):
        lost = fact(seq, "lost", from_seq=1, to_seq=to_seq)
        assert world.take("journal", journal([lost], first=5)).quarantined == 1


def test_a_message_older_than_what_the_machine_says_it_holds_is_bad(world: World) -> None:
    """Else it could declare lost what the machine still has to send."""
    assert world.take("journal", journal([fact(5)], first=10)).quarantined == 1
    assert world.inbox.quarantine(1)[0].reason.startswith("first: 10 is after seq 5")
    assert world.inbox.unreported_gaps() == []


def test_a_machine_that_repeats_itself_is_told_of(world: World) -> None:
    """It may lack the ack, and would repeat for ever."""
    message = journal([fact(1)], first=1)
    world.take("journal", message)
    assert ("resent", "m1", JOURNAL) not in world.recorder.told
    world.take("journal", message)
    assert ("resent", "m1", JOURNAL) in world.recorder.told


def test_rubbish_is_kept_byte_for_byte_and_counted_once_a_row(world: World) -> None:
    for _ in range(3):
        assert world.take("journal", b"\xff\x00{") == Outcome(quarantined=1)
    (row,) = world.inbox.quarantine(10)
    assert (row.payload, row.times, row.machine) == (b"\xff\x00{", 3, "m1")
    assert row.reason.startswith("payload: not UTF-8 JSON")


def test_the_reason_is_that_of_the_last_time(world: World) -> None:
    with world.db.write() as tx:
        world.inbox.set_aside_message(
            tx, "coffee/v1/m1/journal", "m1", b"\xff{", "of an older bridge", world.now_ms
        )
    world.take("journal", b"\xff{")
    (row,) = world.inbox.quarantine(10)
    assert row.times == 2 and row.reason.startswith("payload: not UTF-8 JSON")


def test_a_huge_message_is_kept_with_its_beginning(world: World) -> None:
    world.take("journal", b"x" * 1_000_000)
    (row,) = world.inbox.quarantine(10)
    assert (len(row.payload), row.size_bytes) == (65_536, 1_000_000)
    assert row.reason.startswith("payload: 1000000 bytes, at most 65536")


def test_replaying_a_fact_gives_it_back_to_the_importer(world: World) -> None:
    world.introduce()
    world.gateway.refuse = {f"{JOURNAL}/1"}
    world.take("journal", journal([fact(1)], first=1))
    world.sync()
    assert world.bound() == []
    (row,) = world.inbox.quarantine(10)
    world.gateway.refuse = set()
    assert world.inbox.replay_fact(row.id)
    world.sync()
    assert world.bound() == [f"{JOURNAL}/1"]
    assert world.inbox.quarantine(10) == []


def test_a_fact_is_found_by_its_external_id(world: World) -> None:
    """As a brew's page, its checkpoint and the ERP name it."""
    world.take("journal", journal([fact(1, "alarm", raised="yes"), fact(2)], first=1))
    world.take("journal", b"rubbish")
    for text in (f"{JOURNAL}/1", JOURNAL.upper()):
        (row,) = world.inbox.quarantine(10, text)
        assert row.external_id == f"{JOURNAL}/1"
        assert world.inbox.count_quarantined(text) == 1
    assert world.inbox.quarantine(10, f"{JOURNAL}/2") == []
    assert world.inbox.discard_all(f"{JOURNAL}/1", row.id) == 1
    assert [kept.external_id for kept in world.inbox.quarantine(10)] == [None]


def test_a_fact_that_is_still_bad_stays(world: World) -> None:
    world.take("journal", journal([fact(1, "alarm", raised="yes")], first=1))
    (row,) = world.inbox.quarantine(10)
    with pytest.raises(Invalid, match=r"fact\.raised"):
        world.inbox.replay_fact(row.id)
    assert len(world.inbox.quarantine(10)) == 1


def test_a_discarded_fact_never_comes_back(world: World) -> None:
    message = journal([fact(1, code="NO SUCH")], first=1)
    world.take("journal", message)
    world.inbox.discard(world.inbox.quarantine(1)[0].id)
    assert world.inbox.quarantine(10) == []
    assert world.take("journal", message) == Outcome(duplicate=1)
    with pytest.raises(NotFound, match="quarantine_id"):
        world.inbox.discard(1)


@pytest.mark.parametrize("together", [False, True])
def test_a_discarded_fact_is_dropped_in_time_and_keeps_no_other(
    world: World, together: bool
) -> None:
    world.introduce()
    world.take("journal", journal([fact(1, code=9), fact(2)], first=1))
    world.sync()
    (row,) = world.inbox.quarantine(10)
    if together:
        world.inbox.discard_all("", row.id)
    else:
        world.inbox.discard(row.id)
    world.now_ms += 31 * DAY_MS
    assert world.inbox.purge(world.now_ms)[0] == 2


def test_old_imported_facts_are_dropped_and_stay_known(world: World) -> None:
    world.introduce()
    message = journal([fact(1), fact(2), fact(3)], first=1)
    world.take("journal", message)
    world.sync()
    world.take("journal", journal([fact(4)], first=1))
    world.now_ms += 29 * DAY_MS
    assert world.inbox.purge(world.now_ms)[0] == 0
    world.now_ms += 2 * DAY_MS
    assert world.inbox.purge(world.now_ms)[0] == 3
    assert world.take("journal", message) == Outcome(duplicate=3)
    world.boot()
    assert world.take("journal", message) == Outcome(duplicate=3)
    world.sync()
    assert world.bound() == [f"{JOURNAL}/{seq}" for seq in (1, 2, 3, 4)]
    assert world.held() == 4


def test_dropping_old_facts_never_covers_a_hole(world: World) -> None:
    world.introduce()
    for seq in (1, 3):
        world.take("journal", journal([fact(seq)], first=1))
    world.sync()
    world.now_ms += 31 * DAY_MS
    world.take("journal", journal([fact(9)], first=1))
    world.inbox.purge(world.now_ms)
    assert world.take("journal", journal([fact(2)], first=1)) == Outcome(stored=1)


def test_a_loss_nobody_was_told_of_is_not_dropped(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    world.introduce()
    world.take("journal", journal([fact(1)], first=1))
    world.sync()
    with monkeypatch.context() as away:  # the ERP took the facts, and then was gone
        away.setattr(world.synchronizer, "_report_gaps", lambda: None)
        world.take("journal", journal([fact(5)], first=5))
        world.sync()
    assert world.held() == 5
    world.inbox.purge(world.now_ms)
    world.sync()
    assert f"lost/{JOURNAL}/2-4" in [c.coffee_id for c in world.store.checkpoints("open", "m1")]


def test_facts_in_quarantine_are_never_dropped(world: World) -> None:
    world.introduce()
    world.take("journal", journal([fact(1, code=9), fact(2)], first=1))
    world.sync()
    world.now_ms += 400 * DAY_MS
    world.inbox.purge(world.now_ms)
    assert [row.external_id for row in world.inbox.quarantine(10)] == [f"{JOURNAL}/1"]


def test_a_fact_in_quarantine_keeps_no_other(world: World) -> None:
    """One that nobody looks at would fill the disk in the end."""
    world.introduce()
    facts = [fact(1), fact(2, code=9), fact(3)]
    world.take("journal", journal(facts, first=1))
    world.sync()
    world.now_ms += 31 * DAY_MS
    assert world.inbox.purge(world.now_ms)[0] == 2
    facts[1] = fact(2)  # whatever comes again: all three are known
    assert world.take("journal", journal(facts, first=1)) == Outcome(duplicate=3)
    assert [row.external_id for row in world.inbox.quarantine(10)] == [f"{JOURNAL}/2"]


def test_what_came_by_a_wrong_clock_keeps_no_other(world: World) -> None:
    world.introduce()
    right_ms = world.now_ms
    world.now_ms += 3650 * DAY_MS
    world.take("journal", journal([fact(1)], first=1))
    world.sync()
    world.now_ms = right_ms
    world.take("journal", journal([fact(2)], first=1))
    world.sync()
    world.now_ms += 31 * DAY_MS
    assert world.inbox.purge(world.now_ms)[0] == 1


def test_what_is_let_out_of_quarantine_late_is_dropped_in_time(world: World) -> None:
    world.introduce()
    world.gateway.refuse = {f"{JOURNAL}/1"}
    world.take("journal", journal([fact(1), fact(2)], first=1))
    world.sync()
    world.now_ms += 31 * DAY_MS
    assert world.inbox.purge(world.now_ms)[0] == 1
    world.gateway.refuse = set()
    assert world.inbox.replay_fact(world.inbox.quarantine(1)[0].id)
    world.sync()
    assert world.inbox.purge(world.now_ms)[0] == 1
    assert world.bound() == [f"{JOURNAL}/1", f"{JOURNAL}/2"]


def test_facts_just_let_out_of_quarantine_are_never_dropped(world: World) -> None:
    world.introduce()
    world.gateway.refuse = {f"{JOURNAL}/2"}
    world.take("journal", journal([fact(1), fact(2), fact(3)], first=1))
    world.sync()
    world.now_ms += 31 * DAY_MS
    world.inbox.purge(world.now_ms)
    world.gateway.refuse = set()
    (row,) = world.inbox.quarantine(10)
    assert world.inbox.replay_fact(row.id)
    world.inbox.purge(world.now_ms)
    world.sync()
    assert f"{JOURNAL}/2" in world.bound()


def test_facts_not_yet_imported_are_never_dropped(world: World) -> None:
    world.take("journal", journal([fact(1), fact(2)], first=1))
    world.now_ms += 400 * DAY_MS
    assert world.inbox.purge(world.now_ms) == (0, 0)
    assert world.inbox.count_pending() == 2


def test_whole_messages_in_quarantine_are_bounded_and_facts_are_not(world: World) -> None:
    limit = world.settings.inbox.model_copy(update={"quarantine_rows": 3})
    world.inbox._settings = limit
    world.take("journal", journal([fact(1, code=7)], first=1))
    for number in range(10):
        world.take("status", b"rubbish %d" % number)
    assert world.inbox.purge(world.now_ms)[1] == 7
    left = world.inbox.quarantine(100)
    assert [row.payload for row in left[:3]] == [b"rubbish 9", b"rubbish 8", b"rubbish 7"]
    assert [row.external_id for row in left[3:]] == [f"{JOURNAL}/1"]


def test_an_undone_commit_leaves_nothing_and_the_next_one_works(world: World) -> None:
    """The journal row made in the lost transaction must not be remembered."""
    message = journal([fact(1)], first=1)
    with pytest.raises(RuntimeError, match="disk"), world.db.write() as tx:
        from host_bridge.intake import Incoming

        raw = json.dumps(message).encode()
        world.intake.take(tx, Incoming("coffee/v1/m1/journal", raw, False, True, world.now_ms))
        raise RuntimeError("disk")
    world.intake.undone()
    assert world.inbox.count_pending() == 0
    assert world.take("journal", message) == Outcome(stored=1)


def test_info_with_keys_that_cannot_be_shown_is_quarantined(world: World) -> None:
    """Unknown keys are ignored, but what the console will decode again must be decodable."""
    raw = json.dumps(example("info")).encode()[:-1] + b',"x":"\\ud800"}'
    assert world.take("info", raw).quarantined == 1


def test_many_are_searched_paged_and_discarded_together(world: World) -> None:
    for number in range(5):
        world.take("state", {"v": 1, "boot": f"b{number}"})
    world.take("journal", journal([fact(1), fact(2, "brew", duration_ms="28 s")], first=1))
    inbox = world.inbox
    assert inbox.count_quarantined() == 6 and inbox.count_quarantined("/STATE") == 5
    first = inbox.quarantine(2, "/state")
    second = inbox.quarantine(10, "/state", first[-1].id)
    assert len(second) == 3 and not {row.id for row in first} & {row.id for row in second}
    assert inbox.discard_all("/state", first[-1].id) == 4  # the newest came after that look
    assert [row.id for row in inbox.quarantine(10, "/state")] == [first[0].id]
    assert inbox.discard_all("duration_ms", 10**9) == 1
    world.take("journal", journal([fact(2, "brew", duration_ms="28 s")], first=1))
    assert inbox.count_quarantined() == 1, "a discarded fact never comes back"
