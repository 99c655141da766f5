"""XML-RPC: `execute` with login and key or password, for servers before Odoo 19.

Positions instead of names, because the oldest of them have no keyword arguments. XML-RPC has
32-bit ints and no null: bigger numbers go as text, null as false, a fact's payload as JSON text,
and characters that XML has not as U+FFFD.
"""

from __future__ import annotations

import re
import threading
import xmlrpc.client
from typing import Any, Final
from xml.parsers.expat import ExpatError

import msgspec

from host_bridge.gateway.odoo_rpc import (
    KEY_REFUSED,
    MODEL,
    NO_ADDON,
    OLD_ADDON,
    Failed,
    Http,
    NoSuchRoute,
    no_database,
    no_rights,
)
from host_bridge.gateway.port import Transient

PATH: Final = "/xmlrpc/2/"
USER_ERROR, ACCESS_DENIED, ACCESS_ERROR = 2, 3, 4
_FRAMES: Final = re.compile(r"^Traceback.*\n(?:[ \t].*\n)*", re.MULTILINE)
"""Where an exception came from; what it says comes behind, and may have more lines than one."""
_UNREADABLE: Final = (
    ExpatError, ValueError, TypeError, LookupError, ArithmeticError, AttributeError,
    xmlrpc.client.ResponseError,
)  # fmt: skip
"""What xmlrpc.client raises on XML that is no answer, such as a proxy's page."""
_NO_XML: Final = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
"""A call with one of these in it no server can read, and all machines would wait for it."""


class XmlRpc:
    def __init__(self, http: Http, database: str, login: str, key: str) -> None:
        self._http = http
        self._database = database
        self._login = login
        self._key = key
        self._lock = threading.Lock()
        self._uid: int | None = None

    def call(self, method: str, arguments: dict[str, Any]) -> Any:
        values = [narrow(value) for value in arguments.values()]
        try:
            return self._post(
                "object",
                "execute",
                self._database,
                self._user(),
                self._key,
                MODEL,
                method,
                *values,
            )
        except xmlrpc.client.Fault as fault:
            raise self._refusal(fault) from None  # its traceback may quote what we sent

    def server_version(self) -> str:
        """Raises Transient, or NoSuchRoute when this is no Odoo."""
        try:
            found = self._post("common", "version")
            return str(found["server_version"])
        except (xmlrpc.client.Fault, KeyError, TypeError):
            raise NoSuchRoute(
                f"gateway.url: {self._http.url} does not answer like an Odoo; correct the address"
            ) from None

    def _user(self) -> int:
        with self._lock:
            if self._uid is None:
                try:
                    uid = self._post("common", "login", self._database, self._login, self._key)
                except xmlrpc.client.Fault as fault:
                    raise self._refusal(fault) from None
                if not isinstance(uid, int) or isinstance(uid, bool):
                    raise Transient(
                        f"gateway.login, gateway.key: Odoo does not accept them for "
                        f"{self._login!r} in database {self._database!r}; correct them"
                    )
                self._uid = uid
            return self._uid

    def _post(self, service: str, method: str, *values: Any) -> Any:
        body = xmlrpc.client.dumps(values, method, encoding="utf-8").encode()
        answer = self._http.post(f"{PATH}{service}", body, {"Content-Type": "text/xml"})
        try:
            (found,), _ = xmlrpc.client.loads(answer.content)
            return found
        except _UNREADABLE:
            raise NoSuchRoute(
                f"gateway.url: {self._http.url} answers HTTP {answer.status_code} to XML-RPC; "
                "correct the address, or allow XML-RPC in the proxy in front of it"
            ) from None

    def _refusal(self, fault: xmlrpc.client.Fault) -> Transient:
        text = str(fault.faultString).strip()
        last = _raised(text) if text else "no reason given"
        if fault.faultCode == ACCESS_DENIED:
            self._uid = None
            return Transient(KEY_REFUSED)
        if fault.faultCode == ACCESS_ERROR:
            return no_rights(text)
        if MODEL in last and ("doesn't exist" in last or "does not exist" in last):
            return Transient(OLD_ADDON if "method" in last else NO_ADDON)
        if f'database "{self._database}" does not exist' in text:
            return no_database(self._database)
        if last.startswith("TypeError: ") and ("argument" in last):
            return Transient(f"{OLD_ADDON} ({last[:200]})")
        if fault.faultCode == USER_ERROR:
            return Transient(f"Odoo: {text[:500]}")
        name, _, message = last.partition(": ")
        return Failed(name if "." in name else f"builtins.{name}", message)


def _raised(text: str) -> str:
    """Name and first line of the exception that ended it; PostgreSQL's go on with its SQL."""
    _, *behind = _FRAMES.split(text)
    return behind[-1].partition("\n")[0] if behind else text.splitlines()[-1]


def narrow(value: Any) -> Any:
    """As XML-RPC can carry it."""
    if value is None:
        return False
    if isinstance(value, msgspec.Raw):
        return _NO_XML.sub(lambda found: f"\\u{ord(found[0]):04x}", bytes(value).decode())
    if isinstance(value, str):
        return _NO_XML.sub("\ufffd", value)
    if isinstance(value, bool) or not isinstance(value, (int, dict, list, tuple)):
        return value
    if isinstance(value, int):
        return value if -(2**31) < value < 2**31 else str(value)
    if isinstance(value, dict):
        return {narrow(str(name)): narrow(part) for name, part in value.items()}
    return [narrow(part) for part in value]
