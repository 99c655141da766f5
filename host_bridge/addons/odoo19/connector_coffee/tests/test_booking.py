from contextlib import suppress
from unittest.mock import patch

from psycopg2.errors import SerializationFailure

from odoo.tests import tagged
from odoo.tools import mute_logger

from odoo.addons.base.models import ir_cron

from ..models import coffee_booking
from .common import CoffeeCase

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
                "code": f"model.browse({machines})._book_in_pieces('_mark')",
                "interval_number": 1,
                "interval_type": "hours",
            }
        )

    def setUp(self):
        super().setUp()
        self.calls = []
        self.fails = {}
        kind = self.env.registry["coffee.backend"]
        mark = lambda machine, limit: self.mark(machine, limit)  # noqa: E731
        self.startPatcher(patch.object(kind, "_mark", mark, create=True))
        self.startPatcher(patch.object(coffee_booking, "PIECE", 2))

    def mark(self, machine, limit):
        brews = machine.env["coffee.brew"].search(
            [("backend_id", "=", machine.id), ("command", "=", False)], order="id", limit=limit
        )
        brews.command = "marked"
        self.calls.append(machine.machine)
        if error := self.fails.get((machine.machine, self.calls.count(machine.machine))):
            raise error
        return len(brews)

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
        self.assertEqual(booked, [(2, True), (3, True), (5, True), (6, True), (6, False)])

    def test_machines_take_turns(self):
        self.brewed("left", 5)
        self.brewed("right", 3)
        self.start()
        self.assertEqual(self.calls[:4], ["left", "right", "left", "right"])
        self.assertEqual((self.marked("left"), self.marked("right")), (5, 3))
        self.assertFalse(self.goes_on)

    def test_one_that_fails_holds_up_no_other(self):
        self.brewed("left", 3)
        self.brewed("right", 3)
        self.fails = {("left", call): ValueError("no unit") for call in range(20)}
        for goes_on in (True, True, True, False):
            self.start_briefly()
            self.assertEqual(self.goes_on, goes_on)
        self.assertEqual((self.marked("left"), self.marked("right")), (0, 3))
        asked = self.env["coffee.checkpoint"].search([("coffee_id", "=like", "_mark/%")])
        self.assertEqual((asked.backend_id, len(asked)), (self.left, 1))
        self.fails.clear()
        self.start()
        self.assertEqual(self.marked("left"), 3, "though nobody has reviewed it")

    def test_one_that_meets_another_transaction_is_booked_by_the_next_run(self):
        self.brewed("left", 3)
        self.brewed("right", 3)
        self.fails["left", 2] = SerializationFailure()
        with patch.object(ir_cron, "MIN_RUNS_PER_JOB", 1):
            self.start()
        self.assertEqual(self.marked("right"), 3)
        self.start()
        self.assertEqual(self.marked("left"), 3)
        self.assertFalse(self.env["coffee.checkpoint"].search([("coffee_id", "=like", "_mark/%")]))
