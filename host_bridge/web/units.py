"""Plain numbers of the contract as people read them. Only formatting: no machine, no HTML."""

from __future__ import annotations

from datetime import UTC, datetime

MISSING = "–"


def celsius(temp_mc: float | None, digits: int = 1) -> str:
    return MISSING if temp_mc is None else f"{temp_mc / 1000:.{digits}f}"


def bar(pressure_mbar: float | None) -> str:
    return MISSING if pressure_mbar is None else f"{pressure_mbar / 1000:.1f}"


def ml(volume_ul: float | None) -> str:
    return MISSING if volume_ul is None else f"{volume_ul / 1000:.1f}"


def gram(weight_mg: float | None) -> str:
    return MISSING if weight_mg is None else f"{weight_mg / 1000:.1f}"


def seconds(duration_ms: float | None) -> str:
    return MISSING if duration_ms is None else f"{duration_ms / 1000:.1f}"


def kilojoule(energy_j: float | None) -> str:
    return MISSING if energy_j is None else f"{energy_j / 1000:.1f}"


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
