# board: coffee_2900
# The exits of a phase: what ends it, and what must not.
import board
import live as names
import plan
from stops import Stops


def _words():
    p = plan.Plan()
    p.load({"temp_mc": 93000, "volume_ul": 36000})
    return p.words()


def test_a_volume_that_is_taken_back_ends_no_phase():
    # between two pulses the meter guesses; without the next pulse it takes the guess back
    live = names.Live()
    live.pumped_ul = 9700
    assert not Stops(live, board.BREW_BOILER).phase_over(_words(), plan.HEAD, 2000, 10000)


def test_the_time_of_a_phase_ends_it():
    p = plan.Plan()
    p.load({"temp_mc": 93000, "volume_ul": 36000, "preinfusion_ms": 3000})
    live = names.Live()
    assert not Stops(live, board.BREW_BOILER).phase_over(p.words(), plan.HEAD, 2990, 0)
    assert Stops(live, board.BREW_BOILER).phase_over(p.words(), plan.HEAD, 3000, 0)
