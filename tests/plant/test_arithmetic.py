"""The same bits under MicroPython and CPython, by seed, over a snapshot, within 62 bits."""

from __future__ import annotations

import ast
import re
import subprocess
import types
from pathlib import Path
from typing import Any

import pytest

from simulator.interpreter import find_interpreter
from tests.plant.drive import Driver
from tests.plant.support import BOARDS, PACKAGE, ROOT, figures, make, ran

STEPS = 10_000


def story(plant: Any, seed: int, steps: int = STEPS) -> list[str]:
    driver = Driver(plant, seed)
    lines = []
    for _ in range(10):
        driver.advance(steps // 10)
        lines.append(f"{driver.sum} {list(plant.t)}")
    return lines


# what MicroPython runs: the same story
_TELLER = """
import sys
sys.path[:0] = {path!r}
from drive import Driver
from plant import Plant
plant = Plant({figures!r}, {seed})
driver = Driver(plant, {seed})
for _ in range(10):
    driver.advance({steps} // 10)
    print(driver.sum, list(plant.t))
"""


@pytest.mark.parametrize("board", BOARDS)
def test_micropython_and_cpython_agree_to_the_bit(board: str, tmp_path: Path) -> None:
    teller = tmp_path / "teller.py"
    path = [str(ROOT / "tests/plant"), str(ROOT / "simulator")]
    teller.write_text(_TELLER.format(path=path, figures=figures(board), seed=11, steps=STEPS))
    done = subprocess.run(
        [*find_interpreter(), str(teller)], capture_output=True, text=True, timeout=120,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.splitlines() == story(make(board, 11), 11)


@pytest.mark.parametrize("board", BOARDS)
def test_a_seed_is_a_story(board: str) -> None:
    first = story(make(board, 5), 5, 3000)
    assert story(make(board, 5), 5, 3000) == first
    assert story(make(board, 6), 5, 3000) != first  # only the plant's seed differs


@pytest.mark.parametrize("board", BOARDS)
def test_a_snapshot_goes_on_bit_for_bit(board: str) -> None:
    plant = make(board, 9)
    driver = Driver(plant, 9)
    driver.advance(3000)
    kept = plant.snapshot()
    other = make(board, 1)
    other.restore(kept)
    for p in (plant, other):
        ran(p, 20_000, heater_brew=1, valve_brew=1, pump_permille=800, grinder=0)
    assert [plant.adc(i) for i in range(4)] == [other.adc(i) for i in range(4)]
    assert plant.snapshot() == other.snapshot()
    assert list(plant.t) == list(other.t)


# --- width: viper has 64 bits and a list keeps small ints of 63 without allocating
class _Watch:
    """Highest magnitude of any intermediate result of the viper functions."""

    def __init__(self) -> None:
        self.most = 0
        self.where = ""

    def __call__(self, value: Any, where: str) -> Any:
        if isinstance(value, int) and abs(value) > self.most:
            self.most, self.where = abs(value), where
        return value


class _Watched(ast.NodeTransformer):
    def __init__(self, name: str) -> None:
        self.name = name

    def visit_BinOp(self, node: ast.BinOp) -> ast.AST:
        where = f"{self.name}:{node.lineno} {ast.unparse(node)}"
        self.generic_visit(node)
        call = ast.Call(ast.Name("_watch", ast.Load()), [node, ast.Constant(where)], [])
        return ast.copy_location(call, node)


_ORDER = (
    "words", "rooms", "noise", "sensors", "thermal", "hydraulics", "puck", "vessels", "bounds",
    "faults", "parameters", "basket", "hands", "advance", "readings", "plant",
)


def watched_plant(watch: _Watch) -> Any:
    """The class Plant from sources in which every arithmetic operation reports to `watch`."""
    import sys

    package = types.ModuleType("watched_plant")
    package.__path__ = []
    sys.modules["watched_plant"] = package
    for name in _ORDER:
        tree = _Watched(name).visit(ast.parse((PACKAGE / f"{name}.py").read_text()))
        module = types.ModuleType(f"watched_plant.{name}")
        module.__dict__.update(_watch=watch, __package__="watched_plant")
        sys.modules[module.__name__] = module
        setattr(package, name, module)
        exec(compile(ast.fix_missing_locations(tree), f"{name}.py", "exec"), module.__dict__)
    return sys.modules["watched_plant.plant"].Plant  # type: ignore[attr-defined]


def test_every_room_is_watched() -> None:
    assert {p.stem for p in PACKAGE.glob("*.py")} == {*_ORDER, "__init__"}


@pytest.mark.parametrize("board", BOARDS)
def test_no_intermediate_needs_more_than_62_bits(board: str) -> None:
    watch = _Watch()
    plant = watched_plant(watch)(figures(board), 3)
    watch.most = 0  # tables and streams were made outside the step, with any ints
    for seed in range(3):
        Driver(plant, seed).advance(4000)
    # far beyond any working point: 200 °C, 15 % over voltage, pump against a blind basket
    plant.set("temp_brew_mc", 200_000)
    plant.set("puck", 2)
    ran(plant, 5000, heater_brew=1, pump_permille=1000, valve_brew=1, mains_permille=1150)
    assert 1 << 45 < watch.most < 1 << 61, (watch.most.bit_length(), watch.where)


# --- constants: MicroPython folds a const only in its own file, so some are written twice
_HOMES = {  # prefix in advance.py and readings.py -> names in order
    "_M_": ("rooms", "ROOMS"), "_K_": ("rooms", "CORE_STATE"),
    "_KP_": ("rooms", "CORE_PARAMETERS"), "_R_": ("rooms", "STREAM_NAMES"),
    "_D_": ("rooms", "DRAW_WORDS"), "_U_": ("words", "U_NAMES"), "_Y_": ("words", "Y_NAMES"),
    "_T_": ("words", "T_NAMES"),
}
_ROOMS = {
    "_F_": "faults", "_B_": "thermal", "_BP_": "thermal", "_H_": "hydraulics",
    "_HP_": "hydraulics", "_P_": "puck", "_V_": "vessels", "_C_": "sensors", "_G_": "thermal",
}
_CONST = re.compile(r"^(_[A-Z0-9_]+) = const\((\d+)\)", re.MULTILINE)


@pytest.mark.parametrize("file", ["advance", "readings"])
def test_constants_written_twice_are_the_same(file: str) -> None:
    import simulator.plant as package

    found = _CONST.findall((PACKAGE / f"{file}.py").read_text())
    assert len(found) > 60
    for name, value in found:
        prefix = re.match(r"_[A-Z]+_", name)
        assert prefix, name
        rest = name[prefix.end():]
        if prefix[0] in _HOMES:
            module, listing = _HOMES[prefix[0]]
            names = getattr(getattr(package, module), listing)
            assert names[int(value)] == rest.lower(), name
        else:
            home = (PACKAGE / f"{_ROOMS[prefix[0]]}.py").read_text()
            aliases = {"INLET": "INLET_TEMP"} if prefix[0] == "_G_" else {}
            wanted = aliases.get(rest, rest)
            assert (f"_{wanted}", value) in _CONST.findall(home), name


def test_public_places_have_the_order_of_their_names() -> None:
    from simulator.plant import rooms, words

    for names, module, prefix in (
        (words.U_NAMES, words, "U_"), (words.Y_NAMES, words, "Y_"), (words.T_NAMES, words, "T_"),
        (rooms.ROOMS, rooms, ""), (rooms.CORE_STATE, rooms, ""),
        (rooms.CORE_PARAMETERS, rooms, ""), (rooms.STREAM_NAMES, rooms, "R_"),
    ):
        for i, name in enumerate(names):
            assert getattr(module, prefix + name.upper()) == i, name
