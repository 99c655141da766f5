from odoo.exceptions import ValidationError
from odoo.sql_db import db_connect
from odoo.tests import tagged

from ..models import coffee_pour
from .common import CoffeeCase


@tagged("post_install", "-at_install")
class TestPour(CoffeeCase):
    def setUp(self):
        super().setUp()
        self.left.write({"pour_enabled": True, "pour_cron_s": 0})
        coffee_pour._kept.clear()
        self.addCleanup(coffee_pour._kept.clear)

    def pour(self):
        coffee_pour._kept.clear()
        return self.api.fetch_orders("test", 1)["pour"]

    def job(self, **values):
        job = self.env["res.partner"].with_delay()._register_hook()
        record = job.db_record()
        record.with_context(_job_edit_sentinel=record.EDIT_SENTINEL).write(values)
        return record

    def test_settings_are_the_bridges_own_names(self):
        settings = self.pour()["settings"]
        self.assertEqual(list(settings), ["left"])
        self.assertEqual(
            settings["left"],
            {
                "enabled": True,
                "busy": False,
                "slot": "0",
                "threshold_ms": 2000,
                "enter_s": 300,
                "leave_s": 120,
                "cooldown_s": 1800,
                "per_day": 4,
                "office_from": "08:00",
                "office_to": "18:00",
                "office_days": [1, 2, 3, 4, 5],
                "deadline_s": 60,
            },
        )

    def test_a_job_that_runs_for_long_is_busy(self):
        self.job(state="started", date_started="2026-01-01 00:00:00", channel="root")
        pour = self.pour()
        self.assertGreater(pour["signals"]["oldest_started_job_s"], 600)
        self.assertTrue(pour["busy"])
        self.left.pour_job_s = 0
        self.assertFalse(self.pour()["busy"])

    def test_our_own_jobs_are_not(self):
        self.job(state="started", date_started="2026-01-01 00:00:00", channel="root.coffee")
        self.assertEqual(self.pour()["signals"]["oldest_started_job_s"], 0)

    def test_jobs_that_wait_are_counted_those_of_later_not(self):
        before = self.pour()["signals"]["pending_jobs"]
        self.job(state="pending", channel="root")
        self.job(state="pending", channel="root", eta="2100-01-01 00:00:00")
        self.assertEqual(self.pour()["signals"]["pending_jobs"], before + 1)
        self.left.pour_pending_jobs = 1
        self.assertTrue(self.pour()["busy"])

    def test_a_late_cron_is_seen(self):
        self.env.ref("connector_coffee.cron_gaps").nextcall = "2026-01-01 00:00:00"
        self.assertGreater(self.pour()["signals"]["late_cron_s"], 3600)
        self.assertFalse(self.pour()["busy"])
        self.left.pour_cron_s = 3600
        self.assertTrue(self.pour()["busy"])

    def test_a_transaction_that_stays_open_is_seen(self):
        with db_connect(self.env.cr.dbname).cursor() as other:
            other.execute("SELECT 1")
            # PostgreSQL keeps its view of others for a transaction, and a test is one
            self.env.cr.execute("SELECT pg_sleep(1.1), pg_stat_clear_snapshot()")
            self.assertGreaterEqual(self.pour()["signals"]["oldest_transaction_s"], 1)

    def test_wrong_settings_are_refused(self):
        for values in (
            {"pour_slot": "16"},
            {"pour_office_days": "0"},
            {"pour_office_days": ""},
            {"pour_office_from": 18, "pour_office_to": 8},
            {"pour_office_from": 8, "pour_office_to": 8.001},  # the same minute
            {"pour_office_from": 23 + 59 / 60, "pour_office_to": 24},
        ):
            with self.assertRaises(ValidationError):
                self.left.write(values)

    def test_what_the_bridge_would_not_take_is_refused_with_its_field(self):
        """It would say so in its own log only, and pour as its file says."""
        for name, value, field in (
            ("pour_threshold_ms", 0, "Response Slower Than"), ("pour_deadline_s", 601, "Deadline"),
            ("pour_job_s", -1, "Job Running For"),  # which would be busy for ever
        ):  # fmt: skip
            with self.assertRaises(ValidationError) as caught:
                self.left[name] = value
            self.assertIn(field, str(caught.exception))
