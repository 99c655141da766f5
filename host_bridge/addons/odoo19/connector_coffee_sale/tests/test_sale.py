from unittest.mock import patch

from psycopg2 import IntegrityError

from odoo.exceptions import UserError, ValidationError
from odoo.tests import new_test_user, tagged
from odoo.tools import mute_logger

from odoo.addons.connector_coffee.models import coffee_booking
from odoo.addons.connector_coffee.tests.common import PROFILE, CoffeeCase


@tagged("post_install", "-at_install")
class TestSale(CoffeeCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.guest = cls.env["res.partner"].create({"name": "Office, 2nd floor"})
        cls.left.write({"accounting": "sale", "sale_partner_id": cls.guest.id})
        # the test is one transaction, and all of it bears the time when that began
        cls.left.sale_since = "2026-01-01 00:00:00"

    def setUp(self):
        super().setUp()
        slots = {"0": PROFILE, "1": {**PROFILE, "name": "ristretto"}}
        self.api.import_recipes("left", 1, slots)
        self.espresso, self.ristretto = self.left.recipe_ids.sorted("coffee_id").odoo_id
        self.espresso.list_price = 1.5
        self.ristretto.list_price = 2

    def sell(self):
        self.run_cron(self.env.ref("connector_coffee_sale.cron_sell"))

    @property
    def orders(self):
        return self.env["sale.order"].search(
            [("coffee_backend_id", "=", self.left.id)], order="id"
        )

    def sold(self, order):
        return {line.product_id: line.product_uom_qty for line in order.order_line}

    def test_brews_are_lines_of_one_quotation_each_once(self):
        self.push(self.brew(1), self.brew(2, slot="1"), self.brew(3), self.brew(1, "right"))
        for _ in range(2):
            self.sell()
        order = self.orders
        self.assertEqual(self.sold(order), {self.espresso: 2, self.ristretto: 1})
        self.assertEqual((order.partner_id, order.origin), (self.guest, "Left"))
        self.assertAlmostEqual(order.amount_untaxed, 5)
        self.push(self.brew(1), self.brew(4))
        self.sell()
        self.assertEqual(self.orders, order)
        self.assertEqual(self.sold(order), {self.espresso: 3, self.ristretto: 1})
        self.assertEqual(self.record("coffee.brew", 4).sale_line_id.order_id, order)
        self.assertFalse(self.record("coffee.brew", 1, "right").sale_line_id)
        found = self.env["coffee.brew"].search(order.action_coffee_brews()["domain"])
        self.assertEqual(len(found), 4)

    def test_pieces_add_up_in_one_quotation(self):
        self.push(*(self.brew(seq, slot=str(seq % 2)) for seq in range(5)))
        with patch.object(coffee_booking, "PIECE", 2):
            self.sell()
        self.sell()
        self.assertEqual(self.sold(self.orders), {self.espresso: 3, self.ristretto: 2})
        self.assertEqual(len(self.orders.order_line), 2)

    def test_a_confirmed_order_is_left_alone(self):
        self.push(self.brew(1))
        self.sell()
        first = self.orders
        first.action_confirm()
        self.push(self.brew(2))
        self.sell()
        self.assertEqual(self.sold(first), {self.espresso: 1})
        self.assertEqual(self.sold(self.orders[-1]), {self.espresso: 1})
        self.assertEqual(len(self.orders), 2)

    def test_a_line_a_person_added_is_not_ours(self):
        self.push(self.brew(1))
        self.sell()
        order = self.orders
        order.order_line = [(0, 0, {"product_id": self.ristretto.id, "product_uom_qty": 7})]
        self.push(self.brew(2, slot="1"))
        self.sell()
        self.assertEqual(sorted(order.order_line.mapped("product_uom_qty")), [1, 1, 7])

    def test_a_deleted_quotation_is_made_again(self):
        self.push(self.brew(1), self.brew(2))
        self.sell()
        self.orders.unlink()
        self.sell()
        self.assertEqual(self.sold(self.orders), {self.espresso: 2})

    def test_not_sold(self):
        """Aborted, of no known drink, brewed before though it came later, of another setting."""
        self.left.sale_since = "2026-01-01 00:00:10"
        late = {"utc_ms": str(1_767_225_620_000)}
        self.push(
            self.brew(1, result="aborted", **late), self.brew(2, slot="7", **late), self.brew(3)
        )
        self.sell()
        self.assertFalse(self.orders)
        self.push(self.brew(4, result="stopped", **late))
        self.sell()
        self.assertEqual(self.sold(self.orders), {self.espresso: 1})
        self.left.accounting = "price"
        self.push(self.brew(5, **late))
        self.sell()
        self.assertEqual(self.sold(self.orders), {self.espresso: 1})
        self.assertFalse(self.left.sale_since)

    def test_somebody_must_pay(self):
        with self.assertRaisesRegex(ValidationError, "Sold To: choose who buys"):
            self.left.sale_partner_id = False

    def test_sold_from_the_day_of_the_choice(self):
        self.assertFalse(self.right.sale_since)
        self.right.write({"accounting": "sale", "sale_partner_id": self.guest.id})
        since = self.right.sale_since
        self.assertTrue(since)
        self.right.accounting = "sale"
        self.assertEqual(self.right.sale_since, since)
        made = self._machine("new", "1900", accounting="sale", sale_partner_id=self.guest.id)
        self.assertTrue(made.sale_since)

    def test_what_an_archived_machine_brewed_is_sold(self):
        self.push(self.brew(1))
        self.left.active = False
        self.sell()
        self.assertEqual(self.sold(self.orders), {self.espresso: 1})

    def test_who_sells_and_drinks_no_coffee_reads_a_line(self):
        self.push(self.brew(1))
        self.sell()
        seller = new_test_user(self.env, "seller", "sales_team.group_sale_manager")
        line = self.orders.order_line
        self.env.invalidate_all()
        fields = line.with_user(seller).fields_get(attributes=["type"])
        ours = [name for name in fields if name.startswith("coffee_")]
        line.with_user(seller).read(["product_uom_qty", *ours])
        line.order_id.with_user(seller).copy()

    def test_the_brews_amounts_are_those_of_the_order(self):
        """Pivot and invoice say the same where the customer has no prices of his own."""
        self.push(
            self.brew(1), self.brew(2, slot="1"), self.brew(3, result="stopped"),
            self.brew(4, result="aborted"), self.brew(5, slot="1", result="aborted"),
        )  # fmt: skip
        self.sell()
        brews = self.env["coffee.brew"].search([("backend_id", "=", self.left.id)])
        self.assertEqual(len(brews), 5)
        self.assertAlmostEqual(sum(brews.mapped("amount")), self.orders.amount_untaxed)

    # --- a machine that moves
    def test_a_machine_of_another_company_begins_a_quotation_there(self):
        self.push(self.brew(1))
        self.sell()
        first = self.orders
        other = self.env["res.company"].create({"name": "Other"})
        self.bridge_user.company_ids += other
        self.push(self.brew(2))
        self.left.recipe_ids.odoo_id.company_id = False
        self.left.company_id = other
        self.push(self.brew(3))
        self.sell()
        self.assertEqual(self.sold(first), {self.espresso: 2}, "one brewed before it moved")
        second = self.orders - first
        self.assertEqual(
            (self.sold(second), second.company_id, second.partner_id),
            ({self.espresso: 1}, other, self.guest),
        )

    def test_what_was_brewed_before_a_setting_changed_is_sold_as_it_was(self):
        """In the background: a large backlog takes longer than a person waits."""
        guest = self.env["res.partner"].create({"name": "Office, 3rd floor"})
        self.push(self.brew(1))
        self.left.sale_partner_id = guest
        self.assertFalse(self.orders)
        self.assertTrue(self.left.booking_ids)
        self.push(self.brew(2), self.brew(3))
        self.left.write({"accounting": "price", "sale_partner_id": False})
        self.push(self.brew(4))
        with patch.object(coffee_booking, "PIECE", 1):
            self.sell()
        sold = {order.partner_id: self.sold(order) for order in self.orders}
        self.assertEqual(sold, {self.guest: {self.espresso: 1}, guest: {self.espresso: 2}})
        self.assertFalse(self.left.booking_ids)

    def test_the_background_begins_at_once_and_only_if_there_is_something(self):
        cron = self.env.ref("connector_coffee_sale.cron_sell")
        calls = lambda: self.env["ir.cron.trigger"].search_count([("cron_id", "=", cron.id)])  # noqa: E731
        self.left.sale_partner_id = self.guest.copy()
        self.assertEqual((calls(), len(self.left.booking_ids)), (0, 0))
        self.push(self.brew(1))
        self.left.sale_partner_id = self.guest
        self.assertEqual((calls(), len(self.left.booking_ids)), (1, 1))

    def test_a_drink_that_cannot_be_sold_keeps_no_other_waiting(self):
        other = self.env["res.company"].create({"name": "Other"})
        self.push(self.brew(1), self.brew(2, slot="1"))
        self.ristretto.sudo().company_id = other
        with mute_logger(coffee_booking.__name__):
            self.sell()
        self.assertEqual(self.sold(self.orders), {self.espresso: 1})
        asked = self.env["coffee.checkpoint"].search([("coffee_id", "=like", "_sell-%")])
        self.assertEqual((asked.res_model, asked.res_id), ("product.product", self.ristretto.id))

    def test_earlier_settings_that_fail_wait_and_can_be_given_up(self):
        other = self.env["res.company"].create({"name": "Other"})
        self.push(self.brew(1))
        self.left.sale_partner_id = self.guest.copy()
        self.espresso.sudo().company_id = other
        with mute_logger(coffee_booking.__name__):
            self.sell()
        self.assertTrue(self.left.booking_ids)
        self.espresso.company_id = False
        self.left.with_user(self.manager).booking_ids.unlink()
        self.sell()
        self.assertEqual(self.orders.partner_id, self.left.sale_partner_id)

    def test_a_manager_who_sells_nothing_may_move_it_too(self):
        """Selling is not his right; that it is sold to the end is the machine's."""
        self.push(self.brew(1))
        self.left.with_user(self.manager).accounting = "none"
        self.sell()
        self.assertEqual(self.sold(self.orders), {self.espresso: 1})

    def test_who_pays_is_of_the_machines_company(self):
        other = self.env["res.company"].create({"name": "Other"})
        self.guest.company_id = self.env.company
        self.left.recipe_ids.odoo_id.company_id = False
        with self.assertRaisesRegex(UserError, "Sold To"):
            self.left.company_id = other

    def test_who_pays_is_not_deleted_under_the_machine(self):
        """Its brews could be sold to nobody, against its own setting."""
        with self.assertRaises(IntegrityError), mute_logger("odoo.sql_db"):
            self.guest.unlink()

    def test_who_has_one_half_of_the_rights_exports_that_half(self):
        """Of a field of records he may not read an export fails as a whole."""
        self.push(self.brew(1))
        self.sell()
        self.env.invalidate_all()
        brew, order = self.record("coffee.brew", 1), self.orders
        for record, groups in (
            (brew, "connector_coffee.group_coffee_manager"),
            (order, "sales_team.group_sale_manager"),
        ):
            user = new_test_user(self.env, f"half-{record._name}",
                                 f"{groups},base.group_allow_export")  # fmt: skip
            known = record.with_user(user).fields_get()
            ours = {"sale_line_id", "coffee_backend_id"} & known.keys()
            record.with_user(user).export_data(["id", *ours])

    def test_who_keeps_the_books_sees_the_brews_of_an_order(self):
        self.push(self.brew(1))
        self.sell()
        groups = "connector_coffee.group_coffee_user,account.group_account_invoice"
        order = self.orders.with_user(new_test_user(self.env, "books", groups))
        self.env.invalidate_all()
        found = order.env["coffee.brew"].search(order.action_coffee_brews()["domain"])
        self.assertEqual(found.ids, self.record("coffee.brew", 1).ids)
