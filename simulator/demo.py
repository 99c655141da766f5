"""`make run`: broker, both simulated machines, bridge and console on this computer.

Starts the parts in order, shows how far it is, prints the addresses, restarts a part that dies
aloud, and on Ctrl-C stops all of it in order. What the parts do is their own affair.
"""

from __future__ import annotations

import argparse
import errno
import signal
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from types import FrameType

import paho.mqtt.client as mqtt
from paho.mqtt.enums import CallbackAPIVersion
from rich.console import Console
from rich.markup import escape
from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

from simulator.parts import Part, PartFailed, listening_error, outcome, port_answers

MACHINES = {"sim-1900": "1900", "sim-2900": "2900"}
START_S = 60.0
RESTARTS_MAX = 20
CURES = {
    "port": "make run PORT=…",
    "mqtt_port": "make run MQTT_PORT=…",
    "panel_port": "make run PORT=… (the front panels take the next one)",
}


class Births:
    """Which machines are online, from their retained `status`."""

    def __init__(self, port: int) -> None:
        self._port = port
        self._online: set[str] = set()
        self._client: mqtt.Client | None = None

    def online(self, machine: str) -> bool:
        if self._client is None:
            self._watch()
        return machine in self._online

    def _watch(self) -> None:
        client = mqtt.Client(CallbackAPIVersion.VERSION2)
        client.on_connect = lambda c, *_: c.subscribe("coffee/v1/+/status", 1)
        client.on_message = self._on_message
        client.connect("127.0.0.1", self._port)
        client.loop_start()
        self._client = client

    def _on_message(self, _client: object, _user: object, message: mqtt.MQTTMessage) -> None:
        machine = message.topic.split("/")[2]
        if b'"online":true' in message.payload.replace(b" ", b""):
            self._online.add(machine)
        else:
            self._online.discard(machine)

    def close(self) -> None:
        if self._client:
            self._client.disconnect()
            self._client.loop_stop()


def http_ok(url: str) -> bool:
    with suppress(urllib.error.URLError, OSError), urllib.request.urlopen(url, timeout=2) as reply:
        return bool(reply.status == 200)
    return False


def make_parts(options: argparse.Namespace, births: Births) -> list[Part]:
    """In starting order; they stop the other way round."""
    data: Path = options.data
    broker = f"127.0.0.1:{options.mqtt_port}"

    def part(name: str, arguments: list[str], healthy: object) -> Part:
        assert callable(healthy)
        return Part(name, arguments, data / "logs" / f"{name}.log", healthy)

    machines = [
        word for name, model in MACHINES.items() for word in ("--model", model, "--name", name)
    ]
    return [
        part(
            "broker",
            ["host_bridge", "broker", "--port", str(options.mqtt_port), "--data", str(data)],
            lambda: port_answers(options.mqtt_port),
        ),
        part(
            "bridge",
            ["host_bridge", "run", "--data", str(data), "--mqtt-port", str(options.mqtt_port),
             "--web-port", str(options.port)],
            lambda: http_ok(f"http://127.0.0.1:{options.port}/healthz"),
        ),
        part(
            "machines",
            ["simulator", *machines, "--broker", broker, "--data", str(data / "machines"),
             "--panel-port", str(options.panel_port), "--speed", str(options.speed)],
            lambda: all(births.online(name) for name in MACHINES),
        ),
    ]


@contextmanager
def progress(console: Console) -> Iterator[Progress]:
    columns = (SpinnerColumn(finished_text="✓"), TextColumn("{task.description}"))
    with Progress(*columns, TimeElapsedColumn(), console=console) as shown:
        yield shown


def start_all(parts: list[Part], console: Console) -> None:
    with progress(console) as shown:
        tasks = {part.name: shown.add_task(part.name, total=1, start=False) for part in parts}
        for part in parts:
            shown.start_task(tasks[part.name])
            part.start()
            part.wait_healthy(START_S)
            shown.update(tasks[part.name], completed=1)


def login_link(options: argparse.Namespace) -> str:
    """A console address that logs in once, made by the bridge's own command."""
    said = ""
    with suppress(subprocess.TimeoutExpired):  # on a busy computer: the address alone will do
        said = subprocess.run(
            [sys.executable, "-m", "host_bridge", "login", "--data", str(options.data),
             "--web-port", str(options.port)],
            capture_output=True, text=True, timeout=30,
        ).stdout
    return said.strip() or f"http://localhost:{options.port}"


def announce(options: argparse.Namespace, console: Console) -> None:
    for name, address in (
        ("console", login_link(options)),
        ("front panels", f"http://localhost:{options.panel_port}"),
        ("MQTT broker", f"localhost:{options.mqtt_port}"),
    ):
        console.print(f"[bold]{name:13}[/bold] {address}", soft_wrap=True, highlight=False)
    console.print(
        f"watch all     mosquitto_sub -p {options.mqtt_port} -v -t 'coffee/#'   (Ctrl-C stops)",
        soft_wrap=True, highlight=False,
    )


def keep_up(parts: list[Part], console: Console) -> int:
    """For ever: a part that dies is started again, and said so. 1 when one won't."""
    while True:
        time.sleep(0.5)
        for part in parts:
            code = part.ended()
            if code is None:
                continue
            part.restarts += 1
            if part.restarts > RESTARTS_MAX:
                console.print(f"[red]{part.name} keeps stopping[/red]\n{escape(part.tail())}")
                return 1
            console.print(f"{part.name} stopped ({outcome(code)}); restarting it")
            time.sleep(min(part.restarts, 5))
            part.start()


def stop_all(parts: list[Part], console: Console) -> None:
    """Machines first, so that the bridge still takes their last facts; the broker last."""
    with suppress(OSError):  # the terminal may have gone
        console.print("stopping …", end=" ")
    for part in reversed(parts):
        part.stop()
    with suppress(OSError):
        console.print("stopped")


def parse(arguments: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m simulator.demo", description=(__doc__ or "").split("\n\n")[0]
    )
    parser.add_argument("--port", default="8080", help="port of the web console (make run PORT=)")
    parser.add_argument(
        "--mqtt-port", default="1883", help="port of the broker (make run MQTT_PORT=)"
    )
    parser.add_argument("--panel-port", help="port of the front panels; default: PORT + 1")
    parser.add_argument("--data", default="data", help="data folder (make run DATA=)")
    parser.add_argument("--speed", type=float, default=1.0, help="simulated seconds per second")
    options = parser.parse_args(arguments)
    if options.panel_port is None and options.port.isdecimal():
        options.panel_port = str(int(options.port) + 1)
    return options


def refused(options: argparse.Namespace) -> list[str]:
    """What stands against starting, a line each; afterwards ports are numbers, data is a path."""
    return refused_ports(options) or refused_data(options)


def refused_ports(options: argparse.Namespace) -> list[str]:
    words = {name: getattr(options, name) or "" for name in CURES}
    wrong = [
        f"{words[name]!r} is not a port; give a number from 1 to 65535: {CURES[name]}"
        for name in CURES
        if not (words[name].isdecimal() and 0 < int(words[name]) < 65536)
        and not (name == "panel_port" and options.panel_port is None)  # none was given: of PORT
    ]
    if wrong:
        return wrong
    for name, word in words.items():
        setattr(options, name, int(word))
    if len({int(word) for word in words.values()}) < len(words):
        return [
            f"console {options.port}, front panels {options.panel_port} and broker "
            f"{options.mqtt_port} need three different ports; {CURES['mqtt_port']}"
        ]
    return [
        f"port {getattr(options, name)} {why}; choose another: {cure}"
        for name, cure in CURES.items()
        if (why := _not_free(getattr(options, name)))
    ]


def _not_free(port: int) -> str:
    error = listening_error(port)
    if error is None:
        return ""
    if error.errno == errno.EADDRINUSE:
        return "is already in use"
    return f"cannot be opened ({error.strerror})"


def refused_data(options: argparse.Namespace) -> list[str]:
    if not options.data.strip():
        return ["DATA is empty; give a folder: make run DATA=data"]
    options.data = Path(options.data)
    try:
        (options.data / "logs").mkdir(parents=True, exist_ok=True)
        tempfile.TemporaryFile(dir=options.data / "logs").close()
    except OSError as error:
        why = error.strerror
        return [f"DATA={options.data} cannot be written to ({why}); give another folder"]
    return []


def main(arguments: list[str] | None = None) -> int:
    options = parse(arguments)
    console = Console(emoji=False)
    if reasons := refused(options):
        console.print("\n".join(reasons), highlight=False, soft_wrap=True, markup=False)
        return 2
    stopping: list[int] = []  # no Event: one that is set by a signal's handler may hang

    def ask_to_stop(number: int, _frame: FrameType | None) -> None:
        if stopping:
            return
        stopping.append(number)
        raise KeyboardInterrupt  # leaves whatever waits; a second Ctrl-C changes nothing

    for wanted in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(wanted, ask_to_stop)
    births = Births(options.mqtt_port)
    parts = make_parts(options, births)
    try:
        start_all(parts, console)
        announce(options, console)
        return keep_up(parts, console)
    except KeyboardInterrupt:
        return 0
    except PartFailed as failure:
        console.print(str(failure), style="red", highlight=False, markup=False, soft_wrap=True)
        return 1
    finally:
        stopping.append(0)
        births.close()
        stop_all(parts, console)


if __name__ == "__main__":
    sys.exit(main())
