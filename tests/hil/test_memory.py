"""Memory after many shots: what is free at the end is what was free near the beginning.

`--shots N` says how many; a laboratory brews 200. Unless told fewer are brewed, enough to show a
leak of a kilobyte a shot: an emulated board takes one to two minutes for each.
"""

from __future__ import annotations

import pytest

from tests.hil.rig import Application, Rig

pytestmark = [pytest.mark.hil, pytest.mark.fixture("pins", "machine"), pytest.mark.slow,
              pytest.mark.timeout(10 * 3600)]
HEAP_FREE_BYTES = 96 * 1024
FLAT_BYTES = 1024
WARM = 2  # shots until every buffer that is made once has been made
PASS_MS = 40  # between passes of the background: memory does not depend on how often it looks
NO_COFFEE = 1  # in the portafilter
TENDED = {"tank_ml": 1500, "tray_ml": 0, "hopper_g": 250, "puck": NO_COFFEE, "cup": 1,
          "temp_brew_mc": 93_000}  # a shot waits for its temperature, the test need not


def test_memory_is_flat(rig: Rig, shots: int) -> None:
    rig.jig.set("barista", 0)
    if rig.data["STEAM_BOILER"]:
        rig.jig.set("temp_steam_mc", 123_000)
    free = []
    with rig.application() as app:
        for shot in range(1, shots + 1):
            free.append(brew(rig, app))
            print(f"shot {shot}: {free[-1]} bytes free", flush=True)
    assert min(free) >= HEAP_FREE_BYTES
    assert free[-1] >= free[WARM - 1] - FLAT_BYTES, free


def brew(rig: Rig, app: Application) -> int:
    """A shot that its drinker stops as soon as there is water; bytes free after it."""
    for name, value in TENDED.items():
        rig.jig.set(name, value)
    done = app.until(60_000, 1000, PASS_MS, state="ready")["shots_done"]
    press(rig, app)
    late_us = rig.jig.now_us + 60e6
    while app.go(500, PASS_MS)["pumped_ul"] == 0:
        rig.jig.set("temp_brew_mc", TENDED["temp_brew_mc"])  # heat meant for water not drunk
        assert rig.jig.now_us < late_us, "no water"
    press(rig, app)
    end = app.until(60_000, 1000, PASS_MS, shot=0)
    assert end["shots_done"] == done + 1, end
    return int(end["heap_free"])


def press(rig: Rig, app: Application) -> None:
    rig.jig.press("brew")
    app.go(120)
    rig.jig.press("brew", False)
