"""Machines in the order in which people count, wherever they are listed."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from host_bridge.names import natural
from tests.unit.bridge.world import World


def test_numbers_count() -> None:
    wanted = ["2-a", "bar", "bar-1", "Bar-2", "bar-02x", "bar-10", "bar-10-3", "bar-10-20", "m1a"]
    mixed = [*wanted[1::2], *wanted[::2]]
    assert sorted(mixed, key=natural) == wanted


@given(st.lists(st.text(st.characters(codec="utf-8") | st.sampled_from("0129٣²-")), max_size=6))
def test_any_names_have_one_order(names: list[str]) -> None:
    """A name may come from an address."""
    turned = names[::-1]
    assert sorted(names, key=natural) == sorted(turned, key=natural)


def test_a_number_without_end_is_no_matter() -> None:
    assert natural("m-" + "9" * 100_000) > natural("m-2")


def test_the_registry_lists_in_that_order(world: World) -> None:
    for name in ("m10", "m2"):
        world.introduce(name)
    found = [one.machine for one in world.registry.machines()]
    assert found == sorted(found, key=natural) and found.index("m2") < found.index("m10")
