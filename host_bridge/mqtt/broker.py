"""The small broker of the zero-config run: amqtt, MQTT 3.1.1, a few hundred messages a second.

It forgets everything when it ends; the machines' journals do not. A site uses its own broker.
"""

from __future__ import annotations

import asyncio
import contextlib
import signal

from amqtt.broker import Broker  # type: ignore[import-untyped]


def configuration(host: str, port: int) -> dict[str, object]:
    return {
        "listeners": {"default": {"type": "tcp", "bind": f"{host}:{port}"}},
        "plugins": {
            "amqtt.plugins.authentication.AnonymousAuthPlugin": {"allow_anonymous": True},
        },
    }


async def serve(host: str, port: int, ready: asyncio.Event | None = None) -> None:
    """Serves until SIGTERM or SIGINT.

    Raises:
        OSError: the port is taken.
    """
    ended = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, ended.set)
    broker = Broker(configuration(host, port), loop)
    await broker.start()
    if ready is not None:
        ready.set()
    await ended.wait()
    with contextlib.suppress(asyncio.TimeoutError):
        await asyncio.wait_for(broker.shutdown(), 2)
