"""What a front panel says: figures or none, alarms with their cure, how to let go of a latch."""

from __future__ import annotations

from typing import Any

from simulator.panel import _alarms, _more, _reading

SEEN: dict[str, Any] = {
    "temp_mc": 92_960, "setpoint_mc": 93_000, "steam_setpoint_mc": 0, "cup_ul": 36_400,
    "world_ms": 12_300, "wifi": True, "alarms": [], "latched": [],
}  # fmt: skip


def test_readings_carry_their_unit_and_a_broken_sensor_shows_none() -> None:
    assert _reading(SEEN, "temp_mc") == "93.0 °C"
    assert _reading(SEEN, "cup_ul") == "36 ml"
    assert _reading({**SEEN, "temp_mc": 164_900, "alarms": ["sensor_brew"]}, "temp_mc") == "– °C"
    assert _reading({}, "temp_mc") == "– °C"


def test_alarms_come_in_plain_words_with_their_cure() -> None:
    assert _alarms(SEEN) == []
    (said,) = _alarms({**SEEN, "alarms": ["hopper_empty"]})
    assert said == "Bean hopper empty. Fill the hopper."


def test_a_latch_says_how_to_let_go_of_it() -> None:
    over = _alarms({**SEEN, "latched": ["tank_empty"]})
    assert over == [
        "Water tank empty: over.", "Hold the Brew button for two seconds to acknowledge."]
    stands = _alarms({**SEEN, "alarms": ["tank_empty"], "latched": ["tank_empty"]})
    assert stands[-1].startswith("Once that is done, hold the Brew button")


def test_goals_are_those_of_the_boilers_it_has() -> None:
    assert _more(SEEN) == "Set to 93.0 °C · 12 s simulated · Wi-Fi connected"
    assert "steam to 123 °C" in _more({**SEEN, "steam_setpoint_mc": 123_000})
