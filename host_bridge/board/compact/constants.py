"""Integer constants, written where they are used and gone where they were."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from typing import Any, Final

from host_bridge.board.compact.scope import Modules, bindings, loads

SMALL: Final = 1 << 30
"""Integers from -SMALL to SMALL - 1 stand in the code itself (py/smallint.h, 32 bits)."""

_PLAIN: Final = (ast.Constant, ast.Name, ast.Attribute, ast.UnaryOp, ast.BinOp, ast.Call,
                 ast.Load, ast.operator, ast.unaryop)
_NAMESPACE: Final = {"__builtins__": {}, "const": int, "range": range}

Values = dict[str, dict[str, int]]


def constants(modules: Modules) -> Values:
    """module → name → value: bound once, never stored to, a small integer."""
    stored = {node.attr for tree in modules.values() for node in ast.walk(tree)
              if isinstance(node, ast.Attribute) and isinstance(node.ctx, ast.Store)}
    values: Values = {name: {} for name in modules}
    known = -1
    while known != (known := sum(map(len, values.values()))):  # one may be made of another's
        for name, tree in modules.items():
            times = bindings(tree)
            reached = {**values[name], **_reached(tree, values)}
            for target, value in _settled(tree, reached):
                if target.isupper() and times[target] == 1 and target not in stored:
                    values[name][target] = value
    return values


def _reached(tree: ast.Module, values: Values) -> dict[str, Any]:
    """What a module has imported, as far as it is known: constants, and modules of them."""
    found: dict[str, Any] = {}
    for node in ast.walk(tree):
        for alias in node.names if isinstance(node, ast.Import | ast.ImportFrom) else ():
            name = alias.asname or alias.name
            if isinstance(node, ast.Import) and alias.name in values:
                found[name] = type(alias.name, (), values[alias.name])
            elif isinstance(node, ast.ImportFrom) and node.module in values:
                value = values[node.module].get(alias.name)
                found |= {} if value is None else {name: value}
    return found


def _settled(tree: ast.Module, reached: dict[str, Any]) -> Iterator[tuple[str, int]]:
    for node in tree.body:
        if not isinstance(node, ast.Assign) or not _plain(node.value):
            continue
        try:
            value = eval(compile(ast.Expression(node.value), "", "eval"), _NAMESPACE, reached)
        except Exception:  # made of something that is not settled
            continue
        target = node.targets[0]
        names = target.elts if isinstance(target, ast.Tuple) else [target]
        every = value if isinstance(target, ast.Tuple) else [value]
        for one, number in zip(names, every, strict=True):
            if isinstance(one, ast.Name) and isinstance(number, int) and -SMALL <= number < SMALL:
                yield one.id, number


def _plain(value: ast.expr) -> bool:
    return all(isinstance(node, _PLAIN) and (not isinstance(node, ast.Call)
               or (isinstance(node.func, ast.Name) and node.func.id in _NAMESPACE))
               for node in ast.walk(value))


class Insert(ast.NodeTransformer):
    """Constants to where they are used."""

    def __init__(self, name: str, values: Values) -> None:
        self._own = values[name]
        self._values = values
        self._modules: dict[str, str] = {}
        self._names = dict(self._own)

    def visit_Module(self, node: ast.Module) -> ast.AST:
        bound = bindings(node)
        for part in ast.walk(node):
            for alias in part.names if isinstance(part, ast.Import | ast.ImportFrom) else ():
                name = alias.asname or alias.name
                if bound[name] != 1:
                    continue
                if isinstance(part, ast.Import) and alias.name in self._values:
                    self._modules[name] = alias.name
                elif isinstance(part, ast.ImportFrom):
                    value = self._values.get(part.module or "", {}).get(alias.name)
                    self._names |= {} if value is None else {name: value}
        return self.generic_visit(node)

    def visit_Name(self, node: ast.Name) -> ast.AST:
        known = isinstance(node.ctx, ast.Load) and node.id in self._names
        return ast.Constant(self._names[node.id]) if known else node

    def visit_Attribute(self, node: ast.Attribute) -> ast.AST:
        self.generic_visit(node)
        if isinstance(node.ctx, ast.Load) and isinstance(node.value, ast.Name):
            module = self._modules.get(node.value.id, "")
            if node.attr in self._values.get(module, {}):
                return ast.Constant(self._values[module][node.attr])
        return node


def still_asked(modules: Modules) -> set[str]:
    """Names that some module asks another one for."""
    asked = set()
    for tree in modules.values():
        loaded = loads(tree)
        for node in ast.walk(tree):
            if isinstance(node, ast.Attribute) and isinstance(node.ctx, ast.Load):
                asked.add(node.attr)
            elif isinstance(node, ast.ImportFrom):
                asked |= {a.name for a in node.names if (a.asname or a.name) in loaded}
    return asked


class Remove(ast.NodeTransformer):
    """Definitions of constants that stand where they are used."""

    def __init__(self, gone: set[str]) -> None:
        self._gone = gone

    def visit_Assign(self, node: ast.Assign) -> ast.AST | None:
        target = node.targets[0]
        names = target.elts if isinstance(target, ast.Tuple) else [target]
        gone = all(isinstance(n, ast.Name) and n.id in self._gone for n in names)
        return None if gone and len(node.targets) == 1 else node


def drop_idle_imports(tree: ast.Module, before: ast.Module) -> None:
    """Imports that were used before and are no more."""
    idle = loads(before) - loads(tree)

    class Drop(ast.NodeTransformer):
        def visit_Import(self, node: ast.Import | ast.ImportFrom) -> ast.AST | None:
            node.names = [a for a in node.names if (a.asname or a.name) not in idle]
            return node if node.names else None

        visit_ImportFrom = visit_Import

    Drop().visit(tree)
