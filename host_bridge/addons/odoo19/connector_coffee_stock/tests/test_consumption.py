from unittest.mock import patch

from psycopg2 import IntegrityError

from odoo.exceptions import UserError, ValidationError
from odoo.modules.migration import load_script
from odoo.tests import new_test_user, tagged
from odoo.tools import file_path, mute_logger

from odoo.addons.connector_coffee.models import coffee_booking
from odoo.addons.connector_coffee.tests.common import PROFILE, CoffeeCase


@tagged("post_install", "-at_install")
class TestConsumption(CoffeeCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        warehouse = cls.env["stock.warehouse"].search(
            [("company_id", "=", cls.env.company.id)], limit=1
        )
        cls.beans = cls._product("Beans", "uom.product_uom_kgm")
        cls.water = cls._product("Water", "uom.product_uom_litre")
        cls.left.write(
            {
                "stock_location_id": warehouse.lot_stock_id.id,
                "bean_product_id": cls.beans.id,
                "water_product_id": cls.water.id,
            }
        )
        # the test is one transaction, and all of it bears the time when that began
        cls.left.write({"bean_since": "2026-01-01", "water_since": "2026-01-01"})

    @classmethod
    def _product(cls, name, unit):
        return cls.env["product.product"].create(
            {"name": name, "type": "consu", "is_storable": True, "uom_id": cls.env.ref(unit).id}
        )

    def consume(self):
        self.run_cron(self.env.ref("connector_coffee_stock.cron_consume"))

    def test_what_was_brewed_leaves_the_stock_once(self):
        self.api.import_recipes("left", 1, {"0": PROFILE})
        self.left.recipe_ids.bean_g = 20
        self.push(self.brew(1), self.brew(2), self.brew(3, slot="7"), self.brew(1, "right"))
        meter = {"day": "2026-01-01", "energy_j": 1, "grinds": 3, "shots": 3}
        self.push(self.fact("coffee.meter", 9, {**meter, "water_ul": "1500000"}))
        for _ in range(2):
            self.consume()
        self.assertAlmostEqual(self.beans.qty_available, -0.05)  # of 58 g
        self.assertAlmostEqual(self.left.bean_rest_g, 8)
        self.assertAlmostEqual(self.water.qty_available, -1.5)
        move = self.record("coffee.brew", 1).bean_move_id
        self.assertEqual((move.state, move.origin), ("done", "Left"))
        self.assertEqual(self.record("coffee.brew", 2).bean_move_id, move)
        self.assertFalse(self.record("coffee.brew", 1, "right").bean_move_id)

    def test_each_piece_is_a_move_and_nothing_leaves_twice(self):
        self.left.bean_default_g = 20
        self.push(*(self.brew(seq, slot="7") for seq in range(5)))
        with patch.object(coffee_booking, "PIECE", 2):
            self.consume()
        self.consume()
        brews = self.env["coffee.brew"].search([("backend_id", "=", self.left.id)])
        grams = sorted(round(move.quantity * 1000) for move in brews.bean_move_id)
        self.assertEqual(grams, [20, 40, 40])
        self.assertAlmostEqual(self.beans.qty_available, -0.1)

    def test_a_piece_that_is_too_little_grows(self):
        """It would be found again and again, and nothing behind it."""
        self.left.bean_default_g = 3
        self.push(*(self.brew(seq, slot="7") for seq in range(5)))
        meter = {"day": "2026-01-01", "energy_j": 1, "grinds": 3, "shots": 3}
        for seq in range(5):
            self.push(self.fact("coffee.meter", 10 + seq, {**meter, "water_ul": "3000"}))
        with patch.object(coffee_booking, "PIECE", 2):
            self.consume()
        self.assertAlmostEqual(self.beans.qty_available, -0.01)
        self.assertAlmostEqual(self.left.bean_rest_g, 2)
        self.assertAlmostEqual(self.water.qty_available, -0.01)

    def test_less_than_can_be_booked_waits(self):
        self.left.bean_default_g = 6
        for seq, grams in ((1, 0), (2, 10), (3, 10), (4, 20)):
            self.push(self.brew(seq, slot="7"))
            self.consume()
            self.assertAlmostEqual(self.beans.qty_available, -grams / 1000)

    def test_what_was_brewed_before_stays_as_it_is(self):
        self.push(self.brew(1))
        self.left.bean_since = "2100-01-01 00:00:00"
        self.consume()
        self.assertEqual(self.beans.qty_available, 0)

    def test_history_sent_later_stays_as_it_is(self):
        self.left.bean_since = "2026-01-01 00:00:10"
        self.push(self.brew(1), self.brew(2, utc_ms=str(1_767_225_620_000)))
        self.consume()
        self.assertTrue(self.record("coffee.brew", 2).bean_move_id)
        self.assertFalse(self.record("coffee.brew", 1).bean_move_id)

    def test_taken_from_the_day_of_the_choice(self):
        self.assertFalse(self.right.bean_since)
        self.right.stock_location_id = self.left.stock_location_id
        self.assertFalse(self.right.bean_since or self.right.water_since, "nothing is taken yet")
        self.right.bean_product_id = self.beans
        since = self.right.bean_since
        self.assertTrue(since)
        self.assertFalse(self.right.water_since)
        self.right.stock_location_id = self.left.stock_location_id
        self.assertEqual(self.right.bean_since, since)

    def test_what_was_brewed_before_the_beans_were_chosen_stays_as_it_is(self):
        """A place and water may be there for months before."""
        self.left.bean_product_id = False
        self.push(self.brew(1, slot="7"))
        self.left.bean_product_id = self.beans
        self.assertGreater(self.left.bean_since, self.record("coffee.brew", 1).happened_at)
        self.consume()
        self.assertFalse(self.record("coffee.brew", 1).bean_move_id)
        self.assertEqual(self.left.water_since.year, 2026)

    def test_what_was_brewed_before_the_beans_were_changed_was_the_old_ones(self):
        robusta = self._product("Robusta", "uom.product_uom_kgm")
        self.left.bean_default_g = 20
        self.push(self.brew(1, slot="7"))
        self.left.bean_product_id = robusta
        self.push(self.brew(2, slot="7"))
        self.left.bean_default_g = 10
        self.consume()
        self.assertEqual(self.record("coffee.brew", 1).bean_move_id.product_id, self.beans)
        self.assertAlmostEqual(robusta.qty_available, -0.02)
        self.assertFalse(self.left.booking_ids)

    def test_units_must_fit(self):
        piece = self._product("Cup", "uom.product_uom_unit")
        with self.assertRaisesRegex(ValidationError, "Choose a product measured in a unit"):
            self.left.bean_product_id = piece

    def refuses(self, name, value, told):
        refusal = self.assertRaisesRegex(ValidationError, told)
        with refusal, self.cr.savepoint():
            self.left[name] = value

    def test_only_what_is_kept_in_stock_is_taken(self):
        """Where and what, also when a call or an imported file says it."""
        elsewhere = self.env.ref("stock.stock_location_customers")
        self.refuses("stock_location_id", elsewhere, "Taken From: .*internal location")
        for name, label in (("bean_product_id", "Beans"), ("water_product_id", "Water")):
            fresh = self.left[name].copy({"is_storable": False})
            self.refuses(name, fresh, f"{label}: .*Track Inventory")

    def test_of_lots_nobody_knows_which_is_taken(self):
        """Odoo would refuse each booking, in words of its own."""
        for name, label in (("bean_product_id", "Beans"), ("water_product_id", "Water")):
            lots = self.left[name].copy({"tracking": "lot"})
            self.refuses(name, lots, f"{label}: .*tracked by quantity")

    def test_a_recipe_that_says_nothing_takes_what_the_machine_does(self):
        self.left.bean_default_g = 30
        self.api.import_recipes("left", 1, {"0": PROFILE})
        self.push(self.brew(1))
        self.consume()
        self.assertAlmostEqual(self.beans.qty_available, -0.03)

    def test_what_an_archived_machine_used_is_booked(self):
        self.push(self.brew(1), self.brew(2))
        self.left.active = False
        self.consume()
        self.assertTrue(self.record("coffee.brew", 1).bean_move_id)

    def test_what_was_used_before_it_moved_leaves_the_stock_it_stood_at(self):
        self.left.bean_default_g = 20
        self.push(self.brew(1, slot="7"))
        place = self.left.stock_location_id
        other = place.copy({"name": "Cellar"})
        self.left.stock_location_id = other
        self.assertEqual(self.left.booking_ids.mapped("book"), ["_consume_beans"])
        self.push(self.brew(2, slot="7"))
        self.consume()
        move = self.record("coffee.brew", 1).bean_move_id
        self.assertEqual((move.location_id, move.state), (place, "done"))
        self.assertEqual(self.record("coffee.brew", 2).bean_move_id.location_id, other)

    def test_a_meter_below_zero_keeps_no_other_waiting(self):
        """Before 19.0.1.6.0 of connector_coffee it became a record."""
        meter = {"day": "2026-01-01", "energy_j": 1, "grinds": 3, "shots": 3}
        self.push(
            self.fact("coffee.meter", 1, meter | {"water_ul": "1500000"}),
            self.fact("coffee.meter", 2, meter | {"water_ul": "9000000"}),
        )
        self.env.cr.execute("ALTER TABLE coffee_meter DROP CONSTRAINT coffee_meter_sane")
        self.record("coffee.meter", 2).water_ul = -9_000_000
        with mute_logger(coffee_booking.__name__, "odoo.sql_db"):
            self.consume()
        self.assertAlmostEqual(self.water.qty_available, -1.5)
        asked = self.env["coffee.checkpoint"].search([("coffee_id", "=like", "_consume_water-%")])
        self.assertEqual(asked.res_id, self.record("coffee.meter", 2).id)

    def test_a_cup_takes_no_less_than_nothing(self):
        self.api.import_recipes("left", 1, {"0": PROFILE})
        for record, name in ((self.left.recipe_ids, "bean_g"), (self.left, "bean_default_g")):
            with (
                self.assertRaisesRegex(IntegrityError, f"{name}_sane"),
                mute_logger("odoo.sql_db"),
                self.env.cr.savepoint(),
            ):
                record[name] = -1

    def test_stock_is_of_the_machines_company(self):
        other = self.env["res.company"].create({"name": "Other"})
        with self.assertRaisesRegex(UserError, "Taken From"):
            self.left.company_id = other
        self.left.stock_location_id = False
        self.beans.company_id = self.env.company
        with self.assertRaisesRegex(UserError, "Beans"):
            self.left.company_id = other

    def test_what_is_taken_is_not_deleted_under_the_machine(self):
        """Its field would be empty and its time would stay: all since then would be taken of what
        is chosen next."""
        shelf = self.left.stock_location_id.copy({"name": "Shelf"})
        self.left.stock_location_id = shelf
        for thing in (self.beans, self.water, shelf):
            with (
                self.subTest(thing.name),
                self.assertRaises(IntegrityError),
                mute_logger("odoo.sql_db"),
                self.cr.savepoint(),
            ):
                thing.unlink()

    def test_an_upgrade_ends_what_was_taken_of_a_deleted_product(self):
        self.env.flush_all()
        self.cr.execute("UPDATE coffee_backend SET bean_product_id = NULL WHERE machine = 'left'")
        script = file_path("connector_coffee_stock/migrations/19.0.1.4.0/post-migration.py")
        load_script(script, "post_migration").migrate(self.cr, "19.0.1.3.0")
        self.env.invalidate_all()
        self.assertFalse(self.left.bean_since)
        self.assertTrue(self.left.water_since)

    def test_who_deletes_a_move_waits_for_no_search_through_all_meters(self):
        """The database looks for facts that name it."""
        for table, name in (("coffee_brew", "bean_move_id"), ("coffee_meter", "water_move_id")):
            self.cr.execute(
                "SELECT count(*) FROM pg_indexes WHERE tablename = %s AND indexdef LIKE %s",
                (table, f"%({name})%"),
            )
            self.assertEqual(self.cr.fetchone()[0], 1, name)

    def test_who_keeps_no_stock_exports_brews_all_the_same(self):
        """Of a field of records he may not read an export fails as a whole."""
        self.left.bean_default_g = 20
        meter = {"day": "2026-01-01", "energy_j": 1, "grinds": 3, "shots": 3}
        self.push(
            self.brew(1, slot="7"), self.fact("coffee.meter", 2, meter | {"water_ul": "1500000"})
        )
        self.consume()
        groups = "connector_coffee.group_coffee_user,base.group_allow_export"
        user = new_test_user(self.env, "guest", groups)
        for model, seq in (("coffee.brew", 1), ("coffee.meter", 2)):
            record = self.record(model, seq).with_user(user)
            about = record.fields_get(attributes=["relation"])
            moves = [name for name, one in about.items() if one.get("relation") == "stock.move"]
            record.export_data(["id", *moves])
