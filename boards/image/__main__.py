"""python -m boards.image: MicroPython with the firmware frozen in, as a UF2."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from boards.image.archive import ArchiveError
from boards.image.build import Builder, BuildError, Target
from host_bridge.board.build import short_name
from host_bridge.board.errors import BoardError


def main() -> int:
    parser = argparse.ArgumentParser(
        prog="python -m boards.image",
        description="Builds build/image/<target>.uf2: MicroPython with the firmware frozen in. "
        "Sources and compiler come from Debian's archive and are kept in build/image; the first "
        "build takes a few minutes, and nothing is rebuilt until something changes.")
    parser.add_argument("target", nargs="+", help="1900, 2900 (or coffee_1900 …), or bare: "
                        "MicroPython as on a new Pico, without our firmware")
    parser.add_argument("--micropython", type=Path, metavar="FOLDER",
                        help="build from this MicroPython checkout, with your own compiler: an "
                        "image with Wi-Fi for a Pico W (1900) or Pico 2 W (2900). Without it the "
                        "image has no Wi-Fi, because no registry has the driver")
    given = parser.parse_args()
    builder = Builder(lambda line: print(line, flush=True))
    try:
        for name in given.target:
            builder.build(Target(_known(name, parser), given.micropython))
    except (ArchiveError, BuildError) as error:
        print(error, file=sys.stderr)
        return 1
    return 0


def _known(name: str, parser: argparse.ArgumentParser) -> str:
    if name == "bare":
        return name
    try:
        return short_name(name)
    except BoardError as error:
        parser.exit(2, f"{error}\n")


if __name__ == "__main__":
    sys.exit(main())
