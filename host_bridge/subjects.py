"""What checkpoints are about: kinds by which people choose among them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, Literal

CheckpointKind = Literal[
    "alarm", "brew", "maintenance", "recipe", "machine", "clock", "lost", "quarantine"
]
OF_NO_RECORD: Final = ("clock", "lost", "unreadable", "version")
SUBJECTS: Final[Mapping[CheckpointKind, tuple[str, ...]]] = {
    "alarm": ("coffee.alarm",),
    "brew": ("coffee.brew",),
    "maintenance": ("coffee.maintenance",),
    "recipe": ("coffee.recipe",),
    "machine": ("coffee.backend",),
    "clock": ("clock",),
    "lost": ("lost",),
    "quarantine": ("unreadable", "version"),
}
"""The subjects of each kind."""


def subject(model: str, coffee_id: str) -> str:
    """The model; where no single record is meant the head of coffee_id."""
    head = coffee_id.partition("/")[0]
    return head if head in OF_NO_RECORD else model


def kind(model: str, coffee_id: str) -> CheckpointKind | None:
    """None of a model that came later than this list."""
    about = subject(model, coffee_id)
    return next((name for name, subjects in SUBJECTS.items() if about in subjects), None)
