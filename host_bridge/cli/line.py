"""The serial gateway: boards without a radio reach the broker."""

from __future__ import annotations

import asyncio
import os
import ssl
import sys
from pathlib import Path
from typing import Annotated

import typer

from host_bridge import log
from host_bridge.cli.common import WrongUsage, explained
from host_bridge.settings import host_name


def gateway(
    ports: Annotated[
        list[str], typer.Argument(help="Serial ports, one board each: /dev/ttyACM0 …")
    ],
    mqtt: Annotated[
        str, typer.Option("--mqtt", help="Broker as host:port; IPv6 as [::1]:1883.")
    ] = "127.0.0.1:1883",
    tls_ca: Annotated[
        Path | None,
        typer.Option(help="CA certificate of the broker; turns on TLS between here and there."),
    ] = None,
    baud: Annotated[
        int, typer.Option(min=1200, max=3_000_000, help="Speed of a UART; not used over USB.")
    ] = 115200,
    console: Annotated[
        bool, typer.Option(help="Show what boards print between frames.")
    ] = True,
) -> None:
    """Connect boards on serial ports to the broker, until Ctrl-C.

    Example: `coffee-bridge gateway /dev/ttyACM0 --mqtt broker.example:8883 --tls-ca ca.pem`

    The board's setting `link` must be `usb` or `uart`; see docs/serial-line.md. If a port or
    the broker goes away, the gateway waits for it and reconnects.
    """
    from host_bridge.serial_line.gateway import Broker, Gateway, serve

    with explained():
        log.configure("info", "auto")
        each_once(ports)
        broker = Broker(*host_and_port(mqtt), _trust(tls_ca))
        show = _show if console else (lambda device, raw: None)
        try:
            asyncio.run(serve([Gateway(port, broker, baud, show) for port in ports]))
        except KeyboardInterrupt:
            raise typer.Exit from None


def each_once(ports: list[str]) -> None:
    """Raises WrongUsage: two names lead to one port, as a link in /dev/serial/by-id does; it would
    be lost to the second for ever."""
    known: dict[str, str] = {}
    for port in ports:
        place = os.path.realpath(port)
        if place in known:
            raise WrongUsage("PORTS", f"{port} is the same port as {known[place]}; give it once")
        known[place] = port


def host_and_port(broker: str) -> tuple[str, int]:
    """Of host:port; an IPv6 address stands in brackets.

    Raises: WrongUsage: it is none.
    """
    host, _, number = broker.rpartition(":")
    if not host or not number.isdecimal() or not 0 < int(number) < 65536:
        raise WrongUsage("--mqtt", f"{broker!r} is not host:port; give e.g. broker.example:1883")
    try:
        return host_name(host.removeprefix("[").removesuffix("]")), int(number)
    except ValueError as error:
        raise WrongUsage("--mqtt", str(error)) from error


def _trust(ca: Path | None) -> ssl.SSLContext | None:
    if ca is None:
        return None
    try:  # of --tls-ca=~/ca.pem no shell makes a path
        return ssl.create_default_context(cafile=ca.expanduser())
    except (OSError, RuntimeError, ssl.SSLError) as error:
        raise WrongUsage(
            "--tls-ca", f"{ca} is not a readable certificate ({error}); give the CA as PEM"
        ) from error


def _show(device: str, raw: bytes) -> None:
    sys.stdout.write(raw.decode("utf-8", "backslashreplace"))
    sys.stdout.flush()
