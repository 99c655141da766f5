"""From the socket to the disk: a queue and one writer thread that commits in groups.

A message is acknowledged to the broker only after the commit that holds it. The group is whatever
has gathered while the last one was written, so a slow disk makes larger groups and not a queue.
"""

from __future__ import annotations

import contextlib
import queue
import sqlite3
import threading
import time
from collections.abc import Callable
from typing import Final

import structlog

from host_bridge.database import Database
from host_bridge.inbox import Outcome
from host_bridge.intake import Incoming, Intake
from host_bridge.metrics import Metrics
from host_bridge.mqtt.link import Received

log = structlog.get_logger(__name__)
GROUP: Final = 2_000
QUEUE: Final = 20_000
FLEETING_QUEUE: Final = 10_000
RETRY_S: Final = (0.1, 0.5, 2.0, 5.0)


class Ingest:
    """`put` from the network thread; `acknowledge` is called after the commit."""

    def __init__(
        self, db: Database, intake: Intake, metrics: Metrics,
        acknowledge: Callable[[Received], None],
    ) -> None:  # fmt: skip
        self._db = db
        self._intake = intake
        self._metrics = metrics
        self._acknowledge = acknowledge
        self._queue: queue.Queue[Received | None] = queue.Queue(QUEUE)
        self._thread = threading.Thread(target=self._run, name="ingest", daemon=True)
        self._stopping = threading.Event()
        self._refusing = threading.Event()
        self.problem: str | None = None
        """Why nothing can be committed just now; None when all is well."""

    def start(self) -> None:
        self._thread.start()

    def refuse(self) -> None:
        """Takes nothing more: what is not acknowledged comes again. Nobody waits in put() now."""
        self._refusing.set()

    def stop(self) -> None:
        """Commits what is in the queue, then ends."""
        self.refuse()
        self._stopping.set()
        if self._thread.is_alive():
            with contextlib.suppress(queue.Full):  # then it is awake anyhow
                self._queue.put_nowait(None)
            self._thread.join(10)

    @property
    def alive(self) -> bool:
        return self._thread.is_alive()

    def put(self, received: Received) -> None:
        """Blocks when the disk cannot follow: the broker then waits too. What may be lost is."""
        if received.qos == 0 and self._queue.qsize() > FLEETING_QUEUE:
            self._metrics.live_dropped.inc()
            return
        while not self._refusing.is_set():
            try:
                self._queue.put(received, timeout=0.5)
                return
            except queue.Full:
                continue

    def _run(self) -> None:
        while True:
            group = self._gather()
            if group:
                self._commit_for_sure(group)
            if self._stopping.is_set() and self._queue.empty():
                return

    def _gather(self) -> list[Received]:
        group = [self._queue.get()]
        while len(group) < GROUP:
            try:
                group.append(self._queue.get_nowait())
            except queue.Empty:
                break
        return [received for received in group if received is not None]

    def _commit_for_sure(self, group: list[Received]) -> None:
        """Tries until the disk takes it. Unacknowledged, it comes again after a restart."""
        attempt = 0
        while True:
            try:
                outcomes = self._commit(group)
                break
            except (sqlite3.Error, OSError, MemoryError) as error:
                self.problem = f"{self._db.path}: {error}; free disk space or repair the disk"
                log.error("commit_failed", error=str(error), messages=len(group))
                self._intake.undone()
                if self._stopping.is_set():
                    return
                self._stopping.wait(RETRY_S[min(attempt, len(RETRY_S) - 1)])
                attempt += 1
        self.problem = None
        for received in group:
            self._acknowledge(received)
        for kind, outcome in outcomes.items():
            self._metrics.count(kind, outcome)
        self._metrics.ingest_s.observe(max(0.0, time.time() - group[0].arrival_ms / 1000))
        self._tell()

    def _commit(self, group: list[Received]) -> dict[str, Outcome]:
        outcomes: dict[str, Outcome] = {}
        began = time.monotonic()
        with self._db.write() as tx:
            self._intake.begin(tx)
            for received in group:
                kind, outcome = self._intake.take(
                    tx,
                    Incoming(
                        received.topic, received.payload, received.retain, received.live,
                        received.arrival_ms,
                    ),
                )  # fmt: skip
                outcomes.setdefault(kind, Outcome()).add(outcome)
        self._metrics.commit_s.observe(time.monotonic() - began)
        return outcomes

    def _tell(self) -> None:
        try:
            self._intake.committed()
        except Exception:
            log.exception("listener_failed")
