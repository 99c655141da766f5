"""Hardware in the loop: one suite for emulated and real boards (docs/hil.md).

    pytest tests/hil                                  both emulated boards, and one over its cable
    pytest tests/hil --board emulated-2900            one of them
    pytest tests/hil --board emulated-1900=my.uf2     one of them with another image; if it is not
                                                      one of ours, with the firmware flashed
    pytest tests/hil --board cable-1900               an emulated one as a laboratory has a real
                                                      one: a serial port, and a jig around it
    pytest tests/hil --board /dev/ttyACM0             a real one: what needs a fixture is counted
    pytest tests/hil --board /dev/ttyACM0 --fixture my_lab.jig:Jig
"""

from __future__ import annotations

import contextlib
import functools
import importlib
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

from boards.image.build import Builder, Target
from host_bridge.board.build import short_name
from simulator.emulated import EmulatedBoard
from simulator.emulated.board import image_of
from simulator.emulated.console import Console
from simulator.emulated.image import has_radio
from tests.hil.jig import EmulatedJig, Jig
from tests.hil.rig import FIXTURES, EmulatedRig, Rig, SerialRig

EMULATED = ("emulated-1900", "emulated-2900")
OVER_CABLE = "cable-1900"
LACKS = "needs a fixture this board lacks: "


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    if "rig" in metafunc.fixturenames:
        chosen = metafunc.config.getoption("--board") or _usual(metafunc.definition)
        if metafunc.definition.get_closest_marker("one_board"):
            chosen = chosen[:1]
        metafunc.parametrize("rig", chosen, indirect=True, scope="module")


def _usual(test: pytest.Item) -> tuple[str, ...]:
    """Over the cable what a real board can be asked and does not take an emulated one minutes."""
    for_emulator = any("emulator" in mark.args for mark in test.iter_markers("fixture"))
    return EMULATED if for_emulator or test.get_closest_marker("slow") else (*EMULATED, OVER_CABLE)


def pytest_runtest_setup(item: pytest.Item) -> None:
    """Skips, and counts, a test whose `fixture` marks name what its board has not; before any
    fixture of its module touches the board."""
    name = getattr(item, "callspec", None) and item.callspec.params.get("rig")
    if not name:
        return
    wanted = {name for mark in item.iter_markers("fixture") for name in mark.args}
    missing = sorted(wanted - _fixtures(name, item.config))
    if missing:
        pytest.skip(f"{LACKS}{', '.join(missing)} (docs/hil.md)")


def _fixtures(name: str, config: pytest.Config) -> set[str]:
    kind, model, image = _parts(name)
    if kind == "emulated":
        return _emulated_fixtures(model, image)
    if kind == "cable":
        return set(EmulatedJig.fixtures)
    jig = _jig(config)
    return set(jig.fixtures) if jig else set()


@functools.cache
def _emulated_fixtures(model: str, image: Path | None) -> set[str]:
    build_image(model, image)
    return set(FIXTURES) - (set() if has_radio(image or image_of(model)) else {"radio"})


def _parts(name: str) -> tuple[str, str, Path | None]:
    """(emulated, cable or serial; model; image), of what --board names. Raises BoardError:
    there is no such board."""
    kind, dash, rest = name.partition("-")
    if not dash or kind not in ("emulated", "cable"):
        return "serial", "", None
    model, _, image = rest.partition("=")
    return kind, short_name(model), Path(image) if image else None


def _jig(config: pytest.Config) -> type[Jig] | None:
    given = config.getoption("--fixture")
    if not given:
        return None
    module, _, name = given.partition(":")
    found: type[Jig] = getattr(importlib.import_module(module), name)
    return found


@pytest.fixture(scope="module")
def rig(request: pytest.FixtureRequest) -> Iterator[Rig]:
    kind, model, image = _parts(request.param)
    with contextlib.ExitStack() as stack:
        if kind == "emulated":
            build_image(model, image)
            made: EmulatedRig | SerialRig = EmulatedRig(model, image)
        elif kind == "cable":
            build_image(model, image)
            board = stack.enter_context(EmulatedBoard(model, image=image))
            console = Console(board)
            port = stack.enter_context(console)
            made = SerialRig(port, EmulatedJig(board, console.held))
        else:
            jig = _jig(request.config)
            made = SerialRig(request.param, jig(request.param) if jig else None)
        yield made
        made.close()


@pytest.fixture
def shots(request: pytest.FixtureRequest) -> int:
    """How many the memory test brews."""
    return int(request.config.getoption("--shots"))


@functools.cache
def build_image(model: str, image: Path | None = None) -> None:
    """As `make image`; once, whoever of several workers comes first. `image`: there is one."""
    if not image:
        Builder(lambda line: None).build(Target(model))


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """From the reports, which come from all workers of a parallel run."""
    counts = Counter[str]()
    for report in terminalreporter.stats.get("skipped", []):
        _, found, missing = str(report.longrepr).partition(LACKS)
        if found:
            counts.update(missing.partition(" (")[0].split(", "))
    if counts:
        terminalreporter.write_line(
            "hil: not run, the fixture is missing: "
            + ", ".join(f"{name} {count}" for name, count in sorted(counts.items())))
