"""A gateway between a board that is played here, frame by frame, and a broker that only listens"""

from __future__ import annotations

import asyncio
import os
import socket
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager, nullcontext, suppress
from types import SimpleNamespace
from typing import Any
from unittest.mock import MagicMock

import pytest

from host_bridge.serial_line import gateway as line
from host_bridge.serial_line.frames import Decoder, Frame, Kind
from host_bridge.serial_line.gateway import Broker, Gateway, PortLost, _Session

PATIENCE_S = 60


class Listener:
    """A broker: what each connection brought, and whether the other side closed it."""

    def __init__(self) -> None:
        self.came: list[bytes] = []
        self.closed: list[bool] = []
        self.writers: list[asyncio.StreamWriter] = []

    async def accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        number = len(self.came)
        self.came.append(b"")
        self.closed.append(False)
        self.writers.append(writer)
        with suppress(ConnectionError):
            while data := await reader.read(100):
                self.came[number] += data
        self.closed[number] = True
        writer.close()


class Board:
    """The other end of the cable: takes items in order, and says its own one at a time."""

    def __init__(self, cable: socket.socket) -> None:
        self._cable = cable
        self.items: list[tuple[int, int, bytes]] = []
        self.starts(77)

    def starts(self, epoch: int) -> None:
        self._decoder = Decoder()
        self._me, self._host = epoch, 0
        self._seq = self._next = self._acked = 0

    def say(self, kind: Kind, conn: int = 0, data: bytes = b"") -> None:
        frame = Frame(kind, conn, self._me, self._host, self._seq, self._next, data)
        self._cable.sendall(frame.encode())

    async def item(self, kind: Kind, conn: int, data: bytes = b"") -> None:
        """Says it until it is taken, as it must: the first may be of no life the host knows."""
        while not self._host:
            await asyncio.sleep(0.01)
        self.say(kind, conn, data)
        self._seq += 1
        await until(lambda: self._acked == self._seq)

    async def listen(self) -> None:
        while came := await asyncio.get_running_loop().sock_recv(self._cable, 4096):
            for frame in self._decoder.feed(came):
                assert isinstance(frame, Frame), f"torn: {frame!r}"
                self._host = frame.src
                if frame.dst == self._me:
                    self._hears(frame)

    def _hears(self, frame: Frame) -> None:
        self._acked = frame.ack
        if frame.kind >= Kind.OPEN:
            if frame.seq == self._next:
                self.items.append((frame.kind, frame.conn, frame.data))
                self._next += 1
            self.say(Kind.ACK)


async def until(true: Callable[[], bool]) -> None:
    async with asyncio.timeout(PATIENCE_S):
        while not true():
            await asyncio.sleep(0.01)


@asynccontextmanager
async def bench() -> AsyncIterator[tuple[Board, Listener, asyncio.Task[None]]]:
    listener = Listener()
    server = await asyncio.start_server(listener.accept, "127.0.0.1", 0)
    here, there = socket.socketpair()
    for end in (here, there):
        end.setblocking(False)
    port: Any = SimpleNamespace(fileno=here.fileno)
    broker = Broker("127.0.0.1", server.sockets[0].getsockname()[1])
    running = asyncio.create_task(_Session(Gateway("cable", broker), port).run())
    board = Board(there)
    listening = asyncio.create_task(board.listen())
    try:
        yield board, listener, running
    finally:
        for task in (running, listening):
            task.cancel()
        await asyncio.gather(running, listening, return_exceptions=True)
        server.close()
        here.close()
        there.close()


def played(story: Callable[[Board, Listener, asyncio.Task[None]], Coroutine[Any, Any, None]]
           ) -> None:
    async def whole() -> None:
        async with bench() as (board, listener, running):
            await story(board, listener, running)

    asyncio.run(whole())


async def connects(board: Board, conn: int) -> None:
    await board.item(Kind.OPEN, conn)
    await until(lambda: (Kind.OPENED, conn, b"") in board.items)


def test_bytes_go_both_ways_and_a_close_reaches_the_broker() -> None:
    async def story(board: Board, broker: Listener, running: Any) -> None:
        await connects(board, 1)
        await board.item(Kind.DATA, 1, b"up")
        broker.writers[0].write(b"down" * 100)
        await until(lambda: b"".join(item[2] for item in board.items) == b"down" * 100)
        await board.item(Kind.CLOSE, 1)
        await until(lambda: broker.closed == [True])
        assert broker.came == [b"up"]

    played(story)


def test_another_opening_ends_the_connection_before_it() -> None:
    """And what was still meant for that one reaches nobody."""

    async def story(board: Board, broker: Listener, running: Any) -> None:
        await connects(board, 1)
        await connects(board, 2)
        await until(lambda: broker.closed == [True, False])
        await board.item(Kind.DATA, 1, b"late")
        await board.item(Kind.CLOSE, 1)
        await board.item(Kind.DATA, 2, b"mine")
        await until(lambda: broker.came == [b"", b"mine"])
        assert broker.closed == [True, False]

    played(story)


def test_a_board_that_starts_anew_leaves_no_connection_at_the_broker() -> None:
    async def story(board: Board, broker: Listener, running: Any) -> None:
        await connects(board, 1)
        board.starts(78)
        board.say(Kind.ACK)
        await until(lambda: broker.closed == [True])

    played(story)


def test_a_board_that_starts_anew_while_the_broker_takes_its_time_is_counted_from_nothing(
    monkeypatch: pytest.MonkeyPatch
) -> None:
    async def story(board: Board, broker: Listener, running: Any) -> None:
        drained = asyncio.Event()
        monkeypatch.setattr(asyncio.StreamWriter, "drain", lambda writer: drained.wait())
        await connects(board, 1)
        board.say(Kind.DATA, 1, b"slow")
        await until(lambda: broker.came == [b"slow"])
        board.starts(78)
        board.say(Kind.ACK)
        await until(lambda: broker.closed == [True])
        drained.set()
        await connects(board, 2)

    played(story)


def test_a_board_that_says_nothing_any_more_is_hung_up(monkeypatch: pytest.MonkeyPatch) -> None:
    async def story(board: Board, broker: Listener, running: Any) -> None:
        await connects(board, 1)
        monkeypatch.setattr("host_bridge.serial_line.channel.SILENT_S", -1.0)
        await until(lambda: broker.closed == [True])

    played(story)


def test_a_broker_that_closes_is_said_to_the_board_and_so_is_none() -> None:
    async def story(board: Board, broker: Listener, running: Any) -> None:
        await board.item(Kind.DATA, 9, b"to nobody")
        await until(lambda: (Kind.CLOSE, 9, b"") in board.items)
        await connects(board, 1)
        broker.writers[0].close()
        await until(lambda: (Kind.CLOSE, 1, b"") in board.items)
        await connects(board, 2)

    played(story)


def test_a_port_that_takes_a_byte_at_a_time_gets_whole_frames(
    monkeypatch: pytest.MonkeyPatch
) -> None:
    real, turns = os.write, iter(range(1 << 30))

    def slow(port: int, data: bytes) -> int:
        if next(turns) % 2:
            raise BlockingIOError
        return real(port, data[:1])

    async def story(board: Board, broker: Listener, running: Any) -> None:
        monkeypatch.setattr(line, "os", SimpleNamespace(write=slow, read=os.read))
        await connects(board, 1)

    played(story)


def test_a_port_that_stays_away_is_said_once_and_tried_again(
    monkeypatch: pytest.MonkeyPatch
) -> None:
    class Enough(Exception):
        pass

    away = PortLost("away")
    moments: Any = iter([away, away, None, away, away, Enough()])

    class Torn:
        def __init__(self, *given: object) -> None:
            pass

        async def run(self) -> None:
            raise away

    def opened() -> Any:
        if moment := next(moments):
            raise moment
        return nullcontext()

    monkeypatch.setattr(line, "RETRY_S", 0)
    monkeypatch.setattr(line, "_Session", Torn)
    here: Any = Gateway("cable", Broker("127.0.0.1", 1))
    here._opened, here._log = opened, MagicMock()
    with pytest.raises(Enough):
        asyncio.run(here.run())
    assert [call[0] for call in here._log.mock_calls] == ["warning", "info", "warning"]


def test_a_cable_that_ends_is_a_lost_port_and_hangs_up() -> None:
    async def story(board: Board, broker: Listener, running: asyncio.Task[None]) -> None:
        await connects(board, 1)
        board._cable.shutdown(socket.SHUT_WR)
        with pytest.raises(PortLost, match=r"cable is gone .*plug it in again"):
            await asyncio.wait_for(running, PATIENCE_S)
        await until(lambda: broker.closed == [True])

    played(story)


@pytest.mark.parametrize("turns", range(6))
def test_ctrl_c_ends_a_line_at_whatever_moment(turns: int) -> None:
    """Just as something has come, too."""

    async def story(board: Board, broker: Listener, running: asyncio.Task[None]) -> None:
        await connects(board, 1)
        board.say(Kind.PING)
        for _ in range(turns):
            await asyncio.sleep(0)
        running.cancel()
        await asyncio.wait({running}, timeout=10)
        assert running.done()

    played(story)
