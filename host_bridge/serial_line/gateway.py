"""Boards on serial ports reach the broker: bytes of their one connection pass as they are.

Ports and broker come and go; the gateway stays, opens them again and says so once. Console text
that a board prints between frames goes to `on_text`.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import ssl
import termios
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

import serial  # type: ignore[import-untyped]
import structlog

from host_bridge.ports import why_closed
from host_bridge.serial_line.channel import Began, Channel
from host_bridge.serial_line.frames import DATA_ROOM, Kind

BAUD: Final = 115200
RETRY_S: Final = 1.0
CONNECT_S: Final = 10.0
READ: Final = 4096

log = structlog.get_logger()


@dataclass(frozen=True)
class Broker:
    """Where connections lead; `tls` is the host's, boards need none of their own."""

    host: str
    port: int
    tls: ssl.SSLContext | None = None

    def __str__(self) -> str:
        return f"{self.host}:{self.port}"


class PortLost(Exception):
    """The device is gone or in use; the text says which."""


class Gateway:
    """One serial port. `run()` never ends by itself."""

    def __init__(
        self, device: str, broker: Broker, baud: int = BAUD,
        on_text: Callable[[str, bytes], None] = lambda device, raw: None,
    ) -> None:
        self._device = device
        self._broker = broker
        self._baud = baud
        self._on_text = on_text
        self._log = log.bind(port=device)

    async def run(self) -> None:
        said = ""
        while True:
            try:
                with self._opened() as port:
                    said = ""
                    self._log.info("port opened", broker=str(self._broker))
                    await _Session(self, port).run()
            except PortLost as error:
                if str(error) != said:
                    said = str(error)
                    self._log.warning("port lost; retrying every second", why=said)
            await asyncio.sleep(RETRY_S)

    def _opened(self) -> contextlib.closing[serial.Serial]:
        try:
            return contextlib.closing(
                serial.Serial(
                    self._device, self._baud, timeout=0, write_timeout=0, exclusive=True
                )
            )
        except (OSError, ValueError, termios.error) as error:  # SerialException is an OSError
            raise PortLost(
                f"{self._device} cannot be opened ({error}); "
                f"{why_closed(self._device, 'mpremote, another gateway')}"
            ) from error


class _Session:
    """The port while it stays open."""

    def __init__(self, gateway: Gateway, port: serial.Serial) -> None:
        self.gateway = gateway
        self._port = port
        self._channel = Channel(time.monotonic())
        self._news = asyncio.Event()
        self._freed = asyncio.Condition()
        self._came = b""
        self._lost: Exception | None = None
        self._to_write = b""
        self._conn = 0
        self._connection: asyncio.Task[None] | None = None
        self._writer: asyncio.StreamWriter | None = None
        self._taking: asyncio.Task[None] | None = None

    async def run(self) -> None:
        loop = asyncio.get_running_loop()
        number = self._port.fileno()
        loop.add_reader(number, self._read)
        try:
            while True:
                await self._pass()
        finally:
            loop.remove_reader(number)
            if self._taking:
                self._taking.cancel()
            self._hang_up()

    def _read(self) -> None:
        # os.read and os.write: pyserial's own turn in circles while the driver's buffer is full
        try:
            came = os.read(self._port.fileno(), READ)
            self._came += came
            if not came:
                self._lost = EOFError("end of file")
        except BlockingIOError:
            pass
        except OSError as error:
            self._lost = error
        self._news.set()

    async def _pass(self) -> None:
        if self._lost:
            raise PortLost(f"{self.gateway._device} is gone ({self._lost}); plug it in again")
        now = time.monotonic()
        came, self._came = self._came, b""
        for event in self._channel.feed(came, now):
            if isinstance(event, Began):
                self._hang_up()
            else:
                # what cannot be shown (a full disk, a closed pipe) must not end the line
                with contextlib.suppress(OSError, ValueError):
                    self.gateway._on_text(self.gateway._device, event.raw)
        if self._channel.silent(now) and self._connection:
            self.gateway._log.warning("board is silent; closing its connection")
            self._hang_up()
        if self._channel.item and not self._taking:
            self._taking = asyncio.create_task(self._take())
        if self._channel.free:
            async with self._freed:
                self._freed.notify_all()
        self._write(now)
        with contextlib.suppress(TimeoutError):
            wait_s = 0.02 if self._to_write else self._channel.wait_s(time.monotonic())
            async with asyncio.timeout(max(wait_s, 0.001)):  # wait_for may swallow a Ctrl-C
                await self._news.wait()
        self._news.clear()

    def _write(self, now: float) -> None:
        if not self._to_write:
            self._to_write, began = self._channel.due(now)
            if began:
                self._hang_up()
        if self._to_write:
            try:
                written = os.write(self._port.fileno(), self._to_write)
            except BlockingIOError:
                written = 0
            except OSError as error:
                raise PortLost(
                    f"{self.gateway._device} is gone ({error}); plug it in again"
                ) from error
            self._to_write = self._to_write[written:]

    # --- the board's items
    async def _take(self) -> None:
        item = self._channel.item
        assert item
        if item.kind == Kind.OPEN:
            self._hang_up()
            self._conn = item.conn
            self._connection = asyncio.create_task(self._connect(item.conn))
        elif not self._connection:
            if item.kind == Kind.DATA:
                self._connection = asyncio.create_task(self._refuse(item.conn))
        elif item.conn != self._conn:
            pass  # a late word about one that is over
        elif item.kind == Kind.DATA and self._writer:
            self._writer.write(item.data)
            with contextlib.suppress(OSError):
                await self._writer.drain()
        elif item.kind == Kind.CLOSE:
            self._hang_up()
        if self._channel.item is item:  # else the board began anew meanwhile
            self._channel.taken()
        self._taking = None
        self._news.set()

    # --- the connection
    async def _connect(self, conn: int) -> None:
        broker = self.gateway._broker
        try:
            async with asyncio.timeout(CONNECT_S):
                reader, self._writer = await asyncio.open_connection(
                    broker.host, broker.port, ssl=broker.tls)
            self.gateway._log.info("connected", broker=str(broker))
            await self._send(Kind.OPENED, conn)
            while data := await reader.read(DATA_ROOM):
                await self._send(Kind.DATA, conn, data)
            why = "closed by the broker"
        except (OSError, TimeoutError, UnicodeError) as error:  # the last: no host's name
            why = f"{type(error).__name__}: {error}"
        self.gateway._log.warning("no connection", broker=str(broker), why=why)
        await self._refuse(conn)

    async def _refuse(self, conn: int) -> None:
        await self._send(Kind.CLOSE, conn)
        self._close_writer()
        self._connection = None

    async def _send(self, kind: Kind, conn: int, data: bytes = b"") -> None:
        async with self._freed:
            await self._freed.wait_for(lambda: self._channel.free)
        self._channel.offer(kind, conn, data, time.monotonic())
        self._news.set()

    def _hang_up(self) -> None:
        if self._connection:
            self._connection.cancel()
            self._connection = None
        self._close_writer()

    def _close_writer(self) -> None:
        if self._writer:
            self._writer.transport.abort()
            self._writer = None


async def serve(gateways: list[Gateway]) -> None:
    """Until cancelled."""
    async with asyncio.TaskGroup() as running:
        for gateway in gateways:
            running.create_task(gateway.run())
