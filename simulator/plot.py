"""A picture of a shot: heats a machine up, pulls one shot as fast as possible, draws it.

Solid lines are what the firmware measures, dotted ones the truth of the plant.
"""

from __future__ import annotations

import os
import tempfile
from dataclasses import dataclass
from pathlib import Path

import matplotlib
from matplotlib.axes import Axes
from matplotlib.backend_bases import FigureCanvasBase
from matplotlib.figure import Figure

from simulator.fleet import FleetRefused, Wish, make_jobs
from simulator.machine import Machine, read_trace
from simulator.supervisor import BoardBroken, Job

matplotlib.use("Agg")

READY = 2  # live.READY
HEAT_UP_MS = 1_800_000
SHOT_MS = 150_000
BEFORE_S, AFTER_S = 3.0, 8.0
INK, TEMP, WATER, PRESSURE, POWER = "#3b2a20", "#c0392b", "#2471a3", "#7d3c98", "#d68910"
STATES = {3: "starting", 4: "pre-infusion", 5: "brewing", 6: "ending"}
Columns = dict[str, list[float]]


class NoShot(BoardBroken):
    """The machine did not brew; the text says how far it came, and what may stand in its way."""


@dataclass
class Recorded:
    """One shot, cut out of a recording at 100 Hz."""

    model: str
    columns: Columns  # s, °C, bar, ml/s, ml, g, permille

    def has(self, name: str) -> bool:
        return any(self.columns[name])


def plot_shot(wish: Wish, path: Path) -> list[Path]:
    """Draws one shot of each machine wished for.

    Returns: the files written; with several machines the name is put into the file's name.

    Raises:
        FleetRefused: also of a file that cannot be written; before anything is brewed.
    """
    written = []
    jobs = make_jobs(wish)
    path = _picture(path)
    for job in jobs:
        target = path if len(jobs) == 1 else path.with_stem(f"{path.stem}-{job.name}")
        draw(record_shot(job)).savefig(target, dpi=130)
        written.append(target)
    return written


def _picture(path: Path) -> Path:
    """The file as it will be called."""
    if path.is_dir():
        raise FleetRefused(f"--plot {path}: this is a folder; give a file, such as shot.png")
    if not path.suffix:
        path = path.with_name(path.name + ".png")
    if path.suffix[1:].lower() not in FigureCanvasBase.get_supported_filetypes():
        raise FleetRefused(f"--plot {path}: not a picture format; give a name ending in .png")
    if not path.parent.is_dir():
        raise FleetRefused(f"--plot {path}: there is no folder {path.parent}; create it first")
    if not os.access(path if path.exists() else path.parent, os.W_OK):
        raise FleetRefused(f"--plot {path}: this user cannot write there; give another file")
    return path


def record_shot(job: Job, button: str = "brew") -> Recorded:
    """Runs the job's machine on a fresh flash until it is hot, then through one local shot.

    Raises:
        NoShot: not ready within 30 simulated minutes, or the button started nothing.
    """
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "trace"
        with Machine(
            job.model, seed=job.seed, name=job.name, faults=job.faults, main=job.main
        ) as machine:
            _until_ready(job, machine, HEAT_UP_MS, "power-on")
            machine.run(60_000)  # the observer and the group settle
            machine.trace(file, hz=100)
            machine.run(BEFORE_S * 1000)
            machine.press(button)
            machine.run(1000)
            if machine.live()["state"] == READY:
                raise _no_shot(job, machine, "did not start to brew")
            _until_ready(job, machine, SHOT_MS, "the button press")
            machine.run(AFTER_S * 1000)
        return Recorded(job.model, _columns(read_trace(file)))


def _until_ready(job: Job, machine: Machine, limit_ms: int, since: str) -> None:
    try:
        machine.run_until("state", READY, limit_ms, step_ms=1000 if limit_ms > SHOT_MS else 100)
    except TimeoutError as e:
        gone = f"is not ready {limit_ms / 60_000:g} simulated minutes after {since}"
        raise _no_shot(job, machine, gone) from e


def _no_shot(job: Job, machine: Machine, what: str) -> NoShot:
    named = ", ".join(job.faults)
    cure = f"; leave out --fault {named}" if named else ""
    return NoShot(f"{job.name} {what}{cure}. Its console:\n{machine.console()}")


def _columns(raw: dict[str, list[int]]) -> Columns:
    start = raw["world_ms"][0] + BEFORE_S * 1000
    found: Columns = {"t": [(ms - start) / 1000 for ms in raw["world_ms"]]}
    for name, values in raw.items():
        found[name] = [v / 1000 for v in values]
    found["state"] = [float(v) for v in raw["live_state"]]
    # before the scale is tared it shows the cup
    shot = [t >= 0 and s >= 0.2 for t, s in zip(found["t"], found["live_shot_ms"], strict=True)]
    since = shot.index(True) if True in shot else 0
    found["live_weight_mg"][:since] = [0.0] * since
    for name in ("live_duty_permille", "live_pump_permille", "live_steam_duty_permille"):
        found[name] = _mean(found[name], 25)
    return found


def _mean(values: list[float], each_side: int) -> list[float]:
    """Moving average: an SSR pump is on or off, the eye wants its duty."""
    sums = [0.0]
    for v in values:
        sums.append(sums[-1] + v)
    smooth = []
    for i in range(len(values)):
        low, high = max(i - each_side, 0), min(i + each_side + 1, len(values))
        smooth.append((sums[high] - sums[low]) / (high - low))
    return smooth


def draw(shot: Recorded) -> Figure:
    """Temperature, pressure and flow, volume and weight, duty: one above the other."""
    c = shot.columns
    figure = Figure(figsize=(9, 9.5), layout="constrained", facecolor="white")
    axes = figure.subplots(4, 1, sharex=True, height_ratios=[3, 3, 3, 2])
    figure.suptitle(
        f"Coffee {shot.model}: one shot", fontsize=15, fontweight="bold", color=INK, x=0.02,
        ha="left",
    )
    _temperature(axes[0], c)
    _hydraulics(axes[1], shot)
    _yield(axes[2], shot)
    _duty(axes[3], c)
    _phases(axes, c)
    axes[-1].set_xlabel("seconds since the button press", color=INK)
    axes[-1].set_xlim(c["t"][0], c["t"][-1])
    for axis in axes:
        axis.grid(True, alpha=0.25, linewidth=0.6)
        axis.spines[["top", "right"]].set_visible(False)
        axis.tick_params(colors=INK, labelsize=9)
        axis.legend(loc="upper left", fontsize=8, frameon=False, ncols=3)
    return figure


def _top(c: Columns, *names: str) -> float:
    """The highest of all that one axis shows: nothing may leave it."""
    return max(max(c[name]) for name in names)


def _temperature(axis: Axes, c: Columns) -> None:
    axis.plot(c["t"], c["live_setpoint_mc"], color=INK, linewidth=1, linestyle="--",
              label="set-point")
    axis.plot(c["t"], c["live_temp_mc"], color=TEMP, linewidth=1.6, label="boiler, measured")
    axis.plot(c["t"], c["t_temp_group_inlet_mc"], color=TEMP, linewidth=1.2, linestyle=":",
              label="group inlet, true")
    middle = c["live_setpoint_mc"][0]
    low = min(*c["live_temp_mc"], *c["t_temp_group_inlet_mc"], middle - 2)
    high = max(*c["live_temp_mc"], *c["t_temp_group_inlet_mc"], middle + 2)
    axis.set_ylim(low - 0.5, high + 1.2)
    axis.set_ylabel("°C", color=INK)


def _hydraulics(axis: Axes, shot: Recorded) -> None:
    c = shot.columns
    if shot.has("live_pressure_mbar"):
        axis.plot(c["t"], c["live_pressure_mbar"], color=PRESSURE, linewidth=1.6,
                  label="pressure, measured")
    axis.plot(c["t"], c["t_pressure_group_mbar"], color=PRESSURE, linewidth=1.2, linestyle=":",
              label="pressure at the puck, true")
    axis.set_ylabel("bar", color=PRESSURE)
    axis.set_ylim(0, max(10.0, _top(c, "t_pressure_group_mbar", "live_pressure_mbar") * 1.15) + 2)
    right = axis.twinx()
    right.plot(c["t"], c["live_flow_ul_s"], color=WATER, linewidth=1.6)
    right.plot(c["t"], c["t_flow_cup_ul_s"], color=WATER, linewidth=1.2, linestyle=":")
    axis.plot([], [], color=WATER, linewidth=1.6, label="flow from the tank, measured")
    axis.plot([], [], color=WATER, linewidth=1.2, linestyle=":", label="flow into the cup, true")
    right.set_ylabel("ml/s", color=WATER)
    right.set_ylim(0, max(4.0, _top(c, "live_flow_ul_s", "t_flow_cup_ul_s") * 1.25))
    right.spines["top"].set_visible(False)
    right.tick_params(colors=INK, labelsize=9)


def _yield(axis: Axes, shot: Recorded) -> None:
    c = shot.columns
    axis.plot(c["t"], c["live_volume_ul"], color=WATER, linewidth=1.6,
              label="water, measured (ml)")
    if shot.has("live_weight_mg"):
        axis.plot(c["t"], c["live_weight_mg"], color=INK, linewidth=1.6,
                  label="weight, measured (g)")
    axis.plot(c["t"], c["t_cup_mg"], color=INK, linewidth=1.2, linestyle=":",
              label="in the cup, true (g)")
    top = _top(c, "live_volume_ul", "live_weight_mg", "t_cup_mg")
    axis.set_ylim(0, max(top, 10) * 1.3)
    axis.set_ylabel("ml, g", color=INK)


def _duty(axis: Axes, c: Columns) -> None:
    duty = [v * 100 for v in c["live_duty_permille"]]
    pump = [v * 100 for v in c["live_pump_permille"]]
    axis.fill_between(c["t"], duty, color=POWER, alpha=0.35, linewidth=0, label="heater")
    if any(c["live_steam_duty_permille"]):
        steam = [v * 100 for v in c["live_steam_duty_permille"]]
        axis.plot(c["t"], steam, color=TEMP, linewidth=1, label="steam heater")
    axis.plot(c["t"], pump, color=WATER, linewidth=1.2, label="pump")
    axis.set_ylim(0, 135)
    axis.set_yticks([0, 50, 100])
    axis.set_ylabel("duty, %", color=INK)


def _phases(axes: list[Axes], c: Columns) -> None:
    # where the state changes: a thin line through all four, its name on top
    last = c["state"][0]
    for t, state in zip(c["t"], c["state"], strict=True):
        if state != last:
            for axis in axes:
                axis.axvline(t, color=INK, alpha=0.25, linewidth=0.8)
            name = STATES.get(int(state))
            if name:
                axes[0].annotate(
                    name, (t, 1.02), xycoords=("data", "axes fraction"), fontsize=8, color=INK,
                    rotation=60, ha="left",  # steep: two phases may begin a second apart
                )
        last = state
