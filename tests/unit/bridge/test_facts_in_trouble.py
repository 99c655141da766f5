"""Stories nobody would write by hand: machines whose journals run over or break, a wire that
delays and repeats, a bridge and an ERP in every kind of trouble, people who empty the quarantine.
Whatever happens, no fact is lost, doubled or held up, and the disk does not fill.
"""

from __future__ import annotations

import contextlib
import json
from dataclasses import dataclass, field
from typing import Any, Final

from hypothesis import strategies as st
from hypothesis.stateful import initialize, invariant, precondition, rule

from host_bridge.errors import Invalid
from host_bridge.gateway.embedded import EmbeddedStore
from host_bridge.gateway.mirror import Mirror
from host_bridge.gateway.port import REFUSED_MACHINE
from host_bridge.intake import Incoming
from tests.unit.bridge.trouble import (
    DAY_MS,
    MINUTE_MS,
    NAMES,
    SEARCH,
    Trouble,
    names,
    troubles,
)
from tests.unit.bridge.world import bound, fact, journal

ROOM: Final = 10
"""Facts a journal holds."""
KINDS: Final = ("brew", "alarm", "maintenance", "meter", "boot")
Id = tuple[str, str, int]
"""Board, journal, seq; the board is what its name begins with."""


@dataclass
class Machine:
    """A journal as firmware/journal.py keeps it; `kept` is what it still holds, by seq."""

    board: str
    journal: str
    names: int = 1  # how many it ever had
    called: int = 1  # which of them it has now
    kept: dict[int, dict[str, Any]] = field(default_factory=dict)
    next_seq: int = 1
    acked: int = 0

    @property
    def name(self) -> str:
        return f"{self.board}-{self.called}"

    @property
    def first(self) -> int:
        return min(self.kept, default=self.next_seq)

    def ids(self) -> set[Id]:
        return {(self.board, self.journal, seq) for seq in self.kept}

    def append(self, kind: str, **values: Any) -> None:
        self.kept[self.next_seq] = fact(self.next_seq, kind, **values)
        self.next_seq += 1

    def forget(self, upto: int) -> None:
        self.kept = {seq: one for seq, one in self.kept.items() if seq > upto}

    def make_room(self) -> None:
        """The oldest go; the first of what is new tells of them, and of what they told."""
        oldest, *_, last = sorted(self.kept)[:4]
        lost_from = max(self.kept[oldest].get("from_seq", oldest), self.acked + 1)
        self.forget(last)
        if lost_from <= last:
            self.append("lost", from_seq=lost_from, to_seq=last, count=last - lost_from + 1)

    def message(self, start: int, count: int, **changes: Any) -> dict[str, Any]:
        run = [self.kept[seq] for seq in sorted(self.kept)[start : start + count]]
        return journal(run, first=self.first, journal=self.journal, **changes)


def _board(name: str) -> str:
    return name.partition("-")[0]


class FactsInTrouble(Trouble):
    @initialize()
    def begin(self) -> None:
        self.machines = {name: Machine(name, "00000000") for name in NAMES}
        self.made: set[Id] = set()
        self.excused: set[Id] = set()
        """Dropped by the machine or by a person, or known only to a database thrown away."""
        self.wire: list[tuple[str, dict[str, Any]]] = []
        self.aside: list[tuple[int, str, dict[str, Any]]] = []
        super().begin()

    def _started(self) -> None:
        self.world.boot()
        for machine in self.machines.values():
            self._is_introduced(machine)

    def _is_introduced(self, machine: Machine) -> None:
        with self._survived():
            self.world.introduce(machine.name, serial=machine.board)

    # --- the machines
    @rule(name=names, kind=st.sampled_from(KINDS), values=st.sampled_from([
        {}, {}, {}, {"utc_ms": None}, {"uptime_ms": "not a number"},
    ]))  # fmt: skip
    def happens(self, name: str, kind: str, values: dict[str, Any]) -> None:
        machine = self.machines[name]
        before = machine.ids()
        if len(before) >= ROOM:
            machine.make_room()
            self.excused |= before - machine.ids()
        machine.append(kind, **values)
        self.made |= machine.ids()

    @rule(name=names, data=st.data())
    def flash_is_damaged(self, name: str, data: st.DataObject) -> None:
        """Such a record is read as the loss of itself; here, before the ERP has it."""
        machine = self.machines[name]
        at_risk = machine.ids() - set(self._bound())
        if at_risk:
            *_, seq = data.draw(st.sampled_from(sorted(at_risk)))
            machine.kept[seq] = fact(seq, "lost", from_seq=seq, to_seq=seq, count=1)

    @rule(name=names)
    def is_replaced(self, name: str) -> None:
        """Another board under the same name: its journal begins anew."""
        old = self.machines[name]
        self.excused |= old.ids()
        self.machines[name] = Machine(name, f"{int(old.journal) + 1:08d}", old.names, old.called)

    @precondition(lambda self: not self.copies)
    @rule(name=names, data=st.data())
    def is_renamed(self, name: str, data: st.DataObject) -> None:
        """It keeps its journal, and finds no ack under its new name, which it may have had."""
        machine = self.machines[name]
        self.wire = [one for one in self.wire if one[0] != machine.name]
        self.aside = [one for one in self.aside if one[1] != machine.name]
        others = [n for n in range(1, machine.names + 2) if n != machine.called]
        machine.called = data.draw(st.sampled_from(others))
        machine.names = max(machine.names, machine.called)
        machine.acked = 0
        self._is_introduced(machine)

    @rule(name=names, reset=st.booleans())
    def hears_the_ack(self, name: str, reset: bool) -> None:
        """It forgets at once, or at a reset has forgotten the ack."""
        machine = self.machines[name]
        held = self.world.held(machine.name, machine.journal) or 0
        machine.forget(held)
        machine.acked = 0 if reset else max(machine.acked, held)

    # --- the wire
    @rule(name=names, data=st.data(), clock=st.booleans(), live=st.booleans(), now=st.booleans())
    def sends(self, name: str, data: st.DataObject, clock: bool, live: bool, now: bool) -> None:
        machine = self.machines[name]
        if not machine.kept:
            return
        start = data.draw(st.integers(0, len(machine.kept) - 1))
        changes = {} if clock else {"sent_utc_ms": None}
        message = machine.message(start, data.draw(st.integers(1, 5)), **changes)
        self.wire.append((machine.name, message))
        if now:
            self._arrives(*self.wire[-1], live)

    def _arrives(self, name: str, message: dict[str, Any], live: bool) -> None:
        with self._survived():
            self.world.take("journal", message, name, live=live)

    @precondition(lambda self: self.wire)
    @rule(data=st.data(), live=st.booleans())
    def comes_late_or_twice(self, data: st.DataObject, live: bool) -> None:
        self._arrives(*data.draw(st.sampled_from(self.wire[-6:])), live)

    # --- the ERP
    @rule(trouble=troubles)
    def imports(self, trouble: str) -> None:
        with self._in_trouble(trouble):
            self.world.synchronizer.step()

    @precondition(lambda self: self.made)
    @rule(data=st.data())
    def erp_refuses_one(self, data: st.DataObject) -> None:
        _, journal_id, seq = data.draw(st.sampled_from(sorted(self.made)[-20:]))
        self.erp.refuse = {f"{journal_id}/{seq}"}
        self.imports("none")
        self.erp.refuse = set()

    @rule(out=st.sets(names))
    def erp_lets_in(self, out: set[str]) -> None:
        """All but these."""
        self.erp.shut_out = {self.machines[name].name for name in out}

    # --- the bridge
    def _is_to_be_restored(self) -> None:
        """What only its quarantine held, or its queue, is gone with it."""
        self.excused |= self._forgotten() - set(self._bound())

    def _forgotten(self) -> set[Id]:
        """By the machines."""
        return self.made.difference(*(machine.ids() for machine in self.machines.values()))

    @rule()
    def is_purged(self) -> None:
        with self._survived():
            self.world.inbox.purge(self.world.now_ms)

    # --- people
    @rule(data=st.data(), discard=st.booleans())
    def somebody_empties_the_quarantine(self, data: st.DataObject, discard: bool) -> None:
        rows = self.world.db.read(
            "SELECT quarantine.id, journal.machine, journal, seq FROM quarantine"
            " JOIN fact ON fact.id=fact_id JOIN journal ON journal.id=journal_id"
        )
        if not rows:
            return
        number, name, *one = data.draw(st.sampled_from([tuple(row) for row in rows]))
        with contextlib.suppress(Invalid), self._survived():
            if discard:
                self.excused.add((_board(name), *one))  # type: ignore[arg-type]
                self.world.inbox.discard(number)
            else:
                self.world.inbox.replay_fact(number)

    @precondition(lambda self: self.wire)
    @rule(data=st.data())
    def a_message_is_set_aside(self, data: st.DataObject) -> None:
        """As by a bridge too old to read it."""
        message = data.draw(st.sampled_from(self.wire[-6:]))
        self.aside.append((self.world.now_ms, *message))

    @precondition(lambda self: self.aside)
    @rule(data=st.data())
    def a_message_is_taken_in_again(self, data: st.DataObject) -> None:
        received_ms, name, message = data.draw(st.sampled_from(self.aside[-6:]))
        raw = json.dumps(message).encode()
        incoming = Incoming(f"coffee/v1/{name}/journal", raw, False, False, received_ms, True)
        with self._survived(), self.world.db.write() as tx:
            self.world.intake.take(tx, incoming)

    # --- what always holds
    def _names(self) -> list[tuple[str, str]]:
        """Board and each of the names it ever had."""
        return [
            (machine.board, f"{machine.board}-{number}")
            for machine in self.machines.values()
            for number in range(1, machine.names + 1)
        ]

    def _bound(self) -> list[Id]:
        return [
            (board, coffee_id.partition("/")[0], int(coffee_id.partition("/")[2]))
            for board, name in self._names()
            for coffee_id in bound(self.erp._store, name)
        ]

    def _waiting(self) -> set[Id]:
        """For the ERP or for a person."""
        rows = self.world.db.read(
            "SELECT machine, journal, seq FROM fact JOIN journal ON journal.id=journal_id"
            " WHERE state IN (0, 2)"
        )
        return {(_board(row[0]), row[1], row[2]) for row in rows}

    @invariant()
    def nothing_is_lost_or_doubled(self) -> None:
        if hasattr(self, "world"):
            found = self._bound()
            assert self._forgotten() - self.excused <= self._waiting() | set(found)
            assert len(found) == len(set(found))
            assert set(found) <= self.made

    @rule()
    def all_is_well_again(self) -> None:
        self._unarmed()
        self.erp.shut_out = set()
        for machine in self.machines.values():
            for start in range(0, len(machine.kept), 5):
                self.world.take("journal", machine.message(start, 5), machine.name)
        for _ in range(4):  # who is let in is looked at each minute
            self.world.sync()
            self.world.now_ms += 2 * MINUTE_MS
        assert self.world.inbox.count_pending() == 0
        assert not [row for row in self.world.inbox.quarantine(100)
                    if row.reason.startswith(REFUSED_MACHINE)]  # fmt: skip
        assert self.made - self.excused <= self._waiting() | set(self._bound())
        for machine in filter(lambda one: one.kept, self.machines.values()):
            assert self.world.held(machine.name, machine.journal) == machine.next_seq - 1
        self._a_month_passes()

    def _a_month_passes(self) -> None:
        """Below the cursor only what waits for a person stays, and keeps nothing else there."""
        self.world.now_ms += 31 * DAY_MS
        self.world.inbox.purge(self.world.now_ms)
        old_ms = self.world.now_ms - 30 * DAY_MS
        assert not self.world.db.read(
            "SELECT 1 FROM fact JOIN journal ON journal.id=journal_id WHERE seq <= held_seq"
            " AND state NOT IN (0, 2) AND arrival_ms < ?", (old_ms,),
        )  # fmt: skip


class FactsBehindAnErp(FactsInTrouble):
    """The ERP is another store, and the bridge's own shows what it holds."""

    def _erp_store(self) -> EmbeddedStore:
        return EmbeddedStore(self.folder / "erp.sqlite")

    def _gateway(self) -> Mirror:
        return Mirror(self.erp, self.world.store)

    def teardown(self) -> None:
        super().teardown()
        self.erp._store.close()

    def _a_month_passes(self) -> None:
        super()._a_month_passes()
        for _, name in self._names():
            assert self.world.bound(name) == bound(self.erp._store, name)


TestFactsInTrouble = FactsInTrouble.TestCase
TestFactsInTrouble.settings = SEARCH
TestFactsBehindAnErp = FactsBehindAnErp.TestCase
TestFactsBehindAnErp.settings = SEARCH
