# The journal on a real littlefs: every power cut, every rotation, every damage.
import json
import os

from journal import FACT_MAX, Journal
from ramflash import Board, every_cut


class StampClock:
    def stamp(self, fact, uptime_ms=None):
        fact.update({"boot": 1, "uptime_ms": 5, "utc_ms": None})
        return fact


def open_journal(**limits):
    limits.setdefault("segment_bytes", 600)
    limits.setdefault("segments_max", 4)
    return Journal(StampClock(), **limits)


def fact(n):
    return StampClock().stamp({"kind": "maintenance", "code": "descale_due", "value": n})


def everything(journal):
    seq = journal.first
    out = []
    while True:
        texts = journal.read(seq, 300)
        if not texts:
            return out
        for text in texts:
            record = json.loads(text)
            assert record["seq"] == seq, (record, seq)
            out.append(record)
            seq += 1


def values(journal):
    return [r["value"] for r in everything(journal) if r["kind"] == "maintenance"]


def test_facts_come_back_in_order_over_reboots():
    board = Board()
    journal = open_journal(segments_max=50)
    name = journal.id
    for n in range(30):
        assert journal.append(fact(n)) == n + 1
        if n % 7 == 0:
            board.boot()
            journal = open_journal(segments_max=50)
    assert journal.id == name and len(name) == 16
    assert values(journal) == list(range(30))
    assert (journal.first, journal.next, journal.held) == (1, 31, 30)
    board.close()


def test_a_batch_fits_and_goes_on_where_it_ended():
    board = Board()
    journal = open_journal(segments_max=50)
    for n in range(20):
        journal.append(fact(n))
    texts = journal.read(5, 350)
    assert sum(len(t) + 1 for t in texts) <= 350 and len(texts) >= 2
    assert json.loads(texts[0])["value"] == 4
    assert len(journal.read(5, 10)) == 1  # at least one
    assert journal.read(21, 1000) == [] and journal.read(0, 1000) == []
    seq, got = 1, []
    while True:
        texts = journal.read(seq, 350)
        if not texts:
            break
        got += [json.loads(t)["value"] for t in texts]
        seq += len(texts)
    assert got == list(range(20))
    board.close()


def test_every_power_cut_of_an_append_and_of_rotations():
    board = Board()
    journal = open_journal(segments_max=50)
    before = 4
    for n in range(before):
        journal.append(fact(n))
    returned = []

    def work():
        del returned[:]
        mine = open_journal(segments_max=50)
        for n in range(before, before + 12):
            mine.append(fact(n))
            returned.append(n)

    def check(finished):
        got = values(open_journal(segments_max=50))
        safe = before + len(returned)
        assert got == list(range(len(got))), got
        assert safe <= len(got) <= safe + 1, (safe, got)  # what returned is there, nothing twice
        again = open_journal(segments_max=50)
        assert again.append(fact(len(got))) == len(got) + 1
        assert values(again) == list(range(len(got) + 1))

    assert every_cut(board, work, check) > 20
    board.close()


def test_every_power_cut_of_several_facts_in_one_append():
    board = Board()
    journal = open_journal(segments_max=50)
    journal.append(fact(0))

    def work():
        open_journal(segments_max=50).append_all([fact(n) for n in range(1, 10)])

    def check(finished):
        got = values(open_journal(segments_max=50))
        assert got == list(range(len(got))) and 1 <= len(got) <= 10
        assert len(got) == 10 or not finished

    every_cut(board, work, check)
    board.close()


def test_what_was_acknowledged_goes_in_whole_segments():
    board = Board()
    journal = open_journal(segments_max=50)
    for n in range(30):
        journal.append(fact(n))
    assert not journal.ack("feedbeef", 10)
    assert not journal.ack(journal.id, 31)  # never written: not ours
    assert not journal.ack(journal.id, "5")
    assert journal.ack(journal.id, 17)
    assert journal.first == 1 and journal.forgettable  # RAM only
    journal.forget()
    assert 1 < journal.first <= 18 and not journal.forgettable
    assert values(journal) == list(range(journal.first - 1, 30))
    board.close()


def test_every_power_cut_of_forgetting():
    board = Board()
    journal = open_journal(segments_max=50)
    for n in range(30):
        journal.append(fact(n))

    def work():
        mine = open_journal(segments_max=50)
        mine.ack(mine.id, 24)
        mine.forget()

    def check(finished):
        again = open_journal(segments_max=50)
        assert again.next == 31 and 1 <= again.first <= 25
        assert values(again) == list(range(again.first - 1, 30))

    assert every_cut(board, work, check) >= 3
    board.close()


def test_seq_and_first_never_go_back_after_everything_was_acked():
    board = Board()
    first, following = 1, 1
    for boot in range(12):
        journal = open_journal()
        assert journal.first >= first and journal.next >= following, (journal.first, journal.next)
        for n in range(boot % 4):
            journal.append(fact(n))
        journal.ack(journal.id, journal.next - 1)
        journal.forget()
        first, following = journal.first, journal.next
        board.boot()
    assert following == 19
    board.close()


def test_full_drops_the_oldest_and_tells():
    board = Board()
    journal = open_journal()
    for n in range(80):
        journal.append(fact(n))
    records = everything(journal)
    losses = [r for r in records if r["kind"] == "lost"]
    assert len(os.listdir("journal-" + journal.id)) == 4
    assert losses and journal.first > 1
    # the last loss reaches up to what is held, and counts itself right
    assert losses[-1]["to_seq"] == journal.first - 1
    for loss in losses:
        assert loss["count"] == loss["to_seq"] - loss["from_seq"] + 1
    assert values(journal)[-1] == 79
    board.close()


def test_losses_and_facts_together_are_everything():
    # A host that reads along now and then knows of every seq: got it, or told that it is lost.
    board = Board()
    journal = open_journal()
    known = set()
    for n in range(150):
        journal.append(fact(n))
        if n % 40 == 39:
            for record in everything(journal):
                known.add(record["seq"])
                if record["kind"] == "lost":
                    known.update(range(record["from_seq"], record["to_seq"] + 1))
    for record in everything(journal):
        known.add(record["seq"])
        if record["kind"] == "lost":
            known.update(range(record["from_seq"], record["to_seq"] + 1))
    assert known == set(range(1, journal.next)), set(range(1, journal.next)) - known
    board.close()


def test_every_power_cut_of_a_rotation_that_loses():
    board = Board()
    journal = open_journal()
    n = 0
    while len(os.listdir("journal-" + journal.id)) < 4:
        journal.append(fact(n))
        n += 1
    start = n
    returned = []

    def work():
        del returned[:]
        mine = open_journal()
        for k in range(start, start + 10):
            mine.append(fact(k))
            returned.append(k)

    def check(finished):
        again = open_journal()
        records = everything(again)
        kept = [r["value"] for r in records if r["kind"] == "maintenance"]
        lost = set()
        for r in records:
            if r["kind"] == "lost":
                lost.update(range(r["from_seq"], r["to_seq"] + 1))
        # nothing is dropped without a fact that says so, and nothing that stands is called lost
        assert set(range(1, again.first)) <= lost, (again.first, lost)
        assert not lost & set(range(again.first, again.next))
        assert kept[-1] >= start + len(returned) - 1
        assert kept == list(range(kept[0], kept[-1] + 1))
        again.append(fact(kept[-1] + 1))
        assert len(os.listdir("journal-" + again.id)) <= 4

    assert every_cut(board, work, check) > 15
    board.close()


def test_acked_facts_are_not_called_lost():
    board = Board()
    journal = open_journal()
    for n in range(80):
        journal.append(fact(n))
        journal.ack(journal.id, journal.next - 1)
    assert [r for r in everything(journal) if r["kind"] == "lost"] == []
    board.close()


def test_of_a_half_acked_segment_only_the_rest_is_called_lost():
    board = Board()
    journal = open_journal()
    for n in range(80):
        if n == 6:
            journal.ack(journal.id, 3)
        journal.append(fact(n))
        losses = [r for r in everything(journal) if r["kind"] == "lost"]
        if losses:
            break
    assert losses[0]["from_seq"] == 4 and losses[0]["to_seq"] == journal.first - 1 > 3
    board.close()


def test_nothing_is_written_behind_half_a_line():
    board = Board()
    journal = open_journal(segments_max=50)
    journal.append(fact(0))
    whole = journal._logs.write

    def torn(start, lines):
        whole(start, [lines[0][:30]])
        raise OSError(5)

    journal._logs.write = torn
    try:
        journal.append(fact(1))
        assert False
    except OSError:
        pass
    journal._logs.write = whole
    assert journal.append(fact(1)) == 2
    assert values(journal) == [0, 1] and values(open_journal(segments_max=50)) == [0, 1]
    board.close()


def damage(journal, segment, offset, size=1):
    names = sorted(os.listdir("journal-" + journal.id))
    with open("journal-%s/%s" % (journal.id, names[segment]), "r+b") as f:
        f.seek(offset)
        f.write(b"#" * size)


def test_a_damaged_fact_is_read_as_lost_and_its_neighbours_live():
    board = Board()
    journal = open_journal(segments_max=50)
    for n in range(12):
        journal.append(fact(n))
    damage(journal, 0, 150)
    records = everything(open_journal(segments_max=50))
    assert [r["seq"] for r in records] == list(range(1, 13))
    lost = [r for r in records if r["kind"] == "lost"]
    assert len(lost) == 1 and lost[0]["from_seq"] == lost[0]["to_seq"] == lost[0]["seq"] == 2
    board.close()


def test_numbers_never_come_again_after_a_damaged_tail():
    board = Board()
    journal = open_journal(segments_max=50)
    for n in range(3):
        journal.append(fact(n))
    damage(journal, -1, 140, 140)  # two facts, and the newline between them
    again = open_journal(segments_max=50)
    assert again.next >= 4
    seq = again.append(fact(99))
    assert seq >= 4
    records = everything(open_journal(segments_max=50))
    assert records[0]["value"] == 0 and records[-1]["value"] == 99
    assert all(r["kind"] == "lost" for r in records[1:-1])
    board.close()


def test_a_failed_write_is_not_half_done():
    board = Board()
    journal = open_journal(segments_max=50)
    journal.append(fact(0))
    board.flash.fails_at = board.flash.operations + 1
    try:
        journal.append(fact(1))
        assert False, "the flash was dead"
    except OSError:
        pass
    board.flash.dead = False
    board.flash.fails_at = 0
    assert journal.next == 2
    journal.append(fact(1))
    journal.append(fact(2))
    assert values(journal) == [0, 1, 2]
    board.boot()
    assert values(open_journal(segments_max=50)) == [0, 1, 2]
    board.close()


def test_a_fact_that_fits_no_message_is_refused():
    board = Board()
    journal = open_journal()
    big = fact(0)
    big["reason"] = "x" * FACT_MAX
    try:
        journal.append(big)
        assert False
    except ValueError as e:
        assert "880" in str(e)
    assert journal.next == 1
    board.close()
