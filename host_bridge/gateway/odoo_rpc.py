"""How a method of the addon is called over HTTP, and what is told a person when it cannot be.

One call is one transaction in Odoo. Here are the errors, the HTTP client and the choice between
JSON-2 (odoo_json2.py) and XML-RPC (odoo_xmlrpc.py); nothing here knows what the methods do. No
secret may get into an error's text.
"""

from __future__ import annotations

import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from http.cookiejar import CookieJar, DefaultCookiePolicy
from importlib.metadata import version
from typing import Any, Final, Protocol

import httpx

from host_bridge.gateway.port import Transient
from host_bridge.settings import GatewaySettings

MODEL: Final = "coffee.backend"
KEEP_ALIVE_S: Final = 30.0
BUSY: Final = frozenset({429, 502, 503, 504})


class TimedOut(Transient):
    """No answer in time: the call may have been carried out, or may still be."""


class Failed(Transient):
    """Odoo's own code failed on this call; `name` is the exception's."""

    def __init__(self, name: str, message: str) -> None:
        super().__init__(
            f"Odoo failed with {name}: {message[:500]}; see its log. Upgrade "
            "connector_coffee there, or report it"
        )
        self.name = name


class NoSuchRoute(Transient):
    """The server does not know this way of calling."""


class Rpc(Protocol):
    """One way to call. `call` may be used by several threads."""

    def call(self, method: str, arguments: dict[str, Any]) -> Any:
        """Arguments in the order the method has them. Raises Transient."""


KEY_REFUSED: Final = (
    "gateway.key: Odoo does not accept it; create one there (Coffee > Configuration > Connect "
    "a Bridge) and give it as COFFEE_GATEWAY_KEY"
)
NO_ADDON: Final = (
    "connector_coffee is not installed in this database; install it in Odoo (Apps), see "
    "docs/odoo.md"
)
OLD_ADDON: Final = (
    "connector_coffee in Odoo does not fit this bridge; upgrade the addon to the version that "
    "came with the bridge, or upgrade the bridge"
)


def no_rights(message: str) -> Transient:
    return Transient(
        f"Odoo: {message.strip()[:500]} (the user of gateway.key needs the group Coffee Bridge)"
    )


def no_database(name: str | None) -> Transient:
    if name is None:
        return Transient(
            "gateway.database: Odoo cannot tell which database is meant, or its PostgreSQL is "
            "down; give the database's name"
        )
    return Transient(
        f"gateway.database: Odoo does not serve {name!r}; correct the name (and Odoo's dbfilter), "
        "or its PostgreSQL is down"
    )


def busy(status: int) -> Transient:
    return Transient(
        f"Odoo, or the proxy in front of it, answers HTTP {status}: it is busy or starting; wait, "
        "or see its log"
    )


class Http:
    """The kept-alive connections to one server."""

    def __init__(self, settings: GatewaySettings) -> None:
        """Raises Transient when the certificate file is not usable."""
        assert settings.url is not None
        self.url = settings.url
        self._timeout_s = settings.timeout_s
        try:
            trusted = ssl.create_default_context(cafile=settings.ca_file)
        except (ssl.SSLError, OSError) as error:
            raise Transient(
                f"gateway.ca_file: {settings.ca_file} is no certificate ({error}); give a PEM file"
            ) from error
        self._client = httpx.Client(
            verify=trusted,
            timeout=httpx.Timeout(settings.timeout_s, connect=min(10.0, settings.timeout_s)),
            limits=httpx.Limits(max_connections=8, keepalive_expiry=KEEP_ALIVE_S),
            # Odoo refuses a session's cookie beside a named database.
            cookies=CookieJar(DefaultCookiePolicy(allowed_domains=[])),
            headers={"User-Agent": f"coffee-controller/{version('coffee-controller')}"},
            trust_env=False,
        )

    def post(self, path: str, body: bytes, headers: dict[str, str]) -> httpx.Response:
        """Raises Transient for everything but an answer to the question."""
        with self._errors():
            answer = self._client.post(f"{self.url}{path}", content=body, headers=headers)
        if answer.status_code in BUSY:
            raise busy(answer.status_code)
        if answer.is_redirect:
            raise Transient(
                f"gateway.url: {self.url} redirects to {answer.headers.get('location')}; give "
                "the final address"
            )
        return answer

    def close(self) -> None:
        self._client.close()

    @contextmanager
    def _errors(self) -> Iterator[None]:
        try:
            yield
        except (httpx.ReadTimeout, httpx.WriteTimeout) as error:
            raise TimedOut(
                f"no answer from {self.url} within {self._timeout_s:g} s; the outcome is unknown, "
                "so the same is sent again"
            ) from error
        except httpx.TransportError as error:
            raise Transient(self._cannot_reach(error)) from error
        except httpx.RequestError as error:  # an answer that is not what its headers say
            raise Transient(
                f"gateway.url: the answer from {self.url} cannot be read ({error}); does a "
                "proxy in front of it alter answers?"
            ) from error
        except RuntimeError as error:  # the client is closed
            raise Transient(f"the connection to {self.url} is closed: {error}") from error

    def _cannot_reach(self, error: httpx.TransportError) -> str:
        cause: BaseException | None = error
        while cause is not None:
            if isinstance(cause, ssl.SSLCertVerificationError):
                return (
                    f"gateway.url: the certificate of {self.url} is not trusted "
                    f"({cause.verify_message}); give its CA as gateway.ca_file, and the host "
                    "name it was issued for"
                )
            if isinstance(cause, ssl.SSLError):
                return f"gateway.url: no TLS with {self.url} ({cause.reason}); is it really https?"
            cause = cause.__cause__ or cause.__context__
        return (
            f"gateway.url: nothing answers at {self.url} ({error or repr(error)}); is it running?"
        )
