"""A bridge in trouble, for stateful tests: an ERP that is away, late or refuses; a process killed
at any commit and restarted; a database restored from an old copy; a clock that jumps.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import sqlite3
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, precondition, rule

from host_bridge import storage
from host_bridge.database import Database
from host_bridge.gateway.embedded import EmbeddedStore
from host_bridge.gateway.port import (
    REFUSED_MACHINE,
    BackendDraft,
    BackendRecord,
    FactPush,
    Pushed,
    Transient,
)
from tests.unit.bridge.world import FaultyGateway, World

MINUTE_MS: Final = 60_000
DAY_MS: Final = 86_400_000
NAMES: Final = ("m1", "m2")
names = st.sampled_from(NAMES)
STORIES: Final = int(os.environ.get("COFFEE_SEARCH", "0"))
SEARCH: Final = settings(
    max_examples=STORIES or 40, stateful_step_count=40, deadline=None, derandomize=not STORIES,
    suppress_health_check=list(HealthCheck), database=None,
)  # fmt: skip
"""COFFEE_SEARCH=1000 looks at so many new ones."""


class Killed(BaseException):
    """The process ends here."""


class Erp(FaultyGateway):
    """Carries out what it is told, and may be away, lose the answer, or not know a machine."""

    def __init__(self, store: Any) -> None:
        super().__init__(store)
        self.answer_lost = False
        self.shut_out: set[str] = set()

    def __getattr__(self, name: str) -> Any:
        call = super().__getattr__(name)
        return self._unanswered(call) if self.answer_lost else call

    def _unanswered(self, call: Callable[..., Any]) -> Callable[..., Any]:
        def carried_out(*given: Any) -> Any:
            call(*given)
            raise Transient("no answer within 30 s")

        return carried_out

    def push(self, facts: Sequence[FactPush]) -> list[Pushed]:
        answers = iter(super().push([one for one in facts if one.machine not in self.shut_out]))
        if self.answer_lost:
            raise Transient("no answer within 30 s")
        unknown = Pushed("refused", f"{REFUSED_MACHINE}unknown here; create it")
        return [unknown if one.machine in self.shut_out else next(answers) for one in facts]

    def save_backends(self, drafts: Sequence[BackendDraft]) -> list[BackendRecord]:
        if self.fault is not None:
            raise self.fault
        return [
            BackendRecord(draft.machine, "", None, refused=True)
            if draft.machine in self.shut_out
            else self._store.save_backends([draft])[0]
            for draft in drafts
        ]


class Trouble(RuleBasedStateMachine):
    """A subclass adds what machines and people do, what always holds, and `all_is_well_again`."""

    @initialize()
    def begin(self) -> None:
        self.folder = Path(tempfile.mkdtemp(prefix="trouble-"))
        self.world = World(self.folder)
        self.erp = Erp(self._erp_store())
        self.world.gateway = self._gateway()
        self.copies = 0
        self.restored = False
        self._hasten()
        self._started()

    def _erp_store(self) -> EmbeddedStore:
        return self.world.store

    def _gateway(self) -> Any:
        return self.erp

    def _started(self) -> None:
        """In a new process, with nothing in memory; retained messages come at once."""
        self.world.boot()
        for name in NAMES:
            self.world.introduce(name)

    def _hasten(self) -> None:
        for db in (self.world.db, self.world.store._db):
            assert db._writer is not None
            db._writer.execute("PRAGMA synchronous=OFF")

    def teardown(self) -> None:
        if hasattr(self, "world"):
            try:
                self.all_is_well_again()
            finally:
                self.world.close()
                shutil.rmtree(self.folder)

    def all_is_well_again(self) -> None:
        raise NotImplementedError

    # --- the process
    @contextmanager
    def _survived(self) -> Iterator[None]:
        """What happens in here may be cut short at a commit."""
        try:
            yield
        except Killed:
            self._unarmed()
            self._started()

    def _unarmed(self) -> None:
        for db in (self.world.db, self.world.store._db):
            vars(db).pop("write", None)

    @rule(commits=st.integers(0, 4), after=st.booleans(), in_store=st.booleans())
    def will_be_killed_at_a_commit(self, commits: int, after: bool, in_store: bool) -> None:
        self._unarmed()
        db = self.world.store._db if in_store else self.world.db
        left = [commits]

        @contextmanager
        def write() -> Iterator[sqlite3.Connection]:
            outermost = not db._inside
            left[0] -= outermost
            with Database.write(db) as tx:
                yield tx
                if outermost and left[0] < 0 and not after:
                    raise Killed
            if outermost and left[0] < 0:
                raise Killed

        db.write = write  # type: ignore[method-assign]

    @rule()
    def is_restarted(self) -> None:
        self._unarmed()
        self._started()

    @rule()
    def is_copied(self) -> None:
        self.copies += 1
        assert self.world.db._writer is not None
        with contextlib.closing(sqlite3.connect(self.folder / f"copy-{self.copies}")) as copy:
            self.world.db._writer.backup(copy)

    @precondition(lambda self: self.copies)
    @rule()
    def is_restored(self) -> None:
        self._unarmed()
        self._is_to_be_restored()
        self.restored = True
        self.world.db.close()
        for file in self.folder.glob("bridge.sqlite*"):
            file.unlink()
        shutil.copy(self.folder / f"copy-{self.copies}", self.folder / "bridge.sqlite")
        self.world.db = storage.open_bridge(self.folder)
        self._hasten()
        self._started()

    def _is_to_be_restored(self) -> None:
        """Last chance to see what will be forgotten."""

    # --- the ERP
    @contextmanager
    def _in_trouble(self, trouble: str) -> Iterator[None]:
        self.erp.fault = Transient("away") if trouble == "away" else None
        self.erp.answer_lost = trouble == "no answer"
        try:
            with self._survived():
                yield
        except Transient:
            self.world.batch.forget()  # as the worker does
        finally:
            self.erp.fault, self.erp.answer_lost = None, False

    @rule(by_ms=st.sampled_from([
        10_000, 2 * MINUTE_MS, DAY_MS, 31 * DAY_MS, 365 * DAY_MS, -2 * MINUTE_MS, -DAY_MS,
        -365 * DAY_MS,
    ]))  # fmt: skip
    def clock_jumps(self, by_ms: int) -> None:
        self.world.now_ms += by_ms


troubles = st.sampled_from(["none", "none", "away", "no answer"])
