from odoo.tests import tagged

from odoo.addons.connector_coffee.tests.common import PROFILE, CoffeeCase
from odoo.addons.queue_job.tests.common import trap_jobs


@tagged("post_install", "-at_install")
class TestExtension(CoffeeCase):
    def test_a_field_comes_in_by_every_versions_mapper(self):
        for machine in ("left", "right"):
            more = {"payload": {"grind_um": 310}}
            self.push(self.brew(1, machine, more))
            self.assertEqual(self.record("coffee.brew", 1, machine).grind_um, 310)
        self.assertEqual(self.record("coffee.brew", 1, "left").weight_mg, 36000)
        changed = self.brew(1, "left", {"payload": {"grind_um": 320}})
        self.assertEqual(self.statuses(changed), ["updated"])

    def test_a_version_is_added_beside_the_known_ones(self):
        self._machine("big", "3900")
        self.push(self.brew(1, "big", {"payload": {"pulses": 72}}), self.brew(1, "left"))
        self.assertEqual(self.record("coffee.brew", 1, "big").reason, "72 pulses")
        self.assertEqual(self.record("coffee.brew", 1, "big").weight_mg, 36000)
        self.assertFalse(self.record("coffee.brew", 1, "left").reason)

    def test_a_field_goes_out_and_comes_back(self):
        self.api.import_recipes("left", 1, {"0": PROFILE})
        recipe = self.left.recipe_ids
        with trap_jobs() as trap:
            recipe.grind_um = 280
            trap.perform_enqueued_jobs()
        (order,) = self.api.fetch_orders("test", 9)["orders"]
        self.assertEqual(order["args"]["recipe"], {**PROFILE, "grind_um": 280})
        self.api.finished([{"id": order["id"], "state": "ok", "result": {"rev": 2}}])
        self.api.import_recipes("left", 3, {"0": {**PROFILE, "grind_um": 290}})
        self.assertEqual(recipe.grind_um, 290)
