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
    kept.step(1)
    assert "utc_floor" not in os.listdir(), "no flash while it pours"
    live.state = READY
    kept.step(1)
    assert abs(time.time() * 1000 - SOME_DAY_MS) < 2000
    time.set_utc_us(1609459200000000)
    again = Clock(live, 2)
    validity.Validity(again, Mailbox(live))
    assert abs(time.time() * 1000 - SOME_DAY_MS) < 2000 and not again.known


def test_written_once_a_day_and_after_each_new_session():
    # a certificate renewed while the machine runs must be good after the next power cut
    kept, clock, live = fresh()
    now_ms = SOME_DAY_MS
    clock.set_utc(now_ms)
    kept.step(1)
    for minutes, session, written in (
        (9, 2, False), (2, 2, True), (600, 2, False), (5, 3, True), (1434, 3, False), (7, 3, True),
    ):
        now_ms += minutes * 60000
        clock.set_utc(now_ms)
        before = files.read_one("utc_floor")
        kept.step(session)
        assert (files.read_one("utc_floor") != before) == written, (minutes, session)


def test_a_bound_from_a_wrong_clock_goes_when_the_right_time_comes():
    kept, clock, live = fresh()
    clock.set_utc(SOME_DAY_MS + 30 * 365 * 86400000)
    kept.step(1)
    clock.set_utc(SOME_DAY_MS)
    kept.step(1)
    assert abs(validity.floor_ms() - SOME_DAY_MS) < 2000
    assert abs(time.time() * 1000 - SOME_DAY_MS) < 2000


def test_a_flash_that_fails_holds_nothing_up():
    # raised, it would end each pass in which it is tried, and with it the session; and outputs
    # are off in each try
    kept, clock, live = fresh()
    clock.set_utc(SOME_DAY_MS)
    tried = []
    kept._mailbox.hush = lambda: tried.append(1) or True
    os.mkdir("utc_floor")
    try:
        for _ in range(100):
            time.sleep_ms(100)
            kept.step(1)
    finally:
        os.rmdir("utc_floor")
    assert len(tried) == 5, len(tried)
    time.sleep_ms(2000)
    kept.step(1)
    assert clock.utc_ms() - validity.floor_ms() < 2000


def test_a_damaged_note_is_no_note():
    fresh()
    with open("utc_floor", "wb") as f:
        f.write(b"nonsense")
    assert validity.floor_ms() == FLOOR_MS
    files.remove("utc_floor")
