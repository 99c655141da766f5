"""A thousand machines, and a hundred visits that leave nothing behind, in a real browser."""

from __future__ import annotations

from collections.abc import Iterator

import nicegui
import pytest

from tests.support.browser import Browser
from tests.support.stack import eventually
from tests.unit.web.conftest import TOKEN, Console, PlayedMachine

pytestmark = [
    pytest.mark.slow, pytest.mark.broker, pytest.mark.browser, pytest.mark.timeout(600),
]  # fmt: skip

MANY = 1000
SHOWN = 24
VISITS = 30


@pytest.fixture(scope="module")
def fleet(console: Console) -> Console:
    for number in range(MANY):
        PlayedMachine(console.wire, f"shop-{number:04d}").is_born()
    eventually(lambda: len(console.bridge.machines()) >= MANY)
    return console


@pytest.fixture
def window(fleet: Console) -> Iterator[Browser]:
    browser = Browser(fleet.url)
    fleet.forgive()
    browser.login(TOKEN)
    yield browser
    complaints = browser.complaints()
    browser.close()
    assert complaints == []


def cards(window: Browser) -> list[str]:
    script = "return [...document.querySelectorAll('[data-machine]')].map(e => e.dataset.machine)"
    return list(window.run(script))


def test_a_thousand_machines_are_found_by_page_search_and_filter(window: Browser) -> None:
    window.open("/")
    window.see("known")
    assert len(cards(window)) == SHOWN
    window.keep("fleet-1000")
    for dark in ("false", "true"):
        window.run(f"setDark({dark})")
        assert window.faint() == []
    first = cards(window)
    window.click('[aria-label="Pages"] button[aria-label="2"]')
    window.until(lambda: set(cards(window)).isdisjoint(first), "the second page")
    assert window.path() == "/?page=2"
    window.write('input[aria-label="Search machines"]', "shop-077")
    wanted = [f"shop-077{n}" for n in range(10)]
    window.until(lambda: cards(window) == wanted, "ten found, from the first page on")
    window.press("Offline 0")
    window.see("No machine found")
    assert not window.overflows()


def test_visits_leave_nothing_behind(window: Browser) -> None:
    """Each page's server side is dropped once its visitor has left."""
    for number in range(VISITS):
        window.open("/" if number % 2 else f"/machines/shop-{number:04d}")
    window.open("/login")
    eventually(lambda: len(nicegui.Client.instances) == 1, 60)
