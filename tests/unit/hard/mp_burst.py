# Half-cycles: power budget, mean duty, priority, expiry, no direct current. Duties are given, as
# an auto-tune gives them; what the law makes of temperatures is tests/plant's business.
from array import array

import burst
import thermal

_NONE = array("i", [0] * thermal.WORDS)
_NONE[thermal.GOOD] = 1
_GIVEN = burst.GIVEN_BREW | burst.GIVEN_STEAM


def _fire(w, first):
    may = burst.MAY_BREW | burst.MAY_STEAM
    return burst.fire(_NONE, _NONE, w, _GIVEN | may | (burst.BREW_FIRST if first else 0))


def _run(w, brew, steam, ticks, first=0):
    fired = [0, 0]
    dc = [0, 0]
    worst = 0
    sign = 1
    for _ in range(ticks):
        w[burst.DUTY_BREW], w[burst.DUTY_STEAM] = brew, steam
        on = _fire(w, first)
        for k in (0, 1):
            if on >> k & 1:
                fired[k] += 1
                dc[k] += sign
                worst = max(worst, abs(dc[k]))
        assert on != 3 or w[7]
        sign = -sign
    return fired, worst


def test_the_mean_is_the_duty():
    for duty in (700, 6553, 21845, 32768, 50000, 65536):
        w = burst.words(1300, 0, 2300)
        fired, _ = _run(w, duty, 0, 10000)
        assert abs(fired[0] - duty * 10000 // 65536) <= 3, (duty, fired)


def test_never_both_when_the_budget_carries_one():
    w = burst.words(1400, 1500, 2300)
    for brew, steam in ((65536, 65536), (30000, 65536), (1, 65536), (40000, 40000)):
        for first in (0, 1):
            fired, _ = _run(w, brew, steam, 2000, first)
            assert sum(fired) <= 2000


def test_both_at_once_when_the_budget_carries_them():
    w = burst.words(1000, 1000, 2300)
    assert _run(w, 65536, 65536, 100)[0] == [100, 100]


def test_brew_first_takes_all_it_needs_and_steam_the_rest():
    w = burst.words(1400, 1500, 2300)
    fired, _ = _run(w, 40000, 65536, 10000, 1)
    assert abs(fired[0] - 6103) <= 5 and fired[1] > 3700, fired


def test_without_priority_both_share():
    w = burst.words(1400, 1500, 2300)
    fired, _ = _run(w, 65536, 65536, 10000, 0)
    assert abs(fired[0] - fired[1]) < 100, fired


def test_a_demand_lives_one_half_cycle():
    w = burst.words(1300, 0, 2300)
    w[burst.DUTY_BREW] = 65536
    assert _fire(w, 0) == 1
    for _ in range(10):  # without a good reading there is no demand
        assert burst.fire(_NONE, _NONE, w, burst.MAY_BREW) == 0


def test_off_means_off_at_once_whatever_is_owed():
    w = burst.words(1400, 1500, 2300)
    _run(w, 65536, 65536, 50)
    w[burst.DUTY_BREW] = w[burst.DUTY_STEAM] = 0
    assert _fire(w, 0) == 0
    _run(w, 65536, 65536, 50)
    w[burst.DUTY_BREW] = w[burst.DUTY_STEAM] = 65536
    assert burst.fire(_NONE, _NONE, w, _GIVEN) == 0  # an interlock allows neither


def test_a_duty_that_is_given_rests_while_no_reading_can_be_believed():
    w = burst.words(1000, 1000, 2300)
    assert _run(w, 65536, 65536, 50)[0] == [50, 50]
    blind = array("i", [0] * thermal.WORDS)
    may = _GIVEN | burst.MAY_BREW | burst.MAY_STEAM
    for brew, steam, on in ((blind, _NONE, 2), (_NONE, blind, 1), (blind, blind, 0)):
        w[burst.DUTY_BREW] = w[burst.DUTY_STEAM] = 65536
        assert burst.fire(brew, steam, w, may) == on


def test_what_fired_is_counted():
    w = burst.words(1400, 1500, 2300)
    fired, _ = _run(w, 30000, 50000, 1000)
    assert w[burst.MJ] == fired[0] * 14000 + fired[1] * 15000


def test_no_direct_current_from_the_mains():
    # half duty would fire every positive half-cycle; never more than two out of balance
    for duty in (16384, 32768, 49152):
        w = burst.words(1300, 0, 2300)
        assert _run(w, duty, 0, 5000)[1] <= 2
