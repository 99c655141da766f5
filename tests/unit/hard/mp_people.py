# boards: coffee_1900 coffee_2900
# What people at the machine and the host may do, and what a shot leaves in the books.
import sys

ROOT = sys.argv[0].split("/tests/")[0]
sys.path[:0] = [ROOT + "/tests/plant/rig"]
from array import array

import board
import live as names
import refusal
import scenarios
import wiring
from brew import REASONS
from rig import pw

_U = {n: k for k, n in enumerate(pw.U_NAMES)}
_DOSE_MS = 6000
# at its end the pressure is not what it was, where there is a say in it
_FALLING = {"phases": [{"pressure_mbar": 9000, "exit": {"time_ms": 12000}},
                       {"pressure_mbar": 5000, "exit": {"time_ms": 60000}}]}


def _ready(**recipe):
    r = scenarios.ready(ROOT)
    wanted = dict(scenarios.recipe())
    wanted.update(recipe)
    r.button.load(wanted)
    r.remote.load(wanted)
    return r


def _refused(r, code, request=names.REQ_BREW, arg=0, source=names.SOURCE_LOCAL):
    answer = r.ask(request, arg, source=source)
    assert answer and refusal.REFUSALS[answer - 1] == code, (answer, code)


def _events(r, kind):
    into, found = array("i", [0] * 4), []
    while r.live.get(into):
        if into[0] == kind:
            found.append(into[1])
    return found


# --- the grinder
def _grinding():
    r = _ready(dose_ms=_DOSE_MS)
    r.press("brew")
    r.run(1000)
    assert r.state() == "starting" and r.plant.u[_U["grinder"]] and r.live.grinds == 1
    return r


def _grinds_no_more(r):
    on = [0]

    def watch(r):
        on[0] += r.plant.u[_U["grinder"]]

    r.watch = watch
    r.run(_DOSE_MS)
    assert not on[0], on


def test_the_grinder_stops_with_the_shot():
    if board.GRINDER is None:
        return
    r = _grinding()
    r.press("brew")
    _grinds_no_more(r)
    assert r.live.grinds == 1 and names.RESULT_NAMES[r.shot()["result"]] == "stopped"


def test_a_fault_stops_the_grinder():
    if board.GRINDER is None:
        return
    r = _grinding()
    r.plant.set("tank", 0)
    r.run(500)
    _grinds_no_more(r)


def test_a_flash_write_leaves_the_grinder_on():
    if board.GRINDER is None:
        return
    r = _grinding()
    assert r.ask(names.REQ_QUIET) == 0
    r.run(200)
    assert r.plant.u[_U["grinder"]] and not r.plant.u[0]


def test_without_beans_or_scale_only_that_is_refused_which_needs_them():
    if board.GRINDER is None:
        return
    r = _ready(dose_ms=_DOSE_MS)
    r.plant.set("hopper_g", 0)
    r.run(100)
    assert r.alarms() == ["hopper_empty"]
    _refused(r, "hopper")
    r.plant.set("hopper", 1)
    r.run(1500)
    for fault in ("scale_silent", "scale_stuck"):
        r.plant.fault(fault, 1)
        r.run(5000)
        assert r.alarms() == ["scale_fault"], fault
        _refused(r, "interlock")  # it stops by weight
        r.plant.fault(fault, 0)
        r.run(2000)
        assert not r.alarms(), fault
    r.plant.fault(fault, 1)
    r.run(5000)
    r.remote.load(dict(scenarios.recipe(), stop={"volume_ul": 36000}))
    assert r.ask(names.REQ_BREW) == 0


# --- who may
def test_a_programme_from_afar_needs_the_key_and_any_needs_water():
    r = _ready()
    wiring.press("remote", 0)
    r.run(100)
    _refused(r, "remote_disabled", names.REQ_CLEAN, 0, names.SOURCE_REMOTE)
    wiring.press("remote", 1)
    r.run(100)
    r.plant.set("tray", 0)
    r.run(100)
    _refused(r, "tray", names.REQ_CLEAN)
    _refused(r, "tray")
    assert r.state() == "ready"


def test_nobody_sends_a_machine_to_sleep_that_pours():
    r = _ready()
    assert r.ask(names.REQ_CLEAN, 0) == 0
    r.run(1000)
    _refused(r, "busy", names.REQ_STANDBY)
    r.press("brew")  # ends the programme
    assert r.state() != "cleaning" and not r.plant.u[_U["pump_permille"]]
    r.until("ready")
    r.press("brew")
    _refused(r, "busy", names.REQ_STANDBY)
    _refused(r, "busy", names.REQ_SETPOINT, 91000)
    assert r.live.shot


def test_two_seconds_on_the_button_acknowledge_and_less_does_not():
    r = _ready()
    r.plant.set("tray", 0)
    r.run(500)
    r.plant.set("tray", 1)
    r.run(1500)
    for _ in range(2):
        r.press("brew", 1500)
    assert r.alarms() == ["tray_full"] and not r.live.shot
    r.press("brew", 2200)
    assert not r.alarms()


def test_what_does_not_stand_cannot_be_acknowledged():
    r = _ready()
    _refused(r, "not_standing", names.REQ_ACK, names.ALARM_NAMES.index("tray_full"))
    r.plant.set("tray", 0)
    r.run(500)
    _refused(r, "interlock", names.REQ_ACK, -1)  # pulled out still


def test_the_water_must_have_settled_again_after_a_fault():
    r = _ready()
    r.plant.fault("sensor_open_brew", 1)
    r.run(500)
    r.plant.fault("sensor_open_brew", 0)
    r.run(1500)
    assert r.ask(names.REQ_ACK, -1) == 0
    r.run(100)
    assert r.state() == "heating"
    _refused(r, "not_ready")
    r.run(10000)
    assert r.ask(names.REQ_BREW) == 0


def test_a_sensor_that_breaks_before_the_water_runs_tells_no_temperature_of_the_shot():
    r = _ready()
    r.press("brew")
    assert r.state() == "starting"
    r.plant.fault("sensor_open_brew", 1)
    r.run(10000)
    s = r.shot()
    assert names.RESULT_NAMES[s["result"]] == "aborted" and s["duration_ms"] == 0, s
    assert abs(s["temp_mean_mc"] - board.BREW_DEFAULT_MC) < 1000, s


def test_a_boiler_that_has_cooled_is_not_ready():
    r = _ready()
    r.ask(names.REQ_SETPOINT, board.BREW_RANGE_MC[1])
    r.run(6000)
    assert r.state() == "heating"
    assert r.live.steam_setpoint_mc == (board.STEAM_DEFAULT_MC or 0)  # not spoken of


def test_a_shot_whose_temperature_does_not_come_is_given_up_dry():
    r = _ready(temp_mc=board.BREW_DEFAULT_MC - 2900)
    r.plant.set("ambient_mc", 60000)  # so warm a room that the boiler hardly cools
    assert r.ask(names.REQ_BREW) == 0
    r.run(115000)
    assert r.state() == "starting"
    r.run(12000)
    s = r.shot()
    assert REASONS[s["reason"] - 1] == "temperature" and s["duration_ms"] == 0, s
    assert r.live.water_ul == 0 and r.live.setpoint_mc == board.BREW_DEFAULT_MC


def test_a_switch_counts_after_two_equal_looks():
    r = _ready()
    for name in ("brew", "water", "remote"):
        was = wiring.switches[wiring.OWN_SWITCHES.index(name)]
        for _ in range(5):
            wiring.press(name, 1 - was)
            r.run(20)  # one look: each of the two banks has every second tick
            wiring.press(name, was)
            r.run(60)
            assert r.state() == "ready" and r.live.remote, name
    wiring.press("remote", 0)
    r.run(60)
    assert not r.live.remote


def _tray_out_and_back(r):
    r.plant.set("tray", 0)
    r.run(500)
    assert r.state() in ("heating", "ready")
    r.plant.set("tray", 1)
    r.run(1500)
    assert r.ask(names.REQ_ACK, -1) == 0


def test_a_programme_that_lost_its_water_does_not_go_on_by_itself():
    r = _ready()
    assert r.ask(names.REQ_CLEAN, 0) == 0
    r.run(1000)
    _tray_out_and_back(r)
    r.run(10000)
    assert r.state() in ("heating", "ready") and not r.plant.u[_U["pump_permille"]]
    assert not _events(r, names.EV_MAINT)


def _draw_ms(r):
    r.plant.set("tank", 1)
    r.plant.set("tray", 1)
    r.press("water")
    assert r.state() == "hot_water"
    ms = 0
    while r.state() == "hot_water" and ms < 90000:
        r.run(500)
        ms += 500
    return ms


def test_hot_water_ends_at_a_quarter_litre_or_a_minute_each_time():
    r = _ready()
    r.plant.set("tap", 1)
    for _ in range(2 if board.HOT_WATER_PERMILLE else 1):  # a steam boiler has to fill first
        before = r.truth("pumped_ul")
        ms = _draw_ms(r)
        if board.HOT_WATER_PERMILLE:  # by the pump: the meter sees it
            assert 245000 < r.truth("pumped_ul") - before < 260000 and ms < 60000, ms
        else:
            assert 59000 <= ms <= 61000, ms
        r.run(1000)
        assert not r.plant.u[_U["valve_water"]]
        assert not board.HOT_WATER_PERMILLE or not r.plant.u[_U["pump_permille"]]


def test_hot_water_that_was_cut_off_does_not_go_on_by_itself():
    r = _ready()
    r.plant.set("tap", 1)
    r.press("water")
    r.run(1000)
    assert r.state() == "hot_water"
    _tray_out_and_back(r)
    r.run(3000)
    assert r.state() in ("heating", "ready")
    assert not r.plant.u[_U["pump_permille"]] and not r.plant.u[_U["valve_water"]]


def test_too_much_pressure_stops_the_pump():
    if board.ADC_PRESSURE is None:
        return
    r = _ready()
    r.press("brew")
    r.until("brewing", 30000)
    r.run(5000)
    for more, alarms in ((3500, []), (5200, ["over_pressure"])):
        r.plant.fault("sensor_drift_pressure", more)
        r.run(200)
        assert r.alarms() == alarms, (more, r.live.pressure_mbar, r.alarms())
    assert not r.live.pump_permille and not r.plant.u[_U["pump_permille"]]


# --- the books
def test_the_books_of_a_shot_are_true():
    r = _ready(**(_FALLING if board.PHASES_MAX else {}))
    pumped, fired = r.truth("pumped_ul"), r.live.energy_j
    peak = n = mbar = 0
    r.press("brew")
    began_ms = 0
    for _ in range(1200):
        r.run(100)
        if not r.live.shot:
            break
        if r.state() == "ending":
            r.press("brew")  # it has ended already
        began_ms = began_ms or (r.live.shot_ms and r.live.uptime_ms)
        if r.state() in ("preinfusion", "brewing"):
            peak = max(peak, r.live.pressure_mbar)
            mbar += r.live.pressure_mbar
            n += 1
    r.run(1000)
    s = r.shot()
    poured = r.truth("pumped_ul") - pumped
    assert abs(r.live.water_ul - poured) * 50 < poured, (r.live.water_ul, poured)
    assert r.live.shots_done == 1 and r.live.grinds == 0
    assert names.RESULT_NAMES[s["result"]] == "ok" and s["reason"] == 0, s
    assert abs(s["start_ms"] - began_ms) < 200, (s, began_ms)  # with its water
    assert 0 < s["energy_j"] <= r.live.energy_j - fired, (s, fired)
    assert abs(s["temp_mean_mc"] - board.BREW_DEFAULT_MC) < 1000, s
    if board.ADC_PRESSURE is not None:
        assert abs(s["pressure_peak_mbar"] - peak) < 300, (s, peak)
        assert abs(s["pressure_mean_mbar"] - mbar // n) < 300, (s, mbar // n)
