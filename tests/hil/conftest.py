"""Hardware in the loop: one suite for emulated and real boards (docs/hil.md).

    pytest tests/hil                                  both emulated boards
    pytest tests/hil --board emulated-2900            one of them
    pytest tests/hil --board emulated-1900=my.uf2     one of them with another image; if it is not
                                                      one of ours, with the firmware flashed
    pytest tests/hil --board /dev/ttyACM0             a real one: what needs a fixture is counted
    pytest tests/hil --board /dev/ttyACM0 --fixture my_lab.jig:Jig
"""

from __future__ import annotations

import fcntl
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

from boards.image.build import Builder, Target
from simulator.emulated.board import IMAGES
from tests.hil.rig import EmulatedRig, Rig, SerialRig

EMULATED = ("emulated-1900", "emulated-2900")
LACKS = "needs a fixture this board lacks: "


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    if "rig" in metafunc.fixturenames:
        chosen = metafunc.config.getoption("--board") or EMULATED
        if metafunc.definition.get_closest_marker("one_board"):
            chosen = chosen[:1]
        metafunc.parametrize("rig", chosen, indirect=True, scope="module")


@pytest.fixture(scope="module")
def rig(request: pytest.FixtureRequest) -> Iterator[Rig]:
    name = request.param
    made: EmulatedRig | SerialRig
    if name.startswith("emulated-"):
        model, _, image = name.removeprefix("emulated-").partition("=")
        if not image:
            build_image(model)
        made = EmulatedRig(model, Path(image) if image else None)
    else:
        made = SerialRig(name, request.config.getoption("--fixture"))
    yield made
    made.close()


@pytest.fixture
def shots(request: pytest.FixtureRequest) -> int:
    """How many the memory test brews."""
    return int(request.config.getoption("--shots"))


def build_image(model: str) -> None:
    """As `make image`; once, whoever of several workers comes first."""
    IMAGES.mkdir(parents=True, exist_ok=True)
    with (IMAGES / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        Builder(lambda line: None).build(Target(model))


@pytest.fixture(autouse=True)
def required_fixtures(request: pytest.FixtureRequest) -> None:
    """Skips, and counts, a test whose `fixture` marks name what the rig has not."""
    if "rig" not in request.fixturenames:
        return
    rig = request.getfixturevalue("rig")
    marks = request.node.iter_markers("fixture")
    missing = sorted({name for mark in marks for name in mark.args} - rig.fixtures)
    if missing:
        pytest.skip(f"{LACKS}{', '.join(missing)} (docs/hil.md)")


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """From the reports, which come from all workers of a parallel run."""
    counts = Counter[str]()
    for report in terminalreporter.stats.get("skipped", []):
        _, found, missing = str(report.longrepr).partition(LACKS)
        if found:
            counts.update(missing.partition(" (")[0].split(", "))
    if counts:
        terminalreporter.write_line(
            "hil: not run for want of a fixture: "
            + ", ".join(f"{name} {count}" for name, count in sorted(counts.items())))
