"""A real Odoo as the gateway contract's site, and a bridge process that is pointed at it."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

from host_bridge.gateway.odoo import OdooGateway
from host_bridge.gateway.port import MODELS
from host_bridge.settings import GatewaySettings
from tests.erp.odoo19.server import BRIDGE, OdooServer

STATES = {"review": "open", "reviewed": "done"}


def settings(odoo: OdooServer, **changes: Any) -> GatewaySettings:
    given = {
        "kind": "odoo", "url": odoo.url, "database": odoo.database, "key": odoo.key, **changes,
    }  # fmt: skip
    return GatewaySettings.model_validate(given)


def environment(odoo: OdooServer) -> dict[str, str]:
    """For a bridge process; the key never stands on a command line."""
    return {
        "COFFEE_GATEWAY_KIND": "odoo", "COFFEE_GATEWAY_URL": odoo.url,
        "COFFEE_GATEWAY_DATABASE": odoo.database, "COFFEE_GATEWAY_KEY": odoo.key,
        "COFFEE_NAME": BRIDGE,
    }  # fmt: skip


def rows(odoo: OdooServer, query: str) -> list[dict[str, Any]]:
    """Past all of our code."""
    found: list[dict[str, Any]] = json.loads(
        odoo.sql(f"SELECT coalesce(json_agg(row_to_json(r)), '[]') FROM ({query}) AS r")
    )
    return found


def facts(odoo: OdooServer) -> list[tuple[str, str]]:
    """(machine, coffee_id) of every fact's record; a double would show."""
    tables = " UNION ALL ".join(
        f"SELECT backend_id, coffee_id FROM {model.replace('.', '_')}"
        for model in MODELS
        if model != "coffee.recipe"
    )
    return [
        (row["machine"], row["coffee_id"])
        for row in rows(odoo, f"SELECT machine, coffee_id FROM ({tables}) AS f"
                              " JOIN coffee_backend b ON b.id = backend_id")
    ]  # fmt: skip


class OdooSite:
    def __init__(self, odoo: OdooServer, **changes: Any) -> None:
        self.odoo = odoo
        self.gateway = OdooGateway(settings(odoo, **changes), BRIDGE)

    def clear(self) -> None:
        """A fresh one, without the minute a new database takes."""
        self.gateway.close()
        self.odoo.sql("TRUNCATE coffee_backend CASCADE")

    def records(self, model: str, machine: str) -> dict[str, dict[str, Any]]:
        table = model.replace(".", "_")
        found = rows(self.odoo, f"SELECT r.* FROM {table} r JOIN coffee_backend b"
                                f" ON b.id = backend_id WHERE machine = '{machine}'")  # fmt: skip
        by_id = {row["coffee_id"]: row for row in found}
        assert len(by_id) == len(found)
        return by_id

    def checkpoints(self, machine: str) -> dict[tuple[str, str], str]:
        found = rows(self.odoo, "SELECT model, coffee_id, c.state FROM coffee_checkpoint c JOIN"
                                f" coffee_backend b ON b.id = backend_id"
                                f" WHERE machine = '{machine}'")  # fmt: skip
        by_key = {(row["model"], row["coffee_id"]): STATES[row["state"]] for row in found}
        assert len(by_key) == len(found)
        return by_key

    def review(self, machine: str, coffee_id: str, note: str) -> None:
        domain = [("backend_id.machine", "=", machine), ("coffee_id", "=", coffee_id)]
        ids = self.odoo.admin("coffee.checkpoint", "search", domain)
        self.odoo.admin("coffee.checkpoint", "write", ids, {"note": note})
        self.odoo.admin("coffee.checkpoint", "action_review", ids)

    def order(self, machine: str, name: str, args: dict[str, Any], deadline_ms: int | None) -> str:
        values = {"backend_id": self.odoo.run_machine(machine), "name": name, "args": args}
        if deadline_ms is not None:
            at = datetime.fromtimestamp(deadline_ms / 1000, UTC)
            values["deadline"] = at.strftime("%Y-%m-%d %H:%M:%S")
        made = self.odoo.admin("coffee.command", "create", values)
        (command,) = self.odoo.admin("coffee.command", "read", [made], ["uid"])
        return str(command["uid"])

    def order_state(self, order_id: str) -> tuple[str, str]:
        (found,) = self.odoo.records(
            "coffee.command", ["state", "message"], [("uid", "=", order_id)]
        )
        return found["state"], found["message"] or ""
