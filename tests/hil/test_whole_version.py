"""The whole firmware as files beside MicroPython's own image, where its code lies in RAM."""

from __future__ import annotations

from contextlib import closing

import pytest

from simulator.emulated.board import image_of
from tests.hil.conftest import build_image
from tests.hil.rig import EmulatedRig

pytestmark = [pytest.mark.hil, pytest.mark.fixture("emulator"),
              pytest.mark.slow, pytest.mark.timeout(1800)]
HEAP_FREE_BYTES = 76 * 1024  # 85 seen on the 1900, 77 on the 2900; not compact 66 on the 1900


def test_it_starts_cold_under_its_watchdog_and_stays(rig: EmulatedRig) -> None:
    """The first heat-up tunes the boilers; the watchdog runs before the first tick does."""
    build_image("bare")
    with closing(EmulatedRig(rig.model, image_of("bare"))) as whole, whole.boot() as board:
        board.run_until(lambda: b"coffee: up" in board.console(), 20_000)
        board.run(3000)
        said = board.console()
        assert b"coffee: up" in said and b"Error" not in said, said[-2000:]
        assert board.resets == ["power"]
        assert board.run_until(lambda: board.pin(whole.data["HEATER_BREW"]) == 1, 2000, 1)


def test_a_shot_beside_micropython_s_own_image(rig: EmulatedRig) -> None:
    build_image("bare")
    with closing(EmulatedRig(rig.model, image_of("bare"))) as whole:
        brew(whole)


def brew(whole: EmulatedRig) -> None:
    whole.jig.set("barista", 0)
    whole.jig.set("temp_brew_mc", 93_000)
    if whole.data["STEAM_BOILER"]:
        whole.jig.set("temp_steam_mc", 123_000)
    with whole.application() as app:
        app.until(12_000, 1000, state="ready")
        whole.jig.press("brew")
        app.go(120)
        whole.jig.press("brew", False)
        app.until(5000, 250, shot=1)
        app.go(2000)
        whole.jig.press("brew")
        app.until(5000, 250, shot=0)
        whole.jig.press("brew", False)
        seen = app.go(1500)
        print(f"{seen['heap_free']} bytes free")
        assert (seen["shots_done"], seen["late_ticks"], seen["broken"]) == (1, 0, None)
        assert seen["heap_free"] >= HEAP_FREE_BYTES
