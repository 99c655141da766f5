"""python -m boards.image: MicroPython with the firmware frozen in, as a UF2."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from boards.image.archive import ArchiveError
from boards.image.build import Builder, BuildError, Target


def main() -> int:
    parser = argparse.ArgumentParser(
        prog="python -m boards.image",
        description="Builds an image with the firmware frozen in: build/image/<target>.uf2. "
        "Everything comes from Debian's archive and is kept in build/image; the first build takes "
        "some minutes, further ones nothing as long as nothing changed.")
    parser.add_argument("target", nargs="+", help="1900, 2900 (or coffee_1900 …), or bare: "
                        "MicroPython as it is on a new Pico, with nothing of ours")
    parser.add_argument("--micropython", type=Path, metavar="FOLDER",
                        help="build from this MicroPython checkout, submodules and compiler "
                        "included: with Wi-Fi, for a Pico W (1900) or Pico 2 W (2900). Without it "
                        "the image has no Wi-Fi, because its driver is in no registry")
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
    boards = {p.name.removeprefix("coffee_") for p in Path("boards").glob("coffee_*")}
    short = name.removeprefix("coffee_")
    if short not in boards | {"bare"}:
        parser.exit(2, f"{name}: no such board; there are {', '.join(sorted(boards))} and bare\n")
    return short


if __name__ == "__main__":
    sys.exit(main())
