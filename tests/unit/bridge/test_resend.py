"""The store's history into an ERP that came later; here the ERP is a second store."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import pytest
import typer

from host_bridge.cli.resend import _send, _tell
from host_bridge.gateway.embedded import EmbeddedStore
from host_bridge.gateway.mirror import Mirror
from host_bridge.gateway.port import (
    ALARM,
    BACKEND,
    BREW,
    EVENT,
    BackendDraft,
    BackendRecord,
    CheckpointDraft,
    FactPush,
    Pushed,
    Review,
    Transient,
)
from host_bridge.gateway.tables import TABLES
from host_bridge.resend import PAUSES_S, Resend, Sent, hand_over
from tests.contract.gateway_suite import ESPRESSO, JOURNAL, UTC_MS, VALUES, fact
from tests.unit.bridge.world import World, journal
from tests.unit.bridge.world import fact as told


class Erp(EmbeddedStore):
    """That is away for some calls, and lets some machines not in."""

    away = 0
    refused: tuple[str, ...] = ()
    pushed: list[list[FactPush]]

    def push(self, facts: Sequence[FactPush]) -> list[Pushed]:
        if self.away:
            self.away -= 1
            raise Transient("busy")
        self.pushed.append(list(facts))
        return super().push(facts)

    def save_backends(self, drafts: Sequence[BackendDraft]) -> list[BackendRecord]:
        return [
            replace(record, refused=record.machine in self.refused)
            for record in super().save_backends(drafts)
        ]


@pytest.fixture
def erp(tmp_path: Path) -> Iterator[Erp]:
    made = Erp(tmp_path / "erp.sqlite")
    made.pushed = []
    yield made
    made.close()


def fill(store: EmbeddedStore) -> None:
    """Twelve facts of every model, two machines, an open and a reviewed checkpoint."""
    store.save_backends([BackendDraft("m1", "2900", "e66", firmware="0.1.0")])
    store.import_recipes("m1", 3, {"0": ESPRESSO})
    models = list(VALUES)
    store.push([fact(seq, models[seq % 5]) for seq in range(10)])
    asked = [replace(fact(seq, ALARM), review=Review(f"look {seq}", "en_US")) for seq in (10, 11)]
    store.push([*asked, fact(1, machine="m2")])
    (second,) = [c for c in store.checkpoints("open", "m1") if c.coffee_id == f"{JOURNAL}/11"]
    store.review(second.id, "ann", "seen", UTC_MS)
    store.add_checkpoints([CheckpointDraft("m1", BACKEND, "lost/x/1-2", "2 facts lost")])


def work(world: World, erp: Erp, machine: str | None = None, since_ms: int = 0) -> Resend:
    return Resend(world.store.history, world.inbox, erp, machine, since_ms, 5, lambda _: None)


def contents(store: EmbeddedStore) -> dict[str, list[dict[str, object]]]:
    own = ("id", "created_ms", "backend_id", "recipe_id")
    found = {}
    for model, table in TABLES.items():
        rows = store._db.read(
            f"SELECT f.*, machine FROM {table} AS f JOIN coffee_backend AS b ON b.id=backend_id"
            " ORDER BY machine, coffee_id"
        )
        found[model] = [{k: v for k, v in dict(row).items() if k not in own} for row in rows]
    return found


def test_all_of_it_arrives_once_and_as_it_was(world: World, erp: Erp) -> None:
    fill(world.store)
    seen: list[int] = []
    sent = work(world, erp).run(seen.append)
    assert (sent.stati["created"], sent.stati.total(), sum(seen)) == (13, 13, 13)
    assert contents(erp) == contents(world.store)
    brews = erp._db.read("SELECT recipe_id FROM coffee_brew JOIN coffee_backend AS b ON"
                         " b.id=backend_id WHERE machine='m1'")  # fmt: skip
    assert all(row["recipe_id"] for row in brews)
    flags = [fact.values[name] for batch in erp.pushed for fact in batch
             for name in ("time_known", "raised", "latched") if name in fact.values]  # fmt: skip
    assert {type(flag) for flag in flags} == {bool}, "SQLite knows numbers only"
    again = work(world, erp).run(seen.append)
    assert (again.stati["unchanged"], again.stati.total()) == (13, 13)
    assert contents(erp) == contents(world.store)


def test_journals_go_in_their_order(world: World, erp: Erp) -> None:
    world.store.push([fact(seq, BREW if seq % 2 else EVENT) for seq in range(12)])
    work(world, erp).run(lambda _: None)
    assert [f.seq for batch in erp.pushed for f in batch] == list(range(12))


def test_what_is_still_to_be_reviewed_goes_along(world: World, erp: Erp) -> None:
    fill(world.store)
    work(world, erp).run(lambda _: None)
    found = {(c.coffee_id, c.state) for c in erp.checkpoints("all", "m1")}
    assert found == {("machine", "open"), (f"{JOURNAL}/10", "open"), ("lost/x/1-2", "open")}


def test_hand_over_gives_the_open_checkpoints_alone(world: World, erp: Erp) -> None:
    fill(world.store)
    assert hand_over(world.store.history, erp) == 2
    found = {c.coffee_id for c in erp.checkpoints("open", "m1")}
    assert found == {"machine", f"{JOURNAL}/10", "lost/x/1-2"}
    assert contents(erp)[ALARM] == []


def test_very_many_checkpoints_go_in_parts(
    world: World, erp: Erp, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("host_bridge.resend.CHECKPOINTS", 2)
    world.store.add_checkpoints(
        [CheckpointDraft("m1", BACKEND, f"lost/x/{n}-{n}", "a fact lost") for n in range(5)]
    )
    assert hand_over(world.store.history, erp) == 5
    assert len(erp.checkpoints("open", "m1")) == 5 + 1


def test_one_machine_or_one_time(world: World, erp: Erp) -> None:
    fill(world.store)
    assert len(work(world, erp, "m2").keys) == 1
    work(world, erp, "m2").run(lambda _: None)
    assert [one.machine for one in erp.history.backends(None)] == ["m2"]
    late = UTC_MS + 86_400_000
    world.store.push([fact(20, utc_ms=late), fact(21, utc_ms=None, time_known=False)])
    # of an unknown time: by when it came, which is now
    assert len(work(world, erp, since_ms=late).keys) == 2
    assert work(world, erp, since_ms=2**60).keys == []


def test_a_record_that_is_there_stays_as_it_is(world: World, erp: Erp) -> None:
    world.store.push([fact(1)])
    erp.push([fact(1, volume_ul=99)])
    sent = work(world, erp).run(lambda _: None)
    assert sent.stati == {"unchanged": 1}
    assert contents(erp)[BREW][0]["volume_ul"] == 99


def test_the_machines_own_words_go_along_while_they_are_known(world: World, erp: Erp) -> None:
    world.introduce()
    world.take("journal", journal([{**told(1), "grind_um": 310}], first=1))
    world.sync()
    work(world, erp).run(lambda _: None)
    assert [f.payload for batch in erp.pushed for f in batch if b"grind_um" in f.payload]
    with world.db.write() as tx:
        tx.execute("DELETE FROM fact")
    work(world, erp).run(lambda _: None)
    assert erp.pushed[-1][0].payload == b"{}"


def test_an_erp_that_is_away_for_a_while(world: World, erp: Erp) -> None:
    fill(world.store)
    erp.away = len(PAUSES_S)
    assert work(world, erp).run(lambda _: None).stati["created"] == 13
    erp.away = len(PAUSES_S) + 1
    with pytest.raises(Transient):
        work(world, erp).run(lambda _: None)


def test_the_console_shows_no_machine_that_the_erp_does_not_let_in(
    world: World, erp: Erp
) -> None:
    erp.refused = ("m2",)
    drafts = [BackendDraft("m1", "2900"), BackendDraft("m2", "2900")]
    assert [one.refused for one in Mirror(erp, world.store).save_backends(drafts)] == [False, True]
    assert [one.machine for one in world.store.history.backends(None)] == ["m1"]


def test_a_machine_that_is_not_let_in(world: World, erp: Erp) -> None:
    fill(world.store)
    erp.refused = ("m2",)
    sent = work(world, erp).run(lambda _: None)
    assert (sent.machines, sent.stati["created"]) == (["m2"], 12)


def test_an_erp_that_does_not_answer_is_no_success(world: World) -> None:
    def away(_: object) -> None:
        raise Transient("away")

    fill(world.store)
    opened = SimpleNamespace(records=world.store, inbox=world.inbox)
    with pytest.raises(typer.Exit) as ended:
        _send(opened, SimpleNamespace(save_backends=away), None, 0, 5)  # type: ignore[arg-type]
    assert ended.value.exit_code == 1


def test_what_is_not_all_there_is_no_success() -> None:
    _tell(Sent())
    for sent in (Sent(machines=["m2"]), Sent(reasons=Counter({"never negative": 3}))):
        with pytest.raises(typer.Exit) as ended:
            _tell(sent)
        assert ended.value.exit_code == 1
