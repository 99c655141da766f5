# What people and the host ask for on a whole machine: cleaning programmes to their end, a long
# draw of hot water, a remote brew whose ground goes while it waits.
import live as names
import recipe_rules
import wiring
from brew import REASONS
from rig import Rig
from scenarios import recipe

import board


def _used(r, seen):
    u = dict(zip(r.plant_words, r.plant.u))
    for name in ("pump_permille", "valve_brew", "grinder"):
        seen[name] = max(seen.get(name, 0), u[name])


def _rig(root, **more):
    from plant import words as pw

    r = Rig(root, 1, warm=True, **more)
    r.plant_words = pw.U_NAMES
    return r


def offered(root):
    """Which cleaning programmes this board has."""
    return [n for n, p in zip(names.CLEAN_NAMES, board.CLEAN_PROGRAMMES) if p]


def programme(root, name):
    """A cleaning programme from its start to its end: state and alarms then, and how long."""
    r = _rig(root)
    r.settle()
    no = r.ask(names.REQ_CLEAN, names.CLEAN_NAMES.index(name))
    r.until("cleaning")
    ms = 0
    while r.state() == "cleaning" and ms < 3600000:
        r.run(1000)
        ms += 1000
    return {"answer": no, "alarms": r.alarms(), "state": r.state(), "ms": ms}


def long_draw(root):
    """As much hot water as the tap gives at once; what the machine says two minutes later."""
    r = _rig(root)
    r.settle()
    r.plant.set("tap", 1)
    r.press("water")
    r.until("hot_water", 2000)
    ms = 0
    while r.state() == "hot_water":
        r.run(100)
        ms += 100
    r.plant.set("tap", 0)
    r.run(150000)
    return {"ms": ms, "alarms": r.alarms(), "state": r.state()}


def withdrawn(root, setting):
    """A remote brew a little too hot to begin; then `setting` becomes 0. What was driven then."""
    r = _rig(root)
    wiring.press("remote", 1)
    r.plant.set("cup", 1)
    r.settle()
    cooler = dict(recipe())
    cooler["temp_mc"] -= 2000
    r.remote.load(cooler)
    no = r.ask(names.REQ_BREW, source=names.SOURCE_REMOTE)
    r.run(3000)
    began = r.state()
    seen = {}
    r.watch = lambda r: _used(r, seen)
    if setting == "cup":
        r.plant.set("cup", 0)
    else:
        wiring.press(setting, 0)
    r.run(130000)
    s = r.shot()
    return {"answer": no, "began": began, "state": r.state(), "driven": seen,
            "reason": REASONS[s["reason"] - 1], "result": names.RESULT_NAMES[s["result"]],
            "duration_ms": s["duration_ms"], "temp_mean_mc": s["temp_mean_mc"]}


def acknowledged(root, hold_ms, first_ul_s=None):
    """The brew button on a ready machine whose steam boiler has an alarm: what it did.

    first_ul_s: the recipe grinds, and begins with as much; little water needs little pre-charge.
    """
    r = _rig(root)
    chosen = recipe()
    if first_ul_s:
        gentle = dict(chosen["phases"][0], flow_ul_s=first_ul_s)
        chosen = dict(chosen, dose_ms=1000, phases=[gentle] + chosen["phases"][1:])
    r.button.load(chosen)
    r.settle()
    r.plant.fault("sensor_open_steam")
    r.run(1000)
    r.plant.fault("sensor_open_steam", 0)
    r.run(5000)
    before = (r.state(), r.alarms())
    seen = {}
    r.watch = lambda r: _used(r, seen)
    r.press("brew", hold_ms)
    r.run(20000)
    used = [n for n in seen if seen[n]]
    return {"before": before, "alarms": r.alarms(), "used": used, "grinds": r.live.grinds}


def too_hot(root, below_mc):
    """A recipe `below_mc` under the set-point: the answer, and whether beans were ground."""
    r = _rig(root)
    r.settle()
    cooler = dict(recipe())
    cooler["temp_mc"] = max(board.BREW_DEFAULT_MC - below_mc, board.BREW_RANGE_MC[0])
    r.remote.load(cooler)
    return {"answer": r.ask(names.REQ_BREW), "state": r.state(), "grinds": r.live.grinds}


def volume(root, ul, **more):
    """A recipe for so much, with `more` of a volumetric machine's fields."""
    wanted = dict(recipe())
    wanted.update(more)
    if "stop" in wanted:
        wanted["stop"] = {"volume_ul": ul}
    else:
        wanted["volume_ul"] = ul
    problems = recipe_rules.check(wanted)[1]
    return _brewed(root, wanted, 120000) if not problems else {"problems": problems}


def profile(root, phases):
    """After a fill and some seconds of brewing: these phases."""
    wanted = dict(recipe())
    wanted["phases"] = [
        {"name": "fill", "flow_ul_s": 4000, "limit_pressure_mbar": 3000,
         "exit": {"pressure_over_mbar": 2500, "time_ms": 10000}},
        {"name": "brew", "pressure_mbar": 9000, "ramp_ms": 2000, "exit": {"time_ms": 10000}},
    ] + phases
    return _brewed(root, wanted, 60000)


def _brewed(root, wanted, ms):
    r = _rig(root)
    r.settle()
    r.remote.load(wanted)
    no = r.ask(names.REQ_BREW)
    r.until("brewing", 90000)
    r.run(ms)
    return {"answer": no, "alarms": r.alarms(), "result": names.RESULT_NAMES[r.shot()["result"]]}


def greatest_ul(root):
    """The greatest volume that a recipe may ask for."""
    return board.VOLUME_RANGE_UL[1]
