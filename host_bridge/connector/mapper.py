"""From a fact to the values of a record: a list of direct fields plus methods for the rest."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, ClassVar, Generic, TypeVar

from host_bridge.connector.unit import ConnectorUnit

S = TypeVar("S")
M = TypeVar("M", bound=Callable[..., dict[str, Any]])


class MappingError(ValueError):
    """The payload cannot become a record of this version; the text names the field."""


def mapping(method: M) -> M:
    """Marks a method whose dict is merged into the record's values."""
    method._is_mapping = True  # type: ignore[attr-defined]
    return method


class Mapper(ConnectorUnit, Generic[S]):
    """`direct` names fields taken as they are; `@mapping` methods add what needs thought.

    A subclass inherits both and adds its own.
    """

    direct: ClassVar[tuple[str, ...]] = ()
    _direct: ClassVar[tuple[str, ...]] = ()
    _mappings: ClassVar[tuple[str, ...]] = ()

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        own = cls.__dict__.get("direct", ())
        cls._direct = tuple(dict.fromkeys((*cls._direct, *own)))
        marked = (n for n, m in cls.__dict__.items() if getattr(m, "_is_mapping", False))
        cls._mappings = tuple(dict.fromkeys((*cls._mappings, *marked)))

    def payload(self, source: S) -> object:
        """The object that has the `direct` fields."""
        return source

    def values(self, source: S) -> dict[str, Any]:
        """Raises MappingError."""
        payload = self.payload(source)
        found = {name: getattr(payload, name) for name in self._direct}
        for name in self._mappings:
            found.update(getattr(self, name)(source))
        return found
