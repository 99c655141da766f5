# Boot numbers, causes, reset storms, latches: what a reset must not wipe out, at every power cut.
import os

import resets
from ramflash import Board, every_cut
from resets import RESET_STORM, Resets


def test_every_boot_has_its_own_number():
    flash = Board()
    assert [Resets("power").boot for _ in range(5)] == [1, 2, 3, 4, 5]
    flash.close()


def test_every_power_cut_at_boot_gives_no_number_twice_to_what_went_on():
    flash = Board()
    Resets("power")
    seen = []

    def work():
        del seen[:]
        seen.append(Resets("power").boot)

    def check(finished):
        boot = Resets("power").boot
        assert boot >= 2 and boot not in seen, (boot, seen)

    assert every_cut(flash, work, check) > 3
    flash.close()


def test_three_watchdog_resets_in_ten_minutes_are_a_storm():
    flash = Board()
    assert not Resets("power").safe_mode
    assert not Resets("watchdog").safe_mode
    assert not Resets("watchdog").safe_mode
    r = Resets("watchdog")
    assert r.safe_mode
    r.keep_latches(RESET_STORM)  # what the tick latches then
    for cause in ("power", "reset", "watchdog", "power"):
        assert Resets(cause).safe_mode, cause  # no reboot clears it
    r = Resets("power")
    r.keep_latches(0)  # somebody acknowledged it
    assert not Resets("power").safe_mode and not Resets("watchdog").safe_mode
    flash.close()


def test_a_latched_storm_outlives_its_ten_minutes():
    flash = Board()
    for _ in range(3):
        r = Resets("watchdog")
    r.keep_latches(RESET_STORM)
    r.note(3600000)
    assert Resets("power").safe_mode and Resets("power").safe_mode
    flash.close()


def test_resets_far_apart_are_no_storm():
    flash = Board()
    for _ in range(6):
        r = Resets("watchdog")
        assert not r.safe_mode
        for minute in range(1, 7):  # six minutes each: never three in ten
            uptime_ms = minute * 60000
            if r.due(uptime_ms):
                r.note(uptime_ms)
    flash.close()


def test_a_storm_that_nobody_could_latch_is_seen_from_the_history():
    flash = Board()
    for _ in range(2):
        Resets("watchdog")
    assert Resets("watchdog").safe_mode
    assert Resets("watchdog").safe_mode  # again, before the tick ran
    flash.close()


def test_another_alarm_does_not_hide_a_storm():
    flash = Board()
    Resets("watchdog")
    r = Resets("watchdog")
    r.keep_latches(5)
    assert r.latches_changed(4) and not r.latches_changed(5)
    r.keep_latches(0)
    assert Resets("watchdog").safe_mode
    flash.close()


def test_an_acknowledged_storm_keeps_the_uptime_that_was_noted():
    flash = Board()
    for _ in range(3):
        r = Resets("watchdog")
    r.keep_latches(RESET_STORM)
    r.note(60000)
    r.keep_latches(0)
    assert Resets("power").previous_uptime_ms == 60000
    flash.close()


def test_the_history_of_a_machine_that_never_comes_up_does_not_grow():
    flash = Board()
    for _ in range(3):
        Resets("watchdog")
    size = os.stat("resets")[6]
    for _ in range(50):
        Resets("watchdog")
    assert os.stat("resets")[6] <= size + 2  # the boot number has become longer
    flash.close()


def test_wanted_resets_and_power_cuts_are_no_storm():
    flash = Board()
    for _ in range(5):
        assert not Resets("reset").safe_mode and not Resets("power").safe_mode
    flash.close()


def test_a_planned_reset_is_told_from_the_watchdogs():
    flash = Board()
    import machine

    real = machine.reset_cause
    machine.reset_cause = lambda: machine.WDT_RESET
    try:
        assert Resets().cause == "watchdog"
        resets.plan_reset(123456)
        r = Resets()
        assert r.cause == "reset" and r.previous_uptime_ms == 123456
        assert Resets().cause == "watchdog"  # the plan was for one
        machine.reset_cause = lambda: machine.PWRON_RESET
        assert Resets().cause == "power"
    finally:
        machine.reset_cause = real
    flash.close()


def test_the_uptime_before_is_known_as_far_as_it_was_noted():
    flash = Board()
    r = Resets("power")
    assert r.previous_uptime_ms is None and not r.due(3599999) and r.due(3600000)
    r.note(3600000)
    assert not r.due(3700000)
    assert Resets("power").previous_uptime_ms == 3600000
    assert Resets("power").previous_uptime_ms is None
    flash.close()


def test_uptime_is_noted_each_minute_only_while_a_storm_is_near():
    flash = Board()
    r = Resets("watchdog")
    for minute in range(1, 11):
        assert r.due(minute * 60000), minute
        r.note(minute * 60000)
    assert not r.due(660000) and not r.due(4199999) and r.due(4200000)
    flash.close()


def test_every_power_cut_keeps_the_old_or_the_new_latches():
    flash = Board()
    Resets("power").keep_latches(5)

    def check(finished):
        got = Resets("power").latched
        assert got == 7 if finished else got in (5, 7), got

    assert every_cut(flash, lambda: Resets("power").keep_latches(7), check) > 5
    flash.close()
