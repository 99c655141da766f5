"""What every page stands in: the bar, the menu with its counts, who is looking, and timers that
rest while nobody looks. No page's own content belongs here.
"""

from __future__ import annotations

import asyncio
import json
import re
import time
from collections.abc import Awaitable, Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, Literal, ParamSpec, TypeVar
from urllib.parse import quote

import nicegui
from fastapi import Request
from markupsafe import Markup
from nicegui import ui

from host_bridge.service import Bridge
from host_bridge.views import HealthView
from host_bridge.web.auth import SESSION_COOKIE, Auth, Session
from host_bridge.web.drafts import Drafts
from host_bridge.web.markup import LOGO, icon, join, notice

P = ParamSpec("P")
R = TypeVar("R")

THEME_COOKIE = "coffee_theme"
_COUNTS_EVERY_S = 5.0
_ANSWER_S = 30.0
_AGO = re.compile(r"(<time data-ms[^>]*>)[^<]*")
_MENU = (
    ("/", "Machines", "coffee_maker"),
    ("/brews", "Brews", "coffee"),
    ("/checkpoints", "Checkpoints", "fact_check"),
    ("/quarantine", "Quarantine", "report"),
)


@dataclass(frozen=True)
class Console:
    """What all pages share; app.py puts it where `console()` finds it."""

    bridge: Bridge
    auth: Auth
    drafts: Drafts = field(default_factory=Drafts)


def console() -> Console:
    shared: Console = nicegui.app.state.console
    return shared


def login_to(path: str) -> str:
    """Where one logs in and comes to `path`; to the login page nobody wants to come back."""
    return path if path.startswith("/login") else f"/login?next={quote(path, safe='')}"


@dataclass(frozen=True)
class Recalled:
    """`work`: as last given to `Visit.unsaved`; `fields`: data-field → what stood in it."""

    work: dict[str, Any]
    fields: dict[str, str]


class Visit:
    """One open page: who looks at it, and what it keeps current while it is looked at."""

    def __init__(self, request: Request) -> None:
        shared = console()
        self.bridge = shared.bridge
        self.drafts = shared.drafts
        self._auth = shared.auth
        self._cookie = request.cookies.get(SESSION_COOKIE)
        self._timers: list[ui.timer] = []
        self._client = ui.context.client
        ui.on("page_visible", lambda event: self._show(bool(event.args)))
        here = request.url.path + (f"?{request.url.query}" if request.url.query else "")
        self.login_url = login_to(here)

    @property
    def session(self) -> Session | None:
        """Checked anew at each use: a session may end while its page is open."""
        return self._auth.session(self._cookie)

    async def ask(self, question: Callable[P, R], *args: P.args, **kwargs: P.kwargs) -> R:
        """Asks the bridge without holding up the other pages: the store may be slow."""
        return await asyncio.to_thread(question, *args, **kwargs)

    def notify(
        self, text: str, kind: Literal["positive", "negative", "warning"],
        at: Literal["bottom", "top"] = "bottom",
    ) -> None:
        """Also from where the button that was clicked has been drawn anew meanwhile."""
        with self._client:
            ui.notify(text, type=kind, multi_line=True, position=at)

    def unsaved(self, work: Mapping[str, Any], changed: bool) -> None:
        """What the browser keeps for `recalled` if the page must be loaded again. `changed`: it
        asks before it leaves this page. From wherever, as `notify`."""
        with self._client:
            ui.run_javascript(f"coffee.unsaved({json.dumps(work)}, {json.dumps(changed)})")

    async def recalled(self) -> Recalled | None:
        """What the same person had unsaved when this page was loaded again, the bridge having been
        restarted. None also when the page is gone before it answers, and while it waits for
        somebody to log in again, which it says."""
        user = None if self.session is None else self.session.user
        ask = f"return coffee.recalled({json.dumps(user)})"
        try:
            with self._client:
                kept = await ui.run_javascript(ask, timeout=_ANSWER_S)
        except TimeoutError:
            return None
        if kept and "waits" in kept:
            again = f"Log in again as {kept['waits']}, and what you wrote here is back."
            self.notify(again, "warning")
            return None
        return kept and Recalled(kept["work"], kept["fields"])

    def leave(self, path: str) -> None:
        """Goes to `path` without asking."""
        with self._client:
            ui.run_javascript(f"coffee.leave({json.dumps(path)})")

    def every(self, interval_s: float, refresh: Callable[[], Awaitable[None]]) -> ui.timer:
        """Calls `refresh` while the page is visible; the page's end ends it."""
        timer = ui.timer(interval_s, refresh, immediate=False)
        self._timers.append(timer)
        return timer

    def _show(self, visible: bool) -> None:
        for timer in self._timers:
            timer.active = visible


@contextmanager
def frame(title: str, here: str = "") -> Iterator[Visit]:
    """The page around its content. `here` is the path of the menu entry that is lit."""
    request = ui.context.client.request
    ui.page_title(f"{title} · Coffee")
    ui.add_head_html(f'<meta name="coffee-now" content="{int(time.time() * 1000)}">')
    theme = request.cookies.get(THEME_COOKIE)
    ui.dark_mode({"dark": True, "light": False}.get(theme or ""))
    visit = Visit(request)
    html(Markup('<a class="skip" href="#content">Skip to content</a>'))
    with ui.element("header").classes("bar"):
        html(Markup('<a class="brand" href="/">{}<span>Coffee</span></a>').format(LOGO))
        menu = html(_menu(here, None), "nav").classes("grow").props('aria-label="Main"')
        _tools(visit)
    with ui.element("main").classes("page").props('id="content" tabindex="-1"'):
        health = html(Markup())
        yield visit

    async def count() -> None:
        known = await visit.ask(visit.bridge.health)
        put(menu, _menu(here, known))
        put(health, _health(known))

    ui.timer(0, count, once=True)
    visit.every(_COUNTS_EVERY_S, count)


def html(content: Markup, tag: str = "div") -> ui.html:
    """Trusted markup; the browser's sanitiser stays on as a second fence."""
    return ui.html(str(content), tag=tag)


def chart(option: dict[str, Any], label: str, kind: str = "curve") -> ui.echart:
    """A chart of ours (curves.py); `label` is what a screen reader calls it."""
    made = ui.echart(option, renderer="svg").classes(kind).props('role="img"')
    made.props["aria-label"] = label
    return made


def put(element: ui.html, content: Markup) -> None:
    """Shows `content`, and sends nothing when it shows already: how long ago is the browser's to
    count, or a screen reader would be told the same list anew each second."""
    text = str(content)
    if _AGO.sub(r"\1", element.content) != _AGO.sub(r"\1", text):
        element.content = text


def button(
    text: str = "",
    icon: str | None = None,
    kind: str = "plain",
    on_click: Callable[..., object] | None = None,
    label: str = "",
) -> ui.button:
    """A button of ours; `kind`: primary, plain, ghost, danger, filter or tile (console.css).

    `label` is what a screen reader says where the icon stands alone.
    """
    made = ui.button(text, icon=icon, color=None, on_click=on_click)
    made.props("flat no-caps no-wrap" + ("" if text else " round"))
    if label:
        made.props["aria-label"] = label
    return made.classes(kind)


@dataclass(frozen=True)
class Question:
    """A dialog that waits for its answer."""

    box: ui.dialog
    home: ui.element

    async def answer(self) -> Any:
        """What `choices` gave; None for Cancel. The dialog is gone then.

        A button that was pressed twice asks once: the second question is answered with None.
        """
        said = None if self._others() else await self.box
        for part in (self.box, self.home):
            if not part.is_deleted:
                part.delete()
        return said

    def _others(self) -> list[ui.element]:
        every = self.box.client.elements.values()
        return [part for part in every if isinstance(part, ui.dialog) and part.value]


@contextmanager
def dialog(title: str, text: object = "") -> Iterator[Question]:
    """A dialog around its content; end the content with `choices`.

    It has a home of its own: a dialog goes with the element it was made in, and a list that is
    drawn anew meanwhile would take it away from whoever is writing in it.
    """
    with ui.context.client.layout:
        home = ui.element("div").style("display: none")
    with home:
        box = ui.dialog()
    with box, ui.element("div").classes("panel"):
        html(Markup("<h2>{}</h2>").format(title))
        if text:
            html(Markup("<p>{}</p>").format(text))
        yield Question(box, home)


def choices(
    asked: Question, yes: str, answer: Callable[[], object], kind: str = "primary"
) -> None:
    """The two ways out of a dialog: None for Cancel, else what `answer` gives."""
    box = asked.box
    with ui.element("div").classes("line").style("justify-content: flex-end"):
        button("Cancel", kind="ghost", on_click=lambda: box.submit(None))
        button(yes, kind=kind, on_click=lambda: box.submit(answer()))


async def confirmed(title: str, text: object, yes: str, kind: str = "primary") -> bool:
    """Asks before something that cannot be taken back."""
    with dialog(title, text) as asked:
        choices(asked, yes, lambda: True, kind)
    return bool(await asked.answer())


def _tools(visit: Visit) -> None:
    session = visit.session
    with ui.element("div").classes("line").style("flex-wrap: nowrap; gap: 4px"):
        theme = button(icon="contrast", kind="ghost", label="Light or dark")
        theme.on("click", js_handler="() => coffee.toggleTheme()")
        if session is None:
            button("Log in", "login", "ghost", lambda: ui.navigate.to(visit.login_url))
            return
        account = button(icon="account_circle", kind="ghost", label="Account")
        with account, ui.menu().props("auto-close"):
            html(Markup('<div class="who">Logged in as {}</div>').format(session.user))
            ui.menu_item("API", lambda: ui.navigate.to("/docs"))
            leave = f"coffee.logout({json.dumps(session.user)})"
            ui.menu_item("Log out", lambda: ui.run_javascript(leave))


def _menu(here: str, health: HealthView | None) -> Markup:
    counts = {
        "/checkpoints": health.checkpoints_open if health else 0,
        "/quarantine": health.quarantined if health else 0,
    }
    return Markup('<div class="nav">{}</div>').format(
        join(_entry(path, name, icon_name, here, counts) for path, name, icon_name in _MENU)
    )


def _entry(path: str, name: str, icon_name: str, here: str, counts: dict[str, int]) -> Markup:
    number = counts.get(path, 0)
    badge = Markup('<span class="count" title="{0} waiting">{0}</span>').format(
        number if number < 100 else "99+"
    )
    return Markup('<a href="{}"{}>{}<span>{}</span>{}</a>').format(
        path,
        Markup(' class="here" aria-current="page"') if path == here else "",
        icon(icon_name),
        name,
        badge if number else "",
    )


def _health(health: HealthView) -> Markup:
    if health.ok:
        return Markup()
    text = join(Markup("<div>{}</div>").format(problem) for problem in health.problems)
    return notice("warn", "warning", "The bridge needs help", text)
