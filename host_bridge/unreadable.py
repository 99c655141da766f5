"""Whole messages nobody could read, brought before a person: one checkpoint a machine and kind.

While that checkpoint is open, more of the same only fill the quarantine; what comes after it was
reviewed asks again. Machines that never said anything readable are not asked about: anybody can
write to a topic.
"""

from __future__ import annotations

from typing import Final

from host_bridge.connector.checkpoint import about_backend
from host_bridge.contract import topics
from host_bridge.gateway.port import BACKEND, CheckpointDraft, CheckpointKey, Gateway
from host_bridge.inbox import Inbox, Unread
from host_bridge.keeper import Keeper
from host_bridge.registry import Registry
from host_bridge.settings import Settings

KEPT: Final = "unreadable"
REASON: Final = 200


class Unreadable:
    """Used by one thread."""

    def __init__(
        self, inbox: Inbox, registry: Registry, keeper: Keeper, gateway: Gateway,
        settings: Settings,
    ) -> None:  # fmt: skip
        self._inbox = inbox
        self._registry = registry
        self._keeper = keeper
        self._gateway = gateway
        self._settings = settings

    def report(self) -> None:
        """Looks at what came since the last time. Raises Transient, and then looks again."""
        kept = self._keeper.get(KEPT) or {"upto": 0, "asked": {}}
        found = self._inbox.unreadable(kept["upto"])
        if not found:
            return
        asked: dict[str, str] = kept["asked"]
        ours = [one for one in found if self._registry.machine(one.machine) is not None]
        closed = self._closed([one for one in ours if one.topic in asked], asked)
        fresh = [one for one in ours if one.topic not in asked or one.topic in closed]
        self._gateway.add_checkpoints([self._draft(one) for one in fresh])
        asked |= {one.topic: _coffee_id(one) for one in fresh}
        self._keeper.put(KEPT, {"upto": max(one.last_id for one in found), "asked": asked})

    def _closed(self, rows: list[Unread], asked: dict[str, str]) -> set[str]:
        """Topics whose checkpoint a person has reviewed."""
        keys = {CheckpointKey(one.machine, BACKEND, asked[one.topic]): one.topic for one in rows}
        return {keys[found.key] for found in self._gateway.reviewed(list(keys))}

    def _draft(self, one: Unread) -> CheckpointDraft:
        many = "a message" if one.count == 1 else f"{one.count} messages"
        summary = (
            f"{many} on {one.topic} could not be read ({one.reason[:REASON]}); see the "
            "bridge's quarantine"
        )
        return about_backend(
            one.machine, _coffee_id(one), summary, self._settings.language_of(one.machine)
        )


def _coffee_id(one: Unread) -> str:
    return f"unreadable/{topics.read(one.topic).kind}/{one.first_id}"
