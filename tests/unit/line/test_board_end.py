"""The board's end of the serial line alone, a frame at a time: what it takes, what it says."""

from __future__ import annotations

import contextlib
import errno
from types import SimpleNamespace
from typing import Any

import pytest

from host_bridge.serial_line.frames import Decoder, Frame, Kind
from tests.unit.soft.on_cpython import firmware

HOST, BOARD = 900, 4
"""Epochs."""
POLLIN, POLLOUT, POLLERR = 1, 4, 8


class Board:
    """A Line, and the port it talks to. Time is what the test says."""

    CHUNK = 64

    def __init__(self, epoch: int = BOARD) -> None:
        self.now = 0
        modules = firmware("coffee_1900", "line", "serial_net")
        modules.line.time = SimpleNamespace(
            ticks_ms=lambda: self.now, ticks_diff=lambda a, b: a - b, ticks_add=lambda a, b: a + b
        )
        self._to_board = self._to_host = b""
        self.line: Any = modules.line.Line(self, epoch)
        self.net: Any = modules.serial_net.SerialNet(self.line)
        self._kept: list[Any] = []
        self._step = self.line.step  # until somebody connects, items are the test's

    def read(self, chunk: bytearray) -> int:
        came, self._to_board = self._to_board[: len(chunk)], self._to_board[len(chunk) :]
        chunk[: len(came)] = came
        return len(came)

    def write(self, view: memoryview) -> int:
        assert len(view) <= 64  # a pass of the background is short
        self._to_host += bytes(view)
        return len(view)

    def hears(
        self, kind: Kind, data: bytes = b"", *, seq: int = 0, ack: int = 0, src: int = HOST,
        dst: int = BOARD, conn: int = 1,
    ) -> list[Frame]:
        """What it says to that."""
        self._to_board += Frame(kind, conn, src, dst, seq, ack, data).encode()
        return self.passes(0)

    def passes(self, ms: int) -> list[Frame]:
        """What it says after so long."""
        self.now += ms
        for _ in range(12):
            self._step(self.now)
        said, self._to_host = self._to_host, b""
        frames = list(Decoder().feed(said))
        assert all(isinstance(frame, Frame) for frame in frames)
        return frames  # type: ignore[return-value]

    def connects(self) -> Any:
        self._step = self.net.step
        self.net.step(self.now)
        sock = self.net.socket()
        self._kept.append(sock)  # CPython would close what is forgotten
        with contextlib.suppress(OSError):
            sock.connect(("", 0))
        return sock

    def sends(self, data: bytes) -> None:
        self.line.send(Kind.DATA, 1, data, len(data), self.now)


def met() -> Board:
    board = Board()
    [first] = board.hears(Kind.PING, dst=0)
    assert (first.kind, first.src, first.dst) == (Kind.ACK, BOARD, HOST)  # as at its start
    return board


def test_a_ping_is_answered_and_what_is_not_a_question_is_not() -> None:
    board = met()
    [answer] = board.hears(Kind.PING)
    assert (answer.kind, answer.src, answer.dst, answer.ack) == (Kind.ACK, BOARD, HOST, 0)
    assert board.hears(Kind.ACK) == []


def test_who_names_no_life_of_its_own_is_nobody() -> None:
    board = Board()
    assert board.hears(Kind.PING, src=0) == [] and not board.line.up(0)
    board = met()
    assert board.hears(Kind.DATA, b"x", src=0) == [] and not board.line.kind
    assert [f.src for f in board.hears(Kind.PING)] == [BOARD]


def test_what_is_for_an_earlier_life_is_not_taken_and_the_host_is_told_the_new_one() -> None:
    board = met()
    board.sends(b"out")
    board.passes(0)
    [answer] = board.hears(Kind.DATA, b"old", ack=1, dst=BOARD - 1)
    assert answer.src == BOARD and not board.line.kind and not board.line.free()


def test_an_item_that_comes_again_is_acknowledged_again_and_taken_once() -> None:
    board = met()
    assert board.hears(Kind.DATA, b"one") == []  # not used up yet
    assert bytes(board.line.data[: board.line.n]) == b"one"
    board.line.taken()
    assert [f.ack for f in board.passes(0)] == [1]
    assert [f.ack for f in board.hears(Kind.DATA, b"one")] == [1] and not board.line.kind
    board.hears(Kind.DATA, b"two", seq=1)
    assert bytes(board.line.data[: board.line.n]) == b"two"


def test_an_acknowledgement_of_nothing_counts_for_nothing() -> None:
    board = met()
    board.hears(Kind.ACK, ack=1)
    board.sends(b"first")
    assert [f.seq for f in board.passes(0)] == [0]
    board.hears(Kind.ACK, ack=0)
    assert not board.line.free()
    board.hears(Kind.ACK, ack=1)
    assert board.line.free()
    board.sends(b"second")
    assert [f.seq for f in board.passes(0)] == [1]


def test_numbers_of_items_begin_anew_after_256_both_ways() -> None:
    board = met()
    for n in range(600):
        board.hears(Kind.DATA, b"%d" % n, seq=n & 0xFF)
        assert bytes(board.line.data[: board.line.n]) == b"%d" % n
        board.line.taken()
        board.sends(b"x")
        assert [(f.seq, f.ack) for f in board.passes(0)] == [(n & 0xFF, n + 1 & 0xFF)]
        board.hears(Kind.ACK, ack=n + 1 & 0xFF)


def test_with_a_new_host_nothing_of_before_goes_on() -> None:
    board = met()
    board.hears(Kind.DATA, b"unread")
    board.line.taken()
    board.passes(0)
    board.hears(Kind.DATA, b"unread, too", seq=1)
    board.sends(b"not taken")
    board.passes(0)
    lives = board.line.lives
    [answer] = board.hears(Kind.PING, src=HOST + 1)
    assert board.line.lives == lives + 1 and not board.line.kind and board.line.free()
    assert answer.src != BOARD and (answer.seq, answer.ack) == (0, 0)
    assert board.passes(60) == []


def test_a_host_that_was_away_finds_the_same_life_and_its_item() -> None:
    board = met()
    board.sends(b"waits")
    board.passes(0)
    assert board.passes(60000) == []
    said = board.hears(Kind.PING)
    assert {(f.kind, f.src) for f in said} == {(Kind.DATA, BOARD)}


def test_what_a_host_does_not_take_in_30_s_is_given_up_and_it_hears_so() -> None:
    board = met()
    board.sends(b"never taken")
    lives = board.line.lives
    for second in range(1, 30):
        board.passes(1000)
        assert {f.src for f in board.hears(Kind.PING)} <= {BOARD}, second
    [told] = board.passes(1000)
    assert told.src != BOARD and told.kind == Kind.ACK
    assert board.line.free() and board.line.lives == lives + 1


def test_no_life_has_the_number_that_means_nobody() -> None:
    board = Board(65536 - 257)
    board.hears(Kind.PING, dst=0)
    assert [f.src for f in board.hears(Kind.PING, src=HOST + 1)] == [1]


# --- the connection on it
def test_a_connection_opens_carries_and_ends() -> None:
    board = met()
    sock = board.connects()
    assert board.net.events() == 0 and sock.readinto(bytearray(9)) is None
    assert [f.kind for f in board.passes(0)] == [Kind.OPEN]
    board.hears(Kind.OPENED, ack=1)
    assert board.net.events() == POLLOUT and sock.readinto(bytearray(9)) is None
    assert sock.write(b"x" * 200) == 128 and sock.write(b"y") is None
    assert board.net.events() == 0
    board.hears(Kind.DATA, b"hello", seq=1, ack=2)
    assert board.net.events() == POLLIN | POLLOUT
    assert sock.read(3) == b"hel" and sock.read(9) == b"lo" and sock.read(9) is None
    answer = board.hears(Kind.CLOSE, seq=2, ack=2)[-1]
    assert answer.ack == 3 and board.net.events() & POLLERR and sock.read(9) == b""
    sock.close()
    assert board.passes(0) == []  # the other side knows


def test_what_is_closed_here_is_closed_there_and_its_words_are_thrown_away() -> None:
    for opened in (True, False):
        board = met()
        sock = board.connects()
        board.passes(0)
        if opened:
            board.hears(Kind.OPENED, ack=1)
        sock.close()
        said = board.passes(0)
        if not opened:  # the two cross
            said += board.hears(Kind.OPENED, ack=1)
        said += board.hears(Kind.DATA, b"late", seq=1, ack=1)
        assert Kind.CLOSE in [f.kind for f in said], opened
        assert not board.line.kind and board.net.events() & POLLERR


def test_words_of_an_earlier_connection_are_none_of_this_one() -> None:
    board = met()
    board.connects().close()
    board.passes(0)
    sock = board.connects()  # the second: ours are all for connection 1
    board.passes(0)
    board.hears(Kind.OPENED, ack=1)
    assert board.net.events() == 0
    board.hears(Kind.CLOSE, seq=1, ack=1)
    assert board.net.events() == 0 and sock.read(9) is None


def test_a_word_half_read_when_its_connection_closed_shortens_none_of_the_next() -> None:
    board = met()
    sock = board.connects()
    board.passes(0)
    board.hears(Kind.OPENED, ack=1)
    board.hears(Kind.DATA, b"half read", seq=1, ack=1)
    assert sock.read(4) == b"half"
    sock.close()
    board.passes(0)
    board.hears(Kind.ACK, ack=2)
    sock = board.connects()
    board.passes(0)
    board.hears(Kind.OPENED, seq=2, ack=3, conn=2)
    board.hears(Kind.DATA, b"whole", seq=3, ack=3, conn=2)
    assert sock.read(9) == b"whole"


def test_a_wish_of_the_old_life_is_none_of_the_new() -> None:
    board = met()
    board.sends(b"not taken")  # so the wish has to wait
    board.passes(0)
    board.connects()
    said = board.hears(Kind.PING, src=HOST + 1)
    assert [f.kind for f in said] == [Kind.ACK] and board.net.events() & POLLERR
    assert board.passes(500) == []


def test_nothing_opens_without_a_host() -> None:
    board = met()
    board.connects().close()
    board.passes(6000)
    with pytest.raises(OSError) as caught:
        board.net.socket().connect(("", 0))
    assert caught.value.args[0] == errno.EHOSTUNREACH
    assert board.net.socket().read(9) == b""
    with pytest.raises(OSError):
        board.net.socket().write(b"x")


def test_numbers_of_connections_begin_anew_after_255() -> None:
    board = met()
    seen = []
    for n in range(260):
        sock = board.connects()
        [opens] = board.passes(0)
        seen.append(opens.conn)
        board.hears(Kind.ACK, ack=2 * n + 1 & 0xFF)
        sock.close()
        board.passes(0)
        board.hears(Kind.ACK, ack=2 * n + 2 & 0xFF)
    assert seen == [*range(1, 256), 1, 2, 3, 4, 5]
