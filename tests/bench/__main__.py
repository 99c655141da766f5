"""`make bench`: runs every piece of this folder, prints a table, writes build/bench.json.

A piece is a module with `run(quick: bool) -> dict[name, {value, unit, vs?, ratio?}]`. Figures that
a neighbour's work could change live here and never in a test's assertion. A piece that fails is
named and fails the whole run, after the others had their turn; its old figures are not carried
over.
"""

from __future__ import annotations

import argparse
import importlib
import json
import pkgutil
import sys
import time
import traceback
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

import tests.bench

ROOT = Path(__file__).resolve().parents[2]
OUT = ROOT / "build" / "bench.json"
KEYS = {"value", "unit", "vs", "ratio"}

Figure = dict[str, Any]


def pieces() -> list[str]:
    names = (module.name for module in pkgutil.iter_modules(tests.bench.__path__))
    return sorted(name for name in names if not name.startswith("_"))


def checked(piece: str, figures: dict[str, Figure]) -> dict[str, Figure]:
    for name, figure in figures.items():
        if not {"value", "unit"} <= set(figure) <= KEYS:
            raise ValueError(f"{piece}: {name} has {sorted(figure)}, may have {sorted(KEYS)}")
    return figures


def measure(names: list[str], quick: bool, say: Console) -> tuple[dict[str, Figure], list[str]]:
    found: dict[str, Figure] = {}
    failed = []
    for name in names:
        began = time.monotonic()
        say.print(f"{name} …", end=" ")
        try:
            piece = importlib.import_module(f"tests.bench.{name}")
            found |= checked(name, piece.run(quick))
            say.print(f"{time.monotonic() - began:.1f} s")
        except Exception:
            failed.append(name)
            say.print("[red]failed[/red]")
            traceback.print_exc()
    return found, failed


def table(figures: dict[str, Figure]) -> Table:
    made = Table("figure", "value", "unit", "vs", "ratio")
    for column in made.columns[1:]:
        column.justify = "right"
    for name, figure in sorted(figures.items()):
        cells = (figure.get(key, "") for key in ("value", "unit", "vs", "ratio"))
        made.add_row(name, *(f"{c:,.4g}" if isinstance(c, float) else str(c) for c in cells))
    return made


def main() -> int:
    parser = argparse.ArgumentParser(prog="make bench", description=__doc__.splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="short runs with rough figures")
    parser.add_argument("--only", action="append", choices=pieces(),
                        help="run only this piece; repeatable")
    chosen = parser.parse_args()
    console = Console()
    figures, failed = measure(chosen.only or pieces(), chosen.quick, console)
    if chosen.only and OUT.exists():
        figures = json.loads(OUT.read_text()) | figures
    OUT.parent.mkdir(exist_ok=True)
    OUT.write_text(json.dumps(figures, indent=2, sort_keys=True) + "\n")
    console.print(table(figures))
    console.print(f"written: {OUT.relative_to(ROOT)}")
    if failed:
        console.print(f"failed: {', '.join(failed)}")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
