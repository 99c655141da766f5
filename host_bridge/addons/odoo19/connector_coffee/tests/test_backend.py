from ast import literal_eval
from datetime import timedelta

from lxml import etree

from odoo import fields
from odoo.exceptions import UserError, ValidationError
from odoo.tests import Form, tagged

from .common import PROFILE, UTC_MS, CoffeeCase


@tagged("post_install", "-at_install")
class TestBackend(CoffeeCase):
    def test_versions_are_two_values(self):
        versions = self.env["coffee.backend"]._fields["version"].get_values(self.env)
        self.assertEqual(versions[:2], ["1900", "2900"])

    def test_a_name_must_fit_into_a_topic(self):
        for machine in ("Bar", "a/b", "x" * 33, "a b"):
            with self.assertRaises(ValidationError):
                self._machine(machine, "1900")

    def test_it_runs_once_it_is_checked(self):
        machine = self._machine("new", "1900", state="draft")
        machine.action_check()
        self.assertEqual(machine.state, "draft")
        self.assertIn("No bridge has reported this machine", machine.check_message)
        with self.assertRaises(UserError):
            machine.action_start()
        self.api.save_backends([{"machine": "new"}], "test")
        machine.action_check()
        self.assertIn("offline", machine.check_message)
        self.api.presence([{"machine": "new", "online": True, "last_seen_ms": str(UTC_MS)}])
        machine.action_check()
        self.assertEqual(machine.state, "checked")
        machine.action_start()
        self.assertEqual(machine.state, "running")

    def test_a_silent_bridge_is_told_in_the_check_and_ends_online(self):
        self.api.save_backends([{"machine": "left"}], "test")
        self.api.presence([{"machine": "left", "online": True, "last_seen_ms": str(UTC_MS)}])
        self.left.bridge_id.last_seen = fields.Datetime.now() - timedelta(minutes=10)
        self.left.action_check()
        self.assertIn("last called at", self.left.check_message)
        self.env["coffee.backend"]._cron_silent()
        self.assertFalse(self.left.online)

    def test_a_draft_may_lack_the_version_a_running_one_not(self):
        self.api.save_backends([{"machine": "new"}])
        machine = self.env["coffee.backend"].search([("machine", "=", "new")])
        self.assertFalse(machine.version)
        with self.assertRaises(ValidationError):
            machine.state = "running"

    def test_what_is_known_is_never_emptied(self):
        (saved,) = self.api.save_backends(
            [{"machine": "left", "version": "2900", "serial": "e66", "firmware": "1.2"}]
        )
        self.assertEqual(saved["id"], self.left.id)
        self.api.save_backends([{"machine": "left", "version": "", "serial": None}])
        self.assertEqual((self.left.serial, self.left.version), ("e66", "2900"))

    def test_an_unknown_version_changes_nothing(self):
        (saved,) = self.api.save_backends([{"machine": "left", "version": "9000"}])
        self.assertEqual(saved["version"], "2900")
        (saved,) = self.api.save_backends([{"machine": "new", "version": "9000"}])
        self.assertEqual(saved["version"], "")

    def test_where_unknown_machines_are_refused_nothing_is_made_of_them(self):
        self.env["ir.config_parameter"].set_param("connector_coffee.unknown_machine", "refuse")
        (saved,) = self.api.save_backends([{"machine": "new", "version": "1900"}])
        self.assertEqual((saved["id"], saved["state"]), (False, "refused"))
        (answer,) = self.api.import_recipes("new", 1, {"0": PROFILE})
        self.assertTrue(answer["error"].startswith("machine: new is unknown"))
        draft = {"machine": "new", "model": "coffee.event", "coffee_id": "x", "summary": "look"}
        self.assertEqual(self.api.add_checkpoints([draft]), [])
        self.assertFalse(self.env["coffee.backend"].search([("machine", "=", "new")]))

    def test_health_is_what_a_person_wants_to_see(self):
        self.assertEqual(self.left.health, "new")
        state = {"machine": "left", "online": True, "last_seen_ms": str(UTC_MS), "alarms": []}
        for change, health in (
            ({}, "ok"),
            ({"alarms": ["tank_empty"]}, "alarm"),
            ({"online": False}, "offline"),
        ):
            self.api.presence([state | change])
            self.assertEqual(self.left.health, health)

    def test_presence_writes_only_what_changed(self):
        state = {"machine": "left", "online": True, "last_seen_ms": str(UTC_MS), "alarms": []}
        self.api.presence([state])
        with self.writes_of("coffee.backend") as written:
            self.api.presence([state])
            self.api.presence([state | {"last_seen_ms": str(UTC_MS + 5000)}])
        self.assertEqual([sorted(vals) for vals in written], [["last_seen", "last_seen_ms"]])

    def test_its_language_is_that_of_what_it_imports(self):
        lang = self.env["res.lang"]._activate_lang("fr_FR")
        (saved,) = self.api.save_backends([{"machine": "left", "language": "fr_FR"}])
        self.assertEqual(saved["language"], "fr_FR")
        with self.left.work_on("coffee.brew") as work:
            self.assertEqual(work.env.lang, lang.code)

    def test_a_language_that_was_deactivated_holds_up_no_import(self):
        """Odoo refuses every text in it, and with that one machine's facts all of the call."""
        lang = self.env["res.lang"]._activate_lang("fr_FR")
        self.left.default_lang_id = lang
        lang.active = False
        self.assertEqual(self.statuses(self.alarm(1), self.brew(1, "right")), ["created"] * 2)

    def test_a_new_machine_can_be_entered_by_hand(self):
        form = Form(self.env["coffee.backend"].with_user(self.manager))
        form.name, form.machine, form.version = "Kitchen", "kitchen", "1900"
        machine = form.save()
        self.assertEqual((machine.state, machine.health), ("draft", "new"))
        (saved,) = self.api.save_backends([{"machine": "kitchen"}])
        self.assertEqual(saved["id"], machine.id)

    def test_an_archived_machine_takes_no_orders(self):
        """Nobody sees that it is there; facts it still sends are kept."""
        order = {"backend_id": self.left.id, "name": "wake"}
        self.env["coffee.command"].create(order)
        self.left.with_user(self.manager).action_archive()
        self.assertEqual(self.left.state, "checked")
        self.assertFalse(self.api.fetch_orders("test", 10)["orders"])
        with self.assertRaisesRegex(ValidationError, "not running"), self.env.cr.savepoint():
            self.env["coffee.command"].create(order)
        with self.assertRaisesRegex(ValidationError, "Unarchive it"), self.env.cr.savepoint():
            self.left.action_start()
        self.assertEqual(self.statuses(self.brew(1)), ["created"])
        self.left.action_unarchive()
        self.left.action_start()
        self.assertEqual(len(self.api.fetch_orders("test", 10)["orders"]), 1)

    def test_every_button_leads_to_what_it_counts_or_says_what_would_be_there(self):
        self.api.import_recipes("left", 1, {"0": PROFILE})
        self.push(self.brew(1), self.brew(1, "right"))
        left = self.left.with_user(self.user)
        pages = {
            name: getattr(left, f"action_{name}")()
            for name in ("recipes", "brews", "alarms", "quarantine", "commands", "checkpoints")
        }
        for name, page in pages.items():
            found = left.env[page["res_model"]].search(page["domain"])
            self.assertEqual(len(found), left[f"{name.removesuffix('s')}_count"], name)
            self.assertIn("o_view_nocontent", page["help"], name)
        self.assertEqual((left.brew_count, left.alarm_count), (1, 0))
        self.assertTrue(pages["checkpoints"]["context"]["search_default_review"])
        page = left.recipe_ids.action_brews()
        self.assertEqual(left.env["coffee.brew"].search_count(page["domain"]), 1)
        self.assertIn("o_view_nocontent", page["help"])

    def test_the_fleet_can_be_grouped(self):
        """The kanban's bar asks for the machines of each group by their health."""
        bar = {"field": "health", "colors": {"ok": "success", "new": "info"}}
        found = self.env["coffee.backend"].read_progress_bar(
            [("id", "in", (self.left | self.right).ids)], "version", bar
        )
        self.assertEqual(found["2900"]["new"], 1)

    def test_what_is_filtered_as_offline_says_so_itself(self):
        """A machine that nobody has switched on yet is new."""
        seen = {"machine": "left", "online": False, "last_seen_ms": "1767225600000"}
        self.api.presence([seen])
        arch = self.env.ref("connector_coffee.coffee_backend_view_search").arch
        (domain,) = etree.fromstring(arch).xpath("//filter[@name='offline']/@domain")
        both = [("id", "in", (self.left | self.right).ids)]
        found = self.env["coffee.backend"].search(literal_eval(domain) + both)
        self.assertEqual((found, found.health), (self.left, "offline"))

    def test_nobody_is_offered_a_copy_that_cannot_be(self):
        """Name in topics and slot are one machine's; a copy has none, and cannot be saved."""
        for name in ("coffee.backend", "coffee.recipe"):
            for kind in ("form", "list"):
                arch = etree.fromstring(self.env[name].get_view(view_type=kind)["arch"])
                self.assertEqual(arch.get("duplicate"), "0", f"{kind} of {name}")
