"""Every safety limit of the machines: broken on purpose, with the firmware unmodified.

What each case demands, in virtual time: heaters and pump off within half a second of the fault
(or of the moment in which the limit with a time of its own was crossed) and for as long as it
stands, the alarm latched over a reset and until acknowledged, the alarm in the journal on flash.
"""

from __future__ import annotations

import contextlib
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from simulator import Machine, read_trace
from tests.support.flash_image import read_journal
from tests.support.live_names import ALARM_NAMES
from tests.support.mosquitto import Mosquitto
from tests.support.wire import Wire

READY, PREINFUSION, BREWING = 2, 4, 5
OFF_MS = 500
HEATERS = ("u_heater_brew", "u_heater_steam")
PUMP = ("u_pump_permille",)
ALL = HEATERS + PUMP
SETTLE_MS = 45_000


@dataclass(frozen=True)
class Limit:
    """One way to break a machine.

    Args:
        alarm: the alarm that must come.
        faults, sets: what is broken, in the machine's names.
        within_ms: the limit's own time: the alarm comes no later than that after the fault.
        doing: "heating" (the brew boiler is cold), "steaming up" (only the steam boiler is),
            "ready", "filling" (pre-infusion has begun), "brewing" (some seconds into a shot).
        press: a button held down after the fault.
        off: outputs that must be off from then on.
        slot: the recipe of the brew button, when it matters.
        at: a column of the trace and between which values it must stand when the alarm comes.
        must_act: outputs that must have been on before, or the case proves nothing.
    """

    alarm: str
    faults: dict[str, int] = field(default_factory=dict)
    sets: dict[str, int] = field(default_factory=dict)
    within_ms: int = 0
    doing: str = "ready"
    press: str | None = None
    off: tuple[str, ...] = ALL
    must_act: tuple[str, ...] = ("u_heater_brew",)
    latches: bool = True
    slot: int | None = None
    at: tuple[str, int, int] | None = None
    models: tuple[str, ...] = ("1900", "2900")

    @property
    def name(self) -> str:
        return f"{self.alarm}:{'+'.join([*self.faults, *self.sets]) or self.doing}"


BOTH = ("u_heater_brew", "u_pump_permille")
ONLY_2900 = ("2900",)
STEAM = ("u_heater_steam",)
RELAY = (*ALL, "u_safety_relay")
LIMITS = [
    # --- sensors: open, short, implausible rate
    Limit("sensor_brew", {"sensor_open_brew": 1}, doing="heating"),
    Limit("sensor_brew", {"sensor_short_brew": 1}, doing="heating"),
    Limit("sensor_brew", {"sensor_drift_brew": 30_000}, doing="heating"),
    Limit("sensor_brew", {"sensor_open_brew": 1}, doing="brewing", must_act=BOTH),
    Limit("sensor_steam", {"sensor_open_steam": 1}, doing="steaming up", off=STEAM,
          must_act=STEAM, models=ONLY_2900),
    Limit("sensor_steam", {"sensor_short_steam": 1}, doing="steaming up", off=STEAM,
          must_act=STEAM, models=ONLY_2900),
    Limit("sensor_pressure", {"sensor_open_pressure": 1}, doing="brewing", must_act=BOTH,
          models=ONLY_2900),
    Limit("sensor_pressure", {"sensor_short_pressure": 1}, doing="brewing", must_act=BOTH,
          models=ONLY_2900),
    # --- heaters: too hot, stuck on, no temperature rise
    # (a 2900 opens its safety relay at a stuck SSR, so there the relay must be welded too)
    Limit("over_temp_brew", {"stuck_ssr_brew": 1}, within_ms=900_000, must_act=(),
          at=("t_temp_brew_mc", 129_000, 133_000), models=("1900",)),
    Limit("over_temp_brew", {"stuck_ssr_brew": 1, "stuck_relay": 1}, within_ms=900_000,
          at=("t_temp_brew_mc", 129_000, 133_000), off=RELAY, must_act=(), models=ONLY_2900),
    Limit("stuck_ssr_brew", {"stuck_ssr_brew": 1}, within_ms=60_000, must_act=(),
          models=("1900",)),
    Limit("stuck_ssr_brew", {"stuck_ssr_brew": 1}, within_ms=60_000, off=RELAY, must_act=(),
          models=ONLY_2900),
    Limit("no_heat_brew", {"stuck_ssr_brew": 2}, within_ms=60_000, doing="heating"),
    Limit("over_temp_steam", {"stuck_ssr_steam": 1, "stuck_relay": 1}, within_ms=900_000,
          at=("t_temp_steam_mc", 149_000, 153_000), off=RELAY, must_act=(), models=ONLY_2900),
    Limit("stuck_ssr_steam", {"stuck_ssr_steam": 1}, within_ms=120_000, off=RELAY, must_act=(),
          models=ONLY_2900),
    Limit("no_heat_steam", {"stuck_ssr_steam": 2}, within_ms=120_000, doing="steaming up",
          off=STEAM, must_act=STEAM, models=ONLY_2900),
    # --- water: pump without flow (4 s), too long, blocked, none
    Limit("dry_pump", {"pump_broken": 1}, within_ms=12_000, press="brew",
          must_act=PUMP),
    Limit("dry_pump", {"empty_tank": 1, "stuck_float": 1}, within_ms=12_000, press="brew",
          must_act=PUMP),
    Limit("stagnation", {"stuck_flowmeter": 1}, within_ms=4_500, doing="brewing", must_act=BOTH),
    Limit("stagnation", {"stuck_flowmeter": 1}, within_ms=4_500, doing="filling", must_act=PUMP,
          models=ONLY_2900),
    Limit("shot_too_long", {}, {"grind": 6_000, "new_puck": 0}, within_ms=97_000, press="brew",
          at=("live_shot_ms", 89_900, 90_500), must_act=PUMP, models=("1900",)),
    # (slot 3 brews at 92 °C: half a minute more until the boiler has come down)
    Limit("shot_too_long", {}, {"grind": 6_000, "new_puck": 0}, within_ms=127_000, press="brew",
          at=("live_shot_ms", 89_900, 90_500), must_act=PUMP, slot=3, models=ONLY_2900),
    Limit("tank_empty", {"empty_tank": 1}, doing="brewing", must_act=BOTH),
    Limit("tank_empty", {"empty_tank": 1}, doing="heating"),
    Limit("tray_full", {}, {"tray": 0}, doing="brewing", off=PUMP, must_act=PUMP),
    Limit("door_open", {}, {"door": 0}, doing="brewing", off=PUMP, must_act=PUMP, latches=False,
          models=ONLY_2900),
    # --- the controller itself
    Limit("tick_overrun", {"interrupts_off": 200}, doing="heating"),
]
CASES = [pytest.param(m, lim, id=f"{m}-{lim.name}-{lim.doing}") for lim in LIMITS
         for m in lim.models]


def prepare(machine: Machine, doing: str) -> None:
    """To the state in which the fault hits; temperatures are set before the firmware looks."""
    if doing == "heating":
        machine.set("temp_brew_mc", 60_000)
        if machine.board.job.model == "2900":
            machine.set("temp_steam_mc", 80_000)
        machine.run(20_000)
        return
    machine.set("temp_brew_mc", 93_000)
    if machine.board.job.model == "2900":
        machine.set("temp_steam_mc", 80_000 if doing == "steaming up" else 123_000)
    machine.run(SETTLE_MS)
    machine.run_until("state", READY)
    if doing == "filling":
        machine.press("brew")
        machine.run_until("state", PREINFUSION, 30_000)
        machine.run(500)
    if doing == "brewing":
        machine.press("brew")
        machine.run_until("state", BREWING, 30_000)
        machine.run(3_000)


def latched_at(columns: dict[str, list[int]], alarm: str, word: str) -> int | None:
    """World ms of the first half-cycle in which `word` holds the alarm."""
    bit = 1 << ALARM_NAMES.index(alarm)
    for ms, mask in zip(columns["world_ms"], columns[word], strict=True):
        if mask & bit:
            return ms
    return None


def on_after(columns: dict[str, list[int]], outputs: tuple[str, ...], ms: float) -> list[str]:
    return [
        name for name in outputs
        if any(v for t, v in zip(columns["world_ms"], columns[name], strict=True) if t > ms)
    ]


@pytest.mark.parametrize(("model", "limit"), CASES)
def test_limit(model: str, limit: Limit, tmp_path: Path) -> None:
    data = tmp_path / "machine"
    config = {} if limit.slot is None else {"button_slot": limit.slot}
    with Machine(model, data=data, config=config) as machine:
        machine.trace(tmp_path / "trace", hz=100)
        prepare(machine, limit.doing)
        broken_at = machine.world_ms
        for name, value in limit.sets.items():
            machine.set(name, value)
        for name, value in limit.faults.items():
            machine.fault(name, value)
        if limit.press:
            machine.press(limit.press)
        mask = "latched" if limit.latches else "alarms"
        wanted = 1 << ALARM_NAMES.index(limit.alarm)
        machine.run(OFF_MS)
        gone = OFF_MS
        while not machine.live()[mask] & wanted and gone < limit.within_ms + OFF_MS:
            machine.run(500)
            gone += 500
        machine.run(5_000)
        machine.stop_trace()
        columns = read_trace(tmp_path / "trace")

        raised_at = latched_at(columns, limit.alarm, "live_" + mask)
        seen = [n for i, n in enumerate(ALARM_NAMES) if machine.live()["latched"] >> i & 1]
        assert raised_at is not None, f"{limit.alarm} never came; latched: {seen}"
        assert raised_at - broken_at <= limit.within_ms + OFF_MS
        if limit.at:
            name, low, high = limit.at
            value = columns[name][columns["world_ms"].index(raised_at)]
            assert low <= value <= high, f"{name} stood at {value} when the alarm came"
        off_from = max(broken_at, raised_at if limit.within_ms else broken_at) + OFF_MS
        assert on_after(columns, limit.off, off_from) == []
        since = broken_at - 3_000
        before = {
            n: any(v for t, v in zip(columns["world_ms"], columns[n], strict=True)
                   if since < t <= off_from)
            for n in limit.must_act
        }
        assert all(before.values()), f"nothing was on that could go off: {before}"
        assert machine.resets == [], "the firmware must handle it, not the watchdog"

        if limit.latches:
            _stays_latched(machine, limit, wanted)
    facts = [f for f in read_journal(data / "flash.bin", f"coffee_{model}").held.values()
             if f["kind"] == "alarm" and f["code"] == limit.alarm and f["raised"]]
    assert facts, "not in the journal"
    assert facts[-1]["latched"] is limit.latches


def _stays_latched(machine: Machine, limit: Limit, wanted: int) -> None:
    """Mending the cause is not enough, and a reset is no way out."""
    for name in limit.faults:
        machine.clear(name)
    for name in {"tank", "tray"} & limit.sets.keys():
        machine.set(name, 1)
    machine.run(3_000)
    assert machine.live()["latched"] & wanted, "gone without being acknowledged"
    machine.reset()
    machine.run(3_000)
    seen = machine.read()
    assert seen["live"]["latched"] & wanted, "a reset cleared it"
    assert not any(seen["outputs"][name[2:]] for name in limit.off)


@pytest.mark.parametrize("model", ["1900", "2900"])
def test_three_watchdog_resets_lead_to_safe_mode(model: str, tmp_path: Path) -> None:
    data = tmp_path / "machine"
    with Machine(model, data=data) as machine:
        machine.set("temp_brew_mc", 60_000)
        machine.run(10_000)
        assert machine.read()["outputs"]["heater_brew"] or machine.live()["duty_permille"]
        for _ in range(3):
            machine.fault("interrupts_off", 3_000)  # longer than any watchdog of ours
            machine.run(20_000)
        assert machine.resets == ["watchdog"] * 3
        machine.trace(tmp_path / "trace", hz=100)
        machine.run(30_000)
        assert machine.live()["state"] == 12, "safe mode"
        columns = read_trace(tmp_path / "trace")
        assert on_after(columns, ALL, 0) == []
        machine.reset()
        machine.run(10_000)
        assert machine.live()["latched"] >> ALARM_NAMES.index("reset_storm") & 1
    held = read_journal(data / "flash.bin", f"coffee_{model}").held.values()
    assert any(f["kind"] == "alarm" and f["code"] == "reset_storm" for f in held)
    assert any(f["kind"] == "boot" and f["safe_mode"] for f in held)


class Orders:
    """Commands to a machine in virtual time, over a real broker."""

    def __init__(self, machine: Machine, wire: Wire) -> None:
        self._machine, self._wire = machine, wire
        machine.run(10_000)
        self.send("clock", utc_ms=int(time.time() * 1000))

    def send(self, name: str, **args: Any) -> dict[str, Any]:
        """The reply."""
        since = self._wire.mark()
        prefix = f"coffee/v1/{self._machine.board.job.name}"
        order = {"id": f"{name}-{since}", "deadline": int(time.time() * 1000) + 600_000}
        self._wire.publish(f"{prefix}/cmd/{name}", order | {"args": args})
        for patience_s in (0.2,) * 20 + (10.0,):  # virtual time is fast, the wire is not
            self._machine.run(300)
            with contextlib.suppress(TimeoutError):
                found: dict[str, Any] = self._wire.wait(
                    f"{prefix}/reply", lambda r: r["id"] == order["id"], since, patience_s
                ).json
                return found
        raise TimeoutError(f"{name}: no reply")


@pytest.mark.broker
@pytest.mark.parametrize("model", ["1900", "2900"])
def test_a_remote_brew_without_a_cup_is_refused(
    broker: Mosquitto, wire: Wire, model: str, tmp_path: Path
) -> None:
    with Machine(model, broker=broker.address) as machine:
        machine.set("temp_brew_mc", 93_000)
        orders = Orders(machine, wire)
        machine.run_until("state", READY)
        machine.trace(tmp_path / "trace", hz=100)
        machine.set("cup", 0)
        machine.run(1_000)
        reply = orders.send("brew", slot="0")
        assert reply["error"]["code"] == "cup_missing"
        machine.run(20_000)
        assert on_after(read_trace(tmp_path / "trace"), PUMP, 0) == []
        machine.set("cup", 1)
        machine.run(1_000)
        assert orders.send("brew", slot="0")["ok"], "and with a cup it brews"
        machine.run(20_000)
        assert on_after(read_trace(tmp_path / "trace"), PUMP, 0) == [*PUMP]


@pytest.mark.broker
def test_a_shot_that_does_not_stop_ends_at_300_ml(
    broker: Mosquitto, wire: Wire, tmp_path: Path
) -> None:
    """A recipe that stops by time alone, and an empty basket: only the limit is left."""
    recipe = {
        "name": "Endless", "temp_mc": 93_000, "stop": {"time_ms": 85_000},
        "phases": [{"name": "brew", "flow_ul_s": 7_500, "exit": {"time_ms": 85_000}}],
    }
    data = tmp_path / "machine"
    with Machine("2900", broker=broker.address, data=data) as machine:
        machine.set("temp_brew_mc", 93_000)
        machine.set("temp_steam_mc", 123_000)
        orders = Orders(machine, wire)
        reply = orders.send("recipe.put", slot="9", recipe=recipe)
        assert reply["ok"], reply
        machine.run_until("state", READY)
        machine.fault("no_puck")
        machine.trace(tmp_path / "trace", hz=100)
        assert orders.send("brew", slot="9")["ok"]
        machine.run(80_000)
        columns = read_trace(tmp_path / "trace")
        raised_at = latched_at(columns, "shot_too_big", "live_latched")
        assert raised_at is not None
        assert on_after(columns, ALL, raised_at + OFF_MS) == []
        # 1 % for the flow meter, and half a second of 7.5 ml/s
        assert 297_000 < max(columns["t_pumped_ul"]) - columns["t_pumped_ul"][0] < 306_750
    held = read_journal(data / "flash.bin", "coffee_2900").held.values()
    assert any(f["kind"] == "alarm" and f["code"] == "shot_too_big" for f in held)


def test_both_boilers_together_stay_below_the_fuse() -> None:
    """1400 W and 1500 W, 2300 W allowed: never in one half-cycle, cold start and shot alike."""
    with Machine("2900") as machine:
        machine.run(200_000)
        heating = machine.half_cycles()
        machine.run_until("state", READY, 900_000, step_ms=1_000)
        machine.press("brew")
        machine.run(60_000)
        brewing = machine.half_cycles(6_000)
        assert machine.resets == []
    for cycles in (heating, brewing):
        assert sum(brew and steam for brew, steam in cycles) == 0
        assert sum(brew for brew, _ in cycles) > 100, "the brew boiler must have had its share"
        assert sum(steam for _, steam in cycles) > 100, "and the steam boiler"
