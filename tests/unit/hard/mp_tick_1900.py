# board: coffee_1900
# The whole tick on the simulated board: no allocation, watchdog, buttons, requests, refusals.
# What each case does stands in tick_cases.py, the same for both boards.
import sys

ROOT = sys.argv[0].split("/tests/")[0]
sys.path[:0] = [ROOT + "/tests/plant/rig"]
import tick_cases


def test_no_allocation_in_10000_brewing_ticks():
    tick_cases.no_allocation_in_10000_brewing_ticks()


def test_a_button_starts_and_stops_a_shot():
    tick_cases.a_button_starts_and_stops_a_shot()


def test_remote_brews_are_refused_with_their_reason():
    tick_cases.remote_brews_are_refused_with_their_reason()


def test_safe_mode_reports_but_neither_heats_nor_pumps():
    tick_cases.safe_mode_reports_but_neither_heats_nor_pumps()


def test_latches_of_the_last_life_forbid_heat():
    tick_cases.latches_of_the_last_life_forbid_heat()


def test_the_dog_is_fed_only_while_both_sides_live():
    tick_cases.the_dog_is_fed_only_while_both_sides_live()


def test_a_broken_tick_switches_everything_off():
    tick_cases.a_broken_tick_switches_everything_off()


def test_an_erase_finds_the_outputs_off():
    tick_cases.an_erase_finds_the_outputs_off()


def test_standby_is_cold_and_a_button_wakes():
    tick_cases.standby_is_cold_and_a_button_wakes()


def test_the_curve_has_ten_samples_a_second_with_rising_times():
    tick_cases.the_curve_has_ten_samples_a_second_with_rising_times()


def test_never_both_heaters_beyond_the_budget():
    tick_cases.never_both_heaters_beyond_the_budget()
