"""The web client as a person sees it, in headless Chromium; pictures in build/screenshots.

One story in order: a fleet with every health, a brew, a checkpoint's review, an order, a recipe.
"""

from __future__ import annotations

import time
from collections.abc import Iterator

import pytest
from selenium.webdriver.common.by import By

from tests.erp.facts import alarm, brew, fact
from tests.erp.odoo19.server import ADMIN, BRIDGE, OdooServer
from tests.erp.odoo19.template import Cluster
from tests.support.browser import Browser

NOW_MS = int(time.time() * 1000)
MINUTE_MS = 60_000
ESPRESSO = {
    "name": "espresso", "temp_mc": 93_000, "dose_ms": 7_000, "stop": {"volume_ul": 36_000},
    "phases": [{"name": "pre-infusion", "pressure_mbar": 3_000, "until": {"time_ms": 6_000}},
               {"name": "extraction", "pressure_mbar": 9_000, "until": {"volume_ul": 36_000}}],
}  # fmt: skip
LUNGO = {"name": "lungo", "temp_mc": 92_000, "volume_ul": 60_000, "preinfusion_ms": 3_000}
FLEET = (
    ("bar-left", "2900", "Bar, left", "Ground floor, bar", True, []),
    ("bar-right", "2900", "Bar, right", "Ground floor, bar", True, ["tank_empty"]),
    ("kitchen", "1900", "Kitchen", "2nd floor", True, []),
    ("workshop", "1900", "Workshop", "Yard", False, []),
)
CUT = """return [...document.querySelectorAll('td[name=sync_state] .badge')]
    .filter(badge => badge.scrollWidth > badge.clientWidth + 1).map(badge => badge.innerText)"""
"""What a list shows of a status only in part."""
PACKAGE_OWN = ("selfie_segmentation",)
"""The package leaves a file out that no page of ours needs, and the browser says so."""


@pytest.fixture(scope="module")
def odoo_fleet(odoo_cluster: Cluster) -> Iterator[OdooServer]:
    with OdooServer(odoo_cluster, "coffee_web") as odoo:
        fill(odoo)
        yield odoo


def fill(odoo: OdooServer) -> None:
    """Four machines that work, one nobody has looked at yet."""
    drafts = [{"machine": m, "version": v, "serial": f"e66141{n:02d}", "firmware": "0.1.0"}
              for n, (m, v, *_rest) in enumerate(FLEET)]  # fmt: skip
    odoo.call("save_backends", drafts=[*drafts, {"machine": "meeting-room"}], bridge=BRIDGE)
    for machine, _version, name, place, _online, _alarms in FLEET:
        values = {"name": name, "location": place}
        odoo.admin("coffee.backend", "write", [odoo.run_machine(machine)], values)
    for machine, version, *_rest in FLEET:
        slots = {"0": ESPRESSO, "1": {**ESPRESSO, "name": "ristretto"}}
        slots = {"0": LUNGO} if version == "1900" else slots
        odoo.call("import_recipes", machine=machine, rev=1, slots=slots)
    states = [{"machine": m, "online": online, "last_seen_ms": str(NOW_MS), "alarms": alarms}
              for m, _v, _n, _p, online, alarms in FLEET]  # fmt: skip
    odoo.call("presence", states=states)
    facts = []
    for seq in range(60):
        machine = FLEET[seq * 4 // 60][0]
        at_ms = NOW_MS - (60 - seq * 37 % 60) * 97 * MINUTE_MS
        result = "aborted" if seq == 29 else "stopped" if seq % 13 == 12 else "ok"
        facts.append(
            brew(
                seq, machine, utc_ms=str(at_ms), start_ms=str(at_ms - 28_000),
                slot=str(seq % 2), volume_ul=str(34_000 + seq * 911 % 4_000),
                duration_ms=26_000 + seq * 337 % 5_000, temp_mean_mc=92_800 + seq * 53 % 400,
                weight_mg=33_000 + seq * 700 % 4_000, pressure_peak_mbar=9_050,
                pressure_mean_mbar=7_400, result=result,
                reason="tank_empty" if result == "aborted" else None,
            )
        )  # fmt: skip
    meter = {"day": "2026-01-01", "water_ul": "8200000", "energy_j": 1_900_000, "grinds": 31,
             "shots": 31}  # fmt: skip
    facts += [
        alarm(30, "bar-right", utc_ms=str(NOW_MS - 3 * MINUTE_MS)),
        alarm(45, "kitchen", code="tray_full", severity="warning", utc_ms=str(NOW_MS)),
        fact(15, "coffee.meter", meter, "bar-left"),
        fact(16, "coffee.maintenance", {"code": "backflush_done", "value": 1}, "bar-left"),
        fact(17, "coffee.event", {"kind": "boot", "detail": {"cause": "power"}}, "bar-left"),
        brew(60, "workshop", volume_ul="-5"),
    ]
    odoo.call("push", bridge=BRIDGE, facts=facts)


@pytest.fixture(scope="module")
def page(odoo_fleet: OdooServer) -> Iterator[OdooBrowser]:
    browser = OdooBrowser(odoo_fleet.url, width=1366, height=860)
    try:
        browser.enter()
        yield browser
    finally:
        browser.close()


class OdooBrowser(Browser):
    """Odoo's web client."""

    def enter(self, login: str = ADMIN[0], password: str = ADMIN[1]) -> None:
        self.fetch("/web/login")
        self.find("input[name=login]").send_keys(login)
        self.find("input[name=password]").send_keys(password)
        self.find(".oe_login_buttons button[type=submit]").click()
        self.find(".o_main_navbar")

    def action(self, name: str, css: str) -> None:
        """Opens an action of ours and waits for its content."""
        self.fetch(f"/odoo/action-connector_coffee.{name}")
        self.find(css)

    def settle(self) -> None:
        """No request is under way and nothing is being shown as loading."""
        self.until(lambda: not self.has(".o_loading_indicator"), "loading ended")
        time.sleep(0.3)  # transitions

    def shot(self, name: str) -> None:
        self.settle()
        self.keep(f"odoo-{name}")

    def named(self, name: str) -> None:
        """Presses the button of that technical name."""
        self.click(f"button[name={name}]")

    def errors(self) -> list[str]:
        found = [text for text in self.complaints() if not any(w in text for w in PACKAGE_OWN)]
        if self.has(".o_error_dialog"):
            found.append(self.text(".o_error_dialog"))
        return found

    def texts(self, css: str) -> list[str]:
        return [one.text for one in self._driver.find_elements(By.CSS_SELECTOR, css)]


def test_the_fleet_shows_who_needs_help(page: OdooBrowser) -> None:
    page.action("coffee_backend_action", ".o_kanban_record:not(.o_kanban_ghost)")
    page.see("Bar, right", ".o_kanban_view")
    cards = {text.splitlines()[0]: text for text in page.texts(".o_kanban_record") if text}
    assert set(cards) == {"Bar, left", "Bar, right", "Kitchen", "Workshop", "meeting-room"}
    assert "Alarm" in cards["Bar, right"] and "Water tank empty" in cards["Bar, right"]
    assert "Online" in cards["Bar, left"] and "Offline" in cards["Workshop"]
    assert "New" in cards["meeting-room"] and "Draft" in cards["meeting-room"]
    page.shot("fleet")
    assert page.errors() == []


def test_a_machine_says_all_about_itself(page: OdooBrowser) -> None:
    page.action("coffee_backend_action", ".o_kanban_record")
    page.until(lambda: [c for c in page.texts(".o_kanban_record") if "Bar, right" in c], "card")
    page.run(
        "[...document.querySelectorAll('.o_kanban_record')]"
        ".find(c => c.innerText.includes('Bar, right')).click()"
    )
    page.find(".o_form_view .o_statusbar_status")
    page.see("Water tank empty", ".o_form_view")
    page.shot("machine")
    page.named("action_check")
    page.see("The bridge is connected and the machine is online.", ".o_notification_manager")
    page.run("document.querySelector('a[name=pour]').click()")
    page.find("div[name=pour_enabled]")
    page.shot("machine-pour")
    assert page.errors() == []


def test_a_brew(page: OdooBrowser) -> None:
    page.action("coffee_brew_action", ".o_data_row")
    page.shot("brews")
    page.run(
        "[...document.querySelectorAll('.o_data_row')]"
        ".find(r => r.innerText.includes('Water tank empty'))"
        ".querySelector('td[name=shot]').click()"
    )
    page.see("Aborted", ".o_form_view")
    page.shot("brew")
    for view in ("graph", "pivot"):
        page.action("coffee_brew_action", ".o_data_row")
        page.click(f".o_switch_view.o_{view}")
        page.find(f".o_{view}_view canvas" if view == "graph" else ".o_pivot table")
        page.shot(f"brews-{view}")
    assert page.errors() == []


def test_energy_by_day_and_machine(page: OdooBrowser) -> None:
    page.action("coffee_meter_action", ".o_data_row")
    for view, content in (("graph", ".o_graph_view canvas"), ("pivot", ".o_pivot table")):
        page.click(f".o_switch_view.o_{view}")
        page.find(content)
        page.shot(f"meter-{view}")
    page.see("Energy (kWh)", ".o_pivot_view")
    page.see("0.528", ".o_pivot_view")
    assert page.errors() == []


def test_checkpoints_are_reviewed_one_by_one_and_many_at_once(
    page: OdooBrowser, odoo_fleet: OdooServer
) -> None:
    page.action("coffee_checkpoint_action", ".o_data_row")
    before = int(odoo_fleet.sql("SELECT count(*) FROM coffee_checkpoint WHERE state = 'review'"))
    assert before >= 8
    page.shot("checkpoints")
    page.run(
        "[...document.querySelectorAll('.o_data_row')]"
        ".find(r => r.innerText.includes('Water tank empty'))"
        ".querySelector('td[name=summary]').click()"
    )
    page.find(".o_form_view button[name=action_review]")
    page.write("div[name=note] textarea", "Tank filled, float cleaned")
    page.shot("checkpoint")
    page.named("action_review")
    page.until(lambda: not page.has("button[name=action_review]"), "it is reviewed")
    found = odoo_fleet.records(
        "coffee.checkpoint", ["note", "reviewed_by"], [("state", "=", "reviewed")]
    )
    assert [(one["note"], one["reviewed_by"][0]) for one in found] == [
        ("Tank filled, float cleaned", 2)
    ]
    page.action("coffee_checkpoint_action", ".o_data_row")
    page.settle()  # a list that is drawn anew forgets what was selected
    page.click("thead .o_list_record_selector input")
    page.find(".o_control_panel .o_list_selection_box, .o_selection_box")
    page.press("Review")
    page.find(".modal .o_data_row")
    page.shot("checkpoint-review")
    page.click(".modal button[name=action_review]")
    page.until(lambda: not page.has(".modal"), "the dialogue closed")
    assert odoo_fleet.sql("SELECT count(*) FROM coffee_checkpoint WHERE state = 'review'") == "0"
    assert page.errors() == []


def test_a_person_orders_and_the_machine_answers(
    page: OdooBrowser, odoo_fleet: OdooServer
) -> None:
    (machine,) = odoo_fleet.records("coffee.backend", ["id"], [("machine", "=", "bar-left")])
    page.fetch(f"/odoo/coffee.backend/{machine['id']}")
    page.named("action_new_command")
    page.click(".modal div[name=recipe_id] input")
    page.see("espresso", ".o-autocomplete--dropdown-menu")  # first it says that it loads
    page.click(".modal .o-autocomplete--dropdown-item a, .o-autocomplete--dropdown-item a")
    page.shot("order")
    page.click(".modal div[name=name] input")
    page.find(".o_select_menu_item")
    offered = page.run(
        "return [...document.querySelectorAll('.o_select_menu_item')].map(i => i.innerText.trim())"
    )
    assert "Clean" in offered and not [one for one in offered if "Recipe" in one], offered
    page.click(".o_select_menu_item")  # Brew, as it is
    page.click(".modal button[name=action_send]")
    page.until(lambda: not page.has(".modal"), "the dialogue closed")
    (order,) = odoo_fleet.call("fetch_orders", bridge=BRIDGE, limit=10)["orders"]
    assert (order["name"], order["args"]) == ("brew", {"slot": "0"})
    done = {"id": order["id"], "state": "refused", "message": "no cup: put one there",
            "result": False}  # fmt: skip
    odoo_fleet.call("finished", done=[done])
    page.action("coffee_command_action", ".o_data_row")
    page.see("no cup: put one there", ".o_list_view")
    page.shot("commands")
    assert page.errors() == []


def test_a_recipe_changed_by_a_person_reaches_the_bridge_by_a_job(
    page: OdooBrowser, odoo_fleet: OdooServer
) -> None:
    page.action("coffee_recipe_action", ".o_data_row")
    page.shot("recipes")
    page.run("document.querySelector('.o_data_row td[name=name]').click()")
    page.find(".o_form_view div[name=temp_c] input")
    page.write("div[name=temp_c] input", "94.5")
    page.click(".o_form_button_save")
    page.see("On its way", ".o_form_view")
    page.shot("recipe")

    def arrived() -> list[dict[str, object]]:
        found = odoo_fleet.call("fetch_orders", bridge=BRIDGE, limit=10)["orders"]
        return [order for order in found if order["name"] == "recipe.put"]

    (order,) = page.until(arrived, "the job has run")
    assert order["args"]["recipe"]["temp_mc"] == 94_500
    done = {"id": order["id"], "state": "ok", "message": "", "result": {"rev": 2}}
    odoo_fleet.call("finished", done=[done])
    page.fetch(page.path())
    page.until(lambda: "In the machine" in page.text(".o_arrow_button_current"), "synced")
    assert page.errors() == []


@pytest.mark.parametrize(
    "action",
    ["coffee_alarm_action", "coffee_meter_action", "coffee_maintenance_action",
     "coffee_event_action", "coffee_quarantine_action", "coffee_bridge_action"],
)  # fmt: skip
def test_every_list_opens_and_its_first_form(page: OdooBrowser, action: str) -> None:
    page.action(action, ".o_data_row")
    name = action.removeprefix("coffee_").removesuffix("_action")
    page.shot(name)
    if action != "coffee_bridge_action":
        page.run("document.querySelector('.o_data_row td:nth-child(2)').click()")
        page.find(".o_form_view")
        page.shot(f"{name}-form")
    assert page.errors() == []


def test_a_long_name_cuts_no_status(page: OdooBrowser, odoo_fleet: OdooServer) -> None:
    name = "Headquarters, ground floor, bar on the left beside the reception desk"
    machine = odoo_fleet.run_machine("bar-left")
    odoo_fleet.admin("coffee.backend", "write", [machine], {"name": name})
    page.action("coffee_recipe_action", ".o_data_row")
    page.see(name, ".o_list_view")
    page.settle()
    odoo_fleet.admin("coffee.backend", "write", [machine], {"name": "Bar, left"})
    assert page.texts("td[name=sync_state] .badge")
    assert page.run(CUT) == []
    assert page.errors() == []


def test_a_bridge_gets_its_key(page: OdooBrowser) -> None:
    page.action("coffee_bridge_connect_action", ".modal div[name=name] input")
    page.write(".modal div[name=name] input", "cellar")
    page.shot("connect")
    page.named("action_make")
    page.see("coffee-bridge-cellar", ".modal")
    assert page.errors() == []


def test_settings(page: OdooBrowser) -> None:
    page.action("res_config_settings_action", ".o_setting_container")
    page.see("Unknown Machines", ".o_setting_container")
    page.shot("settings")
    assert page.errors() == []


def test_a_plain_user_orders_and_sets_nothing_up(
    page: OdooBrowser, odoo_fleet: OdooServer
) -> None:
    odoo_fleet.shell("""
        env["res.users"].create({
            "name": "Bean", "login": "bean", "password": "bean",
            "group_ids": env.ref("connector_coffee.group_coffee_user").ids})
        answer(True)
    """)
    page.fetch("/web/session/logout")
    page.enter("bean", "bean")
    page.action("coffee_backend_action", ".o_kanban_record:not(.o_kanban_ghost)")
    menu = page.texts(".o_menu_sections *")
    assert "Recipes" in menu and "Configuration" not in menu
    page.run("document.querySelector('.o_kanban_record').click()")  # Bar, left
    page.find(".o_form_view button[name=action_new_command]")
    page.shot("machine-user")
    for name in ("action_check", "action_stop", "action_draft"):
        assert not page.has(f"button[name={name}]"), name
    assert not page.has("div[name=location] input")
    page.action("coffee_recipe_action", ".o_data_row")
    page.run("document.querySelector('.o_data_row td[name=name]').click()")
    page.find(".o_form_view div[name=temp_c]")
    assert not page.has("div[name=temp_c] input, button[name=action_export]")
    assert page.errors() == []
