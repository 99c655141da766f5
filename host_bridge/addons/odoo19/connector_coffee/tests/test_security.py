from lxml import etree

from odoo import Command
from odoo.exceptions import AccessError, UserError, ValidationError
from odoo.tests import new_test_user, tagged

from ..models import coffee_pour
from .common import PROFILE, CoffeeCase

CALLS = {
    "hello": ("b", 1),
    "push": ("b", []),
    "save_backends": ([],),
    "presence": ([],),
    "import_recipes": ("left", 1, {}),
    "add_checkpoints": ([],),
    "fetch_orders": ("b", 1),
    "reviewed": ("b", []),
    "finished": ([],),
}


@tagged("post_install", "-at_install")
class TestSecurity(CoffeeCase):
    def test_the_bridge_calls_what_it_needs(self):
        for name, arguments in CALLS.items():
            self.assertIsNotNone(getattr(self.api, name)(*arguments), name)

    def test_nobody_else_may_call_that(self):
        for user in (self.user, self.manager, self.env.ref("base.user_admin")):
            api = self.env["coffee.backend"].with_user(user)
            for name, arguments in CALLS.items():
                with self.assertRaisesRegex(AccessError, "is not a bridge", msg=name):
                    getattr(api, name)(*arguments)

    def test_the_bridge_may_touch_no_record(self):
        """Not one model lets it write; and of those it may read, none is ours or tells of people
        or money (Odoo itself lets everybody read countries, languages and the like)."""
        models = self.env(user=self.bridge_user)
        readable = set()
        for name in models:
            model = models[name]
            if model._abstract:
                continue
            for operation in ("write", "create", "unlink"):
                allowed = model.has_access(operation)
                if model._transient:
                    continue
                self.assertFalse(allowed, f"{operation} {name}")
            if model.has_access("read"):
                readable.add(name)
        secret = {"res.partner", "res.users", "res.users.apikeys", "ir.config_parameter",
                  "product.product", "product.template", "mail.message", "queue.job",
                  "ir.attachment"}  # fmt: skip
        self.assertFalse({n for n in readable if n.startswith("coffee.")} | (readable & secret))

    def test_the_bridge_is_no_employee(self):
        self.assertFalse(self.bridge_user._is_internal())

    def test_a_user_looks_orders_and_reviews(self):
        self.push(self.brew(1), self.alarm(2))
        env = self.env(user=self.user)
        self.assertTrue(env["coffee.brew"].search([]))
        env["coffee.command"].create({"backend_id": self.left.id, "name": "wake"})
        for name in ("coffee.brew", "coffee.backend", "coffee.recipe"):
            for operation in ("write", "create", "unlink"):
                self.assertFalse(env[name].has_access(operation), f"{operation} {name}")

    def test_facts_are_changed_by_nobody(self):
        env = self.env(user=self.manager)
        for name in env["coffee.backend"]._fact_models():
            for operation in ("write", "create", "unlink"):
                self.assertFalse(env[name].has_access(operation), f"{operation} {name}")

    def test_a_password_is_never_read_back(self):
        machine = self.left.with_user(self.manager)
        machine.password = "s3cret"
        self.env.flush_all()
        self.env.invalidate_all()
        self.assertFalse(machine.password)
        self.assertTrue(machine.password_set)
        self.assertFalse(machine.read(["password"])[0]["password"])
        self.assertFalse(self.left.export_data(["password"])["datas"][0][0])
        self.assertEqual(
            self.env["coffee.secret"].search([("backend_id", "=", machine.id)]).password, "s3cret"
        )
        for user in (self.manager, self.env.ref("base.user_admin")):
            with self.assertRaises(AccessError):
                self.env["coffee.secret"].with_user(user).search([])

    def test_companies_see_their_own_machines(self):
        other = self.env["res.company"].create({"name": "Other"})
        self.left.company_id = other
        self.bridge_user.company_ids += other
        self.push(self.brew(1), self.alarm(2), self.brew(1, "right"))
        env = self.env(user=self.user)
        self.assertEqual(env["coffee.backend"].search([("machine", "in", ["left", "right"])]),
                         self.right)  # fmt: skip
        self.assertEqual(env["coffee.brew"].search([]).backend_id, self.right)
        self.assertFalse(env["coffee.alarm"].search([]))
        self.assertFalse(env["coffee.checkpoint"].search([("backend_id", "=", self.left.id)]))
        visitor = new_test_user(
            self.env, "visitor", "connector_coffee.group_coffee_user", company_id=other.id,
            company_ids=[Command.set(other.ids)],
        )  # fmt: skip
        self.assertEqual(self.env(user=visitor)["coffee.brew"].search([]).backend_id, self.left)

    def test_connecting_a_bridge_makes_a_user_that_is_nothing_else(self):
        wizard = self.env["coffee.bridge.connect"].with_user(self.manager)
        made = wizard.create({"name": "cellar"})
        made.action_make()
        user = self.env["res.users"].search([("login", "=", made.login)])
        self.assertEqual(user.group_ids, self.env.ref("connector_coffee.group_coffee_bridge"))
        keys = self.env["res.users.apikeys"]
        self.assertEqual(keys._check_credentials(scope="rpc", key=made.key), user.id)
        again = wizard.create({"name": "cellar"})
        again.action_make()
        self.assertFalse(keys._check_credentials(scope="rpc", key=made.key))
        self.assertTrue(keys._check_credentials(scope="rpc", key=again.key))

    def test_who_has_nothing_to_do_with_coffee_reads_products_all_the_same(self):
        self.api.import_recipes("left", 1, {"0": PROFILE})
        groups = "base.group_user,product.group_product_manager"
        keeper = new_test_user(self.env, "keeper", groups)
        product = self.left.recipe_ids.odoo_id.with_user(keeper)
        self.env.invalidate_all()
        fields = [name for name in product.fields_get() if name.startswith("coffee_")]
        self.assertEqual(product.read(["name", *fields])[0]["name"], "espresso")

    def test_a_manager_writes_no_fact_by_way_of_quarantine(self):
        self.push(self.brew(1, source="by magic"))
        row = self.env["coffee.quarantine"].search([("machine", "=", "left")])
        with self.assertRaises(AccessError):
            row.with_user(self.manager).write({"fact": self.brew(2, "right")})
        for name in ("action_replay", "action_drop"):
            with self.assertRaises(AccessError):
                getattr(row.with_user(self.user), name)()
        other = self.env["res.company"].create({"name": "Other"})
        self.left.company_id = other
        self.env.flush_all()
        self.env.invalidate_all()
        with self.assertRaises(AccessError):
            row.with_user(self.manager).action_drop()

    def test_a_bridges_archived_user_comes_back_with_its_new_key(self):
        wizard = self.env["coffee.bridge.connect"].with_user(self.manager)
        made = wizard.create({"name": "cellar"})
        made.action_make()
        user = self.env["res.users"].search([("login", "=", made.login)])
        user.active = False
        again = wizard.create({"name": "cellar"})
        again.action_make()
        self.assertTrue(user.active)
        keys = self.env["res.users.apikeys"]
        self.assertEqual(keys._check_credentials(scope="rpc", key=again.key), user.id)

    def test_a_key_is_valid_for_a_number_of_days_that_exists(self):
        """Less than none was a key that never ends."""
        wizard = self.env["coffee.bridge.connect"].with_user(self.manager)
        for days in (-1, 10**9):
            with self.assertRaisesRegex(ValidationError, "Valid For.*: .* from 0 to 36500"):
                wizard.create({"name": "cellar", "days": days}).action_make()
        made = wizard.create({"name": "cellar", "days": 36_500})
        made.action_make()
        self.assertTrue(made.key)

    def test_no_manager_takes_another_companys_bridge(self):
        wizard = self.env["coffee.bridge.connect"].with_user(self.manager)
        made = wizard.create({"name": "cellar"})
        made.action_make()
        other = self.env["res.company"].create({"name": "Other"})
        stranger = new_test_user(
            self.env, "stranger", "connector_coffee.group_coffee_manager", company_id=other.id,
            company_ids=[Command.set(other.ids)],
        )  # fmt: skip
        theirs = self.env["coffee.bridge.connect"].with_user(stranger)
        for values in ({"company_id": other.id}, {"company_id": self.env.company.id}):
            with self.assertRaises(UserError):
                theirs.create({"name": "cellar", **values}).action_make()
        with self.assertRaises(UserError):
            theirs.create({"name": "attic", "company_id": self.env.company.id}).action_make()
        keys = self.env["res.users.apikeys"]
        self.assertTrue(keys._check_credentials(scope="rpc", key=made.key))

    def test_a_key_is_shown_to_who_made_it_only(self):
        wizard = self.env["coffee.bridge.connect"].with_user(self.manager)
        made = wizard.create({"name": "cellar"})
        made.action_make()
        self.assertTrue(made.read(["key"])[0]["key"])
        other = new_test_user(self.env, "barista", "connector_coffee.group_coffee_manager")
        self.env.invalidate_all()
        self.assertFalse(wizard.with_user(other).search([("id", "=", made.id)]))
        with self.assertRaises(AccessError):
            made.with_user(other).read(["key"])

    # --- a bridge's companies
    def other(self, **values):
        return self.env["res.company"].create({"name": "Other", **values})

    def test_a_bridge_writes_no_other_companys_machine(self):
        """Neither facts nor presence, recipes, checkpoints or versions; and its own machines'
        facts in the same call are taken."""
        self.api.save_backends([{"machine": "left"}], "theirs")
        other = self.other()
        self.left.company_id = other
        answer = self.push(self.brew(1), self.brew(2, "right"), self.alarm(3))
        self.assertEqual(
            [one["status"] for one in answer["results"]], ["refused", "created", "refused"]
        )
        # as it begins, the bridge takes the fact out of quarantine once the machine is let in
        refused = answer["results"][0]["error"]
        self.assertRegex(refused, "^machine: left belongs to another company")
        self.assertEqual([one["machine"] for one in answer["cursors"]], ["right"])
        self.assertFalse(self.record("coffee.brew", 1))
        self.assertFalse(self.env["coffee.quarantine"].search([("machine", "=", "left")]))
        (saved,) = self.api.save_backends([{"machine": "left", "serial": "mine"}], "mine")
        self.assertEqual((saved["id"], saved["state"]), (False, "refused"))
        self.api.presence([{"machine": "left", "online": True, "last_seen_ms": "1767225600000"}])
        (recipe,) = self.api.import_recipes("left", 1, {"0": PROFILE})
        self.assertEqual(recipe["status"], "refused")
        self.assertFalse(self.left.with_context(active_test=False).recipe_ids)
        before = self.env["coffee.checkpoint"].search_count([("backend_id", "=", self.left.id)])
        word = {"machine": "left", "model": "coffee.event", "coffee_id": "x", "summary": "look"}
        self.assertEqual(self.api.add_checkpoints([word]), [])
        after = self.env["coffee.checkpoint"].search_count([("backend_id", "=", self.left.id)])
        self.assertEqual(after, before)
        self.assertFalse(self.left.serial or self.left.online)
        self.assertEqual(self.left.bridge_id.name, "theirs")
        self.bridge_user.company_ids += other
        self.assertEqual(self.statuses(self.brew(1)), ["created"])

    def test_a_bridge_learns_nothing_of_another_companys_machine(self):
        self.push(self.alarm(1))
        orders = self.env["coffee.command"].with_user(self.user)
        command = orders.create({"backend_id": self.left.id, "name": "wake"}).sudo()
        checkpoint = self.env["coffee.checkpoint"].search([("model", "=", "coffee.alarm")])
        checkpoint.note = "secret"
        checkpoint.action_review()
        self.left.pour_enabled = True
        self.left.company_id = self.other()
        self.left.bridge_id = False
        coffee_pour._kept.clear()
        self.addCleanup(coffee_pour._kept.clear)
        answer = self.api.fetch_orders("test", 10)
        self.assertEqual((answer["orders"], answer["pour"]["settings"]), ([], {}))
        self.api.finished([{"id": command.uid, "state": "ok", "message": "", "result": None}])
        self.assertEqual(command.state, "waiting")
        key = {"machine": "left", "model": "coffee.alarm", "coffee_id": checkpoint.coffee_id}
        self.assertEqual(self.api.reviewed("test", [key]), [])

    def test_a_bridge_spoils_no_fact_in_another_companys_quarantine(self):
        self.push(self.brew(1, source="by magic"))
        row = self.env["coffee.quarantine"].search([("machine", "=", "left")])
        held = row.fact
        self.left.company_id = self.other()
        self.push(self.brew(1, source="local", shot=99), {**self.brew(1), "values": "none"})
        self.assertEqual((row.fact, row.state), (held, "open"))

    def test_a_manager_imports_nothing_into_another_companys_machine(self):
        """A fact of a machine that was unknown is for all to look at whom its bridge serves."""
        self.env["ir.config_parameter"].set_param("connector_coffee.unknown_machine", "refuse")
        self.push(self.brew(1, "new"))
        row = self.env["coffee.quarantine"].search([("machine", "=", "new")])
        self._machine("new", "1900", company_id=self.other().id)
        row.with_user(self.manager).action_replay()
        self.assertEqual(row.state, "open")
        self.assertIn("another company", row.reason)
        self.assertFalse(self.record("coffee.brew", 1, "new"))
        row.action_replay()  # Odoo itself may
        self.assertEqual(row.state, "replayed")

    def test_facts_of_a_machine_nobody_entered_are_seen_where_its_bridge_serves(self):
        self.env["ir.config_parameter"].set_param("connector_coffee.unknown_machine", "refuse")
        self.push(self.brew(1, "new"))
        row = self.env["coffee.quarantine"].search([("machine", "=", "new")])
        other = self.other()
        theirs = row.with_user(self.stranger(other))
        self.assertEqual(row.with_user(self.manager).search([("machine", "=", "new")]), row)
        self.assertFalse(theirs.search([("machine", "=", "new")]))
        with self.assertRaises(AccessError):
            theirs.action_drop()
        self.bridge_user.company_ids += other
        self.bridge_user.active = False  # its key has ended
        self.assertEqual(theirs.search([("machine", "=", "new")]), row)

    def test_facts_of_a_bridge_whose_user_was_deleted_are_seen_in_its_company(self):
        self.env["ir.config_parameter"].set_param("connector_coffee.unknown_machine", "refuse")
        self.push(self.brew(1, "new"))
        row = self.env["coffee.quarantine"].search([("machine", "=", "new")])
        theirs = row.with_user(self.stranger(self.other()))
        self.env.flush_all()
        self.bridge_user.unlink()
        self.env.invalidate_all()
        self.assertEqual(row.with_user(self.manager).search([("machine", "=", "new")]), row)
        self.assertFalse(theirs.search([("machine", "=", "new")]))
        row.with_user(self.manager).action_drop()
        self.assertEqual(row.state, "dropped")

    def test_what_the_context_of_a_call_says_is_not_written(self):
        """Neither other companies nor defaults: the call is carried out as superuser."""
        other = self.other()
        context = {
            "allowed_company_ids": other.ids,
            "default_company_id": other.id,
            "default_location": "attic",
        }
        self.api.with_context(**context).save_backends([{"machine": "new"}])
        machine = self.env["coffee.backend"].search([("machine", "=", "new")])
        self.assertEqual((machine.company_id, machine.location), (self.env.company, False))

    def test_a_bridge_may_serve_more_companies(self):
        other = self.other()
        self.manager.company_ids += other
        wizard = self.env["coffee.bridge.connect"].with_user(self.manager)
        made = wizard.create({"name": "cellar"})
        made.action_make()
        user = self.env["res.users"].search([("login", "=", made.login)])
        self.assertEqual(user.company_ids, self.env.company)
        wizard.create({"name": "cellar", "company_ids": [Command.set(other.ids)]}).action_make()
        self.assertEqual(user.company_id, self.env.company)
        self.assertEqual(user.company_ids, self.env.company | other)
        wizard.create({"name": "cellar"}).action_make()
        self.assertEqual(user.company_ids, self.env.company | other, "a new key takes none away")
        third = self.env["res.company"].create({"name": "Third"})
        with self.assertRaises(UserError):
            wizard.create({"name": "x", "company_ids": [Command.set(third.ids)]}).action_make()

    def test_a_machine_that_leaves_its_bridges_companies_asks_a_person(self):
        self.api.save_backends([{"machine": "left"}], "cellar")
        self.api.presence([{"machine": "left", "online": True, "last_seen_ms": "1767225600000"}])
        other = self.other()
        self.left.company_id = other
        asked = self.env["coffee.checkpoint"].search([("backend_id", "=", self.left.id)])
        self.assertIn("cellar", asked.summary)
        self.assertIn("Connect a Bridge", asked.summary)
        self.assertFalse(self.left.online)
        self.left.action_check()
        self.assertIn("Connect a Bridge", self.left.check_message)
        self.bridge_user.company_ids += other
        self.left.action_check()
        self.assertNotIn("Connect a Bridge", self.left.check_message)

    def test_a_drink_is_of_the_machines_company(self):
        self.api.import_recipes("left", 1, {"0": PROFILE})
        drink = self.left.recipe_ids.odoo_id
        other = self.other()
        with self.assertRaisesRegex(ValidationError, f"{drink.name}.*Clear the company"):
            self.left.company_id = other
        drink.company_id = False
        self.left.company_id = other
        theirs = self.env["product.product"].create(
            {"name": "mocha", "company_id": self.env.company.id}
        )
        with self.assertRaisesRegex(UserError, "Drink"):
            self.left.recipe_ids.odoo_id = theirs

    def test_a_branch_has_the_drinks_of_its_company(self):
        """As everywhere in Odoo; its machines learn no second one of the same name."""
        self.api.import_recipes("left", 1, {"0": PROFILE})
        drink = self.left.recipe_ids.odoo_id
        self.assertEqual(drink.company_id, self.env.company)
        branch = self.other(parent_id=self.other(name="Region", parent_id=self.env.company.id).id)
        self.bridge_user.company_ids += branch
        (self.left + self.right).company_id = branch
        slots = {"3": {**PROFILE, "volume_ul": 36000}}
        self.api.import_recipes("right", 1, slots)
        self.assertEqual(self.right.recipe_ids.odoo_id, drink)

    # --- whose a bridge is
    def stranger(self, company):
        return new_test_user(
            self.env, "stranger", "connector_coffee.group_coffee_manager", company_id=company.id,
            company_ids=[Command.set(company.ids)],
        )  # fmt: skip

    def test_a_bridge_is_seen_in_the_companies_it_serves(self):
        self.api.save_backends([{"machine": "left"}], "cellar")
        cellar = self.env["coffee.bridge"].search([("name", "=", "cellar")])
        other = self.other()
        theirs = self.env["coffee.bridge"].with_user(self.stranger(other))
        self.assertFalse(theirs.search([("name", "=", "cellar")]))
        for change in (lambda one: one.read(["user_id"]), lambda one: one.unlink()):
            with self.assertRaises(AccessError):
                change(theirs.browse(cellar.id))
        self.bridge_user.company_ids += other
        self.bridge_user.active = False
        self.assertEqual(theirs.search([("name", "=", "cellar")]), cellar)
        cellar.user_id = False
        self.bridge_user.company_ids -= other
        self.assertEqual(theirs.search([("name", "=", "cellar")]), cellar, "nobody's is all's")

    def test_who_got_the_machine_is_told_which_bridge_it_left(self):
        self.api.save_backends([{"machine": "left"}], "cellar")
        self.left.company_id = other = self.other()
        theirs = self.left.with_user(self.stranger(other))
        self.env.invalidate_all()
        theirs.action_check()
        self.assertIn("The bridge cellar may not serve", theirs.check_message)
        wanted = {"bridge_id": {"fields": {"display_name": {}}}}
        self.assertEqual(theirs.web_read(wanted)[0]["bridge_id"]["display_name"], "cellar")
        group = "base.group_allow_export"
        theirs.env.user.sudo().group_ids += self.env.ref(group)
        self.env.invalidate_all()
        self.assertEqual(theirs.export_data(["bridge_id"])["datas"], [["cellar"]])
        with self.assertRaises(AccessError):
            theirs.bridge_id.unlink()

    def test_the_page_of_bridges_opens_though_one_serves_other_companies_too(self):
        self.api.save_backends([{"machine": "left"}, {"machine": "right"}], "cellar")
        other = self.other()
        self.bridge_user.company_ids += other
        self.right.company_id = other
        view = self.env.ref("connector_coffee.coffee_bridge_view_list")
        bridges = self.env["coffee.bridge"].with_user(self.stranger(other))
        shown = etree.fromstring(bridges.get_view(view.id, "list")["arch"]).iter("field")
        wanted = {one.get("name"): {"fields": {"display_name": {}}} for one in shown
                  if bridges._fields[one.get("name")].relational}  # fmt: skip
        self.env.invalidate_all()
        (row,) = bridges.web_search_read([("name", "=", "cellar")], wanted)["records"]
        self.assertEqual([one["id"] for one in row["backend_ids"]], self.right.ids)

    def test_no_bridge_takes_the_name_of_another_companys(self):
        self.api.hello("cellar", 1)
        other = self.other()
        group = self.env.ref("connector_coffee.group_coffee_bridge")
        second = self.env["res.users"].create(
            {"name": "Second", "login": "second", "group_ids": [Command.set(group.ids)],
             "company_id": other.id, "company_ids": [Command.set(other.ids)]}
        )  # fmt: skip
        api = self.env["coffee.backend"].with_user(second)
        with self.assertRaisesRegex(UserError, "^bridge: another company .* called cellar; give"):
            api.hello("cellar", 1)
        self.assertTrue(api.hello("attic", 1))
        second.company_ids += self.env.company
        self.assertTrue(api.hello("cellar", 1), "the same company's: a new key")
        second.company_ids -= self.env.company
        self.bridge_user.active = False
        self.assertTrue(api.hello("cellar", 1), "the other one is no longer there")

    def test_a_bridges_user_has_its_group_again_after_an_uninstall(self):
        wizard = self.env["coffee.bridge.connect"].with_user(self.manager)
        made = wizard.create({"name": "cellar"})
        made.action_make()
        user = self.env["res.users"].search([("login", "=", made.login)])
        group = user.group_ids
        user.group_ids = False
        wizard.create({"name": "cellar"}).action_make()
        self.assertEqual(user.group_ids, group)

    def test_who_is_in_both_companies_is_told_which_one_the_bridge_is_of(self):
        other = self.other()
        self.manager.company_ids += other
        wizard = self.env["coffee.bridge.connect"].with_user(self.manager)
        wizard.create({"name": "cellar"}).action_make()
        again = wizard.with_context(allowed_company_ids=other.ids).create({"name": "cellar"})
        told = f"cellar belongs to {self.env.company.name}. Choose"
        with self.assertRaisesRegex(UserError, told):
            again.action_make()
        with self.assertRaisesRegex(UserError, "Another company already has a bridge"):
            wizard.with_user(self.stranger(other)).create({"name": "cellar"}).action_make()
