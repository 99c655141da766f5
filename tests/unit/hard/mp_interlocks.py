# Alarms: latching, fading, acknowledging, events; the table of consequences.
import interlocks as il
import live as names
from array import array
from hal import SW_CUP, SW_DOOR, SW_HOPPER, SW_KEY, SW_TANK, SW_TRAY

WELL = SW_TANK | SW_TRAY | SW_DOOR | SW_HOPPER


def _locks(latched=0, safe_mode=False):
    live = names.Live()
    return live, il.Interlocks(live, latched, safe_mode)


def _events(live):
    into, out = array("i", [0] * 4), []
    while live.get(into):
        if into[0] == names.EV_ALARM:
            out.append((names.ALARM_NAMES[into[1]], into[2]))
    return out


def _stand(locks, bit, ticks):
    for _ in range(ticks):
        locks.up(bit)
        locks.settle()


def _rest(locks, ticks):
    for _ in range(ticks):
        locks.settle()


def test_bits_follow_the_names():
    for k, name in enumerate(names.ALARM_NAMES):
        assert getattr(il, name.upper()) == 1 << k, name


def test_a_latching_alarm_stays_until_acknowledged():
    live, locks = _locks()
    _stand(locks, il.OVER_TEMP_BREW, 3)
    _rest(locks, 500)
    assert not live.alarms and live.latched == il.OVER_TEMP_BREW
    assert _events(live) == [("over_temp_brew", 1)]
    assert locks.blocked(il.NO_HEAT) and locks.blocked(il.NO_WATER)
    assert locks.acknowledge(-1) == 0
    _rest(locks, 1)
    assert not locks.blocked(il.NO_HEAT)
    assert _events(live) == [("over_temp_brew", 0)]


def test_no_acknowledgement_while_the_cause_stands():
    live, locks = _locks()
    _stand(locks, il.SENSOR_BREW, 10)
    assert locks.acknowledge(-1) == il.SENSOR_BREW
    assert live.latched == il.SENSOR_BREW
    assert locks.acknowledge(2) == il.SENSOR_BREW


def test_one_alarm_acknowledged_leaves_the_others():
    live, locks = _locks(il.DRY_PUMP | il.STAGNATION)
    _stand(locks, il.SENSOR_BREW, 3)
    assert locks.acknowledge(10) == 0  # another one that stands is not its business
    assert live.latched == il.STAGNATION | il.SENSOR_BREW


def test_a_switch_alarm_clears_itself_after_a_second_of_peace():
    live, locks = _locks()
    locks.switches(WELL & ~SW_DOOR)
    locks.settle()
    assert live.alarms == il.DOOR_OPEN and locks.blocked(il.NO_WATER)
    for _ in range(99):
        locks.switches(WELL)
        locks.settle()
    assert live.alarms == il.DOOR_OPEN
    locks.settle()
    assert not live.alarms and not live.latched


def test_tank_and_tray_wait_for_a_person():
    live, locks = _locks()
    locks.switches(WELL & ~SW_TANK & ~SW_TRAY)
    locks.settle()
    for _ in range(200):
        locks.switches(WELL)
        locks.settle()
    assert not live.alarms and live.latched == il.TANK_EMPTY | il.TRAY_FULL
    assert locks.blocked(il.NO_HEAT) and locks.blocked(il.NO_WATER)
    assert locks.acknowledge(-1) == 0 and not locks.blocked(il.NO_WATER)


def test_flapping_is_one_alarm():
    live, locks = _locks()
    for n in range(1000):
        locks.switches(WELL if n % 50 else WELL & ~SW_TRAY)
        locks.settle()
    assert _events(live) == [("tray_full", 1)]


def test_latches_of_the_last_life_block_from_the_first_tick():
    _, locks = _locks(il.NO_HEAT_BREW)
    assert locks.blocked(il.NO_HEAT)


def test_safe_mode_forbids_heat_and_water():
    live, locks = _locks(safe_mode=True)
    assert live.latched == il.RESET_STORM
    assert locks.blocked(il.NO_HEAT) and locks.blocked(il.NO_STEAM_HEAT)
    assert locks.blocked(il.NO_WATER)


def test_every_fault_latches_and_stops_everything():
    assert il.FAULT & il.LATCHING == il.FAULT
    assert il.NO_HEAT & il.FAULT == il.FAULT and il.NO_WATER & il.FAULT == il.FAULT
    assert il.NO_STEAM_HEAT & il.NO_HEAT == il.NO_HEAT


def test_every_alarm_is_somewhere_in_the_table():
    for k in range(len(names.ALARM_NAMES)):
        assert (il.LATCHING | il.WARNING) >> k & 1, names.ALARM_NAMES[k]


def test_overrun_by_lateness_and_by_load():
    live, locks = _locks()
    locks.late(100000, 0)
    locks.settle()
    assert not live.latched
    locks.late(100001, 0)
    locks.settle()
    assert live.latched == il.TICK_OVERRUN
    live, locks = _locks()
    for _ in range(4):
        locks.late(0, 9500)
        locks.settle()
    assert not live.latched
    locks.late(0, 9500)
    locks.settle()
    assert live.latched == il.TICK_OVERRUN


def test_five_long_ticks_are_an_overrun_only_in_a_row():
    live, locks = _locks()
    for busy_us in [9001] * 4 + [9000] + [9001] * 4:
        locks.late(0, busy_us)
        locks.settle()
    assert not live.latched


def test_what_the_switches_say_is_published_one_by_one():
    live, locks = _locks()
    shown = {SW_TANK: "water", SW_TRAY: "tray", SW_CUP: "cup", SW_KEY: "remote", SW_DOOR: "door",
             SW_HOPPER: "hopper"}
    for on in shown:
        locks.publish(on)
        assert [n for n in shown.values() if getattr(live, n)] == [shown[on]]
