"""What the facts of a machine cost is booked by scheduled actions of other modules, in pieces."""

import logging
import random
from collections import deque

from odoo import api, fields, models
from odoo.service.model import PG_CONCURRENCY_EXCEPTIONS_TO_RETRY

from ..fields import BigInteger

_logger = logging.getLogger(__name__)
PIECE = 1000
"""Facts that a scheduled action books before it commits: a second or so."""


class CoffeeBooking(models.Model):
    """Settings that were changed before all their facts were booked. A module that books adds its
    books to `book` and its settings as fields of the names they have on the machine."""

    _name = "coffee.booking"
    _description = "Earlier Booking Settings"
    _order = "id"

    backend_id = fields.Many2one(
        "coffee.backend", "Machine", required=True, ondelete="cascade", readonly=True, index=True
    )
    book = fields.Selection([], "Booked As", required=True, readonly=True)
    company_id = fields.Many2one("res.company", required=True, readonly=True)
    # an ID, not a time: all facts of one transaction bear the same
    up_to = BigInteger("Last Fact", required=True, readonly=True, aggregator=None)


class CoffeeBackend(models.Model):
    """A book has a name, and of that name these methods of the machine; `terms` is where they find
    the settings to book under, the machine itself or a `coffee.booking`:

    - `<book>_facts(terms)`: (model, domain) of what is to be booked, or None if nothing is;
    - `<book>(facts, terms)`: books them; whether it could, or they are too little together;
    - `<book>_part(fact)`: the record that settles how that one is booked, or an empty one;
    - `<book>_others(part)`: domain of the facts that are not of that part.
    """

    _inherit = "coffee.backend"  # pylint: disable=consider-merging-classes-inherited

    booking_ids = fields.One2many("coffee.booking", "backend_id", "Booked in the Background")

    def _since(self, start):
        """Domain of this machine's facts that came after `start` and, as far as is known, happened
        after it: history sent later is not booked again."""
        self.ensure_one()
        return [
            ("backend_id", "=", self.id),
            ("create_date", ">=", start),
            "|",
            ("happened_at", "=", False),
            ("happened_at", ">=", start),
        ]

    def _leave_to_book(self, cron, *books):
        """What has come until now is booked as it is set now, by the scheduled action `cron`: a
        large backlog would take longer than a person waits."""
        rows = [row for one in self for book in books if (row := one._terms_now(book))]
        if rows:
            self.env["coffee.booking"].create(rows)
            self.env.ref(cron)._trigger()

    def _terms_now(self, book):
        """Values of a `coffee.booking`, or None without a fact to book."""
        Booking = self.env["coffee.booking"]
        newest = self._to_book(book, self, order="id desc", limit=1)
        if not newest:
            return None
        names = Booking._fields.keys() & self._fields.keys() - set(models.MAGIC_COLUMNS)
        settings = {name: self._held(name) for name in names if Booking._fields[name].store}
        return {**settings, "backend_id": self.id, "book": book, "up_to": newest.id}

    def _to_book(self, book, terms, after=0, others=(), **search):
        """Facts with an ID above `after` that are to be booked under these settings.

        :param others: domain that leaves some of them out
        """
        model, domain = getattr(self, f"{book}_facts")(terms) or ("coffee.brew", [(0, "=", 1)])
        now = terms == self
        earlier = self.booking_ids.filtered(
            lambda one: one.book == book and (now or one.id < terms.id)
        )
        bounds = [("id", ">", max([after, *earlier.mapped("up_to")]))]
        if not now:
            bounds.append(("id", "<=", terms.up_to))
        return self.env[model].search([*domain, *bounds, *others], **search)

    @api.model
    def _book_in_pieces(self, backends, *books):
        """Books for a scheduled action: a piece of each machine in turn, and each is committed.
        When the time is up it ends, and Odoo begins it anew at once.

        No machine is the first of each run, or its backlog would keep the last ones waiting. Those
        of which a person was asked come last, and only what they do book is a reason to begin
        anew: else many of them would take all the time, for ever.

        :param backends: machines to book for; those with a `coffee.booking` are, too
        """
        commit = self.env["ir.cron"]._commit_progress
        hopeful, asked = self._turns(backends, books)
        turns, more = deque(hopeful + asked), set(hopeful)
        commit(remaining=len(more))
        while turns:
            turn = turns.popleft()
            booked, goes_on = turn.go()
            (more.add if booked or turn.met else more.discard)(turn)
            if goes_on:
                turns.append(turn)
            if booked != 0 and not commit(booked or 0, remaining=len(more)):
                return
        commit(remaining=len(more))

    @api.model
    def _turns(self, backends, books):
        """([turns to begin with], [those of which a person was asked]), each in any order."""
        earlier = self.env["coffee.booking"].search([("book", "in", books)])
        found = {True: [], False: []}
        for book in books:
            for terms in [*earlier.filtered(lambda one, book=book: one.book == book), *backends]:
                backend = terms if terms._name == self._name else terms.backend_id
                asked = bool(backend._asked_to_book(f"{book}%", [("state", "=", "review")]))
                found[asked].append(_Turn(backend, book, terms))
        for turns in found.values():
            random.shuffle(turns)
        return found[False], found[True]

    def _book(self, book, facts, terms):
        """Books them together or, if that fails, each part by itself: what cannot be booked keeps
        no other waiting, and a person is asked.

        :return: (whether they were enough to book, those that failed)
        """
        enough, error = self._try_to_book(book, facts, terms)
        if not error:
            return enough, facts.browse()
        parts = facts.grouped(getattr(self, f"{book}_part"))
        tried = dict.fromkeys(parts, (False, error))
        if len(parts) > 1:
            tried = {part: self._try_to_book(book, some, terms) for part, some in parts.items()}
        failures = {part: error for part, (_enough, error) in tried.items() if error}
        self._ask_to_book(book, failures, everything=len(failures) == len(parts) > 1)
        failed = facts.browse().union(*(parts[part] for part in failures))
        return any(one for one, _error in tried.values()), failed

    def _try_to_book(self, book, facts, terms):
        """(whether they were enough to book, None or the error)"""
        try:
            with self.env.cr.savepoint():
                return getattr(self.with_company(terms.company_id), book)(facts, terms), None
        except PG_CONCURRENCY_EXCEPTIONS_TO_RETRY:
            raise  # two transactions met: who called does all of it again
        except Exception as error:
            _logger.warning("%s of %s", book, self.machine, exc_info=True)
            return False, error

    def _ask_to_book(self, book, failures, everything=False):
        """What fails in all its parts is the machine's, and asked once.

        :param failures: {part: error}
        """
        if everything:
            failures = {self.browse(): next(iter(failures.values()))}
        for part, error in failures.items():
            self._ask_about(f"{book}-{part.id}" if part else book, part, error)

    def _asked_to_book(self, pattern, domain=()):
        """The newest checkpoint about it."""
        mine = [("backend_id", "=", self.id), ("coffee_id", "=like", pattern)]
        return self.env["coffee.checkpoint"].search([*mine, *domain], order="id desc", limit=1)

    def _ask_about(self, about, part, error):
        """Once until that is reviewed."""
        if self._asked_to_book(f"{about}/%", [("state", "=", "review")]):
            return
        last = self._asked_to_book(f"{about}/%")
        number = int(last.coffee_id.rpartition("/")[2]) + 1 if last else 0
        self.env["coffee.checkpoint"]._add(
            [
                {
                    "backend_id": self.id,
                    "model": part._name if part else self._name,
                    "coffee_id": f"{about}/{number}",
                    "res_id": (part or self).id,
                    "summary": self._why_not_booked(error, part),
                }
            ]
        )

    def _why_not_booked(self, error, part):
        if not part:
            return self.env._(
                "What %(machine)s used or sold could not be booked: %(error)s",
                machine=self.name,
                error=error,
            )
        return self.env._(
            "What %(machine)s used or sold of %(part)s could not be booked: %(error)s. Correct"
            " it there; it is tried again each hour. All else is booked.",
            machine=self.name,
            part=part.display_name,
            error=str(error).rstrip(".!"),
        )


class _Turn:
    """What a run has booked of one machine, and what not."""

    def __init__(self, backend, book, terms):
        self.backend, self.book, self.terms = backend, book, terms
        self.after = 0
        self.others = []
        """domain without the parts that failed: the next piece holds none of them"""
        self.met = False
        """another transaction, so that the next run does the rest"""

    def go(self):
        """(facts booked or None if that was undone, whether this run goes on with it)"""
        try:
            return self._piece() if self.terms.exists() else (0, False)
        except PG_CONCURRENCY_EXCEPTIONS_TO_RETRY:
            _logger.info("%s of machine %s met another transaction", self.book, self.backend.id)
            self.backend.env.cr.rollback()
            self.met = True
            return None, False

    def _piece(self):
        facts, enough, failed = self._next()
        if not enough and not failed:
            return self._end(), False
        self.after = facts[-1].id
        self._leave_out(failed)
        return len(facts) - len(failed) or None, True

    def _leave_out(self, failed):
        """However many there are of that part, those behind them come next."""
        for part in set(map(getattr(self.backend, f"{self.book}_part"), failed)):
            self.others += getattr(self.backend, f"{self.book}_others")(part)

    def _next(self):
        """(facts, whether they were enough to book, those that failed); more and more until they
        are, or there are no others."""
        limit, enough, failed = PIECE, False, ()
        while not enough and not failed:
            facts = self.backend._to_book(
                self.book, self.terms, self.after, self.others, order="id", limit=limit
            )
            enough, failed = self.backend._book(self.book, facts, self.terms) if facts else (0, ())
            if len(facts) < limit:
                break
            limit *= 2
        return facts, enough, failed

    def _end(self):
        """All is booked that can be; earlier settings have no more to say."""
        if self.terms != self.backend and not self.others:
            self.terms.unlink()
        return 0
