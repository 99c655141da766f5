"""A page of NiceGUI that no browser shows, for what pages do of themselves."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Awaitable, Callable
from typing import Any

import nicegui
from nicegui.client import Client
from nicegui.page import page

SETTLED_S = 0.2
_LONGEST_S = 60
_PATIENCE_S = 30


def on_a_page(act: Callable[[], Awaitable[None]]) -> None:
    """Runs `act` inside the page, then what it leaves running for a moment; raises what it raises.

    In NiceGUI's own loop when a console runs in this process already: each ten seconds that one
    throws away the pages under construction of all tasks that it does not know.
    """

    async def within() -> None:
        client = Client(page("/alone"))
        with client:
            await act()
        await asyncio.sleep(SETTLED_S)
        client.delete()

    asyncio.run_coroutine_threadsafe(within(), _loop()).result(_LONGEST_S)


async def until(what: Callable[[], Any]) -> Any:
    """The first true answer."""
    async with asyncio.timeout(_PATIENCE_S):
        while not (answer := what()):
            await asyncio.sleep(0.01)
    return answer


def _loop() -> asyncio.AbstractEventLoop:
    if not nicegui.core.is_loop_running():
        nicegui.core.loop = asyncio.new_event_loop()
        threading.Thread(target=nicegui.core.loop.run_forever, daemon=True).start()
    assert nicegui.core.loop
    return nicegui.core.loop
