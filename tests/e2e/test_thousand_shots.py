"""A thousand shots on each machine at full speed: no leak, no fact lost, all in the store."""

from __future__ import annotations

import statistics
import threading
import time
from pathlib import Path

import pytest

from simulator.machine import Machine
from tests.e2e.test_kill import BUSY, STATES, caught_up, difference, facts_of, state_of, tend
from tests.support.stack import Stack, eventually

SHOTS = 1000
LOOK_EVERY = 25
SHORTEST_MS = 15_000  # no shot is over before; looking costs more than running
REST_MS = 2000
FLAT_BYTES = 1024  # a leak of two bytes a shot would show over the compared stretch
REPLIES = 8  # that a machine remembers in RAM; the bridge's `clock` would fill their room slowly

pytestmark = [pytest.mark.slow, pytest.mark.broker, pytest.mark.timeout(2400)]


class Barista(threading.Thread):
    """Brews SHOTS shots on one machine in virtual time, as fast as it goes."""

    def __init__(self, machine: Machine) -> None:
        super().__init__(daemon=True)
        self.machine = machine
        self.heap_free: list[int] = []
        self.shots = 0
        self.error: BaseException | None = None

    def run(self) -> None:
        try:
            while self.shots < SHOTS:
                self.brew()
                if self.shots % LOOK_EVERY == 0:
                    self.heap_free.append(self.machine.read(collect=True)["heap_free"])
        except BaseException as error:
            self.error = error

    def brew(self) -> None:
        tend(self.machine)
        self.until({"ready"}, 400_000)
        done = self.machine.live()["shots_done"]
        self.machine.press("brew")
        self.machine.run(300)
        assert self.state() in BUSY, f"shot {self.shots}: {self.state()} after pressing brew"
        self.machine.run(SHORTEST_MS)
        self.until(set(STATES) - BUSY, 120_000)
        assert self.machine.live()["shots_done"] == done + 1
        self.shots += 1
        self.machine.run(REST_MS)

    def state(self) -> str:
        return state_of(self.machine)

    def until(self, wanted: set[str], limit_ms: int) -> None:
        for _ in range(limit_ms // 1000):
            if self.state() in wanted:
                return
            self.machine.run(1000)
        raise TimeoutError(f"shot {self.shots}: {self.state()}, not one of {sorted(wanted)}")


def give_to_remember(stack: Stack, name: str) -> None:
    """As many replies as it keeps, of the kind that the bridge asks for."""
    machine, wire = stack.machines[name], stack.wire
    eventually(lambda: machine.run(500) is None or wire.latest(f"coffee/v1/{name}/state"), 60)
    for n in range(REPLIES):
        id_ = f"{n:012x}"
        args = {"utc_ms": int(time.time() * 1000)}
        wire.publish(f"coffee/v1/{name}/cmd/clock", {"id": id_, "args": args})
        eventually(lambda i=id_: machine.run(200) is None or done(stack, name, i), 60)


def done(stack: Stack, name: str, id_: str) -> bool:
    replies = [message.json for message in list(stack.wire.messages)
               if message.topic == f"coffee/v1/{name}/reply"]
    return any(reply["id"] == id_ and reply["ok"] for reply in replies)


def test_thousand_shots_each(tmp_path: Path) -> None:
    with Stack(tmp_path, mode="step") as stack:
        for name in stack.machines:
            give_to_remember(stack, name)
        baristas = {name: Barista(machine) for name, machine in stack.machines.items()}
        for barista in baristas.values():
            barista.start()
        for name, barista in baristas.items():
            barista.join()
            if barista.error:
                raise AssertionError(f"{name} after {barista.shots} shots") from barista.error
        for name, machine in stack.machines.items():
            eventually(lambda n=name, m=machine: m.run(2000) is None or caught_up(stack, n), 120)
            assert not machine.resets
            machine.close()
        books = {name: stack.journalled(name) for name in stack.machines}
        records = stack.records()

    assert set(records) == facts_of(books), difference(set(records), facts_of(books))
    assert not [r for r in records.values() if r.get("kind") == "lost"]
    for name, barista in baristas.items():
        brews = [r for (m, _, _), r in records.items() if m == name and r["of_table"] == "brew"]
        assert len(brews) == SHOTS
        assert len({(r["boot"], r["shot"]) for r in brews}) == SHOTS
        early, late = barista.heap_free[4:12], barista.heap_free[-8:]
        leak = statistics.median(early) - statistics.median(late)
        assert leak <= FLAT_BYTES, f"{name}: {leak} bytes less free: {barista.heap_free}"
