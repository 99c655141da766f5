"""What all commands share: options, settings, tables, errors that end with the cure."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from host_bridge.cli.api import ApiError
from host_bridge.database import DatabaseError, is_disk_full
from host_bridge.errors import BridgeError, Invalid, NotFound
from host_bridge.reader import Folder
from host_bridge.registry import Known
from host_bridge.settings import Settings, SettingsError, load
from host_bridge.subjects import CheckpointKind
from host_bridge.web import units
from host_bridge.web.payload import printable, safe_text

USAGE_ERROR = 2
FAILED = 1

Config = Annotated[
    Path | None,
    typer.Option("--config", "-c", help="TOML settings file; default: coffee.toml, if present."),
]
Data = Annotated[
    Path | None, typer.Option("--data", help="Data folder; default: from the settings, else data.")
]
WebPort = Annotated[
    int | None,
    typer.Option(
        "--web-port", min=1, max=65535,
        help="Port of the console and API; default: the running bridge's.",
    ),
]  # fmt: skip
LAST_ID = 2**63 - 1
"""Ids are SQLite's: what is larger cannot even be looked for."""
Json = Annotated[bool, typer.Option("--json", help="Print JSON, for scripts.")]
Machine = Annotated[str, typer.Argument(help="Machine name; see `machines`.")]
OfMachine = Annotated[str | None, typer.Option("--machine", "-m", help="Only this machine.")]
Before = Annotated[
    int | None, typer.Option(min=1, max=LAST_ID, help="Only IDs below this one.")
]
Kind = Annotated[
    CheckpointKind | None, typer.Option("--kind", "-k", help="Only what is about this.")
]
Limit = Annotated[
    int, typer.Option("--limit", "-n", min=1, max=10_000, help="List at most this many.")
]

UNITS = {"duration_ms": "s", "volume_ul": "ml", "weight_mg": "g"}
FOLDED = ("summary", "reason", "note")
"""Columns of words; all others are kept in one piece."""
FOLDED_WIDTH = 24

out = Console(highlight=False, emoji=False)
# One line a message, however narrow: logs are searched by line.
err = Console(stderr=True, highlight=False, emoji=False, soft_wrap=True)


def settings(config: Path | None, data: Path | None, web_port: int | None = None) -> Settings:
    return load(config, data=data, web={"port": web_port})


class WrongUsage(Invalid):
    """The command line itself is at fault, not what it asks for."""


@contextmanager
def explained() -> Iterator[None]:
    """Errors a person can act on, as one line and an exit code; all others are ours and show."""
    try:
        yield
    except BrokenPipeError:
        raise  # who read us has seen enough (`| head`): no error, and typer ends without a word
    except (SettingsError, WrongUsage) as error:
        err.print(escape(str(error)), style="red")
        raise typer.Exit(USAGE_ERROR) from error
    except PermissionError as error:
        what = f"{error.filename}: {error.strerror}" if error.filename else str(error)
        err.print(escape(f"{what}; run this as the user the bridge runs as"), style="red")
        raise typer.Exit(FAILED) from error
    except OSError as error:
        cure = "; free disk space" if is_disk_full(error) else ""
        err.print(escape(f"{error}{cure}"), style="red")
        raise typer.Exit(FAILED) from error
    except (BridgeError, ApiError, DatabaseError) as error:
        err.print(escape(str(error)), style="red")
        raise typer.Exit(FAILED) from error


def content(file: Path) -> bytes:
    """What a file holds that the caller named, or stdin for "-".

    Raises: Invalid: it cannot be read.
    """
    try:
        return typer.get_binary_stream("stdin").read() if str(file) == "-" else file.read_bytes()
    except OSError as error:
        raise Invalid(
            "file", f"{file} cannot be read ({error.strerror}); give a readable file"
        ) from error


def must_have_run(chosen: Settings) -> None:
    """Raises: DatabaseError: the folder is no bridge's."""
    if not (chosen.data / "bridge.sqlite").is_file():
        raise DatabaseError(
            f"data: no bridge has run in {chosen.data}; start one with `run` or give --data"
        )


@contextmanager
def folder(config: Path | None, data: Path | None) -> Iterator[Folder]:
    """The data folder, opened for reading."""
    with explained():
        chosen = settings(config, data)
        must_have_run(chosen)
        opened = Folder(chosen)
        try:
            yield opened
        finally:
            opened.close()


def known(opened: Folder, machine: str) -> Known:
    """Asked also where nothing is to be shown of a machine: a misspelt name must not look like
    nothing to do.

    Raises: NotFound: it was never seen.
    """
    found = opened.registry.machine(machine)
    if found is None:
        raise NotFound("machine", f"{machine!r} has never been seen; see `machines`")
    return found


def show(
    views: Sequence[Any], columns: dict[str, str], as_json: bool, title: str, empty: str
) -> None:
    """Views as a table of `columns` (field → heading), or all of them as JSON."""
    if as_json:
        print_json([asdict(view) for view in views])
        return
    if not views:
        out.print(empty)
        return
    table = Table(title=title, title_justify="left", box=None, pad_edge=False)
    rows = [[cell(name, getattr(view, name)) for name in columns] for view in views]
    width_needed = 0
    for index, (name, heading) in enumerate(columns.items()):
        whole = name not in FOLDED
        longest = max(len(heading), *(len(row[index]) for row in rows))
        width_needed += 2 + (longest if whole else min(longest, FOLDED_WIDTH))
        table.add_column(heading, overflow="fold", no_wrap=whole)
    for row in rows:
        table.add_row(*row)
    # Wider than the terminal rather than an id in pieces: it is there to be copied.
    Console(highlight=False, emoji=False, width=max(out.width, width_needed)).print(table)


def sure(yes: bool, question: str) -> None:
    """Raises Abort unless they are."""
    if not (yes or typer.confirm(question)):
        raise typer.Abort


def older(count: int, last_id: int) -> None:
    """Says what a list left out, and how to see it."""
    if count > 0:
        err.print(f"{count} older: give --before {last_id}, or a higher --limit")


def cell(name: str, value: Any) -> str:
    """One field for people: instants as local time, units as they are drunk."""
    if value is None:
        return "–"
    if name.endswith(
        ("seen_ms", "start_ms", "created_ms", "utc_ms", "received_ms", "reviewed_ms")
    ):
        return short_time(value)
    if unit := UNITS.get(name):
        return f"{units.thousandths(value)} {unit}"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, bytes):
        return escape(safe_text(value)[:200])
    return said(value)


def said(value: object) -> str:
    """What a machine said, harmless to the terminal and to rich."""
    return escape(printable(str(value)))


def short_time(utc_ms: int, now: datetime | None = None) -> str:
    """Local time without what goes without saying: the seconds, this year, today."""
    now = now or datetime.now().astimezone()
    then = datetime.fromtimestamp(utc_ms / 1000, UTC).astimezone(now.tzinfo)
    if then.date() == now.date():
        return then.strftime("%H:%M")
    return then.strftime("%d %b %H:%M" if then.year == now.year else "%Y-%m-%d")


def print_json(value: Any) -> None:
    json.dump(value, sys.stdout, indent=2, default=_as_text)
    sys.stdout.write("\n")


def _as_text(value: Any) -> str:
    return value.decode("utf-8", "backslashreplace") if isinstance(value, bytes) else str(value)
