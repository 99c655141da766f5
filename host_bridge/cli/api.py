"""Asks the running bridge over its HTTP API, with the token of its data folder."""

from __future__ import annotations

import http.client
import json
import os
import urllib.error
import urllib.parse
import urllib.request
from typing import Any, Final

from host_bridge.settings import Settings
from host_bridge.web.address import ADDRESS_FILE, FOLDER, url

TIMEOUT_S: Final = 20.0
_direct: Final = urllib.request.build_opener(urllib.request.ProxyHandler({}))
"""Past any http_proxy: it has no way to this computer's bridge, and would get the token."""


class ApiError(Exception):
    """The bridge refused or is not there; the text names the field and the cure."""


def token(settings: Settings) -> str:
    """From the settings, else the one kept in the data folder (made if there is none)."""
    from host_bridge.web.auth import access_token

    if settings.web.token is not None:
        return settings.web.token.get_secret_value()
    return access_token(settings.data / "web")


def address(settings: Settings, web_port: int | None) -> str:
    """Where the bridge listens: what the command line says, else what the running bridge left in
    its data folder, else what the settings say."""
    left = settings.data / FOLDER / ADDRESS_FILE
    if web_port is None and left.is_file():
        return left.read_text().strip()
    return url(settings.web.host, settings.web.port)


def answers(base: str) -> bool:
    """Whether somebody listens there."""
    try:
        with _direct.open(f"{base}/healthz", timeout=TIMEOUT_S):
            return True
    except urllib.error.HTTPError:
        return True  # it has problems of its own, but pages
    except (urllib.error.URLError, TimeoutError, http.client.HTTPException):
        return False


class Api:
    def __init__(self, settings: Settings, web_port: int | None = None) -> None:
        self._base = address(settings, web_port)
        self._settings = settings

    def call(
        self, method: str, path: str, body: dict[str, Any] | None = None, wait_s: float = 0
    ) -> Any:
        """The answer decoded, None for an empty one.

        Raises:
            ApiError: refused, or no bridge answers.
        """
        user = urllib.parse.quote(os.environ.get("USER", "cli"))
        request = urllib.request.Request(
            f"{self._base}/api/{path}{'&' if '?' in path else '?'}on_behalf_of={user}",
            method=method,
            data=None if body is None else json.dumps(body).encode(),
            headers={
                "Authorization": f"Bearer {token(self._settings)}",
                "Content-Type": "application/json",
            },
        )
        try:
            with _direct.open(request, timeout=TIMEOUT_S + wait_s) as answer:
                return _decoded(answer.read())
        except urllib.error.HTTPError as error:
            answer_body = _decoded(error.read())
            if error.code == 409:  # the machine's own refusal is an answer, not an error
                return answer_body
            if error.code == 401:
                raise ApiError(
                    f"token: the bridge at {self._base} does not accept ours; give --data of "
                    "that bridge, or the COFFEE_WEB_TOKEN it was started with"
                ) from error
            raise ApiError(_told(answer_body, error)) from error
        except (urllib.error.URLError, TimeoutError, http.client.HTTPException) as error:
            reason = getattr(error, "reason", error)
            raise ApiError(
                f"bridge: nothing answers at {self._base} ({reason}); start it with `run`, or "
                "give --web-port"
            ) from error


def _decoded(raw: bytes) -> Any:
    try:
        return json.loads(raw) if raw else None
    except ValueError:
        return None


def _told(body: Any, error: urllib.error.HTTPError) -> str:
    if isinstance(body, dict) and "message" in body:
        return f"{body.get('field') or 'request'}: {body['message']}"
    return f"bridge: HTTP {error.code} {error.reason}; see its log"
