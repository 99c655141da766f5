"""What only a real browser shows, over the played machine: keyboard, narrow screens, leaving."""

from __future__ import annotations

from collections.abc import Iterator

import nicegui
import pytest
from selenium.webdriver.common.keys import Keys

from tests.support.browser import Browser
from tests.support.stack import eventually
from tests.unit.web.conftest import MACHINE, TOKEN, Console, PlayedMachine

pytestmark = [
    pytest.mark.slow, pytest.mark.broker, pytest.mark.browser, pytest.mark.timeout(300),
]  # fmt: skip

ASKS = """const leaving = new Event('beforeunload', {cancelable: true});
window.dispatchEvent(leaving);
return leaving.defaultPrevented"""
SPILLS = """return [...document.querySelectorAll('.tile')]
.filter(tile => tile.scrollWidth > tile.clientWidth).map(tile => tile.innerText)"""

_EDGE = "return document.querySelector('{}').getBoundingClientRect().{}"
UNMARKED = """return [...document.querySelectorAll('main a')]
.filter(link => link.offsetParent && [...link.parentElement.childNodes]
  .some(near => near.nodeType === Node.TEXT_NODE && near.textContent.trim()))
.filter(link => !getComputedStyle(link).textDecorationLine.includes('underline'))
.map(link => link.outerHTML)"""
"""Links among other words that colour alone tells from them (WCAG 1.4.1)."""
MENU_ENDS = _EDGE.format(".nav a:last-child", "right")
TOOLS_BEGIN = _EDGE.format(".bar > :last-child", "left")
TABLE_ENDS = _EDGE.format(".table", "right")
PANEL_ENDS = _EDGE.format(".panel:has(.table)", "right")


@pytest.fixture
def tablet(console: Console) -> Iterator[Browser]:
    """A guest's, whose bar has the longest tools."""
    browser = Browser(console.url, 721, 900)
    yield browser
    complaints = browser.complaints()
    browser.close()
    assert complaints == []


@pytest.fixture
def phone(console: Console) -> Iterator[Browser]:
    browser = Browser(console.url, 360, 780, True)
    console.forgive()
    browser.login(TOKEN)
    yield browser
    complaints = browser.complaints()
    browser.close()
    assert complaints == []


def test_the_keyboard_keeps_its_place_when_a_card_is_drawn_anew(
    console: Console, phone: Browser
) -> None:
    card = f'[data-machine="{MACHINE}"]'
    phone.open("/")
    phone.see("93.0", card)
    phone.run("document.querySelector(arguments[0]).focus()", card)
    console.machine.reports(temp_mc=91_500)
    phone.see("91.5", card)
    assert phone.run("return document.activeElement.dataset.machine") == MACHINE
    phone.run("document.activeElement.blur()")
    console.machine.reports(temp_mc=93_012)
    phone.see("93.0", card)
    assert phone.run("return document.activeElement === document.body"), "it was left on purpose"


def test_the_keyboard_comes_back_from_a_dialog(console: Console, phone: Browser) -> None:
    console.machine.journals(
        kind="alarm", code="tray_full", raised=True, severity="warning", latched=False
    )
    eventually(lambda: any("tray_full" in v.summary for v in console.bridge.checkpoints()))
    phone.open("/checkpoints")
    review = phone.button("Review")
    phone.run("arguments[0].focus()", review)
    review.send_keys(Keys.ENTER)
    phone.until(lambda: phone.run("return document.activeElement.tagName") == "TEXTAREA", "asked")
    phone.find(".q-dialog textarea").send_keys(Keys.ESCAPE)
    phone.until(lambda: not phone.has(".q-dialog"), "not asked any more")
    phone.until(lambda: phone.run("return document.activeElement") == review, "where it was")


def test_the_keyboard_goes_on_to_the_next_checkpoint(console: Console, phone: Browser) -> None:
    """It was left nowhere when a list of buttons was drawn anew, by a review or by itself."""
    def asked() -> list[int]:
        return [view.id for view in console.bridge.checkpoints()]

    def raises(code: str) -> None:
        raised = console.machine.journals(
            kind="alarm", code=code, raised=True, severity="warning", latched=False
        )
        eventually(lambda: console.bridge.checkpoints()[0].coffee_id == raised)

    def stands_on() -> int:
        return int(phone.run(
            "return document.activeElement.closest('article')?.dataset.checkpoint ?? 0"
        ))  # fmt: skip

    for code in ("tank_empty", "hopper_empty", "door_open"):
        raises(code)
    _, second, third = asked()[:3]
    phone.open("/checkpoints")
    review = phone.find(f'[data-checkpoint="{second}"] button')
    phone.run("arguments[0].focus()", review)
    raises("scale_fault")
    phone.see("Scale not responding")
    phone.until(lambda: stands_on() == second, "the same one, drawn anew")
    phone.run("document.activeElement.click()")
    phone.find(".q-dialog textarea")
    phone.press("Mark as reviewed")
    phone.until(lambda: second not in asked(), "reviewed")
    phone.until(lambda: stands_on() == third, "the next one")


def test_the_keyboard_stays_with_its_recipe(console: Console, phone: Browser) -> None:
    """It went to the first one's *Delete* whenever the list was drawn anew."""
    machine = PlayedMachine(console.wire, "m-keys")
    machine.is_born()

    def has(rev: int, **names: str) -> None:
        slots = {slot: {"name": name, "temp_mc": 93000, "volume_ul": 36000}
                 for slot, name in names.items()}  # fmt: skip
        machine.says("recipes", {"v": 1, "rev": rev, "slots": slots}, retain=True)

    has(2, **{"0": "Espresso", "1": "Lungo", "2": "Ristretto"})
    phone.open("/machines/m-keys/recipes")
    phone.see("Ristretto")
    phone.run("document.querySelector('[data-slot=\"1\"] button:last-of-type').focus()")
    label = "return document.activeElement.getAttribute('aria-label')"
    assert phone.run(label) == "Delete slot 1"
    has(3, **{"0": "Espresso", "1": "Lungo", "2": "Cortado"})
    phone.see("Cortado")
    phone.until(lambda: phone.run(label) == "Delete slot 1", "the same one, drawn anew")


def test_several_new_machines_are_reviewed_at_once(console: Console, phone: Browser) -> None:
    names = [f"fleet-{number}" for number in range(1, 13)]
    for name in names:
        PlayedMachine(console.wire, name).is_born()

    def asked() -> set[str]:
        return {view.machine for view in console.bridge.checkpoints("open", None, 500, "machine")}

    eventually(lambda: asked() >= set(names))
    count = console.bridge.count_checkpoints("open", None, "machine")
    phone.open("/checkpoints?kind=machine")
    phone.see("fleet-12")
    assert phone.nameless() == [] and not phone.overflows()
    phone.keep("checkpoints-kind-360")
    phone.press(f"Review all {count}")
    phone.see(f"Review {count} checkpoints?", ".q-dialog")
    phone.see("fleet-1, fleet-2, fleet-3", ".q-dialog")
    phone.until(lambda: phone.faint() == [], "faded in, and can be read")
    phone.keep("checkpoints-review-all-360")
    phone.press("Mark as reviewed")
    phone.until(lambda: not asked(), "all reviewed")
    phone.see("No checkpoint matches")
    phone.resize(1280)
    phone.open("/checkpoints?machine=fleet-2&state=done")
    phone.see("Reviewed by Ada")
    phone.keep("checkpoints-machine-1280")
    phone.click('input[aria-label="Machine"]')
    phone.write('input[aria-label="Machine"]', "fleet-11")
    phone.until(lambda: phone.has(".q-menu .q-item"), "it is offered")
    phone.click(".q-menu .q-item")
    phone.until(lambda: "machine=fleet-11" in phone.path(), "chosen, kept in the address")
    assert "state=done" in phone.path()


def test_an_exact_time_names_its_zone(phone: Browser) -> None:
    """The record beside it says UTC; the browser's time is another."""
    phone.move_to("Asia/Tokyo")
    phone.open(f"/machines/{MACHINE}")
    phone.find("time[data-ms]")
    title = phone.run(
        """document.dispatchEvent(new Event('visibilitychange'));
        return document.querySelector('time[data-ms]').title"""
    )
    assert title.endswith("GMT+9")


def test_a_wrong_clock_of_the_browser_makes_nothing_older(phone: Browser) -> None:
    phone.set_clock_ahead(2 * 86_400_000)
    phone.open(f"/machines/{MACHINE}")
    phone.find("time[data-ms]")
    shown = phone.run(
        """document.dispatchEvent(new Event('visibilitychange'));
        return document.querySelector('time[data-ms]').textContent"""
    )
    assert shown == "just now" or shown.endswith((" s ago", " min ago"))


def test_long_names_stay_in_their_tiles(console: Console, phone: Browser) -> None:
    machine = PlayedMachine(console.wire, "m-names")
    machine.is_born()
    eventually(lambda: "m-names" in {known.machine for known in console.bridge.machines()})
    names = ("W" * 32, "Espresso ristretto of the house!", "<b>☕ קפה</b>")
    slots = {str(n): {"name": name, "temp_mc": 93000, "volume_ul": 36000}
             for n, name in enumerate(names)}  # fmt: skip
    machine.says("recipes", {"v": 1, "rev": 2, "slots": slots}, retain=True)
    eventually(lambda: len(console.bridge.recipes("m-names").slots) == len(names))
    phone.open("/machines/m-names")
    phone.find('.tile[data-slot="2"]')
    assert phone.run(SPILLS) == []
    assert not phone.overflows()


def test_the_longest_name_of_a_machine_fits_on_a_phone(console: Console, phone: Browser) -> None:
    name = "w" * 32
    machine = PlayedMachine(console.wire, name)
    machine.is_born()
    machine.says("journal", "rubbish")
    console.bridge.send(MACHINE, "setpoint", {"brew_mc": 93_000}, "W" * 64)
    eventually(lambda: console.bridge.machine(name) and console.bridge.count_quarantined(name))
    home = f"/machines/{name}"
    pages = ("/", home, f"{home}/history", f"{home}/recipes", f"{home}/recipes/3", "/brews",
             "/checkpoints", "/quarantine", f"/brews?machine={'v' * 32}",
             f"/machines/{MACHINE}", f"/machines/{MACHINE}/history")  # fmt: skip
    wide = []
    for page in pages:
        phone.open(page)
        phone.find("main h1")
        wide += [page] if phone.overflows() else []
    console.bridge.discard_all(name, 1 << 60, "Ada")
    assert wide == []


def test_a_time_after_a_name_from_right_to_left_stays_in_order(
    console: Console, phone: Browser
) -> None:
    """`by דנה · 5 min ago` was shown with its 5 before the name."""
    console.bridge.send(MACHINE, "setpoint", {"brew_mc": 93_000}, "דנה")
    console.machine.answers("setpoint")
    phone.open(f"/machines/{MACHINE}")
    phone.see("דנה")
    name_ends, number_begins = phone.run(
        """const line = [...document.querySelectorAll('.answers .soft')]
          .find(e => e.textContent.includes('דנה'));
        const [before, time] = [line.firstChild, line.querySelector('time').firstChild];
        time.textContent = '5 min ago';
        const box = (node, from, to) => { const range = document.createRange();
          range.setStart(node, from); range.setEnd(node, to);
          return range.getBoundingClientRect(); };
        const at = before.textContent.indexOf('דנה');
        return [box(before, at, at + 3).right, box(time, 0, 1).left]"""
    )
    assert name_ends <= number_begins


def test_on_a_small_tablet_the_menu_covers_no_button(tablet: Browser) -> None:
    tablet.open("/")
    tablet.see("known")
    assert tablet.run(MENU_ENDS) <= tablet.run(TOOLS_BEGIN)


def test_whoever_goes_by_keyboard_sees_which_button_it_is(tablet: Browser) -> None:
    tablet.open("/")
    tablet.find('input[aria-label="Search machines"]').send_keys(Keys.TAB)
    ring = "getComputedStyle(document.activeElement).boxShadow"
    assert tablet.run("return document.activeElement.tagName") == "BUTTON"
    assert "5px" in tablet.run(f"return {ring}")


def test_a_table_stays_in_its_panel_beside_the_orders(console: Console, tablet: Browser) -> None:
    """Two columns are narrowest just above one: the table has less room than on a tablet."""
    made = console.machine.brewed(77)
    eventually(lambda: console.bridge.brew(made, MACHINE))
    tablet.resize(1001)
    tablet.open(f"/machines/{MACHINE}")
    tablet.see(made)
    assert tablet.run(TABLE_ENDS) <= tablet.run(PANEL_ENDS)


def test_an_empty_field_names_its_unit(phone: Browser) -> None:
    phone.open(f"/machines/{MACHINE}/recipes/3")
    shown = phone.run(
        """const field = document.querySelector('input[data-field=soak_ms]').closest('.q-field');
        return getComputedStyle(field.querySelector('.q-field__suffix')).opacity"""
    )
    assert shown == "1"


def test_a_set_point_follows_the_machine_but_not_under_the_cursor(
    console: Console, phone: Browser
) -> None:
    def shown() -> str:
        return str(phone.find("input[type=number]").get_property("value"))

    try:
        phone.open(f"/machines/{MACHINE}")
        phone.until(lambda: shown() == "93", "as the machine says")
        phone.click("input[type=number]")
        console.machine.reports(setpoint_mc=95_000)
        phone.see("of 95.0")
        assert shown() == "93"
        phone.run("document.activeElement.blur()")
        phone.until(lambda: shown() == "95", "followed")
    finally:
        console.machine.reports()


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_every_text_can_be_read(console: Console, phone: Browser, theme: str) -> None:
    console.machine.draws(78)
    made = console.machine.brewed(78)
    console.machine.journals(
        kind="meter", day="2026-11-29", water_ul=1, energy_j=1, grinds=0, shots=1
    )
    eventually(lambda: console.bridge.brew(made, MACHINE) and console.bridge.meters(MACHINE))
    phone.open("/")
    phone.run(f"document.cookie = 'coffee_theme={theme}; path=/'")
    home = f"/machines/{MACHINE}"
    pages = ("/", home, f"{home}/history", f"{home}/recipes/3", f"/brews/{MACHINE}/{made}",
             "/brews", "/checkpoints", "/quarantine", "/login")  # fmt: skip
    for page in pages:
        phone.open(page)
        if page.startswith(("/brews/", f"{home}/history")):
            phone.find(".curve text")  # else nothing of the chart is looked at
        assert phone.faint() == [], page
        assert phone.run("return document.querySelector('canvas')") is None, page
        assert phone.run(UNMARKED) == [], page
        assert not phone.overflows(), page


CUT = """const page = document.querySelector('main'), cut = [];
window.dispatchEvent(new Event('beforeprint'));
page.style.width = '500px';  // paper gives a chart no time to draw itself anew
for (const chart of page.querySelectorAll('.curve')) {
  const room = chart.getBoundingClientRect();
  for (const part of chart.querySelectorAll('svg text, svg path')) {
    const drawn = part.getBoundingClientRect();
    if (drawn.right > room.right + 1 || drawn.bottom > room.bottom + 1) cut.push(part.outerHTML);
  }
}
page.style.width = '';
window.dispatchEvent(new Event('afterprint'));
return cut"""
COVERS = """return [...document.body.querySelectorAll('*')]
.filter(e => e.checkVisibility() && e.offsetHeight && !e.ariaHidden)
.filter(e => getComputedStyle(e).position === 'fixed').map(e => e.className)"""


def test_on_paper_nothing_is_covered_cut_off_or_white(console: Console, phone: Browser) -> None:
    """The menu lay on the last lines of each sheet, charts were as wide as the window, and out of
    the dark theme their texts were white."""
    console.machine.draws(79)
    made = console.machine.brewed(79)
    eventually(lambda: console.bridge.brew(made, MACHINE))
    phone.resize(1100)
    phone.open("/")
    phone.run("document.cookie = 'coffee_theme=dark; path=/'")
    for page in (f"/brews/{MACHINE}/{made}", f"/machines/{MACHINE}"):
        phone.open(page)
        phone.find(".curve text")
        phone.on_paper()
        assert phone.run(CUT) == [], page
        assert phone.faint() == [], page
    phone.resize(700)  # paper is narrow
    assert phone.run(COVERS) == []


def test_a_long_word_on_an_order_stays_on_a_phone(console: Console, phone: Browser) -> None:
    PlayedMachine(console.wire, "mute").is_born()
    eventually(lambda: (seen := console.bridge.machine("mute")) and seen.online)
    console.bridge.send("mute", "setpoint", {"brew_mc": 93_000}, "Ada")
    phone.open("/machines/mute/history")
    phone.see("waiting for the machine")
    ends = phone.run(_EDGE.format(".table .chip", "right"))
    assert ends <= phone.run(_EDGE.format(".panel:has(.table)", "right"))
    assert phone.run(UNMARKED) == []


def test_leaving_a_recipe_that_was_not_sent_is_asked_about(
    console: Console, phone: Browser
) -> None:
    phone.open(f"/machines/{MACHINE}/recipes/3")
    assert not phone.run(ASKS)
    phone.write('input[data-field="name"]', "Lungo")
    assert phone.run(ASKS), "what is typed counts before the server has heard of it"
    phone.write('input[data-field="name"]', "Recipe 3")
    phone.until(lambda: not phone.run(ASKS), "nothing to lose any more")
    phone.write('input[data-field="name"]', "Ristretto")
    phone.press("Back without sending")
    phone.until(lambda: phone.path() == f"/machines/{MACHINE}/recipes", "left without asking")


KEPT = "sessionStorage['coffee_unsent:' + location.pathname]"
RECALLED = f"return JSON.parse({KEPT} ?? '{{\"waits\": true}}').waits"


def is_kept(browser: Browser) -> None:
    """Waits until what was typed would outlive a loading: a browser that types at once is faster
    than the bridge's first word of what it holds, which the page must have."""
    asks = f"{ASKS} && {KEPT} !== undefined"
    browser.until(lambda: browser.run(asks), "unsent, and kept")


def forget_pages() -> None:
    """As a bridge that was started anew: it knows none of the pages that are open."""
    loop = nicegui.core.loop
    assert loop
    for client in list(nicegui.Client.instances.values()):
        loop.call_soon_threadsafe(client.delete)


def comes_back(console: Console, browser: Browser, field: str, text: str) -> None:
    """Writes into the field while the bridge is away; then the page has loaded itself again."""
    browser.run("window.before = true; window.socket.disconnect()")
    browser.write(f'input[data-field="{field}"]', text)
    forget_pages()
    browser.run("window.socket.connect()")
    browser.until(lambda: not browser.run("return window.before"), "loaded again")
    browser.until(lambda: browser.run("return window.did_handshake === true"), "connected")
    browser.until(lambda: browser.run(RECALLED), "recalled, or it waits for its writer")


WRITTEN = "return document.querySelector(`input[data-field='${arguments[0]}']`)?.value"


def test_what_was_not_sent_outlives_a_restart_of_the_bridge(
    console: Console, phone: Browser
) -> None:
    """Its page asked whether to load again: whoever agreed lost it, whoever did not, too."""
    home = f"/machines/{MACHINE}/recipes/5"
    phone.open(home)
    phone.write('input[data-field="name"]', "Ristretto")
    is_kept(phone)
    phone.run("window.before = true")
    phone.run("window.socket.disconnect()")
    phone.write('input[data-field="volume_ul"]', "22")  # nobody hears of it
    forget_pages()
    phone.run("window.socket.connect()")
    phone.until(lambda: not phone.run("return window.before"), "loaded again, without a question")
    phone.see("What you wrote is not sent yet", "body")
    assert (phone.run(WRITTEN, "name"), phone.run(WRITTEN, "volume_ul")) == ("Ristretto", "22")
    assert phone.run(ASKS), "still to be sent"
    phone.press("Send to the machine")
    sent = console.machine.answers("recipe.put")["args"]
    assert (sent["slot"], sent["recipe"]["name"], sent["recipe"]["volume_ul"]) == (
        "5", "Ristretto", 22_000,
    )  # fmt: skip
    phone.until(lambda: phone.path() == f"/machines/{MACHINE}/recipes", "back at the list")
    phone.open(home)
    phone.until(lambda: phone.run(WRITTEN, "name"), "opened anew")
    assert phone.run(WRITTEN, "name") == "Recipe 5", "what was done with comes not back"


def writes_until_the_session_ends(browser: Browser, name: str) -> None:
    """The name of recipe 6; the page itself has not heard yet that the session is over."""
    browser.open(f"/machines/{MACHINE}/recipes/6")
    browser.write('input[data-field="name"]', name)
    is_kept(browser)
    browser.run("fetch('/logout', {method: 'POST'}).then(() => { window.out = true; })")
    browser.until(lambda: browser.run("return window.out"), "the session is over")


def test_what_one_had_not_sent_the_next_one_does_not_find(
    console: Console, phone: Browser
) -> None:
    """Whoever logged out left it to whoever sat down there next."""
    writes_until_the_session_ends(phone, "Ada's own")
    comes_back(console, phone, "name", "Ada's secret")
    phone.until(lambda: phone.run(WRITTEN, "name"), "drawn")
    assert (phone.run(WRITTEN, "name"), phone.run(ASKS)) == ("Recipe 6", False)
    log_in(phone, "Bob")
    phone.open(f"/machines/{MACHINE}/recipes/6")
    phone.until(lambda: phone.run(WRITTEN, "name"), "drawn")
    phone.until(lambda: not phone.run(f"return {KEPT}"), "dropped")
    assert phone.run(WRITTEN, "name") == "Recipe 6"


def log_in(browser: Browser, user: str) -> None:
    """As on the login page, in another tab."""
    form = "new URLSearchParams({user: arguments[0], token: arguments[1]})"
    login = f"fetch('/login', {{method: 'POST', body: {form}}})"
    browser.run(f"{login}.then(() => {{ window.known = true; }})", user, TOKEN)
    browser.until(lambda: browser.run("return window.known"), "logged in")


def test_what_was_not_sent_when_the_session_ended_waits_for_its_writer(
    console: Console, phone: Browser
) -> None:
    """As of a bridge that was started with a new token: the page that came back was a guest's,
    and what had been written was gone."""
    writes_until_the_session_ends(phone, "Ristretto")
    comes_back(console, phone, "volume_ul", "22")
    phone.see("Log in again as Ada, and what you wrote here is back", "body")
    phone.open(f"/machines/{MACHINE}/recipes/5")  # writes elsewhere
    phone.write('input[data-field="name"]', "Lungo")
    is_kept(phone)
    phone.press("Back without sending")
    phone.until(lambda: phone.path() == f"/machines/{MACHINE}/recipes", "left")
    log_in(phone, "Ada")
    phone.open(f"/machines/{MACHINE}/recipes/6")
    phone.see("What you wrote is not sent yet", "body")
    assert (phone.run(WRITTEN, "name"), phone.run(WRITTEN, "volume_ul")) == ("Ristretto", "22")
    phone.press("Back without sending")


def test_who_logs_out_has_done_with_what_was_written(phone: Browser) -> None:
    """Whoever agreed to lose it found it again, however much later; on a shared tablet the next
    one was asked to log in with that name."""
    phone.open(f"/machines/{MACHINE}/recipes/6")
    phone.write('input[data-field="name"]', "Ada's own")
    is_kept(phone)
    phone.run("window.before = true; setTimeout(coffee.logout, 0, 'Ada')")
    phone.until(lambda: not phone.run("return window.before"), "loaded again")
    phone.until(lambda: phone.run(WRITTEN, "name"), "drawn")
    assert phone.run(WRITTEN, "name") == "Recipe 6"
    phone.until(lambda: phone.run("return window.did_handshake === true"), "connected")
    assert phone.run("return Object.keys(sessionStorage).filter(k => k.match('unsent'))") == []


LEAVE = "sessionStorage['coffee_unsent:/' + arguments[0]] = JSON.stringify(arguments[1])"
LEFT = "return Object.keys(sessionStorage).filter(k => k.match('unsent'))"


def test_who_logs_out_elsewhere_has_done_with_it_too(phone: Browser) -> None:
    """From another page they left it to whoever opened that one next; what waits for others is
    theirs."""
    phone.open("/")
    for writer in ("Ada", "Bob"):
        phone.run(LEAVE, writer, {"writer": writer, "waits": True})
    phone.run("window.before = true")
    phone.click('button[aria-label="Account"]')
    phone.until(lambda: phone.run(RESTS) == [False, False], "open")
    phone.run("[...document.querySelectorAll('.q-menu .q-item')].at(-1).click()")
    phone.until(lambda: not phone.run("return window.before"), "loaded again")
    assert phone.run(LEFT) == ["coffee_unsent:/Bob"]
    phone.run("sessionStorage.clear()")


LINES = """const words = document.createRange();
words.selectNodeContents(document.querySelector('.notice button .block'));
return words.getClientRects().length"""


def test_the_way_to_the_login_stands_on_one_line(tablet: Browser) -> None:
    """In the narrow column of a wide window its two words stood on two."""
    tablet.resize(1320)
    tablet.open(f"/machines/{MACHINE}")
    tablet.see("You are looking as a guest")
    assert tablet.run(LINES) == 1


COVERED = """const edge = arguments[0];
return [...document.querySelectorAll('#content button:not(.hidden)')].filter(button => {
  button.scrollIntoView({block: edge});
  const {left, top, width, height} = button.getBoundingClientRect();
  return document.elementFromPoint(left + width / 2, top + height / 2)?.closest('.bar');
}).map(button => button.outerHTML)"""


@pytest.mark.parametrize("edge", ["start", "end"])
def test_what_is_scrolled_to_lies_under_no_bar(phone: Browser, edge: str) -> None:
    """As for the keyboard: on a phone the menu covered it on the way down, the head on the way
    up."""
    phone.open(f"/machines/{MACHINE}")
    phone.see("Identify")
    assert phone.run(COVERED, edge) == []


RESTING = "return [...document.querySelectorAll('.split [inert]')].map(e => e.innerText)"


def test_a_form_takes_no_press_that_would_be_lost(console: Console, phone: Browser) -> None:
    """*Add a phase* pressed while the bridge was away did nothing, then or later."""
    phone.open(f"/machines/{MACHINE}/recipes/5")
    phone.write('input[data-field="name"]', "Recipe 5")
    phone.until(lambda: not phone.run(ASKS), "the bridge and the page know of each other")
    assert phone.run(RESTING) == []
    phone.run("window.socket.disconnect()")
    resting = "\n".join(phone.run(RESTING))
    assert "Pre-infusion" in resting and "Send to the machine" in resting
    assert phone.find('input[data-field="name"]').is_enabled(), "what is typed is kept"
    phone.run("window.socket.connect()")
    phone.until(lambda: phone.run(RESTING) == [], "usable again")


RESTS = "return [...document.querySelectorAll('.q-menu .q-item')].map(e => e.inert)"


def test_an_open_menu_takes_no_press_that_would_be_lost(console: Console, phone: Browser) -> None:
    phone.open(f"/machines/{MACHINE}/recipes/5")
    phone.write('input[data-field="name"]', "Recipe 5")
    phone.until(lambda: not phone.run(ASKS), "the bridge and the page know of each other")
    phone.click('button[aria-label="Account"]')
    phone.until(lambda: phone.run(RESTS) == [False, False], "open")
    phone.run("window.socket.disconnect()")
    assert phone.run(RESTS) == [True, True]
    phone.run("window.socket.connect()")
    phone.until(lambda: phone.run(RESTS) == [False, False], "usable again")


def test_the_keyboard_keeps_its_place_while_the_bridge_is_away(
    console: Console, phone: Browser
) -> None:
    phone.open(f"/machines/{MACHINE}/recipes/5")
    phone.write('input[data-field="name"]', "Recipe 5")
    phone.until(lambda: not phone.run(ASKS), "the bridge and the page know of each other")
    send = phone.button("Send to the machine")
    phone.run("arguments[0].focus()", send)
    phone.run("window.socket.disconnect()")
    phone.until(lambda: phone.run("return document.activeElement === document.body"), "rests")
    phone.run("window.socket.connect()")
    phone.until(lambda: phone.run("return document.activeElement") == send, "where it was")


CHOICES = """const box = document.createElement("div");
box.className = "q-dialog";
box.innerHTML = '<div class="q-item"></div>';
document.body.append(box);"""
"""Where the choices of a list open for a finger."""
CHOOSABLE = "return !document.querySelector('.q-dialog .q-item').inert"


def test_an_open_choice_on_a_phone_takes_no_press_either(phone: Browser) -> None:
    phone.open(f"/machines/{MACHINE}/recipes/5")
    phone.write('input[data-field="name"]', "Recipe 5")
    phone.until(lambda: not phone.run(ASKS), "the bridge and the page know of each other")
    phone.run(CHOICES)
    phone.run("window.socket.disconnect()")
    assert not phone.run(CHOOSABLE)
    phone.run("window.socket.connect()")
    phone.until(lambda: phone.run(CHOOSABLE), "usable again")


def test_a_keyboard_that_was_put_away_stays_away(phone: Browser) -> None:
    """Once the bridge was back the field had it again, and a phone showed it over the page."""
    phone.open(f"/machines/{MACHINE}/recipes/5")
    phone.write('input[data-field="name"]', "Recipe 5")
    phone.until(lambda: not phone.run(ASKS), "the bridge and the page know of each other")
    phone.run("document.querySelector('input[data-field=name]').focus()")
    phone.run("window.socket.disconnect(); document.activeElement.blur()")
    phone.run("window.socket.connect()")
    phone.until(lambda: phone.run(RESTING) == [], "usable again")
    assert phone.run("return document.activeElement === document.body")


def test_what_a_guest_wrote_is_still_there_once_they_logged_in(
    console: Console, tablet: Browser
) -> None:
    """In another window, before the bridge was started anew."""
    tablet.open(f"/machines/{MACHINE}/recipes/6")
    tablet.write('input[data-field="name"]', "A guest's own")
    is_kept(tablet)
    log_in(tablet, "Ada")
    comes_back(console, tablet, "volume_ul", "22")
    tablet.see("What you wrote is not sent yet", "body")
    assert tablet.run(WRITTEN, "name") == "A guest's own"
    tablet.press("Back without sending")


def test_what_was_written_while_the_bridge_was_away_overwrites_nobody_unasked(
    console: Console, phone: Browser
) -> None:
    def holds(rev: int, name: str) -> None:
        ours = {"name": name, "temp_mc": 93_000, "volume_ul": 36_000}
        slots = {**console.bridge.recipes(MACHINE).slots, "7": ours}  # others look for theirs
        console.machine.says("recipes", {"v": 1, "rev": rev, "slots": slots}, retain=True)
        eventually(lambda: console.bridge.recipes(MACHINE).slots.get("7", {}).get("name") == name)

    holds(70, "Ours")
    phone.open(f"/machines/{MACHINE}/recipes/7")
    phone.until(lambda: phone.run(WRITTEN, "name") == "Ours", "opened")
    holds(71, "Theirs")
    comes_back(console, phone, "volume_ul", "22")
    phone.see("What you wrote is not sent yet", "body")
    phone.press("Send to the machine")
    phone.see("somebody changed it since you opened it", "body")
    phone.run("coffee.leave('/')")


@pytest.mark.parametrize("broken", ["setItem", "getItem"])
def test_a_browser_that_keeps_nothing_still_asks(phone: Browser, broken: str) -> None:
    phone.open(f"/machines/{MACHINE}/recipes/5")
    phone.run(f"Storage.prototype.{broken} = () => {{ throw new Error('no room'); }}")
    phone.write('input[data-field="name"]', "Lungo")
    assert phone.run(ASKS)
    phone.press("Back without sending")
