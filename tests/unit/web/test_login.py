"""Logging in and out as a browser does it."""

from __future__ import annotations

import httpx
import pytest

from host_bridge.web.auth import new_ticket
from tests.unit.web.conftest import TOKEN, Console

pytestmark = pytest.mark.broker


@pytest.fixture
def browser(console: Console) -> httpx.Client:
    console.forgive()
    return httpx.Client(base_url=console.url)


def login(browser: httpx.Client, token: str, **headers: str) -> httpx.Response:
    form = {"token": token, "user": "Ada", "next": "/brews?machine=x"}
    return browser.post("/login", data=form, headers=headers)


def test_right_token_enters_and_goes_where_one_wanted(browser: httpx.Client) -> None:
    answer = login(browser, f" {TOKEN}\n")
    assert (answer.status_code, answer.headers["location"]) == (303, "/brews?machine=x")
    cookie = answer.headers["set-cookie"].lower()
    assert "samesite=strict" in cookie and "httponly" in cookie
    assert "Log in" not in browser.get("/").text


def test_wrong_token_comes_back_with_the_reason(browser: httpx.Client) -> None:
    answer = login(browser, "wrong")
    assert answer.headers["location"].startswith("/login?why=token&")
    assert "set-cookie" not in answer.headers
    page = browser.get(answer.headers["location"]).text
    assert "not this installation" in page


def test_guessing_at_the_form_is_slowed_down(browser: httpx.Client) -> None:
    for _ in range(5):
        login(browser, "wrong")
    answer = login(browser, TOKEN)
    assert "why=wait-" in answer.headers["location"]
    assert "Too many wrong tries" in browser.get(answer.headers["location"]).text


@pytest.mark.parametrize(
    "headers",
    [{"Origin": "https://elsewhere.example"}, {"Origin": "null"},
     {"Sec-Fetch-Site": "cross-site"}, {"Sec-Fetch-Site": "same-site"}],
)  # fmt: skip
def test_a_form_of_another_site_is_turned_away(
    browser: httpx.Client, headers: dict[str, str]
) -> None:
    answer = login(browser, TOKEN, **headers)
    assert answer.headers["location"].startswith("/login?why=elsewhere")
    assert "set-cookie" not in answer.headers


def test_one_time_link(console: Console, browser: httpx.Client) -> None:
    ticket = new_ticket(console.data / "web")
    first = browser.get(f"/login/once/{ticket}")
    assert first.headers["location"] == "/"
    assert "coffee_session" in first.headers["set-cookie"]
    second = httpx.get(f"{console.url}/login/once/{ticket}")
    assert "why=ticket" in second.headers["location"]


def test_a_one_time_link_used_twice_by_whom_it_logged_in(
    console: Console, browser: httpx.Client
) -> None:
    ticket = new_ticket(console.data / "web")
    browser.get(f"/login/once/{ticket}")
    again = browser.get(f"/login/once/{ticket}")
    assert again.headers["location"] == "/" and "set-cookie" not in again.headers


def test_leaving(browser: httpx.Client) -> None:
    login(browser, TOKEN)
    assert browser.post("/logout").status_code == 204
    assert "coffee_session" not in browser.cookies


def test_markup_in_the_address_stays_text(browser: httpx.Client) -> None:
    evil = "<script>alert(1)</script>"
    for path in (f"/machines/{evil}", f"/brews/{evil}/{evil}", f"/login?why={evil}"):
        assert evil not in browser.get(path).text
