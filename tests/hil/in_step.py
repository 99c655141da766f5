"""The world around an emulated board, patient: it is twenty times slower while it computes."""

from __future__ import annotations

import socket
from collections.abc import Callable

from host_bridge.serial_line.channel import Channel
from host_bridge.serial_line.frames import DATA_ROOM, Frame, Kind
from simulator.emulated import EmulatedBoard
from tests.support.proxy import Proxy

STEP_MS = 5


class InStep:
    """`coffee-bridge gateway` in the board's own time: one that keeps the real clock would take
    the board for silent in the middle of a TLS handshake. The line's protocol is the product's.

    Attributes:
        port: where the board's next connection leads, on this computer.
        passed: bytes that came from there and went to the board, of this connection.
    """

    def __init__(self, board: EmulatedBoard, port: int) -> None:
        self._board = board
        self.port = port
        self.passed = 0
        self._channel = Channel(board.now_us / 1e6)
        self._came = bytearray()
        self._broker: socket.socket | None = None
        self._conn = 0
        board.on_text = self._came.extend

    def run(self, ms: float) -> None:
        end = self._board.now_us + ms * 1000
        while self._board.now_us < end:
            self._step()

    def until(self, true: Callable[[], object], ms: float) -> None:
        """Goes on until something holds; fails after `ms`."""
        end = self._board.now_us + ms * 1000
        while not true():
            assert self._board.now_us < end, (
                f"not within {ms} ms; the board said {self._board.console()[-300:]!r}")
            self._step()

    def cut(self) -> None:
        """The broker's end is gone."""
        assert self._broker
        self._hang_up()
        self._channel.offer(Kind.CLOSE, self._conn, b"", self._board.now_us / 1e6)

    def close(self) -> None:
        self._hang_up()

    def _step(self) -> None:
        self._board.run(STEP_MS)
        now_s = self._board.now_us / 1e6
        self._channel.feed(bytes(self._came), now_s)
        self._came.clear()
        if item := self._channel.item:
            self._channel.taken()
            self._carry_out(item, now_s)
        if self._broker and self._channel.free:
            self._bring(self._broker, now_s)
        out, _ = self._channel.due(now_s)
        if out:
            self._board.type(out)

    def _carry_out(self, item: Frame, now_s: float) -> None:
        if item.kind == Kind.OPEN:
            self._hang_up()
            self._broker = socket.create_connection(("127.0.0.1", self.port))
            self._conn = item.conn
            self.passed = 0
            self._channel.offer(Kind.OPENED, item.conn, b"", now_s)
        elif item.kind == Kind.CLOSE:
            self._hang_up()
        elif self._broker:
            self._broker.setblocking(True)
            self._broker.sendall(item.data)

    def _bring(self, broker: socket.socket, now_s: float) -> None:
        broker.setblocking(False)
        try:
            data = broker.recv(DATA_ROOM)
        except BlockingIOError:
            return
        except OSError:
            data = b""
        if data:
            self.passed += len(data)
            self._channel.offer(Kind.DATA, self._conn, data, now_s)
        else:
            self._hang_up()
            self._channel.offer(Kind.CLOSE, self._conn, b"", now_s)

    def _hang_up(self) -> None:
        if self._broker:
            self._broker.close()
            self._broker = None


class Unhurried(Proxy):
    """The way to a broker that grants the keep-alive in the board's seconds, not in its own."""

    def _pass(self, source, sink, down):  # type: ignore[no-untyped-def]
        if not down:
            connect = b""
            while b"MQTT" not in connect[:-4]:
                if not (piece := source.recv(4096)):
                    break
                connect += piece
            at = connect.index(b"MQTT") + 6  # protocol name, level, flags
            sink.sendall(connect[:at] + b"\xff\xff" + connect[at + 2:])
        super()._pass(source, sink, down)
