"""Messages that could not be taken: their bytes shown as harmless text, the reason, and the two
things one can do: take them in again, or throw them away.
"""

from __future__ import annotations

from collections.abc import Callable
from urllib.parse import quote

from markupsafe import Markup
from nicegui import ui

from host_bridge.errors import BridgeError
from host_bridge.views import QuarantineView
from host_bridge.web.layout import Visit, button, confirmed, frame, html
from host_bridge.web.markup import empty, tag, when
from host_bridge.web.payload import safe_text

_REFRESH_S = 3.0
_SHOWN = 50


@ui.page("/quarantine")
async def quarantine_page() -> None:
    with frame("Quarantine", "/quarantine") as visit:
        page = QuarantineList(visit)
        await page.refresh()
        visit.every(_REFRESH_S, page.refresh)


class QuarantineList:
    def __init__(self, visit: Visit) -> None:
        self._visit = visit
        self._shown: tuple[QuarantineView, ...] | None = None
        html(Markup("<h1>Quarantine</h1>"))
        html(
            Markup(
                '<p class="soft">Messages the bridge could not take, byte for byte. Nothing '
                "behind them was held up. Take one in again once its cause is cured.</p>"
            )
        )
        self._body = ui.element("div").classes("stack")

    async def refresh(self) -> None:
        shown = tuple(await self._visit.ask(self._visit.bridge.quarantine, _SHOWN))
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
                        "Nothing in quarantine",
                        "Every message so far was understood and stored.",
                    )
                )

    def _message(self, view: QuarantineView) -> None:
        with ui.element("article").classes("panel").props(f'data-quarantine="{view.id}"'):
            html(describe(view)).classes("stack")
            with ui.element("div").classes("line"):
                button("Take in again", "replay", on_click=lambda: self._replay(view))
                button("Throw away", "delete", "ghost", lambda: self._discard(view))

    async def _replay(self, view: QuarantineView) -> None:
        await self._do(lambda _: self._visit.bridge.replay(view.id), "Taken in again")

    async def _discard(self, view: QuarantineView) -> None:
        text = "It cannot be brought back."
        if await confirmed("Throw this message away?", text, "Throw away", "danger"):
            bridge = self._visit.bridge
            await self._do(lambda user: bridge.discard(view.id, user), "Thrown away")

    async def _do(self, act: Callable[[str], None], done: str) -> None:
        session = self._visit.session
        if session is None:
            ui.navigate.to(self._visit.login_url)
            return
        try:
            await self._visit.ask(act, session.user)
        except BridgeError as error:
            ui.notify(error.message, type="negative", multi_line=True)
        else:
            ui.notify(done, type="positive")
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
