# The packet reader: any cut of the stream gives the same packets; nothing makes it grow.
from incoming import Garbled, PacketReader
from peer import length, publish

ROOM = 200


def collect(reader, stream, cuts):
    # what the reader says of a stream that arrives in pieces ending at the cuts
    found = []
    start = 0
    for cut in list(cuts) + [len(stream)]:
        piece = stream[start:cut]
        at = 0
        while at < len(piece):
            at = reader.feed(piece, at, len(piece))
            if reader.whole():
                found.append(seen(reader))
        start = cut
    return found


def seen(reader):
    if reader.kind & 0xF0 != 0x30:
        return reader.kind, bytes(reader.view[: reader.length])
    topic, pid = reader.topic(), reader.packet_id()
    if reader.too_long():
        return reader.kind, topic, pid, reader.length
    return reader.kind, topic, pid, reader.payload()


STREAM = (
    b"\x20\x02\x01\x00" + publish(b"a/b", b"hello") + b"\xd0\x00"
    + publish(b"c", b"x" * 130, qos=1, pid=65535) + publish(b"", b"") + b"\x40\x02\x12\x34"
)
SEEN = [
    (0x20, b"\x01\x00"), (0x30, b"a/b", 0, b"hello"), (0xD0, b""),
    (0x32, b"c", 65535, b"x" * 130), (0x30, b"", 0, b""), (0x40, b"\x12\x34"),
]


def test_every_split_point_gives_the_same_packets():
    for cut in range(len(STREAM) + 1):
        assert collect(PacketReader(ROOM), STREAM, [cut]) == SEEN, cut


def test_every_pair_of_split_points_of_one_packet():
    stream = publish(b"c/d", b"y" * 140, qos=1, pid=7)
    want = [(0x32, b"c/d", 7, b"y" * 140)]
    for a in range(len(stream)):
        for b in range(a, len(stream)):
            assert collect(PacketReader(ROOM), stream, [a, b]) == want, (a, b)


def test_byte_by_byte():
    assert collect(PacketReader(ROOM), STREAM, range(len(STREAM))) == SEEN


def test_too_long_packet_is_counted_away_and_the_next_one_whole():
    for extra in (1, 2, 300, 70000):
        reader = PacketReader(ROOM)
        body = ROOM - 5 + extra
        stream = publish(b"big", b"z" * body, qos=1, pid=9) + publish(b"t", b"ok")
        found = collect(reader, stream, range(0, len(stream), 97))
        assert found == [(0x32, b"big", 9, 7 + body), (0x30, b"t", 0, b"ok")], extra
        assert len(reader.body) == ROOM


def test_packet_of_exactly_the_room():
    message = b"z" * (ROOM - 3)
    assert collect(PacketReader(ROOM), publish(b"t", message), []) == [(0x30, b"t", 0, message)]


def test_topic_that_has_no_room_is_no_topic():
    assert collect(PacketReader(ROOM), publish(b"t" * ROOM, b"m" * 9), [])[0][1] == b""


def test_length_of_five_bytes_is_garbled():
    reader = PacketReader(ROOM)
    try:
        reader.feed(b"\x30\xff\xff\xff\xff\x01", 0, 6)
    except Garbled:
        return
    assert False, "took a length of five bytes"


def test_longest_length_is_taken():
    reader = PacketReader(ROOM)
    head = b"\x30" + length(268435455)
    assert reader.feed(head, 0, 5) == 5
    assert reader.length == 268435455 and reader.too_long()


def test_topic_longer_than_its_packet_is_garbled():
    for packet in (b"\x30\x01\x00", b"\x30\x00", b"\x30\x03\x00\x09a", b"\x32\x03\x00\x01a",
                   b"\x36\x05\x00\x01a\x00\x01"):
        reader = PacketReader(ROOM)
        reader.feed(packet, 0, len(packet))
        try:
            reader.topic()
            reader.packet_id()
        except Garbled:
            continue
        assert False, packet


def test_reading_a_packet_allocates_nothing():
    import micropython

    reader = PacketReader(ROOM)
    stream = publish(b"c/d", b"y" * 140, qos=1, pid=7)
    n = len(stream)
    feed = reader.feed
    micropython.heap_lock()
    try:
        at = feed(stream, 0, 50)
        at = feed(stream, at, n)
        whole = reader.whole()
    finally:
        micropython.heap_unlock()
    assert whole and at == n


def test_random_bytes_only_ever_raise_garbled():
    seed = 1
    for _ in range(3000):
        reader = PacketReader(40)
        stream = bytearray(60)
        for i in range(60):
            seed = (seed * 1103515245 + 12345) & 0x7FFFFFFF
            stream[i] = seed >> 16 & 0xFF
        stream[1] &= 0x3F  # mostly short packets, or nothing but the first would be seen
        try:
            collect(reader, bytes(stream), [20, 40])
        except Garbled:
            pass
