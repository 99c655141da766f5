"""What the emulated board makes of options as people give them, before it starts anything."""

from __future__ import annotations

import shlex
import struct
import sys
from pathlib import Path

import pytest

from simulator.emulated import __main__ as emulated


def test_a_file_in_the_way_of_the_link_is_kept(tmp_path: Path) -> None:
    file = tmp_path / "notes"
    file.write_text("mine")
    with pytest.raises(ValueError, match=r"--pty .*notes: there is a file of that name"):
        emulated.free_for_a_link(file)
    left = tmp_path / "board"
    left.symlink_to("/dev/pts/gone")  # as a killed board leaves it
    emulated.free_for_a_link(left)
    assert file.read_text() == "mine"


def test_the_command_that_it_suggests_can_be_pasted(tmp_path: Path) -> None:
    link = tmp_path / "my boards" / "it's one"
    words = shlex.split(emulated.first_command(link))
    assert words[1:5] == ["connect", str(link), "resume", "exec"] and len(words) == 6


def test_two_boards_do_not_share_a_flash(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    flash = tmp_path / "1900.flash"
    flash.write_bytes(b"the first board's")
    words = ["--pty", str(tmp_path / "board2"), "--flash", str(flash), "--fresh"]
    monkeypatch.setattr(sys, "argv", ["emulated", "1900", *words])
    monkeypatch.setattr(emulated, "chosen", lambda image, model: tmp_path / "1900.uf2")
    with emulated.alone(flash, "--flash"):
        assert emulated.main() == 2
    said = capsys.readouterr().err
    assert "another emulated board has it" in said and "--flash build/board2.flash" in said
    assert flash.read_bytes() == b"the first board's"


@pytest.mark.parametrize("image", ["missing.uf2", "folder", "notes.txt"])
def test_an_image_that_is_none_is_named_with_the_cure(image: str, tmp_path: Path) -> None:
    (tmp_path / "folder").mkdir()
    (tmp_path / "notes.txt").write_text("no image")
    with pytest.raises(ValueError, match=f"{image}: no UF2 file; give one, or bare or wifi"):
        emulated.chosen(str(tmp_path / image), "1900")


def uf2(family: int = 0xE48BFF56, blocks: int = 3) -> bytes:
    """Three blocks of an image for a chip, of so many."""
    head = struct.pack("<8I", 0x0A324655, 0x9E5D5157, 0x2000, 0, 256, 0, blocks, family)
    return 3 * head.ljust(512, b"\0")


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (uf2(0xE48BFF59), "for an RP2040, which is the only chip"),  # the Pico 2 W's
        (uf2(blocks=4), "only a part of a UF2 file"), (uf2()[:-1], "only a part of a UF2 file"),
        (b"UF2\n", "no UF2 file"),
    ],
)
def test_an_image_that_would_never_say_a_word_is_refused(
    content: bytes, said: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("simulator.emulated.board.IMAGES", tmp_path)
    for name in ("own.uf2", "2900-wifi.uf2"):
        (tmp_path / name).write_bytes(content)
    for image in (str(tmp_path / "own.uf2"), "wifi"):
        with pytest.raises(ValueError, match=rf"^--image .*uf2: .*{said}.*bare or wifi"):
            emulated.chosen(image, "2900")
    (tmp_path / "own.uf2").write_bytes(uf2())
    assert emulated.chosen(str(tmp_path / "own.uf2"), "2900") == tmp_path / "own.uf2"


def test_a_flash_that_cannot_be_is_said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ["emulated", "1900", "--pty", str(tmp_path / "board"), "--flash", str(tmp_path)]
    monkeypatch.setattr(sys, "argv", words)
    monkeypatch.setattr(emulated, "chosen", lambda image, model: tmp_path / "1900.uf2")
    assert emulated.main() == 2
    assert capsys.readouterr().err


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--fault", "nope"], "no fault 'nope'"), (["--fault", "empty_tank=x"], "a whole number"),
        (["--fault", "empty_tank=7"], "not in 0...1"), (["--image", "nope.uf2"], "no UF2 file"),
    ],
)
def test_a_refused_board_erases_no_flash(
    words: list[str], said: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    flash = tmp_path / "1900.flash"
    kept = b"journal".ljust(emulated.FLASH_BYTES)
    flash.write_bytes(kept)
    if "--image" not in words:
        monkeypatch.setattr(emulated, "chosen", lambda image, model: tmp_path / "1900.uf2")
    places = ["--pty", str(tmp_path / "board"), "--flash", str(flash), "--fresh"]
    monkeypatch.setattr(sys, "argv", ["emulated", "1900", *places, *words])
    assert emulated.main() == 2
    assert said in capsys.readouterr().err
    assert flash.exists() and flash.read_bytes() == kept


@pytest.mark.parametrize("fresh", [True, False])
def test_a_file_that_is_no_flash_is_kept(fresh: bool, tmp_path: Path) -> None:
    file = tmp_path / "notes"
    file.write_text("mine")
    with pytest.raises(ValueError, match=r"--flash .*notes: no flash.*give another"):
        emulated.found(file, fresh)
    assert file.read_text() == "mine"


@pytest.mark.parametrize(("fresh", "begins"), [(True, "erased"), (False, "as last left")])
def test_a_flash_is_erased_when_that_is_wanted(
    fresh: bool, begins: str, tmp_path: Path
) -> None:
    flash = tmp_path / "1900.flash"
    assert emulated.found(flash, fresh) == "erased"
    flash.write_bytes(bytes(emulated.FLASH_BYTES))
    assert emulated.found(flash, fresh) == begins
    assert flash.exists() is not fresh


@pytest.mark.parametrize("speed", ["-1", "nan", "inf", "1e308", "fast"])
def test_a_speed_that_is_none_is_named_with_the_cure(
    speed: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, "argv", ["emulated", "1900", "--speed", speed])
    with pytest.raises(SystemExit):
        emulated.arguments()
    said = capsys.readouterr().err
    assert f"--speed: '{speed}': give a number from 0.001 to 1000000, or 0" in said


@pytest.mark.parametrize(("speed", "figure"), [("0", 0.0), ("2.5", 2.5)])
def test_a_speed_may_be_as_fast_as_possible(
    speed: str, figure: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "argv", ["emulated", "1900", "--speed", speed])
    assert emulated.arguments().speed == figure
