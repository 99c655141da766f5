"""Fifty seeded kill -9 of broker, bridge and machines in the middle of shots.

What the machines journalled (read from their flash images) and what the store holds must be the
same set, each fact once, the cursor at its end, and no shot disturbed by the death of a broker.
"""

from __future__ import annotations

import random
import time
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from simulator.machine import Machine
from simulator.supervisor import BoardDied
from tests.support.contract import load_schemas
from tests.support.flash_image import Journalled
from tests.support.stack import Name, Stack, eventually

KILLS = 50
SPEED = 20
SHOT_S = 25.0  # roughly, simulated: the moment of a kill is drawn from it
STATES = load_schemas()["state.json"]["properties"]["state"]["enum"]
BUSY = {"starting", "preinfusion", "brewing", "ending"}
TENDED = {"tank_ml": 1800, "tray_ml": 0, "hopper_g": 250, "barista": 1, "cup": 1}
PARTS = ("broker", "bridge", "sim-1900", "sim-2900")

pytestmark = [pytest.mark.slow, pytest.mark.broker, pytest.mark.timeout(1800)]


def state_of(machine: Machine) -> str:
    """Its name; cold also while the firmware is only starting."""
    try:
        live = machine.live()
    except BoardDied:
        live = None
    return str(STATES[live["state"]]) if live else "cold"


def tend(machine: Machine) -> None:
    """What a barista does between shots."""
    for name, value in TENDED.items():
        machine.set(name, value)


def start_shot(machine: Machine) -> None:
    """Wait for the end of the one before, press the button until the next one runs."""
    tend(machine)
    try:
        eventually(lambda: state_of(machine) == "ready", 120, 0.1)
        eventually(lambda: state_of(machine) in BUSY or press(machine), 120, 0.1)
    except TimeoutError as error:
        raise TimeoutError(f"no shot began: {machine.read()}") from error


def press(machine: Machine) -> bool:
    if state_of(machine) == "ready":
        machine.press("brew")
        time.sleep(0.5 / SPEED)
    return False


class Story:
    """Which shots must end well, by machine, boot and number."""

    def __init__(self, stack: Stack) -> None:
        self.stack = stack
        self.must_end_ok: set[tuple[str, int, int]] = set()
        self.killed_mid_shot: Counter[str] = Counter()

    def boot(self, name: str) -> int:
        """As the machine says now: it is connected."""
        wire = self.stack.wire
        mark = wire.mark()
        return int(wire.wait(f"coffee/v1/{name}/state", since=mark, timeout_s=120).json["boot"])

    def round(self, victim: str, chance: random.Random) -> None:
        machines = self.stack.machines
        boots = {name: self.boot(name) for name in machines}
        for machine in machines.values():
            start_shot(machine)
        time.sleep(chance.uniform(0, SHOT_S / SPEED))
        running = {name: m.live()["shot"] for name, m in machines.items()}
        self.killed_mid_shot[victim] += any(running.values())
        self.stack.kill9(victim)
        running.pop(victim, None)
        self.must_end_ok |= {(name, boots[name], shot) for name, shot in running.items() if shot}
        time.sleep(chance.uniform(0, 1.5))
        self.stack.restart(victim)


def test_fifty_kills_lose_and_double_nothing(tmp_path: Path) -> None:
    chance = random.Random(1900)
    victims = [PARTS[n % len(PARTS)] for n in range(KILLS)]
    chance.shuffle(victims)
    with Stack(tmp_path, speed=SPEED) as stack:
        story = Story(stack)
        for victim in victims:
            story.round(victim, chance)
        for name, machine in stack.machines.items():
            eventually(lambda m=machine: state_of(m) == "ready", 120)
            eventually(lambda n=name: caught_up(stack, n), 120)
            machine.close()
        books = {name: stack.journalled(name) for name in stack.machines}
        records = stack.records()
        published = [m for m in stack.wire.messages if m.topic.endswith("/state") and m.payload]
        acks = {name: stack.acked(name) for name in stack.machines}

    assert set(records) == facts_of(books), difference(set(records), facts_of(books))
    assert not [r for r in records.values() if r.get("kind") == "lost"]
    for name, book in books.items():
        assert acks[name] == {"v": 1, "journal": book.journal, "seq": book.next - 1}
        for seq, fact in book.held.items():
            same_content(fact, records[name, book.journal, seq])
    brews = {
        (name, r["boot"], r["shot"]): f"{r['result']} {r['reason'] or ''}".strip()
        for (name, _, _), r in records.items()
        if r["of_table"] == "brew"
    }
    spoiled = {shot: brews.get(shot) for shot in story.must_end_ok if brews.get(shot) != "ok"}
    assert not spoiled, f"disturbed by another part's death: {spoiled}"
    late = [m.json for m in published if m.json["late_ticks"]]
    assert not late, late[-1]
    assert sum(story.killed_mid_shot.values()) >= KILLS * 3 // 4, story.killed_mid_shot
    assert set(story.killed_mid_shot) == set(PARTS)


def caught_up(stack: Stack, name: str) -> bool:
    book = stack.journalled(name)
    return stack.acked(name).get("seq") == book.next - 1


def facts_of(books: dict[str, Journalled]) -> set[Name]:
    """Seq has no holes by construction, so `next` tells the whole set, the forgotten ones too."""
    return {
        (name, book.journal, seq) for name, book in books.items() for seq in range(1, book.next)
    }


def difference(store: set[Name], machines: set[Name]) -> str:
    return f"lost: {sorted(machines - store)[:20]}; invented: {sorted(store - machines)[:20]}"


def same_content(fact: dict[str, Any], record: dict[str, Any]) -> None:
    """The record says what the machine wrote down (UTC may be worked out later by the host)."""
    for key in set(fact) & set(record) - {"utc_ms", "kind"}:
        assert record[key] == fact[key], (key, fact, record)
    if fact["utc_ms"] is not None:
        assert record["utc_ms"] == fact["utc_ms"]
