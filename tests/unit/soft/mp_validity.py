# The lower bound of the time that certificates are judged by.
import os
import time
from mailbox import Mailbox

import files
import validity
from clock import FLOOR_MS, Clock
from live import BREWING, READY, Live

SOME_DAY_MS = 1893456000000  # 2030-01-01


def fresh():
    files.remove("utc_floor")
    time.set_utc_us(1609459200000000)  # the RTC after a reset
    live = Live()
    live.state = READY
    clock = Clock(live, 1)
    return validity.Validity(clock, Mailbox(live)), clock, live


def test_rtc_starts_at_the_bound_and_the_clock_stays_unknown():
    _, clock, _ = fresh()
    assert time.time() == FLOOR_MS // 1000 and not clock.known


def test_known_time_is_kept_for_the_next_start():
    kept, clock, live = fresh()
    live.state = BREWING
    clock.set_utc(SOME_DAY_MS)
    kept.step()
    assert "utc_floor" not in os.listdir(), "no flash while it pours"
    live.state = READY
    kept.step()
    assert abs(time.time() * 1000 - SOME_DAY_MS) < 2000
    time.set_utc_us(1609459200000000)
    again = Clock(live, 2)
    validity.Validity(again, Mailbox(live))
    assert abs(time.time() * 1000 - SOME_DAY_MS) < 2000 and not again.known


def test_written_once_a_week_at_most():
    kept, clock, live = fresh()
    clock.set_utc(SOME_DAY_MS)
    kept.step()
    for days, written in ((6, False), (8, True)):
        before = files.read_one("utc_floor")
        kept = validity.Validity(clock, Mailbox(live))
        clock.set_utc(SOME_DAY_MS + days * 86400000)
        kept.step()
        assert (files.read_one("utc_floor") != before) == written, days


def test_a_damaged_note_is_no_note():
    fresh()
    with open("utc_floor", "wb") as f:
        f.write(b"nonsense")
    assert validity.floor_ms() == FLOOR_MS
    files.remove("utc_floor")
