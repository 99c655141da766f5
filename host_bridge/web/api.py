"""The HTTP API: what programs may ask and order. Answers are the views of host_bridge.views as
JSON; errors name the field and the cure. Reading is open, acting needs the token. No HTML here.
"""

from __future__ import annotations

import asyncio
import inspect
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Depends, HTTPException, Query, Request, Response, Security
from fastapi.encoders import jsonable_encoder
from fastapi.responses import JSONResponse
from fastapi.routing import APIRoute
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer
from pydantic import BaseModel, Field

from host_bridge.errors import NotFound
from host_bridge.service import Bridge
from host_bridge.subjects import CheckpointKind
from host_bridge.views import (
    AlarmView,
    BrewView,
    CheckpointView,
    CommandView,
    Curve,
    HealthView,
    LiveView,
    MachineView,
    MaintenanceView,
    MeterView,
    QuarantineView,
    RecipesView,
    ReviewedView,
)
from host_bridge.web import api_examples as examples
from host_bridge.web.actions import UNDECIDED, decided
from host_bridge.web.api_errors import ErrorAnswer, TooManyTries, Unauthorised, shortened
from host_bridge.web.auth import Auth
from host_bridge.web.payload import one_line, safe_text

USER = "api"
"""Who acted, in records, when a program acts with the token and does not say for whom."""

class Summarised(APIRoute):
    """Its docstring's first sentence is what /docs lists it by, the rest is its description."""

    def __init__(self, path: str, endpoint: Any, **settings: Any) -> None:
        first, _, rest = (inspect.getdoc(endpoint) or "").replace("\n", " ").partition(". ")
        settings["summary"] = first.rstrip(".")
        settings["description"] = rest
        super().__init__(path, endpoint, **settings)


_bearer = HTTPBearer(auto_error=False, description="The console's access token.")


def bridge_of(request: Request) -> Bridge:
    bridge: Bridge = request.app.state.console.bridge
    return bridge


def acting_user(
    request: Request,
    given: Annotated[HTTPAuthorizationCredentials | None, Security(_bearer)],
    on_behalf_of: Annotated[
        str, Query(max_length=64, description="Whose name the record carries.")
    ] = USER,
) -> str:
    """Raises unless the caller knows the token; returns the name to write down."""
    auth: Auth = request.app.state.console.auth
    caller = request.client.host if request.client else ""
    wait_s = auth.brake.wait_s(caller)
    if wait_s:
        raise TooManyTries(wait_s)
    if given is None:
        raise Unauthorised
    if not auth.token_fits(given.credentials):
        auth.brake.failed(caller)
        raise Unauthorised
    auth.brake.succeeded(caller)
    return one_line(on_behalf_of) or USER


TheBridge = Annotated[Bridge, Depends(bridge_of)]
User = Annotated[str, Depends(acting_user)]
Limit = Annotated[int, Query(ge=1, le=500)]
RowId = Annotated[int, Field(ge=0, le=2**63 - 1)]
"""More the store cannot even look for."""
WaitS = Annotated[
    float, Query(ge=0, le=120, description="Wait so many seconds for the machine's answer.")
]
Containing = Annotated[
    str,
    Query(max_length=200, description="Only rows with this text in topic, reason or external id."),
]
Slot = Annotated[str, Field(pattern="^([0-9]|1[0-5])$")]


class BrewDetail(BaseModel):
    brew: BrewView
    curve: Curve | None = Field(description="Null when no curve was stored for this brew.")


class CommandRequest(BaseModel):
    model_config = {"extra": "forbid", "json_schema_extra": {"examples": [examples.COMMAND]}}

    name: str = Field(max_length=32, description="One of the machine's `commands`.")
    args: dict[str, Any] = Field(default_factory=dict)
    deadline_s: float = Field(
        60, gt=0, le=3600, description="The machine refuses the command after so many seconds."
    )


class ReviewRequest(BaseModel):
    model_config = {"extra": "forbid"}

    note: str = Field("", max_length=2000, examples=["Filled the tank."])


class ReviewOfSeveral(ReviewRequest):
    ids: list[RowId] = Field(min_length=1, max_length=1000, examples=[[3, 4, 7]])


class Discarded(BaseModel):
    rows: int


class QuarantineItem(BaseModel):
    """A set-aside message; `text` is its payload with unprintable bytes escaped."""

    id: int
    topic: str
    machine: str | None
    external_id: str | None
    text: str
    size_bytes: int
    reason: str
    received_ms: int
    times: int

    @classmethod
    def of(cls, view: QuarantineView) -> QuarantineItem:
        return cls(
            id=view.id,
            topic=view.topic,
            machine=view.machine,
            external_id=view.external_id,
            text=safe_text(view.payload),
            size_bytes=view.size_bytes,
            reason=view.reason,
            received_ms=view.received_ms,
            times=view.times,
        )


health_router = APIRouter(tags=["Health"], route_class=Summarised)
read = APIRouter(
    prefix="/api",
    tags=["Reading"],
    route_class=Summarised,
    responses={code: {"model": ErrorAnswer} for code in (404, 422)},
)
nothing = APIRouter()
act = APIRouter(
    prefix="/api",
    tags=["Acting"],
    route_class=Summarised,
    responses={code: {"model": ErrorAnswer} for code in (401, 404, 422, 429)},
)


@health_router.head("/healthz", include_in_schema=False)  # what some monitors ask
@health_router.get("/healthz", responses={503: {"model": HealthView}})
def healthz(bridge: TheBridge, response: Response) -> HealthView:
    """Whether the bridge works: broker connected, facts stored. 503 names the problems."""
    health = bridge.health()
    response.status_code = 200 if health.ok else 503
    return health


@health_router.get("/metrics", response_class=Response)
def metrics(bridge: TheBridge) -> Response:
    """Figures in Prometheus' text format."""
    return Response(bridge.metrics(), media_type="text/plain; version=0.0.4; charset=utf-8")


@read.get("/machines")
def machines(bridge: TheBridge) -> list[MachineView]:
    """Every machine ever seen, by name."""
    return bridge.machines()


@read.get("/machines/{machine}", responses=examples.ok(examples.MACHINE))
def machine(machine: str, bridge: TheBridge) -> MachineView:
    """One machine as last heard of."""
    return _known(bridge, machine)


@read.get("/machines/{machine}/live")
def live(machine: str, bridge: TheBridge) -> LiveView:
    """The latest state as the machine sent it, and the curve of a running shot."""
    return bridge.live(machine)


@read.get("/machines/{machine}/recipes")
def recipes(machine: str, bridge: TheBridge) -> RecipesView:
    """Slot ("0" … "15") → recipe, as the machine last reported them."""
    return bridge.recipes(machine)


@read.get("/machines/{machine}/meters")
def meters(machine: str, bridge: TheBridge, limit: Limit = 60) -> list[MeterView]:
    """Daily totals, newest first."""
    _known(bridge, machine)
    return bridge.meters(machine, limit)


@read.get("/brews", responses=examples.ok([examples.BREW]))
def brews(
    bridge: TheBridge,
    machine: str | None = None,
    limit: Limit = 50,
    before: Annotated[RowId | None, Query(description="`cursor` of the last brew shown.")] = None,
) -> list[BrewView]:
    """Brew records, newest first."""
    _known_if_given(bridge, machine)
    return bridge.brews(machine, limit, before)


@read.get("/brews/{machine}/{external_id:path}")
def brew(machine: str, external_id: str, bridge: TheBridge) -> BrewDetail:
    """One brew by its external id (`<journal>/<seq>`), with its curve."""
    found = bridge.brew(external_id, machine)
    if found is None:
        raise NotFound("external_id", f"no brew {external_id} of {machine}; see /api/brews")
    return BrewDetail(brew=found, curve=bridge.curve(machine, found.boot, found.shot))


@read.get("/checkpoints")
def checkpoints(
    bridge: TheBridge,
    state: Literal["open", "done", "all"] = "open",
    machine: str | None = None,
    kind: CheckpointKind | None = None,
    limit: Limit = 500,
    before: Annotated[RowId | None, Query(description="`id` of the last one shown.")] = None,
) -> list[CheckpointView]:
    """What a person must look at, newest first."""
    _known_if_given(bridge, machine)
    return bridge.checkpoints(state, machine, limit, kind, before)


@read.get("/alarms")
def alarms(bridge: TheBridge, machine: str | None = None, limit: Limit = 100) -> list[AlarmView]:
    """Alarms raised and cleared, newest first."""
    _known_if_given(bridge, machine)
    return bridge.alarms(machine, limit)


@read.get("/maintenance")
def maintenance(
    bridge: TheBridge, machine: str | None = None, limit: Limit = 100
) -> list[MaintenanceView]:
    """Cleaning done, descaling due and the like, newest first."""
    _known_if_given(bridge, machine)
    return bridge.maintenance(machine, limit)


@read.get("/commands")
def commands(
    bridge: TheBridge, machine: str | None = None, limit: Limit = 50
) -> list[CommandView]:
    """Orders given through this bridge, newest first."""
    _known_if_given(bridge, machine)
    return bridge.commands(machine, limit)


@read.get("/commands/{command_id}", responses=examples.ok(examples.DONE))
async def command(command_id: str, bridge: TheBridge, wait_s: WaitS = 0) -> CommandView:
    """One order and what became of it."""
    return await decided(bridge, command_id, wait_s)


@read.get("/quarantine")
def quarantine(
    bridge: TheBridge,
    limit: Limit = 50,
    containing: Containing = "",
    before: Annotated[RowId | None, Query(description="`id` of the last row shown.")] = None,
) -> list[QuarantineItem]:
    """Messages that could not be taken, with the reason, newest first."""
    return [QuarantineItem.of(view) for view in bridge.quarantine(limit, containing, before)]


_COMMAND_ANSWERS: dict[int | str, dict[str, Any]] = {
    200: {"model": CommandView, "description": "The machine did it."},
    202: {"model": CommandView, "description": "Taken; the machine has not answered yet."},
    409: {"model": CommandView, "description": "The machine refused, or the time ran out."},
}


@act.post("/machines/{machine}/commands", status_code=202, responses=_COMMAND_ANSWERS)
async def send(
    machine: str, order: CommandRequest, bridge: TheBridge, user: User, wait_s: WaitS = 0
) -> Response:
    """Orders something of a machine. The machine has the last word: see `state` and `error`."""
    return await _send(bridge, machine, order.name, order.args, user, order.deadline_s, wait_s)


@act.put("/machines/{machine}/recipes/{slot}", status_code=202, responses=_COMMAND_ANSWERS)
async def put_recipe(
    machine: str,
    slot: Slot,
    recipe: dict[str, Any],
    bridge: TheBridge,
    user: User,
    wait_s: WaitS = 0,
) -> Response:
    """Sends a recipe (the contract's form) to a slot."""
    args = {"slot": slot, "recipe": recipe}
    return await _send(bridge, machine, "recipe.put", args, user, 60, wait_s)


@act.delete("/machines/{machine}/recipes/{slot}", status_code=202, responses=_COMMAND_ANSWERS)
async def delete_recipe(
    machine: str, slot: Slot, bridge: TheBridge, user: User, wait_s: WaitS = 0
) -> Response:
    """Empties a slot."""
    return await _send(bridge, machine, "recipe.delete", {"slot": slot}, user, 60, wait_s)


@act.post("/checkpoints/{checkpoint_id}/review")
def review(
    checkpoint_id: RowId, given: ReviewRequest, bridge: TheBridge, user: User
) -> CheckpointView:
    """Marks a checkpoint as looked at; a second review changes nothing."""
    return bridge.review(checkpoint_id, user, given.note)


@act.post("/checkpoints/review")
def review_all(given: ReviewOfSeveral, bridge: TheBridge, user: User) -> ReviewedView:
    """Marks several checkpoints as looked at. Those of alarms that still stand are left open and
    named; those that are not open stay as they are."""
    return bridge.review_all(given.ids, user, given.note)


@act.post("/quarantine/{quarantine_id}/replay", status_code=204)
def replay(quarantine_id: RowId, bridge: TheBridge, user: User) -> None:
    """Takes the message in again; still bad, it returns to quarantine."""
    bridge.replay(quarantine_id)


@act.delete("/quarantine/{quarantine_id}", status_code=204)
def discard(quarantine_id: RowId, bridge: TheBridge, user: User) -> None:
    """Throws the message away for good."""
    bridge.discard(quarantine_id, user)


@act.delete("/quarantine")
def discard_all(
    bridge: TheBridge,
    user: User,
    upto: Annotated[
        RowId, Query(description="Highest `id` that goes: the newest you have seen.")
    ],
    containing: Containing = "",
) -> Discarded:
    """Throws all messages up to an id away, or those of them that contain a text."""
    return Discarded(rows=bridge.discard_all(containing, upto, user))


@nothing.api_route(
    "/api/{path:path}", methods=["GET", "POST", "PUT", "PATCH", "DELETE"], include_in_schema=False
)
def no_such_path(path: str) -> None:
    """Else the pages would answer, in HTML."""
    raise HTTPException(404, f"there is no /api/{path}")


async def _send(
    bridge: Bridge,
    machine: str,
    name: str,
    args: dict[str, Any],
    user: str,
    deadline_s: float,
    wait_s: float,
) -> Response:
    command_id = await asyncio.to_thread(bridge.send, machine, name, args, user, deadline_s)
    view = await decided(bridge, command_id, wait_s)
    status = 202 if view.state in UNDECIDED else 200 if view.state == "ok" else 409
    return JSONResponse(
        jsonable_encoder(view), status, headers={"Location": f"/api/commands/{command_id}"}
    )


def _known(bridge: Bridge, name: str) -> MachineView:
    view = bridge.machine(name)
    if view is None:
        name = shortened(name)
        raise NotFound("machine", f"{name} was never seen; check its name")
    return view


def _known_if_given(bridge: Bridge, name: str | None) -> None:
    if name is not None:
        _known(bridge, name)
