"""Unpacks what archive.py fetched and puts it together: a compiler that finds its own library, and
a MicroPython tree with its submodules in place.
"""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

from boards.image import pins
from boards.image.pins import Pin

# mpy-tool writes an int of a constant tuple that has more than 14 bits as a long integer, because
# some port has 16-bit words. Our chips have 31 bits; a long one allocates with every sum it is in,
# and in the tick that is the end.
SMALL_INT = ("return -0x2000 <= i <= 0x1FFF", "return -0x40000000 <= i <= 0x3FFFFFFF")

CORTEX_M0 = "lib/arm-none-eabi/newlib/thumb/v6-m/nofp"
SUBMODULES = {  # of MicroPython's lib/: which pin, and where in it
    "pico-sdk": (pins.PICO_SDK, "usr/src/pico-sdk"),
    "tinyusb": (pins.TINYUSB, "usr/src/tinyusb"),
    "mbedtls": (pins.MBEDTLS, ""),
}


def unpack(file: Path, into: Path) -> Path:
    """A .deb's files or a tarball's only folder; done once."""
    done = into / ".unpacked"
    if not done.exists():
        shutil.rmtree(into, ignore_errors=True)
        into.mkdir(parents=True)
        if file.suffix == ".deb":
            subprocess.run(["dpkg-deb", "--extract", file, into], check=True)
        else:
            subprocess.run(["tar", "-xf", file, "-C", into, "--strip-components=1"], check=True)
        done.touch()
    return into


def compiler(files: dict[Pin, Path], root: Path) -> Path:
    """Folder with arm-none-eabi-*, to stand first on PATH.

    Debian's compiler looks for its library below /usr; unpacked elsewhere it must be told.
    """
    system, programs = root / "tools", root / "bin"
    done = programs / ".made"
    if done.exists():
        return programs
    for pin in pins.TOOLS:
        part = unpack(files[pin], root / "debs" / pin.name)
        shutil.copytree(part, system, symlinks=True, dirs_exist_ok=True,
                        ignore=_other_processors)
    programs.mkdir(exist_ok=True)
    for program in (system / "usr/bin").iterdir():
        link = programs / program.name
        if not link.exists() and not link.is_symlink():
            link.symlink_to(program)
    _wrap(system, programs)
    shutil.rmtree(root / "debs")
    done.touch()
    return programs


def _other_processors(folder: str, names: list[str]) -> set[str]:
    # 400 MB of libraries for processors we have not
    if folder.endswith(("/newlib/thumb", "/12.2.1/thumb")):
        return {n for n in names if n != "v6-m"}
    return {n for n in names if n == "arm" and folder.endswith(("/newlib", "/12.2.1"))}


def _wrap(system: Path, programs: Path) -> None:
    headers = system / "usr/include/newlib"
    library = system / "usr" / CORTEX_M0
    plus = headers / "c++/12.2.1"
    common = f"-idirafter {headers} -B{library}/ -L{library} -L{programs}"
    only = {"gcc": "", "g++": f"-isystem {plus} -isystem {plus}/arm-none-eabi/thumb/v6-m/nofp"}
    own = f"{system}/usr/lib/{_multiarch(system)}"
    for name, more in only.items():
        script = programs / f"arm-none-eabi-{name}"
        script.unlink(missing_ok=True)
        script.write_text(
            f'#!/bin/sh\nexport LD_LIBRARY_PATH="{own}"\n'
            f'exec {system}/usr/bin/arm-none-eabi-{name} {more} {common} "$@"\n')
        script.chmod(0o755)
    # CMake links with g++, which asks for a C++ library although nothing needs one
    subprocess.run([programs / "arm-none-eabi-ar", "rcs", programs / "libstdc++.a"], check=True)


def _multiarch(system: Path) -> str:
    return next(p.name for p in (system / "usr/lib").glob("*-linux-gnu"))


def micropython(files: dict[Pin, Path], root: Path) -> Path:
    """A MicroPython tree that ports/rp2 builds from, submodules linked in."""
    tree = unpack(files[pins.MICROPYTHON], root / "micropython")
    for name, (pin, inside) in SUBMODULES.items():
        real = unpack(files[pin], root / pin.name) / inside
        link = tree / "lib" / name
        if not link.is_symlink():
            if link.exists():
                link.rmdir()
            link.symlink_to(real.resolve())
    tool = tree / "tools/mpy-tool.py"
    text = tool.read_text()
    if SMALL_INT[0] not in text and SMALL_INT[1] not in text:
        raise RuntimeError(f"{tool}: its limit of small integers stands elsewhere now")
    tool.write_text(text.replace(*SMALL_INT))
    library = tree / "lib/micropython-lib"
    library.mkdir(exist_ok=True)
    # CMake wants to see it; our manifests take nothing from it
    (library / "README.md").touch()
    return tree


def long_ints(frozen: Path) -> list[int]:
    """Integers of a frozen_content.c that are long ones although 31 bits would hold them."""
    found = re.findall(r"\.dig=\(uint(\d+)_t\*\)\S* \S*\{([^}]*)\}", frozen.read_text())
    values = []
    for bits, digits in found:
        numbers = [int(d, 0) for d in digits.split(",")]
        values.append(sum(d << (int(bits) * k) for k, d in enumerate(numbers)))
    return [v for v in values if v < 1 << 30]
