"""What the facts of a machine cost is booked by scheduled actions of other modules, in pieces."""

import logging
import random
from collections import deque

from odoo import models
from odoo.service.model import PG_CONCURRENCY_EXCEPTIONS_TO_RETRY

_logger = logging.getLogger(__name__)
PIECE = 1000
"""Facts that a scheduled action books before it commits: a second or so."""


class CoffeeBackend(models.Model):
    _inherit = "coffee.backend"  # pylint: disable=consider-merging-classes-inherited

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

    def _book_each(self, book):
        """`_book` of each machine, all its facts."""
        for backend in self:
            backend._book(book)

    def _book(self, book, limit=None):
        """Calls `book` of the machine, in its company. What it cannot book keeps no other waiting:
        it is undone, and a person is asked, once until that is reviewed.

        :param book: name of a method that takes `limit` and returns how many facts it has booked
        :param limit: so many facts at most; None: all
        :return: what `book` does, or None if it failed
        """
        try:
            with self.env.cr.savepoint():
                return getattr(self.with_company(self.company_id), book)(limit)
        except PG_CONCURRENCY_EXCEPTIONS_TO_RETRY:
            raise  # two transactions met: who called does all of it again
        except Exception as error:
            _logger.warning("%s of %s", book, self.machine, exc_info=True)
            self._ask_to_book(book, error)
            return None

    def _book_in_pieces(self, *books):
        """`_book` of each machine, for a scheduled action: a piece of each in turn, and each is
        committed. When the time is up it ends, and Odoo begins it anew at once.

        Those of which a person was asked come last, in any order, and only what they do book is a
        reason to begin anew: else many of them would take all the time, for ever.
        """
        commit = self.env["ir.cron"]._commit_progress
        hopeful, asked = self._turns(books)
        turns, more = deque(hopeful + asked), set(hopeful)
        commit(remaining=len(more))
        while turns:
            backend, book = turn = turns.popleft()
            booked, again = backend._book_piece(book)
            (more.add if again else more.discard)(turn)
            if booked:
                turns.append(turn)
            if booked != 0 and not commit(booked or 0, remaining=len(more)):
                return
        commit(remaining=len(more))

    def _turns(self, books):
        """([(machine, book), …] to begin with, those of which a person was asked)"""
        turns = {True: [], False: []}
        for backend in self:
            for book in books:
                asked = bool(backend._asked_to_book(book, [("state", "=", "review")]))
                turns[asked].append((backend, book))
        random.shuffle(turns[True])
        return turns[False], turns[True]

    def _book_piece(self, book):
        """(facts booked or None if it was undone, whether to call again)"""
        try:
            booked = self._book(book, PIECE)
        except PG_CONCURRENCY_EXCEPTIONS_TO_RETRY:
            _logger.info("%s of machine %s met another transaction", book, self.id)
            self.env.cr.rollback()
            return None, True
        return booked, bool(booked)

    def _asked_to_book(self, book, domain=()):
        """The newest checkpoint about it."""
        mine = [("backend_id", "=", self.id), ("coffee_id", "=like", f"{book}/%")]
        return self.env["coffee.checkpoint"].search([*mine, *domain], order="id desc", limit=1)

    def _ask_to_book(self, book, error):
        if self._asked_to_book(book, [("state", "=", "review")]):
            return
        Checkpoint = self.env["coffee.checkpoint"]
        last = self._asked_to_book(book)
        number = int(last.coffee_id.rpartition("/")[2]) + 1 if last else 0
        Checkpoint._add(
            [
                {
                    "backend_id": self.id,
                    "model": self._name,
                    "coffee_id": f"{book}/{number}",
                    "res_id": self.id,
                    "summary": self.env._(
                        "What %(machine)s used or sold could not be booked: %(error)s",
                        machine=self.name,
                        error=error,
                    ),
                }
            ]
        )
