"""A shot that a reset cuts off: told once, as aborted, never begun again; and no flash in a shot.

The unmodified firmware on the simulated board, started from the brew button.
"""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from simulator import Machine
from tests.support.contract import current
from tests.support.flash_image import read_journal

STARTING, BREWING, READY, STEAM = 3, 5, 2, 8
MODELS = ("1900", "2900")


def brews(data: Path, model: str) -> list[dict[str, object]]:
    held = read_journal(data / "flash.bin", f"coffee_{model}").held
    return [fact for fact in held.values() if fact["kind"] == "brew"]


def heat_up(machine: Machine) -> None:
    machine.run(2000)  # until the firmware stands
    machine.run_until("state", READY, 1_200_000, 1000)


@pytest.mark.parametrize("model", MODELS)
@pytest.mark.parametrize("how", ("power", "watchdog"))
def test_a_shot_cut_by_a_reset_becomes_one_aborted_brew(
    tmp_path: Path, model: str, how: str
) -> None:
    with Machine(model, data=tmp_path) as machine:
        heat_up(machine)
        machine.press("brew")
        machine.run_until("state", BREWING, 60_000)
        operations = machine.read()["flash_operations"]
        machine.run(3000)
        assert machine.read()["flash_operations"] == operations
        if how == "power":
            machine.power_cut()
        else:
            machine.fault("interrupts_off", 2000)
        machine.run(20_000)
        assert machine.live()["shot"] == 0
        heat_up(machine)
        machine.power_cut()
        machine.run(2000)
    found = brews(tmp_path, model)
    assert [(b["result"], b["reason"], b["source"]) for b in found] == [
        ("aborted", "reset", "local")], found
    for name in ("duration_ms", "volume_ul", "energy_j"):
        assert found[0][name] is None, "nobody knows: it is not 0"
    message = {"v": 1, "journal": "9f3a51c2", "boot": 2, "seq": found[0]["seq"], "first": 1,
               "sent_ms": 1, "sent_utc_ms": None, "facts": [found[0]]}  # fmt: skip
    current().validate("coffee/v1/m1/journal", json.dumps(message).encode())
    assert found[0]["boot"] == 1 and found[0]["shot"] == 1 and found[0]["slot"] == "0"


@pytest.mark.parametrize("model", MODELS)
def test_a_whole_shot_writes_only_before_and_after_its_water(tmp_path: Path, model: str) -> None:
    with Machine(model, data=tmp_path) as machine:
        heat_up(machine)
        machine.press("brew")
        machine.run_until("state", STARTING, 1000, 10)
        machine.run(1000)
        marked = machine.read()["flash_operations"]
        late = machine.live()["late_ticks"]
        while machine.live()["shot"]:
            machine.run(100)
            assert machine.read()["flash_operations"] == marked
        assert machine.live()["late_ticks"] == late
        machine.run(2000)
        assert machine.read()["flash_operations"] > marked
    assert [b["result"] for b in brews(tmp_path, model)] == ["ok"]


def test_a_shot_beside_the_open_steam_wand_is_told_of_after_a_reset(tmp_path: Path) -> None:
    with Machine("2900", data=tmp_path) as machine:
        machine.set("temp_brew_mc", 93_000)
        machine.set("temp_steam_mc", 123_000)
        heat_up(machine)
        machine.press("steam")
        machine.run(1000)
        assert machine.live()["state"] == STEAM
        machine.press("brew")
        machine.run_until("state", BREWING, 60_000)
        assert machine.read()["outputs"]["valve_steam"], "one may steam while it brews"
        machine.power_cut()
        machine.run(2000)
    assert [(b["result"], b["reason"]) for b in brews(tmp_path, "2900")] == [("aborted", "reset")]
