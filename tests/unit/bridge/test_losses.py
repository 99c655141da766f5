"""One loss is one checkpoint, however and how often it is told; it says what is known of it."""

from __future__ import annotations

import sqlite3
from typing import Any

import pytest

from host_bridge import storage
from host_bridge.gateway.port import Transient
from tests.unit.bridge.world import JOURNAL, World, fact, journal

DAY_MS = 86_400_000


def lost(seq: int, from_seq: int, to_seq: int) -> dict[str, Any]:
    return fact(seq, "lost", from_seq=from_seq, to_seq=to_seq, count=to_seq - from_seq + 1)


def told(world: World, machine: str = "m1") -> dict[str, str]:
    """Range → summary of each checkpoint about a loss."""
    return {
        one.coffee_id.rpartition("/")[2]: one.summary
        for one in reversed(world.store.checkpoints("all", machine, kind="lost"))
    }


@pytest.fixture
def world(world: World) -> World:
    world.introduce()
    world.take("journal", journal([fact(1), fact(2), fact(3), fact(4)], first=1))
    world.sync()
    return world


def test_a_gap_that_the_machine_tells_of_later_as_part_of_more_is_told_once(world: World) -> None:
    """It had not heard that 2 to 4 were held."""
    world.take("journal", journal([fact(8)], first=8))
    world.sync()
    world.take("journal", journal([lost(9, 2, 7)], first=8))
    world.sync()
    assert list(told(world)) == ["5-7"]


def test_a_gap_and_the_word_about_it_that_come_together_are_told_once(world: World) -> None:
    world.take("journal", journal([fact(8), lost(9, 2, 7)], first=8))
    world.sync()
    assert told(world) == {"2-7": "3 facts lost: the machine's journal was full (seq 2 to 7)"}


def test_what_a_gap_has_beyond_the_word_about_it_is_told_too(world: World) -> None:
    world.take("journal", journal([lost(11, 6, 8)], first=11))
    world.sync()
    assert list(told(world)) == ["6-8", "5-5", "9-10"]
    assert world.held() == 11


def test_a_word_that_goes_further_tells_only_the_rest(world: World) -> None:
    """As the firmware does when what it dropped told of an earlier loss; also in one batch."""
    world.take("journal", journal([lost(20, 5, 9)], first=10))
    world.sync()
    world.take("journal", journal([lost(21, 5, 12), lost(22, 5, 14)], first=15))
    world.sync()
    assert [summary.partition(" ")[0] for summary in told(world).values()] == ["5", "3", "2"]
    assert list(told(world)) == ["5-9", "10-12", "13-14"]


def test_a_loss_whose_word_the_erp_refused_is_told_all_the_same(world: World) -> None:
    """Only what the ERP took tells anybody anything."""
    world.gateway.refuse = {f"{JOURNAL}/20"}
    world.take("journal", journal([lost(20, 5, 9), lost(21, 5, 12)], first=13))
    world.sync()
    assert list(told(world)) == ["5-12"]


def damaged(*seqs: int) -> list[dict[str, Any]]:
    return [lost(seq, seq, seq) for seq in seqs]


def test_a_damaged_part_of_the_flash_is_one_loss_a_message(world: World) -> None:
    """It was one a record: a hundred of a segment."""
    world.take("journal", journal([*damaged(5, 6, 7), fact(8), *damaged(9, 10)], first=1))
    world.sync()
    assert told(world) == {
        "5-7": "3 facts lost: damaged in the machine's journal, or not written down in time "
        "(seq 5 to 7)",
        "9-10": "2 facts lost: damaged in the machine's journal, or not written down in time "
        "(seq 9 to 10)",
    }
    assert world.held() == 10


def test_a_next_try_with_more_in_it_tells_of_the_same_losses(world: World) -> None:
    world.take("journal", journal(damaged(5, 6), first=1))
    tries = world.batch.run(world.inbox.pending(500, world.now_ms))  # then the bridge dies
    world.now_ms += 1000
    world.take("journal", journal(damaged(7), first=1))
    world.boot()
    world.sync()
    assert (len(tries.imported), list(told(world))) == (2, ["5-6", "7-7"])


def test_a_gap_is_told_though_housekeeping_came_before_the_erp_took_the_word(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The ERP took the facts around it and then went away."""
    world.now_ms += 31 * DAY_MS
    world.take("journal", journal([fact(8)], first=8))
    with monkeypatch.context() as away:
        away.setattr(world.gateway, "add_checkpoints", _is_away, raising=False)
        with pytest.raises(Transient):
            world.sync()
    world.inbox.purge(world.now_ms)
    world.sync()
    assert list(told(world)) == ["5-7"]


def _is_away(_: object) -> None:
    raise Transient("away")


def test_a_loss_from_before_the_first_message_is_told_though_housekeeping_came_first(
    world: World,
) -> None:
    """A new bridge may wait for its ERP, or for the rest of the journal, longer than an hour."""
    other = "1" * 8
    world.take("journal", journal([fact(9)], first=9, journal=other))
    world.inbox.purge(world.now_ms)
    world.sync()
    world.inbox.purge(world.now_ms)
    world.take("journal", journal([lost(10, 1, 8)], first=9, journal=other))
    world.sync()
    assert list(told(world)) == ["1-8"]


@pytest.mark.parametrize("word", [[], [lost(9, 5, 8)]], ids=["found", "reported"])
def test_a_damaged_record_that_waits_for_the_time_is_told_beside_the_gap_around_it(
    world: World, word: list[dict[str, Any]]
) -> None:
    """The gap does not count what is here and, once told, would hide it."""
    waits = lost(6, 6, 6) | {"utc_ms": None}
    world.take("journal", journal([waits], first=1, sent_utc_ms=None), live=False)
    world.take("journal", journal([*word, fact(9 + len(word))], first=9))
    world.sync()
    world.now_ms += 60_000
    world.sync()
    counts = {at: text.partition(" ")[0] for at, text in told(world).items()}
    assert counts == {"5-8": "3", "6-6": "1"}


@pytest.mark.parametrize("word", [[], [lost(9, 5, 8)]], ids=["found", "reported"])
def test_a_damaged_record_that_waits_for_a_person_is_told_however_late(
    world: World, word: list[dict[str, Any]]
) -> None:
    """Longer than `keep_days`; the gap around it was told without it."""
    world.gateway.refuse = {f"{JOURNAL}/6"}
    world.take("journal", journal([lost(6, 6, 6)], first=1))
    world.take("journal", journal([*word, fact(9 + len(word))], first=9))
    world.sync()
    world.now_ms += 31 * DAY_MS
    world.inbox.purge(world.now_ms)
    world.gateway.refuse = set()
    world.inbox.replay_fact(world.inbox.quarantine(1)[0].id)
    world.sync()
    assert list(told(world)) == ["5-8", "6-6"]
    world.inbox.purge(world.now_ms)
    assert world.db.one("SELECT count(*) FROM gap")[0] == 0  # type: ignore[index]


def test_a_loss_is_told_though_the_erp_let_the_machine_in_after_its_rows_were_old(
    world: World,
) -> None:
    """All of a new machine waits in quarantine until a person creates it in the ERP."""
    other = "1" * 8
    world.gateway.refuse = {f"{other}/20", f"{other}/21"}
    world.take("journal", journal([lost(20, 5, 19), fact(21)], first=20, journal=other))
    world.sync()
    world.now_ms += 31 * DAY_MS
    world.inbox.purge(world.now_ms)
    world.gateway.refuse = set()
    assert world.inbox.release("m1", "coffee_id: refused") == 2
    world.sync()
    assert list(told(world)) == ["5-19"]


def test_a_loss_told_long_after_it_was_found_is_still_told_once(world: World) -> None:
    world.take("journal", journal([fact(8)], first=8))
    world.sync()
    world.inbox.purge(world.now_ms)
    world.take("journal", journal([lost(9, 2, 7)], first=8))
    world.sync()
    assert list(told(world)) == ["5-7"]
    world.now_ms += 31 * DAY_MS
    world.inbox.purge(world.now_ms)
    assert world.db.read("SELECT * FROM gap") == []


@pytest.mark.parametrize(
    ("count", "why"),
    [
        (1, "1 fact lost: damaged in the machine's journal, or not written down in time (seq 5)"),
        (3, "3 facts lost: the machine could not write them down in time (seq 5)"),
    ],
)
def test_a_loss_in_its_own_place_was_no_full_journal(world: World, count: int, why: str) -> None:
    world.take("journal", journal([fact(5, "lost", from_seq=5, to_seq=5, count=count)], first=1))
    world.sync()
    assert told(world) == {"5-5": why}


def test_of_what_never_came_only_that_is_said(world: World) -> None:
    world.take("journal", journal([fact(7)], first=7))
    world.sync()
    assert told(world) == {
        "5-6": "2 facts missing here and no longer held by the machine: never arrived, or arrived "
        "after the backup that this data folder was restored from (seq 5 to 6)"
    }


def restored(world: World, old: sqlite3.Connection) -> None:
    """bridge.sqlite alone as it was, under a store that went on."""
    world.db.close()
    for name in ("bridge.sqlite-wal", "bridge.sqlite-shm"):
        (world.settings.data / name).unlink(missing_ok=True)
    with sqlite3.connect(world.settings.data / "bridge.sqlite") as new:
        old.backup(new)
    new.close()
    world.db = storage.open_bridge(world.settings.data)
    world.boot()


@pytest.fixture
def copy(world: World) -> sqlite3.Connection:
    made = sqlite3.connect(":memory:")
    source = sqlite3.connect(world.settings.data / "bridge.sqlite")
    source.backup(made)
    source.close()
    return made


def test_what_the_store_holds_is_not_lost_when_the_inbox_was_restored(
    world: World, copy: sqlite3.Connection
) -> None:
    came = [fact(5, "brew"), fact(6, "alarm"), fact(7), fact(10, "boot")]
    for one in came:
        world.take("journal", journal([one], first=1))
    world.take("journal", journal([fact(8), fact(9)], first=1, journal="x" + JOURNAL[1:]))
    world.sync()
    restored(world, copy)
    world.take("journal", journal([fact(12)], first=11))
    world.take("journal", journal([lost(13, 1, 10)], first=11))
    world.sync()
    assert [(at, text.partition(" ")[0]) for at, text in told(world).items()] == [("1-10", "2")]


@pytest.mark.parametrize("kind", ["brew", "boot"])
def test_a_record_damaged_after_it_came_is_neither_a_loss_nor_another_record(
    world: World, copy: sqlite3.Connection, kind: str
) -> None:
    world.take("journal", journal([fact(5, kind)], first=1))
    world.sync()
    before = {table: world.rows(table) for table in ("coffee_brew", "coffee_event")}
    restored(world, copy)
    world.take("journal", journal([lost(5, 5, 5), fact(6)], first=1))
    world.sync()
    assert {table: world.rows(table) for table in before} == before
    assert (told(world), world.held()) == ({}, 6)


def test_damaged_records_that_come_again_in_other_company_are_told_once(
    world: World, copy: sqlite3.Connection
) -> None:
    world.take("journal", journal(damaged(6, 7), first=1))
    world.sync()
    restored(world, copy)
    world.take("journal", journal(damaged(5, 6, 7, 8), first=1))
    world.sync()
    found = [(at, text.partition(" ")[0]) for at, text in told(world).items()]
    assert found == [("6-7", "2"), ("5-8", "2")]


@pytest.mark.parametrize("word", [[], [lost(12, 2, 11)]], ids=["found", "reported"])
def test_a_loss_told_before_the_inbox_was_restored_is_not_told_again_as_part_of_more(
    world: World, copy: sqlite3.Connection, word: list[dict[str, Any]]
) -> None:
    world.take("journal", journal([fact(8)], first=8))
    world.sync()
    restored(world, copy)
    world.take("journal", journal([*word, fact(12 + len(word))], first=12))
    world.sync()
    found = [(at, text.partition(" ")[0]) for at, text in told(world).items()]
    assert found == [("5-7", "3"), ("2-11" if word else "8-11", "3")]


def test_a_crash_before_the_checkpoint_of_a_damaged_record_still_brings_it(world: World) -> None:
    """The store has the record of the loss itself."""
    world.take("journal", journal([lost(5, 5, 5)], first=1))
    world.sync()
    with world.store._db.write() as tx:
        tx.execute("DELETE FROM checkpoint WHERE coffee_id LIKE 'lost/%'")
    with world.db.write() as tx:
        tx.execute("UPDATE fact SET state=0 WHERE seq=5")
    world.boot()
    world.sync()
    assert list(told(world)) == ["5-5"]


def test_a_hole_keeps_nothing_once_its_board_was_replaced(world: World) -> None:
    """What a person discarded stays known, and the board may be put back."""
    world.take("journal", journal([fact(6), fact(7, code=9)], first=1))
    world.sync()
    (row,) = world.inbox.quarantine(10)
    world.inbox.discard(row.id)
    world.now_ms += 31 * DAY_MS
    world.inbox.purge(world.now_ms)
    assert seqs(world) == [6, 7]
    world.take("journal", journal([fact(1)], first=1, journal="1" * 8))
    world.sync()
    world.inbox.purge(world.now_ms)
    assert seqs(world) == [7]
    world.take("journal", journal([fact(5), fact(6), fact(7)], first=1))
    world.sync()
    assert world.held() == 7
    assert world.bound() == [f"{'1' * 8}/1", *(f"{JOURNAL}/{seq}" for seq in range(1, 7))]


def test_a_hole_that_may_be_filled_keeps_what_is_above(world: World) -> None:
    """The board was replaced yesterday, or just now put back."""
    world.take("journal", journal([fact(6)], first=1))
    world.take("journal", journal([fact(1)], first=1, journal="1" * 8))
    world.now_ms += 31 * DAY_MS
    world.take("journal", journal([fact(7)], first=1))
    world.sync()
    world.inbox.purge(world.now_ms)
    assert seqs(world) == [6, 7]


def seqs(world: World) -> list[int]:
    """Rows of the first journal."""
    rows = world.db.read(
        "SELECT seq FROM fact JOIN journal ON journal.id=journal_id WHERE journal=? ORDER BY seq",
        (JOURNAL,),
    )
    return [row["seq"] for row in rows]
