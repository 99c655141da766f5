"""The tree of backends and the register of units on it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from host_bridge.connector.unit import ConnectorUnit

U = TypeVar("U", bound="type[ConnectorUnit]")


class UnknownVersion(LookupError):
    """This bridge has no backend for that version."""


class NoUnit(LookupError):
    """No class registered that does this for that model."""


class Backend:
    """A service (`Backend("coffee")`) or one version of it (`Backend(parent=…, version=…)`).

    Used as a decorator it registers a unit at its level; lower levels inherit it, and one
    registered below (or later at the same level) takes precedence.
    """

    def __init__(
        self, service: str | None = None, version: str = "", parent: Backend | None = None
    ) -> None:
        if parent is None and service is None:
            raise ValueError("a backend needs a service name or a parent")
        self.service: str = service or (parent.service if parent else "")
        self.version = version
        self.parent = parent
        self._children: list[Backend] = []
        self._units: list[type[ConnectorUnit]] = []
        if parent is not None:
            parent._children.append(self)

    def __repr__(self) -> str:
        return f"Backend({self.service!r}, {self.version!r})"

    def __call__(self, unit: U) -> U:
        self._units.insert(0, unit)
        return unit

    def versions(self) -> list[str]:
        """Of this backend and all below, sorted."""
        return sorted(node.version for node in self._walk() if node.version)

    def at(self, version: str) -> Backend:
        """Raises UnknownVersion."""
        for node in self._walk():
            if version and node.version == version:
                return node
        known = ", ".join(self.versions())
        raise UnknownVersion(f"no {self.service} backend of version {version!r}; known: {known}")

    def _walk(self) -> Iterator[Backend]:
        yield self
        for child in self._children:
            yield from child._walk()

    def unit(self, base: type[ConnectorUnit], model: str) -> type[ConnectorUnit]:
        """The most specific registered class that is a `base` for `model`. Raises NoUnit."""
        level: Backend | None = self
        while level is not None:
            for unit in level._units:
                if issubclass(unit, base) and unit.serves(model):
                    return unit
            level = level.parent
        raise NoUnit(f"{self!r} has no {base.__name__} for {model}")


coffee = Backend("coffee")
coffee1900 = Backend(parent=coffee, version="1900")
coffee2900 = Backend(parent=coffee, version="2900")


def is_supported(version: str | None) -> bool:
    """Whether this bridge has a backend for that version."""
    try:
        return version is not None and bool(coffee.at(version))
    except UnknownVersion:
        return False
