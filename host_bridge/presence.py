"""What the ERP is told of who is there: changes, and now and then when each was last heard of."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Final

import msgspec

from host_bridge.due import is_due
from host_bridge.gateway.port import Presence
from host_bridge.live import Live

AGAIN_MS: Final = 300_000
"""`last_seen_ms` alone is told this often; a fleet's every state would be a write in the ERP."""


class _Alarms(msgspec.Struct):
    alarms: list[str] = []


class Presences:
    """Remembers what was told; used by one thread.

    `online` says of a machine that was heard to be there whether it counts so now.
    """

    def __init__(self, live: Live, online: Callable[[bool], bool] = bool) -> None:
        self._live = live
        self._online = online
        self._told: dict[str, Presence] = {}

    def changed(self, limit: int) -> list[Presence]:
        found: list[Presence] = []
        for machine, heard, last_seen_ms, state in self._live.heard():
            online = self._online(heard)
            alarms = tuple(sorted(_alarms(state))) if online else ()
            now = Presence(machine, online, last_seen_ms, alarms)
            if _differs(self._told.get(machine), now):
                found.append(now)
                if len(found) == limit:
                    break
        return found

    def forget(self) -> None:
        """All is to be told again."""
        self._told.clear()

    def told(self, states: Sequence[Presence]) -> None:
        self._told.update((state.machine, state) for state in states)


def _alarms(state: bytes | None) -> Iterable[str]:
    return () if state is None else msgspec.json.decode(state, type=_Alarms).alarms


def _differs(told: Presence | None, now: Presence) -> bool:
    if told is None or (told.online, told.alarms) != (now.online, now.alarms):
        return True
    return is_due(told.last_seen_ms + AGAIN_MS, now.last_seen_ms, AGAIN_MS)
