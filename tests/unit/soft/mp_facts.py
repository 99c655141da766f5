# Events of the tick become facts, at the right time for the flash, over all interruptions.
import json
import os

import live as names
import micropython
from bench import NOW_MS, Bench
from brew import REASONS
from facts import QUEUE_MAX
from ramflash import PowerCut, every_cut

_THEIRS = ("film", "song", "poem")


def test_a_boot_is_a_fact():
    bench = Bench()
    boot = bench.journalled()[0]
    assert (boot["kind"], boot["cause"], boot["boot"]) == ("boot", "power", 1)
    assert boot["safe_mode"] is False
    assert boot["previous_uptime_ms"] is None
    bench.boot("reset")
    assert [f["boot"] for f in bench.journalled("boot")] == [1, 2]
    bench.close()


def test_a_shot_from_the_button_is_marked_before_water_and_told_after():
    bench = Bench()
    bench.live.uptime_ms = 5000
    bench.shot_starts(slot=3, rev=7)
    bench.facts.step()
    assert bench.facts._mark.kept["slot"] == "3"
    operations = bench.board.flash.operations
    bench.enter(names.BREWING)
    bench.pass_ms(30000)
    assert bench.board.flash.operations == operations  # the guard would have said so, too
    quiets = bench.mailbox.quiets
    bench.live.put(names.EV_ALARM, 14, 1)
    bench.pass_ms(2000)
    assert bench.mailbox.quiets == quiets  # nobody even asks while water runs
    bench.shot_ends()
    bench.pass_ms(500)
    brew = bench.journalled("brew")
    assert len(brew) == 1
    assert brew[0]["slot"] == "3" and brew[0]["recipe_rev"] == 7 and brew[0]["source"] == "local"
    assert brew[0]["command"] is None and brew[0]["result"] == "ok" and brew[0]["reason"] is None
    assert brew[0]["utc_ms"] - NOW_MS < 60000 and brew[0]["duration_ms"] == 25000
    assert bench.facts._mark.kept is None
    bench.close()


def test_a_pass_with_nothing_to_do_takes_nothing_from_the_heap():
    # not even a frame: those of more than eleven words do
    bench = Bench()
    bench.pass_ms(1000)
    bench.facts.step()
    before = micropython.mem_total()
    for _ in range(5):
        bench.facts.step()
    assert micropython.mem_total() == before
    bench.close()


def test_a_remote_shot_carries_its_command():
    bench = Bench()
    reply = bench.send("brew", {"slot": 0}, id="cmd-1")
    assert reply["ok"] and reply["result"] == {"shot": 1}, reply
    bench.shot_starts(source=1)
    bench.facts.step()
    bench.enter(names.BREWING)
    bench.pass_ms(1000)
    bench.shot_ends(2, 3 + 1)
    bench.pass_ms(500)
    brew = bench.journalled("brew")[0]
    assert brew["command"] == "cmd-1" and brew["source"] == "remote"
    assert (brew["result"], brew["reason"]) == ("aborted", "reset")
    bench.close()


def poured(bench, command):
    assert bench.send("brew", {"slot": 0}, id=command)["ok"]
    bench.shot_starts(source=1)
    bench.facts.step()
    bench.enter(names.BREWING)
    bench.pass_ms(1000)
    bench.shot_ends()  # after this pass looked for events


def brewed(bench):
    return [(f["shot"], f["command"], f["result"]) for f in bench.journalled("brew")]


def test_an_order_in_the_pass_in_which_a_shot_ends_leaves_it_its_command():
    for slot in (0, 9):  # taken, refused
        bench = Bench()
        poured(bench, "cmd-1")
        assert bench.send("brew", {"slot": slot}, id="cmd-2")["ok"] == (slot == 0)
        bench.pass_ms(500)
        assert brewed(bench) == [(1, "cmd-1", "ok")]
        bench.close()


def test_no_order_takes_the_mark_of_a_shot_whose_fact_is_not_written():
    for slot, more in ((0, [(2, "cmd-2", "aborted")]), (9, [])):
        for wait_ms in (0, 100):
            bench = Bench()
            poured(bench, "cmd-1")
            bench.pass_ms(wait_ms)
            bench.send("brew", {"slot": slot}, id="cmd-2")
            bench.boot("power")
            assert brewed(bench) == [(1, "cmd-1", "ok")] + more
            bench.close()


def test_alarm_reasons_are_named():
    bench = Bench()
    bench.shot_starts()
    bench.shot_ends(2, 1 + len(REASONS) + names.ALARM_NAMES.index("dry_pump"))
    bench.pass_ms(500)
    assert bench.journalled("brew")[0]["reason"] == "dry_pump"
    bench.close()


def cut_shot(remote):
    bench = Bench()
    if remote:
        bench.send("brew", {"slot": 0}, id="cmd-9")
    bench.shot_starts(slot=2, rev=1, source=1 if remote else 0)
    bench.facts.step()
    bench.enter(names.BREWING)
    bench.pass_ms(5000)
    boot = bench.resets.boot
    bench.boot("watchdog")
    brews = bench.journalled("brew")
    assert len(brews) == 1, brews
    assert (brews[0]["result"], brews[0]["reason"]) == ("aborted", "reset")
    assert brews[0]["boot"] == boot and brews[0]["shot"] == 1
    assert [brews[0][n] for n in ("duration_ms", "volume_ul", "energy_j")] == [None] * 3
    assert brews[0]["command"] == ("cmd-9" if remote else None)
    assert not bench.mailbox.asked  # and it is not begun again
    bench.boot("power")
    assert len(bench.journalled("brew")) == 1
    bench.close()


def test_a_local_shot_cut_by_a_reset_is_journalled_once_as_aborted():
    cut_shot(False)


def test_a_remote_shot_cut_by_a_reset_is_journalled_once_as_aborted():
    cut_shot(True)


def test_a_shot_that_ended_under_an_open_steam_wand_is_told_though_the_power_goes():
    # nothing is written while steam flows: what is known of it on flash is that it began
    bench = Bench()
    bench.shot_starts()
    bench.facts.step()
    bench.enter(names.BREWING)
    bench.pass_ms(1000)
    bench.shot_ends()
    bench.enter(names.STEAM)
    bench.pass_ms(60000)
    bench.boot("power")
    assert brewed(bench) == [(1, None, "aborted")]
    bench.close()


def alive(bench):
    # what comes after the cut never happened
    if bench.board.flash.dead:
        raise PowerCut


def test_every_power_cut_of_a_local_shot_gives_one_fact():
    bench = Bench(safe=False)
    marked = []

    def work():
        del marked[:]
        bench.wire()
        bench.shot_starts()
        bench.facts.step()
        alive(bench)
        marked.append(True)
        bench.enter(names.BREWING)
        bench.pass_ms(300)
        bench.shot_ends()
        bench.pass_ms(600)
        alive(bench)

    def check(finished):
        for cause in ("watchdog", "power"):
            bench.wire(cause)
            brews = bench.journalled("brew")
            assert len(brews) == 1 if marked else len(brews) <= 1, brews
        if finished:
            assert brews[0]["result"] == "ok"

    assert every_cut(bench.board, work, check) > 10
    bench.close()


def test_every_power_cut_around_a_remote_brew():
    # The host got its reply or not; the machine brewed at most once and tells of what it began.
    bench = Bench(safe=False)
    told = []

    def work():
        bench.wire()
        del told[:]
        reply = bench.send("brew", {"slot": 0}, id="x1")
        alive(bench)
        told.append(reply)
        bench.shot_starts(source=1)
        bench.enter(names.BREWING)
        bench.shot_ends()
        bench.pass_ms(600)
        alive(bench)

    def check(finished):
        bench.wire("watchdog")
        bench.mailbox.asked.clear()
        again = bench.send("brew", {"slot": 0}, id="x1")
        asked = [a for a in bench.mailbox.asked if a[0] == names.REQ_BREW]
        brews = bench.journalled("brew")
        assert len(asked) + len(brews) <= 1, (asked, brews)
        if told:
            assert again == told[0], (again, told)
            assert not asked and len(brews) == 1 and brews[0]["command"] == "x1", brews

    assert every_cut(bench.board, work, check) > 8
    bench.close()


def test_the_shot_before_is_safe_when_the_next_begins_at_once():
    bench = Bench()
    bench.shot_starts()
    bench.facts.step()
    bench.enter(names.BREWING)
    bench.shot_ends()
    bench.shot_starts(slot=1)  # before the queue was written
    bench.facts.step()
    bench.enter(names.BREWING)
    bench.boot("watchdog")
    brews = [(b["shot"], b["result"]) for b in bench.journalled("brew")]
    assert brews == [(1, "ok"), (2, "aborted")]
    bench.close()


def test_alarms_keep_their_own_time_and_wait_for_the_end_of_the_shot():
    bench = Bench()
    bench.pass_ms(1000)
    bench.shot_starts()
    bench.facts.step()
    bench.enter(names.BREWING)
    bench.live.put(names.EV_ALARM, names.ALARM_NAMES.index("door_open"), 1)
    raised_ms = bench.clock.uptime_ms()
    bench.pass_ms(20000)
    assert not bench.journalled("alarm")
    bench.shot_ends()
    bench.pass_ms(500)
    alarm = bench.journalled("alarm")[0]
    assert abs(alarm["uptime_ms"] - raised_ms) < 10
    assert alarm["code"] == "door_open" and alarm["raised"] and alarm["severity"] == "warning"
    assert alarm["latched"] is False
    bench.live.put(names.EV_ALARM, names.ALARM_NAMES.index("over_temp_brew"), 0)
    bench.pass_ms(500)
    alarm = bench.journalled("alarm")[1]
    assert (alarm["severity"], alarm["latched"], alarm["raised"]) == ("critical", True, False)
    bench.close()


def test_a_clock_set_later_dates_what_still_waits():
    bench = Bench()
    bench.clock._offset_ms = None
    bench.live.state = names.HOT_WATER
    bench.live.put(names.EV_ALARM, 14, 1)
    bench.pass_ms(2000)
    bench.clock.set_utc(NOW_MS)
    bench.live.state = names.READY
    bench.pass_ms(500)
    assert NOW_MS - 2500 < bench.journalled("alarm")[0]["utc_ms"] <= NOW_MS
    bench.close()


def test_latched_alarms_survive_every_reset_until_they_are_acknowledged():
    bench = Bench()
    mask = 1 << names.ALARM_NAMES.index("dry_pump")
    bench.live.latched = mask
    bench.live.state = names.FAULT
    bench.pass_ms(500)
    for cause in ("watchdog", "power", "reset"):
        bench.boot(cause)
        assert bench.resets.latched == mask
    bench.live.latched = 0
    bench.pass_ms(500)
    bench.boot()
    assert bench.resets.latched == 0
    bench.close()


def test_a_fault_in_a_shot_is_latched_on_flash_as_soon_as_the_pump_is_off():
    bench = Bench()
    bench.shot_starts()
    bench.facts.step()
    bench.enter(names.BREWING)
    bench.live.latched = 1
    bench.pass_ms(1000)
    bench.enter(names.ENDING)
    bench.pass_ms(300)
    bench.boot("watchdog")
    assert bench.resets.latched == 1
    bench.close()


def test_a_full_queue_is_told_as_loss():
    bench = Bench()
    bench.live.state = names.BREWING
    for n in range(60):
        bench.live.put(names.EV_ALARM, 14, n & 1)
        bench.pass_ms(100)
    bench.live.state = names.READY
    bench.pass_ms(500)
    assert len(bench.journalled("alarm")) == 48
    assert [f["count"] for f in bench.journalled("lost")] == [12]
    bench.close()


def test_an_overflowing_event_ring_is_told_as_loss():
    bench = Bench()
    for n in range(40):
        bench.live.put(names.EV_ALARM, 14, n & 1)
    bench.pass_ms(6000)
    assert len(bench.journalled("alarm")) == 31
    bench.pass_ms(12000)  # and once
    assert [f["count"] for f in bench.journalled("lost")] == [9]
    bench.close()


def test_an_auto_tune_is_kept():
    bench = Bench()
    for k in range(5):
        bench.live.tune[k] = 100 + k
    bench.live.put(names.EV_MAINT, names.MAINT_NAMES.index("autotune_done"), 0)
    bench.pass_ms(500)
    bench.boot()
    assert bench.config.tune() == [100, 101, 102, 103, 104]
    assert bench.journalled("maintenance")[0]["code"] == "autotune_done"
    bench.close()


def due(bench):
    return [f["value"] for f in bench.journalled("maintenance") if f["code"] == "descale_due"]


def test_descaling_is_due_once_and_a_descaling_begins_anew():
    bench = Bench()
    assert not bench.send("config.put", {"descale_l": 2})["result"]["restart"]
    for water_ul, told in ((1900000, []), (2100000, [2]), (3900000, [2]), (4300000, [2, 2])):
        bench.live.water_ul = water_ul
        bench.pass_ms(6000)
        assert due(bench) == told, (water_ul, due(bench))
    bench.live.water_ul = 6200000
    bench.pass_ms(6000)
    bench.live.put(names.EV_MAINT, names.MAINT_NAMES.index("descale_done"), 0)
    bench.pass_ms(6000)
    bench.live.water_ul = 8100000
    bench.pass_ms(6000)
    assert due(bench) == [2, 2]
    bench.close()


def test_a_descaling_is_not_forgotten_when_the_machine_is_switched_off_after_it():
    bench = Bench()
    bench.send("config.put", {"descale_l": 2})
    bench.live.water_ul = 1900000
    bench.live.shots_done = 1  # what is saved after it has that water
    bench.pass_ms(8000)
    bench.live.put(names.EV_MAINT, names.MAINT_NAMES.index("descale_done"), 0)
    bench.pass_ms(1000)
    bench.boot("power")
    bench.live.water_ul = 300000
    bench.pass_ms(6000)
    assert due(bench) == []
    bench.close()


def tuned():
    bench = Bench()
    for k, figure in enumerate((1300, 1900, 1200, 6000, 1500)):
        bench.live.tune[k] = figure
    bench.live.put(names.EV_MAINT, names.MAINT_NAMES.index("autotune_done"), 0)
    bench.pass_ms(500)
    return bench


def test_what_shots_teach_is_kept_when_it_is_worth_a_write():
    bench = tuned()
    for capacity, kept in ((1870, 1900), (1800, 1800)):
        bench.live.tune[1] = capacity
        bench.live.put(names.EV_SHOT, 0, 0)
        bench.pass_ms(500)
        assert bench.config.tune()[1] == kept
    bench.boot()
    assert bench.config.tune() == [1300, 1800, 1200, 6000, 1500]
    assert len(bench.journalled("maintenance")) == 1
    bench.close()


def test_a_shot_is_not_the_tune_that_somebody_asked_for():
    bench = tuned()
    assert bench.send("config.put", {"autotune": "again"})["ok"]
    bench.live.tune[1] = 1700  # the new element is another one
    bench.live.put(names.EV_SHOT, 0, 0)
    bench.pass_ms(500)
    bench.boot()
    assert bench.config.tune()[1] == 1700 and bench.config.wants_tune()
    bench.live.put(names.EV_MAINT, names.MAINT_NAMES.index("autotune_done"), 0)
    bench.pass_ms(500)
    assert bench.config["autotune"] == "once"
    bench.close()


def test_a_dying_flash_loses_no_fact_and_doubles_none():
    bench = Bench()
    for n in range(30):
        bench.live.put(names.EV_ALARM, 14, n & 1)
    flash = bench.board.flash
    flash.fails_at = flash.operations + 2
    bench.pass_ms(1000)
    assert bench.facts.flash_errors
    flash.dead = False
    flash.fails_at = 0
    bench.pass_ms(3000)
    assert [f["raised"] for f in bench.journalled("alarm")] == [bool(n & 1) for n in range(30)]
    bench.close()


def test_a_flash_that_fails_does_not_keep_the_outputs_off():
    bench = Bench()
    bench.live.put(names.EV_ALARM, 14, 1)
    bench.board.flash.dead = True
    bench.pass_ms(10000)
    assert 3 <= bench.facts.flash_errors <= 6, bench.facts.flash_errors
    bench.board.flash.dead = False
    bench.shot_starts()  # its mark does not wait for the next try
    bench.pass_ms(200)
    bench.boot("watchdog")
    assert len(bench.journalled("brew")) == 1
    bench.close()


def test_a_flash_that_failed_once_is_tried_for_a_mark_and_a_latch_at_once():
    bench = Bench()
    flash = bench.board.flash

    def failed():
        errors = bench.facts.flash_errors
        bench.live.put(names.EV_ALARM, 14, 1)
        flash.fails_at = flash.operations + 1
        bench.pass_ms(400)
        assert bench.facts.flash_errors == errors + 1
        flash.dead = False
        flash.fails_at = 0

    failed()
    bench.live.latched = 1 << 3
    bench.pass_ms(200)
    assert not bench.facts._resets.latches_changed(1 << 3)
    bench.pass_ms(3000)
    flash.fails_at = flash.operations + 1
    bench.shot_starts()
    bench.pass_ms(100)
    flash.dead = False
    flash.fails_at = 0
    bench.pass_ms(200)
    bench.boot("watchdog")
    assert len(bench.journalled("brew")) == 1
    bench.close()


def _fill():
    # to the last block, as with files that somebody copied to the board
    for name in _THEIRS:
        with open(name, "wb") as f:
            try:
                while True:
                    f.write(bytes(512))
                    f.flush()
            except OSError:
                pass


def test_a_flash_full_of_somebodys_files_is_no_reason_not_to_start():
    bench = Bench()
    for n in range(60):
        bench.live.put(names.EV_ALARM, 14, n & 1)
        bench.pass_ms(300)  # until the journal no longer fits beside its folder's entry
    bench.shot_starts()
    bench.pass_ms(300)
    bench.board.flash.guard = None
    _fill()
    bench.boot("watchdog")
    assert bench.facts.flash_errors
    bench.board.flash.guard = None
    for name in _THEIRS:
        os.remove(name)
    bench.pass_ms(3000)
    assert [f["boot"] for f in bench.journalled("boot")] == [1, 2]
    bench.shot_starts()  # takes the mark of the one that the reset cut off
    bench.pass_ms(300)
    bench.shot_ends()
    bench.pass_ms(1000)
    brews = [(f["boot"], f["result"]) for f in bench.journalled("brew")]
    assert brews == [(1, "aborted"), (2, "ok")], brews
    bench.close()


def test_idle_passes_write_nothing():
    bench = tuned()
    bench.boot()
    bench.live.tune[1] = 1900  # the tick says what it works with
    kept = []
    bench.config.keep_tune = lambda *figures: kept.append(figures)
    bench.shot_starts()
    bench.shot_ends()
    bench.pass_ms(6000)
    assert not kept  # as it was before
    operations, quiets = bench.board.flash.operations, bench.mailbox.quiets
    bench.pass_ms(600000)
    assert bench.board.flash.operations == operations
    assert bench.mailbox.quiets == quiets  # each takes the heat away for a moment
    bench.close()


def test_what_the_host_holds_is_forgotten_without_another_reason():
    bench = Bench()
    for _ in range(5):
        for _ in range(40):
            bench.facts.add({"kind": "alarm", "code": "tray_full", "more": "x" * 60})
        bench.pass_ms(400)
    assert bench.journal.first == 1
    assert bench.journal.ack(bench.journal.id, bench.journal.next - 1)
    bench.pass_ms(400)
    assert bench.journal.first > 40
    bench.close()


def test_every_fact_is_json_of_the_contract():
    # the whole path once; the schemas themselves are checked in tests/contract and end to end
    bench = Bench()
    bench.shot_starts()
    bench.shot_ends(1, 1)
    bench.live.put(names.EV_MAINT, 0, 3)
    bench.pass_ms(500)
    for fact in bench.journalled():
        assert {"seq", "kind", "boot", "uptime_ms", "utc_ms"} <= set(fact), json.dumps(fact)
    bench.close()


DAY_MS = 86400000
MIDNIGHT_MS = NOW_MS // DAY_MS * DAY_MS


def metered(bench):
    return [(f["day"], f["water_ul"], f["shots"]) for f in bench.journalled("meter")]


def with_a_shot_today():
    bench = Bench()
    bench.clock.set_utc(MIDNIGHT_MS + 3600000)
    bench.live.water_ul = 7000
    bench.live.shots_done = 1
    bench.pass_ms(8000)
    return bench


def test_what_is_saved_after_a_shot_has_that_shot():
    bench = Bench()
    bench.pass_ms(8000)
    bench.shot_starts()
    bench.pass_ms(2000)
    bench.live.water_ul += 50000
    bench.shot_ends()
    bench.pass_ms(1000)  # and the power goes
    bench.boot("power")
    bench.clock.set_utc(MIDNIGHT_MS + DAY_MS + 1000)
    bench.pass_ms(8000)
    assert [m[1:] for m in metered(bench)] == [(50000, 1)]
    bench.close()


def test_a_day_is_told_once_however_soon_the_power_goes():
    bench = with_a_shot_today()
    for hours in range(3):
        bench.boot("power")
        bench.clock.set_utc(MIDNIGHT_MS + DAY_MS + hours * 3600000)
        bench.pass_ms(8000)
    assert [m[1:] for m in metered(bench)] == [(7000, 1)]
    bench.close()


def test_a_day_is_told_once_wherever_the_power_goes():
    bench = with_a_shot_today()

    def day_ends():
        bench.board.flash.guard = None
        bench.wire()
        bench.clock.set_utc(MIDNIGHT_MS + DAY_MS + 1000)
        bench.pass_ms(8000)

    def check(finished):
        day_ends()
        assert [m[1:] for m in metered(bench)] == [(7000, 1)], metered(bench)

    assert every_cut(bench.board, day_ends, check) > 10
    bench.close()


def test_a_day_is_told_once_however_much_is_told_before_the_next_boot():
    # between journal and meters the power goes; a start reads only the latest facts
    bench = with_a_shot_today()

    def power(*given):
        raise PowerCut

    bench.facts._meters.save = power
    bench.clock.set_utc(MIDNIGHT_MS + DAY_MS + 1000)
    try:
        bench.pass_ms(8000)
    except PowerCut:
        bench.boot("power")
    for _ in range(2):
        for _ in range(QUEUE_MAX):
            bench.facts.add({"kind": "alarm"})
        bench.pass_ms(1000)
    bench.boot("power")
    bench.clock.set_utc(MIDNIGHT_MS + DAY_MS + 3600000)
    bench.pass_ms(8000)
    assert sum(water_ul for _, water_ul, _ in metered(bench)) == 7000, metered(bench)
    bench.close()


def test_what_was_counted_without_a_clock_is_told_once_wherever_the_power_goes():
    bench = Bench()
    bench.clock._offset_ms = None
    bench.live.water_ul = 7000
    bench.live.shots_done = 1
    bench.pass_ms(8000)

    def clock_comes():
        bench.board.flash.guard = None
        bench.wire()
        bench.pass_ms(8000)

    def check(finished):
        clock_comes()
        assert metered(bench) == [(None, 7000, 1)], metered(bench)

    assert every_cut(bench.board, clock_comes, check) > 10
    bench.close()


def test_what_the_clock_dated_shortly_before_midnight_is_told_once_wherever_the_power_goes():
    operation, whole = 0, False
    while not whole:
        operation += 1
        bench = Bench()
        bench.clock._offset_ms = None
        bench.live.water_ul = 7000
        bench.live.shots_done = 1
        bench.pass_ms(8000)  # kept as counted without a day
        bench.clock.set_utc(MIDNIGHT_MS + DAY_MS - 20000)
        bench.pass_ms(8000)
        bench.clock.set_utc(MIDNIGHT_MS + DAY_MS + 1000)
        whole = bench.board.until_cut(operation, lambda: bench.pass_ms(8000))
        bench.boot("power")
        bench.clock.set_utc(MIDNIGHT_MS + DAY_MS + 3600000)
        bench.pass_ms(8000)
        assert [m[1:] for m in metered(bench)] == [(7000, 1)], (operation, metered(bench))
        bench.close()
    assert operation > 5


def test_descaling_is_due_once_wherever_the_power_goes():
    bench = Bench()
    bench.send("config.put", {"descale_l": 2})
    bench.live.water_ul = 1900000
    bench.live.shots_done = 1
    bench.pass_ms(8000)

    def two_litres():
        bench.board.flash.guard = None
        bench.wire()
        bench.live.water_ul = 200000
        bench.pass_ms(8000)

    def check(finished):
        two_litres()
        two_litres()
        assert due(bench) == [2], due(bench)

    assert every_cut(bench.board, two_litres, check) > 10
    bench.close()


def test_a_day_that_comes_again_is_told_again():
    bench = Bench()
    for water_ul, utc_ms in ((7000, 3600000), (7000, DAY_MS + 1000), (7500, 7200000),
                             (7500, DAY_MS + 2000)):
        bench.clock.set_utc(MIDNIGHT_MS + utc_ms)
        bench.live.water_ul = water_ul
        bench.pass_ms(8000)
    assert [m[1] for m in metered(bench)] == [7000, 0, 500]
    bench.close()
