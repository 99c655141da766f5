"""Firmware's and host's end of the serial line over a line that loses, spoils, repeats and is cut:
what arrives is what was sent, once and in order, and the two always find each other again."""

from __future__ import annotations

import contextlib
import itertools
import random
from types import SimpleNamespace
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from host_bridge.serial_line.channel import Began, Channel
from host_bridge.serial_line.frames import Decoder, Frame, Kind
from tests.unit.soft.on_cpython import firmware

STEP_S = 0.01
TICKS = 1 << 30  # the board's milliseconds begin anew here


class Wire:
    """One direction. `spoil` permille of bytes are changed, `lose` lost, `repeat` sent twice."""

    def __init__(self, chance: random.Random) -> None:
        self._chance = chance
        self.spoil = self.lose = self.repeat = 0
        self.cut = False
        self._bytes = b""
        self.old: list[bytes] = []

    def put(self, raw: bytes) -> None:
        self.old.append(raw)
        if self.cut:
            return
        for b in raw:
            die = self._chance.randrange(1000)
            if die < self.spoil:
                b ^= 1 << self._chance.randrange(8)
            if die < 1000 - self.lose:
                self._bytes += bytes((b,))

        if self._chance.randrange(1000) < self.repeat:
            self._bytes += raw

    def replay(self, n: int) -> None:
        """Old bytes come again, out of their time."""
        if self.old:
            self._bytes += self.old[n % len(self.old)]

    def get(self, n: int) -> bytes:
        came, self._bytes = self._bytes[:n], self._bytes[n:]
        return came


class Pair:
    """A board's SerialNet and a host's Channel, ten milliseconds a step. The host does what the
    gateway does, with an echo for a broker: what the board writes comes back."""

    def __init__(self, seed: int) -> None:
        chance = random.Random(seed)
        self.to_board, self.to_host = Wire(chance), Wire(chance)
        self.now = 0.0
        self._lives = itertools.count(1)
        self.start_host()
        self.start_board()

    def start_board(self) -> None:
        modules = firmware("coffee_1900", "line", "serial_net")
        modules.line.time = SimpleNamespace(
            ticks_ms=self._ticks_ms, ticks_add=lambda a, b: (a + b) % TICKS,
            ticks_diff=lambda a, b: (a - b + TICKS // 2) % TICKS - TICKS // 2,
        )
        self.line = modules.line.Line(self, next(self._lives))
        self.net = modules.serial_net.SerialNet(self.line)
        self.sock: Any = None
        self.echoed = b""
        self.written = b""

    def start_host(self) -> None:
        self.channel = Channel(self.now)
        self.conn = 0
        self.echo = b""
        self.busy = False  # it answers, and takes nothing

    # --- the board's port
    CHUNK = 64

    def read(self, chunk: bytearray) -> int:
        came = self.to_board.get(len(chunk))
        chunk[: len(came)] = came
        return len(came)

    def write(self, view: memoryview) -> int:
        self.to_host.put(bytes(view))
        return len(view)

    # --- time
    def _ticks_ms(self) -> int:
        return int(self.now * 1000) % TICKS

    def run(self, seconds: float, say: bytes = b"") -> None:
        until = self.now + seconds
        while self.now < until:
            self.now += STEP_S
            self._host()
            self.net.step(self._ticks_ms())
            say = self._board(say)

    def _host(self) -> None:
        channel = self.channel
        if any(isinstance(e, Began) for e in channel.feed(self.to_host.get(4096), self.now)):
            self.conn = 0
        item = None if self.busy else channel.item
        if item:
            if item.kind == Kind.OPEN:
                self.conn, self.echo, self.greets = item.conn, b"", True
            elif item.kind == Kind.CLOSE:
                self.conn = 0
            elif item.conn == self.conn:
                self.echo += item.data
            channel.taken()
        if channel.free and self.conn:
            if self.greets:
                channel.offer(Kind.OPENED, self.conn, b"", self.now)
                self.greets = False
            elif self.echo:
                channel.offer(Kind.DATA, self.conn, self.echo[:128], self.now)
                self.echo = self.echo[128:]
        elif channel.free and item and item.kind == Kind.DATA:
            channel.offer(Kind.CLOSE, item.conn, b"", self.now)
        raw, began = channel.due(self.now)
        if began:
            self.conn = 0
        if raw:
            self.to_board.put(raw)

    def _board(self, say: bytes) -> bytes:
        if self.sock is None:
            if self.net.up:
                self.moved_at = self.now
                self.sock = self.net.socket()
                self.echoed = self.written = b""
                with contextlib.suppress(OSError):
                    self.sock.connect(("", 0))
            return say
        events = self.net.events()
        # the owner (link.py) gives up what does not open, or answers no ping
        if events & 4 and self.echoed == self.written:
            self.moved_at = self.now
        if events & 8 or self.now - self.moved_at > 25:
            self.sock.close()
            self.sock = None
            return say
        if events & 4 and say:
            n = self.sock.write(say, 0, len(say)) or 0
            self.written += say[:n]
            say = say[n:]
        buf = bytearray(256)
        if n := self.sock.readinto(buf):
            self.echoed += bytes(buf[:n])
            self.moved_at = self.now
        # whatever happened, within one connection the stream is whole
        assert self.written.startswith(self.echoed)
        return say

    def works(self) -> None:
        """A clean line from here on: a connection stands and carries a message both ways."""
        for wire in (self.to_board, self.to_host):
            wire.spoil = wire.lose = wire.repeat = 0
            wire.cut = False
        self.carries(90)

    def carries(self, limit_s: float) -> None:
        """Some connection brings two hundred bytes there and back within the time."""
        until = self.now + limit_s
        while self.now < until:
            self.run(1, b"<" * 200 if self.echoed == self.written else b"")
            if len(self.echoed) >= 200 and self.echoed == self.written:
                return
        raise AssertionError(f"no way through after {limit_s} s")


permille = st.integers(0, 30)
trouble = st.one_of(
    st.tuples(st.just("noise"), permille, permille, st.integers(0, 500)),
    st.tuples(st.just("cut"), st.booleans(), st.booleans()),
    st.tuples(st.just("replay"), st.booleans(), st.integers(0, 1000)),
    st.tuples(st.just("board")),
    st.tuples(st.just("host")),
)


@settings(max_examples=60, deadline=None)
@given(
    seed=st.integers(0, 2**32), message=st.binary(min_size=300, max_size=900),
    troubles=st.lists(st.tuples(trouble, st.floats(0.01, 8)), max_size=6),
)
def test_streams_are_whole_and_the_line_comes_back(
    seed: int, message: bytes, troubles: list[tuple[Any, float]]
) -> None:
    pair = Pair(seed)
    pair.run(2, message)
    for (what, *how), seconds in troubles:
        if what == "noise":
            for wire in (pair.to_board, pair.to_host):
                wire.spoil, wire.lose, wire.repeat = how
        elif what == "cut":
            pair.to_board.cut, pair.to_host.cut = how
        elif what == "replay":
            (pair.to_board if how[0] else pair.to_host).replay(how[1])
        elif what == "board":
            pair.start_board()
        else:
            pair.start_host()
        pair.run(seconds, message)
    pair.works()


def test_a_clean_line_repeats_nothing() -> None:
    pair = Pair(1)
    pair.run(1)
    assert pair.sock is not None and pair.net.events() & 4
    message = bytes(range(256)) * 16
    pair.run(5, message)
    assert pair.echoed == message
    assert pair.line.resent == pair.channel.resent == 0


def test_one_byte_in_a_hundred_spoilt_still_carries_everything() -> None:
    pair = Pair(7)
    pair.to_board.spoil = pair.to_host.spoil = 10
    pair.carries(600)
    assert pair.line.resent + pair.channel.resent > 0


def test_a_board_that_hears_no_host_says_nothing() -> None:
    pair = Pair(1)
    pair.to_board.cut = True
    pair.run(30)
    assert not pair.to_host.old


def test_a_host_that_falls_silent_is_noticed_and_found_again() -> None:
    pair = Pair(1)
    pair.run(2)
    assert pair.net.up
    pair.to_board.cut = True
    pair.run(6)
    assert not pair.net.up and pair.sock is None
    pair.works()


def test_what_the_host_does_not_take_does_not_pile_up() -> None:
    pair = Pair(1)
    pair.run(1)
    pair.to_host.cut = True
    pair.run(3, b"x" * 5000)
    assert len(pair.written) == 128, "one item under way, the rest is still the owner's"


def test_a_board_that_starts_again_after_a_new_host_is_taken_for_new() -> None:
    # the first meeting with a new host makes the board change its epoch, too: into none that it
    # has in its next life
    pair = Pair(1)
    pair.run(2, b"x" * 300)
    pair.start_host()
    pair.works()
    pair.start_board()
    pair.carries(8)  # not after the half minute in which two lives would find each other out


def test_a_host_that_has_been_gone_for_a_week_is_still_gone() -> None:
    pair = Pair(1)
    pair.run(2)
    pair.to_board.cut = True
    pair.run(6)
    said = len(pair.to_host.old)
    for _ in range(30):  # further than the board's milliseconds tell before from after
        pair.now += 12 * 3600
        pair.run(0.1)
        assert not pair.net.up
    assert len(pair.to_host.old) == said
    pair.works()


def test_a_new_host_ends_the_connection_at_once() -> None:
    pair = Pair(1)
    pair.run(2, b"x" * 300)
    before = pair.sock
    pair.start_host()
    pair.run(3)
    assert before is not None and pair.sock is not before


def test_a_host_that_is_busy_for_20_s_keeps_the_connection() -> None:
    pair = Pair(1)
    pair.run(1)
    before = pair.sock
    pair.busy = True
    pair.run(20, b"x" * 100)
    pair.busy = False
    pair.run(5)
    assert pair.sock is before and pair.echoed == b"x" * 100


def test_what_a_cut_held_up_goes_on_within_four_seconds_of_its_end() -> None:
    pair = Pair(1)
    pair.run(1)
    before = pair.sock
    pair.to_host.cut = True
    pair.run(20, b"x" * 100)
    pair.to_host.cut = False
    pair.run(4.5)
    assert pair.sock is before and pair.echoed == b"x" * 100
    assert pair.line.resent == 8  # after 0.5, 1, 2, and then each 4 s


def test_two_that_have_lost_each_others_count_begin_anew() -> None:
    for end in ("line", "channel"):
        pair = Pair(1)
        pair.run(2)
        other: Any = getattr(pair, end)
        other._next = (other._next + 7) & 0xFF
        pair.works()


# --- the host's end alone
def _board_says(
    kind: Kind, ack: int, dst: int, data: bytes = b"", seq: int = 0, src: int = 7
) -> bytes:
    return Frame(kind, 1, src, dst, seq, ack, data).encode()


def _said(channel: Channel, now_s: float) -> Frame | None:
    for frame in Decoder().feed(channel.due(now_s)[0]):
        assert isinstance(frame, Frame)
        return frame
    return None


def _met() -> tuple[Channel, int]:
    """A channel that knows the board with epoch 7, and its own epoch."""
    channel = Channel(0)
    [hello] = Decoder().feed(channel.due(0)[0])
    assert isinstance(hello, Frame)
    assert [type(e) for e in channel.feed(_board_says(Kind.ACK, 0, hello.src), 0)] == [Began]
    return channel, hello.src


def _items(channel: Channel, until_s: float) -> list[float]:
    """When an item was written, the board answering pings and taking nothing."""
    at = []
    for n in range(int(until_s * 100)):
        said = channel.due(n / 100)[0]
        for frame in Decoder().feed(said):
            assert isinstance(frame, Frame)
            if frame.kind == Kind.DATA:
                at.append(n / 100)
            channel.feed(_board_says(Kind.ACK, 0, frame.src), n / 100)
    return at


def test_the_host_sends_again_ever_more_patiently() -> None:
    channel, _ = _met()
    channel.offer(Kind.DATA, 1, b"x", 0)
    assert _items(channel, 20) == [0, 0.5, 1.5, 3.5, 7.5, 11.5, 15.5, 19.5]
    assert channel.resent == 7 and not channel.free


def test_what_is_said_to_another_life_of_the_host_is_not_for_this_one() -> None:
    channel, me = _met()
    channel.offer(Kind.DATA, 1, b"x", 0)
    channel.due(0)
    other = me % 65535 + 1
    channel.feed(_board_says(Kind.DATA, 1, other, b"old"), 0.1)
    assert not channel.free and channel.item is None
    assert channel.due(0.1)[0]  # and is told who this is
    channel.feed(_board_says(Kind.DATA, 1, me, b"new"), 0.2)
    assert channel.free and channel.item is not None and channel.item.data == b"new"


def test_a_board_is_silent_after_15_s_without_a_frame() -> None:
    channel, me = _met()
    assert not channel.silent(15) and channel.silent(15.01)
    channel.feed(b"text is no frame\n", 10)
    assert channel.silent(15.01)
    channel.feed(_board_says(Kind.ACK, 0, me), 20)
    assert not channel.silent(35)


def test_the_host_pings_each_second_and_sleeps_meanwhile() -> None:
    channel, me = _met()
    assert channel.due(0.5) == (b"", False) and abs(channel.wait_s(0.5) - 0.5) < 0.001
    assert channel.due(1)[0] and channel.due(1.99) == (b"", False) and channel.due(2)[0]
    channel.feed(_board_says(Kind.PING, 0, me), 2.1)
    assert channel.wait_s(2.1) == 0 and channel.due(2.1)[0]  # an answer is owed
    assert channel.due(2.2) == (b"", False)
    channel.offer(Kind.DATA, 1, b"x", 2.2)
    assert channel.wait_s(2.2) == 0 and channel.due(2.2)[0]
    assert abs(channel.wait_s(2.2) - 0.5) < 0.001


def test_a_board_that_names_no_life_of_its_own_is_nobody() -> None:
    channel, me = _met()
    assert channel.feed(_board_says(Kind.DATA, 0, me, b"x", src=0), 0.1) == []
    assert channel.item is None


def test_numbers_go_round_and_an_item_that_comes_again_is_acknowledged_again() -> None:
    channel, me = _met()
    channel.feed(_board_says(Kind.ACK, 1, me), 0)  # of nothing
    for n in range(600):
        channel.feed(_board_says(Kind.DATA, n & 0xFF, me, b"%d" % n, n & 0xFF), 0.5)
        assert channel.item is not None and channel.item.data == b"%d" % n
        channel.taken()
        channel.offer(Kind.DATA, 1, b"x", 0.5)
        said = _said(channel, 0.5)
        assert said and (said.seq, said.ack) == (n & 0xFF, n + 1 & 0xFF)
        channel.feed(_board_says(Kind.ACK, n + 1 & 0xFF, me), 0.5)
        assert channel.free
    assert _said(channel, 0.5) is None
    channel.feed(_board_says(Kind.DATA, 88, me, b"599", 87), 0.5)
    again = _said(channel, 0.5)
    assert channel.item is None and again and (again.kind, again.ack) == (Kind.ACK, 88)


def test_a_board_that_answers_and_takes_nothing_for_30_s_meets_another_life() -> None:
    channel, me = _met()
    channel.feed(_board_says(Kind.DATA, 0, me, b"unread"), 0)
    channel.offer(Kind.DATA, 1, b"never taken", 0)
    for second in range(31):
        assert not channel.due(second)[1], second
        channel.feed(_board_says(Kind.ACK, 0, me), second)
    assert channel.due(30.01)[1]
    told = _said(channel, 31)
    assert told and told.kind == Kind.PING and told.src != me and (told.seq, told.ack) == (0, 0)
    assert channel.free and channel.item is None


def test_a_board_that_is_away_is_not_one_that_takes_nothing() -> None:
    channel, me = _met()
    channel.offer(Kind.DATA, 1, b"waits", 0)
    for second in range(120):
        assert not channel.due(second)[1], second
    channel.feed(_board_says(Kind.ACK, 0, me), 120)
    assert not channel.due(121)[1] and not channel.free
