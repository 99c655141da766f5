"""External ids ↔ records of the ERP."""

from __future__ import annotations

from collections.abc import Iterable

from host_bridge.connector.backend import coffee
from host_bridge.connector.unit import ConnectorUnit
from host_bridge.gateway.port import ALARM, BREW, EVENT, MAINTENANCE, METER, RECIPE, Key


class BinderError(ValueError):
    """Not an external id."""


class Binder(ConnectorUnit):
    """External ids are text; "0" is one like any other, so never test them for truth."""

    def key(self, coffee_id: str) -> Key:
        """Raises BinderError."""
        if not isinstance(coffee_id, str):
            raise BinderError(
                f"coffee_id {coffee_id!r} is not text; write it as {str(coffee_id)!r}"
            )
        if coffee_id == "":
            raise BinderError("coffee_id is empty; a record needs an external id")
        return Key(self.env.backend_record.id, coffee_id)

    def to_internal(self, coffee_ids: Iterable[str]) -> dict[str, int]:
        """Record ids of those that are bound."""
        keys = [self.key(coffee_id) for coffee_id in coffee_ids]
        found = self.env.session.gateway.search_bindings(self.env.model, keys) if keys else {}
        return {key.coffee_id: record_id for key, record_id in found.items()}


@coffee
class FactBinder(Binder):
    """A fact's id is `<journal>/<seq>`: unique for one machine, through every reboot."""

    models = (BREW, ALARM, METER, MAINTENANCE, EVENT)

    @staticmethod
    def coffee_id(journal: str, seq: int) -> str:
        return f"{journal}/{seq}"


@coffee
class RecipeBinder(Binder):
    """A recipe's id is its slot as text."""

    models = (RECIPE,)
