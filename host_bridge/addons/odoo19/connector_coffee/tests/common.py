from contextlib import contextmanager
from unittest.mock import patch

from odoo import Command
from odoo.sql_db import Cursor
from odoo.tests import TransactionCase, new_test_user

UTC_MS = 1_767_225_600_000  # 2026-01-01
JOURNAL = "9f3a77aa"
PROFILE = {"name": "espresso", "temp_mc": 93000, "stop": {"volume_ul": 36000}, "phases": []}


class CoffeeCase(TransactionCase):
    """A running machine of each version, a bridge's user, a user and a manager."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.env = cls.env(context={**cls.env.context, "tracking_disable": True})
        group = cls.env.ref("connector_coffee.group_coffee_bridge")
        cls.bridge_user = cls.env["res.users"].create(
            {"name": "Bridge", "login": "test-bridge", "group_ids": [Command.set(group.ids)]}
        )
        cls.user = new_test_user(cls.env, "bean", "connector_coffee.group_coffee_user")
        cls.manager = new_test_user(cls.env, "roaster", "connector_coffee.group_coffee_manager")
        cls.left = cls._machine("left", "2900")
        cls.right = cls._machine("right", "1900")

    @classmethod
    def _machine(cls, machine, version, **values):
        return cls.env["coffee.backend"].create(
            {
                "name": machine.capitalize(),
                "machine": machine,
                "version": version,
                "state": "running",
                "checkpoint_severity": "warning",
                **values,
            }
        )

    @property
    def api(self):
        """The addon as the bridge calls it."""
        return self.env["coffee.backend"].with_user(self.bridge_user)

    def push(self, *facts):
        return self.api.push("test", list(facts))

    def statuses(self, *facts):
        return [result["status"] for result in self.push(*facts)["results"]]

    def fact(self, model, seq, values, machine="left", **more):
        return {
            "machine": machine,
            "journal": JOURNAL,
            "seq": str(seq),
            "model": model,
            "values": {
                "boot": 1,
                "uptime_ms": str(1000 + seq),
                "utc_ms": str(UTC_MS + seq),
                **values,
            },
            "payload": {},
            "checkpoint": None,
            **more,
        }

    def brew(self, seq, machine="left", more=None, **values):
        return self.fact(
            "coffee.brew",
            seq,
            {
                "shot": seq,
                "slot": "0",
                "recipe_rev": 1,
                "source": "local",
                "command": None,
                "start_uptime_ms": 1,
                "start_ms": str(UTC_MS),
                "duration_ms": 28400,
                "volume_ul": "36100",
                "temp_mean_mc": 92950,
                "energy_j": 9100,
                "result": "ok",
                "reason": None,
                "weight_mg": 36000,
                **values,
            },
            machine,
            **(more or {}),
        )

    def alarm(self, seq, severity="warning", raised=True, machine="left", code="tank_empty"):
        values = {"code": code, "raised": raised, "severity": severity, "latched": True}
        return self.fact("coffee.alarm", seq, values, machine)

    def record(self, model, seq, machine="left"):
        return self.env[model].search(
            [("backend_id.machine", "=", machine), ("coffee_id", "=", f"{JOURNAL}/{seq}")]
        )

    def run_cron(self, cron):
        """As Odoo's scheduler does it, with its own transactions."""
        with self.enter_registry_test_mode():
            self.assertIs(cron.method_direct_trigger(), True)

    # --- watching
    @contextmanager
    def queries_of(self, table, inserts, selects):
        """Exactly so many queries write and read the table."""
        queries, execute = [], Cursor.execute

        def noted(cursor, query, *args, **kwargs):
            queries.append(str(getattr(query, "code", query)))
            return execute(cursor, query, *args, **kwargs)

        with patch.object(Cursor, "execute", noted):
            yield
            self.env.flush_all()
        made = [query for query in queries if f'INSERT INTO "{table}"' in query]
        read = [query for query in queries if f'FROM "{table}"' in query]
        self.assertEqual((len(made), len(read)), (inserts, selects), "\n".join(made + read))

    @contextmanager
    def writes_of(self, model):
        """The values of each `write` on the model."""
        written, registry_class = [], self.env.registry[model]
        write = registry_class.write

        def noted(records, vals):
            written.append(dict(vals))
            return write(records, vals)

        with patch.object(registry_class, "write", noted):
            yield written
