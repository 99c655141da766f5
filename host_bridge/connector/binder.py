"""External ids: what a record is called outside the ERP, and that it may be called so."""

from __future__ import annotations

from host_bridge.connector.backend import coffee
from host_bridge.connector.unit import ConnectorUnit
from host_bridge.gateway.port import MODELS


class BinderError(ValueError):
    """Not an external id."""


@coffee
class Binder(ConnectorUnit):
    """External ids are text; "0" is one like any other, so never test them for truth. A fact's is
    `<journal>/<seq>`, a recipe's its slot."""

    models = MODELS

    def checked(self, coffee_id: str) -> str:
        """Raises BinderError."""
        if not isinstance(coffee_id, str):
            raise BinderError(
                f"coffee_id {coffee_id!r} is not text; write it as {str(coffee_id)!r}"
            )
        if coffee_id == "":
            raise BinderError("coffee_id is empty; a record needs an external id")
        return coffee_id
