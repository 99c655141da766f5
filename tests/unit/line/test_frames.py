"""Framing of the serial line, both implementations against each other: the host's and the
firmware's own file, here under CPython (tests/e2e/test_serial_line.py runs it on MicroPython)."""

from __future__ import annotations

from typing import Any
from zlib import crc32

import pytest
from hypothesis import given
from hypothesis import strategies as st

from host_bridge.serial_line.frames import DATA_ROOM, END, ESC, Decoder, Frame
from tests.unit.soft.on_cpython import firmware

frames = firmware("coffee_1900", "frames").frames

byte = st.integers(0, 255)
word = st.integers(0, 65535)
data = st.one_of(
    st.binary(max_size=DATA_ROOM),
    st.lists(
        st.sampled_from([END, ESC, 0, 3, 4, 10, 13, 0x7F, 65]), max_size=DATA_ROOM
    ).map(bytes),
)
frame = st.builds(Frame, kind=byte, conn=byte, src=word, dst=word, seq=byte, ack=byte, data=data)
# what stands on the line beside frames: console text, noise without the frame's own delimiter
text = st.text(max_size=60).map(lambda t: t.encode())
noise = st.binary(max_size=60)


class Board:
    """The firmware's reader, fed as a port feeds it: in chunks, many frames each."""

    def __init__(self) -> None:
        self._reader = frames.FrameReader()

    def feed(self, came: bytes) -> list[Frame]:
        found, at = [], 0
        while at < len(came):
            at = self._reader.feed(came, at, len(came))
            if self._reader.whole:
                r = self._reader
                found.append(
                    Frame(r.kind, r.conn, r.src, r.dst, r.seq, r.ack, bytes(r.data[: r.n]))
                )
        return found


class Host:
    def __init__(self) -> None:
        self._decoder = Decoder()

    def feed(self, came: bytes) -> list[Frame]:
        return [piece for piece in self._decoder.feed(came) if isinstance(piece, Frame)]


def put(f: Frame) -> bytes:
    writer = frames.FrameWriter()
    n = writer.put(f.kind, f.conn, f.src, f.dst, f.seq, f.ack, f.data, len(f.data))
    return bytes(writer.out[:n])


@given(frame)
def test_both_write_the_same_and_it_holds_no_control_character(wanted: Frame) -> None:
    raw = put(wanted)
    assert raw == wanted.encode()
    assert raw[0] == raw[-1] == END and END not in raw[1:-1]
    assert not any(b < 0x20 or b == 0x7F for b in raw)


@pytest.mark.parametrize("side", [Board, Host])
@given(wanted=st.lists(st.tuples(text, frame), max_size=6), cuts=st.lists(st.integers(1, 70)))
def test_frames_come_through_between_text_whatever_the_cuts(
    side: type[Any], wanted: list[tuple[bytes, Frame]], cuts: list[int]
) -> None:
    stream = b"".join(said + f.encode() for said, f in wanted)
    reader, found = side(), []
    for n in [*cuts, len(stream)]:
        found += reader.feed(stream[:n])
        stream = stream[n:]
    assert found == [f for _, f in wanted]


@pytest.mark.parametrize("side", [Board, Host])
@given(garbage=noise, wanted=frame)
def test_after_any_garbage_the_next_frame_is_read(
    side: type[Any], garbage: bytes, wanted: Frame
) -> None:
    assert side().feed(garbage + wanted.encode())[-1:] == [wanted]


@pytest.mark.parametrize("side", [Board, Host])
@given(wanted=frame, at=st.integers(0), change=st.integers(1, 255), after=frame)
def test_a_spoilt_byte_loses_one_frame_and_never_makes_a_wrong_one(
    side: type[Any], wanted: Frame, at: int, change: int, after: Frame
) -> None:
    raw = bytearray(wanted.encode())
    raw[at % len(raw)] ^= change
    assert side().feed(bytes(raw) + after.encode()) in ([after], [wanted, after])


@pytest.mark.parametrize("side", [Board, Host])
@given(wanted=frame, start=st.integers(0), n=st.integers(1, 300), after=frame)
def test_a_hole_in_the_stream_loses_one_frame(
    side: type[Any], wanted: Frame, start: int, n: int, after: Frame
) -> None:
    raw = wanted.encode()
    start %= len(raw)
    found = side().feed(raw[:start] + raw[start + n :] + after.encode())
    assert found in ([after], [wanted, after])


@given(st.lists(st.binary(max_size=200), max_size=8))
def test_both_see_the_same_frames_in_any_bytes(pieces: list[bytes]) -> None:
    board, host = Board(), Host()
    for piece in pieces:
        assert board.feed(piece) == host.feed(piece)


@given(said=st.lists(text, max_size=5), wanted=frame)
def test_the_console_s_text_is_told(said: list[bytes], wanted: Frame) -> None:
    decoder = Decoder()
    stream = wanted.encode() + b"".join(said) + b"\n" + wanted.encode()
    told = b"".join(p for p in decoder.feed(stream) if isinstance(p, bytes))
    assert told == b"".join(said) + b"\n"


@pytest.mark.parametrize("end", [Board, Host])
def test_a_check_that_is_wrong_in_any_of_its_bytes_makes_no_frame(end: Any) -> None:
    bare = b"DcABCD!#" + b"data"
    check = crc32(bare).to_bytes(4, "big")
    for k in range(4):
        wrong = bytearray(check)
        wrong[k] ^= 0x80
        assert end().feed(_framed(bare + bytes(wrong))) == [], k
    [read] = end().feed(_framed(bare + check))
    assert read.data == b"data"


@pytest.mark.parametrize("end", [Board, Host])
def test_what_is_too_long_or_not_escaped_makes_no_frame_though_it_checks(end: Any) -> None:
    bare = b"DcABCD!#" + b"x" * (DATA_ROOM + 1)
    assert end().feed(_framed(bare + crc32(bare).to_bytes(4, "big"))) == []
    raw = Frame(68, 99, 0x4142, 0x4344, 33, 35, b"a\nb").encode()
    assert len(end().feed(raw)) == 1
    assert end().feed(raw.replace(bytes((ESC, 10 ^ 0x40)), b"\n")) == []
    assert end().feed(raw[:-1] + bytes((ESC, END))) == []


def _framed(bare: bytes) -> bytes:
    escaped = b"".join(
        bytes((ESC, b ^ 0x40)) if b < 0x20 or b in (0x7F, END, ESC) else bytes((b,)) for b in bare
    )
    return bytes((END,)) + escaped + bytes((END,))
