"""python -m simulator.emulated: an emulated controller with its machine, for people and tools."""

from __future__ import annotations

import argparse
import fcntl
import signal
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from host_bridge.board.build import model_of
from host_bridge.board.errors import BoardError
from simulator.emulated.board import ROOT, EmulatedBoard, image_of
from simulator.emulated.console import Console
from simulator.emulated.lan import ROUTER


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m simulator.emulated",
        description="Runs the firmware image of a machine on an emulated RP2040, wired to the "
        "machine's plant, and offers its USB console as a tty: mpremote and the make targets take "
        "it for a board. Ctrl-C ends it; the flash is kept.")
    parser.add_argument("model", help="1900 or 2900")
    parser.add_argument("--pty", type=Path, metavar="LINK", default=ROOT / "build" / "board",
                        help="symlink to the tty (default: %(default)s)")
    parser.add_argument("--flash", type=Path, metavar="FILE", help="keeps the flash chip "
                        "(default: build/emulated/<model>.flash, one for each --image)")
    parser.add_argument("--fresh", action="store_true", help="begin with an erased flash, as a "
                        "new board has it")
    parser.add_argument("--image", metavar="UF2", help="another image; `bare` for MicroPython "
                        "with nothing of ours, as a new Pico has it, `wifi` for the one with the "
                        "radio's driver that `make image … --micropython` built")
    parser.add_argument("--seed", type=int, default=1, help="of the machine (default: 1)")
    parser.add_argument("--speed", type=float, default=1.0, help="simulated seconds a second at "
                        "most, 0: as fast as it goes (default: 1)")
    parser.add_argument("--fault", action="append", default=[], metavar="NAME=VALUE",
                        help="something broken from the start, as in python -m simulator")
    return parser.parse_args()


def main() -> int:
    given = arguments()
    try:
        model = model_of(given.model)
        flash = given.flash or kept_at(model, given.image)
        flash.parent.mkdir(parents=True, exist_ok=True)
        with alone(given.pty):
            if given.fresh:
                flash.unlink(missing_ok=True)
            began = "as it was left" if flash.exists() else "erased"
            print(f"flash: {flash}, {began}", flush=True)
            with EmulatedBoard(model, flash, given.seed, chosen(given.image, model)) as board:
                for fault in given.fault:
                    name, _, value = fault.partition("=")
                    board.plant.fault(name, int(value or 1))
                return serve(board, given.pty, given.speed)
    except (BoardError, FileNotFoundError, ValueError) as error:
        print(error, file=sys.stderr)
        return 2


def kept_at(model: str, image: str | None) -> Path:
    """Where the flash of this model and image stays between two runs."""
    name = model if image is None else f"{model}-{Path(image).stem}"
    return ROOT / "build" / "emulated" / f"{name}.flash"


@contextmanager
def alone(link: Path) -> Iterator[None]:
    """Raises ValueError while another board is at this link."""
    link.parent.mkdir(parents=True, exist_ok=True)
    with link.with_name(link.name + ".lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            raise ValueError(f"another emulated board is at {link}; end it with Ctrl-C, or give "
                             "this one its own: --pty build/board2") from None
        yield


def chosen(image: str | None, model: str) -> Path:
    """The UF2 that --image names."""
    known = {None: model, "bare": "bare", "wifi": f"{model}-wifi"}
    return image_of(known[image]) if image in known else Path(str(image))


def serve(board: EmulatedBoard, link: Path, speed: float) -> int:
    """Until Ctrl-C or SIGTERM."""
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    console = Console(board, link, speed)
    console.open()
    print(f"console: {console.path}  ({link}); starting, which takes some seconds", flush=True)
    if board.radio:
        print(f"radio: hears the network {board.radio.ssid}, which takes any key; "
              f"this computer is {ROUTER} there", flush=True)
    try:
        if answers(board, console):
            print(f"ready; try: .venv/bin/mpremote connect {link} resume exec "
                  "'import sys; print(sys.implementation)'", flush=True)
        console.wait()
    except KeyboardInterrupt:
        print()
    finally:
        console.close()
    return 1 if console.error else 0


def answers(board: EmulatedBoard, console: Console) -> bool:
    """Waits until somebody is at the other end: MicroPython's prompt or our machine."""
    while not console.error:
        with console.held:
            said = board.console()
        if b">>> " in said or b"coffee: up" in said:
            return True
        time.sleep(0.2)
    return False


if __name__ == "__main__":
    sys.exit(main())
