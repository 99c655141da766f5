"""What is in the store already, sent to an ERP that came later (or whose database was restored).

The ERP knows a fact by its identity and keeps the one it holds, so sending again doubles nothing
and changes nothing; a run that was cut short is simply made again.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final

import structlog

from host_bridge.gateway.history import History, Key
from host_bridge.gateway.port import FactPush, Gateway, Permanent, Pushed, Transient
from host_bridge.inbox import Inbox

log = structlog.get_logger(__name__)
PAUSES_S: Final = (1.0, 3.0, 9.0, 27.0)
"""Before the same batch is tried again."""
CHECKPOINTS: Final = 500


@dataclass(slots=True)
class Sent:
    """What the ERP said to the facts; `machines` are those it does not let in."""

    stati: Counter[str] = field(default_factory=Counter)
    reasons: Counter[str] = field(default_factory=Counter)
    machines: list[str] = field(default_factory=list)

    def add(self, answers: list[Pushed]) -> None:
        self.stati.update(answer.status for answer in answers)
        self.reasons.update(answer.error for answer in answers if answer.status == "refused")


class Resend:
    """`machine` None: all. `since_ms`: facts from then on."""

    def __init__(
        self, history: History, inbox: Inbox, gateway: Gateway, machine: str | None,
        since_ms: int, batch: int, wait: Callable[[float], None] = time.sleep,
    ) -> None:  # fmt: skip
        self._history = history
        self._inbox = inbox
        self._gateway = gateway
        self._machine = machine
        self._batch = batch
        self._wait = wait
        self.keys: list[Key] = history.keys(machine, since_ms)
        self.sent = Sent()

    def run(self, progress: Callable[[int], None]) -> Sent:
        """`progress` is told the number of facts sent after each batch.

        Raises:
            Transient: the ERP did not answer, or not well; what was sent is there.
        """
        self._machines()
        for first in range(0, len(self.keys), self._batch):
            facts = self._history.facts(self.keys[first : first + self._batch],
                                        self._inbox.payload)  # fmt: skip
            self.sent.add(self._push([f for f in facts if f.machine not in self.sent.machines]))
            progress(len(facts))
        hand_over(self._history, self._gateway, self._machine)
        return self.sent

    def _machines(self) -> None:
        """Backends and recipes first, so that a brew finds its drink."""
        drafts = self._history.backends(self._machine)
        for draft, record in zip(drafts, self._gateway.save_backends(drafts), strict=True):
            if record.refused:
                self.sent.machines.append(draft.machine)
                continue
            rev, slots = self._history.recipes(draft.machine)
            try:
                if slots:
                    self._gateway.import_recipes(draft.machine, rev, slots)
            except Permanent as error:  # facts go without their drink; the others' go on
                self.sent.reasons[f"recipes of {draft.machine}: {error}"] += 1

    def _push(self, facts: list[FactPush]) -> list[Pushed]:
        for pause_s in PAUSES_S:
            try:
                return self._gateway.push(facts) if facts else []
            except Transient as error:
                log.warning("resend_waits", seconds=pause_s, error=str(error))
                self._wait(pause_s)
        return self._gateway.push(facts)


def hand_over(history: History, gateway: Gateway, machine: str | None = None) -> int:
    """Gives the ERP the checkpoints that are open here; how many those are."""
    drafts = history.open_checkpoints(machine)
    for first in range(0, len(drafts), CHECKPOINTS):
        gateway.add_checkpoints(drafts[first : first + CHECKPOINTS])
    return len(drafts)
