"""The thread around every step: it outlives all errors, waits longer each time and says what is
wrong."""

from __future__ import annotations

from collections.abc import Callable

from host_bridge.gateway.port import Transient
from host_bridge.worker import Worker

RETRY_MAX_S = 30.0


class Rounds:
    """Stands for what ends the thread: after so many rounds, and the pauses between are told."""

    def __init__(self, count: int) -> None:
        self.left = count
        self.pauses_s: list[float] = []

    def is_set(self) -> bool:
        self.left -= 1
        return self.left < 0

    def wait(self, seconds: float) -> None:
        self.pauses_s.append(seconds)


def pauses_s(step: Callable[[], bool], rounds: int) -> list[float]:
    worker, stopping = Worker("test", step, 0.0, RETRY_MAX_S, lambda: None), Rounds(rounds)
    worker._stopping = stopping  # type: ignore[assignment]
    worker._run()
    return stopping.pauses_s


def test_after_a_failure_it_waits_longer_each_time_up_to_a_bound() -> None:
    def step() -> bool:
        raise Transient("away")

    found = pauses_s(step, 40)
    assert len(found) == 40 and found[0] <= 0.4
    assert all(RETRY_MAX_S / 2 <= pause_s <= RETRY_MAX_S for pause_s in found[8:])


def test_what_is_wrong_is_said_until_it_works_again() -> None:
    failures: list[str | None] = []
    told = iter([Transient("away"), KeyError("a defect"), None])
    seen: list[str | None] = []

    def step() -> bool:
        seen.append(worker.problem)
        error = next(told)
        if error is not None:
            raise error
        return False

    worker = Worker("test", step, 0.0, RETRY_MAX_S, lambda: failures.append(worker.problem))
    worker._stopping = Rounds(3)  # type: ignore[assignment]
    worker._run()
    assert seen == [None, "away", "'a defect'"]
    assert failures == ["away", "'a defect'"]
    assert worker.problem is None


def test_a_pause_begins_anew_after_a_success() -> None:
    told = iter([*[Transient("away")] * 9, None, Transient("away")])

    def step() -> bool:
        error = next(told)
        if error is not None:
            raise error
        return True

    found = pauses_s(step, 11)
    assert found[-1] <= 0.4 < found[-2]
