"""A day of an ERP as a trace: what a probe saw every five seconds and what the ERP said of itself.
Normal days pour nothing; a busy one pours exactly once and in time, whatever is restarted."""

from __future__ import annotations

import random
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from host_bridge import storage
from host_bridge.commands import Order, Outbox
from host_bridge.gateway.port import BusySigns
from host_bridge.keeper import Keeper
from host_bridge.pours import Pours
from host_bridge.sender import Sender
from host_bridge.settings import PourSettings

MONDAY_9 = datetime(2026, 1, 5, 9, tzinfo=UTC)
EVERY_S = 5.0
IN_TIME_S = 330.0
CALM = BusySigns(False)
STUCK = BusySigns(True, {"oldest_started_job_s": 900.0})
FILE = PourSettings(enabled=True, machine="m1", timezone="UTC")


class Office:
    """A bridge that probes, pours into a real outbox and may be restarted at any time."""

    def __init__(self, folder: Path, file: PourSettings = FILE, at: datetime = MONDAY_9) -> None:
        self.db = storage.open_bridge(folder)
        self.file = file
        self.now = at
        self.mono_s = 1000.0
        self.poured: list[datetime] = []
        self.wire: list[str] = []
        self.restart()

    def restart(self, mono_s: float | None = None) -> None:
        """A new process; `mono_s` is where another computer's clock would stand."""
        self.mono_s = mono_s or self.mono_s
        self.pours = Pours(self.file, Keeper(self.db))
        self.outbox = Outbox(self.db, self.now_ms)
        self.sender = Sender(
            self.outbox, self._publish, lambda: ["m1"], lambda m: 1, lambda m: None, self.now_ms
        )

    def _publish(self, topic: str, body: bytes) -> bool:
        if topic.endswith("/cmd/brew"):
            self.wire.append(body.decode().split('"id":"')[1].split('"')[0])
        return True

    def now_ms(self) -> int:
        return round(self.now.timestamp() * 1000)

    def away(self, seconds: float) -> None:
        self.mono_s += seconds
        self.now += timedelta(seconds=seconds)

    def probe(self, latency_ms: float | None, signs: BusySigns | None = None) -> None:
        """`signs` None: fetch got no answer either."""
        self.away(EVERY_S)
        if signs is not None:
            self.pours.told(signs, self.mono_s)
        for pour in self.pours.probed(latency_ms, self.mono_s, self.now):
            assert pour.machine
            self.poured.append(self.now)
            deadline_ms = self.now_ms() + 60_000
            self.outbox.submit(
                Order(pour.machine, "brew", {"slot": pour.slot}, "pour", deadline_ms)
            )
        if self.poured:
            self.sender.step()

    def go(self, seconds: float, latency_ms: float | None, signs: BusySigns | None = None) -> None:
        for _ in range(round(seconds / EVERY_S)):
            self.probe(latency_ms, signs)


@pytest.fixture
def office(tmp_path: Path) -> Iterator[Office]:
    made = Office(tmp_path)
    yield made
    made.db.close()


def normal_day(chance: random.Random) -> Iterator[tuple[float | None, BusySigns | None]]:
    """Every five seconds of 24 hours: quick answers with a long tail, a slow report every few
    hours, a backup at noon and a deploy in the afternoon that refuses for a minute; inside, jobs
    and crons that run late for a while, as they do."""
    slow_until = stuck_until = -1
    for step in range(round(86_400 / EVERY_S)):
        at_s = step * EVERY_S
        if chance.random() < 1 / 1500:
            slow_until = step + chance.randint(5, 45)  # up to 3 min 45 s
        if chance.random() < 1 / 1500:
            stuck_until = step + chance.randint(5, 45)
        latency_ms: float | None = min(chance.lognormvariate(3.5, 0.9), 1500)
        if step < slow_until or 10_800 <= at_s < 11_040:
            latency_ms = chance.uniform(1500, 9000)
        if 21_600 <= at_s < 21_660:
            latency_ms = None
        signs = None if latency_ms is None else STUCK if step < stuck_until else CALM
        if step < slow_until and step < stuck_until:
            stuck_until = slow_until = step  # the two together would be a busy ERP
        yield latency_ms, signs


@pytest.mark.parametrize("seed", range(3))
def test_a_normal_day_pours_nothing(office: Office, seed: int) -> None:
    for latency_ms, signs in normal_day(random.Random(seed)):
        office.probe(latency_ms, signs)
    assert (office.poured, office.outbox.newest(None, 10)) == ([], [])


def busy(kind: str, chance: random.Random) -> tuple[float | None, BusySigns | None]:
    if kind == "slow":
        return chance.uniform(2000, 20_000), CALM
    if kind == "hangs":
        return None, None
    if kind == "stuck inside":
        return chance.uniform(10, 100), STUCK
    return chance.choice([(2500.0, CALM), (None, None), (40.0, STUCK)])


@pytest.mark.parametrize("kind", ["slow", "hangs", "stuck inside", "all by turns"])
@pytest.mark.parametrize("seed", range(3))
def test_a_busy_time_pours_once_in_time_through_restarts(
    office: Office, kind: str, seed: int
) -> None:
    chance = random.Random(f"{kind} {seed}")
    for latency_ms, signs in list(normal_day(chance))[:200]:
        office.probe(latency_ms, signs)
    began = office.now
    while office.now < began + timedelta(minutes=40):
        office.probe(*busy(kind, chance))
        if chance.random() < 1 / 12:
            office.away(chance.uniform(0, 20))
            office.restart(chance.choice([None, 3.0, office.mono_s + 1e6]))
    assert len(office.poured) == 1
    assert office.poured[0] - began <= timedelta(seconds=IN_TIME_S)
    (command,) = office.outbox.newest(None, 10)
    assert (command.machine, command.name, command.user) == ("m1", "brew", "pour")
    assert len(office.wire) > 1 and set(office.wire) == {command.id}  # sent again, the same id


def test_a_restart_after_a_long_time_away_begins_anew(office: Office) -> None:
    office.go(290, None)
    office.away(120)
    office.restart()
    office.go(290, None)
    assert office.poured == []
    office.go(20, None)
    assert len(office.poured) == 1


def test_an_old_word_of_the_erp_proves_nothing(office: Office) -> None:
    office.go(100, 20, STUCK)
    office.go(3600, 20, None)
    assert office.poured == []


def test_calm_outside_does_not_end_an_episode_that_goes_on_inside(office: Office) -> None:
    office.go(400, 20, STUCK)
    office.go(1200, 20, STUCK)
    assert (len(office.poured), office.pours.state) == (1, "poured")
    office.go(130, 20, CALM)
    assert office.pours.state == "idle"


def settings(**given: Any) -> BusySigns:
    return BusySigns(False, {}, {"bar": given})


def test_the_settings_of_the_erp_win_field_by_field(tmp_path: Path) -> None:
    office = Office(tmp_path, PourSettings(timezone="UTC", probe_every_s=5))
    office.probe(20, settings(enabled=True, enter_s=60, slot="7", office_from="08:00"))
    office.go(65, None)
    (command,) = office.outbox.newest(None, 10)
    assert (command.machine, command.args) == ("bar", {"slot": "7"})
    office.db.close()


def test_only_the_files_own_machine_is_switched_on_by_the_file(office: Office) -> None:
    office.go(330, None, settings(slot="7"))
    assert [order.machine for order in office.outbox.newest(None, 10)] == ["m1"]


def test_they_are_remembered_while_the_erp_hangs(tmp_path: Path) -> None:
    office = Office(tmp_path, PourSettings(timezone="UTC"))
    office.probe(20, settings(enabled=True, enter_s=60))
    office.restart()
    office.go(70, None)
    assert [c.machine for c in office.outbox.newest(None, 10)] == ["bar"]
    office.db.close()


def test_the_erp_can_switch_the_files_machine_off(office: Office) -> None:
    signs = BusySigns(True, {}, {"m1": {"enabled": False}})
    office.go(900, 9000, signs)
    assert (office.poured, office.pours.state) == ([], "off")


def test_a_machine_judged_by_its_own_limits(office: Office) -> None:
    signs = BusySigns(True, {}, {"m1": {"enabled": True, "busy": False}})
    office.go(900, 20, signs)
    assert office.poured == []
    office.go(330, 20, BusySigns(False, {}, {"m1": {"enabled": True, "busy": True}}))
    assert len(office.poured) == 1


def test_settings_that_cannot_be_used_are_named_and_the_files_stand(office: Office) -> None:
    office.probe(20, BusySigns(False, {}, {"m1": {"enabled": True, "per_day": -1}}))
    assert office.pours.problems == [
        "pour of m1: per_day: Input should be greater than or equal to 0; correct it in the ERP"
    ]
    office.go(330, None)
    assert len(office.poured) == 1
    office.probe(20, BusySigns(False, {}, {"m1": {"enabled": True, "per_day": 2}}))
    assert office.pours.problems == []


def test_the_erps_mistakes_are_told_in_our_words(office: Office) -> None:
    late = {"office_from": "19:00", "office_to": "18:00"}
    office.probe(20, BusySigns(False, {}, {"m1": {"enabled": True, **late}}))
    assert office.pours.problems == [
        "pour of m1: settings: office_from must be before office_to; correct one of them; correct "
        "it in the ERP"
    ]


def test_the_memory_of_a_bridge_that_knew_one_machine_is_kept(tmp_path: Path) -> None:
    office = Office(tmp_path)
    office.go(330, None)
    (kept,) = Keeper(office.db).get("pour").values()
    Keeper(office.db).put("pour", kept)
    office.restart()
    office.go(1900, None)
    assert len(office.poured) == 1
    office.db.close()
