"""Who the machine is and where its broker is, written over the cable.

Secrets are asked for without echo, or come from a file or the environment; they never stand on a
command line or in a message.
"""

from __future__ import annotations

import ipaddress
import os
import re
import ssl
import time
import tomllib
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

from host_bridge.board.device import Device
from host_bridge.board.errors import BoardError
from host_bridge.board.flash import Progress, Say
from host_bridge.board.words import command

ENVIRONMENT: Final = "COFFEE_BOARD_"
CA_ON_BOARD: Final = "ca.der"
LINKS: Final = ("wifi", "usb", "uart")
SECRET: Final = ("wifi_key", "broker_password", "command_key")
QUESTIONS: Final = (
    ("machine", "machine name (a-z, 0-9, -)"),
    ("link", "link to the broker: wifi, usb or uart"),
    ("wifi_ssid", "Wi-Fi network name (SSID)"),
    ("wifi_key", "Wi-Fi key"),
    ("wifi_country", "Wi-Fi country, such as DE; - for the channels allowed everywhere"),
    ("broker_host", "broker name or address"),
    ("broker_port", "broker port; 0 for the default"),
    ("broker_user", "broker user"),
    ("broker_password", "broker password"),
    ("broker_ca", "file of the broker's CA certificate; - for no TLS"),
    ("command_key", "key that signs commands; - for none"),
)
_NUMBERS: Final = (
    "broker_port", "uart_baud", "button_slot", "brew_setpoint_mc", "steam_setpoint_mc",
    "descale_l")
_FLAGS: Final = ("broker_tls",)
_TEXTS: Final = {name for name, _ in QUESTIONS} - set(_NUMBERS) | {"autotune"}
_CLEARED: Final = {name for name, _ in QUESTIONS} - {"machine", "link", "broker_port"}
"""Where - makes empty what is asked for."""
_OVER_SERIAL: Final = (
    "wifi_ssid", "wifi_key", "wifi_country", "broker_host", "broker_port", "broker_ca")
NO_AUTHORITY: Final = (
    "broker_ca: this is not a CA's certificate; unless it is the broker's own and signed by "
    "itself, the machine will not trust the broker: give the CA's alone, not a chain")

FIRST_OF_MANY: Final = (
    "broker_ca: there are several certificates in this file; the machine trusts only the first "
    "one: give the CA's alone")

NO_HOST: Final = (
    "give a name or an address alone, such as broker.example or 192.0.2.10: no mqtt://, no "
    "blanks, no brackets; the port goes into broker_port")

WPA_LEAST: Final = 8
"""Bytes of a Wi-Fi key: with less no network can be joined."""
NO_KEY: Final = (
    f"it has at least {WPA_LEAST} characters; give the network's whole key, or none for one that "
    "is open")

Ask = Callable[[str, str, bool], str]
"""(setting, question, secret) → what was typed; "" leaves it as it is, "-" makes it empty."""


def gather(file: Path | None, ask: Ask | None) -> dict[str, Any]:
    """Settings from the file, then the environment (COFFEE_BOARD_WIFI_KEY …), then by asking.

    Raises:
        BoardError: an unreadable file, a number that is none or a value of a kind no setting has.
    """
    found: dict[str, Any] = {}
    if file:
        file = Path(os.path.expanduser(file))  # of --from=~/kitchen.toml no shell makes a path
        try:
            found = tomllib.loads(file.read_text("utf-8-sig"))  # some editors put a mark first
        except (OSError, ValueError, RecursionError) as error:  # a number, or lists, without end
            raise BoardError(
                f"{file}: {error}; give a TOML settings file in UTF-8, with lines such as "
                'machine = "kitchen"') from error
        _look_beside(file, found)
    for name, value in os.environ.items():
        if name.startswith(ENVIRONMENT):
            found[name.removeprefix(ENVIRONMENT).lower()] = value
    if ask:
        for name, question in QUESTIONS:
            if name in found or (found.get("link", "wifi") != "wifi" and name in _OVER_SERIAL):
                continue
            if said := _answer(ask, name, question):
                found[name] = "" if said == "-" else said
                if name == "broker_ca":
                    found["broker_tls"] = said != "-"
    for name in _NUMBERS:
        if isinstance(found.get(name), str):
            try:
                found[name] = int(found[name])
            except ValueError:
                raise BoardError(f"{name}: {found[name]!r} is no number; give digits") from None
    for name in _FLAGS:  # the environment knows only texts
        if isinstance(found.get(name), str):
            if found[name].lower() not in ("true", "false"):
                raise BoardError(f"{name}: {found[name]!r} is not a flag; give true or false")
            found[name] = found[name].lower() == "true"
    if unfit := [f"{name}: {wrong}" for name in found if (wrong := _unfit(name, found[name]))]:
        raise BoardError("\n".join(unfit))
    return found


def _look_beside(file: Path, found: dict[str, Any]) -> None:
    """A CA that the file names is looked for beside it, then in the working directory."""
    named = found.get("broker_ca")
    if named and named != "-" and isinstance(named, str):
        named = os.path.expanduser(named)
        beside = file.parent / named
        if os.path.exists(beside) or not os.path.exists(named):  # Path's own raises: too long
            found["broker_ca"] = str(beside)


def _unfit(name: str, value: Any) -> str | None:
    """Of what cannot even be sent, or not as it was meant; the value may be a secret."""
    if isinstance(value, str):
        if not _is_utf8(value):
            return "it is not UTF-8; set the terminal or shell to UTF-8"
        if value == "-" and name in _CLEARED:
            return 'write "" to clear it; - does so only where one is asked'
        if name == "broker_ca" and "-----BEGIN" in value:
            return "give the path of the certificate's file, not what is in it"
        if name == "wifi_key" and 0 < len(value.encode()) < WPA_LEAST:
            return NO_KEY
        return NO_HOST if name == "broker_host" and not _is_host(value) else None
    if name in _TEXTS:
        return f'it is no text; put it in quotes, as in {name} = "…"'
    if isinstance(value, int):
        return None
    return "give a text in quotes, a whole number, or true or false"


def _is_host(text: str) -> bool:
    """What the machine can look up: it takes the whole text for a name, a port too."""
    if ":" not in text:
        return not text or bool(re.fullmatch(r"[\w-]+(\.[\w-]+)*\.?", text, re.ASCII))
    try:
        ipaddress.IPv6Address(text)
    except ValueError:
        return False
    return True


def _is_utf8(text: str) -> bool:
    """Python keeps other bytes of the environment and of a terminal as lone surrogates."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def _answer(ask: Ask, name: str, question: str) -> str:
    """Asked again until it can be; what only the board knows it says later."""
    said = ask(name, question, name in SECRET)
    while said and (wrong := _wrong(name, said)):
        said = ask(name, f"{wrong}\n{question}", name in SECRET)
    return said


def _wrong(name: str, said: str) -> str | None:
    if said == "-" and name in _CLEARED:
        return None
    if unfit := _unfit(name, said):
        return unfit
    if name == "machine" and (said == "-" or not re.fullmatch("[a-z0-9-]{1,32}", said)):
        return "give 1 to 32 characters of a-z, 0-9 and -; a name can be changed, but not cleared"
    if name == "link" and said not in LINKS:
        return f"give one of {', '.join(LINKS)}"
    if name == "wifi_country" and not re.fullmatch("[A-Za-z]{2}", said):
        return "give two letters, or -"
    if name == "broker_port" and not (said.isascii() and said.isdigit() and int(said) < 65536):
        return "give a number from 0 to 65535"
    if name == "broker_ca":
        try:
            _certificate({name: said})
        except BoardError as error:
            return str(error)
    return None


def provision(port: str, settings: dict[str, Any], progress: Progress) -> dict[str, Any]:
    """Writes them, starts the machine and sees it come up; what the board now holds, secrets only
    as whether they are set.

    Raises:
        BoardError: names each field that cannot be; nothing is written then.
    """
    settings = dict(settings)
    certificate = _certificate(settings, progress.say)
    with Device(port, progress.waits) as device:
        device.interrupt()
        if not device.hold():
            raise BoardError(f"{port}: no firmware on this board; run {command('flash')} first")
        with device.letting_go():
            wrong = device.run("settings", f"problems({settings!r})")
            if wrong:
                raise BoardError("\n".join(f"{name}: {message}" for name, message in wrong))
            if certificate:
                device.put(CA_ON_BOARD, certificate, lambda n: None)
            now_ms = time.time_ns() // 1_000_000
            shown: dict[str, Any] = device.run("settings", f"put({settings!r}, {now_ms})")
        device.release()
        birth = device.wait_birth()
    progress.say(f"{birth['machine']} is up again with its new settings")
    return shown


def _certificate(settings: dict[str, Any], say: Say = lambda line: None) -> bytes | None:
    """The CA as DER (boards read no PEM); the setting then names the file on the board. Without a
    CA there is no TLS either."""
    name = settings.get("broker_ca")
    if name is None:
        return None
    settings.setdefault("broker_tls", bool(name))
    if not name:
        return None
    try:
        file = Path(os.path.expanduser(name)).read_bytes()
        content = _der(file)
    except (OSError, ValueError) as error:
        raise BoardError(f"broker_ca: {name}: {error}; give a CA certificate file") from error
    if not _authorities(content):
        say(NO_AUTHORITY)
    elif file.count(ssl.PEM_HEADER.encode()) > 1:
        say(FIRST_OF_MANY)
    settings["broker_ca"] = CA_ON_BOARD
    return content


def _der(content: bytes) -> bytes:
    """Raises OSError or ValueError: it is no certificate a board could trust today."""
    _, begin, rest = content.partition(ssl.PEM_HEADER.encode())
    if begin:  # some tools write in plain text what it says before it
        body, end, _ = rest.partition(ssl.PEM_FOOTER.encode())
        content = ssl.PEM_cert_to_DER_cert((begin + body + end).decode())
    for authority in _authorities(content):
        until = str(authority["notAfter"])
        if ssl.cert_time_to_seconds(until) < time.time():
            raise ValueError(f"expired on {until}; it must be renewed first")
    return content


def _authorities(der: bytes) -> list[Any]:
    """The certificate as ssl describes it, if it is a CA's. Raises OSError, ValueError: it is none
    at all."""
    trusted = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    trusted.load_verify_locations(cadata=der)
    return trusted.get_ca_certs()
