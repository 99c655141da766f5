"""No page, style or script of the console asks another host for anything."""

from __future__ import annotations

import re

import pytest

from tests.unit.web.conftest import MACHINE, Console

pytestmark = pytest.mark.broker

PAGES = (
    "/",
    "/login",
    f"/machines/{MACHINE}",
    f"/machines/{MACHINE}/history",
    f"/machines/{MACHINE}/recipes",
    f"/machines/{MACHINE}/recipes/0",
    "/brews",
    "/checkpoints",
    "/quarantine",
    "/docs",
)
# attributes and CSS that make a browser fetch; what merely mentions an address is no request
FETCHING = re.compile(
    r"""(?:\b(?:src|href|action)\s*=\s*["']?|url\(\s*["']?|import\s+["'])([^"')>\s]+)"""
)
ELSEWHERE = re.compile(r"^(?:[a-z][a-z0-9+.-]*:)?//|^https?:", re.I)


def fetched(text: str) -> list[str]:
    return FETCHING.findall(text)


@pytest.mark.parametrize("page", PAGES)
def test_page_fetches_from_us_only(console: Console, page: str) -> None:
    answer = console.http.get(page)
    assert answer.status_code == 200
    found = fetched(answer.text)
    assert found, "the pattern finds nothing: it would never find a stranger either"
    assert [url for url in found if ELSEWHERE.match(url)] == []


@pytest.mark.parametrize("page", PAGES)
def test_page_forbids_the_browser_to_fetch_elsewhere(console: Console, page: str) -> None:
    policy = console.http.get(page).headers["Content-Security-Policy"]
    assert "default-src 'self'" in policy
    assert "frame-ancestors 'none'" in policy
    assert "*" not in policy and "http" not in policy


@pytest.mark.parametrize("page", PAGES)
def test_what_a_page_fetches_is_there(console: Console, page: str) -> None:
    own = {
        url.split("#")[0]
        for url in fetched(console.http.get(page).text)
        if url.startswith("/") and not url.startswith(("/machines", "/brews"))
    }
    for url in own:
        answer = console.http.get(url)
        assert answer.status_code == 200, url
        if "css" in answer.headers["Content-Type"]:
            assert [u for u in fetched(answer.text) if ELSEWHERE.match(u)] == []


def test_the_pattern_would_see_a_stranger() -> None:
    page = '<script src="https://cdn.example/x.js"></script><style>@import url(//f.example/a)'
    assert [url for url in fetched(page) if ELSEWHERE.match(url)] == [
        "https://cdn.example/x.js",
        "//f.example/a",
    ]
