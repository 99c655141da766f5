"""The tick allocates nothing: 10,000 ticks of a pouring machine under micropython.heap_lock."""

from __future__ import annotations

import pytest

from tests.plant.rig import figures


@pytest.mark.parametrize("board", ["coffee_1900", "coffee_2900"])
def test_ten_thousand_pouring_ticks_allocate_nothing(board: str) -> None:
    found = figures(board, "locked.pouring", ticks=10_000)
    assert found["broken"] == "None"
    assert found["ticks"] >= 10_000 and found["shots"] >= 3


def test_one_list_in_the_tick_is_found() -> None:
    found = figures("coffee_1900", "locked.pouring", ticks=100, sabotage=True)
    assert "MemoryError" in found["broken"]
