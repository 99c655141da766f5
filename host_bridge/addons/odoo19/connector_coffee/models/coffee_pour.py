"""How busy this Odoo is, seen from inside: what the bridge pours a coffee for."""

import time

from odoo import api, models

KEPT_S = 5.0
"""The bridge asks each second; the answer may be a few seconds old."""
_kept = {}


class CoffeeBackend(models.Model):
    _inherit = "coffee.backend"  # pylint: disable=consider-merging-classes-inherited

    @api.model
    def _pour(self):
        """{"busy", "signals", "settings"} for `fetch_orders`, of the caller's companies."""
        known = _kept.get(self.env.cr.dbname)
        if not known or time.monotonic() - known[0] >= KEPT_S:
            known = _kept[self.env.cr.dbname] = time.monotonic(), *self._pour_afresh()
        _since, signals, machines = known
        companies = self.env.user.company_ids.ids
        settings = {name: one for name, (company, one) in machines.items() if company in companies}
        return {
            "busy": any(one["busy"] for one in settings.values()),
            "signals": signals,
            "settings": settings,
        }

    def _pour_afresh(self):
        """(signals, {machine: (its company's id, settings)})."""
        signals = self._busy_signals()
        backends = self.search([("pour_enabled", "=", True), ("state", "=", "running")])
        return signals, {
            backend.machine: (
                backend.company_id.id,
                backend._pour_settings() | {"busy": backend._is_busy(signals)},
            )
            for backend in backends
        }

    def _is_busy(self, signals):
        """Whether a signal has reached this machine's limit; a limit of 0 is none."""
        self.ensure_one()
        limits = {
            "oldest_started_job_s": self.pour_job_s,
            "late_cron_s": self.pour_cron_s,
            "oldest_transaction_s": self.pour_transaction_s,
            "pending_jobs": self.pour_pending_jobs,
        }
        return any(limit and signals[name] >= limit for name, limit in limits.items())

    @api.model
    def _busy_signals(self):
        """Seconds (whole) and a count. Our own jobs are not what the coffee is for."""
        self.env.flush_all()
        self.env.cr.execute(
            """
            SELECT
              (SELECT coalesce(extract(epoch FROM max(now() AT TIME ZONE 'UTC' - date_started)), 0)
                 FROM queue_job WHERE state = 'started'
                 AND coalesce(channel, '') NOT LIKE 'root.coffee%'),
              (SELECT coalesce(extract(epoch FROM max(now() AT TIME ZONE 'UTC' - nextcall)), 0)
                 FROM ir_cron WHERE active AND nextcall < now() AT TIME ZONE 'UTC'),
              (SELECT coalesce(extract(epoch FROM max(clock_timestamp() - xact_start)), 0)
                 FROM pg_stat_activity WHERE datname = current_database()
                 AND pid <> pg_backend_pid() AND backend_type = 'client backend'),
              (SELECT count(*) FROM (
                 SELECT 1 FROM queue_job WHERE state = 'pending'
                 AND (eta IS NULL OR eta <= now() AT TIME ZONE 'UTC')
                 AND coalesce(channel, '') NOT LIKE 'root.coffee%' LIMIT 100000) AS waiting)
            """
        )
        job_s, cron_s, transaction_s, pending = self.env.cr.fetchone()
        return {
            "oldest_started_job_s": int(job_s),
            "late_cron_s": int(cron_s),
            "oldest_transaction_s": int(transaction_s),
            "pending_jobs": pending,
        }
