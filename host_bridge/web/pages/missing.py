"""What shows where no page is, and where a page broke."""

from __future__ import annotations

import logging

import nicegui
from fastapi import Request
from markupsafe import Markup
from nicegui import ui

from host_bridge.web.layout import frame, html
from host_bridge.web.markup import empty

log = logging.getLogger(__name__)

_HOME = Markup('<a href="/">Go to the machines</a>')


@ui.page("/{path:path}")
def missing_page(request: Request, path: str) -> None:
    ui.context.client.status_code = 404
    with frame("Not found"):
        html(empty("search_off", f"There is no page /{path}", _HOME))


@nicegui.app.on_page_exception
def broken_page(error: Exception) -> None:
    log.error("a page broke", exc_info=error)
    ui.context.client.status_code = 500
    with frame("Broken"):
        html(empty("heart_broken", "This page broke; the log says why", _HOME))
