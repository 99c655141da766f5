"""A machine's past: days out of meter facts, and who changed which setting."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from nicegui import ui

from host_bridge.views import AlarmView, CommandError, CommandView, MachineView, MeterView
from host_bridge.web import curves
from host_bridge.web.pages.history import (
    CHANGES,
    HistoryPage,
    by_day,
    settings,
    spells_of,
    used,
)
from host_bridge.web.pages.machine import _alarms as recent
from host_bridge.web.spells import spells
from tests.support.lone_page import on_a_page
from tests.unit.web.test_pages_alone import known, visit


def meter(day: str | None, shots: int = 1, grinds: int = 0) -> MeterView:
    return MeterView("m-01", f"j/{day}", day, 2_000_000, 3_600_000, grinds, shots)


def order(name: str, args: dict[str, Any], **changed: Any) -> CommandView:
    made = CommandView("c1", "m-01", name, args, "Ada", "ok", 1, 2, None, None, None, None)
    return replace(made, **changed)


def fact(code: str, raised: bool, at_s: int, **changed: Any) -> AlarmView:
    """`at_s`: seconds after the machine's start, and after 2026-11-30 00:00 UTC."""
    made = AlarmView("m-01", f"j/{at_s}", code, raised, "warning", False,
                     1_795_996_800_000 + at_s * 1000, True, 1, at_s * 1000)  # fmt: skip
    return replace(made, **changed)


def texts(
    meters: list[MeterView], changes: list[CommandView], view: MachineView | None = None,
    page: int = 1, alarms: list[AlarmView] | None = None, alarm_page: int = 1,
) -> str:  # fmt: skip
    """What the page says, plot and all. It is opened of the `known` machine, which turns into
    `view` before it is drawn."""
    said: list[str] = []

    async def opened() -> None:
        def orders(machine: str, limit: int, names: tuple[str, ...]) -> list[CommandView]:
            assert names == CHANGES
            return changes

        here = visit(
            meters=lambda machine, limit: meters, commands=orders,
            alarms=lambda machine, limit: (alarms or [])[:limit],
            machine=lambda machine: view or known(1),
        )  # fmt: skip
        await HistoryPage(here, known(1), page, alarm_page).refresh()
        for element in ui.context.client.elements.values():
            if isinstance(element, ui.html):
                said.append(element.content)
            if isinstance(element, ui.echart) and element.visible:
                said.append(str(element.options))

    on_a_page(opened)
    return "\n".join(said)


def test_a_day_told_twice_is_one_day_and_a_day_nobody_knows_is_none() -> None:
    days, undated = by_day([meter(None, 3), meter("2026-11-29", 4), meter("2026-11-30", 5),
                            meter("2026-11-29", 6), meter(None, 1)])  # fmt: skip
    assert [(day.day, day.shots, day.water_ul) for day in days] == [
        ("2026-11-30", 5, 2_000_000),
        ("2026-11-29", 10, 4_000_000),
    ]
    assert undated is not None and undated.shots == 4


def test_days_are_plotted_in_the_units_people_read() -> None:
    option = curves.days([meter("2026-11-29", 31)])
    assert [line["data"] for line in option["series"]] == [
        [["2026-11-29T00:00Z", 31]],
        [["2026-11-29T00:00Z", 2.0]],
        [["2026-11-29T00:00Z", 1.0]],
    ]
    said = [line["tooltip"][":valueFormatter"] for line in option["series"]]
    assert [text.rpartition(" + ")[2] for text in said] == ["' '", "' l'", "' kWh'"]


def test_one_shot_is_one() -> None:
    assert used(meter("2026-11-29", 1)).startswith("1 shot, ")
    assert used(meter("2026-11-29", 2)).startswith("2 shots, ")


def test_days_stand_in_plot_and_table_page_by_page() -> None:
    days = [meter(f"2026-10-{day:02d}") for day in range(1, 32)] + [meter("2026-09-30")]
    first, second = texts(days, []), texts(days, [], page=2)
    assert first.count("2026-10-17") == 4, "three strips and a row"
    assert "2026-09-30" not in first and "Older days" in first
    assert second.count("2026-09-30") == 4
    assert "2026-10-17" not in second and "Older days" not in second and "Newest" in second
    assert "Grinds" not in first and "Grinds" in texts([meter("2026-10-01", grinds=2)], [])


@pytest.mark.parametrize(
    ("state", "advice"),
    [({"utc_ms": 1}, "come back tomorrow"), ({"utc_ms": None}, "set up NTP")],
)
def test_without_a_day_it_says_what_to_do(state: dict[str, Any], advice: str) -> None:
    """And as the machine is now: the advice to set its clock stayed until one reloaded."""
    said = texts([], [], replace(known(1), state=state))
    assert "No day yet" in said and advice in said
    assert "No change yet" in said and "/machines/m-01/recipes" in said
    assert "other programs on the broker" in said, "what this list cannot know"
    assert "No alarm yet" in said
    assert "series" not in said, "no plot of nothing"
    assert "while its clock was not set" in texts([meter(None)], [])


def test_changes_say_what_became_of_them_and_no_secret() -> None:
    refusal = CommandError("bad_value", "args.descale_l", "0 to <1000> litres")
    said = texts([], [
        order("config.put", {"wifi_key": "***", "descale_l": 80}, user="api"),
        order("config.put", {"descale_l": 9999}, state="refused", error=refusal),
        order("recipe.put", {"slot": "2", "recipe": {"name": "<Lungo>"}}),
    ])  # fmt: skip
    for text in ("Wi-Fi key: changed", "each 80 l", "by a program", "0 to &lt;1000&gt; litres",
                 "&lt;Lungo&gt;", "/machines/m-01/recipes/2"):  # fmt: skip
        assert text in said
    assert "***" not in said


def test_settings_are_told_with_unit_and_default() -> None:
    given = {"brew_mc": 93_500, "steam_setpoint_mc": 0, "descale_l": 0, "new_thing": 7}
    assert settings(given) == [
        "Brew boiler: 93.5 °C", "Steam boiler: default", "Descaling reminder: never",
        "New thing: 7",
    ]  # fmt: skip


def test_beyond_the_last_page_it_says_so() -> None:
    assert "No older days" in texts([meter("2026-10-01")], [], page=9)


# --- alarms
def ends(facts: list[AlarmView], standing: list[str] | None = None) -> list[tuple[str, Any]]:
    """(code, how long it lasted or whether it stands), newest first; facts are oldest first."""
    found = spells(facts[::-1], standing)
    return [(s.code, "stands" if s.stands else s.lasted_ms) for s in found]


def test_an_alarm_is_told_with_both_its_times_and_how_long_it_lasted() -> None:
    facts = [fact("tray_full", True, 100), fact("tank_empty", True, 60),
             fact("tank_empty", False, 30), fact("tank_empty", True, 5)]  # fmt: skip
    said = texts([], [], replace(known(1), state={"alarms": ["tank_empty"]}), alarms=facts)
    for text in ("Water tank empty", "2026-11-30 00:00:05 UTC", "2026-11-30 00:00:30 UTC",
                 ">25 s<", "Still stands", "not reported"):  # fmt: skip
        assert text in said
    assert said.index("Drip tray full") < said.index("00:01:00") < said.index("00:00:05")


def test_a_machine_that_says_nothing_now_is_believed_in_what_it_said_last() -> None:
    facts = [fact("tank_empty", True, 5)]
    assert ends(facts, None) == [("tank_empty", "stands")]
    assert ends(facts, []) == [("tank_empty", None)]


def test_a_clock_that_was_set_meanwhile_does_not_stretch_an_alarm() -> None:
    raised, cleared = fact("tank_empty", True, 5), fact("tank_empty", False, 9)
    assert ends([replace(raised, utc_ms=None), cleared]) == [("tank_empty", 4000)]
    other_boot = replace(cleared, boot=2, uptime_ms=1)
    assert ends([raised, other_boot]) == [("tank_empty", 4000)]
    assert ends([replace(raised, utc_ms=None), other_boot]) == [("tank_empty", None)]
    other_board = replace(cleared, external_id="k/1", utc_ms=(raised.utc_ms or 0) + 60_000)
    assert ends([raised, other_board]) == [("tank_empty", 60_000)]
    set_back = replace(other_boot, utc_ms=1)
    assert ends([raised, set_back]) == [("tank_empty", None)]


def test_after_a_restart_a_latched_alarm_goes_on_and_another_one_is_anew() -> None:
    def over_a_restart(code: str, latched: bool) -> list[AlarmView]:
        return [fact(code, True, 5, latched=latched),
                fact(code, True, 60, latched=latched, boot=2, uptime_ms=10),
                fact(code, False, 65, latched=latched, boot=2, uptime_ms=5010)]  # fmt: skip

    assert ends(over_a_restart("over_temp_brew", True)) == [("over_temp_brew", 60_000)]
    assert ends(over_a_restart("door_open", False)) == [("door_open", 5_000), ("door_open", None)]


def test_an_alarm_that_waited_in_quarantine_is_over_as_long_as_it_was() -> None:
    """Replayed it came after its own end, and stood on: one line too many."""
    raised, cleared = fact("door_open", True, 5), fact("door_open", False, 9)
    assert ends([cleared, raised]) == [("door_open", 4000)]
    other_board = fact("tray_full", True, 2, external_id="k/1")
    put_back = fact("tank_empty", True, 20)
    assert [code for code, _ in ends([cleared, raised, other_board, put_back])] == [
        "tank_empty", "tray_full", "door_open",
    ]  # fmt: skip


def test_an_end_whose_beginning_was_lost_is_told() -> None:
    assert ends([fact("door_open", False, 5)]) == [("door_open", None)]


def test_the_machines_page_tells_of_an_alarm_once_however_often_it_was_restarted() -> None:
    raised = [fact("over_temp_brew", True, at_s, latched=True, boot=at_s) for at_s in (30, 20, 10)]
    now = replace(known(1), state={"latched": ["over_temp_brew"]})
    cleared = fact("tank_empty", False, 5)
    said = recent(spells_of(now, [*raised, cleared, fact("tank_empty", True, 1)]))
    assert said.count("Brew boiler") == said.count(", still stands") == 1
    assert said.count("raised") == said.count("cleared") == 1
    since = raised[-1].utc_ms
    assert f'data-ms="{since}"' in said and f'data-ms="{cleared.utc_ms}"' in said


def opened_doors(many: int) -> list[AlarmView]:
    """Newest first; the oldest is of the tank."""
    doors = [fact("door_open", n % 2 == 1, 9000 - n) for n in range(2 * many)]
    return [*doors, fact("tank_empty", True, 1)]


def test_alarms_stand_page_by_page_down_to_the_oldest() -> None:
    """Older than the newest 200 facts were missing without a word."""
    facts = opened_doors(149)
    first, third = texts([], [], alarms=facts), texts([], [], alarms=facts, alarm_page=3)
    assert first.count("Door open") == 50 and "Water tank empty" not in first
    assert 'href="/machines/m-01/history?alarms=2#alarms">Older alarms' in first
    assert third.count("Door open") == 49 and third.count("Water tank empty") == 1
    assert "Older alarms" not in third and '/history#alarms">Newest' in third
    assert "No older alarms" in texts([], [], alarms=facts, alarm_page=4)


def test_turning_the_alarms_keeps_the_page_of_the_days() -> None:
    days = [meter(f"2026-{month:02d}-{day:02d}") for month in (8, 9) for day in range(1, 32)]
    said = texts([*days, meter("2026-07-31")], [], None, 2, opened_doors(149), 2)
    assert "history?page=2&amp;alarms=3#alarms" in said
    assert "history?page=3&amp;alarms=2\"" in said


def test_alarms_that_were_not_even_read_are_told_of_once() -> None:
    facts = opened_doors(2000)
    last = texts([], [], alarms=facts, alarm_page=40)
    assert "Older alarms are not shown" in last and last.count("Door open") == 50
    assert "are not shown" not in texts([], [], alarms=facts, alarm_page=39)
    assert "are not shown" not in texts([], [], alarms=facts[:3998], alarm_page=40)


def test_a_change_of_which_the_machine_left_something_out_is_not_simply_done() -> None:
    """It said *Done* of a recipe whose misspelt field the machine had not taken."""
    said = texts([], [order("recipe.put", {"slot": "3"}, result={"ignored": ["recipe.<b>"]})])
    assert "Done in part" in said
    assert "does not know recipe.&lt;b&gt; and left it out; correct the name" in said
    whole = texts([], [order("recipe.put", {"slot": "3"}, result={"rev": 4, "ignored": 5})])
    assert "Done" in whole and "in part" not in whole


def test_past_the_last_page_alarms_that_were_not_read_are_told_of() -> None:
    assert "Still older ones are not shown" in texts(
        [], [], alarms=opened_doors(2000), alarm_page=42
    )
