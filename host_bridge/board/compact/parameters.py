"""Short names for parameters that no call names, the same few in each function."""

from __future__ import annotations

import ast
import keyword
from collections.abc import Iterable, Iterator
from string import ascii_lowercase
from typing import Final

from host_bridge.board.compact.resolve import Function

SHORT: Final = [*ascii_lowercase, *(a + b for a in ascii_lowercase for b in ascii_lowercase)]
"""In no traceback: MicroPython does not tell parameters."""


def called_by_name(programs: Iterable[ast.AST]) -> set[str]:
    """Parameters that a call names; where one passes a dict, every string."""
    nodes = [node for tree in programs for node in ast.walk(tree)]
    passed_on = {call for node in nodes if isinstance(node, ast.FunctionDef)
                 for call in _passed_on(node)}
    keywords = [node for node in nodes if isinstance(node, ast.keyword)]
    found = {node.arg for node in keywords if node.arg}
    if any(node.arg is None and node not in passed_on for node in keywords):
        found |= {node.value for node in nodes
                  if isinstance(node, ast.Constant) and isinstance(node.value, str)}
    return found


def _passed_on(function: ast.FunctionDef) -> list[ast.keyword]:
    """`**more` in a call, where it is what the function got by name, and nothing else."""
    got = function.args.kwarg
    if not got or sum(n.id == got.arg for n in ast.walk(function) if isinstance(n, ast.Name)) > 1:
        return []
    return [node for node in ast.walk(function) if isinstance(node, ast.keyword)
            and node.arg is None and getattr(node.value, "id", "") == got.arg]


def rename_parameters(tree: ast.Module, named: set[str]) -> None:
    """All but `self` and those in `named`; inner functions first."""
    for node in reversed(list(ast.walk(tree))):
        if isinstance(node, Function):
            _rename(node, named)


def _rename(function: Function, named: set[str]) -> None:
    otherwise = _otherwise_bound(function)
    taken = otherwise | set(_identifiers(function))
    stay = named | {"self"} | otherwise | _asked_outside(function)
    new = (name for name in SHORT if name not in taken and not keyword.iskeyword(name))
    own = [a.arg for a in _arguments(function.args) if a.arg not in stay and len(a.arg) > 1]
    to = dict(zip(own, new, strict=False))
    for node in ast.walk(function):
        if isinstance(node, ast.Name):
            node.id = to.get(node.id, node.id)
        elif isinstance(node, ast.arg):
            node.arg = to.get(node.arg, node.arg)


def _arguments(of: ast.arguments) -> list[ast.arg]:
    return [*of.posonlyargs, *of.args, *of.kwonlyargs, *(a for a in (of.vararg, of.kwarg) if a)]


def _identifiers(tree: ast.AST) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Name):
            yield node.id
        elif isinstance(node, ast.arg):
            yield node.arg


def _asked_outside(function: Function) -> set[str]:
    """Names in what stands at the function and is worked out around it."""
    at: list[ast.expr | None] = [*function.args.defaults, *function.args.kw_defaults]
    at += [a.annotation for a in _arguments(function.args)]
    if isinstance(function, ast.FunctionDef):
        at += [*function.decorator_list, function.returns]
    return {name for node in at if node for name in _identifiers(node)}


def _otherwise_bound(function: Function) -> set[str]:
    """Names that are bound inside by more than an assignment: those are not renamed."""
    found = set()
    for node in ast.walk(function):
        if isinstance(node, ast.FunctionDef | ast.ClassDef) and node is not function:
            found.add(node.name)
            if isinstance(node, ast.ClassDef):  # what it binds are its attributes
                found |= set(_identifiers(node))
        elif isinstance(node, ast.alias):
            found.add(node.asname or node.name)
        elif isinstance(node, ast.ExceptHandler) and node.name:
            found.add(node.name)
        elif isinstance(node, ast.Global | ast.Nonlocal):
            found |= set(node.names)
    return found
