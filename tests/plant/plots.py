"""`make plots`: how well both machines hold what they promise, as pictures in build/plots.

The firmware's tick on the simulated board and plant (tests/plant/rig), nothing in between. The
figures in each corner are computed from the very curve drawn; `make bench` has them over many
seeds.
"""

from __future__ import annotations

import argparse
import math
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import matplotlib
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from rich.console import Console
from rich.progress import Progress

from tests.plant.rig import figures

matplotlib.use("Agg")
ROOT = Path(__file__).resolve().parents[2]
INK, TEMP, WATER, PRESSURE, POWER = "#3b2a20", "#c0392b", "#2471a3", "#7d3c98", "#d68910"
POURING = (4, 5)  # live.PREINFUSION, live.BREWING
Columns = dict[str, Any]


def seconds(c: Columns) -> list[float]:
    return [ms / 1000 for ms in c["ms"]]


def thousandth(values: list[int]) -> list[float]:
    return [v / 1000 for v in values]


def smooth(values: list[int], width: int) -> list[float]:
    """Moving average a tenth as large: half-cycles and strokes come and go, the eye wants the
    mean; permille become percent."""
    sums = [0]
    for v in values:
        sums.append(sums[-1] + v)
    half = width // 2
    spans = ((max(i - half, 0), min(i + half + 1, len(values))) for i in range(len(values)))
    return [(sums[high] - sums[low]) / (high - low) / 10 for low, high in spans]


def percentile(values: list[int], share: float) -> int:
    return sorted(values)[min(math.ceil(len(values) * share), len(values)) - 1]


def rms(values: list[int]) -> float:
    return math.sqrt(sum(v * v for v in values) / max(len(values), 1))


def canvas(title: str, rows: int, heights: list[int]) -> tuple[Figure, list[Axes]]:
    figure = Figure(figsize=(9.5, 2 + 2.1 * rows), layout="constrained", facecolor="white")
    made = figure.subplots(rows, 1, sharex=True, height_ratios=heights, squeeze=False)
    axes: list[Axes] = list(made[:, 0])
    figure.suptitle(title, fontsize=14, fontweight="bold", color=INK, x=0.02, ha="left")
    for axis in axes:
        axis.grid(True, alpha=0.25, linewidth=0.6)
        axis.spines[["top", "right"]].set_visible(False)
        axis.tick_params(colors=INK, labelsize=9)
    return figure, axes


def corner(axis: Axes, lines: list[str], where: str = "lower right") -> None:
    x, ha = (0.99, "right") if "right" in where else (0.01, "left")
    y, va = (0.03, "bottom") if "lower" in where else (0.97, "top")
    axis.text(
        x, y, "\n".join(lines), transform=axis.transAxes, ha=ha, va=va, fontsize=9, color=INK,
        bbox={"facecolor": "white", "edgecolor": INK, "alpha": 0.85, "boxstyle": "round,pad=0.4"},
    )


def temperature(axis: Axes, t: list[float], c: Columns, inlet: bool = False) -> None:
    axis.plot(t, thousandth(c["setpoint_mc"]), color=INK, lw=1, ls="--", label="set-point")
    axis.plot(t, thousandth(c["temp_brew_mc"]), color=TEMP, lw=1.5, label="boiler, true")
    if inlet:
        axis.plot(t, thousandth(c["temp_group_inlet_mc"]), color=POWER, lw=1.5,
                  label="group inlet, true")
    shown = c["temp_brew_mc"] + (c["temp_group_inlet_mc"] if inlet else []) + c["setpoint_mc"]
    low, high = min(shown) / 1000, max(shown) / 1000
    axis.set_ylim(low - 0.25 * (high - low), high + 0.2 * (high - low))
    axis.set_ylabel("°C", color=INK)
    axis.legend(loc="upper left", fontsize=8, frameon=False, ncols=3)


def duty(axis: Axes, t: list[float], c: Columns, width: int) -> None:
    axis.fill_between(t, smooth(c["duty_permille"], width), color=POWER, alpha=0.4, lw=0,
                      label="heater")
    axis.plot(t, smooth(c["pump_permille"], width), color=WATER, lw=1, label="pump")
    axis.set_ylim(0, 130)
    axis.set_yticks([0, 50, 100])
    axis.set_ylabel("duty, %", color=INK)
    axis.legend(loc="upper left", fontsize=8, frameon=False, ncols=2)


def heat_up(model: str, c: Columns) -> Figure:
    figure, axes = canvas(f"Coffee {model}: cold to ready", 2, [3, 1])
    t = seconds(c)
    temperature(axes[0], t, c)
    duty(axes[1], t, c, 5)
    over = max(v - s for v, s in zip(c["temp_brew_mc"], c["setpoint_mc"], strict=True))
    corner(axes[0], [f"ready after {c['ready_ms'] / 1000:.0f} s", f"overshoot {over} m°C"])
    axes[-1].set_xlabel("seconds since power on", color=INK)
    return figure


def idle_hour(model: str, c: Columns) -> Figure:
    figure, axes = canvas(f"Coffee {model}: one idle hour", 2, [3, 1])
    t = [s / 60 for s in seconds(c)]
    error = [v - s for v, s in zip(c["temp_brew_mc"], c["setpoint_mc"], strict=True)]
    axes[0].axhspan(-100, 100, color=WATER, alpha=0.1, lw=0, label="promise")
    axes[0].plot(t, error, color=TEMP, lw=0.8, label="boiler less set-point, true")
    axes[0].set_ylim(min(-150, *error), max(200, *error))
    axes[0].set_ylabel("m°C", color=INK)
    axes[0].legend(loc="upper left", fontsize=8, frameon=False, ncols=2)
    corner(axes[0], [f"99 % within ±{percentile([abs(e) for e in error], 0.99)} m°C",
                     f"rms {rms(error):.0f} m°C"])
    duty(axes[1], t, c, 41)
    axes[-1].set_xlabel("minutes", color=INK)
    return figure


def inlet_errors(c: Columns) -> list[int]:
    return [v - s for v, s, state in zip(c["temp_group_inlet_mc"], c["setpoint_mc"], c["state"],
                                         strict=True) if state in POURING]


def hydraulics(axis: Axes, t: list[float], c: Columns, reference: bool) -> None:
    if reference:
        wanted = [v / 1000 if v else math.nan for v in c["ref_mbar"]]
        axis.plot(t, wanted, color=INK, lw=1, ls="--", label="pressure asked for")
    axis.plot(t, thousandth(c["pressure_mbar"]), color=PRESSURE, lw=1.5, label="pressure, true")
    flow = [v / 100 for v in smooth(c["flow_pump_ul_s"], 25)]
    axis.plot(t, flow, color=WATER, lw=1.2, label="flow, true")
    axis.set_ylabel("bar, ml/s", color=INK)
    axis.set_ylim(0, max(14.0, max(c["pressure_mbar"]) / 1000 + 2))
    axis.legend(loc="upper left", fontsize=8, frameon=False, ncols=3)


def shot(model: str, c: Columns, what: str = "one shot") -> Figure:
    figure, axes = canvas(f"Coffee {model}: {what}", 4, [3, 3, 2, 1])
    t = seconds(c)
    temperature(axes[0], t, c, inlet=True)
    error = inlet_errors(c)
    corner(axes[0], [f"group inlet {min(error):+d}…{max(error):+d} m°C while it pours"])
    hydraulics(axes[1], t, c, reference=any(c["ref_mbar"]))
    axes[2].plot(t, thousandth(c["cup_mg"]), color=INK, lw=1.5, label="in the cup, true (g)")
    axes[2].plot(t, thousandth(c["cup_ul"]), color=WATER, lw=1.2, label="water in it (ml)")
    axes[2].set_ylim(0, max(c["cup_mg"]) / 1000 * 1.3 + 1)
    axes[2].legend(loc="upper left", fontsize=8, frameon=False, ncols=2)
    corner(axes[2], [f"{max(c['cup_mg']) / 1000:.1f} g, {max(c['cup_ul']) / 1000:.1f} ml"])
    duty(axes[3], t, c, 25)
    axes[-1].set_xlabel("seconds", color=INK)
    return figure


def back_to_back(model: str, c: Columns) -> Figure:
    return shot(model, c, "five shots, each as soon as the machine is ready")


def ramps(model: str, c: Columns) -> Figure:
    figure = shot(model, c, "a profile: 3 bar, up to 9, down to 6, then 2 ml/s")
    hold, ramp = tracking(c)
    corner(figure.axes[1], [f"on holds {rms(hold):.0f} mbar rms",
                            f"on ramps {rms(ramp):.0f} mbar rms"], "upper right")
    return figure


def tracking(c: Columns) -> tuple[list[int], list[int]]:
    """Pressure errors on holds (a second after they began) and on ramps."""
    hold: list[int] = []
    ramp: list[int] = []
    still_ms = 0
    refs = c["ref_mbar"]
    for i in range(1, len(refs)):
        moved = refs[i] != refs[i - 1]
        still_ms = 0 if moved else still_ms + c["ms"][i] - c["ms"][i - 1]
        # the filling of the headspace is no ramp: nothing resists yet
        if not refs[i] or c["state"][i] != POURING[1]:
            continue
        error = c["pressure_mbar"][i] - refs[i]
        if moved and refs[i - 1]:
            ramp.append(error)
        elif still_ms > 1000:
            hold.append(error)
    return hold, ramp


def disturbances(model: str, c: Columns) -> Figure:
    figure = shot(model, c, "disturbances, with a shot in each")
    for ms, label in c["marks"]:
        for axis in figure.axes:
            axis.axvline(ms / 1000, color=INK, alpha=0.4, lw=0.8)
        figure.axes[1].annotate(label, (ms / 1000, 0.86), xycoords=("data", "axes fraction"),
                                fontsize=8, color=INK, xytext=(3, 3), textcoords="offset points")
    return figure


DRAWN = {
    "heat_up": heat_up, "idle_hour": idle_hour, "shot": shot, "back_to_back": back_to_back,
    "ramps": ramps, "disturbances": disturbances,
}
MACHINES = {"1900": [k for k in DRAWN if k != "ramps"], "2900": list(DRAWN)}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--out", type=Path, default=ROOT / "build" / "plots")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--only", choices=list(DRAWN), help="draw only this situation")
    args = parser.parse_args()
    args.out.mkdir(parents=True, exist_ok=True)
    jobs = [(m, k) for m, kinds in MACHINES.items() for k in kinds if args.only in (None, k)]
    with Progress() as progress, ThreadPoolExecutor(2) as pool:
        bar = progress.add_task("simulating", total=len(jobs))

        def record(job: tuple[str, str]) -> Columns:
            model, kind = job
            found = figures(f"coffee_{model}", f"recordings.{kind}", seed=args.seed)
            progress.advance(bar)
            return found

        recorded = list(pool.map(record, jobs))
    for (model, kind), columns in zip(jobs, recorded, strict=True):
        DRAWN[kind](model, columns).savefig(args.out / f"{kind}_{model}.png", dpi=110)
    Console().print(f"{len(jobs)} plots in {args.out}")


if __name__ == "__main__":
    main()
