"""Markup that cannot become code, figures as people read them, curves from columns."""

from __future__ import annotations

import time
from dataclasses import replace
from types import SimpleNamespace
from typing import Any, cast

import pytest
from hypothesis import given
from hypothesis import strategies as st
from markupsafe import Markup

from host_bridge.cli.common import cell
from host_bridge.connector.checkpoint import HELD
from host_bridge.errors import NotFound
from host_bridge.service import Bridge
from host_bridge.views import (
    BrewView,
    CheckpointView,
    CommandView,
    Curve,
    History,
    LiveView,
    MachineView,
    MaintenanceView,
    MeterView,
)
from host_bridge.web import curves, markup, units, words
from host_bridge.web.actions import answers_html
from host_bridge.web.pages import fleet
from host_bridge.web.pages.brews import _order, ordered_by, row
from host_bridge.web.pages.checkpoints import describe
from host_bridge.web.pages.fleet import spark
from host_bridge.web.pages.machine import _about, _alerts, _maintenance, readings, shot_title
from host_bridge.web.pages.machine_controls import _ADVICE
from host_bridge.web.payload import one_line, safe_text
from simulator.emulated.stand_in import read_data

EVIL = "<script>alert(1)</script>\"'"


def test_what_a_machine_says_stays_text() -> None:
    pieces = [
        markup.chip(words.state(EVIL, True)),
        markup.tag(EVIL),
        markup.facts([(EVIL, EVIL)]),
        markup.empty("x", EVIL, EVIL),
        markup.notice("bad", EVIL, EVIL, EVIL),
        markup.table([EVIL], [[EVIL]], EVIL),
        markup.quantity(EVIL, EVIL),
        Markup("{}").format(words.alarm(EVIL).title),
    ]
    for piece in pieces:
        assert "<script" not in piece.lower()


@given(st.binary(max_size=300))
def test_quarantined_bytes_become_harmless_text(payload: bytes) -> None:
    text = safe_text(payload)
    assert all(char.isprintable() or char == "\n" for char in text)


def test_quarantined_bytes_stay_readable() -> None:
    assert safe_text('{"α":\n1}'.encode()) == '{"α":\n1}'
    assert safe_text(b"a\xff\x00\x1b[2J") == "a\\xff\\x00\\x1b[2J"
    assert safe_text("\u202egnp.exe".encode()) == "\\u202egnp.exe"


def test_a_name_turns_nothing_round_and_gives_no_orders() -> None:
    assert one_line(" Ada\nL\u00f6v ☕ \x1b[2J\u202e") == "Ada Löv ☕ \\x1b[2J\\u202e"


@pytest.mark.parametrize(
    ("span_ms", "text"),
    [(None, "–"), (0, "0 s"), (999, "0 s"), (61_000, "1 min 1 s"), (3_600_000, "1 h 0 min"),
     (90_061_000, "1 d 1 h"), (59_000, "59 s")],
)  # fmt: skip
def test_durations(span_ms: int | None, text: str) -> None:
    assert units.duration(span_ms) == text


def test_a_scale_that_says_a_little_less_than_nothing_says_nothing() -> None:
    assert [units.gram(mg) for mg in (-49, 0, 49, -51, None)] == ["0.0", "0.0", "0.0", "-0.1", "–"]
    assert cell("weight_mg", -30) == "0.0 g"


@pytest.mark.parametrize(
    ("past_s", "text"),
    [(0, "just now"), (59, "59 s ago"), (60, "1 min ago"), (7200, "2 h ago"),
     (200_000, "2 d ago"), (-120, "in 2 min")],
)  # fmt: skip
def test_relative_times(past_s: int, text: str) -> None:
    now_ms = time.time_ns() // 1_000_000
    assert units.ago(now_ms - past_s * 1000, now_ms) == text


def test_unknown_times_are_said_to_be_unknown() -> None:
    assert "unknown" in markup.when(None)
    assert 'data-ms="1795420800000"' in markup.when(1795420800000)
    assert "2026-11-23 08:00:00 UTC" in markup.when(1795420800000)


def test_a_curve_shows_what_the_machine_measures() -> None:
    columns = {"t_ms": [0, 100], "temp_mc": [93000, 93100], "flow_ul_s": [0, 1500]}
    option = curves.shot(columns)
    assert [line["name"] for line in option["series"]] == ["Temperature", "Flow"]
    assert option["series"][0]["data"] == [[0.0, 93.0], [0.1, 93.1]]


def test_whoever_points_at_a_curve_reads_units() -> None:
    temp_mc = {"t_ms": [0], "temp_mc": [93000]}
    recipe = {"phases": [{"flow_ul_s": 4000, "exit": {"time_ms": 8000}}]}
    shot, past = curves.shot(temp_mc), curves.history([0], [("Brew boiler", "#000", [93000])])
    lines = [*shot["series"], *past["series"], *curves.target(recipe)["series"]]
    said = [line["tooltip"][":valueFormatter"] for line in lines]
    for text, unit in zip(said, ("°C", "°C", "bar", "ml/s"), strict=True):
        assert text.endswith(f"+ ' {unit}'")
    assert shot["xAxis"][1]["axisPointer"]["label"]["formatter"] == "{value} s"


def test_only_new_points_travel() -> None:
    columns = {"t_ms": [0, 100, 200], "temp_mc": [1000, 2000, 3000]}
    assert curves.points(columns, curves.TEMPERATURE, 2) == [(0.2, 3.0)]
    assert curves.points(columns, curves.TEMPERATURE, 3) == []


def test_target_follows_the_phases() -> None:
    recipe = {
        "phases": [
            {"flow_ul_s": 4000, "exit": {"volume_ul": 8000}},
            {"pressure_mbar": 9000, "ramp_ms": 3000, "exit": {"time_ms": 20000}},
            {"pressure_mbar": 6000, "exit": {"pressure_under_mbar": 100}},
        ]
    }
    pressure, flow = (line["data"] for line in curves.target(recipe)["series"])
    assert flow[:3] == [[0.0, 0.0], [0.0, 4.0], [2.0, 4.0]]
    # ramp from nothing to 9 bar in 3 s after the 2 s of filling, then held to 22 s
    assert pressure[1:4] == [[2.0, 0.0], [5.0, 9.0], [22.0, 9.0]]
    assert pressure[-1] == [30.0, 6.0]


@given(st.lists(st.integers(-50_000, 200_000), max_size=400))
def test_sparkline_stays_in_its_box(temp_mc: list[int]) -> None:
    line = str(spark(temp_mc))
    if len(temp_mc) < 2:
        assert line == ""
        return
    points = line.split('points="')[1].split('"')[0].split()
    assert 2 <= len(points) <= 122
    for point in points:
        x, y = map(float, point.split(","))
        assert 0 <= x <= 200.1
        assert 3.9 <= y <= 40.1


CUT = BrewView(
    machine="m1", external_id="j/1", boot=1, shot=2, slot="0", recipe_rev=1, source="local",
    command=None, start_ms=None, time_known=False, duration_ms=None, volume_ul=None,
    temp_mean_mc=93000, energy_j=None, result="aborted", reason="reset", weight_mg=None,
    pressure_peak_mbar=None, pressure_mean_mbar=None, has_curve=True, cursor=1,
)  # fmt: skip


def test_a_brew_that_a_reset_cut_shows_what_was_seen_of_it_as_a_lower_bound() -> None:
    from host_bridge.web.pages.brews import _fields

    def shown(curve: Curve | None) -> dict[str, str]:
        return {name: str(value) for name, value in _fields(CUT, "Espresso", curve, {}, "")}

    assert {shown(None)[name] for name in ("Duration", "Volume", "Energy")} == {
        '<span class="soft">–</span>'}  # fmt: skip
    curve = Curve("m1", 1, 2, True, False, [0, 8100], [0, 0], [0, 0], [0, 12_300], [0, 0])
    assert "at least" in shown(curve)["Duration"] and "8.1" in shown(curve)["Duration"]
    assert "at least" in shown(curve)["Volume"] and "12.3" in shown(curve)["Volume"]
    assert "at least" not in shown(curve)["Energy"]


def test_a_list_of_brews_says_why_one_ended() -> None:
    assert "Controller restarted" in str(row(CUT, {})[5])
    assert "None" not in str(row(replace(CUT, result="ok", reason=None), {})[5])


def test_a_record_shows_no_field_that_the_machine_cannot_have() -> None:
    from host_bridge.web.pages.brews import _fields

    sensors = {"Weight", "Peak pressure", "Mean pressure"}
    limits = {"volume_ul": [0, 1]}
    assert not sensors & {name for name, _ in _fields(CUT, "", None, limits, "")}
    both = {"weight_mg": [0, 1], "pressure_mbar": [0, 1]}
    assert sensors <= {name for name, _ in _fields(CUT, "", None, both, "")}


def ordered(user: str, machine: str = "m1", name: str = "brew") -> CommandView:
    return CommandView(
        id="c-1", machine=machine, name=name, args={"slot": "0"}, user=user, state="ok",
        created_ms=1, deadline_ms=2, sent_ms=1, replied_ms=1, error=None, result=None,
    )  # fmt: skip


@pytest.mark.parametrize(
    ("order", "text"),
    [
        (ordered("Ada"), "by Ada"),
        (ordered("api"), "by a program, through the API"),
        (ordered("pour"), "by the bridge itself: Pour a coffee"),
        (None, "from outside, or too long ago to know"),
        (ordered("Ada", machine="m2"), "from outside, or too long ago to know"),
        (ordered("Ada", name="clean"), "from outside, or too long ago to know"),
    ],
)
def test_a_record_says_who_ordered_the_brew(order: CommandView | None, text: str) -> None:
    """Orders of other programs on MQTT are not in the bridge's books, whatever their id."""

    def command(command_id: str) -> CommandView:
        if order is None:
            raise NotFound("command_id", "none")
        return order

    brew = replace(CUT, source="remote", command="c-1")
    bridge = cast(Bridge, SimpleNamespace(command=command))
    assert ordered_by(brew, _order(bridge, brew)) == text
    assert ordered_by(CUT, None) == "at the machine"


def seen(**state: Any) -> MachineView:
    whole = {"state": "ready", "temp_mc": 93000, "setpoint_mc": 93000, "alarms": [], "latched": [],
             **state}  # fmt: skip
    return MachineView(
        machine="m1", online=True, model="1900", supported=True, boot=1, journal=None,
        held_seq=None, info={}, state=whole, first_seen_ms=1, last_seen_ms=1,
        language="en_US", open_checkpoints=0, last_brew=None,
    )  # fmt: skip


@pytest.mark.parametrize(
    ("state", "text"),
    [
        ({}, "Ready"),
        ({"alarms": ["tank_empty"]}, "Needs water"),
        ({"latched": ["stagnation"]}, "Needs attention"),
        ({"alarms": ["over_temp_brew", "hopper_empty"]}, "Needs beans"),
        ({"state": "heating", "alarms": ["tank_empty"]}, "Needs water"),
        ({"state": "brewing", "alarms": ["hopper_empty"]}, "Brewing"),
        ({"state": "fault", "alarms": ["tank_empty"]}, "Fault"),
    ],
)
def test_the_badge_does_not_contradict_the_alarms(state: dict[str, Any], text: str) -> None:
    view = seen(**state)
    assert fleet.badge(view).text == text
    assert (fleet.badge(view).tone == words.GOOD) == (text == "Ready")
    assert fleet.FILTERS["ready"][1](view) == (text == "Ready")


def test_stagnation_is_of_water() -> None:
    # firmware/guards.py raises it where the pump is asked for water and none passes any more
    trouble = words.alarm("stagnation")
    assert "water" in trouble.title.lower() and "flow meter" in trouble.cure
    assert "temperature" not in trouble.title.lower() and "element" not in trouble.cure


def test_maintenance_is_told_in_words_also_what_newer_firmware_does() -> None:
    done = [
        MaintenanceView("m", f"j/{seq}", code, 0, None, False, 1, 1)
        for seq, code in enumerate(("backflush_done", "gasket_changed"))
    ]
    shown = _maintenance(done)
    assert "Backflushed" in shown and "Gasket changed" in shown
    assert "None so far" in _maintenance([])


def test_only_what_lets_out_steam_is_said_to() -> None:
    programmes = read_data("2900", "board")["CLEAN_PROGRAMMES"]
    for name, (_, _, steps) in zip(words.PROGRAMS, programmes, strict=True):
        assert ("wand" in _ADVICE[name]) == any(valve == "steam" for valve, _, _ in steps), name


def test_an_alarm_that_stands_is_cured_before_it_is_acknowledged() -> None:
    shown = _alerts(seen(alarms=["tank_empty"], latched=["tank_empty"]))
    assert "push it back in. Then acknowledge the alarm" in shown
    assert "acknowledge" not in _alerts(seen(alarms=["tray_full"], latched=[]))
    assert "cleared, but not acknowledged" in _alerts(seen(alarms=[], latched=["tank_empty"]))


@pytest.mark.parametrize(("count", "text"), [(1, ">Review it<"), (2, ">Review them<")])
def test_one_checkpoint_is_one(count: int, text: str) -> None:
    assert text in _alerts(replace(seen(), open_checkpoints=count))


def test_a_machine_says_what_it_can_do_also_what_newer_firmware_can() -> None:
    assert words.capabilities(["clean", "brew", "milk_foam"]) == "brewing, backflushing, milk foam"
    able = replace(seen(), info={"capabilities": ["brew", "steam"]})
    assert "brewing, steam" in _about(able, None)
    assert "<dt>Can do</dt><dd>–</dd>" in _about(replace(seen(), info={}), None)


def test_a_machine_that_is_on_and_has_said_nothing_is_not_offline() -> None:
    assert fleet.badge(replace(seen(), state=None)).text == "No report yet"
    assert fleet.badge(replace(seen(), state=None, online=False)).text == "Offline"


def test_a_day_is_told_with_its_energy() -> None:
    day = MeterView("m1", "j/1", "2026-11-29", 15_000_000, 9_000_000, 0, 31)
    shown = _about(seen(), day)
    assert "2.5" in shown and "kWh" in shown


def test_a_page_that_is_not_there_has_a_title_of_its_own() -> None:
    assert "<h1>No slot 99</h1>" in markup.empty_page("x", "No slot 99", "")
    assert "<h2>No brew yet</h2>" in markup.empty("x", "No brew yet", "")


def test_a_broken_sensor_shows_no_figure() -> None:
    broken = seen(temp_mc=164900, alarms=["sensor_brew"])
    assert "164.9" not in fleet.card(broken, Markup())
    assert "164.9" in fleet.card(seen(temp_mc=164900), Markup())
    live = LiveView(machine="m1", online=True, state=broken.state, received_ms=1, running=False,
                    curve=None, history=History([], [], [], None, None, []))  # fmt: skip
    assert "164.9" not in readings(live) and "–" in readings(live)


def test_what_an_offline_machine_last_said_does_not_pass_for_now() -> None:
    here, away = seen(), replace(seen(), online=False)
    assert "gauge good" in fleet.card(here, Markup())
    shown = fleet.card(away, Markup())
    assert "gauge" not in shown and "93.0" in shown and "when last heard" in shown


def test_a_weight_that_was_never_tared_is_not_shown() -> None:
    state = {**(seen().state or {}), "weight_mg": 312000}
    live = LiveView(machine="m1", online=True, state=state, received_ms=1, running=False,
                    curve=None, history=History([], [], [], None, None, []))  # fmt: skip
    assert "312.0" not in readings(live)
    shot = Curve("m1", 1, 2, True, True, [0], [0], [0], [0], [0])
    assert "312.0" in readings(replace(live, curve=shot))


def test_a_shot_that_is_over_says_where_its_record_is() -> None:
    shot = Curve("m1", 1, 2, True, True, [0], [0], [0], [0], [0])
    live = LiveView(machine="m1", online=True, state={}, received_ms=1, running=False,
                    curve=shot, history=History([], [], [], None, None, []))  # fmt: skip
    away = replace(live, online=False)
    assert "its record is on its way" in shot_title(live, None)
    assert "its record comes when the machine is back" in shot_title(away, None)
    assert '<a href="/brews/m1/j/7">Its record</a>' in shot_title(live, "/brews/m1/j/7")
    assert "record" not in shot_title(replace(live, running=True), None)


@pytest.mark.parametrize(("most_mg", "top"), [(0, 10), (-400, 10), (9_900, 10), (36_000, None)])
def test_a_few_drops_do_not_fill_the_plot(most_mg: int, top: int | None) -> None:
    option = curves.shot({"t_ms": [0, 100], "weight_mg": [0, most_mg]})
    assert option["yAxis"][2]["max"] == top


def test_a_brew_that_was_answered_has_only_begun() -> None:
    assert words.command_state("ok", "brew").text == "Started"
    assert words.command_state("ok", "recipe.put").text == "Done"
    assert words.command_state("refused", "brew").text == "Refused"


@pytest.mark.parametrize(
    ("coffee_id", "advice", "target"),
    [
        ("machine", "find out who connected it", "/machines/m1"),
        ("unreadable/state/1", "Fix its cause", "/quarantine"),
        ("lost/9f3a51c2/3-7", "records are missing", "/machines/m1"),
        ("version/9", None, "/quarantine"),
    ],
)
def test_a_checkpoint_of_a_machine_says_what_to_do_about_it(
    coffee_id: str, advice: str | None, target: str
) -> None:
    view = CheckpointView(
        1, "m1", "coffee.backend", coffee_id, "what", "open", 1, None, None, None
    )
    shown = describe(view)
    assert ("find out who connected it" in shown) == (coffee_id == "machine")
    assert advice is None or advice in shown
    assert f'<a href="{target}">record' in shown


def test_a_checkpoint_about_a_fact_that_is_no_record_leads_to_quarantine() -> None:
    view = CheckpointView(
        1, "m1", "coffee.meter", "j/1", f"{HELD}day: bad", "open", 1, None, None, None
    )
    assert '<a href="/quarantine">record' in describe(view)


def test_a_checkpoint_names_its_alarm_and_the_cure() -> None:
    view = CheckpointView(
        1, "m1", "coffee.alarm", "j/1", "x", "open", 1, None, None, None, "tray_full"
    )
    assert "Drip tray full" in describe(view) and "Empty the tray" in describe(view)


@pytest.mark.parametrize("model", ["coffee.brew", "coffee.alarm", "coffee.recipe"])
def test_a_checkpoint_about_a_clock_leads_to_the_machine(model: str) -> None:
    """It is kept with the first record that has no date, and is about none."""
    view = CheckpointView(1, "m1", model, "clock/9f3a51c2/3", "what", "open", 1, None, None, None)
    shown = describe(view)
    assert '<a href="/machines/m1">record' in shown
    assert '<span class="tag">Clock</span>' in shown


def test_a_reply_names_what_the_machine_left_out() -> None:
    part = replace(ordered("Ada", name="recipe.put"), result={"ignored": ["recipe.soak", "x"]})
    said = answers_html([part])
    assert "Done in part: the machine does not know recipe.soak, x and left it out" in said
    assert 'class="notice warn"' in said
    assert "in part" not in answers_html([replace(part, result={"rev": 4})])
