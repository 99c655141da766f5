"""python -m simulator.emulated: an emulated controller with its machine, for people and tools."""

from __future__ import annotations

import argparse
import fcntl
import shlex
import signal
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from host_bridge.board.build import short_name
from host_bridge.board.errors import BoardError
from simulator.emulated.board import ROOT, EmulatedBoard, image_of
from simulator.emulated.chip import FLASH_BYTES
from simulator.emulated.console import Console
from simulator.emulated.image import flaw
from simulator.emulated.lan import ROUTER
from simulator.emulated.stand_in import load_plant
from simulator.fleet import named_fault
from simulator.scenario import A_SPEED, is_speed


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m simulator.emulated",
        description="Runs a machine's firmware image on an emulated RP2040, wired to a simulated "
        "machine, and offers its USB console as a tty: to mpremote and the make targets it is a "
        "board. Ctrl-C stops it; the flash is kept.")
    parser.add_argument("model", help="1900 or 2900")
    parser.add_argument("--pty", type=Path, metavar="LINK", default=ROOT / "build" / "board",
                        help="symlink to the tty (default: %(default)s)")
    parser.add_argument("--flash", type=Path, metavar="FILE", help="file for the flash chip "
                        "(default: build/emulated/<model>.flash, one per --image)")
    parser.add_argument("--fresh", action="store_true", help="start with an erased flash, "
                        "like a new board")
    parser.add_argument("--image", metavar="UF2", help="another image; `bare`: MicroPython "
                        "without our firmware, like a new Pico; `wifi`: the image with the Wi-Fi "
                        "driver, built by `make image … --micropython`")
    parser.add_argument("--seed", type=int, default=1, help="seed of its noise (default: 1)")
    parser.add_argument("--speed", type=pace, default=1.0, help="simulated seconds per second "
                        "at most; 0: as fast as possible (default: 1)")
    parser.add_argument("--fault", action="append", default=[], metavar="NAME=VALUE",
                        help="a fault from the start, as in python -m simulator")
    return parser.parse_args()


def pace(text: str) -> float:
    """Raises argparse.ArgumentTypeError: it is no speed."""
    with suppress(ValueError):
        if (figure := float(text)) == 0 or is_speed(figure):
            return figure
    raise argparse.ArgumentTypeError(f"{text!r}: {A_SPEED}, or 0: as fast as possible")


def main() -> int:
    given = arguments()
    try:
        model = short_name(given.model)
        image = chosen(given.image, model)
        faults = possible(given.fault, model)
        flash = given.flash or kept_at(model, given.image)
        free_for_a_link(given.pty)
        with alone(given.pty, "--pty"), alone(flash, "--flash"):
            print(f"flash: {flash}, {found(flash, given.fresh)}", flush=True)
            with EmulatedBoard(model, flash, given.seed, image) as board:
                for fault in faults:
                    board.plant.fault(*fault)
                return serve(board, given.pty, given.speed)
    except (BoardError, OSError, ValueError) as error:
        print(error, file=sys.stderr)
        return 2


def kept_at(model: str, image: str | None) -> Path:
    """Where the flash of this model and image stays between two runs."""
    name = model if image is None else f"{model}-{Path(image).stem}"
    return ROOT / "build" / "emulated" / f"{name}.flash"


def found(flash: Path, fresh: bool) -> str:
    """What the board will find in its flash; `fresh` erases it. Raises ValueError: the file is no
    flash, and must not be lost for one."""
    if flash.exists() and flash.stat().st_size != FLASH_BYTES:
        raise ValueError(f"--flash {flash}: no flash, which has {FLASH_BYTES} bytes; give another "
                         "name, or delete the file first")
    if fresh:
        flash.unlink(missing_ok=True)
    return "as last left" if flash.exists() else "erased"


def possible(texts: list[str], model: str) -> list[tuple[str, int]]:
    """The faults that --fault names. Raises ValueError: this machine cannot have one of them."""
    faults = [named_fault(text) for text in texts]
    plant = load_plant(model, 0)
    for fault in faults:
        plant.fault(*fault)
    return faults


def free_for_a_link(link: Path) -> None:
    """Raises ValueError where a file would give way to it."""
    if link.exists() and not link.is_symlink():
        raise ValueError(f"--pty {link}: there is a file of that name; give one that is free")


@contextmanager
def alone(path: Path, option: str) -> Iterator[None]:
    """Raises ValueError while another board has this link or this flash: two that write to one
    flash spoil it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.with_name(path.name + ".lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            raise ValueError(
                f"{option} {path}: another emulated board has it; stop that one with Ctrl-C, or "
                "give this one its own: --pty build/board2 --flash build/board2.flash") from None
        yield


def chosen(image: str | None, model: str) -> Path:
    """The UF2 that --image names. Raises ValueError: it is none that runs here."""
    known = {None: model, "bare": "bare", "wifi": f"{model}-wifi"}
    file = image_of(known[image]) if image in known else Path(str(image))
    if wrong := flaw(file):  # it would be silent for ever
        raise ValueError(f"--image {file}: {wrong}; give one, or bare or wifi")
    return file


def serve(board: EmulatedBoard, link: Path, speed: float) -> int:
    """Until Ctrl-C or SIGTERM."""
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    console = Console(board, link, speed)
    console.open()
    print(f"console: {console.path}  ({link}); starting, which takes a few seconds", flush=True)
    if board.radio:
        print(f"Wi-Fi: hears the network {board.radio.ssid}, which accepts any key; "
              f"this computer is {ROUTER} there", flush=True)
    try:
        if answers(board, console):
            print(f"ready; try: {first_command(link)}", flush=True)
        console.wait()
    except KeyboardInterrupt:
        print()
    finally:
        console.close()
    return 1 if console.error else 0


def first_command(link: Path) -> str:
    """For whoever wants to see that it answers; a shell takes it as it is."""
    return (f".venv/bin/mpremote connect {shlex.quote(str(link))} resume exec "
            "'import sys; print(sys.implementation)'")


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
