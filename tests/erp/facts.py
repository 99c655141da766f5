"""Facts as the bridge's mappers make them."""

from __future__ import annotations

from typing import Any

UTC_MS = 1_767_225_600_000
JOURNAL = "9f3a77aa"


def fact(seq: int, model: str, values: dict[str, Any], machine: str = "bar-left",
         journal: str = JOURNAL, **more: Any) -> dict[str, Any]:  # fmt: skip
    head = {"boot": 17, "uptime_ms": str(61_000 + seq), "time_known": True,
            "utc_ms": str(UTC_MS + seq * 60_000)}  # fmt: skip
    return {
        "machine": machine, "journal": journal, "seq": str(seq), "model": model,
        "values": head | values, "payload": {"seq": seq}, "checkpoint": None,
    } | more  # fmt: skip


def brew(
    seq: int, machine: str = "bar-left", journal: str = JOURNAL, **changes: Any
) -> dict[str, Any]:
    values = {
        "shot": seq, "slot": "0", "recipe_rev": 7, "source": "local", "command": None,
        "start_uptime_ms": "31000", "start_ms": str(UTC_MS), "duration_ms": 28_400,
        "volume_ul": "36100", "temp_mean_mc": 92_950, "energy_j": "9100", "result": "ok",
        "reason": None, "recipe_id": None,
    }  # fmt: skip
    return fact(seq, "coffee.brew", values | changes, machine, journal)


def alarm(seq: int, machine: str = "bar-left", **changes: Any) -> dict[str, Any]:
    """With the checkpoint the bridge asks for, from a warning on."""
    values = {"code": "tank_empty", "raised": True, "severity": "warning", "latched": True}
    values |= changes
    summary = f"{values['severity']} alarm: {values['code']}"
    look = values["raised"] and values["severity"] != "info"
    more = {"checkpoint": {"summary": summary, "language": "en_US"}} if look else {}
    return fact(seq, "coffee.alarm", values, machine, **more)
