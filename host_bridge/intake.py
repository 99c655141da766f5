"""What a message from a machine does: to the inbox, the registry, the outbox and to live.

Called by the one writer thread inside its transaction. Whatever comes is stored or quarantined,
never an exception for bad input. What others must learn waits in `after` until the commit.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, Protocol

import structlog

from host_bridge.contract import messages, topics
from host_bridge.contract.messages import ContractError
from host_bridge.curves import Curves
from host_bridge.due import is_due
from host_bridge.inbox import Envelope, Inbox, Outcome, RawFact
from host_bridge.live import Live
from host_bridge.registry import Identity, Registry
from host_bridge.views import Curve

log = structlog.get_logger(__name__)

SEEN_EVERY_MS: Final = 60_000
"""How often it is written down that a machine was heard; every state would be a write."""


@dataclass(frozen=True, slots=True)
class Incoming:
    """One message as it came from the broker."""

    topic: str
    payload: bytes
    retain: bool
    live: bool
    """False while the broker still delivers what waited for us."""
    arrival_ms: int
    again: bool = False
    """Taken in again out of quarantine."""

    @property
    def heard(self) -> bool:
        """It is a sign of life, and not what the broker or the quarantine kept."""
        return not (self.retain or self.again)


class Listener(Protocol):
    """Who is told after the commit. Calls come from the writer thread and must be short."""

    def facts_stored(self) -> None: ...

    def resent(self, machine: str, journal: str) -> None:
        """The machine sends facts that are held already: it may lack the ack."""

    def came_online(self, machine: str) -> None: ...

    def clock_wanted(self, machine: str) -> None: ...

    def model_known(self, machine: str, model: str) -> None:
        """The machine said what it is: for the first time here, or something new."""

    def recipes_changed(self) -> None: ...

    def replied(self, command_id: str) -> None: ...


class Replies(Protocol):
    """The part of the outbox a reply goes to."""

    def reply(
        self, tx: sqlite3.Connection, machine: str, reply: messages.Reply, now_ms: int
    ) -> bool:
        """False when it changed nothing."""


class Intake:
    def __init__(
        self, inbox: Inbox, registry: Registry, curves: Curves, live: Live, replies: Replies,
        listener: Listener, payload_bytes: int,
    ) -> None:  # fmt: skip
        self._inbox = inbox
        self._registry = registry
        self._curves = curves
        self._live = live
        self._replies = replies
        self._listener = listener
        self._payload_bytes = payload_bytes
        self._models: dict[str, Identity] = {}
        self._seen: dict[str, int] = {}
        self._kept: dict[tuple[str, int, int], tuple[Curve, int]] = {}
        self._came: dict[str, int] = {}
        """Machine → boot with which it came online in this group; live.py tells it once."""
        self.after: dict[tuple[str, ...], Callable[[], None]] = {}
        """By what it tells and of whom: on a full disk a group is tried for days."""

    def take(self, tx: sqlite3.Connection, incoming: Incoming) -> tuple[str, Outcome]:
        """(kind of topic for counting, what became of it)."""
        machine, kind = None, "other"
        try:
            source = topics.read(incoming.topic)
            machine, kind = source.machine, source.kind
            if len(incoming.payload) > self._payload_bytes:
                raise ContractError(
                    "payload", f"{len(incoming.payload)} bytes, at most {self._payload_bytes}"
                )
            message = messages.decode(kind, incoming.payload)
            self._note(tx, machine, incoming.arrival_ms, incoming.heard)
            return kind, self._dispatch(tx, machine, message, incoming)
        except ContractError as error:
            reason = f"{error}; correct the sender"
        except (sqlite3.Error, MemoryError):
            raise  # not the message's fault: the group is tried again
        except Exception as error:
            log.exception("intake_defect", topic=incoming.topic[:120])
            reason = f"bug in the bridge: {error!r}; report it, then replay"
        self._inbox.set_aside_message(
            tx, incoming.topic, machine, incoming.payload, reason, incoming.arrival_ms
        )
        log.warning("quarantined", topic=incoming.topic[:120], reason=reason)
        return kind, Outcome(quarantined=1)

    def begin(self, tx: sqlite3.Connection) -> None:
        """A new group; first what an undone one left behind."""
        for curve, now_ms in self._kept.values():
            self._curves.store(tx, curve, now_ms)

    def undone(self) -> None:
        """The transaction was rolled back and will be tried again. Memory has moved on, so what
        is only there (ended curves, whom to tell) is kept for the next attempt."""
        self._models.clear()
        self._seen.clear()
        self._inbox.forget_cache()

    def committed(self) -> None:
        """Tells everybody; nobody is left to be told afterwards."""
        self._kept.clear()
        self._came.clear()
        told, self.after = self.after, {}
        for tell in told.values():
            try:
                tell()
            except Exception:  # one who cannot write must not keep the word from the others
                log.exception("listener_failed")

    def _note(self, tx: sqlite3.Connection, machine: str, now_ms: int, heard: bool) -> None:
        seen_ms = self._seen.get(machine)
        if not heard:
            if seen_ms is None:
                self._registry.meet(tx, machine, now_ms)
        elif seen_ms is None or is_due(seen_ms + SEEN_EVERY_MS, now_ms, SEEN_EVERY_MS):
            self._registry.see(tx, machine, now_ms)
            self._seen[machine] = now_ms
        self._live.seen(machine, now_ms, heard)

    def _dispatch(
        self, tx: sqlite3.Connection, machine: str, message: messages.Message, incoming: Incoming
    ) -> Outcome:
        match message:
            case messages.Journal():
                return self._journal(tx, machine, message, incoming)
            case messages.State():
                changed = self._state(tx, machine, message, incoming)
            case messages.Shot():
                changed = self._shot(tx, machine, message, incoming)
            case messages.Status():
                changed = self._status(tx, machine, message, incoming)
            case messages.Info():
                changed = self._info(tx, machine, message, incoming)
            case messages.Recipes():
                changed = self._recipes(tx, machine, message, incoming)
            case messages.Reply():
                changed = self._reply(tx, machine, message, incoming)
            case _:
                raise ContractError("topic", "this kind is not handled")
        return Outcome(stored=1) if changed else Outcome(duplicate=1)

    def _journal(
        self, tx: sqlite3.Connection, machine: str, message: messages.Journal, incoming: Incoming
    ) -> Outcome:
        envelope = Envelope(
            machine, message.journal, message.boot, message.first, message.sent_ms,
            message.sent_utc_ms, incoming.arrival_ms, incoming.live and not incoming.retain,
            incoming.again,
        )  # fmt: skip
        if message.first > message.seq:
            raise ContractError("first", f"{message.first} is after seq {message.seq}")
        facts = [_raw_fact(message, index) for index in range(len(message.facts))]
        outcome = self._inbox.store(tx, envelope, facts)
        if outcome.duplicate:
            key = ("resent", machine, message.journal)
            self.after[key] = lambda: self._listener.resent(machine, message.journal)
        if outcome.stored or outcome.quarantined:
            self.after["facts_stored",] = self._listener.facts_stored
        return outcome

    def _state(
        self, tx: sqlite3.Connection, machine: str, message: messages.State, incoming: Incoming
    ) -> bool:
        effect = self._live.state(
            machine, message, incoming.payload, incoming.arrival_ms,
            live=incoming.live and not incoming.retain,
        )  # fmt: skip
        if effect.ended is not None:
            self._keep(tx, effect.ended, incoming.arrival_ms)
        if effect.came_online:
            log.info("machine_online", machine=machine, boot=message.boot)
            self._came[machine] = message.boot
            self.after["came_online", machine] = lambda: self._listener.came_online(machine)
        if machine in self._came:
            self._registry.set_status(tx, machine, True, self._came[machine])
        if effect.clock_wanted:
            self.after["clock_wanted", machine] = lambda: self._listener.clock_wanted(machine)
        return True

    def _shot(
        self, tx: sqlite3.Connection, machine: str, message: messages.Shot, incoming: Incoming
    ) -> bool:
        for curve in self._live.shot(machine, message):
            self._keep(tx, curve, incoming.arrival_ms)
        return True

    def _keep(self, tx: sqlite3.Connection, curve: Curve, now_ms: int) -> None:
        if curve.t_ms:
            key = (curve.machine, curve.boot, curve.shot)
            if key not in self._kept or len(curve.t_ms) > len(self._kept[key][0].t_ms):
                self._kept[key] = (curve, now_ms)  # a group tried again gives only its last batch
            self._curves.store(tx, curve, now_ms)

    def _status(
        self, tx: sqlite3.Connection, machine: str, message: messages.Status, incoming: Incoming
    ) -> bool:
        effect = self._live.status(machine, message)
        if effect == "stale":
            return False
        if incoming.heard:
            self._registry.see(tx, machine, incoming.arrival_ms)
        self._registry.set_status(tx, machine, message.online, message.boot)
        if message.online:
            if effect == "new":  # a birth told twice is one
                log.info("machine_online", machine=machine, boot=message.boot)
            self.after["came_online", machine] = lambda: self._listener.came_online(machine)
        return effect == "new"

    def _info(
        self, tx: sqlite3.Connection, machine: str, message: messages.Info, incoming: Incoming
    ) -> bool:
        known = self._models.get(machine)
        if incoming.heard:
            self._registry.see(tx, machine, incoming.arrival_ms)
        identity = Identity(message.model, message.serial, message.firmware)
        self._registry.set_info(tx, machine, identity, incoming.payload)
        self._models[machine] = identity
        if known != identity:
            model = message.model
            self.after["model", machine] = lambda: self._listener.model_known(machine, model)
        return True

    def _recipes(
        self, tx: sqlite3.Connection, machine: str, message: messages.Recipes, incoming: Incoming
    ) -> bool:
        changed = self._registry.set_recipes(tx, machine, message.rev, incoming.payload)
        if changed:
            self.after["recipes_changed",] = self._listener.recipes_changed
        return changed

    def _reply(
        self, tx: sqlite3.Connection, machine: str, message: messages.Reply, incoming: Incoming
    ) -> bool:
        command_id = message.id
        if command_id is None or not self._replies.reply(
            tx, machine, message, incoming.arrival_ms
        ):
            return False
        self.after["replied", command_id] = lambda: self._listener.replied(command_id)
        return True


def _raw_fact(message: messages.Journal, index: int) -> RawFact:
    """A fact's place follows from the message; one that says otherwise is bad."""
    payload = bytes(message.facts[index])
    seq = message.seq + index
    path = f"facts[{index}]"
    try:
        messages.decode_fact_at(payload, seq, path)
    except ContractError as error:
        return RawFact(seq, payload, f"{error}; correct the sender, then replay")
    return RawFact(seq, payload, None)
