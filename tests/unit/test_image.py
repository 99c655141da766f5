"""What goes into an image. One with Wi-Fi needs a checkout: what it lacks is said beforehand."""

from __future__ import annotations

import threading
from pathlib import Path
from types import SimpleNamespace

import pytest

from boards.image import trees
from boards.image.build import LIBRARIES, ROOT, Builder, BuildError, Target


def refusal(tree: Path) -> str:
    with pytest.raises(BuildError) as caught:
        Builder(lambda line: None, tree / "work").build(Target("1900", tree))
    return str(caught.value)


def test_what_is_no_checkout_is_refused(tmp_path: Path) -> None:
    assert "not a MicroPython checkout" in refusal(tmp_path)


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


def test_two_builds_at_once_come_one_after_the_other(tmp_path: Path) -> None:
    """`make run-board` in two terminals: both would unpack and compile in the same folders."""
    said: list[str] = []
    waits = threading.Event()

    def say(line: str) -> None:
        said.append(line)
        waits.set()

    def build() -> None:
        with pytest.raises(BuildError):
            Builder(say, tmp_path).build(Target("1900", tmp_path))

    with Builder(lambda line: None, tmp_path)._alone():
        thread = threading.Thread(target=build)
        thread.start()
        assert waits.wait(60) and "another build is running" in said[0]
        assert thread.is_alive()
    thread.join(60)
    assert not thread.is_alive() and len(said) == 1


def test_an_image_that_was_half_written_is_not_taken_for_the_one_before(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    key, uf2 = "old", tmp_path / "work" / "bare.uf2"

    def collect(self: Builder, target: Target, tree: Path, folder: Path) -> None:
        uf2.write_text(f"made of {key}"[: 3 if key == "new" else None])
        if key == "new":
            raise KeyboardInterrupt

    monkeypatch.setattr("boards.image.build.ROOT", tmp_path)
    monkeypatch.setattr("boards.image.build.fingerprint", lambda target: key)
    monkeypatch.setattr("boards.image.trees.ill_frozen", lambda frozen, elf: "")
    monkeypatch.setattr(Builder, "_sources", lambda self, target: (tmp_path, ""))
    monkeypatch.setattr(Builder, "_compile", lambda self, *given: None)
    monkeypatch.setattr(Builder, "_collect", collect)
    builder = Builder(lambda line: None, tmp_path / "work")
    builder.build(Target("bare"))
    key = "new"
    with pytest.raises(KeyboardInterrupt):
        builder.build(Target("bare"))
    key = "old"
    assert builder.build(Target("bare")).read_text() == "made of old"


def frozen(manifest: Path, **chosen: str) -> list[str]:
    """The folders that a manifest freezes, as it names them; those it includes, too."""
    found: list[str] = []
    names = {
        "options": SimpleNamespace(defaults=lambda **more: None, **chosen),
        "freeze": lambda folder, files=(): found.append(folder), "require": lambda name: None,
        "include": lambda path, **more: found.extend(frozen(manifest.parent / path, **more)),
    }
    exec(manifest.read_text(), names)
    return found


@pytest.mark.parametrize("board", sorted(p.name for p in ROOT.glob("boards/coffee_*")))
def test_an_image_holds_the_data_of_the_folder_it_is_built_for(board: str) -> None:
    """A copy for a new machine must not carry the pins of the one it was copied from."""
    folders = frozen(ROOT / "boards" / board / "manifest.py")
    assert "$(BOARD_DIR)" in folders
    assert not [folder for folder in folders if "coffee_" in folder]
