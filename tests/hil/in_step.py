"""The world around an emulated board, patient: it is twenty times slower while it computes."""

from __future__ import annotations

import socket
from collections.abc import Callable

from host_bridge.serial_line.channel import Channel
from host_bridge.serial_line.frames import DATA_ROOM, Frame, Kind
from simulator.emulated import EmulatedBoard
from simulator.emulated.lan import HERE, ROUTER
from tests.support.proxy import Proxy

STEP_MS = 5


class Pace:
    """The board's way to a port of this computer, gone in its own time.

    Attributes:
        port: where the board's next connection leads, on this computer.
    """

    def __init__(self, board: EmulatedBoard, port: int) -> None:
        self.board = board
        self.port = port

    def run(self, ms: float) -> None:
        end = self.board.now_us + ms * 1000
        while self.board.now_us < end:
            self.step()

    def until(self, true: Callable[[], object], ms: float) -> None:
        """Goes on until something holds; fails after `ms`."""
        end = self.board.now_us + ms * 1000
        while not true():
            assert self.board.now_us < end, (
                f"not within {ms} ms; the board said {self.board.console()[-300:]!r}")
            self.step()

    def step(self) -> None:
        self.board.run(STEP_MS)

    @property
    def passed(self) -> int:
        """Bytes that came from the port and went to the board, since the last cut."""
        raise NotImplementedError

    def cut(self) -> None:
        """The broker's end is gone."""
        raise NotImplementedError

    def close(self) -> None:
        raise NotImplementedError


class OnAir(Pace):
    """By radio: to each port of the router's there is one of this computer's, and here one for
    all."""

    def __init__(self, board: EmulatedBoard, port: int) -> None:
        super().__init__(board, port)
        assert board.radio
        self._lan = board.radio.lan
        self._lan.way = lambda host, port: (HERE, self.port)
        self._lan.resolve = lambda name: ROUTER
        self._cut_at = 0

    @property
    def passed(self) -> int:
        return self._lan.brought - self._cut_at

    def cut(self) -> None:
        self._cut_at = self._lan.brought
        self._lan.cut()

    def close(self) -> None:
        self._lan.cut()


class InStep(Pace):
    """By the serial line: `coffee-bridge gateway` in the board's own time. One that keeps the
    real clock would take the board for silent in the middle of a TLS handshake. The line's
    protocol is the product's."""

    def __init__(self, board: EmulatedBoard, port: int) -> None:
        super().__init__(board, port)
        self._channel = Channel(board.now_us / 1e6)
        self._came = bytearray()
        self._broker: socket.socket | None = None
        self._conn = 0
        self._passed = 0
        board.on_text = self._came.extend

    @property
    def passed(self) -> int:
        return self._passed

    def cut(self) -> None:
        assert self._broker
        self._hang_up()
        self._passed = 0
        self._channel.offer(Kind.CLOSE, self._conn, b"", self.board.now_us / 1e6)

    def close(self) -> None:
        self._hang_up()

    def step(self) -> None:
        super().step()
        now_s = self.board.now_us / 1e6
        self._channel.feed(bytes(self._came), now_s)
        self._came.clear()
        if item := self._channel.item:
            self._channel.taken()
            self._carry_out(item, now_s)
        if self._broker and self._channel.free:
            self._bring(self._broker, now_s)
        out, _ = self._channel.due(now_s)
        if out:
            self.board.type(out)

    def _carry_out(self, item: Frame, now_s: float) -> None:
        if item.kind == Kind.OPEN:
            self._hang_up()
            self._broker = socket.create_connection(("127.0.0.1", self.port))
            self._conn = item.conn
            self._passed = 0
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
            self._passed += len(data)
            self._channel.offer(Kind.DATA, self._conn, data, now_s)
        else:
            self._hang_up()
            self._channel.offer(Kind.CLOSE, self._conn, b"", now_s)

    def _hang_up(self) -> None:
        if self._broker:
            self._broker.close()
            self._broker = None


def way(board: EmulatedBoard, port: int) -> Pace:
    """By radio where the board has one."""
    return (OnAir if board.radio else InStep)(board, port)


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
