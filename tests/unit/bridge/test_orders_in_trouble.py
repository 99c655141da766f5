"""Orders of the ERP and of people on their way to machines that come and go, and the answers on
theirs back, through a bridge and an ERP in every kind of trouble. Whatever happens, nothing is
sent too late or to another, and each order ends as the machine says it did.
"""

from __future__ import annotations

import json
from typing import Any, Final

from hypothesis import strategies as st
from hypothesis.stateful import initialize, invariant, precondition, rule

from host_bridge.commands import Order
from host_bridge.sender import Sender
from tests.unit.bridge.trouble import (
    DAY_MS,
    NAMES,
    SEARCH,
    Trouble,
    names,
    troubles,
)
from tests.unit.bridge.world import example

COMMANDS: Final = (
    ("brew", {"slot": "0"}), ("wake", {}), ("recipe.delete", {"slot": "3"}),
    ("brew", {"slot": 99}), ("recipe.put", {"slot": "0", "recipe": {"name": "x" * 4000}}),
)  # fmt: skip
"""The last two cannot be sent."""


class OrdersInTrouble(Trouble):
    @initialize()
    def begin(self) -> None:
        self.online: set[str] = set()
        self.deadlines: dict[str, tuple[str, int | None]] = {}
        """Machine and deadline by the id of the order."""
        self.received: list[tuple[str, str]] = []
        self.replies: dict[str, dict[str, Any]] = {}
        """As a machine remembers them: the same id gets the same answer."""
        self.heard: dict[str, str] = {}
        """How an order ended by the answer that came first."""
        super().begin()

    def _started(self) -> None:
        super()._started()
        self.sender = Sender(
            self.world.outbox, self._publish, lambda: sorted(self.online),
            lambda machine: 1, lambda machine: None, lambda: self.world.now_ms,
        )  # fmt: skip

    def _publish(self, topic: str, body: bytes) -> bool:
        *_, machine, _, name = topic.split("/")
        command = json.loads(body)
        if name != "clock":
            assert machine in self.online and command["deadline"] > self.world.now_ms
            wanted, deadline_ms = self.deadlines[command["id"]]
            assert machine == wanted
            assert deadline_ms is None or command["deadline"] <= deadline_ms
            self.received.append((machine, command["id"]))
        return True

    # --- who wants something
    @rule(name=names, command=st.sampled_from(COMMANDS),
          within_ms=st.sampled_from([30_000, 60_000, DAY_MS, None]))  # fmt: skip
    def erp_orders(
        self, name: str, command: tuple[str, dict[str, Any]], within_ms: int | None
    ) -> None:
        self._unarmed()  # it is another process
        deadline_ms = None if within_ms is None else self.world.now_ms + within_ms
        order = self.world.store.order(name, command[0], command[1], "ann", deadline_ms)
        self.deadlines[order] = (name, deadline_ms)

    @rule(name=names, command=st.sampled_from(COMMANDS[:3]))
    def somebody_orders(self, name: str, command: tuple[str, dict[str, Any]]) -> None:
        deadline_ms = self.world.now_ms + 60_000
        command_id = f"bo-{len(self.deadlines)}"
        self.deadlines[command_id] = (name, deadline_ms)
        with self._survived():
            self.world.outbox.submit(Order(name, *command, "bo", deadline_ms, command_id))

    # --- the bridge
    @rule(trouble=troubles)
    def asks_the_erp(self, trouble: str) -> None:
        with self._in_trouble(trouble):
            self.world.orders.step()

    @rule()
    def sends(self) -> None:
        with self._survived():
            self.sender.step()

    @rule()
    def is_purged(self) -> None:
        with self._survived():
            self.world.outbox.purge(self.world.now_ms - 90 * DAY_MS)

    # --- the machines
    @rule(name=names)
    def comes_or_goes(self, name: str) -> None:
        self.online ^= {name}
        if name in self.online:
            with self._survived():
                self.world.outbox.again(name)

    @precondition(lambda self: self.received)
    @rule(data=st.data(), ok=st.booleans(), lost=st.booleans())
    def answers(self, data: st.DataObject, ok: bool, lost: bool) -> None:
        """Once, twice, late, or to nobody."""
        machine, command_id = data.draw(st.sampled_from(self.received[-8:]))
        reply = self._reply(command_id, ok)
        if not lost:
            self._heard(machine, reply)

    def _reply(self, command_id: str, ok: bool) -> dict[str, Any]:
        error = {"code": "cup_missing", "field": None, "message": "no cup: put one there"}
        reply = {"id": command_id, "ok": ok, "result": None, "error": None if ok else error}
        return self.replies.setdefault(command_id, example("reply") | reply)

    def _heard(self, machine: str, reply: dict[str, Any]) -> None:
        """Answers are at least once."""
        with self._survived():
            self.world.take("reply", reply, machine)
        self.world.take("reply", reply, machine)
        self.heard[reply["id"]] = "ok" if reply["ok"] else "refused"

    @precondition(lambda self: self.received)
    @rule(data=st.data())
    def another_answers(self, data: st.DataObject) -> None:
        machine, command_id = data.draw(st.sampled_from(self.received[-8:]))
        other = NAMES[1 - NAMES.index(machine)]
        self._unarmed()
        self.world.take("reply", example("reply") | {"id": command_id, "ok": True}, other)

    # --- what always holds
    def _ends(self) -> dict[str, str]:
        rows = self.world.store._db.read("SELECT id, state FROM outgoing")
        return {row["id"]: row["state"] for row in rows}

    @invariant()
    def nothing_is_made_up(self) -> None:
        if hasattr(self, "world"):
            for order, state in self._ends().items():
                assert state != "ok" or self.heard.get(order) == "ok"

    @rule()
    def all_is_well_again(self) -> None:
        self._unarmed()
        self.online = set(NAMES)
        self.world.sync()
        self.world.outbox.again()
        self.sender.step()
        for machine, command_id in self.received:
            self._heard(machine, self._reply(command_id, True))
        self.world.now_ms += 400 * DAY_MS
        self.sender.step()
        self.world.sync()
        ends = self._ends()
        assert "waiting" not in ends.values()
        if not self.restored:
            assert self.heard.items() & ends.items() == {
                (order, end) for order, end in self.heard.items() if order in ends
            }
        self.world.outbox.purge(self.world.now_ms + 1)
        assert self.world.outbox.newest(None, 100) == []


TestOrdersInTrouble = OrdersInTrouble.TestCase
TestOrdersInTrouble.settings = SEARCH
