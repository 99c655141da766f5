"""A machine's past: days out of meter facts, and who changed which setting."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from nicegui import ui

from host_bridge.views import CommandError, CommandView, MachineView, MeterView
from host_bridge.web import curves
from host_bridge.web.pages.history import CHANGES, HistoryPage, by_day, settings, used
from tests.support.lone_page import on_a_page
from tests.unit.web.test_pages_alone import known, visit


def meter(day: str | None, shots: int = 1, grinds: int = 0) -> MeterView:
    return MeterView("m-01", f"j/{day}", day, 2_000_000, 3_600_000, grinds, shots)


def order(name: str, args: dict[str, Any], **changed: Any) -> CommandView:
    made = CommandView("c1", "m-01", name, args, "Ada", "ok", 1, 2, None, None, None, None)
    return replace(made, **changed)


def texts(
    meters: list[MeterView], changes: list[CommandView], view: MachineView | None = None,
    page: int = 1,
) -> str:  # fmt: skip
    """What the page says, plot and all."""
    said: list[str] = []

    async def opened() -> None:
        def orders(machine: str, limit: int, names: tuple[str, ...]) -> list[CommandView]:
            assert names == CHANGES
            return changes

        here = visit(meters=lambda machine, limit: meters, commands=orders)
        await HistoryPage(here, view or known(1), page).refresh()
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
    said = texts([], [], replace(known(1), state=state))
    assert "No day yet" in said and advice in said
    assert "No change yet" in said and "/machines/m-01/recipes" in said
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
