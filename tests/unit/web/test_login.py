"""Logging in and out as a browser does it."""

from __future__ import annotations

from urllib.parse import parse_qs, urlsplit

import httpx
import pytest
from fastapi.testclient import TestClient

from host_bridge.web.app import build_api
from host_bridge.web.auth import new_ticket
from host_bridge.web.layout import login_to
from host_bridge.web.sessions import NAME_LENGTH
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


def test_wrong_token_keeps_the_name(browser: httpx.Client) -> None:
    name = 'Ada "& Sons" ☕'
    back = browser.post("/login", data={"token": "wrong", "user": name}).headers["location"]
    asked = parse_qs(urlsplit(back).query)
    assert asked["user"] == [name]
    assert "Ada" in browser.get(back).text
    assert "&user=" not in login(browser, TOKEN).headers["location"]


def test_the_login_leads_not_back_to_itself() -> None:
    """*Log in* in the bar of the login page: after it the right token looked refused."""
    assert login_to("/brews?machine=x") == "/login?next=%2Fbrews%3Fmachine%3Dx"
    assert login_to("/login?why=token&next=%2Fbrews") == "/login?why=token&next=%2Fbrews"


def test_the_form_lets_nobody_write_more_than_it_takes(browser: httpx.Client) -> None:
    """What is longer was answered with JSON instead of the page."""
    page = browser.get(f"/login?user={'x' * 200}").text
    assert f'"maxlength":"{NAME_LENGTH}"' in page and "x" * (NAME_LENGTH + 1) not in page
    form = {"token": TOKEN, "user": "x" * NAME_LENGTH, "next": f"/?q={'x' * 3000}"}
    assert browser.post("/login", data=form).headers["location"] == "/"


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


def test_a_proxy_that_calls_us_by_another_name_is_no_other_site(browser: httpx.Client) -> None:
    """The browser judged by the name in its address bar, which only it knows."""
    origin = {"Origin": "https://coffee.example", "Sec-Fetch-Site": "same-origin"}
    assert login(browser, TOKEN, **origin).headers["location"] == "/brews?machine=x"


def test_a_mistyped_address_is_answered_with_a_page(browser: httpx.Client) -> None:
    for path, field in (("/brews?before=x", "before"), ("/?page=x", "page")):
        answer = browser.get(path)
        assert answer.status_code == 422
        assert "text/html" in answer.headers["content-type"]
        assert f"{field}: " in answer.text and "correct it in the address" in answer.text


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


def test_guessing_links_is_slowed_down(console: Console, browser: httpx.Client) -> None:
    for _ in range(5):
        assert "why=ticket" in browser.get("/login/once/guessed").headers["location"]
    ticket = new_ticket(console.data / "web")
    assert "why=wait-" in browser.get(f"/login/once/{ticket}").headers["location"]
    console.forgive()
    assert browser.get(f"/login/once/{ticket}").headers["location"] == "/"


def test_the_cookie_of_a_safe_line_goes_over_no_other(console: Console) -> None:
    console.forgive()
    with TestClient(build_api(console.bridge), "https://coffee.example") as browser:
        answer = browser.post("/login", data={"token": TOKEN}, follow_redirects=False)
    assert "; secure" in answer.headers["set-cookie"].lower()


def test_no_other_site_logs_anybody_out(browser: httpx.Client) -> None:
    login(browser, TOKEN)
    answer = browser.post("/logout", headers={"sec-fetch-site": "cross-site"})
    assert answer.status_code == 204 and "set-cookie" not in answer.headers
    assert "Log in" not in browser.get("/").text


def test_leaving(console: Console, browser: httpx.Client) -> None:
    login(browser, TOKEN)
    cookie = browser.cookies["coffee_session"]
    assert browser.post("/logout").status_code == 204
    assert "coffee_session" not in browser.cookies
    left = httpx.get(f"{console.url}/", cookies={"coffee_session": cookie})
    assert "Log in" in left.text, "another tab would go on in that name"


def test_markup_in_the_address_stays_text(browser: httpx.Client) -> None:
    evil = "<script>alert(1)</script>"
    for path in (f"/machines/{evil}", f"/brews/{evil}/{evil}", f"/login?why={evil}&user={evil}"):
        assert evil not in browser.get(path).text
