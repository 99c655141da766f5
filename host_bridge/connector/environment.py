"""Where a unit works: one backend record, one model, one language, one session. Immutable, so
that one machine's language cannot leak into the next machine's import.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TypeVar, cast

from host_bridge.connector.backend import Backend, coffee
from host_bridge.connector.unit import ConnectorUnit
from host_bridge.gateway.port import BackendRecord, CheckpointDraft

DEFAULT_LANGUAGE = "en_US"
T = TypeVar("T", bound=ConnectorUnit)


@dataclass(slots=True)
class Session:
    """One batch: its languages, and what a person shall be asked at its end."""

    language: str = DEFAULT_LANGUAGE
    languages: dict[str, str] = field(default_factory=dict)
    """Machine → language, where it differs from `language`."""
    checkpoints: list[CheckpointDraft] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Environment:
    backend: Backend
    backend_record: BackendRecord
    model: str
    language: str
    session: Session

    def unit(self, base: type[T], model: str | None = None) -> T:
        """The unit of this backend that is a `base`, for this model or another one."""
        wanted = model or self.model
        found = cast(type[T], self.backend.unit(base, wanted))
        return found(self if wanted == self.model else self.of(wanted))

    def of(self, model: str) -> Environment:
        return Environment(self.backend, self.backend_record, model, self.language, self.session)


def get_environment(session: Session, model: str, backend_record: BackendRecord) -> Environment:
    """The ERP's language for the backend, else the settings' for the machine, else the default.

    Raises:
        UnknownVersion: the record's version has no backend here.
    """
    language = (
        backend_record.language
        or session.languages.get(backend_record.machine)
        or session.language
    )
    backend = coffee.at(backend_record.version)
    return Environment(backend, backend_record, model, language, session)
