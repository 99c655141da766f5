# The auto-tune that a machine without figures does by itself, and who comes between. Runs under
# MicroPython.
from array import array

import board
import live as names
from autotune import HOLD, IDLE
from rig import Rig, pw
from scenarios import recipe

_BOILER = pw.T_NAMES.index("temp_brew_mc")
_INLET = pw.T_NAMES.index("temp_group_inlet_mc")


class _Watch:
    def __init__(self, r):
        self.hottest = 0
        self.low = self.high = 0
        self.states = []
        self.told = 0
        self._event = array("i", [0] * 4)
        r.watch = self

    def __call__(self, r):
        t = r.plant.t
        self.hottest = max(self.hottest, t[_BOILER])
        state = r.state()
        if not self.states or self.states[-1] != state:
            self.states.append(state)
        if state in ("preinfusion", "brewing"):
            d = t[_INLET] - board.BREW_DEFAULT_MC
            self.low = min(self.low, d)
            self.high = max(self.high, d)
        while r.live.get(self._event):
            if self._event[0] == names.EV_MAINT and self._event[1] == 4:
                self.told += 1


def _finish(r, limit_ms=1200000):
    gone = 0
    while r.tick.heat.tuner and gone < limit_ms:
        r.run(1000)
        gone += 1000
    return gone


def first_heat_up(root, seed=1, params=None):
    """As delivered, and the same machine that has its figures: how long to ready, what is told."""
    plain = Rig(root, seed, params)
    plain_ms = plain.until("ready")
    plain.timer.deinit()
    r = Rig(root, seed, params, wish=True)
    seen = _Watch(r)
    ready_ms = r.until("ready")
    states = list(seen.states)
    rest_ms = _finish(r)
    r.run(60000)
    return {"plain_ms": plain_ms, "ready_ms": ready_ms, "done_ms": ready_ms + rest_ms,
            "states": states, "hottest_mc": seen.hottest, "told": seen.told,
            "tune": list(r.live.tune), "figures": list(r.tick.heat.brew.figures),
            "alarms": r.alarms()}


def shot_between(root, seed=1):
    """Brewed as soon as it is ready, three times; the tune waits for a quiet moment."""
    r = Rig(root, seed, wish=True)
    r.button.load(recipe(True))
    seen = _Watch(r)
    r.until("ready")
    at_ready = r.tick.heat.tuner and r.tick.heat.tuner.phase == HOLD
    results = []
    for _ in range(3):
        r.press("brew")
        r.until("ready", 200000)
        results.append(r.shot()["result"])
        r.run(10000)
    told = seen.told
    _finish(r)
    r.run(1000)
    return {"holding": at_ready, "results": results, "low_mc": seen.low, "high_mc": seen.high,
            "told_before": told, "told": seen.told, "tune": list(r.live.tune),
            "alarms": r.alarms()}


def interrupted(root, by, at_ms, seed=1):
    """Somebody comes between at at_ms; what became of the tune, then the way to ready."""
    r = Rig(root, seed, wish=True)
    seen = _Watch(r)
    r.run(at_ms)
    before = bool(r.tick.heat.tuner)
    _interrupt(r, by)
    r.run(3000)
    tuner = r.tick.heat.tuner
    out = {"before": before, "after": bool(tuner) and tuner.phase != IDLE, "state": r.state(),
           "fired": r.plant.u[0], "tune": list(r.live.tune),
           "figures": list(r.tick.heat.brew.figures) == list(board.BREW_BOILER)}
    _undo(r, by)
    r.run(1000)
    out["again"] = bool(r.tick.heat.tuner)
    r.until("ready")
    _finish(r)
    r.run(60000)
    out["told"], out["over_mc"] = seen.told, seen.hottest - board.BREW_DEFAULT_MC
    out["alarms"] = r.alarms()
    return out


def _interrupt(r, by):
    if by == "water":
        r.plant.set("tap", 1)
        r.press("water")
    elif by == "standby":
        r.ask(names.REQ_STANDBY)
    elif by == "stop":
        r.ask(names.REQ_STOP)
    elif by == "tank":
        r.plant.set("tank", 0)


def _undo(r, by):
    if by == "water":
        r.press("water")
        r.plant.set("tap", 0)
        r.run(3000)  # the meter stands still
    elif by == "standby":
        r.ask(names.REQ_WAKE)
    elif by == "tank":
        r.plant.set("tank", 1)
        r.run(5000)
        r.ask(names.REQ_ACK, -1)


def lowered(root, at_ms, seed=1):
    """The set-point goes down while the tune has the heat: how far above it the water gets."""
    r = Rig(root, seed, wish=True)
    seen = _Watch(r)
    r.run(at_ms)
    before = bool(r.tick.heat.tuner)
    r.ask(names.REQ_SETPOINT, board.BREW_RANGE_MC[0])
    r.until("ready")
    r.run(60000)
    return {"before": before, "over_mc": seen.hottest - board.BREW_RANGE_MC[0],
            "alarms": r.alarms()}
