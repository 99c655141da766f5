"""The firmware's viper sources under CPython with integers that refuse to leave 32 bits.

On the board viper ints are 32 bits and wrap silently; on the desktop they have 64. Here every
intermediate that would wrap on the board raises instead.
"""

from __future__ import annotations

import ast
import importlib
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import ModuleType
from typing import Any

ROOT = Path(__file__).resolve().parents[3]
LOW, HIGH = -(1 << 31), (1 << 31) - 1


class Wrapped(ArithmeticError):
    """An intermediate left 32 bits."""


class Boxed(ArithmeticError):
    """An intermediate left the 31 bits of a small int: the board would allocate a big one."""


class Int(int):
    """A viper int of the board."""


def _checked(name: str) -> Any:
    plain = getattr(int, name)

    def operation(self: int, *others: int) -> Any:
        value = plain(self, *others)
        if value is NotImplemented:
            return value
        if not LOW <= value <= HIGH:
            raise Wrapped(f"{int(self)} {name} {others} = {value}")
        return Int(value)

    return operation


for _name in (
    "add", "radd", "sub", "rsub", "mul", "rmul", "floordiv", "rfloordiv", "mod", "rmod", "lshift",
    "rlshift", "rshift", "rrshift", "and", "rand", "or", "ror", "xor", "rxor",
):
    setattr(Int, f"__{_name}__", _checked(f"__{_name}__"))
for _name in ("neg", "invert"):
    setattr(Int, f"__{_name}__", _checked(f"__{_name}__"))


class Words(list[int]):
    """A ptr32: 32-bit words. Negative ones are refused, for x64 would not sign-extend them."""

    def __setitem__(self, at: Any, value: Any) -> None:
        if not 0 <= value <= HIGH:
            raise Wrapped(f"word {at} = {value}")
        super().__setitem__(at, int(value))


@contextmanager
def firmware(board: str = "coffee_1900") -> Iterator[Any]:
    """Imports firmware modules afresh: `load("thermal")` has checked ints in its viper code."""
    before = dict(sys.modules)
    paths = [ROOT / "tests/support/cpython", ROOT / "firmware", ROOT / "boards" / board]
    sys.path[:0] = [str(p) for p in paths]

    def load(name: str) -> ModuleType:
        module = importlib.import_module(name)
        module.int = Int  # type: ignore[attr-defined]
        return module

    try:
        yield load
    finally:
        del sys.path[: len(paths)]
        for name in set(sys.modules) - set(before):
            if str(getattr(sys.modules[name], "__file__", "")).startswith(
                (str(ROOT / "firmware"), str(ROOT / "boards"))
            ):
                del sys.modules[name]


class _Smalls(ast.NodeTransformer):
    """Each result of an operation goes through small()."""

    def visit_BinOp(self, node: ast.BinOp) -> ast.AST:
        where = ast.unparse(node)
        self.generic_visit(node)
        call = ast.Call(ast.Name("small", ast.Load()), [node, ast.Constant(where)], [])
        return ast.copy_location(call, node)

    def visit_AugAssign(self, node: ast.AugAssign) -> ast.AST:
        now = ast.parse(ast.unparse(node.target), mode="eval").body
        longer = ast.Assign([node.target], ast.BinOp(now, node.op, node.value))
        return self.visit(ast.fix_missing_locations(ast.copy_location(longer, node)))


def small(value: Any, where: str) -> Any:
    if isinstance(value, int) and not LOW >> 1 <= value <= HIGH >> 1:
        raise Boxed(f"{where} = {value}")
    return value


def small_ints(name: str) -> ModuleType:
    """The firmware's module, not viper, in which an int that the board would box raises."""
    tree = _Smalls().visit(ast.parse((ROOT / "firmware" / f"{name}.py").read_text()))
    module = ModuleType(name)
    module.__dict__["small"] = small
    exec(compile(ast.fix_missing_locations(tree), f"{name}.py", "exec"), module.__dict__)
    return module
