"""Who may know whom, and where a model's name may stand: the architecture, in the sources."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
OTHERS = {
    "firmware": {"boards", "host_bridge", "simulator", "tests"},
    "simulator": {"tests"},
    "host_bridge": {"boards", "firmware", "simulator", "tests"},
    "boards": {"tests"},
}
MODELS = {"1900", "2900"}


def sources(room: str) -> Iterator[tuple[str, ast.Module]]:
    for path in sorted((ROOT / room).rglob("*.py")):
        name = str(path.relative_to(ROOT))
        if "/tests/" not in name:
            yield name, ast.parse(path.read_text())


def imported(tree: ast.Module) -> set[str]:
    found = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and not node.level:
            found.add(node.module or "")
    return {name.split(".")[0] for name in found}


def models_decided_on(tree: ast.Module) -> list[int]:
    """Lines where a model's name is compared, matched, or the key of a table."""
    return [
        part.lineno
        for node in ast.walk(tree) for decider in deciders(node) for part in ast.walk(decider)
        if isinstance(part, ast.Constant) and part.value in MODELS
    ]


def deciders(node: ast.AST) -> list[ast.AST]:
    if isinstance(node, ast.Dict):
        return [key for key in node.keys if key]
    return [node] if isinstance(node, (ast.Compare, ast.match_case)) else []


@pytest.mark.parametrize("room", OTHERS)
def test_dependencies_point_one_way(room: str) -> None:
    wrong = {name: known for name, tree in sources(room)
             if (known := imported(tree) & OTHERS[room])}
    assert not wrong


@pytest.mark.parametrize("room", ["firmware", "simulator", "host_bridge"])
def test_no_code_asks_for_the_model(room: str) -> None:
    wrong = {name: lines for name, tree in sources(room) if (lines := models_decided_on(tree))}
    assert not wrong, "what differs stands in boards/, or in the version's own mapper"


def test_a_question_for_the_model_would_be_seen() -> None:
    for text in ('if model == "1900": pass', 'x = {"2900": 1}[model]', 'm in ("1900", "2900")'):
        assert models_decided_on(ast.parse(text)), text
