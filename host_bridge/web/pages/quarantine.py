"""Messages that could not be taken: their bytes shown as harmless text, the reason, and the two
things one can do: replay them, or discard them.
"""

from __future__ import annotations

from collections.abc import Callable
from urllib.parse import quote, urlencode

from markupsafe import Markup
from nicegui import ui

from host_bridge.views import QuarantineView
from host_bridge.web.api import RowId
from host_bridge.web.failures import NOT_DONE, why_not
from host_bridge.web.layout import Visit, button, confirmed, frame, html, put
from host_bridge.web.markup import empty, pages, tag, when
from host_bridge.web.payload import safe_text

_REFRESH_S = 3.0
_SHOWN = 50


@ui.page("/quarantine")
async def quarantine_page(containing: str = "", before: RowId | None = None) -> None:
    with frame("Quarantine", "/quarantine") as visit:
        page = QuarantineList(visit, containing[:200], before)
        await page.refresh()
        if before is None:
            visit.every(_REFRESH_S, page.refresh)


def _page(containing: str, before: int | None = None) -> str:
    query = {"containing": containing} if containing else {}
    if before is not None:
        query["before"] = str(before)
    return f"/quarantine?{urlencode(query)}" if query else "/quarantine"


def page_of(quarantine_id: int) -> str:
    """Where that row is the first one shown."""
    return _page("", quarantine_id + 1)


class QuarantineList:
    def __init__(self, visit: Visit, containing: str, before: int | None) -> None:
        self._visit = visit
        self._containing = containing
        self._before = before
        self._count = 0
        self._shown: tuple[QuarantineView, ...] | None = None
        html(Markup("<h1>Quarantine</h1>"))
        html(
            Markup(
                '<p class="soft">Messages the bridge could not use, kept byte for byte. Nothing '
                "else is held up by them. Fix the cause, then replay; or discard.</p>"
            )
        )
        with ui.element("div").classes("filters"):
            search = ui.input(placeholder="Text in topic, reason, external id", value=containing)
            search.props('outlined dense clearable aria-label="Search quarantine"')
            search.classes("grow").style("max-width: 360px; min-width: 220px")
            search.on("keydown.enter", lambda: ui.navigate.to(_page((search.value or "")[:200])))
            search.on("clear", lambda: ui.navigate.to(_page("")))
            self._all = button("Discard all", "delete_sweep", on_click=self._discard_all)
        self._body = ui.element("div").classes("stack")
        self._turn = html(Markup(), "nav").classes("line").props('aria-label="Pages"')

    async def refresh(self) -> None:
        bridge = self._visit.bridge
        found = await self._visit.ask(
            bridge.quarantine, _SHOWN + 1, self._containing, self._before
        )
        shown = tuple(found[:_SHOWN])
        self._count = await self._visit.ask(bridge.count_quarantined, self._containing)
        self._all.set_visibility(self._count > 1)
        self._all.set_text(f"Discard all {self._count}")
        put(self._turn, self._pages(len(found) > _SHOWN, shown))
        if shown == self._shown:
            return
        self._shown = shown
        self._body.clear()
        with self._body:
            for view in shown:
                self._message(view)
            if not shown:
                html(
                    empty(
                        "verified",
                        "Nothing contains that" if self._containing else "Nothing in quarantine",
                        "Clear the search to see the rest."
                        if self._containing
                        else "Every message so far was understood and stored.",
                    )
                )

    def _message(self, view: QuarantineView) -> None:
        with ui.element("article").classes("panel").props(f'data-quarantine="{view.id}"'):
            html(describe(view)).classes("stack")
            with ui.element("div").classes("line"):
                button("Replay", "replay", on_click=lambda: self._replay(view))
                button("Discard", "delete", "ghost", lambda: self._discard(view))

    async def _replay(self, view: QuarantineView) -> None:
        await self._do(lambda _: self._visit.bridge.replay(view.id), "Replayed")

    async def _discard(self, view: QuarantineView) -> None:
        text = "It cannot be brought back."
        if await confirmed("Discard this message?", text, "Discard", "danger"):
            bridge = self._visit.bridge
            await self._do(lambda user: bridge.discard(view.id, user), "Discarded")

    def _pages(self, more: bool, shown: tuple[QuarantineView, ...]) -> Markup:
        newest = _page(self._containing) if self._before is not None else None
        older = _page(self._containing, shown[-1].id) if more else None
        return pages(newest, older, "messages")

    async def _discard_all(self) -> None:
        newest = await self._visit.ask(self._visit.bridge.quarantine, 1, self._containing)
        if not newest:
            return
        title = f"Discard {self._count} messages?"
        text = f"All that contain “{self._containing}”. " if self._containing else ""
        text += "They cannot be brought back."
        if await confirmed(title, text, "Discard", "danger"):
            bridge, upto = self._visit.bridge, newest[0].id
            await self._do(
                lambda user: bridge.discard_all(self._containing, upto, user), "Discarded"
            )

    async def _do(self, act: Callable[[str], object], done: str) -> None:
        session = self._visit.session
        if session is None:
            ui.navigate.to(self._visit.login_url)
            return
        try:
            await self._visit.ask(act, session.user)
        except NOT_DONE as error:
            self._visit.notify(why_not(error), "negative")
        else:
            self._visit.notify(done, "positive")
        await self.refresh()


def describe(view: QuarantineView) -> Markup:
    times = f" · came {view.times} times" if view.times > 1 else ""
    cut = view.size_bytes - len(view.payload)
    rest = f"\n… {cut} more bytes were not kept" if cut > 0 else ""
    return Markup(
        '<div class="line"><h2 class="grow">{}</h2>{}</div>'
        '<p class="small soft"><span class="mono">{}</span> · {}{} · {} bytes{}</p>'
        '<pre class="raw mono">{}{}</pre>'
    ).format(
        view.reason,
        Markup('<a href="/machines/{}">{}</a>').format(quote(view.machine), tag(view.machine))
        if view.machine
        else tag("no machine"),
        view.topic,
        when(view.received_ms),
        times,
        view.size_bytes,
        f" · fact {view.external_id}" if view.external_id else "",
        safe_text(view.payload),
        rest,
    )
