"""A TCP proxy that does to a connection what bad networks do.

`Proxy(port)` passes bytes on until told otherwise; `fault` may be changed while it runs.
"""

from __future__ import annotations

import contextlib
import random
import socket
import threading
import time
from dataclasses import dataclass, field

CHUNK = 4096


@dataclass
class Fault:
    """What happens to bytes, both ways.

    Args:
        delay_s: each chunk arrives so much later.
        piece: bytes handed on at once, 0: as they came.
        garble: probability of a flipped bit in a byte.
        swallow: bytes vanish, connections stay ("black hole").
        cut_after: the connection is reset after so many bytes towards the client, 0: never.
        refuse: new connections are closed at once.
    """

    delay_s: float = 0
    piece: int = 0
    garble: float = 0
    swallow: bool = False
    cut_after: int = 0
    refuse: bool = False


@dataclass
class Proxy:
    target: int
    fault: Fault = field(default_factory=Fault)
    seed: int = 1

    def __post_init__(self) -> None:
        self._random = random.Random(self.seed)
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = int(self._listener.getsockname()[1])
        self.connections = 0
        self._open: set[socket.socket] = set()
        self._lock = threading.Lock()
        threading.Thread(target=self._accept, daemon=True, name="proxy").start()

    @property
    def address(self) -> str:
        return f"127.0.0.1:{self.port}"

    def cut(self) -> None:
        """Resets every connection that stands."""
        with self._lock:
            for end in self._open:
                with contextlib.suppress(OSError):
                    end.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
                    end.shutdown(socket.SHUT_RDWR)

    def close(self) -> None:
        self._listener.close()
        self.cut()

    def _accept(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                client, _ = self._listener.accept()
                self.connections += 1
                if self.fault.refuse:
                    client.close()
                    continue
                try:
                    broker = socket.create_connection(("127.0.0.1", self.target), 5)
                except OSError:
                    client.close()
                    continue
                broker.settimeout(None)  # the five seconds were for connecting only
                for source, sink, down in ((client, broker, False), (broker, client, True)):
                    source.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                    self._open.add(source)
                    threading.Thread(
                        target=self._pass, args=(source, sink, down), daemon=True
                    ).start()

    def _pass(self, source: socket.socket, sink: socket.socket, down: bool) -> None:
        passed = 0
        with contextlib.suppress(OSError):
            while data := source.recv(CHUNK):
                fault = self.fault
                if fault.swallow:
                    continue
                if fault.delay_s:
                    time.sleep(fault.delay_s)
                if fault.garble:
                    data = self._garbled(data, fault.garble)
                if down and fault.cut_after:
                    data = data[: fault.cut_after - passed]
                step = fault.piece or len(data)
                for at in range(0, len(data), step):
                    sink.sendall(data[at : at + step])
                passed += len(data)
                if down and fault.cut_after and passed >= fault.cut_after:
                    break
        with self._lock:
            self._open.discard(source)
        for end in (source, sink):
            with contextlib.suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)
                end.close()

    def _garbled(self, data: bytes, probability: float) -> bytes:
        spoilt = bytearray(data)
        for i in range(len(spoilt)):
            if self._random.random() < probability:
                spoilt[i] ^= 1 << self._random.randrange(8)
        return bytes(spoilt)
