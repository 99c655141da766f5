"""Commands that look: they read the data folder and work with the bridge up or down."""

from __future__ import annotations

from dataclasses import asdict, replace
from typing import Annotated, Literal

import typer
from rich.markup import escape

from host_bridge import log
from host_bridge.cli.common import (
    FAILED,
    LAST_ID,
    Before,
    Config,
    Data,
    Json,
    Kind,
    Limit,
    Machine,
    OfMachine,
    err,
    explained,
    folder,
    known,
    older,
    out,
    print_json,
    said,
    settings,
    show,
)
from host_bridge.errors import NotFound
from host_bridge.gateway.port import GatewayError
from host_bridge.views import CheckpointView
from host_bridge.web import words
from host_bridge.web.payload import safe_text

NO_CHECKPOINTS = {
    "open": "nothing to review", "done": "nothing reviewed yet", "all": "no checkpoints yet",
}  # fmt: skip
Slot = Annotated[str, typer.Argument(help="Recipe slot, 0 to 15.")]


def machines(config: Config = None, data: Data = None, as_json: Json = False) -> None:
    """List all machines ever seen, with their journal cursors.

    `held` is the last fact stored without a gap. `online` is as last heard: while the bridge is
    down, or its broker away, it may be out of date.
    """
    columns = {
        "machine": "machine", "model": "model", "online": "online", "boot": "boot",
        "journal": "journal", "held_seq": "held", "open_checkpoints": "to review",
        "last_seen_ms": "last seen",
    }  # fmt: skip
    with folder(config, data) as opened:
        show(opened.reader.machines(), columns, as_json, "Machines", "no machines seen yet")


def brews(
    machine: OfMachine = None,
    limit: Limit = 20,
    config: Config = None,
    data: Data = None,
    as_json: Json = False,
) -> None:
    """List brew records, newest first.

    Example: `coffee-bridge brews --machine sim-1900 --json`

    The external id `<journal>/<seq>` identifies the brew in the ERP. Without a start, the machine
    did not know the time.
    """
    columns = {
        "machine": "machine", "external_id": "external id", "start_ms": "start", "slot": "slot",
        "source": "source", "duration_ms": "time", "volume_ul": "volume", "weight_mg": "weight",
        "result": "result", "reason": "reason", "has_curve": "curve",
    }  # fmt: skip
    with folder(config, data) as opened:
        found = opened.reader.brews(machine, limit + 1, None)
        more, found = len(found) > limit, found[:limit]
        if machine and not found and not as_json:
            known(opened, machine)
        show(found, columns, as_json, "Brews", "no brews yet")
        if more and not as_json:
            err.print("older brews are left out: give a higher --limit")


def checkpoints(
    state: Annotated[Literal["open", "done", "all"], typer.Option(help="Which to list.")] = "open",
    machine: OfMachine = None,
    kind: Kind = None,
    before: Before = None,
    limit: Limit = 500,
    config: Config = None,
    data: Data = None,
    as_json: Json = False,
) -> None:
    """List what needs a person's attention, newest first. Close one with
    `checkpoints review ID`, several at once with more IDs, `--kind` or `--machine`.

    Example: `coffee-bridge checkpoints list --kind machine`
    """
    columns = {
        "id": "id", "machine": "machine", "summary": "what", "created_ms": "since",
        "state": "state", "reviewed_by": "by", "note": "note",
    }  # fmt: skip
    with folder(config, data) as opened:
        found = opened.records.checkpoints(state, machine, limit, kind, before)
        if machine and not found and not as_json:
            known(opened, machine)
        empty = "no checkpoint matches" if kind or before else NO_CHECKPOINTS[state]
        told = found if as_json else [_as_people_say(view) for view in found]
        show(told, columns, as_json, "Checkpoints", empty)
        if found and not as_json:
            last = found[-1].id
            older(opened.records.count_checkpoints(state, machine, kind, last), last)


def _as_people_say(view: CheckpointView) -> CheckpointView:
    """An alarm by the name that the console gives it."""
    return view if view.alarm is None else replace(view, summary=words.alarm(view.alarm).title)


def check(config: Config = None, data: Data = None) -> None:
    """Check the connection to the ERP, and say how to fix it.

    Example: `COFFEE_GATEWAY_KEY=… coffee-bridge check`
    """
    with explained():
        chosen = settings(config, data)
        if chosen.gateway.kind == "embedded":
            said_so = f"no ERP set up: facts go into the store in {chosen.data} ([gateway] kind)"
            out.print(escape(said_so), soft_wrap=True)
            return
        from host_bridge.gateway.odoo import OdooGateway

        log.configure("warning", chosen.log_format)
        gateway = OdooGateway(chosen.gateway, chosen.name)
        try:
            hello = gateway.hello()
        except GatewayError as error:
            err.print(escape(str(error)), style="red")
            raise typer.Exit(FAILED) from error
        finally:
            gateway.close()
        out.print(escape(
            f"Odoo {hello.server} at {chosen.gateway.url}, connector_coffee {hello.addon}, "
            f"company {hello.company}: ready"
        ), soft_wrap=True)  # fmt: skip


def recipes(
    machine: Annotated[
        str | None, typer.Argument(help="Machine name; default: all machines.")
    ] = None,
    config: Config = None,
    data: Data = None,
    as_json: Json = False,
) -> None:
    """List the recipes in the machines' slots, as last reported."""
    with folder(config, data) as opened:
        if machine:
            known(opened, machine)
        names = [each.machine for each in opened.registry.machines()]
        found = [opened.registry.recipes(name) for name in ([machine] if machine else names)]
        held = [one for one in found if one is not None]
        if machine and not held:
            raise NotFound("machine", f"{machine!r} has reported no recipes; see `machines`")
        if as_json:
            print_json(asdict(held[0]) if machine else [asdict(one) for one in held])
            return
        if not held:
            out.print("no machine has reported its recipes yet")
        for one in held:
            out.print(f"{escape(one.machine)}, revision {one.rev}")
            for slot in sorted(one.slots, key=int):
                out.print(f"{slot:>3}  {said(one.slots[slot].get('name', ''))}")


def recipe(machine: Machine, slot: Slot, config: Config = None, data: Data = None) -> None:
    """Show one recipe as JSON, ready for `recipe put`.

    Example: `coffee-bridge recipe show sim-1900 0 > espresso.json`
    """
    with folder(config, data) as opened:
        known(opened, machine)
        held = opened.registry.recipes(machine)
        if held is None or slot not in held.slots:
            raise NotFound("slot", f"{machine} has no recipe in slot {slot}; see `recipe list`")
        print_json(held.slots[slot])


def quarantine(
    containing: Annotated[
        str, typer.Option(help="Only with this text in topic, reason or external id.")
    ] = "",
    before: Before = None,
    limit: Limit = 20,
    config: Config = None,
    data: Data = None,
    as_json: Json = False,
) -> None:
    """List messages and facts that could not be processed, and why; newest first."""
    columns = {
        "id": "id", "topic": "topic", "external_id": "external id", "reason": "why and cure",
        "received_ms": "received", "times": "times",
    }  # fmt: skip
    with folder(config, data) as opened:
        found = opened.inbox.quarantine(limit, containing, before)
        empty = "nothing in quarantine matches" if containing or before else "quarantine is empty"
        show(found, columns, as_json, "Quarantine", empty)
        more = opened.inbox.count_quarantined(containing) - len(found)
        if found and before is None and not as_json:
            older(more, found[-1].id)


def quarantined(
    id: Annotated[int, typer.Argument(min=1, max=LAST_ID, help="ID from `quarantine list`.")],
    config: Config = None,
    data: Data = None,
    as_json: Json = False,
) -> None:
    """Show one quarantined message in full; bytes that are not text as \\\\xNN."""
    with folder(config, data) as opened:
        view = opened.inbox.quarantined(id)
        if as_json:
            print_json(asdict(view))
            return
        out.print(f"topic    {said(view.topic)}\nreason   {said(view.reason)}")
        often = "once" if view.times == 1 else f"{view.times} times"
        out.print(f"received {often}, {view.size_bytes} bytes:")
        out.print(escape(safe_text(view.payload)), soft_wrap=True)
