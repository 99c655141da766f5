"""Images with Wi-Fi need a MicroPython checkout: what it lacks is said before compiling."""

from __future__ import annotations

from pathlib import Path

import pytest

from boards.image import trees
from boards.image.build import LIBRARIES, Builder, BuildError, Target


def refusal(tree: Path) -> str:
    with pytest.raises(BuildError) as caught:
        Builder(lambda line: None, tree / "work").build(Target("1900", tree))
    return str(caught.value)


def test_what_is_no_checkout_is_refused(tmp_path: Path) -> None:
    assert "no MicroPython checkout" in refusal(tmp_path)


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    (tmp_path / "ports/rp2").mkdir(parents=True)
    (tmp_path / "ports/rp2/CMakeLists.txt").touch()
    for name in LIBRARIES:
        (tmp_path / "lib" / name).mkdir(parents=True)
    return tmp_path


@pytest.mark.parametrize("name", LIBRARIES)
def test_a_missing_submodule_is_named_with_the_cure(tree: Path, name: str) -> None:
    (tree / "lib" / name).rmdir()
    said = refusal(tree)
    assert name in said and "BOARD=RPI_PICO_W submodules" in said


def test_a_missing_compiler_is_named_with_the_cure(
    tree: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tree))
    assert "apt install gcc-arm-none-eabi" in refusal(tree)


def test_a_checkout_is_built_from_with_its_faults_mended_and_stays_as_it_is(
    tree: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    (wrong, right), *_ = trees.PATCHES
    tool = tree / trees.MPY_TOOL
    tool.parent.mkdir()
    tool.write_text(f"before\n    {wrong}\nafter\n")
    (tree / "py").mkdir()
    (tree / "py/gc.c").write_text("gc")
    before = tool.read_text()
    made = trees.shadow(tree, tmp_path_factory.mktemp("shadow") / "tree")
    assert (made / trees.MPY_TOOL).read_text() == f"before\n    {right}\nafter\n"
    assert (made / "py/gc.c").read_text() == "gc"
    assert tool.read_text() == before
