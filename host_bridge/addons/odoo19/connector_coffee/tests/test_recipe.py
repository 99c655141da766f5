from psycopg2 import IntegrityError

from odoo.exceptions import AccessError, ValidationError
from odoo.tests import Form, tagged
from odoo.tools import mute_logger

from odoo.addons.queue_job.tests.common import trap_jobs

from .common import PROFILE, CoffeeCase

VOLUMETRIC = {"name": "lungo", "temp_mc": 92000, "volume_ul": 60000}


@tagged("post_install", "-at_install")
class TestRecipe(CoffeeCase):
    def import_recipes(self, machine="left", rev=1, **slots):
        slots = {name.removeprefix("s"): recipe for name, recipe in slots.items()}
        return self.api.import_recipes(machine, rev, slots)

    def recipe(self, slot="0", machine="left"):
        return self.env["coffee.recipe"].with_context(active_test=False).search(
            [("backend_id.machine", "=", machine), ("coffee_id", "=", slot)]
        )  # fmt: skip

    def orders(self):
        return [(one["name"], one["args"]) for one in self.api.fetch_orders("test", 9)["orders"]]

    def answer(self, state="ok", message="", **result):
        orders = self.api.fetch_orders("test", 9)["orders"]
        self.api.finished(
            [{"id": one["id"], "state": state, "message": message, "result": result}
             for one in orders]
        )  # fmt: skip

    # --- from the machine
    def test_slots_become_recipes_with_a_drink_each(self):
        answer = self.import_recipes(s0=PROFILE, s1={**PROFILE, "name": "ristretto"})
        self.assertEqual([one["status"] for one in answer], ["created", "created"])
        self.assertEqual(self.recipe("0").odoo_id.name, "espresso")
        self.assertEqual((self.recipe("0").temp_c, self.recipe("0").volume_ml), (93.0, 36.0))
        self.assertTrue(self.recipe("0").checkpoint_id)
        again = self.import_recipes(s0=PROFILE, s1={**PROFILE, "name": "ristretto"})
        self.assertEqual([one["status"] for one in again], ["unchanged", "unchanged"])

    def test_the_same_drink_on_two_machines_is_one_product(self):
        self.import_recipes(s0=PROFILE)
        self.import_recipes("right", s3={**VOLUMETRIC, "name": "Espresso"})
        self.assertEqual(self.recipe("3", "right").odoo_id, self.recipe("0").odoo_id)
        self.assertFalse(self.recipe("3", "right").checkpoint_id)

    def test_a_drink_that_became_another_companys_is_not_shared(self):
        self.import_recipes(s0=PROFILE)
        self.recipe().odoo_id.company_id = self.env["res.company"].create({"name": "Other"})
        (answer,) = self.import_recipes("right", s3={**VOLUMETRIC, "name": "Espresso"})
        self.assertEqual(answer["status"], "created", answer["error"])
        self.assertEqual(self.recipe("3", "right").odoo_id.company_id, self.env.company)

    def test_two_slots_never_share_a_drink(self):
        self.import_recipes(s0=PROFILE, s1=PROFILE)
        self.assertNotEqual(self.recipe("0").odoo_id, self.recipe("1").odoo_id)

    @mute_logger("odoo.sql_db")
    def test_a_drink_is_bound_once_a_machine(self):
        self.import_recipes(s0=PROFILE, s1={**PROFILE, "name": "ristretto"})
        with self.assertRaises(IntegrityError), self.env.cr.savepoint():
            self.recipe("1").odoo_id = self.recipe("0").odoo_id
            self.env.flush_all()

    def test_an_emptied_slot_is_archived_and_comes_back(self):
        self.import_recipes(s0=PROFILE)
        self.import_recipes(rev=2)
        self.assertFalse(self.recipe().active)
        self.import_recipes(rev=3, s0=PROFILE)
        self.assertTrue(self.recipe().active)
        self.assertEqual(self.recipe().rev, 3)

    def test_each_version_checks_its_own_kind(self):
        (answer,) = self.import_recipes("right", s0={"name": "x", "temp_mc": 92000})
        self.assertEqual(answer["status"], "refused")
        self.assertIn("volume_ul: missing", answer["error"])
        (answer,) = self.import_recipes("left", s0={"name": "x", "temp_mc": 92000})
        self.assertEqual(answer["status"], "created")

    def test_what_comes_into_the_slot_of_a_deleted_recipe_is_asked_about(self):
        """It is a new drink, whose price nobody has set; the old one's checkpoint was reviewed."""
        for number in range(3):
            self.import_recipes(rev=number, s0={**PROFILE, "name": f"drink {number}"})
            asked = self.recipe().checkpoint_id
            self.assertEqual(asked.state, "review", number)
            self.assertIn(f"drink {number}", asked.summary)
            self.assertEqual(self.recipe().odoo_id.list_price, 0)
            asked.action_review()
            self.recipe().unlink()

    # --- to the machine
    def test_a_change_reaches_the_machine_and_its_answer_comes_back(self):
        self.import_recipes(s0=PROFILE)
        recipe = self.recipe().with_user(self.manager)
        with trap_jobs() as trap:
            recipe.temp_c = 94
            trap.assert_jobs_count(1)
            trap.perform_enqueued_jobs()
        self.assertEqual(recipe.sync_state, "pending")
        self.assertEqual(
            self.orders(),
            [("recipe.put", {"slot": "0", "recipe": {**PROFILE, "temp_mc": 94000}})],
        )
        self.answer(rev=9)
        self.assertEqual((recipe.sync_state, recipe.rev), ("synced", 9))
        self.assertTrue(recipe.sync_date)
        self.assertFalse(self.orders())

    def test_what_the_machine_says_meanwhile_does_not_undo_the_change(self):
        self.import_recipes(s0=PROFILE)
        with trap_jobs() as trap:
            self.recipe().temp_c = 94
            self.import_recipes(rev=2, s0=PROFILE)
            trap.perform_enqueued_jobs()
        self.assertEqual(self.recipe().temp_c, 94)

    def test_an_import_exports_nothing(self):
        with trap_jobs() as trap:
            self.import_recipes(s0=PROFILE)
            self.import_recipes(rev=2, s0={**PROFILE, "temp_mc": 95000})
            trap.assert_jobs_count(0)

    def test_a_refusal_is_shown(self):
        self.import_recipes(s0=PROFILE)
        with trap_jobs() as trap:
            self.recipe().temp_c = 150
            trap.perform_enqueued_jobs()
        self.answer("refused", "temp_mc: at most 110000")
        self.assertEqual(self.recipe().sync_state, "refused")
        self.assertEqual(self.recipe().sync_message, "temp_mc: at most 110000")

    def test_only_the_newest_change_waits(self):
        self.import_recipes(s0=PROFILE)
        for temp_c in (94, 95):
            with trap_jobs() as trap:
                self.recipe().temp_c = temp_c
                trap.perform_enqueued_jobs()
        ((_name, args),) = self.orders()
        self.assertEqual(args["recipe"]["temp_mc"], 95000)

    def test_of_two_answers_at_once_the_newer_counts(self):
        """As after an outage of Odoo."""
        self.import_recipes(s0=PROFILE)
        for temp_c in (94, 150):
            with trap_jobs() as trap:
                self.recipe().temp_c = temp_c
                trap.perform_enqueued_jobs()
            orders = self.api.fetch_orders("test", 9)["orders"]
        (first, second) = (one["id"] for one in orders)
        self.api.finished(
            [{"id": first, "state": "ok", "message": "", "result": {"rev": 2}},
             {"id": second, "state": "refused", "message": "too hot", "result": None}]
        )  # fmt: skip
        self.assertEqual((self.recipe().sync_state, self.recipe().sync_message),
                         ("refused", "too hot"))  # fmt: skip

    def test_a_recipe_stays_in_its_slot(self):
        """The form does not offer it, but a call did: the machine kept it in the old slot, too."""
        self.import_recipes(s0=PROFILE)
        for values in ({"coffee_id": "3"}, {"backend_id": self.right.id}):
            with self.assertRaisesRegex(ValidationError, "Slot: .* Delete “espresso”"):
                self.recipe().with_user(self.manager).write(values)
        for slot in ("0", 0):
            self.recipe().write({"coffee_id": slot, "backend_id": self.left.id})

    def test_archiving_and_deleting_empty_the_slot(self):
        self.import_recipes(s0=PROFILE, s1={**PROFILE, "name": "ristretto"})
        with trap_jobs() as trap:
            self.recipe("0").active = False
            self.recipe("1").unlink()
            trap.assert_jobs_count(2)
            trap.perform_enqueued_jobs()
        self.assertEqual(
            sorted(self.orders(), key=str),
            [("recipe.delete", {"slot": "0"}), ("recipe.delete", {"slot": "1"})],
        )

    # --- its order is deleted
    def change(self, recipe, **values):
        with trap_jobs() as trap:
            recipe.write(values)
            trap.perform_enqueued_jobs()
        return self.left.command_ids.sorted("id")[-1:]

    def test_a_recipe_whose_order_was_deleted_is_the_machines_again(self):
        self.import_recipes(s0=PROFILE)
        order = self.change(self.recipe(), temp_c=90)
        with self.assertRaises(AccessError):
            order.with_user(self.user).unlink()
        order.with_user(self.manager).unlink()
        self.assertEqual(self.recipe().sync_state, "refused")
        self.assertIn("Send Again", self.recipe().sync_message)
        (answer,) = self.import_recipes(s0=PROFILE)
        self.assertEqual(answer["status"], "updated")
        self.assertEqual((self.recipe().temp_c, self.recipe().sync_state), (93, "synced"))

    def test_a_slot_whose_emptying_was_deleted_is_the_machines_again(self):
        self.import_recipes(s0=PROFILE)
        self.change(self.recipe(), active=False).with_user(self.manager).unlink()
        self.import_recipes(s0=PROFILE)
        self.assertTrue(self.recipe().active)

    def test_what_a_newer_order_carries_stays_on_its_way(self):
        self.import_recipes(s0=PROFILE)
        older = self.change(self.recipe(), temp_c=90)
        self.orders()
        newer = self.change(self.recipe(), temp_c=91)
        self.assertNotEqual(older, newer)
        older.with_user(self.manager).unlink()
        self.assertEqual(self.recipe().sync_state, "pending")
        newer.with_user(self.manager).unlink()
        self.assertEqual(self.recipe().sync_state, "refused")

    def test_what_was_answered_is_deleted_and_changes_nothing(self):
        self.import_recipes(s0=PROFILE)
        order = self.change(self.recipe(), temp_c=90)
        self.answer()
        order.with_user(self.manager).unlink()
        self.assertEqual((self.recipe().sync_state, self.recipe().temp_c), ("synced", 90))

    # --- archived before it got there
    def enter(self, slot="4"):
        drink = self.env["product.product"].create({"name": "flat white"})
        values = {"backend_id": self.left.id, "odoo_id": drink.id, "name": "flat white"}
        return self.env["coffee.recipe"].create(values | {"coffee_id": slot, "recipe": PROFILE})

    def entered(self):
        """A recipe that a person entered here, and its job done."""
        with trap_jobs() as trap:
            made = self.enter()
            trap.perform_enqueued_jobs()
        return made

    def archive(self, recipe):
        with trap_jobs() as trap:
            recipe.active = False
            trap.perform_enqueued_jobs()

    def test_what_never_reached_the_machine_is_archived_and_done(self):
        recipe = self.entered()
        self.archive(recipe)
        self.assertEqual((recipe.sync_state, self.orders()), ("synced", []))
        self.assertEqual(self.left.command_ids.mapped("state"), ["cancelled"])

    def delete(self, recipe):
        with trap_jobs() as trap:
            recipe.unlink()
            trap.perform_enqueued_jobs()

    def test_what_never_reached_the_machine_is_deleted_and_done(self):
        recipe = self.entered()
        with trap_jobs() as trap:
            recipe.unlink()
        self.assertEqual(trap.enqueued_jobs, [])
        self.assertEqual(self.left.command_ids.mapped("state"), ["cancelled"])

    def test_what_is_on_its_way_is_deleted_behind_it(self):
        recipe = self.entered()
        self.assertEqual([name for name, _args in self.orders()], ["recipe.put"])
        self.delete(recipe)
        self.assertEqual([name for name, _args in self.orders()], ["recipe.put", "recipe.delete"])

    def test_what_arrives_before_the_job_runs_is_deleted(self):
        recipe = self.entered()
        self.assertEqual([name for name, _args in self.orders()], ["recipe.put"])
        with trap_jobs() as trap:
            recipe.unlink()
            self.answer(rev=1)
            trap.perform_enqueued_jobs()
        self.assertEqual(self.orders(), [("recipe.delete", {"slot": "4"})])

    def test_what_was_to_leave_the_slot_leaves_it_though_another_came_between(self):
        """While the bridge is away: what replaced the order to leave is taken back itself."""
        for leave in (self.delete, self.archive):
            self.import_recipes(s4=PROFILE)
            self.delete(self.recipe("4"))
            made = self.entered()
            leave(made)
            self.assertEqual(self.orders(), [("recipe.delete", {"slot": "4"})])
            self.answer(rev=2)
            self.recipe("4").unlink()

    def test_it_leaves_though_the_job_of_the_one_between_has_not_run(self):
        self.import_recipes(s4=PROFILE)
        self.delete(self.recipe("4"))
        with trap_jobs() as trap:
            self.enter().unlink()
            trap.perform_enqueued_jobs()
        self.assertEqual(self.orders(), [("recipe.delete", {"slot": "4"})])

    def test_jobs_of_one_slot_may_run_in_any_order(self):
        self.import_recipes(s4=PROFILE)
        with trap_jobs() as trap:
            self.recipe("4").unlink()
            made = self.enter()
            trap.enqueued_jobs.reverse()
            trap.perform_enqueued_jobs()
        self.assertEqual([name for name, _args in self.orders()], ["recipe.put"])
        self.answer("refused", "a shot runs")  # so the one before is still there
        self.delete(made)
        self.assertEqual(self.orders(), [("recipe.delete", {"slot": "4"})])

    def test_what_the_machine_refused_is_archived_and_done(self):
        recipe = self.entered()
        self.answer("refused", "recipes_full")
        self.archive(recipe)
        self.assertEqual((recipe.sync_state, recipe.sync_message), ("synced", False))
        self.assertFalse(self.orders())

    def test_what_is_on_its_way_is_taken_out_again(self):
        recipe = self.entered()
        self.assertEqual([name for name, _args in self.orders()], ["recipe.put"])
        self.archive(recipe)
        self.assertEqual([name for name, _args in self.orders()], ["recipe.put", "recipe.delete"])
        self.answer(rev=0)
        self.assertEqual((recipe.sync_state, recipe.in_machine), ("synced", False))

    def test_a_slot_that_the_machine_says_it_holds_is_emptied(self):
        """Revision 0 is one, and so is what it holds while a change is on its way."""
        recipe = self.entered()
        self.import_recipes(rev=0, s4=PROFILE)
        self.assertEqual((recipe.sync_state, recipe.in_machine), ("pending", True))
        self.archive(recipe)
        self.assertEqual(self.orders(), [("recipe.delete", {"slot": "4"})])

    def test_what_the_machine_emptied_and_refused_back_is_archived_and_done(self):
        self.import_recipes(s0=PROFILE)
        self.import_recipes(rev=2)
        with trap_jobs() as trap:
            self.recipe().active = True
            trap.perform_enqueued_jobs()
        self.answer("refused", "a shot runs")
        self.archive(self.recipe())
        self.assertEqual((self.recipe().sync_state, self.orders()), ("synced", []))

    def test_the_job_of_a_recipe_that_was_deleted_meanwhile_has_nothing_to_do(self):
        self.import_recipes(s0=PROFILE)
        with trap_jobs() as trap:
            self.recipe().temp_c = 94
            self.recipe().unlink()
            trap.perform_enqueued_jobs()
        self.assertEqual([name for name, _args in self.orders()], ["recipe.delete"])

    def test_nothing_goes_to_a_machine_that_does_not_run(self):
        self.import_recipes(s0=PROFILE)
        self.left.state = "checked"
        with trap_jobs() as trap:
            self.recipe().temp_c = 94
            trap.assert_jobs_count(0)

    def test_what_was_entered_before_the_start_goes_out_with_it(self):
        self.left.state = "draft"
        drink = self.env["product.product"].create({"name": "flat white"})
        new = self.env["coffee.recipe"].create(
            {"backend_id": self.left.id, "odoo_id": drink.id, "name": "flat white",
             "coffee_id": "4", "recipe": PROFILE}
        )  # fmt: skip
        self.left.state = "checked"
        with trap_jobs() as trap:
            self.left.action_start()
            trap.assert_jobs_count(1, only=new.export_record)
            trap.perform_enqueued_jobs()
        ((name, args),) = self.orders()
        self.assertEqual((name, args["slot"]), ("recipe.put", "4"))
        self.answer(rev=2)
        self.assertEqual(new.sync_state, "synced")

    def test_what_was_changed_while_it_stood_is_kept_and_goes_out(self):
        self.import_recipes(s0=PROFILE)
        self.left.action_stop()
        self.recipe().temp_c = 94
        self.import_recipes(rev=2, s0=PROFILE)
        self.assertEqual((self.recipe().temp_c, self.recipe().sync_state), (94, "pending"))
        with trap_jobs() as trap:
            self.left.action_start()
            trap.assert_jobs_count(1, only=self.recipe().export_record)
            self.left.action_start()  # a second press sends nothing twice
            trap.assert_jobs_count(1)

    def test_another_recipe_in_the_slot_is_asked_about(self):
        self.import_recipes(s0=PROFILE)
        drink = self.recipe().odoo_id
        before = self.env["coffee.checkpoint"].search_count([])
        self.import_recipes(rev=2, s0={**PROFILE, "temp_mc": 92000})
        self.assertEqual(self.env["coffee.checkpoint"].search_count([]), before)
        self.import_recipes(rev=3, s0={**PROFILE, "name": "ristretto"})
        asked = self.env["coffee.checkpoint"].search([("coffee_id", "=", "0/rev3")])
        self.assertIn("ristretto", asked.summary)
        self.assertIn(drink.display_name, asked.summary)
        self.assertEqual((asked.state, asked.res_id), ("review", self.recipe().id))
        self.assertEqual(self.recipe().odoo_id, drink)

    def test_it_is_asked_again_when_revisions_begin_anew(self):
        """As after a reset of the machine's flash."""
        self.import_recipes(rev=1, s0=PROFILE)
        for name in ("ristretto", "lungo", "doppio"):
            self.import_recipes(rev=2, s0={**PROFILE, "name": name})
            asked = self.env["coffee.checkpoint"].search([("coffee_id", "=like", "0/rev2%")])
            self.assertIn(name, asked.filtered(lambda one: one.state == "review").summary or "")
            asked.action_review()

    def test_a_deleted_recipe_does_not_come_back_before_its_slot_is_empty(self):
        self.import_recipes(s0=PROFILE)
        drinks = [("name", "=", self.recipe().odoo_id.name)]
        before = self.env["product.product"].search_count(drinks)
        with trap_jobs() as trap:
            self.recipe().unlink()
            trap.perform_enqueued_jobs()
        (answer,) = self.import_recipes(rev=1, s0=PROFILE)  # the machine was away
        self.assertEqual(answer["status"], "unchanged")
        self.assertFalse(self.recipe())
        self.answer("refused", "a shot runs")
        (answer,) = self.import_recipes(rev=1, s0=PROFILE)
        self.assertEqual(answer["status"], "created", "the machine has the last word")
        self.assertEqual(self.env["product.product"].search_count(drinks), before + 1)

    def test_its_button_leads_to_what_waits_for_a_review(self):
        self.import_recipes(s0=PROFILE)
        self.recipe().checkpoint_id.action_review()
        self.import_recipes(rev=2, s0={**PROFILE, "name": "ristretto"})
        self.recipe().invalidate_recordset()
        asked = self.env["coffee.checkpoint"].browse(self.recipe().action_checkpoint()["res_id"])
        self.assertEqual((asked.coffee_id, asked.state), ("0/rev2", "review"))

    # --- a person's form
    def test_the_form_speaks_json(self):
        self.import_recipes(s0=PROFILE)
        with self.assertRaisesRegex(ValidationError, "not valid JSON"):
            self.recipe().recipe_text = "{"
        with self.assertRaisesRegex(ValidationError, "JSON object"):
            self.recipe().recipe_text = "[]"
        self.recipe().recipe_text = '{"temp_mc": 90000, "volume_ul": 1000}'
        self.assertEqual((self.recipe().temp_c, self.recipe().volume_ml), (90.0, 1.0))

    @mute_logger("odoo.sql_db")
    def test_a_slot_that_an_archived_recipe_holds_is_told_with_its_cure(self):
        self.import_recipes(s0=PROFILE)
        self.import_recipes(rev=2)
        drink = self.env["product.product"].create({"name": "flat white"})
        for changes in ({"odoo_id": drink.id}, {"coffee_id": "5"}):
            values = {"coffee_id": "0", "odoo_id": self.recipe().odoo_id.id} | changes
            with self.assertRaises(IntegrityError) as caught, self.env.cr.savepoint():
                self.recipe().copy(values)
            told = self.env["coffee.recipe"]._sql_error_to_message(caught.exception)
            self.assertRegex(told, "^(Slot|Drink): .*perhaps archived. Change that")

    def test_slots_are_0_to_15(self):
        self.import_recipes(s0=PROFILE)
        for slot in ("16", "x", "-1", "00", "²"):
            with self.assertRaises(ValidationError):
                self.recipe().copy({"coffee_id": slot, "odoo_id": self.recipe().odoo_id.copy().id})

    def test_odd_characters_of_a_name_are_no_pattern(self):
        self.import_recipes(s0={**PROFILE, "name": "latte 2"}, s1={**PROFILE, "name": "a\\b"})
        for slot, name in enumerate(("latte_2", "l%", "A\\B")):
            self.import_recipes("right", rev=slot + 1,
                                **{f"s{slot}": {**VOLUMETRIC, "name": name}})  # fmt: skip
        drinks = self.env["coffee.recipe"].with_context(active_test=False).search(
            [("backend_id", "=", self.right.id)], order="coffee_id"
        ).odoo_id  # fmt: skip
        self.assertEqual(drinks.mapped("name"), ["latte_2", "l%", "a\\b"])

    def test_a_change_made_before_the_answer_to_an_older_one_is_not_lost(self):
        self.import_recipes(s0=PROFILE)
        for answer in ("ok", "refused"):
            with trap_jobs() as trap:
                self.recipe().temp_c = 94
                trap.perform_enqueued_jobs()
            with trap_jobs() as trap:
                self.recipe().temp_c = 95
                self.answer(answer, "as you like", rev=2)  # to 94; the job of 95 has not run
                self.assertEqual(self.recipe().sync_state, "pending")
                self.import_recipes(rev=2, s0={**PROFILE, "temp_mc": 94000})
                self.assertEqual(self.recipe().temp_c, 95)
                trap.perform_enqueued_jobs()
            ((_name, args),) = self.orders()
            self.assertEqual(args["recipe"]["temp_mc"], 95000)
            self.answer(rev=3)
            self.assertEqual(self.recipe().sync_state, "synced")

    def test_a_recipe_entered_by_hand_keeps_its_numbers(self):
        drink, other = self.env["product.product"].create([{"name": "a"}, {"name": "b"}])
        form = Form(self.env["coffee.recipe"].with_user(self.manager))
        form.backend_id, form.odoo_id, form.coffee_id = self.right, drink, "5"
        form.name, form.temp_c, form.volume_ml = "flat white", 92, 40
        with trap_jobs():
            made = form.save()
        self.assertEqual(made.recipe, {"temp_mc": 92000, "volume_ul": 40000})
        form = Form(self.env["coffee.recipe"].with_user(self.manager))
        form.backend_id, form.odoo_id, form.coffee_id = self.right, other, "6"
        form.name, form.recipe_text = "words", '{"temp_mc": 91000, "volume_ul": 1000}'
        with trap_jobs():
            made = form.save()
        self.assertEqual(made.recipe, {"temp_mc": 91000, "volume_ul": 1000})

    def test_the_numbers_beside_the_machines_form_count(self):
        """The form sends both, in the order of its fields."""
        drink = self.env["product.product"].create({"name": "flat white"})
        values = {"backend_id": self.right.id, "odoo_id": drink.id, "coffee_id": "5",
                  "name": "flat white", "temp_c": 92, "volume_ml": 40}  # fmt: skip
        with trap_jobs():
            made = self.env["coffee.recipe"].create(values | {"recipe_text": "{}"})
            self.assertEqual(made.recipe, {"temp_mc": 92000, "volume_ul": 40000})
            made.write({"temp_c": 91, "recipe_text": '{"temp_mc": 92000, "volume_ul": 1000}'})
        self.assertEqual(made.recipe, {"temp_mc": 91000, "volume_ul": 1000})

    def test_another_bad_recipe_in_the_slot_is_told_again(self):
        def asked():
            return self.env["coffee.checkpoint"].search([("coffee_id", "=like", "refused/%")])

        bad = {"name": "x", "temp_mc": 92000}
        for _ in range(2):
            self.import_recipes("right", rev=1, s0=bad)
        self.assertEqual(len(asked()), 1)
        asked().action_review()
        self.import_recipes("right", rev=2, s0={"name": "y", "volume_ul": 1})
        self.assertEqual(len(asked()), 2)

    def test_a_bad_recipe_is_one_checkpoint_here_and_in_the_bridge(self):
        self.import_recipes("right", rev=7, s0={"name": "x", "temp_mc": 92000})
        word = {"machine": "right", "model": "coffee.recipe", "coffee_id": "refused/7/0"}
        self.api.add_checkpoints([word | {"summary": "recipe not accepted: volume_ul"}])
        found = self.env["coffee.checkpoint"].search([("backend_id", "=", self.right.id)])
        self.assertEqual(len(found), 1)

    def test_a_user_empties_no_slot(self):
        self.import_recipes(s0=PROFILE)
        self.import_recipes(rev=2)
        for name in ("action_export", "export_record"):
            with self.assertRaises(AccessError):
                getattr(self.recipe().with_user(self.user), name)()
        self.assertFalse(self.orders())
