"""The port an ERP fills: few methods, each for a batch, each one transaction on the other side.

A gateway raises `Transient` when trying again may help (ERP away, busy, locked) and `Permanent`
when it will not (a value the ERP refuses). With either, nothing of that batch was written. Every
writing method may be repeated after a crash without doubling anything.

The contract suite in tests/contract/gateway_suite.py runs against every gateway.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, Literal, NamedTuple, Protocol

from host_bridge.views import AlarmView, BrewView, CheckpointView, MeterView

BREW: Final = "coffee.brew"
ALARM: Final = "coffee.alarm"
METER: Final = "coffee.meter"
MAINTENANCE: Final = "coffee.maintenance"
EVENT: Final = "coffee.event"
RECIPE: Final = "coffee.recipe"
BACKEND: Final = "coffee.backend"
MODELS: Final = (BREW, ALARM, METER, MAINTENANCE, EVENT, RECIPE)
"""Binding models: every record has `backend_id` and `coffee_id`, unique together."""

Values = Mapping[str, Any]


class GatewayError(Exception):
    """Base of what a gateway raises; the text goes to a person."""


class Transient(GatewayError):
    """Nothing was written; the same call may succeed later."""


class Permanent(GatewayError):
    """Nothing was written; the same call will never succeed."""


class Key(NamedTuple):
    """Identity of a binding. `coffee_id` is text, and "0" is a valid one."""

    backend_id: int
    coffee_id: str


@dataclass(frozen=True, slots=True)
class BackendRecord:
    """One machine as the ERP knows it."""

    id: int
    machine: str
    version: str
    language: str | None
    """None: the ERP does not say, the settings decide."""


@dataclass(frozen=True, slots=True)
class BackendDraft:
    machine: str
    version: str
    """"" while the machine has not said what it is."""
    serial: str | None = None
    language: str | None = None


@dataclass(frozen=True, slots=True)
class CheckpointDraft:
    """Something for a person. Unique by (backend_id, coffee_id), reviewed or not."""

    backend_id: int
    model: str
    coffee_id: str
    summary: str
    record_id: int | None = None
    """Of `model`, when there is a record to look at."""
    language: str = "en_US"


@dataclass(frozen=True, slots=True)
class RecipeExport:
    """A recipe the ERP wants in a machine; `recipe` None empties the slot."""

    id: str
    machine: str
    slot: str
    recipe: dict[str, Any] | None
    user: str


@dataclass(frozen=True, slots=True)
class CommandOrder:
    """A command the ERP wants run; `id` is unique for ever and names the order when it is done."""

    id: str
    machine: str
    name: str
    user: str
    deadline_ms: int
    args: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Done:
    """How an export or order ended. `message` is the machine's refusal, for the person."""

    id: str
    state: Literal["ok", "refused", "expired"]
    message: str = ""


class Gateway(Protocol):
    """One ERP. Methods are called from one thread at a time, `probe` from another."""

    def probe(self) -> None:
        """The cheapest question that needs the whole ERP to answer. Raises Transient."""

    def save_backends(self, drafts: Sequence[BackendDraft]) -> list[BackendRecord]:
        """Creates backends by machine, or updates version and serial; in the order given."""

    def search_bindings(self, model: str, keys: Sequence[Key]) -> dict[Key, int]:
        """Record ids of those that exist."""

    def create_bindings(self, model: str, records: Sequence[Values]) -> list[int]:
        """Record ids in the order given. A key that exists is returned and left as it is, so two
        bridges racing, or one after a crash, cannot double a record."""

    def write(self, model: str, changes: Sequence[tuple[int, Values]]) -> None:
        """(record id, values to change)."""

    def add_checkpoints(self, drafts: Sequence[CheckpointDraft]) -> list[int]:
        """Ids in the order given; one that exists is returned, never reopened."""

    def recipes_to_export(self, limit: int) -> list[RecipeExport]:
        """Asked for again until `finished` was told about them."""

    def commands_to_run(self, limit: int) -> list[CommandOrder]:
        """Asked for again until `finished` was told about them."""

    def finished(self, done: Sequence[Done]) -> None:
        """How exports and orders ended, by their ids."""

    def close(self) -> None: ...


class Records(Protocol):
    """What the console reads. Called from any thread."""

    def brews(
        self, machine: str | None, limit: int, before: int | None, external_id: str | None = None
    ) -> list[BrewView]:
        """Newest first; `has_curve` is False here, the bridge knows its curves."""

    def last_brews(self) -> dict[str, BrewView]:
        """The newest brew of each machine."""

    def alarms(self, machine: str | None, limit: int) -> list[AlarmView]: ...

    def meters(self, machine: str, limit: int) -> list[MeterView]: ...

    def checkpoints(
        self, state: Literal["open", "done", "all"], machine: str | None, limit: int = 500
    ) -> list[CheckpointView]: ...

    def checkpoint(self, checkpoint_id: int) -> CheckpointView | None: ...

    def open_checkpoints(self) -> dict[str, int]:
        """Number of open checkpoints by machine."""

    def review(self, checkpoint_id: int, user: str, note: str, now_ms: int) -> bool:
        """False when it was reviewed before (nothing changes)."""
