"""From the outbox to the machines: what is due, and the time of day to those that lack it."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Final

import structlog

from host_bridge.commands import AHEAD_MS, Outbox, payload, signed
from host_bridge.contract import topics
from host_bridge.due import is_due
from host_bridge.views import CommandView
from host_bridge.worker import Worker

log = structlog.get_logger(__name__)
CLOCK_EVERY_S: Final = 3600.0
POLL_S: Final = 1.0
RETRY_MAX_S: Final = 30.0


class Sender:
    """Sends what is due to machines that are online; tells the time to those that lack it."""

    def __init__(
        self, outbox: Outbox, publish: Callable[[str, bytes], bool],
        online_machines: Callable[[], list[str]], boot_of: Callable[[str], int | None],
        key: Callable[[str], bytes | None], now_ms: Callable[[], int],
        expired: Callable[[], None] = lambda: None,
    ) -> None:  # fmt: skip
        self._outbox = outbox
        self._publish = publish
        self._online_machines = online_machines
        self._boot_of = boot_of
        self._key = key
        self._now_ms = now_ms
        self._expired = expired
        self._clock_due: set[str] = set()
        self._lock = threading.Lock()
        self._next_round_ms = now_ms() + int(CLOCK_EVERY_S * 1000)
        self.worker = Worker("commands", self.step, POLL_S, RETRY_MAX_S, lambda: None)

    def tell_time(self, machine: str) -> None:
        with self._lock:
            self._clock_due.add(machine)
        self.worker.wake()

    def step(self) -> bool:
        """One pass: clocks first, since a machine that lacks one refuses what acts."""
        self._send_clocks()
        for command in self._outbox.due(200, self._online_machines()):
            self._send(command)
        if self._outbox.any_overdue():
            for command_id in self._outbox.expire():
                self._expired()
                log.info("command_expired", id=command_id)
        return False

    def _send(self, command: CommandView) -> None:
        deadline_ms = min(command.deadline_ms, self._now_ms() + AHEAD_MS)
        body = payload(command.id, deadline_ms, command.args)
        body = signed(body, command.machine, command.name, self._key(command.machine))
        if self._publish(topics.command(command.machine, command.name), body):
            self._outbox.sent(command.id)
            log.info("command_sent", id=command.id, machine=command.machine, name=command.name)

    def _send_clocks(self) -> None:
        with self._lock:
            machines, self._clock_due = self._clock_due, set()
        if is_due(self._next_round_ms, self._now_ms(), int(CLOCK_EVERY_S * 1000)):
            self._next_round_ms = self._now_ms() + int(CLOCK_EVERY_S * 1000)
            machines |= set(self._online_machines())
        for machine in sorted(machines):
            utc_ms = self._now_ms()
            boot = self._boot_of(machine)
            args = {"utc_ms": utc_ms} | ({} if boot is None else {"boot": boot})
            body = payload(f"clock-{utc_ms}", None, args)
            body = signed(body, machine, "clock", self._key(machine))
            self._publish(topics.command(machine, "clock"), body)
