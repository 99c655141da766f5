"""When something that is done every so often is due, by a clock that may be set back."""

from __future__ import annotations


def is_due(due_ms: int, now_ms: int, every_ms: int) -> bool:
    """Whether it is time, or `due_ms` lies further ahead than it ever may: the clock was set back
    since it was noted, and would otherwise be waited for."""
    return not 0 < due_ms - now_ms <= every_ms
