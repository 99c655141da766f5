"""The network behind the access point: addresses, names, and the way to this computer.

10.0.0.1 is the router and this computer in one: a broker that listens on it is found there. Other
addresses are reached as they are. Answers come when the board's time allows, not this computer's.
"""

from __future__ import annotations

import asyncio
import contextlib
import socket
from collections.abc import Callable, Coroutine
from typing import Any

from rp2040py.external.cyw43 import nat, net

ROUTER = "10.0.0.1"
DNS_PORT = 53
HERE = "127.0.0.1"
TCP_AT = 34  # in a frame: behind the heads of Ethernet and IP

Way = Callable[[str, int], "tuple[str, int] | None"]


def by_this_computer(name: str) -> str | None:
    """Asks this computer's resolver; its own loopback is the router, seen from the board."""
    with contextlib.suppress(OSError):
        found = socket.gethostbyname(name)
        return ROUTER if found.startswith("127.") else found
    return None


def as_it_is(host: str, port: int) -> tuple[str, int] | None:
    """The router's ports are this computer's."""
    return (HERE, port) if host == ROUTER else (host, port)


class Lan:
    """DHCP, DNS and TCP for one board.

    Attributes:
        resolve: name → address; None: there is no such name.
        way: (host, port) of a connection → where it leads; None: its packets vanish.
        silent: nothing gets through, and nobody is told; the Wi-Fi stands.
        names_served: whether the name server answers at all.
        asked: names that were asked for.
        connects: connections that were asked for.
        brought: bytes that connections brought to the board so far.
    """

    def __init__(self) -> None:
        self.resolve: Callable[[str], str | None] = by_this_computer
        self.way: Way = as_it_is
        self.silent = False
        self.names_served = True
        self.asked: list[str] = []
        self.connects = 0
        self.brought = 0
        self._writers: list[asyncio.StreamWriter] = []
        self._loop = asyncio.new_event_loop()
        self._arp = nat.ArpResponder()
        self._dhcp = nat.DhcpServer()
        self._send: Callable[[bytes], None] = lambda frame: None
        self._tcp: nat.TcpReflector | None = None

    def attach(self, send: Callable[[bytes], None]) -> None:
        """send: takes an Ethernet frame for the board."""
        self._send = send
        loop: Any = self
        self._tcp = nat.TcpReflector(loop, self._bring, connect_fn=self._connect)

    def take(self, frame: bytes) -> None:
        """An Ethernet frame of the board's."""
        eth = net.parse_ethernet(frame)
        if eth is None or self.silent:
            return
        answer = self._arp.maybe_handle(eth) or self._dhcp.maybe_handle(eth) or self._name(eth)
        if answer:
            self._send(answer)
        elif self._tcp and (ip := self._ipv4(eth)):
            self._tcp.maybe_handle(eth, ip)

    def step(self) -> None:
        """Lets the connections go on, as far as they can now."""
        self._loop.call_soon(self._loop.stop)
        self._loop.run_forever()

    def cut(self) -> None:
        """The far ends of all connections are gone; the board is told."""
        for writer in self._writers:
            writer.transport.abort()
        self._writers.clear()
        self.step()

    def forget(self) -> None:
        """All connections end; the board is not told."""
        self._writers.clear()
        if self._tcp:
            self._tcp.reset()
        while tasks := asyncio.all_tasks(self._loop):
            for task in tasks:
                task.cancel()
            self.step()

    def schedule_threadsafe(self, work: Coroutine[Any, Any, None]) -> None:
        """For the reflector: begins work in the loop that step() drives."""
        self._loop.create_task(work)

    async def _connect(
        self, host: str, port: int
    ) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        self.connects += 1
        if way := self.way(host, port):
            reader, writer = await asyncio.open_connection(*way)
            self._writers.append(writer)
            return reader, writer
        await asyncio.Event().wait()
        raise AssertionError

    def _bring(self, frame: bytes) -> None:
        if self.silent:
            return
        self.brought += len(frame) - TCP_AT - (frame[TCP_AT + 12] >> 4) * 4
        self._send(frame)

    @staticmethod
    def _ipv4(eth: Any) -> Any:
        return net.parse_ipv4(eth.payload) if eth.ethertype == net.ETHERTYPE_IPV4 else None

    def _name(self, eth: Any) -> bytes | None:
        ip = self._ipv4(eth)
        udp = net.parse_udp(ip.payload) if ip and ip.proto == net.IP_PROTO_UDP else None
        if udp is None or udp.dst_port != DNS_PORT or not self.names_served:
            return None
        reply = self._found(udp.payload)
        reply = net.pack_udp(ip.dst_ip, ip.src_ip, DNS_PORT, udp.src_port, reply)
        packet = net.pack_ipv4(ip.dst_ip, ip.src_ip, net.IP_PROTO_UDP, reply)
        return bytes(net.pack_ethernet(eth.src_mac, eth.dst_mac, net.ETHERTYPE_IPV4, packet))

    def _found(self, query: bytes) -> bytes:
        """The answer to one question of type A (RFC 1035, 4.1)."""
        labels, at = [], 12
        while size := query[at]:
            labels.append(query[at + 1:at + 1 + size].decode())
            at += 1 + size
        question = query[12:at + 5]
        self.asked.append(".".join(labels))
        address = self.resolve(self.asked[-1])
        if address is None:
            return query[:2] + b"\x81\x83\0\1\0\0\0\0\0\0" + question
        record = b"\xc0\x0c\0\1\0\1\0\0\0\x3c\0\4" + socket.inet_aton(address)
        return query[:2] + b"\x81\x80\0\1\0\1\0\0\0\0" + question + record
