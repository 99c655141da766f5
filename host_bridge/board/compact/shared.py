"""Short names for what objects show one another, the same in all modules."""

from __future__ import annotations

import ast
import itertools
from collections import Counter
from string import ascii_letters
from typing import Final

from host_bridge.board.compact.resolve import bound_globals, bound_in
from host_bridge.board.compact.scope import Modules

FOREIGN: Final = {name for kind in (bytearray, dict, int, list, memoryview, str, OSError)
                  for name in dir(kind)}
"""Attributes that are not ours, beside those that are called."""


def shared_names(modules: Modules, fixed: set[str]) -> dict[str, str]:
    """Public attributes that hold data → short names; only as attributes are they to be renamed.

    Args:
        fixed: names that stay.
    """
    used, stored = Counter[str](), set[str]()
    stay = fixed | FOREIGN
    for node in (n for tree in modules.values() for n in ast.walk(tree)):
        if isinstance(node, ast.Attribute):
            used[node.attr] += 1
            if isinstance(node.ctx, ast.Store):
                stored.add(node.attr)
        elif isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
            stay.add(node.func.attr)  # it may be another's
        elif isinstance(node, ast.ClassDef):
            stay |= bound_in(node.body)
    stay |= set[str]().union(*map(bound_globals, modules.values()))  # of a module, that is
    renamed = {name for name in stored - stay if not name.startswith("_")}
    pairs = map("".join, itertools.product(ascii_letters, repeat=2))
    new = (pair for pair in pairs if pair not in stay and pair not in used)
    return dict(zip(sorted(renamed, key=lambda n: (-used[n], n)), new, strict=False))


class RenameAttributes(ast.NodeTransformer):
    def __init__(self, names: dict[str, str]) -> None:
        self._to = names

    def visit_Attribute(self, node: ast.Attribute) -> ast.AST:
        self.generic_visit(node)
        node.attr = self._to.get(node.attr, node.attr)
        return node
