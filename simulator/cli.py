"""The simulator's command line: which machines, how fast, what breaks, what to show.

Options become jobs for the supervisor; nothing is simulated here.
"""

from __future__ import annotations

import contextlib
import errno
import signal
import sys
import time
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from types import FrameType
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.markup import escape

from simulator.fleet import Fleet, FleetRefused, Wish, make_jobs, never_reached
from simulator.interpreter import InterpreterMissing
from simulator.parts import listening_error
from simulator.scenario import A_SPEED, ScenarioRefused, is_speed
from simulator.supervisor import BoardBroken, BoardDied

EPILOGUE = """
**Examples**

One of each in real time, with a broker on this computer and front panels in a browser:

    python -m simulator --broker 127.0.0.1:1883 --panel-port 8081

Plot a shot, in a few seconds and without a broker:

    python -m simulator --model 2900 --plot shot.png

Ten of each model, at 50 times real time, for one simulated hour:

    python -m simulator --count 10 --speed 50 --duration 3600 \\
                        --broker 127.0.0.1:1883

Brew heaters at half power and, on one machine only, an empty tank:

    python -m simulator --fault scaled_heater_brew=500 \\
                        --fault sim-1900:empty_tank

A scenario from a file, as fast as this computer can:

    python -m simulator --scenario story.toml --speed max --duration 600

**Scenario file** (TOML): times count from the start of the run

    [[step]]
    at_s = 240
    press = "brew"

    [[step]]
    at_s = 250
    machine = "sim-1900"        # omit for every machine
    set = { cup = 0 }
    fault = { stuck_flowmeter = 1 }

Fields of a step: at_s, machine, set, press, hold_ms, fault, clear, speed,
power_cut, power_cut_after_flash_ops. `--list` shows all faults, settings and buttons.
If a machine refuses a step, the run reports it and exits with status 1.
"""

app = typer.Typer(add_completion=False, rich_markup_mode="markdown")
# One line a message, however narrow: logs are searched by line.
out = Console(highlight=False, emoji=False, soft_wrap=True)
err = Console(stderr=True, highlight=False, emoji=False, soft_wrap=True)
REFUSED = 1


def parse_speed(text: str) -> float:
    """ "max" is 0: as fast as possible."""
    if text == "max":
        return 0.0
    with contextlib.suppress(ValueError):
        if is_speed(float(text)):
            return float(text)
    raise typer.BadParameter(f"{text!r}: {A_SPEED}, or max", param_hint="--speed")


@app.command(epilog=EPILOGUE)
def main(
    model: Annotated[
        list[str] | None,
        typer.Option(help="1900 or 2900; repeat for more machines. Default: one of each."),
    ] = None,
    name: Annotated[
        list[str] | None,
        typer.Option(help="Name in MQTT topics; one for each --model. Default: sim-MODEL."),
    ] = None,
    count: Annotated[int, typer.Option(min=1, help="Number of machines for each --model.")] = 1,
    broker: Annotated[
        str | None, typer.Option(help="MQTT broker, host:port. Default: no network.")
    ] = None,
    speed: Annotated[
        str, typer.Option(help="Simulated seconds per second, or max: as fast as possible.")
    ] = "1",
    seed: Annotated[
        int,
        typer.Option(help="Seed of noise, pucks and grind; repeats a run but for journal IDs."),
    ] = 1,
    fault: Annotated[
        list[str] | None,
        typer.Option(
            help="[MACHINE:]NAME[=VALUE]: fault from the start, until NAME=0 ends it. See --list."
        ),
    ] = None,
    scenario: Annotated[
        Path | None, typer.Option(help="TOML file of timed steps (see below).")
    ] = None,
    duration: Annotated[
        float | None,
        typer.Option(min=0, help="Stop after this many simulated seconds. Default: never."),
    ] = None,
    data: Annotated[
        Path, typer.Option(help="Folder for the machines' flash, plant state and console logs.")
    ] = Path("data/machines"),
    panel_port: Annotated[
        int | None,
        typer.Option(
            "--panel-port", "--panel", min=1, max=65535, help="Serve front panels on this port."
        ),
    ] = None,
    panel_host: Annotated[
        str, typer.Option(help="Address of the front panels; 0.0.0.0 lets a phone in.")
    ] = "127.0.0.1",
    plot: Annotated[
        Path | None,
        typer.Option(help="Heat up, pull one shot as fast as possible and plot it to this PNG."),
    ] = None,
    list_names: Annotated[
        bool,
        typer.Option("--list", help="List each model's faults, settings and buttons, then exit."),
    ] = False,
) -> None:
    """Simulated coffee machines: the real firmware on real MicroPython, boilers and all.

    Each machine is one process with the board's peripherals (pins, timers, watchdog, flash,
    Wi-Fi) and a physical model behind them. Its clock is virtual: real time, faster, or as fast
    as this computer can. Ctrl-C stops it; flash and plant state are kept in --data for next time.
    """
    try:
        wish = Wish(
            models=model or ["1900", "2900"], names=name or [], count=count, broker=broker,
            speed=parse_speed(speed), seed=seed, faults=fault or [], scenario=scenario,
            duration_s=duration, data=data,
        )
        if list_names:
            _list(wish)
        elif plot:
            from simulator.plot import plot_shot

            _alone(scenario, duration, broker, panel_port)
            for path in plot_shot(wish, plot):
                out.print(f"wrote {path}")
        else:
            _run(wish, panel_port, panel_host)
    except BrokenPipeError:
        raise  # who read us has seen enough (`| head`): no error, and typer ends without a word
    except (FleetRefused, ScenarioRefused, InterpreterMissing, BoardBroken, OSError) as e:
        err.print(str(e), style="red", markup=False)
        raise typer.Exit(2) from e


def _alone(*beside: object) -> None:
    """Raises: FleetRefused: an option that a plot would ignore."""
    named = zip(("--scenario", "--duration", "--broker", "--panel-port"), beside, strict=True)
    for option, value in named:
        if value is not None:
            raise FleetRefused(f"{option} has no use beside --plot (one shot alone); leave it out")


def _list(wish: Wish) -> None:
    from simulator.machine import Machine

    for model in dict.fromkeys(wish.models):
        with Machine(model) as machine:
            known = machine.names()
        out.print(f"[bold]faults of a {model}[/bold] (--fault NAME=VALUE)")
        for fault, meaning in sorted(known["faults"].items()):
            out.print(f"  {fault:24} {meaning}", markup=False)
        out.print("[bold]settings[/bold] (set = { NAME = VALUE } in a scenario)")
        out.print("  " + ", ".join(known["settings"]))
        out.print("[bold]buttons[/bold] (press = \"NAME\" in a scenario)")
        out.print("  " + ", ".join(known["buttons"]))


def _run(wish: Wish, panel_port: int | None, panel_host: str) -> None:
    jobs = make_jobs(wish)
    if panel_port is not None and (refused := _panel_refused(panel_port, panel_host)):
        raise FleetRefused(refused)
    if late := never_reached(wish, jobs):
        come = "steps come" if late > 1 else "steps comes"
        err.print(
            f"{wish.scenario}: {late} of its {come} after --duration {wish.duration_s:g} and "
            "will not happen", soft_wrap=True, markup=False,
        )
    stopping: list[int] = []  # no Event: one that is set by a signal's handler may hang
    wrong: list[str] = []
    with _signals(stopping), Fleet(jobs, partial(_tell, wrong)) as fleet:
        out.print("running: " + ", ".join(job.name for job in jobs))
        panel = None
        if panel_port is not None:
            from simulator.panel import Panel

            with contextlib.suppress(BoardDied):  # a run that is over before its panel is there
                panel = Panel(fleet, panel_port, panel_host)
        if panel is not None and panel_port is not None:
            panel.start()
            out.print(f"front panels: {_panel_address(panel_port, panel_host)}")
        while not stopping and fleet.running():
            time.sleep(0.2)
        if panel is not None:
            panel.stop()
    if wrong:
        steps = f"{len(wrong)} scenario steps were" if wrong[1:] else "a scenario step was"
        err.print(f"{steps} refused; correct {wish.scenario}", style="red", markup=False)
        raise typer.Exit(REFUSED)


def _panel_refused(port: int, host: str) -> str:
    if not host:  # it would mean all interfaces
        return "--panel-host is empty; give an address, or 0.0.0.0 for all interfaces"
    error = listening_error(port, host)
    if error is None:
        return ""
    if error.errno == errno.EADDRINUSE:
        return f"--panel-port {port} is already in use; choose another"
    if error.errno == errno.EACCES:
        return f"--panel-port {port}: {error.strerror}; choose 1024 or above"
    why = error.strerror or error
    return f"--panel-host {host}: cannot listen there ({why}); give an address of this computer"


def _panel_address(port: int, host: str) -> str:
    if host in ("0.0.0.0", "::", "127.0.0.1", "::1"):
        host = "localhost"
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


def _tell(wrong: list[str], name: str, event: dict[str, Any]) -> None:
    """Says what happened to a machine; steps that it refused are noted in `wrong`."""
    at = f"{event['world_ms'] / 1000:10.1f} s  {name}"
    kind = event["event"]
    if kind == "started" and event["faults"]:
        faults = escape(", ".join(f"{n}={v}" for n, v in event["faults"].items()))
        out.print(f"{at}  active faults: {faults} (clear with --fault NAME=0)")
    elif kind == "reset":
        cause = escape(event["cause"])
        out.print(f"{at}  reset: {cause} after {event['uptime_ms'] / 1000:.1f} s")
    elif kind == "main_ended":
        out.print(f"{at}  [red]main ended:[/red] {escape(event['error'])} (see its console.log)")
    elif kind == "step_failed":
        step = event["step"]
        where = step.get("where", step["do"])
        wrong.append(where)
        what = f"{where}: {event['error'].removeprefix(step['do'] + ': ')}"
        out.print(f"{at}  [red]scenario step refused:[/red] {escape(what)}")
    elif kind == "stopped":
        out.print(f"{at}  stopped")


@contextlib.contextmanager
def _signals(stopping: list[int]) -> Iterator[None]:
    def stop(number: int, _frame: FrameType | None) -> None:
        stopping.append(number)

    before = {s: signal.signal(s, stop) for s in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
        sys.stdout.flush()
