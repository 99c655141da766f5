"""Plain numbers of the contract as people read them. Only formatting: no machine, no HTML."""

from __future__ import annotations

from datetime import UTC, datetime

MISSING = "–"


def thousandths(value: float | None, digits: int = 1) -> str:
    """Of milli-anything the whole ones; never -0.0, as a scale says around nothing."""
    return MISSING if value is None else f"{value / 1000:z.{digits}f}"


def celsius(temp_mc: float | None, digits: int = 1) -> str:
    return thousandths(temp_mc, digits)


def bar(pressure_mbar: float | None) -> str:
    return thousandths(pressure_mbar)


def ml(volume_ul: float | None) -> str:
    return thousandths(volume_ul)


def gram(weight_mg: float | None) -> str:
    return thousandths(weight_mg)


def seconds(duration_ms: float | None) -> str:
    return thousandths(duration_ms)


def kilojoule(energy_j: float | None) -> str:
    return thousandths(energy_j)


def kilowatt_hour(energy_j: float | None) -> str:
    return MISSING if energy_j is None else f"{energy_j / 3_600_000:.2f}"


def litre(volume_ul: float | None) -> str:
    return MISSING if volume_ul is None else f"{volume_ul / 1_000_000:.2f}"


def duration(span_ms: float | None) -> str:
    """A span as its two largest units: `3 d 4 h`, `12 min 5 s`."""
    if span_ms is None:
        return MISSING
    left_s = int(span_ms // 1000)
    parts: list[str] = []
    for unit_s, name in ((86400, "d"), (3600, "h"), (60, "min"), (1, "s")):
        count, left_s = divmod(left_s, unit_s)
        if count or (parts and unit_s > 1):
            parts.append(f"{count} {name}")
    return " ".join(parts[:2]) or "0 s"


def ago(utc_ms: int, now_ms: int) -> str:
    """How long ago, as console.js writes it: this is what shows before the browser takes over."""
    past_s = (now_ms - utc_ms) // 1000
    if -5 < past_s < 5:
        return "just now"
    size = _largest(abs(past_s))
    return f"{size} ago" if past_s > 0 else f"in {size}"


def exact(utc_ms: int) -> str:
    return datetime.fromtimestamp(utc_ms / 1000, UTC).strftime("%Y-%m-%d %H:%M:%S UTC")


def _largest(span_s: int) -> str:
    for below, unit_s, name in ((60, 1, "s"), (3600, 60, "min"), (86400, 3600, "h")):
        if span_s < below:
            return f"{span_s // unit_s} {name}"
    return f"{span_s // 86400} d"
