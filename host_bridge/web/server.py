"""Runs the console inside the bridge process, in a thread with its own event loop."""

from __future__ import annotations

import os
import socket
import threading
import time
from collections.abc import Callable

import uvicorn
from fastapi import FastAPI

from host_bridge.service import Bridge
from host_bridge.settings import Settings
from host_bridge.web.address import ADDRESS_FILE, FOLDER, url
from host_bridge.web.app import build_app

_START_S = 30.0
_STOP_S = 5.0


class WebServer:
    """Serves the console at `settings.web.host`:`port`; port 0 takes a free one, see `url`.

    `build` is `build_app`, or `build_api` for the API alone: NiceGUI has one app a process, so a
    second console beside a first one can only be an API.

    Raises OSError from `listen`, or else `start`, when the address is taken or not ours.
    """

    def __init__(
        self, bridge: Bridge, settings: Settings, build: Callable[[Bridge], FastAPI] = build_app
    ) -> None:
        self._bridge = bridge
        self._build = build
        self._web = settings.web
        self._address = settings.data / FOLDER / ADDRESS_FILE
        self._listener: socket.socket | None = None
        self._server: uvicorn.Server | None = None
        self._thread: threading.Thread | None = None
        self.url = ""

    def listen(self) -> socket.socket:
        """Takes the address; who comes waits until `start`. Safe to call twice."""
        if self._listener is None:
            self._listener = _listen(self._web.host, self._web.port)
            self.url = url(self._web.host, self._listener.getsockname()[1])
        return self._listener

    def start(self) -> None:
        """Returns when requests are answered."""
        listener = self.listen()
        config = uvicorn.Config(
            self._build(self._bridge),
            log_config=None,
            access_log=False,
            server_header=False,
            timeout_graceful_shutdown=1,
            ws_max_size=1 << 20,
        )
        self._server = server = uvicorn.Server(config)
        self._thread = threading.Thread(
            target=server.run, kwargs={"sockets": [listener]}, name="web", daemon=True
        )
        self._thread.start()
        until_s = time.monotonic() + _START_S
        while not server.started:
            if not self._thread.is_alive() or time.monotonic() > until_s:
                raise OSError(f"the console did not start on {self.url}; see the log")
            time.sleep(0.02)
        self._address.parent.mkdir(parents=True, exist_ok=True)
        self._address.write_text(f"{self.url}\n")

    def stop(self) -> None:
        """Ends open connections and the thread. Safe to call twice."""
        if self._server is not None and self._thread is not None:
            self._server.should_exit = True
            self._thread.join(_STOP_S)
            self._server = None
            self._address.unlink(missing_ok=True)
        if self._listener is not None:
            self._listener.close()
            self._listener = None


def _listen(host: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        return socket.create_server((host, port), family=family, backlog=128)
    except (OSError, UnicodeError) as error:
        number = getattr(error, "errno", None) or 0  # below 0: of getaddrinfo
        why = os.strerror(number) if number > 0 else getattr(error, "strerror", None) or error
        raise OSError(
            f"web.host, web.port: cannot listen on {host}:{port}: {why}; give another --web-port "
            "or --web-host"
        ) from error
