"""Errors a caller of the bridge can act on. Each names the field and the cure."""

from __future__ import annotations


class BridgeError(Exception):
    """Base: `field` is what the caller gave, `message` says what is wrong and what to do."""

    def __init__(self, field: str, message: str) -> None:
        super().__init__(f"{field}: {message}")
        self.field = field
        self.message = message


class NotFound(BridgeError):
    """The named thing does not exist here."""


class Invalid(BridgeError):
    """The value cannot be taken as it is."""
