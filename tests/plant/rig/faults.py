"""Every fault in every state: what must happen, and the table of what did (docs/safety.md).

    python -m tests.plant.rig.faults            writes the table
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.plant.rig import ROOT, figures

STATES = (
    "heating", "ready", "preinfusion", "brewing", "hot_water", "steam", "cleaning", "standby",
)
SHOT = ("preinfusion", "brewing")
AT_ONCE_MS = 500  # machines.md: off within 0.5 s
DRY_MS = 4500  # 4 s without flow, then 0.5 s


@dataclass(frozen=True)
class Fault:
    """One way to break. heat_ms, water_ms: latest output after the fault; None: may go on."""

    title: str
    alarms: tuple[str, ...]
    heat_ms: int | None
    water_ms: int | None
    latched: bool
    name: str = ""
    setting: str = ""
    value: int = 1
    states: tuple[str, ...] = STATES
    boards: tuple[str, ...] = ("coffee_1900", "coffee_2900")
    relay_opens: bool = False
    felt: bool = True  # the cause can still be felt with everything off, so no early acknowledging


ONLY_2900 = ("coffee_2900",)
AWAKE = tuple(s for s in STATES if s != "standby")
FAULTS = (
    Fault("brew sensor open", ("sensor_brew",), AT_ONCE_MS, AT_ONCE_MS, True, "sensor_open_brew"),
    Fault("brew sensor short", ("sensor_brew",), AT_ONCE_MS, AT_ONCE_MS, True,
          "sensor_short_brew"),
    Fault("brew sensor jumps by 12 °C", ("sensor_brew",), AT_ONCE_MS, AT_ONCE_MS, True,
          "sensor_drift_brew", value=12000, states=AWAKE[1:], felt=False),
    Fault("brew SSR stuck on", ("stuck_ssr_brew",), None, None, True, "stuck_ssr_brew",
          states=("ready",), relay_opens=True, felt=False),
    Fault("brew SSR stuck on, no relay", ("stuck_ssr_brew",), None, None, True, "stuck_ssr_brew",
          states=("standby",), boards=("coffee_1900",)),
    Fault("brew heater dead", ("no_heat_brew",), None, None, True, "stuck_ssr_brew", value=2,
          states=("heating",), relay_opens=True, felt=False),
    Fault("brew heater at a tenth", ("no_heat_brew",), None, None, True, "scaled_heater_brew",
          value=100, states=("heating",), relay_opens=True, felt=False),
    Fault("steam sensor open", ("sensor_steam",), None, None, True, "sensor_open_steam",
          boards=ONLY_2900),
    Fault("group sensor open", ("sensor_group",), None, None, False, "sensor_open_group",
          boards=ONLY_2900),
    Fault("steam SSR stuck on", ("stuck_ssr_steam",), None, None, True, "stuck_ssr_steam",
          states=("ready",), boards=ONLY_2900, relay_opens=True, felt=False),
    Fault("tank empty", ("tank_empty",), AT_ONCE_MS, AT_ONCE_MS, True, setting="tank"),
    Fault("pump draws air", ("tank_empty",), AT_ONCE_MS, AT_ONCE_MS, True, "empty_tank"),
    Fault("tray full", ("tray_full",), None, AT_ONCE_MS, True, setting="tray"),
    Fault("door open", ("door_open",), None, AT_ONCE_MS, False, setting="door", boards=ONLY_2900),
    Fault("flow meter stuck", ("dry_pump", "stagnation"), DRY_MS, DRY_MS, True,
          "stuck_flowmeter", states=("brewing",), felt=False),
    Fault("pump moves nothing", ("dry_pump", "stagnation"), DRY_MS, DRY_MS, True, "pump_broken",
          states=SHOT, felt=False),
    Fault("puck blocked", ("dry_pump", "stagnation"), None, None, True, "blocked_puck",
          states=("brewing",), felt=False),
    Fault("pressure sensor open", ("sensor_pressure",), AT_ONCE_MS, AT_ONCE_MS, True,
          "sensor_open_pressure", boards=ONLY_2900),
)


def runs(board: str) -> list[tuple[Fault, str]]:
    found = []
    for fault in FAULTS:
        if board in fault.boards:
            found += [
                (fault, state) for state in fault.states if board in ONLY_2900 or state != "steam"
            ]
    return found


def run(board: str, fault: Fault, state: str) -> dict[str, Any]:
    return figures(
        board, "fault", state=state, name=fault.name, setting=fault.setting, value=fault.value
    )


def complaints(board: str, fault: Fault, found: dict[str, Any]) -> list[str]:
    """What of the promise was broken; empty when it was kept."""
    bad = []
    if not set(fault.alarms) & set(found["alarms"]):
        bad.append(f"alarms {found['alarms']} instead of {fault.alarms}")
    for what in ("heat", "water"):
        limit = getattr(fault, f"{what}_ms")
        if limit is not None and found[f"{what}_ms"] > limit:
            bad.append(f"{what} until {found[f'{what}_ms']} ms after the fault")
    if fault.latched and fault.felt and not set(fault.alarms) & set(found["acknowledged_early"]):
        bad.append("acknowledged while the cause stood")
    if not fault.latched and found["mended"]:
        bad.append(f"{found['mended']} did not clear by itself")
    if fault.relay_opens and board in ONLY_2900 and found["relay"]:
        bad.append("safety relay closed")
    if found["end"]:
        bad.append(f"still {found['end']} after mending and acknowledging")
    return bad


def table(board: str) -> list[str]:
    lines = [
        "", f"## {board}", "",
        "| fault | state | alarm after | heaters last on | pump, valves last on | latched |",
        "|---|---|---|---|---|---|",
    ]
    for fault, state in runs(board):
        found = run(board, fault, state)
        bad = complaints(board, fault, found)
        alarm = "none" if found["alarm_ms"] is None else f"{found['alarm_ms']} ms"
        names = ", ".join(found["alarms"])
        lines.append(
            f"| {fault.title} | {state} | {alarm} {names} "
            f"| {_last(fault.heat_ms, found, 'heat')} "
            f"| {_last(fault.water_ms, found, 'water')} | {'yes' if fault.latched else 'no'} "
            + (f"**{'; '.join(bad)}** |" if bad else "|")
        )
    return lines


def _last(limit: int | None, found: dict[str, Any], what: str) -> str:
    if limit is None:
        return "may go on"
    return f"{found[f'{what}_ms']} ms" if found[f"{what}_ms"] else "were off"


HEAD = """# Every fault in every state

Generated by `python -m tests.plant.rig.faults`, which runs the firmware's tick on the simulated
machines; tests/plant/test_control_faults.py checks the same runs against their limits. Times are
simulated and count from the moment of the fault. "Last on" is the last half-cycle or tick in which
the output was driven. "May go on" means that this output is not dangerous with this fault, or that
it is monitored by its effect.

Faults that show only by their effect take longer than 0.5 s to detect:

- *Stuck SSR*, 10 to 11 s. The first sign is heat that was not requested. Element (6 s) and sensor
  (1.5 s) lag behind, and 0.45 of the power must persist for 3 s. By the energy balance the boiler
  gains about 4 °C (1900) or 3 °C (2900) meanwhile. The check is suspended for 10 s after water has
  run or after 0.6 s without a usable reading. Then the 2900 opens its safety relay (checked at the
  pin). The 1900 has no relay: its controller can only raise the alarm, and over_temp_brew follows
  at 130 °C. Such a machine needs a thermal cut-out that does not depend on this controller.
- *Dead heater*, 28 to 32 s. The sign is missing heat: the balance must lack three quarters of the
  power for 15 s while the element should be hot.
- *No flow*, 4 s: the specification allows a pump four seconds without a pulse. If a profile asks
  for less than 256 ul/s, the time is longer in proportion (100 ul/s: 13 s; below 26 ul/s the check
  is off), because the meter gives a pulse every 500 ul. The shot's own limit of 90 s always
  applies."""


def main() -> None:
    lines = [HEAD]
    for board in ("coffee_1900", "coffee_2900"):
        lines += table(board)
    Path(ROOT / "docs/safety.md").write_text("\n".join(lines) + "\n")


if __name__ == "__main__":
    main()
