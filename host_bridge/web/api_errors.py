"""Every error of the API in one form: {code, field, message}; the message ends with the cure."""

from __future__ import annotations

import math
import sqlite3
from collections.abc import Mapping

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse, Response
from pydantic import BaseModel
from starlette.exceptions import HTTPException

from host_bridge.database import DatabaseError
from host_bridge.errors import BridgeError, NotFound
from host_bridge.gateway.port import GatewayError
from host_bridge.web.failures import why_not

LONGEST = 80


class ErrorAnswer(BaseModel):
    model_config = {
        "json_schema_extra": {
            "examples": [
                {
                    "code": "invalid",
                    "field": "args.slot",
                    "message": "99 is not one of 0 … 15; give a slot of the machine",
                }
            ]
        }
    }

    code: str
    field: str | None
    message: str


class Unauthorised(Exception):
    """No token, or a wrong one."""


class TooManyTries(Exception):
    def __init__(self, wait_s: float) -> None:
        super().__init__()
        self.wait_s = math.ceil(wait_s)


def shortened(text: str) -> str:
    """What a client sent, short enough for a message."""
    return text if len(text) <= LONGEST else f"{text[:LONGEST]}…"


def answer(
    status: int,
    code: str,
    field: str | None,
    message: str,
    headers: Mapping[str, str] | None = None,
) -> JSONResponse:
    body = ErrorAnswer(code=code, field=field, message=message)
    return JSONResponse(body.model_dump(), status, headers=headers)


def install(app: FastAPI) -> None:
    """Makes `app` answer all its errors in this form."""

    @app.exception_handler(BridgeError)
    def bridge_error(_: Request, error: BridgeError) -> Response:
        missing = isinstance(error, NotFound)
        code = "not_found" if missing else "invalid"
        return answer(404 if missing else 422, code, error.field, error.message)

    @app.exception_handler(GatewayError)
    @app.exception_handler(DatabaseError)
    @app.exception_handler(sqlite3.Error)
    def unavailable(_: Request, error: Exception) -> Response:
        return answer(503, "unavailable", None, why_not(error))

    @app.exception_handler(RequestValidationError)
    def invalid_request(_: Request, error: RequestValidationError) -> Response:
        problems = error.errors()
        first = problems[0]
        where = [str(part) for part in first["loc"] if part not in ("body", "query", "path")]
        more = f"; {len(problems) - 1} more like it" if len(problems) > 1 else ""
        field = ".".join(where) or "body"
        what, cure = first["msg"], "correct it as /docs describes"
        if first["type"] == "extra_forbidden":
            what, cure = f"there is no {shortened(field)}", "leave it out, or correct its name"
        if first["type"] == "json_invalid":
            reason = first.get("ctx", {}).get("error", "cannot be read")
            what = f"not JSON at character {where[-1] if where else 0}: {reason}"
            field, cure = "body", "correct it there"
        return answer(422, "invalid", shortened(field), f"{what}{more}; {cure}")

    @app.exception_handler(Unauthorised)
    def unauthorised(_: Request, error: Unauthorised) -> Response:
        message = "acting needs the console's token: send `Authorization: Bearer <token>`"
        return answer(
            401, "unauthorised", "Authorization", message, {"WWW-Authenticate": "Bearer"}
        )

    @app.exception_handler(TooManyTries)
    def too_many_tries(_: Request, error: TooManyTries) -> Response:
        message = f"too many wrong tokens; wait {error.wait_s} s, then use the right one"
        retry = {"Retry-After": str(error.wait_s)}
        return answer(429, "too_many_tries", "Authorization", message, retry)

    @app.exception_handler(HTTPException)
    def other(_: Request, error: HTTPException) -> Response:
        code = "not_found" if error.status_code == 404 else "http_error"
        message = f"{error.detail}; /docs lists the paths and methods"
        field = "body" if error.status_code == 413 else None
        return answer(error.status_code, code, field, message, error.headers)
