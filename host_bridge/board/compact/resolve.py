"""Which names in a module are its globals, and these by another name."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Mapping
from typing import Any

Function = ast.FunctionDef | ast.Lambda
Comprehension = ast.ListComp | ast.SetComp | ast.DictComp | ast.GeneratorExp


def bound_globals(tree: ast.Module) -> set[str]:
    """Names bound at module level, and those that functions declare global."""
    declared = {n for node in ast.walk(tree) if isinstance(node, ast.Global) for n in node.names}
    return bound_in(tree.body) | declared


def locals_of(tree: ast.Module) -> set[str]:
    """Names bound in any function, parameters included, and in classes."""
    found = set()
    for node in ast.walk(tree):
        if isinstance(node, Function):
            found |= _locals(node)
        elif isinstance(node, Comprehension):
            found |= {n.id for g in node.generators for n in ast.walk(g.target)
                      if isinstance(n, ast.Name)}
        elif isinstance(node, ast.ClassDef):
            found |= bound_in(node.body)
    return found


def _locals(function: Function) -> set[str]:
    parameters = {a.arg for a in function.args.args + function.args.kwonlyargs}
    parameters |= {a.arg for a in (function.args.vararg, function.args.kwarg) if a}
    if isinstance(function, ast.Lambda):
        return parameters
    declared = {n for node in ast.walk(function) if isinstance(node, ast.Global)
                for n in node.names}
    return (parameters | bound_in(function.body)) - declared


def bound_in(body: list[ast.stmt]) -> set[str]:
    """Names bound by these statements in their own scope."""
    found = set()
    for node in _same_scope(body):
        if isinstance(node, ast.Name) and not isinstance(node.ctx, ast.Load):
            found.add(node.id)
        elif isinstance(node, ast.FunctionDef | ast.ClassDef):
            found.add(node.name)
        elif isinstance(node, ast.alias):
            found.add(node.asname or node.name)
        elif isinstance(node, ast.ExceptHandler) and node.name:
            found.add(node.name)
    return found


def _same_scope(nodes: list[Any]) -> Iterator[ast.AST]:
    for node in nodes:
        yield node
        if not isinstance(node, ast.FunctionDef | ast.ClassDef | ast.Lambda | Comprehension):
            yield from _same_scope(list(ast.iter_child_nodes(node)))


class Globals(ast.NodeTransformer):
    """Other names for globals. `inside`: modules whose globals are globals here: name → their
    names."""

    def __init__(self, names: Mapping[str, str], inside: Mapping[str, Mapping[str, str]]) -> None:
        self._names = names
        self._inside = inside
        self._scopes: list[set[str]] = []  # of functions around
        self._class: set[str] = set()  # names of the class whose body this is

    def _global(self, name: str) -> bool:
        return name not in self._class and not any(name in scope for scope in self._scopes)

    def visit_Name(self, node: ast.Name) -> ast.AST:
        if self._global(node.id):
            node.id = self._names.get(node.id, node.id)
        return node

    def visit_Attribute(self, node: ast.Attribute) -> ast.AST:
        value = node.value
        if isinstance(value, ast.Name) and value.id in self._inside and self._global(value.id):
            return ast.Name(self._inside[value.id][node.attr], node.ctx)
        return self.generic_visit(node)

    def visit_alias(self, node: ast.alias) -> ast.AST:
        name = node.asname or node.name
        if self._global(name) and self._names.get(name, name) != name:
            node.asname = self._names[name]
        return node

    def visit_Global(self, node: ast.Global) -> ast.AST:
        node.names = [self._names.get(name, name) for name in node.names]
        return node

    def visit_ExceptHandler(self, node: ast.ExceptHandler) -> ast.AST:
        if node.name and self._global(node.name):
            node.name = self._names.get(node.name, node.name)
        return self.generic_visit(node)

    def visit_FunctionDef(self, node: ast.FunctionDef) -> Any:
        if self._global(node.name):
            node.name = self._names.get(node.name, node.name)
        node.decorator_list = [self.visit(d) for d in node.decorator_list]
        return self._function(node)

    def visit_Lambda(self, node: ast.Lambda) -> Any:
        return self._function(node)

    def _function(self, node: Any) -> Any:
        arguments = node.args
        arguments.defaults = [self.visit(d) for d in arguments.defaults]
        arguments.kw_defaults = [d and self.visit(d) for d in arguments.kw_defaults]
        around, self._class = self._class, set()
        self._scopes.append(_locals(node))
        if isinstance(node, ast.Lambda):
            node.body = self.visit(node.body)
        else:
            node.body = [self.visit(s) for s in node.body]
        self._scopes.pop()
        self._class = around
        return node

    def visit_ClassDef(self, node: ast.ClassDef) -> ast.AST:
        if self._global(node.name):
            node.name = self._names.get(node.name, node.name)
        node.bases = [self.visit(b) for b in node.bases]
        around, self._class = self._class, bound_in(node.body)
        node.body = [self.visit(s) for s in node.body]
        self._class = around
        return node

    def _comprehension(self, node: Any) -> Any:
        self._scopes.append({n.id for g in node.generators for n in ast.walk(g.target)
                             if isinstance(n, ast.Name)})
        self.generic_visit(node)
        self._scopes.pop()
        return node

    visit_ListComp = visit_SetComp = visit_DictComp = visit_GeneratorExp = _comprehension
