"""Log in with the installation's token. The form posts to sessions.py; no secret is shown here."""

from __future__ import annotations

from fastapi import Request
from markupsafe import Markup
from nicegui import ui

from host_bridge.web.layout import button, frame, html
from host_bridge.web.markup import notice
from host_bridge.web.sessions import NAME_LENGTH, TOKEN_LENGTH, safe_path

_REASONS = {
    "token": "That is not this installation's token. Check for missing characters.",
    "ticket": "This link was used already or is older than ten minutes. "
    "Ask for a new one with: .venv/bin/coffee-bridge login",
    "elsewhere": "The form did not come from this console. Open this page again and log in here.",
}


@ui.page("/login")
def login_page(request: Request, why: str = "", next: str = "/", user: str = "") -> None:
    with frame("Log in"), ui.element("div").classes("narrow stack").style("margin: 4vh auto"):
        html(Markup("<h1>Log in</h1>"))
        html(
            Markup(
                '<p class="soft">Anyone may look. To brew, change recipes or review '
                "checkpoints, log in.</p>"
            )
        )
        if why:
            html(notice("bad", "error", "Not logged in", _reason(why)))
        form = ui.element("form").props('method="post" action="/login"').classes("panel")
        with form:
            _hidden("next", safe_path(next))
            name = _field("Your name", "user", NAME_LENGTH, "username")
            name.props('hint="Shown on the records you change"').set_value(user[:NAME_LENGTH])
            token = _field("Access token", "token", TOKEN_LENGTH, "current-password", secret=True)
            token.props("autofocus")
            button("Log in", kind="primary").props('type="submit"')
        html(
            Markup(
                '<p class="soft small">The token is in the file <code>web/token</code> of the '
                "data folder, or in the settings. In the project's folder, "
                "<code>.venv/bin/coffee-bridge login</code> prints a link that logs you in "
                "once.</p>"
            )
        )


def _field(label: str, name: str, most: int, complete: str, secret: bool = False) -> ui.input:
    field = ui.input(label, password=secret).classes("w-full").props("outlined")
    field.props(f'name="{name}" autocomplete="{complete}" maxlength="{most}"')
    return field.style("width: 100%")


def _hidden(name: str, value: str) -> None:
    element = ui.element("input")
    element.props["type"] = "hidden"
    element.props["name"] = name
    element.props["value"] = value


def _reason(why: str) -> str:
    kind, _, wait_s = why.partition("-")
    if kind == "wait" and wait_s.isdecimal():
        return f"Too many wrong tries. Wait {wait_s} seconds, then use the right token."
    return _REASONS.get(why, "Try again.")
