"""What a person must look at: what happened, why, where it is, and their word on it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Awaitable, Callable, Collection, Sequence
from typing import Literal, TypeVar
from urllib.parse import quote, urlencode

from markupsafe import Markup
from nicegui import ui

from host_bridge.connector.checkpoint import HELD
from host_bridge.names import natural
from host_bridge.subjects import SUBJECTS, CheckpointKind
from host_bridge.subjects import subject as subject_of
from host_bridge.views import CheckpointView
from host_bridge.web import words
from host_bridge.web.api import RowId
from host_bridge.web.failures import NOT_DONE, why_not
from host_bridge.web.layout import Visit, button, choices, dialog, frame, html, put
from host_bridge.web.markup import empty, icon, never_heard, pages, tag, when

_REFRESH_S = 3.0
_SHOWN = 100
_AT_ONCE = 10_000
"""More are reviewed in several goes."""
NOTE_LENGTH = 2000
State = Literal["open", "done"]
T = TypeVar("T")

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
"""By subject: icon, what it is about, what to do."""
_TAB, _TAB_HERE = Markup('class="tab"'), Markup('class="tab on" aria-current="page"')
_ALL = Markup('<a href="/checkpoints?state={}">See all of them</a>')
_ONLY_STANDING = "Only alarms that still stand: see to each, then review it by itself"
_CHOICES: dict[str, str] = {kind: _KINDS[about[0]][1] for kind, about in SUBJECTS.items()}


@ui.page("/checkpoints")
async def checkpoints_page(
    machine: str = "", state: str = "open", before: RowId | None = None, kind: str = ""
) -> None:
    with frame("Checkpoints", "/checkpoints") as visit:
        chosen: State = "done" if state == "done" else "open"
        about = next((known for known in SUBJECTS if known == kind), None)
        shown = CheckpointList(visit, machine, chosen, before, about)
        await shown.refresh()
        if before is None:
            visit.every(_REFRESH_S, shown.refresh)


class CheckpointList:
    def __init__(
        self, visit: Visit, machine: str, state: State, before: int | None = None,
        kind: CheckpointKind | None = None,
    ) -> None:  # fmt: skip
        self._visit = visit
        self._before = before
        self._machine = machine
        self._state = state
        self._kind = kind
        self._shown: tuple[CheckpointView, ...] | None = None
        with ui.element("div").classes("title"):
            html(Markup("<h1>Checkpoints</h1>"))
            html(
                Markup('<p class="soft">What happened at the machines and needs your review.</p>')
            ).classes("grow")
        with ui.element("div").classes("filters"):
            html(self._tabs()).classes("filters")
            self._choose("Kind", {"": "All kinds", **_CHOICES}, kind or "", "kind")
            self._choose("Machine", self._machines(), machine, "machine")
            self._all = button("Review all", "done_all", on_click=self._review_all)
            self._all.set_visibility(False)
        if visit.bridge.reviewed_at is not None:
            html(_elsewhere(visit.bridge.reviewed_at))
        self._body = ui.element("div").classes("stack")
        self._turn = html(Markup(), "nav").classes("line").props('aria-label="Pages"')

    def _tabs(self) -> Markup:
        return Markup("").join(
            Markup('<a {} href="{}">{}</a>').format(
                _TAB_HERE if key == self._state else _TAB, self._address(key), name
            )
            for key, name in (("open", "To review"), ("done", "Reviewed"))
        )

    def _machines(self) -> dict[str, str]:
        known = {view.machine for view in self._visit.bridge.machines()}
        names = sorted({*known, self._machine} - {""}, key=natural)
        return {"": "All machines", **{name: name for name in names}}

    def _choose(self, label: str, names: dict[str, str], value: str, what: str) -> None:
        choice = ui.select(
            names, value=value, label=label, with_input=len(names) > 12,
            on_change=lambda event: ui.navigate.to(
                self._address(self._state, **{what: event.value or ""})
            ),
        )  # fmt: skip
        choice.props("outlined dense options-dense").style("min-width: 180px")

    def _address(self, state: str, **other: str) -> str:
        chosen = {
            "state": state, "machine": self._machine, "kind": self._kind or "", **other,
        }  # fmt: skip
        return f"/checkpoints?{urlencode({key: text for key, text in chosen.items() if text})}"

    def _pages(self, more: bool, shown: tuple[CheckpointView, ...]) -> Markup:
        newest = self._address(self._state) if self._before is not None else None
        older = self._address(self._state, before=str(shown[-1].id)) if more else None
        return pages(newest, older, "checkpoints")

    async def refresh(self) -> None:
        found = await self._visit.ask(
            self._visit.bridge.checkpoints,
            self._state, self._machine or None, _SHOWN + 1, self._kind, self._before,
        )  # fmt: skip
        shown = tuple(found[:_SHOWN])
        put(self._turn, self._pages(len(found) > _SHOWN, shown))
        await self._count()
        if shown == self._shown:
            return
        self._shown = shown
        self._body.clear()
        with self._body:
            for view in shown:
                self._checkpoint(view)
            if not shown:
                html(self._nothing())

    async def _count(self) -> None:
        if self._state == "done" or self._visit.bridge.reviewed_at is not None:
            return
        count = await self._visit.ask(
            self._visit.bridge.count_checkpoints, "open", self._machine or None, self._kind
        )
        self._all.set_visibility(count > 1)
        self._all.set_text(f"Review all {count}")

    def _nothing(self) -> Markup:
        if self._before is not None:
            return _no_older()
        if self._machine and not self._is_known():
            return never_heard(self._machine, "/checkpoints", "checkpoints")
        if self._kind or self._machine:
            return empty("fact_check", "No checkpoint matches", _ALL.format(self._state))
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
        review = self._visit.bridge.review
        kept = await self._reviewed(lambda user: (user, review(view.id, user, note)), note)
        if kept is None:
            return
        user, done = kept
        if (done.reviewed_by, done.note or "") == (user, note):
            self._visit.notify("Reviewed", "positive")
        else:
            self._visit.notify(f"Already reviewed by {done.reviewed_by}", "warning")

    async def _reviewed(self, act: Callable[[str], T], note: str) -> T | None:
        """What the bridge says to that person's review; None when it was not done."""
        session = self._visit.session
        if session is None:  # it ended while the note was written
            lost = f"You are logged out: log in and review it again. You wrote: “{note}”"
            self._visit.notify(lost, "negative")
            return None
        try:
            return await self._visit.ask(act, session.user)
        except NOT_DONE as error:
            self._visit.notify(why_not(error), "negative")
            return None

    async def _review_all(self) -> None:
        """What is open now of what this page is about; what comes meanwhile stays open."""
        if self._visit.session is None:
            ui.navigate.to(self._visit.login_url)
            return
        bridge = self._visit.bridge
        found = await self._visit.ask(
            bridge.checkpoints, "open", self._machine or None, _AT_ONCE, self._kind
        )
        standing = await self._visit.ask(bridge.standing, found)
        wanted = [view for view in found if view.id not in standing]
        if not wanted:
            if standing:  # else somebody else has just reviewed them all
                self._visit.notify(_ONLY_STANDING, "warning")
            return
        title = f"Review {words.checkpoints(len(wanted))}?"
        note = await _ask_words(title, _which(wanted, len(standing)))
        if note is not None:
            await self._mark_all([view.id for view in wanted], note)
            await self.refresh()

    async def _mark_all(self, ids: Sequence[int], note: str) -> None:
        review = self._visit.bridge.review_all
        done = await self._reviewed(lambda user: review(ids, user, note), note)
        if done is None:
            return
        text = f"{len(done.reviewed)} reviewed"
        if done.standing:
            text += f", {len(done.standing)} left open: the alarm stands again"
        self._visit.notify(text, "warning" if done.standing else "positive")


def _elsewhere(url: str) -> Markup:
    return Markup(
        '<p class="soft">People review these in the ERP, <a href="{0}">{0}</a>, under their own '
        "names; what is reviewed there closes here within half a minute.</p>"
    ).format(url)


async def _ask_note(view: CheckpointView) -> str | None:
    """The reviewer's words ("" is an answer), or None when they thought better of it."""
    return await _ask_words("Review", view.summary)


async def _ask_words(title: str, text: object) -> str | None:
    with dialog(title, text) as asked:
        asked.box.props("no-backdrop-dismiss")  # a touch beside it would take the note away
        note = ui.textarea("What did you find or do?").props("outlined autofocus autogrow")
        note.props(f'maxlength="{NOTE_LENGTH}"').style("width: 100%")
        choices(asked, "Mark as reviewed", lambda: note.value or "")
    answer: str | None = await asked.answer()
    return answer


def _which(wanted: Collection[CheckpointView], standing: int) -> Markup:
    """How many of each kind and at which machines; what is left out."""
    lines = [_at_machines(kind, count, wanted) for kind, count in
             Counter(_kind(view)[1] for view in wanted).most_common()]  # fmt: skip
    if standing:
        one, more = "1 alarm still stands and is", f"{standing} alarms still stand and are"
        lines.append(Markup("{} left out.").format(one if standing == 1 else more))
    return Markup("").join(lines)


def _at_machines(kind: str, count: int, wanted: Collection[CheckpointView]) -> Markup:
    names = sorted({view.machine for view in wanted if _kind(view)[1] == kind}, key=natural)
    return Markup('<strong>{} × {}</strong><span class="names soft">{}</span>').format(
        count, kind, Markup(" ").join(map(Markup("<span>{}</span>").format, _listed(names)))
    )


def _listed(names: Sequence[str]) -> list[str]:
    """With their commas, which no line may begin with."""
    return [*(f"{name}," for name in names[:-1]), *names[-1:]]


def _kind(view: CheckpointView) -> tuple[str, str, str]:
    named = words.plain(view.model.removeprefix("coffee."))
    return _KINDS.get(_subject(view), ("fact_check", named, ""))


def describe(view: CheckpointView) -> Markup:
    """Of an alarm the title says what it is, and below it what to do."""
    icon_name, kind, why = _kind(view)
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
    return subject_of(view.model, view.coffee_id)


def _record(view: CheckpointView) -> Markup:
    subject = _subject(view)
    if subject == "coffee.brew":
        target = f"/brews/{quote(view.machine)}/{quote(view.coffee_id)}"
    elif subject == "coffee.recipe":
        target = f"/machines/{quote(view.machine)}/recipes/{quote(view.coffee_id)}"
    elif subject in SUBJECTS["quarantine"] or view.summary.startswith(HELD):
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
