from ast import literal_eval
from unittest.mock import patch

from lxml import etree

from odoo.exceptions import AccessError, UserError, ValidationError
from odoo.tests import Form, tagged

from .common import PROFILE, CoffeeCase


@tagged("post_install", "-at_install")
class TestCommand(CoffeeCase):
    def order(self, name="brew", **values):
        if name == "brew":
            self.api.import_recipes("left", 1, {"0": PROFILE})
            values.setdefault("recipe_id", self.left.recipe_ids.id)
        return (
            self.env["coffee.command"]
            .with_user(self.user)
            .create({"backend_id": self.left.id, "name": name, **values})
        )

    def fetch(self, bridge="test"):
        return self.api.fetch_orders(bridge, 100)["orders"]

    def test_an_order_waits_until_the_machine_has_answered(self):
        command = self.order()
        for _ in range(2):
            (order,) = self.fetch()
            self.assertEqual(
                (order["id"], order["machine"], order["name"], order["args"], order["user"]),
                (command.uid, "left", "brew", {"slot": "0"}, self.user.name),
            )
        self.assertLessEqual(len(order["id"]), 36)
        self.assertTrue(order["deadline_ms"].isdecimal())
        self.api.finished([{"id": command.uid, "state": "ok", "result": {"shot": 7}}])
        self.assertEqual((command.state, command.result), ("ok", {"shot": 7}))
        self.assertFalse(self.fetch())

    def test_a_brew_finds_the_order_that_made_it(self):
        command = self.order()
        self.push(self.brew(1, source="remote", command=command.uid))
        self.assertEqual(self.record("coffee.brew", 1).command_id, command)

    def test_an_answer_after_the_deadline_still_counts(self):
        command = self.order()
        command.sudo().deadline = "2026-01-01 00:00:00"
        self.env["coffee.command"]._cron_expire()
        self.assertEqual(command.state, "expired")
        self.api.finished([{"id": command.uid, "state": "ok", "message": "", "result": None}])
        self.assertEqual(command.state, "ok")

    def test_what_acts_is_never_repeated_by_itself(self):
        for name, may in (("brew", False), ("clean", False), ("wake", True), ("standby", True)):
            command = self.order(name)
            self.api.finished([{"id": command.uid, "state": "refused", "message": "no cup"}])
            self.assertEqual(command.can_retry, may)
            if may:
                again = self.env["coffee.command"].browse(command.action_retry()["res_id"])
                self.assertNotEqual(again.uid, command.uid)
                self.assertEqual((again.state, again.retry_of_id), ("waiting", command))
            else:
                with self.assertRaises(UserError):
                    command.action_retry()

    def test_arguments_are_in_the_machines_words(self):
        self.assertEqual(self.order("setpoint", setpoint_c=92.5).args, {"brew_mc": 92500})
        with self.assertRaises(UserError):
            self.order("setpoint")
        with self.assertRaises(UserError):
            self.order("brew", recipe_id=False)

    def test_each_command_is_what_the_machine_takes(self):
        """Names as in docs/schemas/cmd-*.json: the machine refuses an order of other words."""
        for name, values, args in (
            ("clean", {}, {"program": "backflush"}),
            ("clean", {"program": "rinse"}, {"program": "rinse"}),
            ("setpoint", {"setpoint_c": 92.5}, {"brew_mc": 92500}),
            ("setpoint", {"steam_c": 125}, {"steam_mc": 125000}),
            ("setpoint", {"setpoint_c": 92, "steam_c": 120},
             {"brew_mc": 92000, "steam_mc": 120000}),
            ("wake", {"setpoint_c": 92, "program": "rinse"}, {}),
        ):  # fmt: skip
            self.assertEqual(self.order(name, **values).args or {}, args)

    def test_the_form_offers_nothing_that_it_cannot_fill_in(self):
        """A recipe is written by its own form. What another module adds is offered."""
        action = self.left.action_new_command()
        arch = etree.fromstring(
            self.env["coffee.command"].get_view(action["view_id"], "form")["arch"]
        )
        (name,) = arch.xpath("//field[@name='name']")
        self.assertEqual(name.get("widget"), "filterable_selection")
        hidden = literal_eval(name.get("options"))["blacklisted_values"]
        self.assertEqual(hidden, ["recipe.put", "recipe.delete"])
        context = {"default_backend_id": self.left.id}
        orders = self.env["coffee.command"].with_user(self.manager).with_context(**context)
        self.api.import_recipes("left", 1, {"0": PROFILE})
        offered = set(self.env["coffee.command"]._fields["name"].get_values(self.env)) - {*hidden}
        for command in offered:
            form = Form(orders, view="connector_coffee.coffee_command_new_view_form")
            form.name = command
            if command == "brew":
                form.recipe_id = self.left.recipe_ids
            if command == "setpoint":
                form.setpoint_c = 93
            self.assertEqual(form.save().name, command)

    def test_a_recipe_is_never_ordered_without_words(self):
        orders = self.env["coffee.command"].with_user(self.manager)
        for name in ("recipe.put", "recipe.delete"):
            for args in ({}, {"args": {}}, {"args": False}):
                with self.assertRaisesRegex(UserError, "Arguments: .*the recipe itself"):
                    orders.create({"backend_id": self.left.id, "name": name, **args})
        for args in ({"slot": "0"}, {"recipe": PROFILE}):
            with self.assertRaisesRegex(UserError, "Arguments: .*the recipe itself"):
                orders.create({"backend_id": self.left.id, "name": "recipe.put", "args": args})

    def test_arguments_are_an_object(self):
        """Else no bridge could read the orders that wait beside it."""
        orders = self.env["coffee.command"].with_user(self.manager)
        for name in ("identify", "recipe.put"):
            for args in ("slot", ["slot"], 7, True):
                with self.assertRaisesRegex(ValidationError, "Arguments: .*is not an object"):
                    orders.create({"backend_id": self.left.id, "name": name, "args": args})

    def test_a_recipe_is_only_ordered_for_a_slot_that_exists(self):
        """Else what was no text kept all orders and recipes behind it waiting."""
        orders = self.env["coffee.command"].with_user(self.manager)
        for slot in (0, "16", {"a": 1}):
            with self.assertRaisesRegex(ValidationError, "is not a slot"):
                orders.create(
                    {"backend_id": self.left.id, "name": "recipe.delete", "args": {"slot": slot}}
                )

    def test_an_order_without_words_holds_up_no_recipe(self):
        """One that the form of older versions let through waits for ever."""
        self.api.import_recipes("left", 1, {"0": PROFILE})
        order = self.order("wake")
        self.env.flush_all()
        self.env.cr.execute(
            "UPDATE coffee_command SET name = 'recipe.delete', args = NULL, deadline = NULL"
            " WHERE id = %s", [order.id]
        )  # fmt: skip
        self.env.invalidate_all()
        self.left.recipe_ids.action_export()
        self.assertEqual(self.left.command_ids[:1].name, "recipe.put")
        orders = self.api.fetch_orders("bridge", 10)["orders"]
        self.assertEqual([one["name"] for one in orders], ["recipe.delete", "recipe.put"])

    def test_only_a_running_machine_takes_orders(self):
        self.left.state = "checked"
        with self.assertRaises(ValidationError):
            self.order("wake")

    def test_what_the_bridge_has_cannot_be_taken_back(self):
        command = self.order("wake")
        command.action_cancel()
        self.assertEqual(command.state, "cancelled")
        command = self.order("wake")
        self.fetch()
        with self.assertRaises(UserError):
            command.action_cancel()

    def test_a_recipe_on_its_way_is_taken_back_by_the_recipe_itself(self):
        """Its order alone would leave it on its way, whatever the machine reports."""
        self.api.import_recipes("left", 1, {"0": PROFILE})
        recipe = self.left.recipe_ids
        recipe.action_export()
        (order,) = self.left.command_ids
        self.assertFalse(order.can_cancel)
        for user in (self.user, self.manager):
            with self.assertRaisesRegex(UserError, "change the recipe itself"):
                order.with_user(user).action_cancel()
        recipe.name = "ristretto"
        recipe.action_export()
        self.assertEqual(order.state, "cancelled")
        self.assertTrue(self.order("wake").can_cancel)

    def test_the_emptying_of_a_slot_can_be_cancelled(self):
        """Its recipe is gone, so there is nothing else to change."""
        order = self.order("wake")
        order.sudo().name = "recipe.delete"
        order.action_cancel()
        self.assertEqual(order.state, "cancelled")

    def test_what_the_bridge_has_is_left_out(self):
        first, second = self.order("wake"), self.order("standby")
        orders = self.api.fetch_orders("test", 1, [first.uid])["orders"]
        self.assertEqual([one["id"] for one in orders], [second.uid])

    def test_each_bridge_gets_its_own_machines_orders(self):
        self.api.save_backends([{"machine": "left"}], "one")
        self.order("wake")
        self.assertFalse(self.fetch("two"))
        self.assertEqual(len(self.fetch("one")), 1)

    def test_ids_of_another_life_are_nobodys_business(self):
        self.assertTrue(self.api.finished([{"id": "odoo-gone", "state": "ok"}]))

    def test_nobody_else_finishes_an_order(self):
        command = self.order("wake")
        with self.assertRaisesRegex(AccessError, "is not a bridge"):
            self.env["coffee.backend"].with_user(self.user).finished(
                [{"id": command.uid, "state": "ok"}]
            )

    # --- what is not a user's to say
    def test_a_user_orders_no_recipe(self):
        """Recipes are a manager's; an order that writes one is no way around that."""
        for name in ("recipe.put", "recipe.delete"):
            with self.assertRaises(AccessError):
                self.order(name, args={"slot": "0"})
        values = {"backend_id": self.left.id, "name": "recipe.delete", "args": {"slot": "0"}}
        self.assertTrue(self.env["coffee.command"].with_user(self.manager).create(values))

    def test_who_ordered_and_until_when_is_not_a_callers_to_say(self):
        for values in (
            {"user_id": self.manager.id},
            {"deadline": False},
            {"state": "ok"},
            {"uid": "mine"},
            {"args": {"slot": "3"}},
        ):
            with self.assertRaises(AccessError, msg=values):
                self.order("wake", **values)
        with self.assertRaises(AccessError):
            self.env["coffee.command"].with_user(self.user).with_context(
                default_user_id=self.manager.id
            ).create({"backend_id": self.left.id, "name": "wake"})
        command = self.order("wake")
        with self.assertRaises(AccessError):
            command.write({"user_id": self.manager.id})
        with self.assertRaises(AccessError):
            command.with_user(self.manager).write({"state": "ok"})

    def test_an_order_is_of_a_recipe_of_its_machine(self):
        self.api.import_recipes("right", 1, {"3": {"name": "x", "temp_mc": 1, "volume_ul": 1}})
        with self.assertRaisesRegex(ValidationError, "is not a recipe of"):
            self.order("brew", recipe_id=self.right.recipe_ids.id)

    def test_an_older_recipe_is_not_sent_again(self):
        """Its newest state is (Send Again on the recipe)."""
        self.api.import_recipes("left", 1, {"0": PROFILE})
        self.left.recipe_ids.action_export()
        self.api.finished(
            [{"id": one["id"], "state": "refused", "message": "no"} for one in self.fetch()]
        )
        command = self.left.command_ids
        self.assertEqual(command.state, "refused")
        self.assertFalse(command.can_retry)
        with self.assertRaises(UserError):
            command.with_user(self.user).action_retry()

    def test_what_was_taken_back_meanwhile_is_not_sent(self):
        """The bridge's transaction is READ COMMITTED: it meets what ended after its search."""
        command = self.order("wake")
        kind = self.env.registry["coffee.command"]
        search = kind.search

        def searched(records, *args, **kwargs):
            found = search(records, *args, **kwargs)
            records.env.cr.execute(
                "UPDATE coffee_command SET state = 'cancelled' WHERE id = %s", [command.id]
            )
            return found

        with patch.object(kind, "search", searched):
            self.assertFalse(self.fetch())
        command.invalidate_recordset()
        self.assertFalse(command.fetched_at)

    def test_what_was_refused_for_an_old_name_is_repeated_by_its_new_one(self):
        """As 19.0.1.0.0 ordered it."""
        command = self.order("setpoint", setpoint_c=92.5)
        command.sudo().write({"args": {"temp_mc": 92500}, "state": "refused"})
        again = self.env["coffee.command"].browse(command.action_retry()["res_id"])
        self.assertEqual(again.args, {"brew_mc": 92500})
        self.assertEqual(command.args, {"temp_mc": 92500}, "the log says what was sent")
