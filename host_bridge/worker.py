"""A thread that makes one step again and again and outlives every error.

After a failure it waits, longer each time and never quite the same, and says what is wrong. It
knows nothing of what the step does.
"""

from __future__ import annotations

import random
import threading
from collections.abc import Callable
from typing import Final

import structlog

from host_bridge.gateway.port import Transient

log = structlog.get_logger(__name__)
RETRY_FIRST_S: Final = 0.2


class Worker:
    """`step` returns True when it should go on at once. Any error is tried again: putting a whole
    backlog aside for a defect of ours would be worse than waiting."""

    def __init__(
        self, name: str, step: Callable[[], bool], idle_s: float, retry_max_s: float,
        failed: Callable[[], None],
    ) -> None:  # fmt: skip
        self._name = name
        self._step = step
        self._idle_s = idle_s
        self._retry_max_s = retry_max_s
        self._on_failure = failed
        self._wake = threading.Event()
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)
        self.problem: str | None = None

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        self._stopping.set()
        self._wake.set()
        if self._thread.is_alive():
            self._thread.join(10)

    @property
    def alive(self) -> bool:
        return self._thread.is_alive()

    def wake(self) -> None:
        self._wake.set()

    def _run(self) -> None:
        failures = 0
        while not self._stopping.is_set():
            try:
                more = self._step()
                failures, self.problem = 0, None
            except Exception as error:
                failures += 1
                more = False
                self._failed(error)
                self._stopping.wait(self._pause_s(failures))
            if not more:
                self._wake.wait(self._idle_s)
                self._wake.clear()

    def _failed(self, error: Exception) -> None:
        problem = str(error) or repr(error)
        told, self.problem = self.problem == problem, problem
        if not isinstance(error, Transient):
            log.exception("worker_failed", worker=self._name)
        elif not told:  # the same one every half minute would bury the rest of the log
            log.warning("gateway_transient", worker=self._name, error=problem)
        self._on_failure()

    def _pause_s(self, failures: int) -> float:
        longest_s = min(RETRY_FIRST_S * 2.0 ** min(failures, 16), self._retry_max_s)
        return longest_s * random.uniform(0.5, 1.0)
