"""The emulated radio and the network behind it, spoken to as the driver and lwIP do.

What they do with the driver and lwIP themselves: tests/hil/test_wifi.py, where there is an image.
"""

from __future__ import annotations

import socket
import struct
from collections.abc import Callable, Iterator

import pytest
from rp2040py.external.cyw43 import bus, net

from simulator.emulated.lan import ROUTER, Lan
from simulator.emulated.radio import SET_KEY, Radio

BOARD_MAC, BOARD_IP = b"\x00\x10\x18\x00\x00\x02", socket.inet_aton("10.0.0.2")
ROUTER_MAC, ROUTER_IP = b"\x02\x00\x00\x00\x00\x01", socket.inet_aton(ROUTER)
SYN, ACK, RST, FIN = net.TCP_SYN, net.TCP_ACK, net.TCP_RST, net.TCP_FIN
STEPS = 20_000


class Board:
    """The board's side of the Lan: frames out, frames in."""

    def __init__(self) -> None:
        self.came: list[bytes] = []
        self.lan = Lan()
        self.lan.attach(self.came.append)

    def ip(self, protocol: int, payload: bytes) -> None:
        packet = net.pack_ipv4(BOARD_IP, ROUTER_IP, protocol, payload)
        self.lan.take(net.pack_ethernet(ROUTER_MAC, BOARD_MAC, net.ETHERTYPE_IPV4, packet))

    def tcp(self, port: int, flags: int, seq: int, ack: int = 0, payload: bytes = b"") -> None:
        self.ip(net.IP_PROTO_TCP, net.pack_tcp(
            BOARD_IP, ROUTER_IP, 40_000, port, seq=seq, ack=ack, flags=flags, window=4096,
            payload=payload))

    def segment(self, true: Callable[[net.TcpSegment], object]) -> net.TcpSegment:
        """The first that came and is so; lets the Lan go on until then."""
        for _ in range(STEPS):
            while self.came:
                eth = net.parse_ethernet(self.came.pop(0))
                packet = net.parse_ipv4(eth.payload) if eth else None
                found = net.parse_tcp(packet.payload) if packet else None
                if found and true(found):
                    return found
            self.lan.step()
        raise AssertionError("no such segment came")

    def ask(self, name: str) -> bytes:
        """The payload of the name server's answer."""
        question = b"".join(bytes([len(p)]) + p.encode() for p in name.split(".")) + b"\0"
        query = b"\x12\x34\1\0\0\1\0\0\0\0\0\0" + question + b"\0\1\0\1"
        self.ip(net.IP_PROTO_UDP, net.pack_udp(BOARD_IP, ROUTER_IP, 5353, 53, query))
        eth = net.parse_ethernet(self.came.pop())
        assert eth
        packet = net.parse_ipv4(eth.payload)
        assert packet
        udp = net.parse_udp(packet.payload)
        assert udp and udp.dst_port == 5353
        return bytes(udp.payload)


@pytest.fixture
def board() -> Iterator[Board]:
    made = Board()
    yield made
    made.lan.forget()


def test_names(board: Board) -> None:
    board.lan.resolve = {"broker.example": "192.0.2.7"}.get
    known = board.ask("broker.example")
    assert known[:4] == b"\x12\x34\x81\x80"
    assert known.endswith(b"\0\4" + socket.inet_aton("192.0.2.7"))
    assert board.ask("nowhere.example")[3] & 0x0F == 3
    board.lan.names_served = False
    with pytest.raises(IndexError):
        board.ask("broker.example")
    assert board.lan.asked == ["broker.example", "nowhere.example"]


def test_this_computers_own_names_lead_to_the_router(board: Board) -> None:
    assert board.ask("localhost").endswith(socket.inet_aton(ROUTER))


def test_a_connection_there_and_back_and_its_end(board: Board) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        board.tcp(port, SYN, 100)
        open_ = board.segment(lambda s: s.flags == SYN | ACK)
        far, _ = server.accept()
        board.tcp(port, ACK, 101, open_.seq + 1, b"there")
        assert board.segment(lambda s: s.ack == 106)
        far.settimeout(10)
        assert far.recv(100) == b"there"
        far.sendall(b"back")
        assert board.segment(lambda s: s.payload).payload == b"back"
        assert board.lan.brought == 4
        board.lan.cut()
        assert board.segment(lambda s: s.flags & (FIN | RST))
        assert far.recv(100) == b""
        far.close()


def test_a_port_that_nobody_listens_at_and_one_that_swallows(board: Board) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
    board.tcp(port, SYN, 100)
    assert board.segment(lambda s: s.flags & RST)
    board.lan.way = lambda host, port: None
    board.tcp(port, SYN, 100)
    for _ in range(100):
        board.lan.step()
    assert not board.came and board.lan.connects == 2


# --- the chip
class Chip:
    """What Radio.attach() asks of simulator.emulated.chip.Chip."""

    def __init__(self) -> None:
        self.mcu = self
        self.gpio = dict.fromkeys((23, 24, 25, 29), self)

    def add_listener(self, listener: object) -> None:
        pass

    def set_input_value(self, level: bool) -> None:
        pass

    def alarm(self, callback: object) -> Chip:
        return self

    def schedule(self, ns: float) -> None:
        pass


def ioctl(radio: Radio, command: int, body: bytes) -> list[tuple[int, int, int]]:
    """The driver's request; the events (type, status, flags) that follow its answer."""
    size = bus.SDPCM_HEADER_LEN + bus.IOCTL_HEADER_LEN + len(body)
    head = struct.pack("<HHBBBBBBH", size, size ^ 0xFFFF, 0, bus.CONTROL_HEADER, 0, 12, 0, 0, 0)
    chip = radio._bus
    assert chip
    chip._write_wlan(head + struct.pack("<IIII", command, len(body), 0, 0) + body)
    return events(radio)


def events(radio: Radio) -> list[tuple[int, int, int]]:
    chip = radio._bus
    assert chip
    found = []
    while chip._rx_packet:
        packet = chip._read_wlan(len(chip._rx_packet)).to_bytes(2048, "little")
        if packet[5] & 0x0F == bus.ASYNCEVENT_HEADER:
            flags, kind, status = struct.unpack_from(">HII", packet, 12 + 4 + 14 + 10 + 2)
            found.append((kind, status, flags))
    return found


def join(radio: Radio, ssid: str, key: str) -> list[tuple[int, int, int]]:
    ioctl(radio, SET_KEY, struct.pack("<HH", len(key), 1) + key.encode())
    return ioctl(radio, bus.WLC_SET_SSID, struct.pack("<I", len(ssid)) + ssid.encode())


def test_who_gets_in() -> None:
    radio = Radio("cafe", "espresso")
    radio.attach(Chip())
    link_up = (bus.CYW43_EV_LINK, 0, 1)
    assert link_up in join(radio, "cafe", "espresso")
    assert (bus.CYW43_EV_SET_SSID, 3, 0) in join(radio, "bar", "espresso")
    refused = join(radio, "cafe", "lungo")
    assert link_up not in refused and refused[-1][0] == bus.CYW43_EV_PSK_SUP
    assert (radio.joins, radio.refused) == (1, 2)
    radio.on_air = False
    assert events(radio) == [(bus.CYW43_EV_LINK, 0, 0)]
    assert link_up not in join(radio, "cafe", "espresso")


def test_what_a_scan_hears() -> None:
    radio = Radio("cafe")
    radio.attach(Chip())
    assert len(ioctl(radio, bus.WLC_SET_VAR, b"escan\0")) == 2
    assert radio._bus and b"\x04cafe\0" in radio._bus._build_scan_result_bytes()
    radio.on_air = False
    events(radio)
    assert ioctl(radio, bus.WLC_SET_VAR, b"escan\0") == [(bus.CYW43_EV_ESCAN_RESULT, 0, 0)]
