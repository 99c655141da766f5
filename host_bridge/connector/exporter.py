"""From what the ERP wants to a command the machine understands. The machine has the last word."""

from __future__ import annotations

from typing import Any

from host_bridge.connector.backend import coffee
from host_bridge.connector.binder import Binder
from host_bridge.connector.unit import ConnectorUnit
from host_bridge.gateway.port import BACKEND, RECIPE, CommandOrder, RecipeExport


@coffee
class RecipeExporter(ConnectorUnit):
    models = (RECIPE,)

    def command(self, export: RecipeExport) -> tuple[str, dict[str, Any]]:
        """(command name, args). Raises BinderError for a slot that is no external id."""
        slot = self.env.unit(Binder).key(export.slot).coffee_id
        if export.recipe is None:
            return "recipe.delete", {"slot": slot}
        return "recipe.put", {"slot": slot, "recipe": export.recipe}


@coffee
class OrderExporter(ConnectorUnit):
    models = (BACKEND,)

    def command(self, order: CommandOrder) -> tuple[str, dict[str, Any]]:
        return order.name, dict(order.args)
