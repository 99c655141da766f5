# What plots.py draws: a machine's truth and readings over time, as columns of ints. Each function
# is one situation; all are driven through Rig. Runs under MicroPython.
import board
from plan import MODE_PRESSURE
from rig import Rig, pw
from scenarios import PROFILE, VOLUMETRIC

_T = ("temp_brew_mc", "temp_group_inlet_mc", "temp_steam_mc", "pressure_mbar", "flow_pump_ul_s",
      "cup_mg", "cup_ul")
_LIVE = ("temp_mc", "setpoint_mc", "duty_permille", "pump_permille", "flow_ul_s", "weight_mg",
         "state", "steam_duty_permille")
RAMPS = {
    "name": "ramps", "temp_mc": 93000, "stop": {"time_ms": 50000},
    "phases": [
        {"name": "pre", "pressure_mbar": 3000, "limit_flow_ul_s": 4000,
         "exit": {"time_ms": 10000}},
        {"pressure_mbar": 9000, "ramp_ms": 4000, "exit": {"time_ms": 10000}},
        {"pressure_mbar": 6000, "ramp_ms": 5000, "exit": {"time_ms": 10000}},
        {"flow_ul_s": 2000, "limit_pressure_mbar": 9500, "exit": {"time_ms": 20000}},
    ],
}


def recipe():
    return PROFILE if board.PHASES_MAX else VOLUMETRIC


class Recorder:
    def __init__(self, rig, every_ms):
        self.every = every_ms // 10
        self.n = 0
        self.columns = {k: [] for k in ("ms", "ref_mbar") + _T + _LIVE}
        self.at = [pw.T_NAMES.index(k) for k in _T]
        self.start = rig.live.uptime_ms
        rig.watch = self.take

    def take(self, rig):
        self.n += 1
        if self.n % self.every:
            return
        c, t, live = self.columns, rig.plant.t, rig.live
        c["ms"].append(live.uptime_ms - self.start)
        c["ref_mbar"].append(_reference(rig.tick.hydraulics))
        for k, at in zip(_T, self.at):
            c[k].append(t[at])
        for k in _LIVE:
            c[k].append(getattr(live, k))


def _reference(hydraulics):
    # where the controller's ramp stands, 0 when no pressure is asked for
    w = hydraulics.words
    return w[5] >> 8 if hydraulics.smooth and w[4] == MODE_PRESSURE else 0


def heat_up(root, seed=1):
    r = Rig(root, seed)
    rec = Recorder(r, 200)
    rec.columns["ready_ms"] = r.until("ready")
    r.run(180000)
    return rec.columns


def idle_hour(root, seed=1):
    r = Rig(root, seed, warm=True)
    r.settle()
    rec = Recorder(r, 500)
    r.run(3600000)
    return rec.columns


def shot(root, seed=1):
    r = Rig(root, seed, warm=True)
    r.button.load(recipe())
    r.settle()
    rec = Recorder(r, 20)
    r.run(2000)
    _brew(r, 12000)
    return rec.columns


def back_to_back(root, seed=1, count=5):
    r = Rig(root, seed, warm=True)
    r.button.load(recipe())
    r.settle()
    rec = Recorder(r, 100)
    for _ in range(count):
        _brew(r, 12000)
        r.until("ready")
    return rec.columns


def ramps(root, seed=1):
    r = Rig(root, seed, warm=True)
    r.button.load(RAMPS)
    r.settle()
    rec = Recorder(r, 20)
    _brew(r, 3000)
    return rec.columns


def disturbances(root, seed=1):
    # mains sag, cold tank, a shot in each; the marks say when
    r = Rig(root, seed, warm=True)
    r.button.load(recipe())
    r.settle()
    rec = Recorder(r, 100)
    marks = []
    for label, name, value in (
        ("mains -10 %", "mains_permille", 900), ("mains +10 %", "mains_permille", 1100),
        ("mains nominal, water 10 °C", "inlet_mc", 10000), ("water 30 °C", "inlet_mc", 30000),
    ):
        if name == "inlet_mc":
            r.plant.set("mains_permille", 1000)
        r.plant.set(name, value)
        marks.append((r.live.uptime_ms - rec.start, label))
        r.run(60000)
        _brew(r, 60000)
    rec.columns["marks"] = marks
    return rec.columns


def _brew(r, after_ms):
    r.press("brew")
    r.until("ending", 150000)
    r.run(after_ms)
