"""Who may act: the access token, browser sessions, one-time login links and a brake on guessing.

Reading is open to whoever reaches the console's port; acting is not. No page, no route and no
machine knowledge belongs here.
"""

from __future__ import annotations

import base64
import binascii
import contextlib
import hashlib
import hmac
import os
import secrets
import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

SESSION_COOKIE = "coffee_session"
SESSION_S = 7 * 24 * 3600
TICKET_S = 10 * 60
"""A one-time login link is good for this long after it was printed."""

_ENDED = "ended-"
_FREE_FAILURES = 5
_FIRST_LOCK_S = 15.0
_LONGEST_LOCK_S = 15 * 60.0
_REMEMBERED_CALLERS = 4096

Clock = Callable[[], float]


@dataclass(frozen=True)
class Session:
    """A person who proved to know the token. `user` is what they called themselves."""

    user: str
    expires_s: float


class Brake:
    """Slows down guessing: five free failures a caller, then a lock that doubles with each more.

    Callers are forgotten oldest first beyond 4096, so that an attacker with many addresses
    cannot fill the memory.
    """

    def __init__(self, clock: Clock = time.monotonic) -> None:
        self._clock = clock
        self._failures: OrderedDict[str, tuple[int, float]] = OrderedDict()

    def wait_s(self, caller: str) -> float:
        """Seconds this caller must wait before the next try; 0 when it may try now."""
        _, until = self._failures.get(caller, (0, 0.0))
        return max(0.0, until - self._clock())

    def failed(self, caller: str) -> None:
        count, _ = self._failures.pop(caller, (0, 0.0))
        count += 1
        lock_s = 0.0
        if count >= _FREE_FAILURES:
            lock_s = min(_LONGEST_LOCK_S, _FIRST_LOCK_S * 2.0 ** min(count - _FREE_FAILURES, 16))
        self._failures[caller] = (count, self._clock() + lock_s)
        while len(self._failures) > _REMEMBERED_CALLERS:
            self._failures.popitem(last=False)

    def succeeded(self, caller: str) -> None:
        self._failures.pop(caller, None)


class Auth:
    """Checks tokens and sessions. `folder` holds what must survive a restart, readable by us only.

    A configured token wins; otherwise a random one is made once. Sessions are signed with the
    installation's secret *and* the token, so that changing the token logs everybody out.
    """

    def __init__(self, folder: Path, token: str = "", clock: Clock = time.time) -> None:
        self._folder = folder
        self._clock = clock
        self.brake = Brake()
        self._ended = _kept_ended(folder)
        self._token = token or access_token(folder)
        secret = _kept_secret(folder / "session.key")
        self._key = hmac.digest(secret.encode(), b"session:" + self._token.encode(), "sha256")

    def token_fits(self, candidate: str) -> bool:
        return hmac.compare_digest(candidate.encode(), self._token.encode())

    def new_session(self, user: str) -> str:
        """The value of a session cookie for `user`; no two are alike, so that one can be ended."""
        expires = int(self._clock()) + SESSION_S
        body = f"{expires}.{_b64(user.encode())}.{secrets.token_urlsafe(6)}"
        return f"{body}.{self._sign(body)}"

    def end(self, cookie: str | None) -> None:
        """Logs out: a page that is still open with this session acts no more."""
        session = self.session(cookie)
        if cookie and session:
            ended = _digest(cookie)
            self._ended[ended] = session.expires_s
            with contextlib.suppress(OSError):  # no room: it is over until the next start
                _write_private(self._folder / f"{_ENDED}{ended}", str(session.expires_s))
        for ended, expires_s in list(self._ended.items()):
            if expires_s <= self._clock():
                self._ended.pop(ended, None)
                with contextlib.suppress(OSError):
                    (self._folder / f"{_ENDED}{ended}").unlink()

    def session(self, cookie: str | None) -> Session | None:
        """Whose cookie this is; None: missing, forged, old, of another token or logged out."""
        body, _, signature = (cookie or "").rpartition(".")
        if not body or not hmac.compare_digest(signature.encode(), self._sign(body).encode()):
            return None
        if _digest(cookie or "") in self._ended:
            return None
        expires, user = body.split(".")[:2]
        session = Session(_unb64(user).decode(), float(expires))
        return session if session.expires_s > self._clock() else None

    def redeem(self, ticket: str) -> bool:
        """True once for a ticket of `new_ticket`; removing the file is what makes it once."""
        path = _ticket_path(self._folder, ticket)
        try:
            age_s = self._clock() - path.stat().st_mtime
            path.unlink()
        except OSError:
            return False
        return age_s <= TICKET_S

    def _sign(self, body: str) -> str:
        return _b64(hmac.digest(self._key, body.encode(), "sha256"))


def access_token(folder: Path) -> str:
    """The installation's own token, made at the first call; kept in `folder`/token, mode 0600."""
    return _kept_secret(folder / "token")


def new_ticket(folder: Path) -> str:
    """A one-time login ticket, kept as its hash only. Sweeps away tickets nobody used in time."""
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    for old in folder.glob("ticket-*"):
        with contextlib.suppress(OSError):
            if time.time() - old.stat().st_mtime > TICKET_S:
                old.unlink()
    ticket = secrets.token_urlsafe(24)
    _write_private(_ticket_path(folder, ticket), "")
    return ticket


def _ticket_path(folder: Path, ticket: str) -> Path:
    return folder / f"ticket-{_digest(ticket)}"


def _digest(secret: str) -> str:
    """What may lie on a disk of a ticket or a cookie."""
    return hashlib.sha256(secret.encode()).hexdigest()


def _kept_ended(folder: Path) -> dict[str, float]:
    """Digest of each session that was logged out → when it would have ended by itself."""
    found = {}
    for path in folder.glob(f"{_ENDED}*"):
        with contextlib.suppress(OSError, ValueError):
            found[path.name.removeprefix(_ENDED)] = float(path.read_text())
    return found


def _kept_secret(path: Path) -> str:
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    if path.is_file() and not path.read_text().strip():
        path.unlink()  # of a power cut: an empty secret is one that everybody knows
    # two processes may start at once: whoever creates the file decides
    with contextlib.suppress(FileExistsError):
        _write_private(path, secrets.token_urlsafe(32) + "\n")
    return path.read_text().strip()


def _write_private(path: Path, text: str) -> None:
    """Creates `path` with its text in one step, so no reader ever finds it empty."""
    draft = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with os.fdopen(descriptor, "w") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        os.link(draft, path)
    finally:
        draft.unlink()


def _b64(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).decode().rstrip("=")


def _unb64(text: str) -> bytes:
    with contextlib.suppress(binascii.Error):
        return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
    return b""
