"""The thread that asks the ERP what it wants of the machines, and tells it how that ended.

Each step is one cheap call when nothing is wanted. An order goes into the outbox under its own
id, which the machine remembers, so asking twice brews once.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

import structlog

from host_bridge.commands import Order, Outbox
from host_bridge.connector.backend import UnknownVersion
from host_bridge.connector.binder import BinderError
from host_bridge.connector.environment import Session, get_environment
from host_bridge.connector.exporter import Exporter
from host_bridge.due import is_due
from host_bridge.errors import Invalid
from host_bridge.gateway.port import (
    BACKEND,
    RECIPE,
    BackendRecord,
    BusySigns,
    Done,
    ErpOrder,
    Gateway,
)
from host_bridge.presence import Presences
from host_bridge.registry import Registry
from host_bridge.worker import Worker

log = structlog.get_logger(__name__)
POLL_S: Final = 0.5  # an order shall be at the machine within a second
SLOW_EVERY_MS: Final = 10_000
LIMIT: Final = 50
PRESENCES: Final = 500
RECIPE_PATIENCE_MS: Final = 3650 * 86_400_000
"""A recipe is wanted until the machine is back, also from a shop's holidays or a workshop."""
PATIENCE_MS: Final = 7 * 86_400_000
"""Of anything else that came without a deadline."""


class Orders:
    """`submitted`: an order is in the outbox. `busy`: what the ERP says of its own load.
    `slowly`: more to do with the ERP every ten seconds."""

    def __init__(
        self, gateway: Gateway, outbox: Outbox, registry: Registry, presences: Presences,
        retry_max_s: float, now_ms: Callable[[], int], submitted: Callable[[], None],
        busy: Callable[[BusySigns], None], slowly: Callable[[], None] = lambda: None,
    ) -> None:  # fmt: skip
        self._gateway = gateway
        self._outbox = outbox
        self._registry = registry
        self._presences = presences
        self._now_ms = now_ms
        self._submitted = submitted
        self._busy = busy
        self._slowly = slowly
        self._slow_due_ms = 0
        self._session = Session()
        self.worker = Worker("orders", self.step, POLL_S, retry_max_s, lambda: None)

    def step(self) -> bool:
        """One pass; True when more orders wait than were taken."""
        try:
            fetched = self._gateway.fetch(LIMIT, self._outbox.unfinished())
        except Exception:
            self._presences.forget()  # an ERP that hears nothing of us takes all for offline
            raise
        ended = [done for order in fetched.orders for done in self._submit(order)]
        if fetched.busy is not None:
            self._busy(fetched.busy)
        self._tell(ended)
        if is_due(self._slow_due_ms, self._now_ms(), SLOW_EVERY_MS):
            self._slow_due_ms = self._now_ms() + SLOW_EVERY_MS
            self._tell_presence()
            self._slowly()
        return len(fetched.orders) == LIMIT

    def _submit(self, order: ErpOrder) -> list[Done]:
        """Into the outbox under the ERP's own id; what cannot be sent at all is refused here."""
        recipe = order.name.startswith("recipe.")
        patience_ms = RECIPE_PATIENCE_MS if recipe else PATIENCE_MS
        deadline_ms = order.deadline_ms or self._now_ms() + patience_ms
        try:
            name, args = self._command(order)
            self._outbox.submit(
                Order(order.machine, name, args, order.user, deadline_ms, order.id),
                ordered_by_erp=True,
            )
        except (Invalid, UnknownVersion, BinderError) as error:
            return [Done(order.id, "refused", str(error))]
        self._outbox.tell_again(order.id)
        self._submitted()
        return []

    def _command(self, order: ErpOrder) -> tuple[str, dict[str, Any]]:
        version = self._registry.model(order.machine)
        if version is None:
            raise Invalid("machine", f"{order.machine!r} has never been seen; check its name")
        model = RECIPE if order.name.startswith("recipe.") else BACKEND
        record = BackendRecord(order.machine, version, None)
        return get_environment(self._session, model, record).unit(Exporter).command(order)

    def _tell(self, ended: list[Done]) -> None:
        views = self._outbox.untold(200)
        for view in views:
            message = "" if view.error is None else view.error.message
            state = view.state
            assert state == "ok" or state == "refused" or state == "expired"
            ended.append(Done(view.id, state, message, view.result))
        if ended:
            self._gateway.finished(ended)
            self._outbox.told(views)

    def _tell_presence(self) -> None:
        states = self._presences.changed(PRESENCES)
        if states:
            self._gateway.presence(states)
            self._presences.told(states)
