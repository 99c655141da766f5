"""Every fault in every state ends in safe outputs in time, latched where it must be."""

from __future__ import annotations

import pytest

from tests.plant.rig import faults

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
