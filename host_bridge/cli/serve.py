"""Commands that serve: the bridge, the small broker; and how to get into the console."""

from __future__ import annotations

import asyncio
import contextlib
import signal
import time
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from host_bridge import log
from host_bridge.cli import api
from host_bridge.cli.common import (
    Config,
    Data,
    WebPort,
    WrongUsage,
    err,
    explained,
    must_have_run,
    settings,
)
from host_bridge.service import Bridge
from host_bridge.settings import Settings, load
from host_bridge.web.address import FOLDER

if TYPE_CHECKING:
    from host_bridge.web.server import WebServer

MqttHost = Annotated[
    str | None, typer.Option("--mqtt-host", help="Broker address; default: 127.0.0.1.")
]
MqttPort = Annotated[int | None, typer.Option("--mqtt-port", help="Broker port; default: 1883.")]
WebHost = Annotated[
    str | None,
    typer.Option("--web-host", help="Console address; default: 127.0.0.1 (this computer only)."),
]

RunPort = Annotated[
    int | None,
    typer.Option("--web-port", help="Console port; default: 8080. 0 picks a free one."),
]


def run(
    config: Config = None,
    data: Data = None,
    mqtt_host: MqttHost = None,
    mqtt_port: MqttPort = None,
    web_host: WebHost = None,
    web_port: RunPort = None,
    web: Annotated[bool, typer.Option(help="Also serve the console and API.")] = True,
) -> None:
    """Run the bridge and its web console, until Ctrl-C or SIGTERM.

    Example: `coffee-bridge run --data /var/lib/coffee --mqtt-host broker.example`

    It starts without a broker and connects when there is one. Defaults, TLS, users and
    everything else come from coffee.toml (`[mqtt] ca_file, cert_file, key_file`).
    """
    with explained():
        chosen = load(
            config,
            data=data,
            mqtt={"host": mqtt_host, "port": mqtt_port},
            web={"host": web_host, "port": web_port},
        )
        log.configure(chosen.log, chosen.log_format)
        serve(chosen, web)


def serve(chosen: Settings, web: bool) -> None:
    """Raises DatabaseError (folder in use) and OSError (console's port taken)."""
    asked = asked_to_end(signal.SIGTERM, signal.SIGINT)
    with ExitStack() as running:
        bridge = Bridge(chosen)
        running.callback(bridge.stop)
        server = _listening(bridge, running) if web else None
        bridge.start()
        if server is not None:
            server.start()
            with contextlib.suppress(OSError):  # nobody may be reading it
                err.print(f"console: {server.url}")
        until_asked(asked)


def _listening(bridge: Bridge, running: ExitStack) -> WebServer:
    """Before the bridge meets the broker: one that cannot stay would take the session of the one
    that runs already."""
    from host_bridge.web.server import WebServer  # a second of imports nobody else needs

    server = WebServer(bridge, bridge.settings)
    running.callback(server.stop)
    server.listen()
    return server


def asked_to_end(*numbers: signal.Signals) -> list[int]:
    """Gets the number of each of these signals that comes from now on."""
    asked: list[int] = []
    for number in numbers:
        signal.signal(number, lambda number, _frame: asked.append(number))
    return asked


def until_asked(asked: list[int], look_s: float = 0.2) -> None:
    """Waits for asked_to_end().

    By looking, because nothing that waits for ever is sure to wake: a signal that comes just
    before it blocks is noted but not handled, and an Event's set() in the handler takes a lock
    that the wait() it interrupts may hold.
    """
    while not asked:
        time.sleep(look_s)


def broker(
    port: Annotated[int, typer.Option(min=1, max=65535, help="Port to listen on.")] = 1883,
    host: Annotated[
        str, typer.Option(help="Address to listen on; 0.0.0.0 for all interfaces.")
    ] = "127.0.0.1",
    data: Annotated[Path | None, typer.Option(help="Accepted, but not used.")] = None,
) -> None:
    """Run a small MQTT broker for trying things out (no login, nothing stored).

    Example: `coffee-bridge broker --port 1884 --host 0.0.0.0`

    It listens on this computer only, unless you give --host. Nothing survives a restart: use
    mosquitto or another broker for real machines.
    """
    from host_bridge.mqtt.broker import serve as serve_broker

    with explained():
        if not host:  # it would mean all interfaces, and everybody may say anything there
            raise WrongUsage("--host", "is empty; give an address, or 0.0.0.0 for all")
        asyncio.run(serve_broker(host, port))


def token(config: Config = None, data: Data = None) -> None:
    """Show the token needed to act in the console and API; keep it secret.

    Example: `curl -H "Authorization: Bearer $(coffee-bridge token)" …`
    """
    with explained():
        chosen = settings(config, data)
        if chosen.web.token is None:
            must_have_run(chosen)
        typer.echo(api.token(chosen))


def login(config: Config = None, data: Data = None, web_port: WebPort = None) -> None:
    """Print a link that logs a browser in, once and within ten minutes."""
    from host_bridge.web.auth import new_ticket

    with explained():
        chosen = settings(config, data, web_port)
        must_have_run(chosen)
        base = api.address(chosen, web_port).replace("//127.0.0.1:", "//localhost:")
        ticket = new_ticket(Path(chosen.data) / FOLDER)
        typer.echo(f"{base}/login/once/{ticket}")
        if not api.answers(base):
            err.print(f"bridge: nothing answers at {base} yet; start it with `run`, then log in")
