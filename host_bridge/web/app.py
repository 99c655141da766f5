"""Puts the console together: API, login, pages and their files, in one ASGI application.

Everything is served from this machine; a page that asked another host for anything would be
stopped by the content policy of guard.py. One console a process: NiceGUI has one app.
"""

from __future__ import annotations

from importlib.metadata import version
from pathlib import Path

import nicegui
from fastapi import FastAPI
from fastapi_offline import FastAPIOffline
from nicegui import ui

from host_bridge.service import Bridge
from host_bridge.web import api, api_errors, pages, sessions
from host_bridge.web.address import FOLDER
from host_bridge.web.auth import Auth
from host_bridge.web.guard import BoundedBody, SafeHeaders
from host_bridge.web.layout import Console

_STATIC = Path(__file__).parent / "static"
_ABOUT = """
Machines, brews, alarms, recipes and orders of the coffee machines this bridge serves.

Reading is open to whoever reaches this port. Acting calls need `Authorization: Bearer <token>`;
the token stands in `web/token` of the data folder unless the settings give one.
Times are UTC milliseconds, other numbers carry their unit in their name
(`temp_mc`: thousandths of a degree Celsius, `volume_ul`: microlitres).
"""


def build_app(bridge: Bridge) -> FastAPI:
    """The whole console over one bridge."""
    app = build_api(bridge)
    nicegui.app.state.console = app.state.console
    nicegui.app.add_static_files("/console", _STATIC)
    nicegui.Client.shared_head_html = _head()
    nicegui.app.colors(primary="var(--accent)", positive="#1b6e43", negative="#b3261e")
    pages.load()
    ui.run_with(
        app,
        title="Coffee",
        favicon=(_STATIC / "icon.svg").read_text(),
        dark=None,
        tailwind=False,
        language="en-US",
        show_welcome_message=False,
        reconnect_timeout=10.0,
    )
    return app


def build_api(bridge: Bridge) -> FastAPI:
    """API, login routes and OpenAPI page, without the pages."""
    token = bridge.settings.web.token
    auth = Auth(bridge.settings.data / FOLDER, token.get_secret_value() if token else "")
    app = FastAPIOffline(
        title="Coffee bridge",
        version=version("coffee-controller"),
        description=_ABOUT,
        favicon_url="/console/icon.svg",
        redoc_url=None,  # its page asks another host for a logo
    )
    app.state.console = Console(bridge, auth)
    api_errors.install(app)
    app.add_middleware(BoundedBody)
    app.add_middleware(SafeHeaders)
    for router in (api.health_router, api.read, api.act, sessions.router, api.nothing):
        app.include_router(router)
    return app


def _head() -> str:
    """The look and the script, named by their age so that browsers never keep an old one."""
    style, script = _STATIC / "console.css", _STATIC / "console.js"
    return (
        f'<link rel="stylesheet" href="/console/{style.name}?{style.stat().st_mtime_ns}">\n'
        f'<script src="/console/{script.name}?{script.stat().st_mtime_ns}"></script>\n'
    )
