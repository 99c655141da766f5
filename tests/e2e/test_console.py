"""The console in a real browser over the whole stack: broker, bridge, firmware, both machines."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from simulator.machine import Machine
from tests.support.browser import Browser, need_chromium
from tests.support.stack import TOKEN, Stack, eventually

pytestmark = [
    pytest.mark.slow, pytest.mark.broker, pytest.mark.browser, pytest.mark.timeout(900),
]  # fmt: skip

HEAT_UP_MS = 240_000

PAGES = {
    "fleet": "/",
    "machine-1900": "/machines/sim-1900",
    "machine-2900": "/machines/sim-2900",
    "history-1900": "/machines/sim-1900/history",
    "recipes-2900": "/machines/sim-2900/recipes",
    "recipe-2900": "/machines/sim-2900/recipes/0",
    "recipe-1900": "/machines/sim-1900/recipes/0",
    "brews": "/brews",
    "checkpoints": "/checkpoints",
    "quarantine": "/quarantine",
    "login": "/login",
}
CHART_POINTS = """const chart = document.querySelector('section.first .curve');
const series = chart && getElement(+chart.id.slice(1)).chart?.getOption()?.series;
return series?.[0]?.data?.length ?? 0"""


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    need_chromium()
    folder = tmp_path_factory.mktemp("console")
    heat_up(folder)
    with Stack(folder, speed=1) as made:
        yield made


def heat_up(folder: Path) -> None:
    """Boilers hot in seconds; afterwards at the speed of the clock, which deadlines go by."""
    for model in ("1900", "2900"):
        name = f"sim-{model}"
        with Machine(model, name=name, data=folder / name) as machine:
            machine.run(HEAT_UP_MS)


@pytest.fixture(scope="module")
def url(stack: Stack) -> str:
    return f"http://127.0.0.1:{stack.web_port}"


@pytest.fixture(scope="module")
def window(url: str) -> Iterator[Browser]:
    browser = Browser(url)
    browser.login(TOKEN)
    yield browser
    browser.close()


@pytest.fixture(autouse=True)
def no_complaints(window: Browser) -> Iterator[None]:
    yield
    assert window.complaints() == []


def ready(stack: Stack, machine: str) -> None:
    stack.wait_state(machine, state="ready", cup=True)


def answer(window: Browser, order: str, state: str) -> str:
    """Waits for the newest answer to `order` to become `state`; returns its text."""
    css = f'[data-command="{order}"]'
    window.until(lambda: window.find(css).get_attribute("data-state") == state, f"{order} {state}")
    return window.text(css)


YIELD_TOP = """const chart = document.querySelector('section.first .curve');
const yields = getElement(+chart.id.slice(1)).chart.getModel().getComponent('yAxis', 2);
return yields.axis.scale.getExtent()[1]"""


def test_a_guest_sees_everything_and_may_do_nothing(url: str, stack: Stack) -> None:
    guest = Browser(url)
    try:
        guest.open("/")
        guest.see("2 known, 2 online")
        guest.click('[data-machine="sim-1900"]')
        guest.see("You are looking as a guest")
        tile = guest.find('[data-slot="0"]')
        assert tile.get_attribute("disabled") is not None
        guest.open("/machines/sim-1900/recipes/0")
        guest.press("Send to the machine")
        guest.until(lambda: guest.path().startswith("/login"), "sent to the login")
        assert not [m for m in stack.wire.messages if "/cmd/recipe" in m.topic]
        assert guest.complaints() == []
    finally:
        guest.close()


def test_fleet_shows_both_machines_as_they_are(window: Browser, stack: Stack) -> None:
    window.open("/")
    for name in stack.models:
        window.find(f'[data-machine="{name}"]')
    window.write('input[aria-label="Search machines"]', "2900")
    window.until(lambda: not window.has('[data-machine="sim-1900"]'), "search leaves the 2900")
    window.find('[data-machine="sim-2900"]')
    window.until(lambda: window.path() == "/?q=2900", "the search is in the address")


def test_a_page_nobody_looks_at_rests(window: Browser, stack: Stack) -> None:
    ready(stack, "sim-1900")
    window.open("/machines/sim-1900")
    window.see("Cup in place")
    hide = """Object.defineProperty(document, 'hidden', {configurable: true, value: arguments[0]});
    document.dispatchEvent(new Event('visibilitychange'))"""
    window.run(hide, True)
    window.until(lambda: window.run("return document.hidden"), "hidden")
    stack.machines["sim-1900"].set("cup", 0)
    try:
        stack.wait_state("sim-1900", cup=False)
        other = Browser(f"http://127.0.0.1:{stack.web_port}")
        other.open("/machines/sim-1900")
        other.see("No cup")
        other.close()
        assert "Cup in place" in window.text()
        window.run(hide, False)
        window.see("No cup")
    finally:
        stack.machines["sim-1900"].set("cup", 1)


def test_a_refusal_shows_the_machines_reason_and_cure(window: Browser, stack: Stack) -> None:
    ready(stack, "sim-1900")
    stack.machines["sim-1900"].set("cup", 0)
    try:
        stack.wait_state("sim-1900", cup=False)
        window.open("/machines/sim-1900")
        window.click('[data-slot="0"]')
        said = answer(window, "brew", "refused")
        reply = stack.wire.latest("coffee/v1/sim-1900/reply")
        assert reply["error"]["code"] == "cup_missing"
        assert reply["error"]["message"] in said
    finally:
        stack.machines["sim-1900"].set("cup", 1)


@pytest.mark.parametrize("machine", ["sim-1900", "sim-2900"])
def test_a_brew_is_watched_live_and_becomes_a_record(
    window: Browser, stack: Stack, machine: str
) -> None:
    ready(stack, machine)
    before = {name for name, row in stack.records().items() if "duration_ms" in row}
    window.open(f"/machines/{machine}")
    window.click('[data-slot="0"]')
    answer(window, "brew", "ok")
    window.see("Shot running")
    seen: list[int] = []

    def grows() -> bool:
        count = int(window.run(CHART_POINTS))
        if not seen or count > seen[-1]:
            seen.append(count)
        return len(seen) >= 5

    window.until(grows, "a curve that grows")
    window.keep(f"live-{machine}")
    ready(stack, machine)
    (made,) = eventually(
        lambda: {n for n, row in stack.records().items() if "duration_ms" in row} - before
    )
    external_id = f"{made[1]}/{made[2]}"
    window.see(external_id)
    window.see("Last shot")
    window.see("Its record")
    assert float(window.run(YIELD_TOP)) > 20, "the yield grew out of its first axis"
    window.open("/brews")
    window.see(external_id)
    window.open(f"/brews/{machine}/{external_id}")
    record = stack.records()[made]
    assert external_id in window.text()
    assert f"{record['duration_ms'] / 1000:.1f} s" in window.text()
    assert "by Ada" in window.text()
    window.find(".curve svg")
    window.keep(f"brew-{machine}")


def test_a_running_shot_is_stopped(window: Browser, stack: Stack) -> None:
    ready(stack, "sim-2900")
    window.open("/machines/sim-2900")
    window.click('[data-slot="0"]')
    stack.wait_state("sim-2900", state={"preinfusion", "brewing"})
    window.click('[data-order="stop"]')
    answer(window, "stop", "ok")
    window.see("Stopped")


def test_an_alarm_is_seen_acknowledged_and_reviewed(window: Browser, stack: Stack) -> None:
    ready(stack, "sim-1900")
    machine = stack.machines["sim-1900"]
    machine.set("tank", 0)
    stack.wait_state("sim-1900", water=False)
    window.open("/machines/sim-1900")
    window.see("Water tank empty")
    window.open("/")
    window.see("Water tank empty", '[data-machine="sim-1900"]')
    machine.set("tank", 1)
    window.open("/checkpoints?machine=sim-1900")
    window.see("Water tank empty")
    window.keep("checkpoints-open")
    number = window.find("[data-checkpoint]").get_attribute("data-checkpoint")
    window.press("Review")
    window.find(".q-dialog textarea").send_keys("Filled the tank.")
    window.press("Mark as reviewed")
    window.until(lambda: not window.has(f'[data-checkpoint="{number}"]'), "it left the list")
    window.open("/checkpoints?state=done&machine=sim-1900")
    window.see("Filled the tank.")
    window.see("Reviewed by Ada")
    window.open("/machines/sim-1900")
    window.see("cleared, but not acknowledged")  # and until then it does not heat
    window.press("Acknowledge: water tank empty")
    answer(window, "alarm.ack", "ok")
    stack.wait_state("sim-1900", latched=[])


def held(stack: Stack, machine: str, slot: str) -> dict[str, Any]:
    return dict(stack.wire.latest(f"coffee/v1/{machine}/recipes")["slots"].get(slot) or {})


def test_a_profile_is_edited_checked_and_sent(window: Browser, stack: Stack) -> None:
    ready(stack, "sim-2900")
    window.open("/machines/sim-2900/recipes")
    window.click('[data-slot="0"] button')
    window.find('[data-field="phases[0].name"]')
    window.write('input[data-field="temp_mc"]', "99.5")
    window.see("Between 80 and 98 °C")
    assert window.button("Send to the machine").get_attribute("disabled") is not None
    window.write('input[data-field="temp_mc"]', "94.5")
    window.until(lambda: "Between 80 and 98" not in window.text(), "the problem is gone")
    window.write('input[data-field="name"]', "Ninety-four")
    window.press("Add a phase")
    window.until(lambda: held(stack, "sim-2900", "0").get("temp_mc") != 94500, "nothing sent yet")
    count = len(held(stack, "sim-2900", "0")["phases"])
    window.press("Send to the machine")
    window.until(lambda: window.path() == "/machines/sim-2900/recipes", "back at the list")
    window.see("Ninety-four")
    now = held(stack, "sim-2900", "0")
    assert (now["name"], now["temp_mc"]) == ("Ninety-four", 94500)
    assert len(now["phases"]) == count + 1


def test_a_new_volumetric_recipe_and_its_end(window: Browser, stack: Stack) -> None:
    ready(stack, "sim-1900")
    window.open("/machines/sim-1900/recipes/9")
    window.write('input[data-field="name"]', "Ristretto")
    window.write('input[data-field="volume_ul"]', "22")
    window.until(
        lambda: window.button("Send to the machine").get_attribute("disabled") is None, "sound"
    )
    window.press("Send to the machine")
    eventually(lambda: held(stack, "sim-1900", "9").get("volume_ul") == 22000)
    window.until(lambda: window.path() == "/machines/sim-1900/recipes", "back at the list")
    window.click('[aria-label="Delete slot 9"]')
    window.press("Delete")
    eventually(lambda: not held(stack, "sim-1900", "9"))
    window.until(lambda: "Ristretto" not in window.text(), "it left the list")


def test_a_shared_profile_is_looked_at_before_it_is_sent(
    window: Browser, stack: Stack, tmp_path: Path
) -> None:
    step = {"pump": "pressure", "temperature": 93, "seconds": 25, "pressure": 8, "name": "pour"}
    profile = {"title": "Shared", "version": "2", "target_weight": 36, "steps": [step]}
    good, bad = tmp_path / "good.json", tmp_path / "bad.json"
    good.write_text(json.dumps(profile))
    bad.write_text(json.dumps({**profile, "steps": [{**step, "pressure": 99}]}))
    window.open("/machines/sim-2900/recipes")
    assert "0.00%" not in window.text()
    window.upload(bad)
    window.see("steps[0].pressure")
    window.upload(good)
    window.until(lambda: "draft=" in window.path(), "the editor")
    field = window.find('input[data-field="name"]')
    assert field.get_attribute("value") == "Shared"


def test_quarantine_shows_bytes_and_lets_go(window: Browser, stack: Stack) -> None:
    stack.wire.publish("coffee/v1/sim-1900/journal", b"\xff<img src=x onerror=alert(1)>")
    window.open("/quarantine")
    window.see("\\xff<img src=x onerror=alert(1)>")
    window.keep("quarantine-full")
    window.press("Discard")
    window.until(lambda: window.has(".q-dialog"), "asked once more")
    window.click(".q-dialog button.danger")
    window.see("Nothing in quarantine")


def test_quarantine_is_searched_and_thrown_away_together(window: Browser, stack: Stack) -> None:
    for number in range(3):
        stack.wire.publish("coffee/v1/sim-1900/reply", b"rubbish %d" % number)
    stack.wire.publish("coffee/v1/sim-2900/reply", b"keep me")
    window.open("/quarantine")
    window.see("rubbish 2")
    window.write('[aria-label="Search quarantine"]', "sim-1900\n")
    window.until(lambda: "containing=sim-1900" in window.path(), "the search in the address")
    window.see("rubbish 2")
    assert "keep me" not in window.text()
    window.press("Discard all 3")
    window.click(".q-dialog button.danger")
    window.see("Nothing contains that")
    window.open("/quarantine")
    window.see("keep me")
    window.press("Discard")
    window.click(".q-dialog button.danger")
    window.see("Nothing in quarantine")


@pytest.mark.parametrize("size", ["desktop", "phone", "dark"])
def test_every_page_fits_and_every_control_has_a_name(url: str, stack: Stack, size: str) -> None:
    ready(stack, "sim-1900")
    ready(stack, "sim-2900")
    window = Browser(url, 390, 844, True) if size == "phone" else Browser(url)
    try:
        window.login(TOKEN)
        if size == "dark":
            window.run("document.cookie = 'coffee_theme=dark; path=/'")
        for name, path in PAGES.items():
            window.open(path)
            window.until(lambda: window.text(), f"{name} has content")
            window.keep(f"{name}-{size}")
            assert not window.overflows(), f"{name} is wider than the window"
            assert window.nameless() == [], name
            assert window.complaints() == [], name
    finally:
        window.close()


def test_an_unknown_page_says_where_to_go(window: Browser) -> None:
    window.open("/machines/nobody")
    window.see("See all machines")
    window.open("/nothing/here")
    window.see("Go to the machines")
    # the browser notes the 404 of the page itself; that is the only complaint
    assert all("404" in complaint for complaint in window.complaints())


def test_the_apis_page_works_offline(window: Browser) -> None:
    """It has no live connection; what it fetched from elsewhere would be a complaint."""
    window.fetch("/docs")
    window.see("/api/machines/{machine}/commands", "body")
    window.keep("api")
