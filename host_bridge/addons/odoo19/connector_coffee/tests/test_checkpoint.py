from odoo import Command
from odoo.exceptions import AccessError, UserError
from odoo.tests import Form, new_test_user, tagged

from .common import CoffeeCase

TANK_EMPTY = "Warning: Water tank empty on Left. Fill the tank and push it back in."


@tagged("post_install", "-at_install")
class TestCheckpoint(CoffeeCase):
    def about(self, seq):
        return self.record("coffee.alarm", seq).checkpoint_id

    def test_one_a_record_however_often_it_is_imported(self):
        for _ in range(3):
            self.push(self.alarm(1))
        self.assertEqual(
            self.env["coffee.checkpoint"].search_count([("coffee_id", "=", "9f3a77aa/1")]), 1
        )

    def test_reviewed_is_never_reopened(self):
        self.push(self.alarm(1))
        self.about(1).with_user(self.user).action_review()
        self.push(self.alarm(1), self.alarm(2))
        self.assertEqual(self.about(1).state, "reviewed")
        self.assertEqual(self.about(1).reviewed_by, self.user)
        self.assertEqual(self.about(2).state, "review")

    def test_the_first_reviewer_stays(self):
        self.push(self.alarm(1))
        self.about(1).with_user(self.user).action_review()
        self.about(1).with_user(self.manager).action_review()
        self.assertEqual(self.about(1).reviewed_by, self.user)

    def test_the_machines_severity_decides(self):
        self.left.checkpoint_severity = "critical"
        self.push(self.alarm(1, "warning"), self.alarm(2, "critical"))
        self.assertFalse(self.about(1))
        self.assertTrue(self.about(2))
        self.left.checkpoint_severity = "never"
        self.push(self.alarm(3, "critical"))
        self.assertFalse(self.about(3))

    def test_the_end_of_an_alarm_is_nobodys_work(self):
        self.push(self.alarm(1, raised=False))
        self.assertFalse(self.about(1))

    def test_the_bridge_decides_unless_the_machine_has_a_setting(self):
        self.assertEqual(self.env["coffee.backend"].new({}).checkpoint_severity, "bridge")
        words = {"summary": "warning alarm: tank_empty", "language": "en_US"}
        self.left.checkpoint_severity = "bridge"
        self.push(self.alarm(1) | {"checkpoint": words}, self.alarm(2, "critical"))
        self.assertEqual(self.about(1).summary, TANK_EMPTY)
        self.assertFalse(self.about(2))
        self.left.checkpoint_severity = "critical"
        self.push(self.alarm(3) | {"checkpoint": words})
        self.assertFalse(self.about(3))

    def test_old_alarms_sent_later_ask_nobody_again(self):
        words = {"summary": "still open", "language": "en_US"}
        again = {"again": True}
        self.push(self.alarm(1) | again, self.alarm(2) | again | {"checkpoint": words})
        self.assertFalse(self.about(1))
        self.assertEqual(self.about(2).summary, TANK_EMPTY)

    def test_it_finds_a_record_that_came_after_it(self):
        about = {"machine": "left", "model": "coffee.alarm", "coffee_id": "9f3a77aa/1"}
        self.api.add_checkpoints([about | {"summary": "look"}])
        self.push(self.alarm(1))
        self.assertEqual(self.about(1).summary, "look")

    def test_managers_follow_and_the_reviewer_has_an_activity(self):
        self.left.reviewer_id = self.user
        self.push(self.alarm(1))
        checkpoint = self.about(1)
        self.assertIn(self.manager.partner_id, checkpoint.message_partner_ids)
        self.assertEqual(checkpoint.activity_ids.user_id, self.user)
        checkpoint.with_user(self.user).action_review()
        self.assertFalse(checkpoint.activity_ids)

    def test_many_are_reviewed_at_once(self):
        self.push(*[self.alarm(seq) for seq in range(5)])
        found = self.env["coffee.checkpoint"].search([("model", "=", "coffee.alarm")])
        wizard = self.env["coffee.checkpoint.review"].with_user(self.user)
        with Form(wizard.with_context(active_ids=found.ids)) as form:
            form.note = "Tank filled"
        form.record.action_review()
        self.assertEqual(set(found.mapped("state")), {"reviewed"})
        self.assertEqual(set(found.mapped("note")), {"Tank filled"})

    def test_it_leads_to_its_record_and_back(self):
        self.push(self.alarm(1))
        alarm = self.record("coffee.alarm", 1)
        action = alarm.checkpoint_id.action_record()
        self.assertEqual((action["res_model"], action["res_id"]), ("coffee.alarm", alarm.id))
        self.assertEqual(alarm.action_checkpoint()["res_id"], alarm.checkpoint_id.id)

    def test_one_without_a_record_says_so(self):
        (checkpoint_id,) = self.api.add_checkpoints(
            [{"machine": "left", "model": "coffee.event", "coffee_id": "lost/9f3a77aa/1-2",
              "summary": "lost", "record_id": None}]
        )  # fmt: skip
        with self.assertRaises(UserError):
            self.env["coffee.checkpoint"].browse(checkpoint_id).action_record()

    def test_the_bridge_learns_what_was_reviewed(self):
        self.push(self.alarm(1), self.alarm(2))
        keys = [
            {"machine": "left", "model": "coffee.alarm", "coffee_id": f"9f3a77aa/{seq}"}
            for seq in (1, 2, 3)
        ]
        self.assertEqual([one["coffee_id"][-1] for one in self.api.reviewed("b", keys)], ["3"])
        self.about(1).note = "filled"
        self.about(1).with_user(self.user).action_review()
        done, gone = self.api.reviewed("b", keys)
        self.assertEqual((done["user"], done["note"]), (self.user.name, "filled"))
        self.assertTrue(done["reviewed_ms"].isdecimal())
        self.assertEqual((gone["user"], gone["reviewed_ms"]), ("", False))

    def test_add_checkpoints_returns_what_exists(self):
        draft = {"machine": "left", "model": "coffee.event", "coffee_id": "x", "summary": "look"}
        first = self.api.add_checkpoints([draft])
        again = self.api.add_checkpoints([draft, draft | {"coffee_id": "y"}, draft])
        self.assertEqual([again[0], again[2]], first * 2)
        self.assertNotEqual(again[1], again[0])

    def test_who_reviewed_is_not_a_callers_to_say(self):
        self.push(self.alarm(1))
        mine = self.about(1).with_user(self.user)
        for values in (
            {"state": "reviewed", "reviewed_by": self.manager.id},
            {"summary": "nothing"},
            {"reviewed_at": "2026-01-01 00:00:00"},
        ):
            with self.assertRaises(AccessError):
                mine.write(values)
        mine.write({"note": "I look"})
        self.assertEqual((mine.state, mine.note), ("review", "I look"))

    def test_a_note_of_the_dialogue_is_added(self):
        self.push(self.alarm(1), self.alarm(2))
        found = self.about(1) | self.about(2)
        self.about(1).note = "Plumber called"
        wizard = self.env["coffee.checkpoint.review"].with_user(self.user)
        wizard.create({"checkpoint_ids": found.ids, "note": "Tank filled"}).action_review()
        self.assertEqual(self.about(1).note, "Plumber called\nTank filled")
        self.assertEqual(self.about(2).note, "Tank filled")

    def test_managers_of_another_company_do_not_follow(self):
        other = self.env["res.company"].create({"name": "Other"})
        stranger = new_test_user(
            self.env, "stranger", "connector_coffee.group_coffee_manager", company_id=other.id,
            company_ids=[Command.set(other.ids)],
        )  # fmt: skip
        theirs = self._machine("theirs", "2900", company_id=other.id)
        self.bridge_user.company_ids += other
        self.push(self.alarm(1), self.alarm(1, machine="theirs"))
        self.assertIn(self.manager.partner_id, self.about(1).message_partner_ids)
        self.assertNotIn(stranger.partner_id, self.about(1).message_partner_ids)
        about = self.env["coffee.checkpoint"].search([("backend_id", "=", theirs.id)])
        self.assertEqual(about.message_partner_ids & (stranger | self.manager).partner_id,
                         stranger.partner_id)  # fmt: skip

    def test_its_module_may_be_gone(self):
        self.push(self.alarm(1))
        checkpoint = self.about(1)
        checkpoint.write({"res_model": "coffee.gone"})
        with self.assertRaises(UserError):
            checkpoint.action_record()

    def test_it_speaks_the_language_of_its_own_machine(self):
        lang = self.env["res.lang"]._activate_lang("fr_FR")
        self._machine("gauche", "2900", default_lang_id=lang.id)
        self.push(self.alarm(1, machine="gauche"), self.alarm(1))
        french = self.record("coffee.alarm", 1, "gauche").checkpoint_id.summary
        said = "Réservoir d'eau vide sur Gauche. Remplissez le réservoir et remettez-le en place."
        self.assertIn(said, french)
        self.assertEqual(self.about(1).summary, TANK_EMPTY)

    def test_an_alarm_of_newer_firmware_is_shown_as_it_is(self):
        self.push(self.alarm(1, code="milk_sour"))
        self.assertEqual(self.about(1).summary, "Warning: Milk sour on Left.")
        alarm = self.record("coffee.alarm", 1)
        self.assertEqual((alarm.title, alarm.cure), ("Milk sour", ""))
        self.left.alarm_codes = ["milk_sour", "tray_full"]
        self.assertEqual(self.left.alarms, "Milk sour, Drip tray full")

    def test_who_cannot_open_it_gets_no_activity(self):
        """A reviewer who left, one of the company that the machine has left, a user of ours no
        more."""
        self.left.reviewer_id = self.user
        self.push(self.alarm(1))
        self.assertEqual(self.about(1).activity_ids.user_id, self.user)
        self.user.active = False
        self.push(self.alarm(2))
        self.assertFalse(self.about(2).activity_ids)
        self.user.active = True
        other = self.env["res.company"].create({"name": "Other"})
        self.bridge_user.company_ids += other
        self.left.company_id = other
        self.push(self.alarm(3))
        self.assertTrue(self.about(3))
        self.assertFalse(self.about(3).activity_ids)
        self.user.company_ids += other
        self.push(self.alarm(4))
        self.assertEqual(self.about(4).activity_ids.user_id, self.user)
        self.user.group_ids = self.env.ref("base.group_user")
        self.push(self.alarm(5))
        self.assertFalse(self.about(5).activity_ids)
