"""Unpacks what archive.py fetched and puts it together: a compiler that finds its own library, and
a MicroPython tree with its submodules in place.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

from elftools.elf.elffile import ELFFile

from boards.image import pins
from boards.image.pins import Pin

# What MicroPython's tools/mpy-tool.py does wrong when it freezes code for our chips, and right:
PATCHES = (
    # An int of a constant tuple with more than 14 bits becomes a long integer, because some port
    # has 16-bit words. Ours have 31 bits; a long one allocates with every sum it is in, and in
    # the tick that is the end.
    ("return -0x2000 <= i <= 0x1FFF", "return -0x40000000 <= i <= 0x3FFFFFFF"),
    # Native Thumb code loads constants from words beside it and counts on its own start being at
    # a whole word; at half a word it reads other numbers.
    ('" __attribute__ ((aligned (2)))"', '" __attribute__ ((aligned (4)))"'),
)

MPY_TOOL = "tools/mpy-tool.py"

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
    _patch(tree / MPY_TOOL)
    library = tree / "lib/micropython-lib"
    library.mkdir(exist_ok=True)
    # CMake wants to see it; our manifests take nothing from it
    (library / "README.md").touch()
    return tree


def shadow(checkout: Path, into: Path) -> Path:
    """A user's checkout with PATCHES in it: links to its files, so that nothing of it changes."""
    shutil.rmtree(into, ignore_errors=True)
    shutil.copytree(checkout, into, copy_function=os.symlink,
                    ignore=shutil.ignore_patterns(".git", "tests"))
    tool = into / MPY_TOOL
    tool.unlink()
    shutil.copy(checkout / MPY_TOOL, tool)
    _patch(tool)
    return into


def _patch(tool: Path) -> None:
    # Where a newer MicroPython says it otherwise, ill_frozen() finds out whether it is right
    text = tool.read_text()
    for wrong, right in PATCHES:
        text = text.replace(wrong, right)
    tool.write_text(text)


def ill_frozen(frozen: Path, elf: Path) -> str:
    """What is wrong in a build's frozen code for want of PATCHES; "" when it is well."""
    found = re.findall(r"\.dig=\(uint(\d+)_t\*\)\S* \S*\{([^}]*)\}", frozen.read_text())
    for bits, digits in found:
        numbers = [int(d, 0) for d in digits.split(",")]
        value = sum(d << (int(bits) * k) for k, d in enumerate(numbers))
        if value < 1 << 30:
            return f"{value} would be a long integer, which allocates in the tick"
    with elf.open("rb") as f:
        table: Any = ELFFile(f).get_section_by_name(".symtab")
        for symbol in table.iter_symbols():
            native = symbol.name.startswith("fun_data_") and "_dot_py" in symbol.name
            if native and symbol["st_value"] % 4:
                return f"{symbol.name} does not begin at a whole word and would read wrong numbers"
    return ""
