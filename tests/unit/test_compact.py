"""Compact sources do what the sources do on the real MicroPython, with less to remember."""

from __future__ import annotations

import ast
import re
import subprocess
from pathlib import Path

import pytest

from host_bridge.board.build import Build
from host_bridge.board.compact import compacted
from host_bridge.board.compact.merge import MOST_CHARACTERS
from simulator.interpreter import find_interpreter

LIMITS = """
from micropython import const
_STEP = const(5)
TOP_MC = const(1200 * _STEP)
LOW_MC = -TOP_MC // 2
IDLE, BUSY, DONE = range(3)
HUGE = 1 << 40
NAMES = ("idle", "busy", "done")
"""


def run(folder: Path, sources: dict[str, str], entry: str) -> str:
    folder.mkdir(parents=True)
    for name, text in sources.items():
        (folder / f"{name}.py").write_text(text)
    done = subprocess.run([*find_interpreter(), f"{entry}.py"], cwd=folder, text=True,
                          capture_output=True, timeout=60, check=False)
    assert not done.returncode, done.stdout + done.stderr
    return done.stdout


APART = "import limits, pump, main"  # as a tool on the board does: none becomes part of another


def same(folder: Path, outside: str = "", **sources: str) -> dict[str, str]:
    """The compact sources, which were seen to print what the sources print. Entry: `main`."""
    made = compacted(sources, [outside]).sources
    said = run(folder / "plain", sources, "main")
    assert said
    assert run(folder / "compact", made, "main") == said
    return made


def test_a_constant_stands_where_it_is_used(tmp_path: Path) -> None:
    made = same(tmp_path, APART, limits=LIMITS, main="""
import limits
import limits as l
from limits import BUSY, DONE as END, LOW_MC

def shown():
    from limits import IDLE
    return limits.TOP_MC, l.TOP_MC + 1, BUSY, END, LOW_MC, IDLE, limits.NAMES[BUSY]

print(shown(), limits.HUGE)
""")
    for gone in ("TOP_MC", "LOW_MC", "BUSY", "END", "_STEP"):
        assert gone not in made["main"] + made["limits"]
    assert "HUGE" in made["limits"], "would be an object of its own wherever it is used"
    assert "import limits as l" not in made["main"]
    assert "micropython" not in made["limits"]


@pytest.mark.parametrize("more", [
    "print(getattr(limits, 'TOP_MC'))",
    "limits.TOP_MC = 7\nprint(limits.TOP_MC)",
    "def own(TOP_MC):\n    return TOP_MC\nprint(own(3), limits.TOP_MC)",
    "for limits in ():\n    pass\nprint(limits.TOP_MC)",
])
def test_a_name_that_may_mean_something_else_is_left(tmp_path: Path, more: str) -> None:
    same(tmp_path, APART, limits=LIMITS, main=f"import limits\nprint(limits.LOW_MC)\n{more}")


def test_a_number_that_changes_is_no_constant(tmp_path: Path) -> None:
    same(tmp_path, main="""
COUNT = 0

def more():
    global COUNT
    COUNT += 1

more()
print(COUNT)
""")


def test_what_another_program_names_stays(tmp_path: Path) -> None:
    made = same(tmp_path, "import limits\nlimits.TOP_MC\nlimits._kept", limits=LIMITS + """
_kept, _gone = [1], [2]
print(_kept, _gone, TOP_MC)
""", main="import limits")
    assert "TOP_MC" in made["limits"] and "_kept" in made["limits"]
    assert "_gone" not in made["limits"]


PUMP = """
class Pump:
    _made = 0

    def __init__(self, way):
        self._duty_permille = way
        self._seen = self._made

    def _driven(self):
        return self._duty_permille
"""


def test_private_data_get_short_names_and_functions_keep_theirs(tmp_path: Path) -> None:
    made = same(tmp_path, APART, pump=PUMP, main="""
from pump import Pump

class Fast(Pump):
    def __init__(self):
        super().__init__(900)
        self._until_ms = 5
        self._duty_permille += 1

    def shown(self):
        return self._driven(), self._until_ms, self._duty_permille

print(Fast().shown())
""")
    assert "_driven" in made["pump"] and "_driven" in made["main"]
    for gone in ("_duty_permille", "_until_ms", "_seen", "_made"):
        assert gone not in made["pump"] + made["main"]


def test_modules_use_the_same_short_names(tmp_path: Path) -> None:
    renamed = compacted({"pump": PUMP, "valve": PUMP.replace("_seen", "_open_ms")}, []).renamed
    assert sorted(renamed["pump"].values()) == ["_a", "_b", "_c"]
    assert sorted(renamed["valve"].values()) == ["_a", "_b", "_c"]


@pytest.mark.parametrize("more", [
    "p = Pump(3)\nprint(p._duty_permille)",
    "print(getattr(Pump(3), '_duty_permille'))",
    "class Own:\n    def __init__(self):\n        self._duty_permille = 4\n"
    "print(Own()._duty_permille, Pump(3)._driven())",
    "def own(_duty_permille):\n    return _duty_permille\nprint(own(3), own(_duty_permille=4))",
    "class Own:\n    def _duty_permille(self):\n        return 5\nprint(Own()._duty_permille())",
    "_a = 8\n_made = 9\nprint(_a, _made, Pump(3)._driven())",
])
def test_private_data_that_others_reach_for(tmp_path: Path, more: str) -> None:
    same(tmp_path / "apart", APART, pump=PUMP, main=f"from pump import Pump\n{more}")
    same(tmp_path / "as_one", pump=PUMP, main=f"from pump import Pump\n{more}")


MOTOR = """
import time
TIMES = 3

def fire(way_permille, times=TIMES, *further, until=None, **more):
    doubled = [way_permille * each for each in further]
    return sum(doubled) + way_permille, times, until, sorted(more)

def fired(*words, **more):
    return fire(*words, **more)

def turning(way_permille):
    def faster(step, way=way_permille):
        return way_permille + step + way
    return faster, lambda way_permille: way_permille + TIMES

class Motor:
    def __init__(self, way_permille, time=time):
        self.way_permille = way_permille
        self.way_permille += time is not None

    def go(self, way_permille: int, also) -> int:
        try:
            raise OSError(way_permille)
        except OSError as error:
            way_permille = error.errno
        return [also for also in range(way_permille)][-1] + also + self.way_permille
"""


def test_parameters_get_short_names(tmp_path: Path) -> None:
    made = same(tmp_path, APART, limits="", pump="", main=MOTOR + """
print(fire(1), fired(2, 3, 4, 5, until=6, beyond=7))
print("way_permille", "times", "step")
faster, other = turning(8)
print(faster(1), faster(1, 2), other(3))
m = Motor(9)
print(m.go(3, 4), m.way_permille)
""")["main"]
    assert not re.search(r"""(?<!['".])way_permille""", made), "a string is no name in a call"
    assert "def go(self, a: int, b) -> int" in made
    assert "until=None" in made, "a call names it"
    assert "time=time" in made, "what stands in the head is asked around it"


@pytest.mark.parametrize("more", [
    "print(fire(way_permille=4))",
    "order = {'way_permille': 4}\nprint(fire(**order))",
    "def own(**more):\n    more['way_permille'] = 4\n    return fire(**more)\nprint(own(times=2))",
    "def own(**more):\n    return fire(**more)\nprint(own(way_permille=2))",
    "def own(a, way_permille):\n    b = a\n    return b + way_permille\nprint(own(1, 2))",
    "a = 4\ndef own(way_permille):\n    return a + way_permille\nprint(own(2))",
    "def own(way_permille):\n    import time as way_permille\n    return way_permille\n"
    "print(own(1))",
    "def own(way_permille):\n    def way_permille():\n        return 3\n"
    "    return way_permille()\nprint(own(1))",
    "def own(way_permille):\n    try:\n        1 // 0\n    except ZeroDivisionError as a:\n"
    "        pass\n    return way_permille\nprint(own(1))",
    "def own(way_permille):\n    class Own:\n        way_permille = 6\n"
    "    return Own.way_permille\nprint(own(1))",
    "def own(way_permille):\n    def inner():\n        global way_permille\n"
    "        way_permille = 4\n    inner()\n    return way_permille\nprint(own(2), way_permille)",
])
def test_a_parameter_that_may_mean_something_else(tmp_path: Path, more: str) -> None:
    same(tmp_path, main=MOTOR + more)


# --- one file of several
VALVE = """
import sys
import time as clock
try:
    import nothing as other
except ImportError:
    other = sys

_opened = 0
limit = 5

def open(times=limit):
    global _opened
    _opened += times
    return [limit for _ in range(times)], sum(limit + n for n in (1, 2)), (lambda: limit)()

def opened():
    return _opened, other is sys, clock is not None

class Valve:
    limit = 7
    doubled = limit * 2

    def open(self):
        return open(self.limit), limit
"""


@pytest.mark.parametrize("more", [
    "import valve\nprint(valve.open(), valve.opened(), valve.Valve().open())",
    "from valve import open as begin, opened\nprint(begin(2), opened())",
    "import valve as v\n\ndef open(limit):\n    valve = limit\n    return v.limit + valve\n"
    "print(open(3), v.open(limit := 2) if False else v.opened())",
    "import valve\n\ndef own():\n    limit = 1\n    return limit + valve.limit\nprint(own())",
    "from valve import Valve\nlimit = 3\n\nclass Own(Valve):\n    def open(self):\n"
    "        return super().open(), limit, self.doubled\nprint(Own().open())",
    "import sys as system\nimport valve\nother = clock = 4\n"
    "print(valve.opened(), other, clock, system is not None, [clock for clock in (1, 2)])",
    "import valve\n_opened = {valve.limit: 1}\nprint(valve.opened(), _opened)",
])
def test_what_only_one_imports_becomes_part_of_it(tmp_path: Path, more: str) -> None:
    assert same(tmp_path, valve=VALVE, main=more).keys() == {"main"}


def test_a_builtin_that_one_part_has_its_own_of_stays_the_builtin_of_the_other(
    tmp_path: Path
) -> None:
    made = same(tmp_path, valve="def len(what):\n    return 7\nturns = len(())",
                main="import valve\nprint(len('four'), valve.turns, valve.len(''))")
    assert made.keys() == {"main"}


def test_a_chain_is_executed_in_its_order(tmp_path: Path) -> None:
    made = same(tmp_path, main="import c\nimport a\nprint('main', a.x, c.x)",
                a="import b\nprint('a')\nx = b.x + 1", b="import d\nprint('b')\nx = d.x * 2",
                c="import d\nprint('c')\nx = d.x", d="print('d')\nx = 20")
    assert made.keys() == {"main"}


@pytest.mark.parametrize(("outside", "more"), [
    ("import valve", "import valve\nprint(valve.limit)"),
    ("", "def late():\n    import valve\n    return valve.limit\nprint(late())"),
    ("", "import valve\nprint(getattr(valve, 'limit'))"),
    ("", "import valve\nvalve.limit = 6\nprint(valve.open())"),
    ("", "import valve\nprint(valve.limit)\n" + "x = 'long'\n" * (MOST_CHARACTERS // 10)),
])
def test_a_module_that_must_be_one_stays_by_itself(
    tmp_path: Path, outside: str, more: str
) -> None:
    assert same(tmp_path, outside, valve=VALVE, main=more).keys() == {"main", "valve"}


TAP = """
import io

class Tap(io.IOBase):
    open_ms = 5

    def __init__(self, way):
        self.way = way
        self.open_ms = self.steaming = 7
        self.told = self.value = self.append = self.limit = 3

    def told_ms(self):
        return self.steaming + self.open_ms
"""


def test_data_that_objects_show_have_one_short_name_everywhere(tmp_path: Path) -> None:
    made = same(tmp_path, APART + "\nimport tap", tap=TAP, main="""
from tap import Tap
limit = 1

def shown(tap, steaming):
    tap.steaming += steaming
    steaming = tap.told_ms() + tap.way.value()
    print(tap.steaming, steaming, tap.open_ms, tap.told, getattr(tap, "limit"), tap.append)

class Way:
    def __init__(self):
        self.steaming = 5
    def value(self):
        return self.steaming

shown(Tap(Way()), 2)
""")
    assert "self.steaming" not in made["tap"] and "tap.steaming" not in made["main"]
    assert "self.way" not in made["tap"] and "self.told " not in made["tap"]
    for kept in ("open_ms", "value", "append", "limit"):
        assert f"self.{kept}" in made["tap"], kept


def test_what_two_import_stays_by_itself(tmp_path: Path) -> None:
    made = same(tmp_path, "import pump", valve=VALVE, pump="from valve import limit",
                main="import pump\nimport valve\nprint(pump.limit, valve.limit)")
    assert made.keys() == {"main", "valve", "pump"}


def test_the_new_names_are_told() -> None:
    told = compacted({"valve": VALVE, "main": "from valve import open\n_mine = [open]"}, []).told
    assert "main: also valve\n" in told
    assert "valve: _a is _opened\n" in told and "main: _b is _mine\n" in told
    told = compacted({"tap": TAP, "main": "import tap"}, []).told
    assert re.search("^everywhere: .. is steaming$", told, re.M)


def test_two_at_once_make_no_tuple() -> None:
    """MicroPython allocates one for what stands in parentheses."""
    text = "def f(self):\n    a, b = self.x, (1, 2)\n    while a:\n        a, b, c = b, a, 3\n"
    made = compacted({"main": text + "d = (1, 2)\n"}, []).sources["main"]
    assert "a, b = self.x, (1, 2)\n" in made and "a, b, c = b, a, 3\n" in made
    assert ast.dump(ast.parse(made)) == ast.dump(ast.parse(text + "d = (1, 2)\n"))


def test_a_compact_version_runs_whole_or_not_at_all() -> None:
    with pytest.raises(ValueError, match="compact"):
        Build("coffee_1900", "0badc0de", {}, {}, compact=True).over("cafe0000", "")
