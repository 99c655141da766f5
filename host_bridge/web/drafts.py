"""Recipes on their way from one page to the next, before anything is sent. In memory and few."""

from __future__ import annotations

import secrets
from collections import OrderedDict
from typing import Any

_KEPT = 64


class Drafts:
    """Keeps the newest 64; each is handed over as often as its page is loaded again."""

    def __init__(self) -> None:
        self._kept: OrderedDict[str, dict[str, Any]] = OrderedDict()

    def keep(self, recipe: dict[str, Any]) -> str:
        key = secrets.token_urlsafe(9)
        self._kept[key] = recipe
        while len(self._kept) > _KEPT:
            self._kept.popitem(last=False)
        return key

    def get(self, key: str) -> dict[str, Any] | None:
        return self._kept.get(key)
