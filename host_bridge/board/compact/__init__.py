"""The application's sources with less to remember, for a board that keeps its code in RAM.

MicroPython keeps every name of a loaded file in memory, and every public constant as an entry of
its module. Much of that is settled before the program runs:

- an integer constant is written where it is used, in other modules too, and leaves its own;
- private data (`_backoff`) are called `_a`, `_b` …, the same few names in each module;
- data that objects show (`steaming`) are called `aa`, `ab` …, by one name in all modules;
- parameters that no call names are called `a`, `b` …: MicroPython remembers them too;
- a module that only one other imports becomes part of it: one file, one table of names.

Functions, methods and classes keep their names: a flashed version has no line numbers, so they are
what a traceback tells. Names that are mentioned in a string, in another program or on an object of
another module stay as they are.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final

from host_bridge.board.compact.constants import (
    Insert,
    Remove,
    constants,
    drop_idle_imports,
    still_asked,
)
from host_bridge.board.compact.merge import merged
from host_bridge.board.compact.names import Rename, Renames, renames
from host_bridge.board.compact.parameters import called_by_name, rename_parameters
from host_bridge.board.compact.shared import RenameAttributes, shared_names
from host_bridge.board.compact.written import written

_WORD: Final = re.compile(r"[A-Za-z_]\w*")


@dataclass(frozen=True)
class Compact:
    """`sources`: module → text. `parts`: module → those of the given ones that it is made of.
    `renamed`: given module → {name: new name}. `shared`: {attribute: new name} in all of them."""

    sources: dict[str, str]
    parts: dict[str, list[str]]
    renamed: Renames
    shared: dict[str, str]

    @property
    def told(self) -> str:
        """What is where, and under which name, for whoever reads a traceback."""
        return "".join(
            f"{head}: also {', '.join(n for n in names if n != head)}\n"
            for head, names in sorted(self.parts.items()) if len(names) > 1
        ) + "".join(
            f"{name}: {new} is {old}\n"
            for name in sorted(self.renamed) for old, new in self.renamed[name].items()
        ) + "".join(f"everywhere: {new} is {old}\n" for old, new in self.shared.items())


def compacted(sources: Mapping[str, str], outside: Iterable[str]) -> Compact:
    """The sources anew.

    Args:
        sources: module → text; all that one another's private data and constants are used by.
        outside: texts of other programs that use these modules; nothing they mention changes.
    """
    modules = {name: ast.parse(text) for name, text in sources.items()}
    programs = [ast.parse(text) for text in outside]
    fixed = _in_strings(modules.values()).union(*map(_words, programs))
    values = constants(modules)
    for name, tree in modules.items():
        Insert(name, values).visit(tree)
    for name, tree in modules.items():
        Remove(values[name].keys() - fixed - still_asked(modules)).visit(tree)
        drop_idle_imports(tree, ast.parse(sources[name]))
    short = renames(modules, fixed)
    shared = shared_names(modules, fixed)
    for name, tree in modules.items():
        Rename(short[name]).visit(tree)
        RenameAttributes(shared).visit(tree)
    named = called_by_name([*modules.values(), *programs])
    for tree in modules.values():
        rename_parameters(tree, named)
    unions = merged(modules, set[str]().union(*map(_imported, programs)))
    finals = {name: own for union in unions.values() for name, own in union.finals.items()}
    return Compact(
        {head: written(union.tree) for head, union in unions.items()},
        {head: union.parts for head, union in unions.items()},
        {name: {old: finals.get(name, {}).get(new, new) for old, new in short[name].items()}
         for name in short},
        shared,
    )


def _in_strings(trees: Iterable[ast.Module]) -> set[str]:
    # getattr(live, name) finds its names there
    return {word for tree in trees for node in ast.walk(tree)
            if isinstance(node, ast.Constant) and isinstance(node.value, str)
            for word in _WORD.findall(node.value)}


def _words(tree: ast.Module) -> set[str]:
    return set(_WORD.findall(ast.unparse(tree)))


def _imported(tree: ast.Module) -> set[str]:
    found = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            found.add(node.module or "")
    return found
