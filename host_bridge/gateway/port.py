"""The port an ERP fills: few methods, each for a batch, each one transaction on the other side.

A gateway raises `Transient` when trying again may help (ERP away, busy, wrong key) and `Permanent`
when it will not. With either, nothing of that call was written. A call whose answer never came is
`Transient` too: it may have been carried out. So every writing method may be repeated, after a
crash as well, without doubling anything.

Machines are named, never numbered: what an ERP's ids are is its own affair. The contract suite in
tests/contract/gateway_suite.py runs against every gateway.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, Literal, Protocol

from host_bridge.subjects import CheckpointKind
from host_bridge.views import AlarmView, BrewView, CheckpointView, MaintenanceView, MeterView

BREW: Final = "coffee.brew"
ALARM: Final = "coffee.alarm"
METER: Final = "coffee.meter"
MAINTENANCE: Final = "coffee.maintenance"
EVENT: Final = "coffee.event"
RECIPE: Final = "coffee.recipe"
BACKEND: Final = "coffee.backend"
FACT_MODELS: Final = (BREW, ALARM, METER, MAINTENANCE, EVENT)
"""Binding models of facts: identified by machine and `<journal>/<seq>`."""
MODELS: Final = (*FACT_MODELS, RECIPE)

FIRST_SEEN: Final = "machine"
"""coffee_id of the checkpoint every gateway raises, by itself, about a machine new to it."""
REFUSED_MACHINE: Final = "machine: "
"""How the error of a fact begins whose machine the ERP does not let in."""

Values = Mapping[str, Any]


class GatewayError(Exception):
    """Base of what a gateway raises; the text goes to a person."""


class Transient(GatewayError):
    """Not done, or nobody knows; the same call may succeed later."""


class Permanent(GatewayError):
    """Nothing was written; the same call will never succeed."""


@dataclass(frozen=True, slots=True)
class BackendDraft:
    """What a machine says it is; None and "" change nothing that is known."""

    machine: str
    version: str
    """"" while the machine has not said what it is."""
    serial: str | None = None
    language: str | None = None
    firmware: str | None = None


@dataclass(frozen=True, slots=True)
class BackendRecord:
    """One machine as the ERP knows it."""

    machine: str
    version: str
    language: str | None
    """None: the ERP does not say, the settings decide."""
    refused: bool = False
    """The ERP does not let this machine in; a person there must."""


@dataclass(frozen=True, slots=True)
class Review:
    """What a person shall look at about one record."""

    summary: str
    language: str


@dataclass(frozen=True, slots=True)
class FactPush:
    """One fact on its way in. Its external id is `<journal>/<seq>`, text, and seq 0 is one."""

    machine: str
    journal: str
    seq: int
    model: str
    values: Values
    """What the mapper of the machine's version made."""
    payload: bytes = b"{}"
    """The fact as the machine sent it (JSON), for modules of the ERP that map more of it."""
    review: Review | None = None
    again: bool = False
    """Sent out of the store's history: a record that is there stays as it is."""

    @property
    def coffee_id(self) -> str:
        return f"{self.journal}/{self.seq}"


PushStatus = Literal["created", "unchanged", "updated", "refused"]


@dataclass(frozen=True, slots=True)
class Pushed:
    """What became of one fact or recipe. Refused is for good; `error` names field and cure."""

    status: PushStatus
    error: str = ""


@dataclass(frozen=True, slots=True)
class Presence:
    """`alarms` are the codes that stand."""

    machine: str
    online: bool
    last_seen_ms: int
    alarms: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class CheckpointKey:
    machine: str
    model: str
    coffee_id: str


@dataclass(frozen=True, slots=True)
class CheckpointDraft:
    """Something for a person that is not about one pushed record. Unique by its key."""

    machine: str
    model: str
    coffee_id: str
    summary: str
    language: str = "en_US"

    @property
    def key(self) -> CheckpointKey:
        return CheckpointKey(self.machine, self.model, self.coffee_id)


@dataclass(frozen=True, slots=True)
class Reviewed:
    """A checkpoint that a person reviewed in the ERP, or that is not there (`user` "")."""

    key: CheckpointKey
    user: str
    note: str
    reviewed_ms: int | None


@dataclass(frozen=True, slots=True)
class ErpOrder:
    """Something the ERP wants of a machine; `id` is unique for ever and names it when done."""

    id: str
    machine: str
    name: str
    args: dict[str, Any]
    user: str
    deadline_ms: int | None
    """None: wanted until the machine has answered (recipes)."""


@dataclass(frozen=True, slots=True)
class Done:
    """How an order ended. `message` is the machine's refusal, for the person."""

    id: str
    state: Literal["ok", "refused", "expired"]
    message: str = ""
    result: dict[str, Any] | None = None


@dataclass(frozen=True, slots=True)
class BusySigns:
    """What the ERP says of its own load. `settings`: machine → fields of [pour] it overrides,
    and `busy` where it judges for that machine alone."""

    busy: bool
    signals: dict[str, float] = field(default_factory=dict)
    settings: dict[str, dict[str, Any]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Fetched:
    orders: list[ErpOrder]
    busy: BusySigns | None = None
    """None: this gateway has no inside to look at."""


@dataclass(frozen=True, slots=True)
class Hello:
    """Who answered."""

    server: str
    addon: str
    company: str


class Gateway(Protocol):
    """One ERP. Methods may be called from several threads at once.

    `machine` unknown to the ERP: it makes a draft with a checkpoint, or refuses it by its own
    setting.
    """

    def hello(self) -> Hello:
        """Is everything there that this bridge needs? Raises Transient with the cure if not."""

    def probe(self) -> None:
        """The cheapest question that needs the whole ERP to answer. Raises Transient."""

    def save_backends(self, drafts: Sequence[BackendDraft]) -> list[BackendRecord]:
        """Creates backends by machine, or updates version, serial and firmware; order kept."""

    def push(self, facts: Sequence[FactPush]) -> list[Pushed]:
        """Takes a batch in one transaction; answers in its order. A fact that cannot be taken is
        refused alone. A record that is there is left (unchanged) or brought up to date, but a
        known time is never made unknown."""

    def presence(self, states: Sequence[Presence]) -> None:
        """Of machines whose state changed since the last call; a hint, not a fact."""

    def import_recipes(
        self, machine: str, rev: int, slots: Mapping[str, Mapping[str, Any]]
    ) -> dict[str, Pushed]:
        """All slots of a machine: a slot that is not there any more is set inactive."""

    def add_checkpoints(self, drafts: Sequence[CheckpointDraft]) -> None:
        """One that exists stays as it is, never reopened."""

    def reviewed(self, open_keys: Sequence[CheckpointKey]) -> list[Reviewed]:
        """Those of these that are no longer open there."""

    def fetch(self, limit: int, known: Sequence[str] = ()) -> Fetched:
        """Orders, the oldest first, asked for again until `finished` was told; without `known`,
        which the bridge holds already. And how busy the ERP is. Cheap."""

    def finished(self, done: Sequence[Done]) -> None:
        """How orders ended, by their ids; an unknown id is passed over."""

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

    def maintenance(self, machine: str | None, limit: int) -> list[MaintenanceView]: ...

    def meters(self, machine: str, limit: int) -> list[MeterView]: ...

    def checkpoints(
        self, state: Literal["open", "done", "all"], machine: str | None, limit: int = 500,
        kind: CheckpointKind | None = None, before: int | None = None,
    ) -> list[CheckpointView]:  # fmt: skip
        """Newest first; `before`: only ids below it."""

    def checkpoint(self, checkpoint_id: int) -> CheckpointView | None: ...

    def open_checkpoints(self) -> dict[str, int]:
        """Number of open checkpoints by machine."""
