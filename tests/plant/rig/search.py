# One story of faults, hands, requests and resets, told to the firmware's tick, and what it did
# that it must never do. Runs under MicroPython; the stories come from test_control_search.py.
import live as names
import wiring
from rig import Rig, pw
from scenarios import recipe

import board

_U = {n: k for k, n in enumerate(pw.U_NAMES)}
_T = {n: k for k, n in enumerate(pw.T_NAMES)}
_WATER = [_U[n] for n in ("pump_permille", "valve_brew", "valve_steam", "valve_water",
                          "valve_refill")]
_OFF_TICKS = 50  # machines.md: within 0.5 s
_RUN_DOWN_TICKS = 20  # a stop: the valve waits until the pump has run down
_TOGETHER_W = board.BREW_BOILER[0] + (board.STEAM_BOILER[0] if board.STEAM_BOILER else 0)
_RESTING = (names.STANDBY, names.FAULT, names.SAFE_MODE)
_OVER_MC = board.BREW_LIMIT_MC + 1500  # what the sensor lags behind and its noise


class Judge:
    """Looks at the pins after each tick; `found` lists what must never be, with its time."""

    def __init__(self):
        self.found = []
        self.tank = self.sensor = self.steam_sensor = self.stopped = False
        # ticks since the cause stands
        self._n = {"tank": 0, "sensor": 0, "steam": 0, "stop": 0, "rest": 0, "over": 0}

    def _long(self, name, stands, ticks=_OFF_TICKS):
        self._n[name] = self._n[name] + 1 if stands else 0
        return self._n[name] > ticks

    def __call__(self, r):
        u = r.plant.u
        brew, steam = u[0], u[1]
        water = 0
        for k in _WATER:
            water |= u[k]
        if brew and steam and _TOGETHER_W > board.POWER_BUDGET_W:
            self._say(r, "both boilers beyond the budget")
        if self._long("rest", r.live.state in _RESTING, 1) and (brew or steam or water):
            self._say(r, "output in a resting state")
        if self._long("tank", self.tank) and (brew or steam or water):
            self._say(r, "heat or pump without water")
        if self._long("sensor", self.sensor) and brew:
            self._say(r, "brew heat without a sensor")
        if self._long("steam", self.steam_sensor) and steam:
            self._say(r, "steam heat without a sensor")
        if self._long("stop", self.stopped, _RUN_DOWN_TICKS):
            if u[_U["valve_brew"]] or u[_U["pump_permille"]] and not u[_U["valve_refill"]]:
                self._say(r, "water after a stop")
        if self._long("over", r.plant.t[_T["temp_brew_mc"]] > _OVER_MC) and brew:
            self._say(r, "heat above the limit")

    def _say(self, r, what):
        if len(self.found) < 5:
            self.found.append("%s at %d ms, %s" % (what, r.live.uptime_ms, r.state()))


def story(root, seed, steps, sabotage=""):
    """steps: [name, value, ms] each. What must never be, the states seen, whether it heated.

    sabotage, to show that the judge notices: "alarms" lets the interlocks forbid nothing, "stop"
    makes a shot deaf, "budget" fires both boilers at once, "acknowledge" goes unheard.
    """
    r = Rig(root, seed, warm=True)
    r.button.load(recipe())
    r.remote.load(recipe())
    judge = Judge()
    r.watch = judge
    _sabotage(r.tick, sabotage)
    r.run(8000)
    seen = set()
    for name, value, ms in steps:
        _do(r, judge, name, value)
        r.run(ms)
        seen.add(r.state())
    _recover(r, judge, steps)
    return {"found": judge.found, "states": sorted(seen)}


def _recover(r, judge, steps):
    # everything is mended, filled and cooled down again, somebody acknowledges: it must brew
    for name, value, _ in steps:
        if name == "fault":
            r.plant.fault(value[0], 0)
    for name in ("tank", "tray", "cup", "door", "hopper"):
        r.plant.set(name, 1)
    judge.tank = judge.sensor = judge.steam_sensor = judge.stopped = False
    r.plant.set("temp_brew_mc", min(r.truth("temp_brew_mc"), board.BREW_DEFAULT_MC))
    r.run(90000)  # a shot comes to its end
    r.ask(names.REQ_STOP)
    r.run(60000)
    r.ask(names.REQ_ACK, -1)
    r.ask(names.REQ_WAKE)
    try:
        r.until("ready", 900000)
        r.plant.set("new_puck", 1)
        r.press("brew")
        r.until("brewing", 200000)
    except RuntimeError as e:
        judge.found.append("does not recover: %s" % e)


def _sabotage(tick, what):
    if what == "alarms":
        tick.interlocks.up = lambda bit: None
        tick.interlocks.switches = lambda sw: None
    elif what == "stop":
        tick.modes.shot.end = lambda result, reason: None
    elif what == "budget":
        tick.heat._burst[7] = 1  # burst's word: the budget carries both
    elif what == "acknowledge":
        tick.interlocks.acknowledge = lambda bit_number: 0


def _do(r, judge, name, value):
    judge.stopped = False  # whatever comes next may begin something new
    if name == "press":
        wiring.press(value, 1)
        r.run(100)
        wiring.press(value, 0)
    elif name == "hold":
        wiring.press("brew", 1)
        r.run(2200)
        wiring.press("brew", 0)
    elif name == "ask":
        r.ask(value[0], value[1], 0, value[2])
        judge.stopped = value[0] == names.REQ_STOP
    elif name == "set":
        r.plant.set(value[0], value[1])
        if value[0] == "tank":
            judge.tank = not value[1]
    elif name == "fault":
        r.plant.fault(value[0], value[1])
        if value[0] in ("sensor_open_brew", "sensor_short_brew"):
            judge.sensor = bool(value[1])
        elif value[0] in ("sensor_open_steam", "sensor_short_steam"):
            judge.steam_sensor = bool(value[1])
    elif name == "reset":
        _reset(r, value)

def _reset(r, safe_mode):
    # the board begins anew on the same plant; flash kept the latches
    latched = r.live.latched
    r.timer.deinit()
    for k in range(8):
        r.plant.u[k] = 0
    r.live = names.Live()
    r._firmware(None, latched, safe_mode)
    r.button.load(recipe())
    r.remote.load(recipe())
