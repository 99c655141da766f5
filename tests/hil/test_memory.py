"""Memory after many shots: what is free at the end is what was free near the beginning.

`--shots N` says how many; a laboratory brews 200. Unless told fewer are brewed, enough to show a
leak of a kilobyte a shot: an emulated board takes half a minute for each.
"""

from __future__ import annotations

from typing import Any

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
          "barista": 0}


def test_memory_is_flat(rig: Rig, shots: int) -> None:
    slot, recipe = without_grinding(rig)
    tend(rig, recipe["temp_mc"])  # before anybody looks, or the sensors jump
    free = []
    with rig.application() as app:
        assert app.command("config.put", button_slot=int(slot))["ok"]
        app.until(60_000, 1000, PASS_MS, state="ready")
        for shot in range(1, shots + 1):
            end = brew(rig, app, recipe["temp_mc"])
            assert end["shots_done"] == shot, end
            free.append(int(end["heap_free"]))
            print(f"shot {shot}: {free[-1]} bytes free", flush=True)
    assert min(free) >= HEAP_FREE_BYTES
    assert free[-1] >= free[WARM - 1] - FLAT_BYTES, free


def without_grinding(rig: Rig) -> tuple[str, dict[str, Any]]:
    """A slot and its recipe for ground coffee: half the time, and the same firmware."""
    recipes = rig.ask("__import__('factory_recipes').RECIPES")
    return next((slot, recipe) for slot, recipe in sorted(recipes.items())
                if "dose_ms" not in recipe)


def brew(rig: Rig, app: Application, temp_mc: int) -> dict[str, Any]:
    """A shot that its drinker stops as soon as there is water, and what the machine says when it
    is ready for another."""
    tend(rig, temp_mc)
    press(rig, app)
    late_us = rig.jig.now_us + 60e6
    while app.go(500, PASS_MS)["pumped_ul"] == 0:
        rig.jig.set("temp_brew_mc", temp_mc)  # heat meant for water not drunk
        assert rig.jig.now_us < late_us, "no water"
    press(rig, app)
    return app.until(60_000, 500, PASS_MS, state="ready", shot=0)


def tend(rig: Rig, temp_mc: int) -> None:
    for name, value in TENDED.items():
        rig.jig.set(name, value)
    rig.jig.set("temp_brew_mc", temp_mc)  # a shot waits for its temperature, the test need not
    if rig.data["STEAM_BOILER"]:
        rig.jig.set("temp_steam_mc", 123_000)


def press(rig: Rig, app: Application) -> None:
    rig.jig.press("brew")
    app.go(120)
    rig.jig.press("brew", False)
