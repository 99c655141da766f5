"""What names a module binds and uses."""

from __future__ import annotations

import ast
from collections import Counter

Modules = dict[str, ast.Module]


def bindings(tree: ast.AST) -> Counter[str]:
    """How often each name is bound in a module, at any depth."""
    names: list[str] = []
    for node in ast.walk(tree):
        if isinstance(node, ast.Name) and not isinstance(node.ctx, ast.Load):
            names.append(node.id)
        elif isinstance(node, ast.arg):
            names.append(node.arg)
        elif isinstance(node, ast.alias):
            names.append(node.asname or node.name)
        elif isinstance(node, ast.FunctionDef | ast.ClassDef):
            names.append(node.name)
    return Counter(names)


def loads(tree: ast.AST) -> set[str]:
    """Names a module asks for."""
    return {n.id for n in ast.walk(tree)
            if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Load)}
