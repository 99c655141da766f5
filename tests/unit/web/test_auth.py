"""Tokens, sessions, one-time links and the brake on guessing."""

from __future__ import annotations

import os
import stat
from pathlib import Path

import pytest

from host_bridge.web.auth import SESSION_S, TICKET_S, Auth, Brake, access_token, new_ticket
from host_bridge.web.sessions import safe_path


class Clock:
    def __init__(self, now_s: float = 1_800_000_000.0) -> None:
        self.now_s = now_s

    def __call__(self) -> float:
        return self.now_s


def test_token_is_made_once_and_is_ours_alone(tmp_path: Path) -> None:
    token = access_token(tmp_path / "web")
    assert len(token) >= 32
    assert access_token(tmp_path / "web") == token
    for path in ((tmp_path / "web" / "token"), (tmp_path / "web")):
        assert stat.S_IMODE(path.stat().st_mode) & 0o077 == 0


def test_configured_token_wins(tmp_path: Path) -> None:
    auth = Auth(tmp_path, "from the settings")
    assert auth.token_fits("from the settings")
    assert not auth.token_fits("from the setting")
    assert not (tmp_path / "token").exists()


def test_session_says_who(tmp_path: Path) -> None:
    auth = Auth(tmp_path, "t")
    session = auth.session(auth.new_session("Ada Löv.ce"))
    assert session is not None
    assert session.user == "Ada Löv.ce"


def test_session_ends(tmp_path: Path) -> None:
    clock = Clock()
    auth = Auth(tmp_path, "t", clock)
    cookie = auth.new_session("Ada")
    clock.now_s += SESSION_S - 1
    assert auth.session(cookie)
    clock.now_s += 2
    assert auth.session(cookie) is None


def test_who_left_is_nobody_and_others_stay(tmp_path: Path) -> None:
    clock = Clock()
    auth = Auth(tmp_path, "t", clock)
    left, stays = auth.new_session("Ada"), auth.new_session("Ada")
    auth.end(left)
    assert auth.session(left) is None
    assert auth.session(stays)
    started_again = Auth(tmp_path, "t", clock)
    assert started_again.session(left) is None
    assert started_again.session(stays)
    clock.now_s += SESSION_S + 1
    auth.end(None)
    assert not auth._ended, "what is over by itself need not be remembered"
    assert not list(tmp_path.glob("ended-*"))


def test_forged_sessions_are_nobody(tmp_path: Path) -> None:
    auth = Auth(tmp_path, "t")
    cookie = auth.new_session("Ada")
    expires, user, once, signature = cookie.split(".")
    later = f"{int(expires) + 1}.{user}.{once}.{signature}"
    for forged in (None, "", ".", "..", later, cookie[:-1], cookie + "x", f"{expires}.{user}.é"):
        assert auth.session(forged) is None, forged


def test_another_token_or_installation_logs_everybody_out(tmp_path: Path) -> None:
    cookie = Auth(tmp_path / "a", "old").new_session("Ada")
    assert Auth(tmp_path / "a", "old").session(cookie)
    assert Auth(tmp_path / "a", "new").session(cookie) is None
    assert Auth(tmp_path / "b", "old").session(cookie) is None


def test_ticket_works_once(tmp_path: Path) -> None:
    auth = Auth(tmp_path, "t")
    ticket = new_ticket(tmp_path)
    assert not auth.redeem(ticket + "x")
    assert auth.redeem(ticket)
    assert not auth.redeem(ticket)


def test_ticket_is_not_stored_readable(tmp_path: Path) -> None:
    ticket = new_ticket(tmp_path)
    (stored,) = tmp_path.glob("ticket-*")
    assert ticket not in stored.name + stored.read_text()


def test_old_tickets_are_worthless_and_swept_away(tmp_path: Path) -> None:
    clock = Clock()
    auth = Auth(tmp_path, "t", clock)
    ticket = new_ticket(tmp_path)
    (stored,) = tmp_path.glob("ticket-*")
    os.utime(stored, (clock.now_s - TICKET_S - 1,) * 2)
    assert not auth.redeem(ticket)

    unused = new_ticket(tmp_path)
    (stored,) = tmp_path.glob("ticket-*")
    os.utime(stored, (1, 1))
    new_ticket(tmp_path)
    assert len(list(tmp_path.glob("ticket-*"))) == 1
    assert not auth.redeem(unused)


@pytest.mark.parametrize("ticket", ["../session.key", "", "\0", "x" * 100_000])
def test_hostile_tickets(tmp_path: Path, ticket: str) -> None:
    auth = Auth(tmp_path, "")
    assert not auth.redeem(ticket)
    assert (tmp_path / "session.key").exists()


def test_brake_lets_people_mistype_and_stops_guessing() -> None:
    clock = Clock()
    brake = Brake(clock)
    for _ in range(4):
        brake.failed("a")
        assert brake.wait_s("a") == 0
    waits = []
    for _ in range(9):
        brake.failed("a")
        waits.append(brake.wait_s("a"))
        clock.now_s += waits[-1]
        assert brake.wait_s("a") == 0
    assert waits == [15, 30, 60, 120, 240, 480, 900, 900, 900]
    assert brake.wait_s("b") == 0
    brake.succeeded("a")
    brake.failed("a")
    assert brake.wait_s("a") == 0


def test_brake_remembers_a_bounded_number_of_callers() -> None:
    brake = Brake(Clock())
    for number in range(10_000):
        brake.failed(f"caller {number}")
    assert len(brake._failures) <= 4096


@pytest.mark.parametrize(
    ("path", "to"),
    [
        ("/machines/sim-1900?x=1", "/machines/sim-1900?x=1"),
        ("", "/"),
        ("https://elsewhere.example/", "/"),
        ("//elsewhere.example", "/"),
        ("/\\elsewhere.example", "/"),
        ("/a\r\nSet-Cookie: x", "/"),
        ("javascript:alert(1)", "/"),
    ],
)
def test_login_leads_only_to_our_own_pages(path: str, to: str) -> None:
    assert safe_path(path) == to


def test_a_full_disk_leaves_no_drafts_of_secrets(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(number: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("host_bridge.web.auth.os.fsync", full)
    with pytest.raises(OSError, match="No space left"):
        Auth(tmp_path)
    assert list(tmp_path.iterdir()) == []
