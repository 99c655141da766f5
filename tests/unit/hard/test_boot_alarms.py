"""What stands when the power comes on counts from the first tick, and only that."""

from __future__ import annotations

import pytest

from simulator import Machine


@pytest.mark.parametrize("model", ["1900", "2900"])
def test_a_healthy_machine_boots_without_any_alarm(model: str) -> None:
    with Machine(model) as machine:
        for _ in range(120):
            machine.run(10)
            assert machine.live()["alarms"] == 0


@pytest.mark.parametrize("model", ["1900", "2900"])
def test_an_empty_tank_at_boot_is_told_and_keeps_the_pump_off(model: str) -> None:
    with Machine(model, faults={"empty_tank": 1}) as machine:
        machine.run(200)
        assert machine.live()["alarms"]
        machine.press("brew")
        machine.run(2000)
        assert machine.live()["pump_permille"] == 0
