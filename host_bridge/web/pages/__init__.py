"""One module a page. A page reads and acts through its Visit and outlives no visitor."""

from __future__ import annotations

from importlib import import_module

_NAMES = (
    "login",
    "fleet",
    "machine",
    "history",
    "brews",
    "checkpoints",
    "recipes",
    "recipe",
    "quarantine",
    "missing",
)


def load() -> None:
    """Importing a page's module registers its address; `missing` takes what is left over."""
    for name in _NAMES:
        import_module(f"{__name__}.{name}")
