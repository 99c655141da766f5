"""Another controller board in the same machine, boards/coffee_1900_rev_b: every program that takes
a board's name takes this one, and none takes a copy that still says it is another machine."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from boards.image import __main__ as image
from boards.image.build import Target
from host_bridge.board.build import short_name
from host_bridge.board.errors import BoardError
from simulator.emulated import __main__ as emulated
from simulator.fleet import FleetRefused, Wish, make_jobs
from tests.hil import conftest as hil


@pytest.fixture(autouse=True)
def boards(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The 1900, another board for it, and a 3900 that is a mere copy."""
    for name in ("coffee_1900", "coffee_1900_rev_b", "coffee_3900"):
        folder = tmp_path / "boards" / name
        folder.mkdir(parents=True)
        (folder / "board.py").write_text('MODEL = "1900"\n')
    monkeypatch.setattr("host_bridge.board.build.ROOT", tmp_path)


def test_of_two_boards_for_one_machine_it_is_the_one_that_was_named() -> None:
    assert [short_name(name) for name in ("1900", "coffee-1900-rev-b", "COFFEE_1900")] == [
        "1900", "1900_rev_b", "1900"]
    with pytest.raises(BoardError, match="board 1900_rev_c: no such board; use one of 1900"):
        short_name("1900_rev_c")


def test_a_machine_with_it_is_simulated_under_a_name_that_can_be() -> None:
    jobs = make_jobs(Wish(["1900", "1900-rev-b"], count=2))
    assert [(job.model, job.name) for job in jobs] == [
        ("1900", "sim-1900-1"), ("1900", "sim-1900-2"), ("1900_rev_b", "sim-1900-rev-b-1"),
        ("1900_rev_b", "sim-1900-rev-b-2")]


def test_the_hil_suite_takes_it_by_each_of_its_names() -> None:
    for name in ("1900_rev_b", "1900-rev-b", "coffee_1900_rev_b"):
        assert hil._parts(f"emulated-{name}") == ("emulated", "1900_rev_b", None)
    assert hil._parts("cable-1900-rev-b=my.uf2") == ("cable", "1900_rev_b", Path("my.uf2"))
    assert hil._parts("/dev/serial/by-id/usb-1900") == ("serial", "", None)
    with pytest.raises(BoardError, match="board 1900-rev-c: no such board"):
        hil._parts("emulated-1900-rev-c")


def builds(name: str, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Which images `python -m boards.image` then builds."""
    built: list[str] = []

    class Builder:
        def __init__(self, say: Callable[[str], None]) -> None:
            pass

        def build(self, target: Target) -> None:
            built.append(target.name)

    monkeypatch.setattr(image, "Builder", Builder)
    monkeypatch.setattr(sys, "argv", ["image", name])
    assert image.main() == 0
    return built


@pytest.mark.parametrize(
    ("name", "built"),
    [("1900", "1900"), ("coffee-1900", "1900"), ("1900-rev-b", "1900_rev_b"), ("bare", "bare")],
)
def test_an_image_is_built_from_any_folder(
    name: str, built: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert builds(name, monkeypatch) == [built]


def test_a_copy_that_says_it_is_another_machine_is_refused(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    wanted = 'MODEL is 1900; write MODEL = "3900"'
    with pytest.raises(FleetRefused, match=f"--model: .*{wanted}"):
        make_jobs(Wish(["3900"]))
    with pytest.raises(SystemExit):
        builds("3900", monkeypatch)
    monkeypatch.setattr(sys, "argv", ["emulated", "3900"])
    assert emulated.main() == 2
    assert capsys.readouterr().err.count(wanted) == 2
