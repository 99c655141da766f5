"""Logging in and out: the form's target, the one-time link, leaving. The page: pages/login.py."""

from __future__ import annotations

from math import ceil
from typing import Annotated
from urllib.parse import urlencode, urlsplit

from fastapi import APIRouter, Form, Request, Response
from fastapi.responses import RedirectResponse

from host_bridge.web.auth import SESSION_COOKIE, SESSION_S, Auth
from host_bridge.web.payload import one_line

router = APIRouter(include_in_schema=False)

_SEE_OTHER = 303
_PATH_LENGTH = 2000
NAME_LENGTH = 64
TOKEN_LENGTH = 512
"""Of what the form takes: more is an error that its page cannot show."""


@router.post("/login")
def login(
    request: Request,
    token: Annotated[str, Form(max_length=TOKEN_LENGTH)] = "",
    user: Annotated[str, Form(max_length=NAME_LENGTH)] = "",
    next: Annotated[str, Form()] = "/",
) -> Response:
    """Right token: a session and on to `next`; wrong: back to the form with reason and name."""
    if not _from_our_pages(request):
        return _back("elsewhere", next)
    auth, caller = _auth(request), _caller(request)
    if wait_s := auth.brake.wait_s(caller):
        return _back(f"wait-{ceil(wait_s)}", next, user)
    if not auth.token_fits(token.strip()):
        auth.brake.failed(caller)
        return _back("token", next, user)
    auth.brake.succeeded(caller)
    return _enter(request, one_line(user) or "operator", next)


@router.get("/login/once/{ticket}")
def login_once(request: Request, ticket: str) -> Response:
    """The link that `make run` prints; it works once, for ten minutes."""
    auth, caller = _auth(request), _caller(request)
    if wait_s := auth.brake.wait_s(caller):
        return _back(f"wait-{ceil(wait_s)}", "/")
    if not auth.redeem(ticket):
        if auth.session(request.cookies.get(SESSION_COOKIE)):
            return RedirectResponse("/", _SEE_OTHER)  # a link used twice by whom it logged in
        auth.brake.failed(caller)
        return _back("ticket", "/")
    return _enter(request, "operator", "/")


@router.post("/logout")
def logout(request: Request) -> Response:
    response = Response(status_code=204)
    if _from_our_pages(request):
        _auth(request).end(request.cookies.get(SESSION_COOKIE))
        response.delete_cookie(SESSION_COOKIE)
    return response


def safe_path(path: str) -> str:
    """`path` if it leads to a page of ours, else the first page: no redirect to elsewhere."""
    inside = path.startswith("/") and not path.startswith(("//", "/\\"))
    sound = path.isprintable() and len(path) <= _PATH_LENGTH
    return path if inside and sound and not _netloc(path) else "/"


def _netloc(address: str) -> str:
    """Of what a client sent: brackets without their like are no host of ours."""
    try:
        return urlsplit(address).netloc
    except ValueError:
        return "?"


def _enter(request: Request, user: str, path: str) -> Response:
    response = RedirectResponse(safe_path(path), _SEE_OTHER)
    response.set_cookie(
        SESSION_COOKIE,
        _auth(request).new_session(user),
        max_age=SESSION_S,
        httponly=True,
        samesite="strict",
        secure=request.url.scheme == "https",
    )
    return response


def _back(reason: str, path: str, user: str = "") -> Response:
    query = {"why": reason, "next": safe_path(path)} | ({"user": user} if user else {})
    return RedirectResponse(f"/login?{urlencode(query)}", _SEE_OTHER)


def _from_our_pages(request: Request) -> bool:
    """False for a form another site sent: browsers say where a POST comes from.

    What they judged themselves comes first: behind a proxy our own name may be another one.
    """
    if judged := request.headers.get("sec-fetch-site"):
        return judged in ("same-origin", "none")
    origin = request.headers.get("origin")
    return origin is None or _netloc(origin) == request.headers.get("host")


def _auth(request: Request) -> Auth:
    auth: Auth = request.app.state.console.auth
    return auth


def _caller(request: Request) -> str:
    return request.client.host if request.client else ""
