# Daily totals and the clock they need.
import time

import files
import live as names
from clock import FLOOR_MS, Clock
from meters import Meters
from peer import leap
from ramflash import Board, every_cut

DAY_MS = 86400000
NOON_MS = 1796040000000 // DAY_MS * DAY_MS + DAY_MS // 2


def machine(utc_ms=NOON_MS, descale_l=0):
    live = names.Live()
    clock = Clock(live, 3)
    if utc_ms:
        clock.set_utc(utc_ms)
    return live, clock, Meters(live, clock, {"descale_l": descale_l})


def shot(live, n=1):
    live.water_ul += 40000 * n
    live.energy_j += 9000 * n
    live.grinds += n
    live.shots_done += n


def test_totals_of_a_day_survive_and_become_one_fact():
    flash = Board()
    live, clock, meters = machine()
    shot(live, 3)
    assert meters.step() == []
    meters.save(1000, 1)
    live, clock, meters = machine()
    shot(live)
    assert meters.step() == [] and meters.totals == [160000, 36000, 4, 4]
    clock.set_utc(NOON_MS + DAY_MS)
    shot(live)
    facts = meters.step()
    assert facts == [{"kind": "meter", "day": clock_day(NOON_MS),
                      "water_ul": 160000, "energy_j": 36000, "grinds": 4, "shots": 4}], facts
    assert meters.totals == [40000, 9000, 1, 1] and meters.day == clock.day()
    flash.close()


def clock_day(utc_ms):
    return "%04d-%02d-%02d" % time.gmtime(utc_ms // 1000)[:3]


def test_counts_before_the_clock_was_set_are_of_today_when_that_is_certain():
    flash = Board()
    live, clock, meters = machine(None)
    shot(live, 2)
    assert meters.step() == [] and meters.day is None
    leap(60000)
    clock.set_utc(NOON_MS)
    assert meters.step() == [] and meters.totals[3] == 2 and meters.day == clock_day(NOON_MS)
    flash.close()


def test_counts_of_an_unknown_day_are_told_as_such_never_guessed():
    flash = Board()
    live, clock, meters = machine(None)
    shot(live, 2)
    meters.step()
    meters.save(0, 1)
    live, clock, meters = machine(None)  # a boot later: nobody knows when that was
    shot(live)
    meters.step()
    clock.set_utc(NOON_MS)
    facts = meters.step()
    assert [(f["day"], f["shots"]) for f in facts] == [(None, 3)]
    assert meters.totals == [0, 0, 0, 0]
    flash.close()


def test_up_since_yesterday_is_not_certain():
    flash = Board()
    live, clock, meters = machine(None)
    shot(live)
    leap(DAY_MS)
    meters.step()
    clock.set_utc(NOON_MS)
    assert [(f["day"], f["shots"]) for f in meters.step()] == [(None, 1)]
    flash.close()


def test_midnight_under_a_set_clock_splits_nothing_off():
    flash = Board()
    live, clock, meters = machine(NOON_MS)
    shot(live)
    meters.step()
    shot(live)
    clock.set_utc(NOON_MS + DAY_MS // 2 + 1000)
    facts = meters.step()
    assert [(f["day"], f["shots"]) for f in facts] == [(clock_day(NOON_MS), 1)]
    assert meters.totals[3] == 1
    flash.close()


def test_midnight_finds_the_clock_set_however_long_the_machine_is_up():
    flash = Board()
    live, clock, meters = machine(NOON_MS)
    assert meters.step() == []
    leap(DAY_MS)
    shot(live)
    assert [(f["day"], f["shots"]) for f in meters.step()] == [(clock_day(NOON_MS), 0)]
    assert meters.totals[3] == 1
    flash.close()


def test_a_start_soon_after_midnight_is_today():
    flash = Board()
    live, clock, meters = machine(None)
    shot(live)
    leap(DAY_MS // 2 - 60000)
    clock.set_utc(NOON_MS)
    assert meters.step() == [] and meters.totals[3] == 1
    flash.close()


def test_what_was_counted_between_two_times_of_one_day_is_of_that_day():
    flash = Board()
    live, clock, meters = machine(NOON_MS)
    shot(live)
    meters.step()
    meters.save(0, 1)
    live, clock, meters = machine(None)  # a boot that never learns the time
    shot(live)
    meters.step()
    meters.save(0, 1)
    live, clock, meters = machine(NOON_MS + 3600000)
    assert meters.step() == [] and meters.totals[3] == 2
    flash.close()


def test_a_day_that_was_told_is_saved_at_once():
    flash = Board()
    live, clock, meters = machine(NOON_MS)
    shot(live)
    meters.step()
    meters.save(0, 1)
    assert not meters.due(0)
    clock.set_utc(NOON_MS + DAY_MS)
    assert len(meters.step()) == 1 and meters.step() == []
    assert meters.due(0)
    flash.close()


def test_the_ticks_counts_may_wrap():
    flash = Board()
    live, clock, meters = machine()
    live.water_ul = 0x3FFFFFF0
    meters.step()
    live.water_ul = 0x10
    meters.step()
    assert meters.totals[0] == 0x40000000 + 0x10
    flash.close()


def test_saving_is_sparing():
    flash = Board()
    live, clock, meters = machine()
    meters.step()
    meters.save(0, 1)
    live.energy_j += 1000
    meters.step()
    assert not meters.due(899999) and meters.due(900000)
    meters.save(900000, 1)
    assert not meters.due(1800000)  # nothing changed
    live.energy_j += 1000
    meters.step()
    assert not meters.due(1799999) and meters.due(1800000)
    live.shots_done += 1
    meters.step()
    assert meters.due(900001)
    meters.save(900001, 1)
    assert not meters.due(900002)
    meters._told = True  # a day's fact
    meters.save(900003, 1)
    assert not meters.due(900004)
    flash.close()


def test_every_power_cut_of_saving():
    flash = Board()
    live, clock, meters = machine()
    shot(live)
    meters.step()
    meters.save(0, 1)
    image = meters._image()
    shot(live)
    meters.step()
    newer = meters._image()
    assert image != newer

    def work():
        meters._saved = image
        meters.save(1000, 1)

    def check(finished):
        fresh = Meters(names.Live(), clock, {"descale_l": 0})
        assert fresh._image() == newer if finished else fresh._image() in (image, newer)

    assert every_cut(flash, work, check) > 3
    flash.close()


def test_uptime_goes_on_beyond_the_wrap_of_ticks():
    live, clock, _ = machine(None)
    began = clock.uptime_ms()
    for _ in range(60):
        leap(DAY_MS)
        clock.uptime_ms()
    assert clock.uptime_ms() - began == 60 * DAY_MS
    # a stamp of the tick, which wraps every 12 days, is put in its place
    live.uptime_ms = 500  # it just wrapped
    stamp = 0x40000000 - 2000
    assert abs(clock.uptime_of(stamp) - (clock.uptime_ms() - 2500)) <= 1


def test_only_a_time_that_can_be_is_taken():
    live, clock, _ = machine(None)
    for bad in (0, -1, NOON_MS // 1000, NOON_MS * 1000, FLOOR_MS - 1):
        assert not clock.set_utc(bad) and not clock.known and clock.utc_ms() is None
    assert clock.day() is None
    assert clock.set_utc(NOON_MS) and clock.known and clock.utc_ms() - NOON_MS < 5
    fact = clock.stamp({"kind": "x"}, 1000)
    assert fact["boot"] == 3 and fact["uptime_ms"] == 1000
    assert fact["utc_ms"] == NOON_MS - (clock.uptime_ms() - 1000) or abs(
        fact["utc_ms"] - (clock.utc_ms() - clock.uptime_ms() + 1000)) <= 1


# --- descaling
def test_each_so_many_litres_descaling_is_due_also_without_a_clock():
    flash = Board()
    told = []
    for boot in range(5):  # 24 l each
        live, _, meters = machine(None, descale_l=50)
        for _ in range(24):
            live.water_ul += 1000000
            told += [(boot, fact) for fact in meters.step()]
        meters.save(1000, 1)
    due = {"kind": "maintenance", "code": "descale_due", "value": 50}
    assert told == [(2, due), (4, due)], told
    flash.close()


def test_a_descaling_begins_the_count_anew_and_0_never_asks():
    flash = Board()
    live, _, meters = machine(descale_l=50)
    live.water_ul += 49000000
    assert meters.step() == []
    meters.descaled()
    live.water_ul += 49000000
    assert meters.step() == []
    meters.save(1000, 1)
    live, _, meters = machine(descale_l=0)
    live.water_ul += 900000000
    assert meters.step() == []
    flash.close()


def test_what_earlier_and_later_firmware_kept_is_kept():
    flash = Board()
    for more in (b"", b", 5", b", 5, 6", b', 5, 6, "new"'):
        files.replace("meters", b'["2026-11-30", [1, 2, 3, 4], [0, 0, 0, 0]' + more + b"]")
        meters = machine(descale_l=50)[2]
        assert (meters.day, meters.totals) == ("2026-11-30", [1, 2, 3, 4]), more
    flash.close()
