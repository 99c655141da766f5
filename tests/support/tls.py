"""A TLS front before a plain server, as a proxy would be: one thread a connection."""

from __future__ import annotations

import contextlib
import socket
import ssl
import threading
from datetime import datetime

import trustme


class TlsFront:
    """`with TlsFront(port, authority) as front`; the certificate is made out to localhost.

    Args:
        authority: who signed the front's certificate.
        since, until: when the certificate is valid; None: since long ago, for long.

    Attributes:
        refused: why clients would not have it, as the TLS library says.
    """

    def __init__(
        self, port: int, authority: trustme.CA, since: datetime | None = None,
        until: datetime | None = None,
    ) -> None:  # fmt: skip
        self._server_port = port
        self._tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        leaf = authority.issue_cert("localhost", not_before=since, not_after=until)
        leaf.configure_cert(self._tls)
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = int(self._listener.getsockname()[1])
        self.url = f"https://localhost:{self.port}"
        self.refused: list[str] = []

    def __enter__(self) -> TlsFront:
        threading.Thread(target=self._accept, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._listener.close()

    def _accept(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                client, _ = self._listener.accept()
                threading.Thread(target=self._serve, args=(client,), daemon=True).start()

    def _serve(self, client: socket.socket) -> None:
        with contextlib.suppress(OSError):
            try:
                secured = self._tls.wrap_socket(client, server_side=True)
            except ssl.SSLError as error:
                self.refused.append(str(error.reason))
                return
            server = socket.create_connection(("127.0.0.1", self._server_port))
            back = threading.Thread(target=_copy, args=(server, secured), daemon=True)
            back.start()
            _copy(secured, server)


def _copy(source: socket.socket, target: socket.socket) -> None:
    with contextlib.suppress(OSError):
        while block := source.recv(65536):
            target.sendall(block)
    with contextlib.suppress(OSError):
        target.shutdown(socket.SHUT_WR)
