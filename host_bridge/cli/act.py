"""Commands that act: each asks the running bridge, and the machine has the last word."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Annotated, Any
from urllib.parse import quote

import typer
from rich.markup import escape

from host_bridge.cli.api import Api
from host_bridge.cli.common import (
    FAILED,
    LAST_ID,
    Config,
    Data,
    Json,
    Kind,
    Machine,
    OfMachine,
    WebPort,
    WrongUsage,
    content,
    err,
    explained,
    folder,
    known,
    must_have_run,
    out,
    print_json,
    said,
    settings,
    sure,
)
from host_bridge.cli.look import Slot
from host_bridge.cli.reviews import review_one, review_several
from host_bridge.errors import Invalid
from host_bridge.profiles.decent import ProfileRefused, import_profile
from host_bridge.settings import NAME
from host_bridge.web import words

Wait = Annotated[
    float, typer.Option("--wait", min=0, max=120, help="Seconds to wait for the machine's answer.")
]
Id = Annotated[int, typer.Argument(min=1, max=LAST_ID, help="ID from the list.")]
PROFILE = "Profile in the Decent community's format (v2); - for stdin."


def _api(config: Path | None, data: Path | None, web_port: int | None) -> Api:
    """Raises: DatabaseError: no token is given, and the folder is no bridge's: one made there
    would fit no bridge."""
    chosen = settings(config, data, web_port)
    if chosen.web.token is None:
        must_have_run(chosen)
    return Api(chosen, web_port)


def _order(
    api: Api, machine: str, name: str, args: dict[str, Any], wait_s: float, as_json: bool
) -> None:
    """Sends a command and says what became of it; exit code 1 unless the machine did it."""
    if not re.fullmatch(NAME, machine):
        raise Invalid("machine", f"{machine!r} is not a machine name; see `machines`")
    body = {"name": name, "args": args, "deadline_s": max(wait_s, 60)}
    path = f"machines/{quote(machine, safe='')}/commands?wait_s={wait_s:g}"
    view = api.call("POST", path, body, wait_s)
    if as_json:
        print_json(view)
    elif view["state"] == "ok":
        out.print(f"{escape(machine)}: done")
        if left := words.left_out(view.get("result")):
            err.print(said(f"{machine} {left}"))
    elif view["state"] == "refused":
        error = view["error"] or {"code": "refused", "message": "no reason given"}
        where = f" ({error['field']})" if error.get("field") else ""
        err.print(said(f"{machine} refused{where}: {error['message']}"), style="red")
    else:
        unanswered = f"{machine}: {view['state']}, no answer (command {view['id']})"
        err.print(escape(f"{unanswered}; is it online? See `machines`"))
    if view["state"] != "ok":
        raise typer.Exit(FAILED)


def brew(
    machine: Machine,
    slot: Annotated[str | None, typer.Argument(help="Recipe slot, 0 to 15; default 0.")] = None,
    slot_option: Annotated[
        str | None, typer.Option("--slot", "-s", help="The slot, given as an option.")
    ] = None,
    wait: Wait = 10,
    config: Config = None,
    data: Data = None,
    web_port: WebPort = None,
    as_json: Json = False,
) -> None:
    """Brew the recipe in a slot, if the machine allows it (cup present, remote key on,
    no fault).

    Example: `coffee-bridge brew sim-1900 1`
    """
    with explained():
        if slot is not None and slot_option not in (None, slot):
            raise WrongUsage("slot", f"given as {slot} and as {slot_option}; give it once")
        wanted = {"slot": slot or slot_option or "0"}
        api = _api(config, data, web_port)
        _order(api, machine, "brew", wanted, wait, as_json)


def recipe_put(
    machine: Machine,
    slot: Slot,
    file: Annotated[Path, typer.Argument(help="JSON file with the recipe; - for stdin.")],
    wait: Wait = 10,
    config: Config = None,
    data: Data = None,
    web_port: WebPort = None,
    as_json: Json = False,
) -> None:
    """Store a recipe in a slot. The machine checks it against its limits.

    Example: `coffee-bridge recipe put sim-1900 3 espresso.json`
    """
    with explained():
        text = content(file)
        try:
            wanted = json.loads(text)
        except (ValueError, RecursionError) as error:
            raise Invalid("file", f"{file} is not JSON: {error}; correct the file") from error
        api = _api(config, data, web_port)
        _order(api, machine, "recipe.put", {"slot": slot, "recipe": wanted}, wait, as_json)


def recipe_import(
    file: Annotated[Path, typer.Argument(help=PROFILE)],
    machine: Annotated[str, typer.Option("--machine", "-m", help="Machine to store it on.")],
    slot: Annotated[str, typer.Option("--slot", "-s", help="Slot to store it in, 0 to 15.")],
    one_temperature: Annotated[
        bool,
        typer.Option(help="Brew steps of different temperatures at their time-weighted mean."),
    ] = False,
    wait: Wait = 10,
    config: Config = None,
    data: Data = None,
    web_port: WebPort = None,
    as_json: Json = False,
) -> None:
    """Turn a shared pressure or flow profile into a recipe and store it.

    Example: `coffee-bridge recipe import blooming.json --machine sim-2900 --slot 5`

    If the machine cannot do all of it, every reason is listed and nothing is stored. These
    profiles do not say how long to grind: the recipe is for ground coffee until you give it a
    grind time (`dose_ms`, *Grind for* in the console).
    """
    with folder(config, data) as opened:
        limits = known(opened, machine).info.get("limits", {})
        try:
            wanted = import_profile(content(file), limits, one_temperature)
        except ProfileRefused as error:
            for field, message in error.problems:
                err.print(escape(f"{field}: {message}"), style="red")
            raise typer.Exit(FAILED) from error
        api = _api(config, data, web_port)
        _order(api, machine, "recipe.put", {"slot": slot, "recipe": wanted}, wait, as_json)


def recipe_delete(
    machine: Machine,
    slot: Slot,
    wait: Wait = 10,
    config: Config = None,
    data: Data = None,
    web_port: WebPort = None,
    as_json: Json = False,
) -> None:
    """Delete the recipe in a slot."""
    with explained():
        api = _api(config, data, web_port)
        _order(api, machine, "recipe.delete", {"slot": slot}, wait, as_json)


def review(
    ids: Annotated[
        list[int] | None, typer.Argument(min=1, max=LAST_ID, help="IDs from the list.")
    ] = None,
    kind: Kind = None,
    machine: OfMachine = None,
    note: Annotated[str, typer.Option(help="What you found or did.")] = "",
    yes: Annotated[
        bool, typer.Option("--yes", help="Do not ask before several are reviewed.")
    ] = False,
    config: Config = None,
    data: Data = None,
    web_port: WebPort = None,
) -> None:
    """Mark checkpoints as reviewed: one, several, or all of a kind or a machine.

    Example: `coffee-bridge checkpoints review 3 --note "filled the tank"`

    Example: `coffee-bridge checkpoints review --kind machine --note "all ours"`

    Of several at once it first says which, and asks. Alarms that still stand are left open: each
    is reviewed by its own ID.
    """
    with explained():
        if bool(ids) == bool(kind or machine):
            either = "give either IDs from `checkpoints list`, or --kind or --machine"
            raise WrongUsage("ids", either)
        api = _api(config, data, web_port)
        if ids and len(set(ids)) == 1:
            review_one(api, ids[0], note)
        else:
            review_several(api, ids or [], kind, machine, note, yes)


def replay(id: Id, config: Config = None, data: Data = None, web_port: WebPort = None) -> None:
    """Process a quarantined message again, once its cause is fixed."""
    with explained():
        _api(config, data, web_port).call("POST", f"quarantine/{id}/replay")
        out.print(f"{id}: replayed")


def discard(
    id: Annotated[
        int | None, typer.Argument(min=1, max=LAST_ID, help="ID from the list.")
    ] = None,
    containing: Annotated[
        str, typer.Option(help="Instead of an ID: all with this in topic, reason, external id.")
    ] = "",
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask for confirmation.")] = False,
    config: Config = None,
    data: Data = None,
    web_port: WebPort = None,
) -> None:
    """Discard quarantined messages for good: one, or all that contain a text.

    Example: `coffee-bridge quarantine discard --containing "not UTF-8 JSON" --yes`
    """
    with explained():
        if (id is None) == (not containing):
            raise WrongUsage("id", "give either the ID of one message or --containing TEXT")
        api = _api(config, data, web_port)
        if id is not None:
            sure(yes, f"Discard {id} for good?")
            api.call("DELETE", f"quarantine/{id}")
            out.print(f"{id}: discarded")
            return
        text = quote(containing, safe="")
        newest = api.call("GET", f"quarantine?limit=100&containing={text}")
        if not newest:
            out.print("nothing in quarantine contains that")
            return
        several = f"all {len(newest)}" if len(newest) < 100 else "all (100 or more)"
        sure(yes, f"Discard {several} that contain {containing!r} for good?")
        path = f"quarantine?upto={newest[0]['id']}&containing={text}"
        out.print(f"{api.call('DELETE', path)['rows']} discarded")
