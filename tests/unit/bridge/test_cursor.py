"""The cursor never passes a fact the store lacks, and never stops short of one it holds."""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from host_bridge.cursor import contiguous, uncovered
from host_bridge.gateway.port import Transient
from tests.unit.bridge.world import JOURNAL, World, fact, journal

seqs = st.integers(0, 40)
ranges = st.lists(st.tuples(seqs, seqs).map(sorted).map(tuple), max_size=5)


@given(st.integers(-1, 20), st.dictionaries(seqs, st.booleans(), max_size=40), ranges)
@settings(max_examples=500)
def test_contiguous_is_what_counting_one_by_one_gives(
    held: int, facts: dict[int, bool], gaps: list[tuple[int, int]]
) -> None:
    def is_held(seq: int) -> bool:
        return facts[seq] if seq in facts else any(a <= seq <= b for a, b in gaps)

    expected = held
    while expected < 60 and is_held(expected + 1):
        expected += 1
    rows = sorted((seq, done) for seq, done in facts.items() if seq > held)
    assert contiguous(held, rows, gaps) == expected


@given(seqs, seqs, ranges)
def test_uncovered_is_what_looking_at_each_one_gives(
    first: int, last: int, told: list[tuple[int, int]]
) -> None:
    parts = uncovered(first, last, told)
    found = [seq for begin, end in parts for seq in range(begin, end + 1)]
    assert found == [
        seq for seq in range(first, last + 1) if not any(a <= seq <= b for a, b in told)
    ]
    assert all(begin <= end for begin, end in parts)


class JournalOverABadWire(RuleBasedStateMachine):
    """A machine that journals, forgets what is acknowledged, drops when full, and reboots; a wire
    that repeats and shuffles; a store that is away at times; a bridge that is killed.

    The model is the set of seqs the machine ever journalled and whether they were dropped.
    """

    ROOM = 12

    @initialize()
    def begin(self) -> None:
        self.folder = Path(tempfile.mkdtemp(prefix="cursor-"))
        self.world = World(self.folder)
        self.world.introduce()
        self.kept: dict[int, dict[str, object]] = {}
        self.made: set[int] = set()
        self.dropped: set[int] = set()
        self.next_seq = 1
        self.sent: list[dict[str, object]] = []

    def teardown(self) -> None:
        if hasattr(self, "world"):
            self.world.close()
            shutil.rmtree(self.folder)

    def _journal(self, kind: str, **values: object) -> None:
        seq = self.next_seq
        self.next_seq += 1
        self.kept[seq] = fact(seq, kind, **values)
        self.made.add(seq)

    @rule(kind=st.sampled_from(["brew", "alarm", "maintenance", "meter", "boot"]))
    def happens(self, kind: str) -> None:
        if len(self.kept) >= self.ROOM:
            gone = sorted(self.kept)[:4]
            for seq in gone:
                del self.kept[seq]
            self.dropped |= set(gone)
            self._journal("lost", from_seq=gone[0], to_seq=gone[-1], count=len(gone))
        self._journal(kind)

    @precondition(lambda self: self.kept)
    @rule(data=st.data())
    def sends(self, data: st.DataObject) -> None:
        held = sorted(self.kept)
        start = data.draw(st.integers(0, len(held) - 1))
        run = held[start : start + data.draw(st.integers(1, 5))]
        message = journal([self.kept[seq] for seq in run], first=held[0])
        self.sent.append(message)
        self.world.take("journal", message)

    @precondition(lambda self: self.sent)
    @rule(data=st.data())
    def is_repeated(self, data: st.DataObject) -> None:
        """An old message again, with the `first` it had then."""
        self.world.take("journal", data.draw(st.sampled_from(self.sent[-10:])))

    @rule()
    def store_takes(self) -> None:
        self.world.sync()

    @rule()
    def store_is_away(self) -> None:
        self.world.gateway.fault = Transient("away")
        try:
            self.world.synchronizer.step()
        except Transient:
            pass
        finally:
            self.world.gateway.fault = None

    @rule()
    def bridge_is_killed(self) -> None:
        self.world.boot()

    @rule()
    def machine_hears_the_ack(self) -> None:
        for seq in [seq for seq in self.kept if seq <= (self.world.held() or 0)]:
            del self.kept[seq]

    @invariant()
    def nothing_acknowledged_is_missing(self) -> None:
        if not hasattr(self, "world"):
            return
        held = self.world.held() or 0
        bound = {int(coffee_id.split("/")[1]) for coffee_id in self.world.bound()}
        missing = {seq for seq in self.made if seq <= held} - bound
        assert missing <= self.dropped

    @invariant()
    def nothing_is_bound_twice(self) -> None:
        if hasattr(self, "world"):
            bound = self.world.bound()
            assert len(bound) == len(set(bound))

    @precondition(lambda self: self.kept)
    @rule()
    def everything_arrives_in_the_end(self) -> None:
        held = sorted(self.kept)
        for start in range(0, len(held), 5):
            run = held[start : start + 5]
            self.world.take("journal", journal([self.kept[s] for s in run], first=held[0]))
        self.world.sync()
        assert self.world.held() == self.next_seq - 1
        assert {f"{JOURNAL}/{seq}" for seq in held} <= set(self.world.bound())


TestJournalOverABadWire = JournalOverABadWire.TestCase
TestJournalOverABadWire.settings = settings(
    max_examples=60, stateful_step_count=40, deadline=None,
    suppress_health_check=[HealthCheck.too_slow],
)  # fmt: skip


def test_a_lost_range_moves_the_cursor_and_asks_a_person_once(world: World) -> None:
    world.introduce()
    world.take("journal", journal([fact(1), fact(2)], first=1))
    world.sync()
    assert world.held() == 2
    world.take("journal", journal([fact(8)], first=8))
    world.sync()
    world.sync()  # a second later
    assert world.held() == 8
    world.take("journal", journal([fact(9, "lost", from_seq=3, to_seq=7, count=5)], first=8))
    world.sync()
    assert world.held() == 9
    about_loss = [c for c in world.store.checkpoints("all", "m1") if "lost/" in c.coffee_id]
    assert [c.coffee_id for c in about_loss] == [f"lost/{JOURNAL}/3-7"]
    assert "5 facts" in about_loss[0].summary


def test_a_loss_in_the_middle_of_what_the_machine_holds_is_no_hole(world: World) -> None:
    """A damaged part of its memory: it says so in the next fact, and holds older ones yet."""
    world.introduce()
    world.take("journal", journal([fact(1), fact(2)], first=1))
    world.take("journal", journal([fact(5, "lost", from_seq=3, to_seq=4, count=2)], first=1))
    world.sync()
    assert world.held() == 5


def test_what_came_before_it_was_forgotten_is_not_lost(world: World) -> None:
    """Its journal was full; what it dropped is here and waits for the ERP."""
    world.introduce()
    world.take("journal", journal([fact(1)], first=1))
    world.sync()
    world.take("journal", journal([fact(2), fact(3)], first=1))
    world.take("journal", journal([fact(4)], first=4))
    world.sync()
    assert world.held() == 4
    assert not [c for c in world.store.checkpoints("all", "m1") if "lost/" in c.coffee_id]


def test_what_the_machine_dropped_is_not_lost_when_it_is_here(world: World) -> None:
    """The ERP was away for weeks; its journal was full, and it tells what went from there."""
    world.introduce()
    world.take("journal", journal([fact(1), fact(2)], first=1))
    world.take("journal", journal([fact(4, "lost", from_seq=1, to_seq=2, count=2)], first=3))
    world.sync()
    assert not [c for c in world.store.checkpoints("all", "m1") if "lost/" in c.coffee_id]
    world.now_ms += 31 * 86_400_000
    world.take("journal", journal([fact(3)], first=3))
    world.sync()
    world.inbox.purge(world.now_ms)
    world.take("journal", journal([fact(6, "lost", from_seq=1, to_seq=5, count=5)], first=4))
    world.sync()
    (told,) = [c for c in world.store.checkpoints("all", "m1") if "lost/" in c.coffee_id]
    assert told.summary.startswith("1 fact lost")


def test_a_gap_is_told_though_the_erp_was_away_when_it_was_found(world: World) -> None:
    world.introduce()
    world.take("journal", journal([fact(0)], first=0))
    world.sync()
    world.take("journal", journal([fact(5)], first=5))

    def away(_: object) -> None:
        raise Transient("away")

    world.gateway.add_checkpoints = away  # type: ignore[attr-defined]
    with pytest.raises(Transient):
        world.synchronizer.step()
    del world.gateway.add_checkpoints  # type: ignore[attr-defined]
    world.sync()
    assert f"lost/{JOURNAL}/1-4" in [c.coffee_id for c in world.store.checkpoints("open", "m1")]


def test_the_machine_is_told_only_what_the_disk_has(world: World) -> None:
    """It forgets what it is told of."""
    on_disk: list[tuple[int, int | None]] = []
    world.synchronizer._held = lambda ack: on_disk.append((ack.seq, world.held()))
    world.introduce()
    world.take("journal", journal([fact(1), fact(2)], first=1))
    world.sync()
    assert on_disk == [(2, 2)]


def test_a_fact_in_quarantine_does_not_hold_the_cursor(world: World) -> None:
    world.introduce()
    world.take("journal", journal([fact(1), fact(2, code=9), fact(3)], first=1))
    world.sync()
    assert world.held() == 3


def test_a_hole_holds_the_cursor_until_it_is_filled(world: World) -> None:
    world.introduce()
    for seq in (1, 3):
        world.take("journal", journal([fact(seq)], first=1))
        world.sync()
    assert (world.held(), [ack.seq for ack in world.acks]) == (1, [1])
    world.take("journal", journal([fact(2)], first=1))
    world.sync()
    assert (world.held(), [ack.seq for ack in world.acks]) == (3, [1, 3])


def test_a_journal_met_in_the_middle_begins_there(world: World) -> None:
    """Another bridge had it before; the first-seen checkpoint tells the person."""
    world.introduce()
    world.take("journal", journal([fact(50)], first=50))
    world.sync()
    assert world.held() == 50


def test_the_cursor_does_not_move_while_the_store_is_away(world: World) -> None:
    world.introduce()
    world.sync()
    world.gateway.fault = Transient("away")
    world.take("journal", journal([fact(1)], first=1))
    try:
        world.synchronizer.step()
    except Transient:
        pass
    else:
        raise AssertionError("the store was not asked")
    assert (world.held(), world.acks) == (0, [])


def test_a_journal_that_ran_over_twice_is_let_past_both_gaps(world: World) -> None:
    world.introduce()
    world.take("journal", journal([fact(0)], first=0))
    world.sync()
    lost = [
        fact(3, "lost", from_seq=1, to_seq=1, count=1),
        fact(4, "lost", from_seq=2, to_seq=2, count=1),
    ]
    world.take("journal", journal(lost, first=0))
    world.sync()
    assert world.held() == 4


def test_what_is_missing_before_a_loss_that_was_told_is_let_past_too(world: World) -> None:
    """Its message got lost on the way, or a restored bridge knows of it no more."""
    world.introduce()
    world.take("journal", journal([fact(1)], first=1))
    world.take("journal", journal([fact(5, "lost", from_seq=5, to_seq=5, count=1)], first=1))
    world.sync()
    assert world.held() == 1
    world.take("journal", journal([fact(6)], first=6))
    world.sync()
    assert world.held() == 6
    assert f"lost/{JOURNAL}/2-4" in [c.coffee_id for c in world.store.checkpoints("open", "m1")]


def test_a_gap_is_told_although_facts_keep_coming(world: World) -> None:
    """A fleet's may come each second, and then no pass finds nothing to import."""
    world.introduce()
    world.take("journal", journal([fact(0)], first=0))
    world.sync()
    world.take("journal", journal([fact(9)], first=5))
    world.take("journal", journal([fact(3, code="Bad Code")], first=3), machine="m2")
    for seq in range(10, 13):
        world.synchronizer.step()
        world.take("journal", journal([fact(seq)], first=5))
    assert "never arrived" in world.rows("checkpoint")[-1]["summary"]
    assert world.held("m2") == 3
