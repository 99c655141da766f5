import random
from contextlib import suppress
from unittest.mock import patch

from psycopg2.errors import SerializationFailure

from odoo.tests import tagged
from odoo.tools import mute_logger

from odoo.addons.base.models import ir_cron

from ..models import coffee_booking
from .common import PROFILE, CoffeeCase

AT_WORK = ("odoo.addons.base.models.ir_cron", coffee_booking.__name__)


class Killed(BaseException):
    """Nothing catches it, as nothing catches the end of a worker."""


@tagged("post_install", "-at_install")
class TestBooking(CoffeeCase):
    """A scheduled action that marks brews, two at a time."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        machines = (cls.left | cls.right).ids
        cls.cron = cls.env["ir.cron"].create(
            {
                "name": "Mark brews",
                "model_id": cls.env.ref("connector_coffee.model_coffee_backend").id,
                "state": "code",
                "code": f"model._book_in_pieces(model.browse({machines}), '_mark')",
                "interval_number": 1,
                "interval_type": "hours",
            }
        )

    def setUp(self):
        super().setUp()
        self.calls = []
        self.fails, self.bad = {}, ()
        kind = self.env.registry["coffee.backend"]
        for name in ("_mark", "_mark_facts", "_mark_part", "_mark_others"):
            mine = lambda machine, *args, name=name: getattr(self, name[1:])(machine, *args)  # noqa: E731
            self.startPatcher(patch.object(kind, name, mine, create=True))
        self.startPatcher(patch.object(coffee_booking, "PIECE", 2))

    def mark_facts(self, machine, terms):
        return "coffee.brew", [("backend_id", "=", machine.id), ("command", "=", False)]

    def mark_part(self, machine, brew):
        return brew.recipe_id

    def mark_others(self, machine, recipe):
        return [("recipe_id", "!=", recipe.id)]

    def mark(self, machine, brews, terms):
        brews.command = "marked"
        self.calls.append(machine.machine)
        if error := self.fails.get((machine.machine, self.calls.count(machine.machine))):
            raise error
        if bad := brews.filtered(lambda brew: brew.shot in self.bad):
            raise ValueError(f"shot {bad[0].shot}")
        return True

    def start(self):
        with mute_logger(*AT_WORK):
            self.run_cron(self.cron)

    def start_briefly(self):
        """Once, with no time: one piece."""
        with patch.multiple(ir_cron, MIN_RUNS_PER_JOB=1, MIN_TIME_PER_JOB=0):
            self.start()

    @property
    def goes_on(self):
        domain = [("cron_id", "=", self.cron.id)]
        return bool(self.env["ir.cron.trigger"].search_count(domain))

    def marked(self, machine):
        return self.env["coffee.brew"].search_count(
            [("backend_id.machine", "=", machine), ("command", "=", "marked")]
        )

    def brewed(self, machine, count):
        self.push(*(self.brew(seq, machine) for seq in range(count)))

    def test_what_was_booked_stays_though_the_worker_ends(self):
        self.brewed("left", 7)
        self.fails["left", 3] = Killed()
        with suppress(Killed):  # assertRaises would undo it all
            self.start()
        self.assertEqual((self.calls.count("left"), self.marked("left")), (3, 4))

    def test_it_goes_on_at_once_until_nothing_is_left(self):
        self.brewed("left", 3)
        self.brewed("right", 3)
        booked = []
        for _ in range(5):
            self.start_briefly()
            booked.append((self.marked("left") + self.marked("right"), self.goes_on))
        # the last piece is one that finds nothing
        self.assertEqual(booked[-2:], [(6, True), (6, False)])
        self.assertEqual(len({count for count, _goes_on in booked}), 4)

    def test_machines_take_turns(self):
        self.brewed("left", 5)
        self.brewed("right", 3)
        self.start()
        self.assertEqual(set(self.calls[:2]), {"left", "right"})
        self.assertEqual(self.calls[2:4], self.calls[:2])
        self.assertEqual((self.marked("left"), self.marked("right")), (5, 3))
        self.assertFalse(self.goes_on)

    def test_no_machine_is_always_the_first(self):
        """Else what the first has keeps the last waiting, run for run."""
        self.brewed("left", 40)
        self.brewed("right", 2)
        self.startPatcher(patch.object(coffee_booking.random, "shuffle", random.Random(1).shuffle))
        for _ in range(10):
            self.start_briefly()
        self.assertEqual(self.marked("right"), 2)
        self.assertLess(self.marked("left"), 20)

    def test_one_that_fails_holds_up_no_other(self):
        self.brewed("left", 3)
        self.brewed("right", 3)
        self.fails = {("left", call): ValueError("no unit") for call in range(20)}
        for _ in range(4):
            self.start_briefly()
        self.assertFalse(self.goes_on)
        self.assertEqual((self.marked("left"), self.marked("right")), (0, 3))
        asked = self.env["coffee.checkpoint"].search([("coffee_id", "=like", "_mark/%")])
        self.assertEqual((asked.backend_id, len(asked)), (self.left, 1))
        self.fails.clear()
        self.start()
        self.assertEqual(self.marked("left"), 3, "though nobody has reviewed it")

    # --- what cannot be booked
    def drinks(self, count):
        slots = {str(slot): {**PROFILE, "name": f"drink {slot}"} for slot in range(count)}
        self.api.import_recipes("left", 1, slots)
        return self.left.recipe_ids.sorted("position")

    def asked(self):
        return self.env["coffee.checkpoint"].search([("coffee_id", "=like", "_mark%")])

    def test_what_cannot_be_booked_keeps_only_its_like_waiting(self):
        bad, *_others = self.drinks(3)
        self.push(*(self.brew(seq, slot=str(seq % 3)) for seq in range(7)))
        self.bad = (0, 3, 6)
        for _ in range(2):
            self.start()
        self.assertEqual(self.marked("left"), 4)
        asked = self.asked()
        self.assertEqual(len(asked), 1, "asked once")
        self.assertEqual((asked.res_model, asked.res_id), ("coffee.recipe", bad.id))
        self.assertIn("drink 0 could not be booked: shot ", asked.summary)
        self.bad = ()
        self.start()
        self.assertEqual(self.marked("left"), 7)
        asked.action_review()
        self.assertFalse(self.goes_on)

    def test_many_of_one_kind_that_fail_keep_none_behind_them_waiting(self):
        self.drinks(2)
        self.push(*(self.brew(seq) for seq in range(6)), self.brew(6, slot="1"))
        self.bad = range(6)
        self.start()
        self.assertEqual(self.marked("left"), 1)

    def test_nor_do_many_of_several_kinds(self):
        """Though none of the first piece can be booked. Each is tried once, however many cups."""
        self.drinks(3)
        self.push(*(self.brew(seq, slot=str(seq % 2)) for seq in range(10)))
        self.push(self.brew(10, slot="2"), self.brew(11, slot="7"))
        self.bad = range(10)
        self.start()
        self.assertEqual(self.marked("left"), 2)
        self.assertLess(len(self.calls), 7)

    def test_what_fails_in_all_its_parts_is_the_machines(self):
        self.drinks(2)
        self.push(self.brew(0), self.brew(1, slot="1"))
        self.bad = (0, 1)
        self.start()
        self.assertEqual(self.asked().coffee_id, "_mark/0")

    def test_a_person_is_asked_again_once_that_was_reviewed(self):
        self.push(self.brew(0))
        self.bad = (0,)
        for count in (1, 2, 3):
            self.start()
            self.assertEqual(len(self.asked()), count)
            self.asked().action_review()
        self.asked()[-1:].unlink()  # the oldest
        self.start()
        self.assertIn("review", self.asked().mapped("state"))
        self.assertIn("shot 0", self.asked()[0].summary)

    def test_one_that_meets_another_transaction_is_booked_by_the_next_run(self):
        self.brewed("left", 3)
        self.brewed("right", 3)
        self.fails["left", 2] = SerializationFailure()
        with patch.object(ir_cron, "MIN_RUNS_PER_JOB", 1):
            self.start()
        self.assertEqual(self.marked("right"), 3)
        self.start()
        self.assertEqual(self.marked("left"), 3)
        self.assertFalse(self.asked())
