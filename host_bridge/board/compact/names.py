"""Short names for private data, the same few in each module."""

from __future__ import annotations

import ast
import itertools
from collections import Counter, defaultdict
from collections.abc import Iterator
from string import ascii_letters

from host_bridge.board.compact.scope import Modules, bindings
from host_bridge.board.compact.shared import RenameAttributes

Renames = dict[str, dict[str, str]]


def renames(modules: Modules, fixed: set[str]) -> Renames:
    families = _families(modules)
    every = Counter[str]()
    for tree in modules.values():
        every.update(_names(tree))
    stay = fixed | _behaviour(modules) | _lent(modules, families)
    found: Renames = {}
    for family in families:
        used, data = Counter[str](), set[str]()
        for name in family:
            used.update(_names(modules[name]))
            data |= _data(modules[name])
        renamed = sorted(data - stay, key=lambda n: (-used[n], n))  # the same for each build
        new = (s for s in short_names() if s not in every)
        short = dict(zip(renamed, new, strict=False))
        found |= dict.fromkeys(family, short)
    return found


def short_names() -> Iterator[str]:
    for size in itertools.count(1):
        yield from ("_" + "".join(s) for s in itertools.product(ascii_letters, repeat=size))


def _private(name: str) -> bool:
    return name.startswith("_") and not name.startswith("__") and len(name) > 2


def _names(tree: ast.AST) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute):
            yield node.attr
        elif isinstance(node, ast.Name):
            yield node.id


def _data(tree: ast.Module) -> set[str]:
    """Private names bound in a module: attributes, and globals."""
    of_classes = (s for c in tree.body if isinstance(c, ast.ClassDef) for s in c.body)
    found = {n.attr for n in ast.walk(tree)
             if isinstance(n, ast.Attribute) and isinstance(n.ctx, ast.Store)}
    for node in (*tree.body, *of_classes):
        if isinstance(node, ast.Assign):
            found |= {n.id for t in node.targets for n in ast.walk(t) if isinstance(n, ast.Name)}
    return {name for name in found if _private(name)}


def _behaviour(modules: Modules) -> set[str]:
    """Names of functions, classes, parameters, imports and of local variables."""
    found = set()
    for tree in modules.values():
        bound = bindings(tree)
        top = Counter(n for s in tree.body if isinstance(s, ast.Assign) for n in bindings(s))
        top.update(n for c in tree.body if isinstance(c, ast.ClassDef)
                   for s in c.body if isinstance(s, ast.Assign) for n in bindings(s))
        declared = {n for g in ast.walk(tree) if isinstance(g, ast.Global) for n in g.names}
        found |= {name for name in bound if not top[name] and name not in declared}
        found |= {n.name for n in ast.walk(tree) if isinstance(n, ast.FunctionDef | ast.ClassDef)}
        found |= {n.arg for n in ast.walk(tree) if isinstance(n, ast.arg)}
        found |= {n.arg for n in ast.walk(tree) if isinstance(n, ast.keyword) and n.arg}
    return found


def _lent(modules: Modules, families: list[set[str]]) -> set[str]:
    """Private names that one family takes from an object of another one."""
    homes = defaultdict[str, set[int]](set)
    for k, family in enumerate(families):
        for module in family:
            for name in _data(modules[module]):
                homes[name].add(k)
    found = set()
    for k, family in enumerate(families):
        for node in (n for m in family for n in ast.walk(modules[m])):
            if isinstance(node, ast.Attribute):
                own = isinstance(node.value, ast.Name) and node.value.id == "self"
                if homes[node.attr] != {k} and not (own and k in homes[node.attr]):
                    found.add(node.attr)
    return found


def _families(modules: Modules) -> list[set[str]]:
    """Modules whose classes inherit from each other's: they share their objects' attributes."""
    families = [{name} for name in modules]
    for name, tree in modules.items():
        origin = {a.asname or a.name: node.module for node in ast.walk(tree)
                  if isinstance(node, ast.ImportFrom) for a in node.names}
        for base in (b for c in ast.walk(tree) if isinstance(c, ast.ClassDef) for b in c.bases):
            module = base.value if isinstance(base, ast.Attribute) else base
            home = origin.get(getattr(module, "id", ""), getattr(module, "id", ""))
            joined = [f for f in families if name in f or home in f]
            families = [f for f in families if f not in joined] + [set().union(*joined)]
    return families


class Rename(RenameAttributes):
    def visit_Name(self, node: ast.Name) -> ast.AST:
        node.id = self._to.get(node.id, node.id)
        return node

    def visit_Global(self, node: ast.Global) -> ast.AST:
        node.names = [self._to.get(name, name) for name in node.names]
        return node
