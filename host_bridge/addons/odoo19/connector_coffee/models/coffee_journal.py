"""How far each machine's journal is held here, without holes. A reset flash begins a new one."""

from datetime import timedelta

from odoo import api, fields, models

from ..fields import BigInteger

GAP_AFTER_MIN = 15


class CoffeeJournal(models.Model):
    _name = "coffee.journal"
    _description = "Journal Cursor"
    _order = "id desc"

    backend_id = fields.Many2one(
        "coffee.backend", "Machine", required=True, ondelete="cascade", index=False
    )
    name = fields.Char("Journal", required=True, readonly=True)
    first_seq = BigInteger("From", readonly=True, aggregator=None)
    seq = BigInteger("Received Up To", readonly=True, aggregator=None)
    ahead = fields.Json(readonly=True, help="Ranges received after a gap.")
    hole_since = fields.Datetime("Gap Since", readonly=True)

    _journal_unique = models.Constraint(
        "unique(backend_id, name)", "A machine's journal can only have one cursor."
    )

    def _advance(self, seqs):
        """Takes what is held now; `seqs` in any order, known ones among them."""
        self.ensure_one()
        seq, ahead = advanced(self.seq, self.ahead or [], seqs)
        values = {}
        if seq != self.seq:
            values["seq"] = seq
        if ahead != (self.ahead or []):
            values["ahead"] = ahead
        if bool(ahead) != bool(self.hole_since):
            values["hole_since"] = fields.Datetime.now() if ahead else False
        if values:
            self.write(values)

    @api.model
    def _cron_gaps(self):
        """A hole that nothing filled in a quarter of an hour is for a person; then the cursor goes
        on behind it, so that the next hole is told too. What comes later all the same is taken."""
        limit = fields.Datetime.now() - timedelta(minutes=GAP_AFTER_MIN)
        for journal in self.search([("hole_since", "<", limit)]):
            first, last = journal.seq + 1, journal.ahead[0][0] - 1
            self.env["coffee.checkpoint"]._add(
                [
                    {
                        "backend_id": journal.backend_id.id,
                        "model": "coffee.backend",
                        "coffee_id": f"lost/{journal.name}/{first}-{last}",
                        "res_id": journal.backend_id.id,
                        "summary": self.env._(
                            "Facts %(first)s to %(last)s of %(machine)s are missing",
                            first=first,
                            last=last,
                            machine=journal.backend_id.name,
                        ),
                    }
                ]
            )
            seq, ahead = advanced(journal.ahead[0][1], journal.ahead[1:], ())
            since = fields.Datetime.now() if ahead else False
            journal.write({"seq": seq, "ahead": ahead, "hole_since": since})


def advanced(seq, ahead, seqs):
    """(highest seq without a hole below, ranges behind holes) after `seqs` came in."""
    ranges = sorted([*map(tuple, ahead), *((one, one) for one in set(seqs) if one > seq)])
    merged = [[0, seq]]
    for first, last in ranges:
        if first <= merged[-1][1] + 1:
            merged[-1][1] = max(merged[-1][1], last)
        else:
            merged.append([first, last])
    return merged[0][1], merged[1:]
