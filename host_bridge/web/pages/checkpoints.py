"""What a person must look at: what happened, why, where it is, and their word on it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Literal
from urllib.parse import quote, urlencode

from markupsafe import Markup
from nicegui import ui

from host_bridge.connector.checkpoint import HELD
from host_bridge.views import CheckpointView
from host_bridge.web import words
from host_bridge.web.failures import NOT_DONE, why_not
from host_bridge.web.layout import Visit, button, choices, dialog, frame, html, put
from host_bridge.web.markup import empty, icon, never_heard, pages, tag, when

_REFRESH_S = 3.0
_SHOWN = 100
NOTE_LENGTH = 2000
State = Literal["open", "done"]

_KINDS = {
    "coffee.alarm": ("notifications_active", "Alarm", ""),
    "coffee.brew": ("coffee", "Brew", "Something in this record is missing or unusual."),
    "coffee.maintenance": ("cleaning_services", "Maintenance", "Descale, then mark as reviewed."),
    "coffee.recipe": ("menu_book", "Recipe", "A recipe was changed outside the ERP."),
    "coffee.backend": ("coffee_maker", "Machine", "If it is not, find out who connected it."),
    "clock": ("schedule", "Clock", ""),
    "lost": ("history_toggle_off", "Lost facts", "Facts are gone; records are missing."),
    "unreadable": ("report", "Quarantine", "Fix its cause, then replay it in quarantine."),
    "version": ("report", "Quarantine", "Nothing is lost."),
}
"""By _subject: icon, what it is about, what to do."""
_TAB, _TAB_HERE = Markup('class="tab"'), Markup('class="tab on" aria-current="page"')
_QUARANTINED = ("unreadable", "version")


@ui.page("/checkpoints")
async def checkpoints_page(machine: str = "", state: str = "open", page: int = 1) -> None:
    with frame("Checkpoints", "/checkpoints") as visit:
        chosen: State = "done" if state == "done" else "open"
        shown = CheckpointList(visit, machine, chosen, max(1, page))
        await shown.refresh()
        visit.every(_REFRESH_S, shown.refresh)


class CheckpointList:
    def __init__(self, visit: Visit, machine: str, state: State, page: int = 1) -> None:
        self._visit = visit
        self._page = page
        self._machine = machine
        self._state = state
        self._shown: tuple[CheckpointView, ...] | None = None
        with ui.element("div").classes("title"):
            html(Markup("<h1>Checkpoints</h1>"))
            html(
                Markup('<p class="soft">What happened at the machines and needs your review.</p>')
            ).classes("grow")
        html(self._choices()).classes("filters")
        if visit.bridge.reviewed_at is not None:
            html(_elsewhere(visit.bridge.reviewed_at))
        self._body = ui.element("div").classes("stack")
        self._turn = html(Markup(), "nav").classes("line").props('aria-label="Pages"')

    def _choices(self) -> Markup:
        tabs = Markup("").join(
            Markup('<a {} href="{}">{}</a>').format(
                _TAB_HERE if key == self._state else _TAB, self._address(key), name
            )
            for key, name in (("open", "To review"), ("done", "Reviewed"))
        )
        if not self._machine:
            return tabs
        return Markup(
            '{}<span class="soft small">only {}, <a href="/checkpoints">all</a></span>'
        ).format(tabs, self._machine)

    def _address(self, state: str, page: int = 1) -> str:
        chosen = {"state": state, "machine": self._machine, "page": str(page) if page > 1 else ""}
        return f"/checkpoints?{urlencode({key: text for key, text in chosen.items() if text})}"

    def _pages(self, found: int) -> Markup:
        newest = self._address(self._state) if self._page > 1 else None
        more = found > self._page * _SHOWN
        older = self._address(self._state, self._page + 1) if more else None
        return pages(newest, older, "checkpoints")

    async def refresh(self) -> None:
        first = (self._page - 1) * _SHOWN
        found = await self._visit.ask(
            self._visit.bridge.checkpoints, self._state, self._machine or None, first + _SHOWN + 1
        )
        shown = tuple(found[first : first + _SHOWN])
        put(self._turn, self._pages(len(found)))
        if shown == self._shown:
            return
        self._shown = shown
        self._body.clear()
        with self._body:
            for view in shown:
                self._checkpoint(view)
            if not shown:
                html(self._nothing())

    def _nothing(self) -> Markup:
        if self._page > 1:
            return _no_older()
        if self._machine and not self._is_known():
            return never_heard(self._machine, "/checkpoints", "checkpoints")
        return _nothing(self._state)

    def _is_known(self) -> bool:
        return any(view.machine == self._machine for view in self._visit.bridge.machines())

    def _checkpoint(self, view: CheckpointView) -> None:
        box = ui.element("article").classes("panel checkpoint")
        with box.props(f'data-checkpoint="{view.id}"'):
            html(describe(view)).classes("grow")
            if view.state == "open" and self._visit.bridge.reviewed_at is None:
                button("Review", "done", "primary", self._review(view))

    def _review(self, view: CheckpointView) -> Callable[[], Awaitable[None]]:
        async def ask() -> None:
            if self._visit.session is None:
                ui.navigate.to(self._visit.login_url)
                return
            note = await _ask_note(view)
            if note is not None:
                await self._mark(view, note)
                await self.refresh()

        return ask

    async def _mark(self, view: CheckpointView, note: str) -> None:
        session = self._visit.session
        if session is None:  # it ended while the note was written
            lost = f"You are logged out: log in and review it again. You wrote: “{note}”"
            self._visit.notify(lost, "negative")
            return
        try:
            done = await self._visit.ask(self._visit.bridge.review, view.id, session.user, note)
        except NOT_DONE as error:
            self._visit.notify(why_not(error), "negative")
            return
        if (done.reviewed_by, done.note or "") == (session.user, note):
            self._visit.notify("Reviewed", "positive")
        else:
            self._visit.notify(f"Already reviewed by {done.reviewed_by}", "warning")


def _elsewhere(url: str) -> Markup:
    return Markup(
        '<p class="soft">People review these in the ERP, <a href="{0}">{0}</a>, under their own '
        "names; what is reviewed there closes here within half a minute.</p>"
    ).format(url)


async def _ask_note(view: CheckpointView) -> str | None:
    """The reviewer's words ("" is an answer), or None when they thought better of it."""
    with dialog("Review", view.summary) as asked:
        asked.box.props("no-backdrop-dismiss")  # a touch beside it would take the note away
        note = ui.textarea("What did you find or do?").props("outlined autofocus autogrow")
        note.props(f'maxlength="{NOTE_LENGTH}"').style("width: 100%")
        choices(asked, "Mark as reviewed", lambda: note.value or "")
    answer: str | None = await asked.answer()
    return answer


def describe(view: CheckpointView) -> Markup:
    """Of an alarm the title says what it is, and below it what to do."""
    icon_name, kind, why = _KINDS.get(
        _subject(view), ("fact_check", words.plain(view.model.removeprefix("coffee.")), "")
    )
    title = view.summary
    if title.startswith(HELD):
        why = _KINDS["unreadable"][2]
    if view.alarm is not None:
        title, why = words.alarm(view.alarm).title, words.alarm(view.alarm).cure
    done = Markup()
    if view.reviewed_by is not None:
        done = Markup('<p class="small">Reviewed by <strong>{}</strong> {}{}</p>').format(
            view.reviewed_by, when(view.reviewed_ms), f": “{view.note}”" if view.note else ""
        )
    return Markup(
        '<div class="mark">{}</div><div class="stack tight grow"><div class="line"><h2>{}</h2>{}'
        '</div><p class="soft">{}</p><p class="small soft">{} · {} · {}</p>{}</div>'
    ).format(
        icon(icon_name),
        title[:1].upper() + title[1:],
        tag(kind),
        why,
        Markup('<a href="/machines/{}">{}</a>').format(quote(view.machine), view.machine),
        when(view.created_ms),
        _record(view),
        done,
    )


def _subject(view: CheckpointView) -> str:
    """The model; where no single record is meant the head of coffee_id, if that has a kind."""
    head = view.coffee_id.partition("/")[0]
    return head if head in _KINDS else view.model


def _record(view: CheckpointView) -> Markup:
    subject = _subject(view)
    if subject == "coffee.brew":
        target = f"/brews/{quote(view.machine)}/{quote(view.coffee_id)}"
    elif subject == "coffee.recipe":
        target = f"/machines/{quote(view.machine)}/recipes/{quote(view.coffee_id)}"
    elif subject in _QUARANTINED or view.summary.startswith(HELD):
        target = "/quarantine"
    else:
        target = f"/machines/{quote(view.machine)}"
    return Markup('<a href="{}">record <span class="mono">{}</span></a>').format(
        target, view.coffee_id
    )


def _no_older() -> Markup:
    return empty("fact_check", "No older checkpoints", "These were all of them.")


def _nothing(state: str) -> Markup:
    if state == "done":
        return empty("fact_check", "Nothing reviewed yet", "What you review is kept here.")
    advice = "Alarms, due maintenance and lost records appear here by themselves."
    return empty("task_alt", "Nothing to review", advice)
