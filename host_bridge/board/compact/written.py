"""A tree as text again, such that MicroPython compiles it to what it made of the original."""

from __future__ import annotations

import ast


def written(tree: ast.Module) -> str:
    """The tree's text; the tree is used up.

    `a, b = x, y` stays without parentheses: MicroPython assigns the two directly then, and makes
    a tuple of `(x, y)`, which is an allocation and ends the tick.
    """
    bare = _Bare()
    text = ast.unparse(ast.fix_missing_locations(bare.visit(tree)))
    for mark, value in bare.values.items():
        text = text.replace(mark, value)
    return text + "\n"


class _Bare(ast.NodeTransformer):
    def __init__(self) -> None:
        self.values: dict[str, str] = {}

    def visit_Assign(self, node: ast.Assign) -> ast.AST:
        if isinstance(node.value, ast.Tuple) and isinstance(node.targets[0], ast.Tuple):
            mark = f"__tuple_{len(self.values)}__"
            self.values[mark] = ", ".join(map(ast.unparse, node.value.elts))
            node.value = ast.Name(mark, ast.Load())
        return node
