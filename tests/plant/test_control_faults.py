"""Every fault in every state ends in safe outputs in time, latched where it must be."""

from __future__ import annotations

import pytest

from tests.plant.rig import ROOT, faults

CASES = [
    pytest.param(board, fault, state, id=f"{board[-4:]}-{fault.title}-{state}")
    for board in ("coffee_1900", "coffee_2900")
    for fault, state in faults.runs(board)
]


@pytest.mark.parametrize("board, fault, state", CASES)
def test_fault(board: str, fault: faults.Fault, state: str) -> None:
    found = faults.run(board, fault, state)
    assert found["state"] == state and not found["before"], found
    assert faults.complaints(board, fault, found) == [], found


def test_the_document_is_the_one_that_is_written_from_here() -> None:
    # its figures follow the firmware by a few ticks; its runs and its prose do not change by hand
    text = (ROOT / "docs/safety.md").read_text()
    assert text.startswith(faults.HEAD)
    for board in ("coffee_1900", "coffee_2900"):
        section = text.split(f"## {board}\n")[1].split("\n## ")[0]
        assert section.count("\n| ") == 1 + len(faults.runs(board)), board  # one is the header
