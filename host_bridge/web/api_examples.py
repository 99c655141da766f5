"""Examples for the OpenAPI page, kept apart so that api.py reads as the list of paths it is."""

from __future__ import annotations

from typing import Any

BREW: dict[str, Any] = {
    "machine": "sim-1900",
    "external_id": "9f3ac21b/41",
    "boot": 17,
    "shot": 23,
    "slot": "0",
    "recipe_rev": 7,
    "source": "local",
    "command": None,
    "start_ms": 1795420770000,
    "time_known": True,
    "duration_ms": 27400,
    "volume_ul": 36200,
    "temp_mean_mc": 93040,
    "energy_j": 9400,
    "result": "ok",
    "reason": None,
    "weight_mg": None,
    "pressure_peak_mbar": None,
    "pressure_mean_mbar": None,
    "has_curve": True,
    "cursor": 41,
}

MACHINE: dict[str, Any] = {
    "machine": "sim-1900",
    "online": True,
    "model": "1900",
    "supported": True,
    "boot": 17,
    "journal": "9f3ac21b",
    "held_seq": 41,
    "info": {
        "v": 1,
        "model": "1900",
        "serial": "e6614c311b5f8c24",
        "capabilities": ["brew", "clean", "hot_water", "preinfusion", "volumetric"],
        "commands": ["brew", "stop", "setpoint", "clean", "standby", "wake", "alarm.ack"],
        "limits": {"brew_mc": [80000, 98000], "volume_ul": [5000, 160000], "phases_max": 0},
    },
    "state": {"v": 1, "state": "ready", "temp_mc": 93040, "setpoint_mc": 93000, "cup": True},
    "first_seen_ms": 1795413600000,
    "last_seen_ms": 1795420800000,
    "language": "en_US",
    "open_checkpoints": 0,
    "last_brew": BREW,
}

COMMAND: dict[str, Any] = {"name": "brew", "args": {"slot": "0"}, "deadline_s": 30}

DONE: dict[str, Any] = {
    "id": "b-5f3c9d",
    "machine": "sim-1900",
    "name": "brew",
    "args": {"slot": "0"},
    "user": "api",
    "state": "refused",
    "created_ms": 1795420770000,
    "deadline_ms": 1795420800000,
    "sent_ms": 1795420770010,
    "replied_ms": 1795420770080,
    "error": {
        "code": "cup_missing",
        "field": None,
        "message": "no cup under the spout; put one there",
    },
    "result": None,
}


def ok(example: Any) -> dict[int | str, dict[str, Any]]:
    return {200: {"content": {"application/json": {"example": example}}}}
