"""The small broker of the zero-config run: amqtt, MQTT 3.1.1, a few hundred messages a second.

It forgets everything when it ends; the machines' journals do not. A site uses its own broker.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import signal
from contextvars import ContextVar
from typing import Any

from amqtt.broker import Broker  # type: ignore[import-untyped]
from amqtt.errors import BrokerError  # type: ignore[import-untyped]

_subscribing: ContextVar[bool] = ContextVar("subscribing", default=False)


class TidyBroker(Broker):  # type: ignore[misc]
    """Retained messages answer a SUBSCRIBE and nothing else (MQTT 3.1.1, 3.8.4).

    amqtt also sends every newly connected client what is retained for the subscriptions of all
    others: an `ack` to whoever asked for journals, and what it did ask for twice.
    """

    async def _handle_subscription(self, *args: Any) -> None:
        token = _subscribing.set(True)
        try:
            await super()._handle_subscription(*args)
        finally:
            _subscribing.reset(token)

    async def _publish_retained_messages_for_subscription(self, *args: Any) -> None:
        if _subscribing.get():
            await super()._publish_retained_messages_for_subscription(*args)


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
        OSError: the port is taken, or the address is none of this computer's.
    """
    ended = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, ended.set)
    logging.getLogger("amqtt").setLevel(logging.CRITICAL)
    broker = TidyBroker(configuration(host, port), loop)
    try:
        await broker.start()
    except BrokerError as error:
        raise _cause(error, host, port) from error
    _only_defects()
    if ready is not None:
        ready.set()
    await ended.wait()
    with contextlib.suppress(asyncio.TimeoutError):
        await asyncio.wait_for(broker.shutdown(), 2)


def _only_defects() -> None:
    """amqtt calls a client that goes without a word an error. What is worth a line has a
    traceback; while it starts not even that, as _cause() says it shorter."""
    log = logging.getLogger("amqtt")
    handler = logging.StreamHandler()
    handler.addFilter(lambda record: record.exc_info is not None)
    log.addHandler(handler)
    log.propagate = False
    log.setLevel(logging.ERROR)


def _cause(error: Exception, host: str, port: int) -> OSError:
    cause = error.__context__
    why: object = cause or error
    if isinstance(cause, OSError):
        number = cause.errno or 0  # below 0: of getaddrinfo
        why = os.strerror(number) if number > 0 else cause.strerror or cause
    return OSError(f"cannot listen on {host}:{port}: {why}; give another --port or --host")
