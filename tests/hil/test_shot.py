"""A whole recipe: brewed by the button, stopped at its yield, told in the journal."""

from __future__ import annotations

import pytest

from tests.hil.rig import Rig

pytestmark = [pytest.mark.hil, pytest.mark.fixture("pins", "machine"), pytest.mark.slow,
              pytest.mark.timeout(1800)]  # 40 s of a busy chip, emulated
HEAP_FREE_BYTES = 96 * 1024
TICK_MAX_US = 9000  # what the tick_overrun interlock allows; `make bench` has the real figure


def test_a_shot(rig: Rig) -> None:
    rig.jig.set("barista", 0)  # nobody takes the cup before we have looked into it
    rig.jig.set("temp_brew_mc", 93_000)
    if rig.data["STEAM_BOILER"]:
        rig.jig.set("temp_steam_mc", 123_000)
    with rig.application() as app:
        first = app.until(12_000, 1000, state="ready")
        rig.jig.press("brew")
        app.go(120)
        rig.jig.press("brew", False)
        seen = app.until(5000, 250, shot=1)
        app.until(60_000, 2000, state="ready", shot=0)
        end = app.go(1500)  # the fact is written when nothing pours any more
        assert end["shots_done"] == first["shots_done"] + 1, seen
        assert end["broken"] is None
        assert end["late_ticks"] == 0
        assert end["busy_max_us"] < TICK_MAX_US
        assert end["heap_free"] >= HEAP_FREE_BYTES
        assert end["latched"] == []
        check_water(rig)
    check_journal(rig)


def check_water(rig: Rig) -> None:
    pump, valve = rig.data["PUMP"], rig.data["VALVE_BREW"]
    assert [level for _, level in rig.jig.edges(valve)][-2:] == [1, 0]
    assert rig.jig.duty_permille(pump) == 0
    recipe = rig.ask("__import__('factory_recipes').RECIPES['0']")
    if weight_mg := recipe.get("stop", {}).get("weight_mg"):
        assert rig.jig.truth("cup_mg") == pytest.approx(weight_mg, rel=0.05)
    else:
        assert rig.jig.truth("cup_ul") == pytest.approx(recipe["volume_ul"], rel=0.12)


def check_journal(rig: Rig) -> None:
    rig.exec("import journal, json\nclass C:\n def stamp(self, f):\n  return f\n"
             "j = journal.Journal(C())\n"
             "facts = [json.loads(f) for f in j.read(j.first, 4096)]\nwhole = j.next - j.first")
    assert len(rig.ask("facts")) == rig.ask("whole")
    brews = rig.ask("[f for f in facts if f['kind'] == 'brew']")
    assert len(brews) == 1
    assert brews[0]["result"] == "ok"
    assert brews[0]["slot"] == "0"
    assert brews[0]["source"] == "local"
