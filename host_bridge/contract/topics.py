"""Names of the topics, both ways: built for publishing, read when a message comes."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

from host_bridge.contract.messages import ContractError

PREFIX: Final = "coffee/v1"
DURABLE: Final = ("status", "info", "journal", "recipes", "reply")
"""Kinds the machine sends with QoS 1."""
FLEETING: Final = ("state", "shot")
"""Kinds it sends with QoS 0."""
_MACHINE: Final = re.compile(r"[a-z0-9-]{1,32}")


@dataclass(frozen=True, slots=True)
class Source:
    machine: str
    kind: str


def read(topic: str) -> Source:
    """Which machine says what.

    Raises:
        ContractError: not a topic a machine may publish on.
    """
    levels = topic.split("/")
    if "/".join(levels[:2]) != PREFIX or len(levels) != 4:
        raise ContractError("topic", f"{topic[:80]!r} is not {PREFIX}/<machine>/<kind>")
    machine, kind = levels[2:]
    if not _MACHINE.fullmatch(machine):
        raise ContractError(
            "topic", f"machine name {machine[:40]!r} is not [a-z0-9-]{{1,32}}; rename the machine"
        )
    if kind not in DURABLE and kind not in FLEETING:
        raise ContractError("topic", f"{kind[:40]!r} is not a kind that machines publish")
    return Source(machine, kind)


def from_host(topic: str) -> bool:
    """Said by a host to a machine, or by a bridge of itself: never for us, and no fault of the
    sender when a careless broker hands it on."""
    levels = topic.split("/")
    if "/".join(levels[:2]) != PREFIX or len(levels) < 4:
        return False
    return levels[2] == "_host" or levels[3:] == ["ack"] or levels[3] == "cmd"


def ack(machine: str) -> str:
    return f"{PREFIX}/{machine}/ack"


def command(machine: str, name: str) -> str:
    return f"{PREFIX}/{machine}/cmd/{name}"


def journal(machine: str) -> str:
    return f"{PREFIX}/{machine}/journal"


def bridge_status(bridge: str) -> str:
    return f"{PREFIX}/_host/{bridge}/status"


def subscriptions(bridge: str) -> list[tuple[str, int]]:
    """(filter, QoS). The bridge's own status comes last: it marks the end of a backlog."""
    wanted = [(f"{PREFIX}/+/{kind}", 1) for kind in DURABLE]
    wanted += [(f"{PREFIX}/+/{kind}", 0) for kind in FLEETING]
    return [*wanted, (bridge_status(bridge), 1)]
