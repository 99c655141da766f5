"""Settings over the cable and by command, across a reset; memory with everything running."""

from __future__ import annotations

import pytest

from tests.hil.rig import Rig

pytestmark = pytest.mark.hil
HEAP_FREE_BYTES = 96 * 1024


def test_settings_over_the_cable_outlive_a_reset(rig: Rig) -> None:
    rig.prompt()
    rig.exec("import config\nconfig.provision({'machine': 'hil-board', 'button_slot': 1})")
    rig.reset()
    rig.prompt()
    assert rig.ask("__import__('config').load()['machine']") == "hil-board"
    assert rig.ask("__import__('config').load()['button_slot']") == 1


def test_a_bad_setting_is_refused_by_name_and_changes_nothing(rig: Rig) -> None:
    rig.prompt()
    said = rig.exec("import config\ntry:\n config.provision({'button_slot': 99})\n"
                    "except ValueError as e:\n print(e)")
    assert "button_slot" in said
    assert rig.ask("__import__('config').load()['button_slot']") in (0, 1)


def test_settings_by_command(rig: Rig) -> None:
    with rig.application() as app:
        app.go(300)
        seen = app.go(100)
        assert seen["heap_free"] >= HEAP_FREE_BYTES, "with everything running"
        reply = app.command("config.put", button_slot=0)
        assert reply["ok"], reply
        refused = app.command("config.put", button_slot=16)
        assert not refused["ok"]
        assert "button_slot" in str(refused["error"])
    assert rig.ask("__import__('config').load()['button_slot']") == 0
