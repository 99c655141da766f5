"""Modules that only one other imports become part of it: one file, one table of names."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from itertools import chain, count
from typing import Final

from host_bridge.board.compact.names import short_names
from host_bridge.board.compact.resolve import Globals, bound_globals, locals_of
from host_bridge.board.compact.scope import Modules, loads

MOST_CHARACTERS: Final = 24_000
"""Of source in one file, at most 12 KiB compiled: an update sends whole files. Without a bound the
whole version is 4 KiB smaller, and 72 of it are one file."""

Imported = tuple[str, str]
"""(module, name in it or "" for the module itself)."""


def merged(modules: Modules, apart: set[str]) -> dict[str, Union]:
    """The modules with those in it that only they import, at their top level.

    Args:
        apart: modules that other programs import; they stay by themselves.
    """
    heads = _heads(modules, apart | _by_themselves(modules))
    parts: dict[str, list[str]] = {}
    for name in _in_order(modules):
        parts.setdefault(heads[name], []).append(name)
    return {head: Union(modules, names) for head, names in parts.items()}


def imports(tree: ast.Module) -> Iterator[tuple[ast.stmt, str, Imported]]:
    """(statement, name it binds, what) of all imports at the top level."""
    for node in tree.body:
        if isinstance(node, ast.Import):
            for alias in node.names:
                yield node, alias.asname or alias.name, (alias.name, "")
        elif isinstance(node, ast.ImportFrom):
            for alias in node.names:
                yield node, alias.asname or alias.name, (node.module or "", alias.name)


def _heads(modules: Modules, apart: set[str]) -> dict[str, str]:
    """Module → the one it becomes part of, or itself."""
    heads = {name: name for name in modules}
    sizes = {name: len(ast.unparse(tree)) for name, tree in modules.items()}
    importers = {name: {m for m, tree in modules.items()
                        if any(what[0] == name for _, _, what in imports(tree))}
                 for name in modules}
    again = True
    while again:
        again = False
        for name in sorted(sizes.keys() - apart):
            head, *others = {heads[m] for m in importers[name]} or {name}
            if head == name or others or sizes[head] + sizes[name] > MOST_CHARACTERS:
                continue
            sizes[head] += sizes.pop(name)
            heads = {m: head if h == name else h for m, h in heads.items()}
            again = True
    return heads


def _by_themselves(modules: Modules) -> set[str]:
    """Imported inside something, or used as an object."""
    found = set()
    for tree in modules.values():
        top = {statement for statement, _, _ in imports(tree)}
        names = {name: what[0] for _, name, what in imports(tree) if not what[1]}
        loaded = {id(node.value) for node in ast.walk(tree)
                  if isinstance(node, ast.Attribute) and isinstance(node.ctx, ast.Load)}
        for node in ast.walk(tree):
            if isinstance(node, ast.Import) and node not in top:
                found |= {alias.name for alias in node.names}
            elif isinstance(node, ast.ImportFrom) and node not in top:
                found.add(node.module or "")
            elif isinstance(node, ast.Name) and node.id in names and id(node) not in loaded:
                found.add(names[node.id])
    return found


def _in_order(modules: Modules) -> list[str]:
    """As they would be executed: what a module imports comes before it."""
    done: dict[str, None] = {}

    def execute(name: str, waiting: tuple[str, ...]) -> None:
        for _, _, what in imports(modules[name]):
            if what[0] in modules and what[0] not in (*waiting, name) and what[0] not in done:
                execute(what[0], (*waiting, name))
        done[name] = None

    imported = {what[0] for tree in modules.values() for _, _, what in imports(tree)}
    for name in (*sorted(modules.keys() - imported), *sorted(modules)):
        if name not in done:
            execute(name, ())
    return list(done)


def _not_to_take(tree: ast.Module) -> set[str]:
    """Names that mean something else in a part: its locals, and the builtins it uses."""
    return locals_of(tree) | (loads(tree) - bound_globals(tree))


class Union:
    """Some modules as one; their globals get names of their own where two had the same.

    Attributes:
        parts: the modules, in the order of execution.
        finals: module → {global there: global of the union}.
    """

    def __init__(self, modules: Modules, names: list[str]) -> None:
        self.parts = names
        self._modules = {name: modules[name] for name in names}
        self._taken = set[str]().union(*map(_not_to_take, self._modules.values()))
        self.finals: dict[str, dict[str, str]] = {}
        self._from_outside: dict[Imported, str] = {}
        self.tree = ast.Module([], [])
        for name in names if len(names) > 1 else ():
            self.finals[name] = self._named(name)
        for name, tree in self._modules.items():
            self.tree.body += self._body(name, tree) if len(names) > 1 else tree.body

    def _named(self, name: str) -> dict[str, str]:
        """Name in a module → name in the union."""
        finals = {}
        bound = {b: what for _, b, what in imports(self._modules[name])}
        for own in sorted(bound_globals(self._modules[name])):
            module, attribute = bound.get(own, ("", ""))
            if module in self._modules:
                finals[own] = self.finals[module][attribute] if attribute else own
            elif own in bound:
                key = (module, attribute)
                if key not in self._from_outside:
                    self._from_outside[key] = self._free(name, own)
                finals[own] = self._from_outside[key]
            else:
                finals[own] = self._free(name, own)
        return finals

    def _free(self, module: str, name: str) -> str:
        telling = (f"{module}_{name}" + "_" * n for n in count())
        others = short_names() if len(name) <= 3 else telling
        final = next(n for n in chain([name], others) if n not in self._taken)
        self._taken.add(final)
        return final

    def _body(self, name: str, tree: ast.Module) -> list[ast.stmt]:
        inside = {own: self.finals[what[0]] for _, own, what in imports(tree)
                  if what[0] in self._modules and not what[1]}
        tree = Globals(self.finals[name], inside).visit(tree)
        return [kept for statement in tree.body for kept in self._kept(statement)]

    def _kept(self, statement: ast.stmt) -> list[ast.stmt]:
        """Without imports of what is in the union, or was imported before."""
        if not isinstance(statement, ast.Import | ast.ImportFrom):
            return [statement]
        kept = []
        for alias in statement.names:
            what = ((alias.name, "") if isinstance(statement, ast.Import)
                    else (statement.module or "", alias.name))
            final = self._from_outside.pop(what, None)
            if final:
                kept.append(ast.alias(alias.name, None if final == alias.name else final))
        statement.names = kept
        return [statement] if kept else []
