"""The look at the ERP from outside, again and again: how long it takes to answer, if it does."""

from __future__ import annotations

import threading
from collections.abc import Callable

import structlog

log = structlog.get_logger(__name__)


class ProbeLoop:
    """Probes the gateway for ever and hands each result on.

    A probe that does not come back is reported as failed at its timeout, and again every interval
    while it hangs; no second one is started beside it.
    """

    def __init__(
        self, probe: Callable[[], None], every_s: float, timeout_s: float,
        result: Callable[[float | None, str | None], None],
        monotonic: Callable[[], float],
    ) -> None:  # fmt: skip
        self._probe = probe
        self._every_s = every_s
        self._timeout_s = timeout_s
        self._tell = result
        self._monotonic = monotonic
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="probe", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        self._stopping.set()
        if self._thread.is_alive():
            self._thread.join(2)

    def _run(self) -> None:
        while not self._stopping.is_set():
            began_s = self._monotonic()
            answered = threading.Event()
            errors: list[str] = []
            threading.Thread(
                target=self._ask, args=(answered, errors), name="probe-ask", daemon=True
            ).start()
            self._await(answered, errors, began_s)
            rest_s = self._every_s - (self._monotonic() - began_s)
            self._stopping.wait(max(rest_s, 0.0))

    def _await(self, answered: threading.Event, errors: list[str], began_s: float) -> None:
        if answered.wait(self._timeout_s):
            latency_ms = (self._monotonic() - began_s) * 1000
            self._result(None if errors else latency_ms, errors[0] if errors else None)
            return
        while not answered.is_set() and not self._stopping.is_set():
            self._result(None, f"no answer within {self._timeout_s:g} s")
            answered.wait(self._every_s)

    def _result(self, latency_ms: float | None, error: str | None) -> None:
        try:
            self._tell(latency_ms, error)
        except Exception:  # without this thread an ERP that is down would look well for ever
            log.exception("probe_result_failed")

    def _ask(self, answered: threading.Event, errors: list[str]) -> None:
        try:
            self._probe()
        except Exception as error:
            errors.append(str(error) or repr(error))
        finally:
            answered.set()
