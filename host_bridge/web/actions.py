"""Orders to a machine from a page, and the machine's own answers to them.

A page never guesses what a machine will say: it sends, waits visibly, and shows the reply. Which
orders exist is decided by the pages.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from typing import Any

from markupsafe import Markup
from nicegui import ui

from host_bridge.errors import BridgeError
from host_bridge.service import Bridge
from host_bridge.views import CommandView
from host_bridge.web import words
from host_bridge.web.failures import NOT_DONE, why_not
from host_bridge.web.layout import Visit, html, put
from host_bridge.web.markup import icon, join, when

UNDECIDED = frozenset({"queued", "sent"})
DEADLINE_S = 60.0
_SHOWN = 4
_LOOK_EVERY_S = 0.2


async def decided(bridge: Bridge, command_id: str, timeout_s: float) -> CommandView:
    """The command once the machine has answered, or as it stands after `timeout_s`.

    Looks again and again instead of holding a thread: many may wait at once.
    """
    until_s = asyncio.get_running_loop().time() + timeout_s
    while True:
        view = await asyncio.to_thread(bridge.command, command_id)
        if view.state not in UNDECIDED or asyncio.get_running_loop().time() >= until_s:
            return view
        await asyncio.sleep(_LOOK_EVERY_S)


class Orders:
    """Sends one machine's orders and lists what became of the latest."""

    def __init__(self, visit: Visit, machine: str) -> None:
        self._visit = visit
        self._machine = machine
        self._answers: ui.html | None = None
        self._under_way: set[str] = set()

    def answers(self) -> None:
        """Puts the list of answers here."""
        self._answers = html(answers_html([])).classes("answers")
        self._answers.props('role="log" aria-live="polite"')

    async def refresh(self) -> None:
        if self._answers is not None:
            bridge = self._visit.bridge
            latest = await self._visit.ask(bridge.commands, self._machine, _SHOWN + 4)
            people = [view for view in latest if view.name != "clock"]
            put(self._answers, answers_html(people[:_SHOWN]))

    async def send(
        self,
        name: str,
        args: dict[str, Any],
        then: Callable[[CommandView], None] | None = None,
    ) -> None:
        """Sends, waits for the machine, and says what it said; `then` is told too.

        The same order again, before the machine has answered the first, is the same press of a
        button: a machine that is off would else find five brews waiting.
        """
        session = self._visit.session
        if session is None:
            ui.navigate.to(self._visit.login_url)
            return
        order = json.dumps([name, args], sort_keys=True)
        if order in self._under_way:
            return
        self._under_way.add(order)
        try:
            await self._carry_out(name, args, session.user, then)
        finally:
            self._under_way.discard(order)

    async def _carry_out(
        self,
        name: str,
        args: dict[str, Any],
        user: str,
        then: Callable[[CommandView], None] | None,
    ) -> None:
        bridge = self._visit.bridge
        try:
            command_id = await self._visit.ask(
                bridge.send, self._machine, name, args, user, DEADLINE_S
            )
        except NOT_DONE as error:
            field = f"{error.field}: " if isinstance(error, BridgeError) else ""
            self._visit.notify(f"{field}{why_not(error)}", "negative")
            return
        await self.refresh()
        view = await decided(bridge, command_id, DEADLINE_S + 5)
        await self.refresh()
        if view.state != "ok":
            self._visit.notify(explain(view), "negative", at="top")
        if then is not None:
            then(view)


def explain(view: CommandView) -> str:
    """What became of a command, in one sentence; a refusal in the machine's own words."""
    what = words.command(view.name)
    if view.error is not None:
        return f"{what}: {view.error.message}"
    if view.state == "expired":
        return f"{what}: the machine did not answer in time. Check that it is switched on."
    return f"{what}: {words.command_state(view.state, view.name).text.lower()}"


def answers_html(views: list[CommandView]) -> Markup:
    if not views:
        return Markup('<p class="soft small">Orders and the machine\'s replies appear here.</p>')
    return join(_answer(view) for view in views)


def _answer(view: CommandView) -> Markup:
    left = words.left_out(view.result)
    word = words.command_state(view.state, view.name, left)
    said: object = word.text
    if view.error is not None:
        field = f" ({view.error.field})" if view.error.field else ""
        said = Markup('{}<span class="soft small"> · {}{}</span>').format(
            view.error.message, view.error.code, field
        )
    elif view.state == "expired":
        said = "No answer in time. Check that the machine is switched on."
    elif left:
        said = f"{word.text}: the machine {left}"
    return Markup(
        '<div class="notice {}" data-command="{}" data-state="{}">{}'
        '<div class="grow"><strong>{}</strong>{}<div>{}</div>'
        '<div class="small soft">{} · {}</div></div></div>'
    ).format(
        word.tone,
        view.name,
        view.state,
        icon(word.icon),
        words.command(view.name),
        _detail(view),
        said,
        words.by(view.user),
        when(view.created_ms),
    )


def _detail(view: CommandView) -> str:
    slot, program = view.args.get("slot"), view.args.get("program")
    if slot is not None:
        return f" · slot {slot}"
    return f" · {words.PROGRAMS.get(program, program)}" if isinstance(program, str) else ""
