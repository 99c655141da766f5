"""From what the ERP wants to a command the machine understands. The machine has the last word."""

from __future__ import annotations

from typing import Any

from host_bridge.connector.backend import coffee
from host_bridge.connector.binder import Binder
from host_bridge.connector.unit import ConnectorUnit
from host_bridge.gateway.port import BACKEND, RECIPE, ErpOrder


class Exporter(ConnectorUnit):
    def command(self, order: ErpOrder) -> tuple[str, dict[str, Any]]:
        """(command name, args). Raises BinderError."""
        return order.name, dict(order.args)


@coffee
class RecipeExporter(Exporter):
    """recipe.put and recipe.delete: a recipe's external id is the slot."""

    models = (RECIPE,)

    def command(self, order: ErpOrder) -> tuple[str, dict[str, Any]]:
        self.env.unit(Binder).checked(order.args.get("slot", ""))
        return super().command(order)


@coffee
class OrderExporter(Exporter):
    """Everything else is about the machine as a whole."""

    models = (BACKEND,)
