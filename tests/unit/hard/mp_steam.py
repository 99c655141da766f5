# boards: coffee_2900
# The steam side: the wand's own end, the boiler's water, and that coffee goes on without either.
import sys

ROOT = sys.argv[0].split("/tests/")[0]
sys.path[:0] = [ROOT + "/tests/plant/rig"]
import live as names
import refusal
import scenarios
from rig import Rig, pw

_U = {n: k for k, n in enumerate(pw.U_NAMES)}


def _steaming():
    r = scenarios.ready(ROOT)
    r.press("steam")
    assert r.state() == "steam" and r.plant.u[_U["valve_steam"]]
    return r


def _steam_ms(r):
    ms = 0
    while r.plant.u[_U["valve_steam"]] and ms < 300000:
        r.run(1000)
        ms += 1000
    return ms


def test_a_forgotten_wand_closes_after_four_minutes_and_may_be_opened_for_as_long_again():
    r = _steaming()
    first_ms = _steam_ms(r)
    assert 239000 <= first_ms <= 241000 and r.state() in ("heating", "ready"), first_ms
    r.press("steam")
    assert 239000 <= _steam_ms(r) <= 241000 and not r.alarms()


def test_a_stop_closes_the_wand():
    r = _steaming()
    assert r.ask(names.REQ_STOP) == 0
    r.run(100)
    assert not r.plant.u[_U["valve_steam"]] and r.state() == "ready"


def test_a_wand_that_a_fault_closed_stays_closed_when_the_fault_is_gone():
    r = _steaming()
    r.plant.set("tray", 0)
    r.run(500)
    assert not r.plant.u[_U["valve_steam"]]
    r.plant.set("tray", 1)
    r.run(1500)
    assert r.ask(names.REQ_ACK, -1) == 0
    r.run(2000)
    assert not r.alarms() and not r.plant.u[_U["valve_steam"]]


def test_a_machine_sent_to_sleep_closes_the_wand():
    r = _steaming()
    assert r.ask(names.REQ_STANDBY) == 0
    r.run(100)
    assert r.state() == "standby" and not r.plant.u[_U["valve_steam"]]


def test_a_broken_steam_sensor_closes_the_wand():
    r = _steaming()
    r.plant.fault("sensor_open_steam", 1)
    r.run(500)
    assert not r.plant.u[_U["valve_steam"]] and r.state() == "ready"


def test_the_wand_stays_closed_while_the_boiler_is_cold_or_broken():
    r = Rig(ROOT)
    r.plant.set("temp_brew_mc", 93000)
    r.run(15000)
    r.press("steam")
    assert r.state() != "steam"
    r = scenarios.ready(ROOT)
    r.plant.fault("sensor_open_steam", 1)
    r.run(500)
    assert r.alarms() == ["sensor_steam"]
    r.press("steam")
    assert r.state() == "ready" and not r.plant.u[_U["valve_steam"]]


def test_no_flash_is_written_while_it_steams():
    assert _steaming().ask(names.REQ_QUIET) == refusal.BUSY


def test_a_shot_beside_the_wand_is_marked_before_its_water_and_the_wand_stays_open():
    r = _steaming()
    r.press("brew")
    assert r.state() == "starting" and r.ask(names.REQ_QUIET) == 0
    r.run(200)
    assert r.plant.u[_U["valve_steam"]] and not r.plant.u[0] and not r.plant.u[1]
    assert r.ask(names.REQ_LOUD) == 0
    r.until("brewing", 30000)
    assert r.ask(names.REQ_QUIET) == refusal.BUSY


def test_steam_and_coffee_at_once_share_the_budget_and_coffee_comes_first():
    r = scenarios.ready(ROOT)
    r.press("brew")
    r.until("brewing", 30000)
    r.press("steam")
    fired = [0, 0]

    def watch(r):
        fired[0] += r.plant.u[0]
        fired[1] += r.plant.u[1]
        assert not (r.plant.u[0] and r.plant.u[1])

    r.watch = watch
    off_mc = 0
    while r.state() == "brewing":
        r.run(100)
        assert r.state() != "brewing" or r.plant.u[_U["valve_steam"]]
        off_mc = max(off_mc, abs(r.live.temp_mc - r.live.setpoint_mc))
    assert fired[0] > 100 and fired[1] > 100 and off_mc < 600, (fired, off_mc)
    r.until("steam", 10000)
    assert not r.alarms() and r.plant.u[_U["valve_steam"]]


def test_a_broken_group_sensor_is_told_of_and_coffee_goes_on():
    r = scenarios.ready(ROOT)
    for fault in ("sensor_open_group", "sensor_short_group"):
        r.plant.fault(fault, 1)
        r.run(500)
        assert r.alarms() == ["sensor_group"] and r.live.latched == 0, (fault, r.alarms())
        assert r.state() == "ready"
        r.plant.fault(fault, 0)
        r.run(1500)
        assert not r.alarms(), fault
    r.plant.fault(fault, 1)
    r.run(500)
    assert r.ask(names.REQ_BREW) == 0
    r.until("brewing", 30000)


def test_a_spark_on_the_group_sensor_is_neither_an_alarm_nor_a_temperature():
    r = scenarios.ready(ROOT)
    before_mc = r.live.group_temp_mc
    off_mc = 0
    for _ in range(20):
        r.plant.fault("sensor_open_group", 1)
        r.run(150)
        off_mc = max(off_mc, abs(r.live.group_temp_mc - before_mc))
        r.plant.fault("sensor_open_group", 0)
        r.run(250)
        off_mc = max(off_mc, abs(r.live.group_temp_mc - before_mc))
        assert not r.alarms()
    assert off_mc < 500, off_mc


def _bare_probe():
    r = scenarios.ready(ROOT)
    r.plant.set("tank", 1)
    r.plant.fault("stuck_probe", 2)
    r.run(1000)
    assert r.plant.u[_U["valve_refill"]] and r.plant.u[_U["pump_permille"]]
    return r


def test_a_boiler_below_its_probe_is_filled_and_not_heated():
    r = _bare_probe()
    fired = [0, 0]

    def watch(r):
        fired[0] += r.plant.u[0]
        fired[1] += r.plant.u[1]

    r.watch = watch
    assert r.ask(names.REQ_QUIET) == refusal.BUSY  # the pump runs
    assert r.ask(names.REQ_CLEAN, 0) == refusal.BUSY
    r.run(60000)
    assert fired[0] and not fired[1], fired
    r.plant.fault("stuck_probe", 0)
    r.run(1500)
    assert r.plant.u[_U["valve_refill"]]  # two seconds beyond the probe
    r.run(2500)
    assert not r.plant.u[_U["valve_refill"]] and not r.plant.u[_U["pump_permille"]]
    r.run(20000)
    assert fired[1] and not r.alarms(), fired


def test_a_refill_without_an_end_is_given_up_and_coffee_goes_on():
    r = _bare_probe()
    r.run(115000)
    assert not r.alarms() and r.plant.u[_U["valve_refill"]]
    r.run(10000)
    assert r.alarms() == ["steam_refill"] and not r.plant.u[_U["valve_refill"]]
    r.plant.fault("stuck_probe", 0)
    steam = [0]

    def watch(r):
        steam[0] += r.plant.u[1]

    r.watch = watch
    r.run(60000)
    assert r.alarms() == ["steam_refill"] and not steam[0]
    assert r.ask(names.REQ_BREW) == 0
    r.until("brewing", 90000)
    r.watch = None
    r.ask(names.REQ_STOP)
    r.until("ready", 10000)
    assert r.ask(names.REQ_ACK, names.ALARM_NAMES.index("steam_refill")) == 0
    r.watch = watch
    r.run(60000)
    assert steam[0] and not r.alarms()
