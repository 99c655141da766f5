# boards: coffee_1900
# A pump on an SSR: throttled by whole cycles of the mains, up to a flow.
import board
import hydraulics
from flow import Flow
from plan import ABSENT, MODE_POWER

_FREE = board.PUMP_FREE_UL_S


def _pump(permille=1000, limit=ABSENT, ramp_ms=0):
    flow = Flow()
    h = hydraulics.Hydraulics(flow)
    h.go(MODE_POWER, permille, ramp_ms, limit)
    return flow, h


def _ticks(h, n):
    on = []
    for _ in range(n):
        h.step(0)
        on.append(h.pump)
    return on


def test_without_a_limit_the_pump_is_on_or_takes_its_share_of_whole_cycles():
    assert set(_ticks(_pump()[1], 100)) == {1000}
    on = _ticks(_pump(250)[1], 800)
    assert set(on) == {0, 1000} and on[0::2] == on[1::2]  # a stroke takes two ticks
    assert sum(on) == 250 * 800


def test_a_limit_begins_with_the_share_that_gives_it_a_ramp_with_half_of_that():
    assert _pump(1000, 2200)[1].share_permille() == 2200 * 1000 // _FREE
    assert _pump(1000, 2200, 5000)[1].share_permille() == 1100 * 1000 // _FREE
    assert _pump(150, 2200)[1].share_permille() == 150


def test_the_share_follows_the_flow_between_a_tenth_and_what_was_asked_for():
    flow, h = _pump(800, 2200)
    flow.flow_ul_s = 500
    _ticks(h, 3000)
    assert h.share_permille() == 800
    flow.flow_ul_s = 9000
    _ticks(h, 3000)
    assert h.share_permille() == 100
    flow.flow_ul_s = 2200
    _ticks(h, 300)
    assert h.share_permille() == 100  # as it should be


def test_a_ramp_raises_the_limit_from_half_of_it_and_is_the_phases_own():
    def change(ticks):
        before = h.share_permille()
        _ticks(h, ticks)
        return h.share_permille() - before

    flow, h = _pump(1000, 4000, 5000)
    flow.flow_ul_s = 2000
    assert -1 <= change(10) <= 1
    flow.flow_ul_s = 3000
    _ticks(h, 240)  # half the ramp
    low = h.share_permille()
    assert low == 100  # it was too much so far
    assert change(250) > 100  # and is too little now
    h.go(MODE_POWER, 1000, 5000, 4000)
    _ticks(h, 100)
    h.go(MODE_POWER, 1000, 0, 4000)  # a phase without a ramp
    flow.flow_ul_s = 4000
    assert change(50) == 0


def test_at_rest_the_pump_is_off_in_the_same_tick():
    _, h = _pump()
    _ticks(h, 5)
    h.stop()
    assert not h.pump and not h.asking and set(_ticks(h, 50)) == {0}
