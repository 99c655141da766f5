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
