"""The application's sources with less to remember, for a board that keeps its code in RAM.

MicroPython keeps every name of a loaded file in memory, and every public constant as an entry of
its module. Much of that is settled before the program runs:

- an integer constant is written where it is used, in other modules too, and leaves its own;
- private data (`_backoff`) are called `_a`, `_b` …, the same few names in each module.

Functions, methods and classes keep their names: a flashed version has no line numbers, so they are
what a traceback tells. Names that are mentioned in a string, in another program or on an object of
another module stay as they are.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterable, Mapping
from typing import Final

from host_bridge.board.compact.constants import (
    Insert,
    Remove,
    constants,
    drop_idle_imports,
    still_asked,
)
from host_bridge.board.compact.names import Rename, Renames, renames
from host_bridge.board.compact.scope import Modules

_WORD: Final = re.compile(r"[A-Za-z_]\w*")


def compacted(
    sources: Mapping[str, str], outside: Iterable[str]
) -> tuple[dict[str, str], Renames]:
    """The sources anew, and what is called otherwise in them.

    Args:
        sources: module → text; all that one another's private data and constants are used by.
        outside: texts of other programs that use these modules; no name they mention changes.

    Returns:
        module → text, and module → {name: new name}.
    """
    modules = {name: ast.parse(text) for name, text in sources.items()}
    fixed = {word for text in outside for word in _WORD.findall(text)} | _in_strings(modules)
    values = constants(modules)
    for name, tree in modules.items():
        Insert(name, values).visit(tree)
    for name, tree in modules.items():
        Remove(values[name].keys() - fixed - still_asked(modules)).visit(tree)
        drop_idle_imports(tree, ast.parse(sources[name]))
    short = renames(modules, fixed)
    for name, tree in modules.items():
        Rename(short[name]).visit(tree)
    return {name: ast.unparse(ast.fix_missing_locations(tree))
            for name, tree in modules.items()}, short


def _in_strings(modules: Modules) -> set[str]:
    # getattr(live, name) finds its names there
    return {word for tree in modules.values() for node in ast.walk(tree)
            if isinstance(node, ast.Constant) and isinstance(node.value, str)
            for word in _WORD.findall(node.value)}
