"""JSON-2, from Odoo 19 on: `POST /json/2/<model>/<method>`, a bearer key, named arguments."""

from __future__ import annotations

import re
from typing import Any, Final

import httpx
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

_NO_DATABASE: Final = "X-Odoo-Database"
"""Stands in the page Odoo answers with when no database fits."""
_UNSENDABLE: Final = re.compile(r"[^\x20-\x7e]|^ | $")
"""What no HTTP header can carry; the client's own complaint would quote the key."""


class Json2:
    def __init__(self, http: Http, database: str | None, key: str) -> None:
        self._http = http
        self._database = database
        self._key = key
        self._headers = {
            "Authorization": f"Bearer {key}",
            "Content-Type": "application/json",
            **({} if database is None else {"X-Odoo-Database": database}),
        }

    def call(self, method: str, arguments: dict[str, Any]) -> Any:
        self._check_headers()
        body = msgspec.json.encode(arguments)
        answer = self._http.post(f"/json/2/{MODEL}/{method}", body, self._headers)
        content = _json(answer)
        if answer.is_success and content is not None:
            return content
        raise self._refusal(answer, content)

    def _check_headers(self) -> None:
        for name, value in (("key", self._key), ("database", self._database or "")):
            if _UNSENDABLE.search(value):
                raise Transient(
                    f"gateway.{name}: has a character that no HTTP header can carry (a space or a "
                    'line break at the end?); remove it, or set transport = "xmlrpc"'
                )

    def _refusal(self, answer: httpx.Response, content: Any) -> Transient:
        if not isinstance(content, dict) or "name" not in content:
            if _NO_DATABASE in answer.text:
                return no_database(self._database)
            return NoSuchRoute(
                f"gateway.url: {self._http.url} answers HTTP {answer.status_code}, unlike "
                "an Odoo 19; correct the address"
            )
        name, message = str(content["name"]), str(content.get("message", ""))
        if answer.status_code == httpx.codes.UNAUTHORIZED:
            return Transient(KEY_REFUSED)
        if answer.status_code == httpx.codes.NOT_FOUND:
            return Transient(NO_ADDON if "model" in message else OLD_ADDON)
        if name == "odoo.exceptions.AccessError":
            return no_rights(message)
        if name == "odoo.exceptions.AccessDenied":
            return Transient(KEY_REFUSED)
        if name == "werkzeug.exceptions.UnprocessableEntity":
            return Transient(f"{OLD_ADDON} ({message[:200]})")
        if name == "odoo.exceptions.UserError":
            return Transient(f"Odoo: {message[:500]}")
        return Failed(name, message)


def _json(answer: httpx.Response) -> Any:
    try:
        return msgspec.json.decode(answer.content)
    except msgspec.DecodeError:
        return None
