"""What shows where no page is, and where a page broke."""

from __future__ import annotations

import logging

import nicegui
from fastapi import Request, Response
from fastapi.exceptions import RequestValidationError
from markupsafe import Markup
from nicegui import Client, ui
from nicegui.page import page

from host_bridge.web.layout import frame, html
from host_bridge.web.markup import empty_page

log = logging.getLogger(__name__)

_HOME = Markup('<a href="/">Go to the machines</a>')


@ui.page("/{path:path}")
def missing_page(request: Request, path: str) -> None:
    ui.context.client.status_code = 404
    with frame("Not found"):
        html(empty_page("search_off", f"There is no page /{path}", _HOME))


@nicegui.app.exception_handler(RequestValidationError)
def wrong_address(request: Request, error: RequestValidationError) -> Response:
    """Else a page whose address was mistyped would be answered with JSON."""
    problem = error.errors()[0]
    title = f"{problem['loc'][-1]}: {problem['msg']}; correct it in the address"
    with Client(page(""), request=request) as client, frame("Not found"):
        html(empty_page("search_off", title, _HOME))
    return client.build_response(request, 422)


@nicegui.app.on_page_exception
def broken_page(error: Exception) -> None:
    log.error("a page broke", exc_info=error)
    ui.context.client.status_code = 500
    with frame("Broken"):
        html(empty_page("heart_broken", "This page broke; the log says why", _HOME))
