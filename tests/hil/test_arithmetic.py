"""The control's viper functions compute on the chip what they compute on the desktop."""

from __future__ import annotations

import pytest

from tests.bench.tick import HERE, interpreter, output
from tests.hil.rig import Rig

pytestmark = pytest.mark.hil
SCRIPT = HERE / "arithmetic.py"


@pytest.mark.parametrize("ticks", [1, 50])
def test_the_words_are_the_same(rig: Rig, ticks: int) -> None:
    rig.prompt()
    here = output([*interpreter(), str(SCRIPT), str(ticks), "run"], rig.model, b"").decode()
    board = rig.exec(f"import sys\nsys.argv[:] = ['', '{ticks}', 'run']\n{SCRIPT.read_text()}", 20)
    assert board.split() == here.split()
