"""What `checkpoints review` does: one at once, several after saying which they are."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Any
from urllib.parse import urlencode

import typer
from rich.markup import escape

from host_bridge.cli.api import Api
from host_bridge.cli.common import FAILED, LAST_ID, cell, err, out, said, sure
from host_bridge.errors import NotFound
from host_bridge.names import natural
from host_bridge.subjects import CheckpointKind, subject
from host_bridge.subjects import kind as kind_of
from host_bridge.web import words

_A_TIME = 500
"""As many as the API gives, and takes, at once."""


def review_one(api: Api, id: int, note: str) -> None:
    if (done := _reviewed(api, id)) is not None:
        words = f": {done['note']}" if done["note"] else ""
        when = cell("reviewed_ms", done["reviewed_ms"])
        out.print(escape(f"{id}: already reviewed by {done['reviewed_by']}, {when}{words}"))
        return
    view = api.call("POST", f"checkpoints/{id}/review", {"note": note})
    out.print(said(f"{view['machine']}: {view['summary']}: {view['state']}"))


def _reviewed(api: Api, id: int) -> dict[str, Any] | None:
    """It, if it was reviewed before: asked for by itself, as a list ends after 500."""
    below = min(id, LAST_ID - 1) + 1
    newest = api.call("GET", f"checkpoints?state=done&limit=1&before={below}")
    return next((view for view in newest if view["id"] == id), None)


def review_several(
    api: Api, ids: Sequence[int], kind: CheckpointKind | None, machine: str | None, note: str,
    yes: bool,
) -> None:  # fmt: skip
    """Those with the ids; without ids all of that kind and machine. Exit code 1 unless all of
    them are reviewed now.

    Raises:
        ApiError: refused, or no bridge answers.
        NotFound: one of the ids is not open; nothing was reviewed.
    """
    found = _open(api, kind, machine)
    wanted = _among(found, ids) if ids else found
    if not wanted:
        out.print("nothing to review")
        return
    _tell(wanted)
    how_many = words.checkpoints(len(wanted))
    sure(yes, f"Mark {how_many} as reviewed? Alarms that still stand are left out.")
    done, standing = _review(api, [view["id"] for view in wanted], note)
    out.print(f"{done} reviewed")
    if standing:
        left = ", ".join(map(str, standing))
        err.print(f"{len(standing)} left: the alarm still stands; see to it, then review its "
                  f"checkpoint by its ID: {left}")  # fmt: skip
    if other := len(wanted) - done - len(standing):
        err.print(f"{other} reviewed by somebody else meanwhile")
    if done < len(wanted):
        raise typer.Exit(FAILED)


def _open(api: Api, kind: CheckpointKind | None, machine: str | None) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []
    page = [{"id": None}]
    while page:
        asked = {"kind": kind, "machine": machine, "before": page[-1]["id"], "limit": _A_TIME}
        query = urlencode({name: value for name, value in asked.items() if value is not None})
        page = api.call("GET", f"checkpoints?{query}")
        found += page
    return found


def _among(found: Iterable[dict[str, Any]], ids: Iterable[int]) -> list[dict[str, Any]]:
    by_id = {view["id"]: view for view in found}
    for id in ids:
        if id not in by_id:
            raise NotFound("ids", f"{id} is not open, so nothing was done; see `checkpoints list`")
    return [by_id[id] for id in dict.fromkeys(ids)]


def _tell(wanted: Sequence[dict[str, Any]]) -> None:
    """How many of each kind, and at which machines."""
    kinds = [_kind(view) for view in wanted]
    for kind, count in Counter(kinds).most_common():
        at = {view["machine"] for view, its in zip(wanted, kinds, strict=True) if its == kind}
        out.print(said(f"{count} × {kind}: {', '.join(sorted(at, key=natural))}"))


def _kind(view: dict[str, Any]) -> str:
    return kind_of(view["model"], view["coffee_id"]) or subject(view["model"], view["coffee_id"])


def _review(api: Api, ids: Sequence[int], note: str) -> tuple[int, list[int]]:
    """How many are done, and the ids of alarms that still stand."""
    done, standing = 0, []
    for first in range(0, len(ids), _A_TIME):
        body = {"ids": ids[first : first + _A_TIME], "note": note}
        answer = api.call("POST", "checkpoints/review", body)
        done += len(answer["reviewed"])
        standing += answer["standing"]
    return done, standing
