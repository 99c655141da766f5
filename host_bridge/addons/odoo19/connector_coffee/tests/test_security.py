from odoo import Command
from odoo.exceptions import AccessError, UserError
from odoo.tests import new_test_user, tagged

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
                with self.assertRaisesRegex(AccessError, "is no bridge", msg=name):
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
