"""The gateway at bad moments: a cable that comes out, a broker's name that cannot be one."""

from __future__ import annotations

import asyncio
import os
from types import SimpleNamespace
from typing import Any

import pytest

from host_bridge.serial_line.channel import Channel
from host_bridge.serial_line.frames import Frame, Kind
from host_bridge.serial_line.gateway import Broker, Gateway, PortLost, _Session

BOARD = 77
"""Its epoch."""


def opens(channel: Channel) -> bytes:
    """A board's wish for a connection."""
    return Frame(Kind.OPEN, 1, BOARD, channel._me, 0, 0).encode()


def session(gateway: Gateway, descriptor: int = -1) -> _Session:
    port: Any = SimpleNamespace(fileno=lambda: descriptor)
    return _Session(gateway, port)


def test_a_cable_that_comes_out_while_its_port_is_opened_ends_no_gateway(
    vanishing_port: str
) -> None:
    with pytest.raises(PortLost, match=r"Input/output error.*is the board plugged in"):
        Gateway(vanishing_port, Broker("127.0.0.1", 1883))._opened()


def test_a_cable_that_comes_out_with_an_opening_leaves_no_connection_behind() -> None:
    connected: list[int] = []

    async def accepts(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        connected.append(1)
        writer.close()

    async def lost() -> None:
        server = await asyncio.start_server(accepts, "127.0.0.1", 0)
        broker = Broker("127.0.0.1", server.sockets[0].getsockname()[1])
        descriptor, other = os.pipe()  # the end for reading: whoever writes to it fails
        try:
            pulled = session(Gateway("cable", broker), descriptor)
            pulled._came = opens(pulled._channel)
            with pytest.raises(PortLost):
                await pulled.run()
            await asyncio.sleep(0.3)
        finally:
            os.close(descriptor)
            os.close(other)
            server.close()

    asyncio.run(lost())
    assert connected == []


@pytest.mark.parametrize("host", ["broker..example", "b" * 64 + ".example"])
def test_a_broker_whose_name_can_be_none_is_refused_to_the_board(host: str) -> None:
    async def refused() -> Frame | None:
        here = session(Gateway("cable", Broker(host, 1883)))
        await here._connect(1)
        return here._channel._out

    out = asyncio.run(refused())
    assert out is not None and out.kind == Kind.CLOSE


@pytest.mark.parametrize(
    "error",
    [OSError(28, "No space left on device"), BrokenPipeError(),
     UnicodeEncodeError("ascii", "é", 0, 1, "not in range")],
)  # fmt: skip
def test_console_text_that_cannot_be_shown_does_not_end_the_line(error: Exception) -> None:
    def show(device: str, raw: bytes) -> None:
        raise error

    async def passes() -> None:
        reading, writing = os.pipe()
        try:
            here = session(Gateway("cable", Broker("127.0.0.1", 1), on_text=show), writing)
            here._came = b"coffee: up\n"
            await asyncio.wait_for(here._pass(), 5)
        finally:
            os.close(reading)
            os.close(writing)

    asyncio.run(passes())
