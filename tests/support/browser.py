"""A headless Chromium that tests look through; its own console must stay without errors.

Debian's chromium and chromedriver. Missing, they are a failure: nobody shall believe that pages
were looked at.
"""

from __future__ import annotations

import base64
import shutil
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from selenium import webdriver
from selenium.common.exceptions import (
    ElementClickInterceptedException,
    StaleElementReferenceException,
)
from selenium.webdriver.chrome.options import Options
from selenium.webdriver.chrome.service import Service
from selenium.webdriver.common.by import By
from selenium.webdriver.remote.webelement import WebElement

SCREENSHOTS = Path(__file__).parents[2] / "build" / "screenshots"
PATIENCE_S = 40.0


def need_chromium() -> tuple[str, str]:
    """Paths of browser and driver."""
    programs = shutil.which("chromium"), shutil.which("chromedriver")
    if programs[0] and programs[1]:
        return programs[0], programs[1]
    pytest.fail("no chromium: apt install chromium chromium-driver")


FAINT = """
const rgba = text => { const n = (text.match(/[\\d.]+/g) ?? []).map(Number);
  return n.length < 3 ? [0, 0, 0, 0] : [n[0], n[1], n[2], n[3] ?? 1]; };
const over = (top, below) => [0, 1, 2].map(i => top[i] * top[3] + below[i] * (1 - top[3]));
const bright = c => { const [r, g, b] = c.map(v => (v /= 255) <= 0.03928 ? v / 12.92
  : ((v + 0.055) / 1.055) ** 2.4); return 0.2126 * r + 0.7152 * g + 0.0722 * b; };
const ground = e => e ? over(rgba(getComputedStyle(e).backgroundColor), ground(e.parentElement))
  : [255, 255, 255];
const opacity = e => e ? getComputedStyle(e).opacity * opacity(e.parentElement) : 1;
const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
const found = [];
while (walker.nextNode()) {
  const text = walker.currentNode.textContent.trim(), e = walker.currentNode.parentElement;
  if (!text || !e.checkVisibility({visibilityProperty: true})) continue;
  if (e.closest('.q-icon, [disabled], [aria-disabled=true], .visually-hidden, .skip')) continue;
  const style = getComputedStyle(e), below = ground(e);
  const ink = rgba(e instanceof SVGElement ? style.fill : style.color);
  ink[3] *= opacity(e);
  const [low, high] = [bright(below), bright(over(ink, below))].sort((a, b) => a - b);
  const ratio = (high + 0.05) / (low + 0.05);
  if (ratio < 4.5) found.push(`${text.slice(0, 60)}: ${ratio.toFixed(2)}`);
}
return found"""
"""Texts with less contrast than 4.5:1 (WCAG AA) and how much they have; icons and what cannot be
used now are not judged."""


class Browser:
    """One window. Sizes are CSS pixels; `phone` also touches and obeys the viewport tag."""

    def __init__(
        self, url: str, width: int = 1320, height: int = 900, phone: bool = False
    ) -> None:
        chromium, driver = need_chromium()
        options = Options()
        options.binary_location = chromium
        for flag in (
            "--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage",
            "--hide-scrollbars", "--disable-background-networking",
            f"--window-size={width},{height}",
        ):  # fmt: skip
            options.add_argument(flag)
        options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
        self._driver = webdriver.Chrome(options=options, service=Service(driver))
        self._url, self._size, self._phone = url, (width, height), phone
        self._resize(height)

    def resize(self, width: int) -> None:
        self._size = (width, self._size[1])
        self._resize(self._size[1])

    def _resize(self, height: int) -> None:
        self._driver.execute_cdp_cmd(
            "Emulation.setDeviceMetricsOverride",
            {"width": self._size[0], "height": height, "deviceScaleFactor": 1,
             "mobile": self._phone},
        )  # fmt: skip

    def close(self) -> None:
        self._driver.quit()

    # --- going
    def open(self, path: str) -> None:
        """Returns when the page has its live connection to the server."""
        self.fetch(path)
        self.until(lambda: self.run("return window.did_handshake === true"), f"{path} connected")

    def fetch(self, path: str) -> None:
        """Opens what is no page of the console's own, such as the API's description."""
        self._driver.get(self._url + path)

    def move_to(self, zone: str) -> None:
        """Into this time zone ("Asia/Tokyo")."""
        self._driver.execute_cdp_cmd("Emulation.setTimezoneOverride", {"timezoneId": zone})

    def on_paper(self) -> None:
        """Draws the page as it would be printed."""
        self._driver.execute_cdp_cmd("Emulation.setEmulatedMedia", {"media": "print"})

    def set_clock_ahead(self, ms: int) -> None:
        """What this browser takes for now, on the pages that it opens from here on."""
        script = f"const right = Date.now; Date.now = () => right() + {ms};"
        self._driver.execute_cdp_cmd("Page.addScriptToEvaluateOnNewDocument", {"source": script})

    def login(self, token: str, user: str = "Ada") -> None:
        self.open("/login")
        self.find("input[name=user]").send_keys(user)
        self.find("input[name=token]").send_keys(token)
        self.find("button[type=submit]").click()
        self.until(lambda: self.path() == "/", "the first page after logging in")

    def path(self) -> str:
        return self._driver.current_url.removeprefix(self._url)

    def run(self, script: str, *arguments: Any) -> Any:
        return self._driver.execute_script(script, *arguments)

    # --- finding
    def find(self, css: str) -> WebElement:
        """The element, once it is there and visible."""
        return self.until(lambda: self._visible(css), css)  # type: ignore[no-any-return]

    def _visible(self, css: str) -> WebElement | None:
        for element in self._driver.find_elements(By.CSS_SELECTOR, css):
            if element.is_displayed():
                return element
        return None

    def has(self, css: str) -> bool:
        return self._visible(css) is not None

    def text(self, css: str = "main") -> str:
        return self.find(css).text

    def see(self, text: str, css: str = "main") -> None:
        self.until(lambda: text in self.text(css), f"{text!r} in {css}")

    def click(self, css: str) -> None:
        """As a person does: again, when the page was drawn anew or something slid over it."""
        def clicked() -> bool:
            element = self.find(css)
            self.run("arguments[0].scrollIntoView({block: 'center'})", element)
            element.click()
            return True

        self.until(clicked, f"a click on {css}")

    def button(self, text: str) -> WebElement:
        def named() -> WebElement | None:
            for element in self._driver.find_elements(By.CSS_SELECTOR, "button"):
                if element.is_displayed() and text in element.text.splitlines():
                    return element
            return None

        found: WebElement = self.until(named, f"button {text!r}")
        return found

    def press(self, text: str) -> None:
        """Clicks the button with this text."""
        self.button(text).click()

    def write(self, css: str, text: str) -> None:
        field = self.find(css)
        self.run("arguments[0].select()", field)
        field.send_keys(text)

    def upload(self, path: Path) -> None:
        """Gives a file to the page's upload field."""
        field = self._driver.find_element(By.CSS_SELECTOR, "input[type=file]")
        field.send_keys(str(path))

    def until(self, what: Callable[[], Any], name: str, timeout_s: float = PATIENCE_S) -> Any:
        """The first true answer; elements that vanish meanwhile are looked for again."""
        deadline = time.monotonic() + timeout_s
        while True:
            try:
                if answer := what():
                    return answer
            except (StaleElementReferenceException, ElementClickInterceptedException):
                pass
            if time.monotonic() > deadline:
                self.keep("failure")
                raise TimeoutError(f"{name}: not within {timeout_s:.0f} s at {self.path()}")
            time.sleep(0.1)

    # --- judging
    def complaints(self) -> list[str]:
        """What the browser's own console says of errors since the last call."""
        log = self._driver.get_log("browser")  # type: ignore[no-untyped-call]
        return [entry["message"] for entry in log if entry["level"] in ("SEVERE", "WARNING")]

    def overflows(self) -> bool:
        """True if the page is wider than its window; `innerWidth` of a phone grows with it."""
        return bool(self.run(
            "const page = document.documentElement; return page.scrollWidth > page.clientWidth"
        ))  # fmt: skip

    def nameless(self) -> list[str]:
        """Controls a screen reader could not name."""
        return self.run(  # type: ignore[no-any-return]
            """const controls = 'button, a[href], input, textarea, [role=img]';
            return [...document.querySelectorAll(controls)]
            .filter(e => e.offsetParent && e.type !== 'hidden' && e.type !== 'file')
            .filter(e => !(e.getAttribute('aria-label') || e.innerText.trim() || e.title
                || e.labels?.length || e.closest('label')))
            .map(e => e.outerHTML.slice(0, 200))"""
        )

    def faint(self) -> list[str]:
        """Texts that are hard to read on what is behind them, with their contrast."""
        return self.run(FAINT)  # type: ignore[no-any-return]

    def keep(self, name: str) -> Path:
        """The whole page as a picture in build/screenshots."""
        height = int(self.run("return document.documentElement.scrollHeight"))
        self._resize(max(self._size[1], height))
        time.sleep(0.4)  # charts follow the new size
        shot = self._driver.execute_cdp_cmd("Page.captureScreenshot", {})
        self._resize(self._size[1])
        SCREENSHOTS.mkdir(parents=True, exist_ok=True)
        path = SCREENSHOTS / f"{name}.png"
        path.write_bytes(base64.b64decode(shot["data"]))
        return path
