"""What `python -m boards.generate` writes is what the boards' data say."""

from __future__ import annotations

from boards.generate import TERMINALS, everything, models, wires
from simulator.emulated.stand_in import read_data


def test_nothing_has_drifted() -> None:
    for file, text in everything():
        assert file.read_text() == text, f"{file}: run python -m boards.generate"


def test_each_terminal_has_one_purpose() -> None:
    for model in models():
        data = read_data(model, "board")
        pins = [pin for pin, name, _ in wires(data) if not name.endswith("sensor")]
        assert len(pins) == len(set(pins)), model
        assert set(pins) <= set(TERMINALS)


def test_the_serial_line_is_wired_crosswise() -> None:
    found = {name: (pin, how) for pin, name, how in wires(read_data("1900", "board"))}
    assert found["serial line, TX"][0] == 0 and "adapter's RX" in found["serial line, TX"][1]
    assert found["serial line, RX"][0] == 1 and "adapter's TX" in found["serial line, RX"][1]
    assert not any("serial" in name for _, name, _ in wires(read_data("2900", "board")))
