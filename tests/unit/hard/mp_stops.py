# boards: coffee_2900
# The exits of a phase: what ends it, and what must not.
from array import array

import board
import live as names
import plan
import thermal
from stops import GOES_ON, MS, PHASE_OVER, SHOT_MS, SHOT_OVER, Stops


def _asked(**more):
    live, p = names.Live(), plan.Plan()
    p.load(dict({"temp_mc": 93000, "volume_ul": 36000}, **more))
    heat = array("i", [0] * thermal.WORDS)
    stops = Stops(live, heat, board.BREW_BOILER)
    return live, p.words(), stops, heat


def test_a_volume_that_is_taken_back_ends_no_phase():
    # between two pulses the meter guesses; without the next pulse it takes the guess back
    _, words, stops, _ = _asked()
    stops.phase(words, plan.HEAD, 10000)
    stops.now[MS] = 2000
    assert stops.step(words, 9700, 0) == GOES_ON


def test_the_time_of_a_phase_ends_it():
    _, words, stops, _ = _asked(preinfusion_ms=3000)
    stops.phase(words, plan.HEAD, 0)
    stops.now[MS] = 2990
    assert stops.step(words, 0, 0) == GOES_ON
    stops.now[MS] = 3000
    assert stops.step(words, 0, 0) == PHASE_OVER


def test_a_volume_in_the_cup_ends_the_shot_as_much_earlier_as_the_tail_is_long():
    live, words, stops, _ = _asked()
    stops.phase(words, plan.HEAD, 0)
    live.flow_ul_s = 2000
    assert stops.step(words, 60000, 35800) == GOES_ON  # 100 ms to go
    assert stops.step(words, 60000, 35970) == SHOT_OVER
    live.flow_ul_s = 0
    assert stops.step(words, 60000, 35999) == GOES_ON  # no water comes, nothing is reached
    assert stops.step(words, 60000, 36000) == SHOT_OVER


def test_the_element_is_cut_off_before_the_end():
    live, words, stops, heat = _asked()
    stops.phase(words, plan.HEAD, 0)
    live.flow_ul_s = 2000
    stops.now[SHOT_MS] = 10000
    assert stops.step(words, 60000, 20000) == GOES_ON
    assert heat[thermal.AHEAD] == 2000
    assert stops.step(words, 60000, 31000) == GOES_ON  # 2.5 s to go
    assert heat[thermal.AHEAD] == 0


def test_the_cut_follows_the_lag_in_force_when_the_phase_begins():
    p = plan.Plan()
    p.load({"temp_mc": 93000, "volume_ul": 36000})
    words, live, heat = p.words(), names.Live(), array("i", [0] * thermal.WORDS)
    figures = array("i", board.BREW_BOILER)
    stops = Stops(live, heat, figures)
    live.flow_ul_s = 2000
    for lag_ms, ahead in ((6000, 2000), (9000, 0)):  # as an auto-tune found it; 4 s to go
        figures[3] = lag_ms
        stops.phase(words, plan.HEAD, 0)
        stops.now[SHOT_MS] = 10000
        assert stops.step(words, 60000, 28000) == GOES_ON
        assert heat[thermal.AHEAD] == ahead
