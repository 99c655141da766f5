"""Codes in words: the console and the ERP call them the same, and each has a word."""

from __future__ import annotations

import ast
import json
from pathlib import Path
from typing import Any

import pytest

from host_bridge.web import words

ROOT = Path(__file__).parents[2]
SCHEMAS = ROOT / "docs" / "schemas"


@pytest.fixture(scope="module")
def erp() -> dict[str, Any]:
    """The addon's page of words, without Odoo."""
    source = (ROOT / "host_bridge/addons/odoo19/connector_coffee/words.py").read_text()
    needs = "from odoo.tools.translate import LazyTranslate"
    assert needs in source
    found: dict[str, Any] = {}
    exec(source.replace(needs, "LazyTranslate = lambda module: str"), found)
    return found


def firmware(module: str, name: str) -> tuple[str, ...]:
    """A tuple of texts that stands in a firmware module."""
    for node in ast.parse((ROOT / "firmware" / f"{module}.py").read_text()).body:
        if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == name:
            return tuple(ast.literal_eval(node.value))
    raise AssertionError(f"no {name} in {module}")


def test_the_erp_says_what_the_console_says(erp: dict[str, Any]) -> None:
    console = {code: (one.title, one.cure) for code, one in words.ALARMS.items()}
    assert erp["ALARMS"] == console
    assert (erp["MAINTENANCE"], erp["REASONS"]) == (words.MAINTENANCE, words.REASONS)


def test_each_code_has_its_words(erp: dict[str, Any]) -> None:
    assert set(erp["ALARMS"]) == set(firmware("live", "ALARM_NAMES"))
    assert set(erp["REASONS"]) == set(firmware("brew", "REASONS"))
    facts = json.loads((SCHEMAS / "journal.json").read_text())["$defs"]
    info = json.loads((SCHEMAS / "info.json").read_text())
    assert set(words.CAPABILITIES) == set(info["properties"]["capabilities"]["items"]["enum"])
    assert set(erp["MAINTENANCE"]) == set(facts["maintenance"]["properties"]["code"]["enum"])
