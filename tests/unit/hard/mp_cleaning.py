# boards: coffee_2900
# Cleaning programmes: each as its figures say, told by its name, and what a stop leaves.
import sys

ROOT = sys.argv[0].split("/tests/")[0]
sys.path[:0] = [ROOT + "/tests/plant/rig"]
from array import array

import board
import live as names
import scenarios

_RINSE = names.CLEAN_NAMES.index("rinse")
_DESCALE = names.CLEAN_NAMES.index("descale")


def _done(r):
    into, found = array("i", [0] * 4), []
    while r.live.get(into):
        if into[0] == names.EV_MAINT:
            found.append(names.MAINT_NAMES[into[1]])
    return found


def _run(r, which):
    assert r.ask(names.REQ_CLEAN, which) == 0
    ms = 20
    while r.state() == "cleaning":
        r.run(100)
        ms += 100
    return ms


def _takes_ms(which):
    _, rounds, steps = board.CLEAN_PROGRAMMES[which]
    return rounds * sum(ms for _, _, ms in steps)


def test_a_programme_takes_as_long_each_time_and_is_told_by_its_name():
    r = scenarios.ready(ROOT)
    for which, name in ((_RINSE, "wand_rinse_done"), (0, "backflush_done"),
                        (_RINSE, "wand_rinse_done")):
        ms = _run(r, which)
        assert abs(ms - _takes_ms(which)) <= 200, (name, ms)
        r.run(1000)
        assert _done(r) == [name]
    assert not r.alarms()


def test_descaling_is_cold_and_a_stop_ends_that_too():
    r = scenarios.ready(ROOT)
    fired = [0]

    def watch(r):
        fired[0] += r.plant.u[0] + r.plant.u[1]

    assert r.ask(names.REQ_CLEAN, _DESCALE) == 0
    r.run(100)
    r.watch = watch
    r.run(20000)
    assert r.state() == "cleaning" and not fired[0]
    assert r.ask(names.REQ_STOP) == 0
    r.run(20000)
    assert r.state() in ("heating", "ready") and fired[0]
    assert not _done(r) and not r.live.pump_permille
