"""One import path serves shims, firmware and plant: no name may stand twice on it."""

from __future__ import annotations

from pathlib import Path

ROOT = Path(__file__).resolve().parents[3]


def modules(folder: str) -> set[str]:
    return {p.stem for p in (ROOT / folder).glob("*.py")} - {"__init__"}


def test_no_module_of_simulator_or_shim_hides_one_of_the_firmware() -> None:
    firmware = modules("firmware") | modules("boards/coffee_1900") - {"plant"}
    assert "tick" in firmware
    assert not firmware & (modules("simulator") | modules("simulator/shim"))
