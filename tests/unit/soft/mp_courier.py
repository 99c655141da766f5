# Facts to the host: contiguous batches, onward only as the broker has them, again from the host's
# cursor. Over the real journal in this process's own folder.
import json
import os

from clock import Clock
from courier import Courier
from journal import Journal
from live import Live


def fresh(facts):
    for name in os.listdir():
        if name.startswith("journal-"):
            for part in os.listdir(name):
                os.remove(name + "/" + part)
            os.rmdir(name)
    clock = Clock(Live(), 7)
    journal = Journal(clock)
    add(journal, clock, facts)
    return Courier(journal, clock), journal, clock


def add(journal, clock, n):
    for k in range(n):
        pad = "x" * (k * 7 % 300)
        fact = {"kind": "maintenance", "code": "descale_due", "value": k, "pad": pad}
        journal.append(clock.stamp(fact))


def deliver(courier, now=0):
    # all batches that are due, each acknowledged by the broker; the seqs they carried
    seqs = []
    while courier.due(now):
        message = courier.message()
        if not message:
            break
        assert len(message) <= 1024
        batch = json.loads(message)
        found = [fact["seq"] for fact in batch["facts"]]
        assert found == list(range(batch["seq"], batch["seq"] + len(found)))
        assert batch["first"] <= batch["seq"] and batch["sent_utc_ms"] is None
        seqs += found
        courier.delivered(now)
    return seqs


def test_all_facts_go_once_in_order():
    courier, journal, clock = fresh(40)
    assert deliver(courier) == list(range(1, 41))
    assert not courier.due(0)
    add(journal, clock, 2)
    assert deliver(courier) == [41, 42]


def test_batch_the_broker_did_not_take_is_the_same_again():
    courier, _, _ = fresh(9)
    first = json.loads(courier.message())["facts"]
    assert json.loads(courier.message())["facts"] == first


def test_new_session_goes_back_to_the_hosts_cursor():
    courier, journal, _ = fresh(20)
    deliver(courier)
    courier.ack(journal.id, 12, 0)
    courier.restart(0)
    assert deliver(courier) == list(range(13, 21))


def test_silence_of_the_host_brings_them_again_ever_more_patiently():
    courier, journal, _ = fresh(5)
    deliver(courier)
    pauses = []
    now = since = 0
    while len(pauses) < 7:
        now += 1000
        if courier.due(now):
            assert deliver(courier, now) == [1, 2, 3, 4, 5]
            pauses.append(now - since)
            since = now
    assert pauses == [15000, 30000, 60000, 120000, 240000, 300000, 300000], pauses
    courier.ack(journal.id, 5, now)
    assert not courier.due(now + 10000000)


def test_progress_of_the_host_makes_it_wait_anew():
    courier, journal, _ = fresh(6)
    deliver(courier)
    for seq in range(1, 6):
        now = seq * 14000
        assert not courier.due(now)
        courier.ack(journal.id, seq, now)
    assert courier.due(5 * 14000 + 15000)
    assert deliver(courier, 85000) == [6]


def test_a_host_that_came_back_to_life_is_trusted_as_before():
    courier, journal, _ = fresh(6)
    deliver(courier)
    for now in (15000, 45000, 105000):
        assert courier.due(now)
        deliver(courier, now)
    courier.ack(journal.id, 3, 110000)
    assert not courier.due(124000) and courier.due(126000)
    assert deliver(courier, 126000) == [4, 5, 6]


def test_same_cursor_out_of_silence_means_begin_after_it():
    courier, journal, _ = fresh(6)
    deliver(courier)
    courier.ack(journal.id, 2, 1000)
    courier.ack(journal.id, 2, 1100)  # an answer to what we just sent: no reason to repeat
    assert not courier.due(1200)
    courier.ack(journal.id, 2, 9000)  # the host came back
    assert deliver(courier, 9000) == [3, 4, 5, 6]
    courier.ack(journal.id, 2, 9100)
    assert not courier.due(9200)


def test_acks_of_another_journal_or_of_what_never_was_change_nothing():
    courier, journal, _ = fresh(6)
    deliver(courier)
    assert not courier.ack("00000000", 6, 0)
    assert not courier.ack(journal.id, 7, 0)
    assert not courier.ack(journal.id, -1, 0)
    assert courier.due(15000) and deliver(courier, 15000) == [1, 2, 3, 4, 5, 6]


def test_what_the_journal_forgot_is_skipped():
    courier, journal, clock = fresh(0)
    small = Journal(clock, segment_bytes=600, segments_max=3)
    courier = Courier(small, clock)
    add(small, clock, 5)
    courier.message()
    add(small, clock, 60)
    seqs = deliver(courier)
    assert seqs[0] == small.first > 1 and seqs[-1] == small.next - 1
