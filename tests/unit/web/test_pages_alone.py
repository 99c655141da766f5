"""Pages without server and browser, over a bridge that is played: what they do of themselves."""

from __future__ import annotations

import asyncio
import gc
import json
import sqlite3
from collections.abc import Callable
from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import pytest
from markupsafe import Markup
from nicegui import ui

from host_bridge.database import DatabaseError
from host_bridge.gateway.port import GatewayError
from host_bridge.views import (
    CheckpointView,
    CommandView,
    Curve,
    History,
    LiveView,
    MachineView,
    QuarantineView,
    RecipesView,
    ReviewedView,
)
from host_bridge.web.actions import Orders
from host_bridge.web.drafts import Drafts
from host_bridge.web.layout import Visit, html, put
from host_bridge.web.live_curve import HistoryCurve, ShotCurve
from host_bridge.web.markup import when
from host_bridge.web.pages.brews import BrewList
from host_bridge.web.pages.checkpoints import CheckpointList
from host_bridge.web.pages.fleet import Fleet, Selection
from host_bridge.web.pages.machine import MachinePage
from host_bridge.web.pages.machine_controls import Controls
from host_bridge.web.pages.quarantine import QuarantineList
from host_bridge.web.pages.recipe import Editor
from tests.support.lone_page import SETTLED_S, on_a_page, until


class Played(Visit):
    """Of anna, to the page that is looked at."""

    session = SimpleNamespace(user="anna")  # type: ignore[assignment]

    def __init__(self, bridge: Any) -> None:
        self.bridge = bridge
        self.drafts = Drafts()
        self.login_url = "/login"
        self._client = ui.context.client


def visit(**bridge: Any) -> Visit:
    nothing = {"machines": lambda: [], "count_checkpoints": lambda *given: 0}
    return Played(SimpleNamespace(**{"reviewed_at": None, **nothing, **bridge}))


def known(number: int) -> MachineView:
    return MachineView(
        machine=f"m-{number:02d}", online=True, model="1900", supported=True, boot=1,
        journal=None, held_seq=None, info={}, state=None, first_seen_ms=1, last_seen_ms=1,
        language="en_US", open_checkpoints=0, last_brew=None,
    )  # fmt: skip


def test_an_address_with_search_and_page_opens_on_that_page() -> None:
    chosen = Selection("m", "all", 2)
    everything = [known(number) for number in range(30)]
    history = SimpleNamespace(history=SimpleNamespace(temp_mc=[]))

    async def opened() -> None:
        fleet = Fleet(visit(machines=lambda: everything, live=lambda name: history), chosen)
        await fleet.refresh()

    on_a_page(opened)
    assert (chosen.text, chosen.page) == ("m", 2)


def test_a_page_opened_before_the_machines_first_word_offers_its_orders_after_it() -> None:
    heard = [known(1)]
    info = {"commands": ["setpoint", "standby"], "limits": {"brew_mc": [80_000, 98_000]}}

    async def opened() -> None:
        history = History([], [], [], None, None, [])
        live = LiveView("m-01", True, None, None, False, None, history)
        here = visit(
            machine=lambda name: heard[-1], live=lambda name: live, brews=lambda *given: [],
            recipes=lambda name: SimpleNamespace(rev=None, slots={}), meters=lambda *given: [],
            alarms=lambda *given: [], maintenance=lambda *given: [], commands=lambda *given: [],
        )  # fmt: skip
        machine = MachinePage(here, known(1))
        await machine.refresh()
        before = goals()
        heard.append(replace(known(1), info=info, state={"setpoint_mc": 93_000}))
        await machine.refresh()
        await machine.refresh()
        assert (before, goals()) == ([], [93.0])

    on_a_page(opened)


def test_a_temperature_out_of_bounds_stays_as_written_and_is_refused() -> None:
    """Drawn to the bound when the field is left, it read as set, and nothing had been sent."""
    info = {"commands": ["setpoint"], "limits": {"brew_mc": [80_000, 98_000]}}
    view = replace(known(1), info=info, state={"setpoint_mc": 93_000})

    async def written() -> None:
        Controls(visit(commands=lambda *given: []), view)
        elements = ui.context.client.elements.values()
        (field,) = [e for e in elements if isinstance(e, ui.number)]
        field.value = 500
        field.sanitize()  # as leaving the field does
        assert (field.value, field.error) == (500, "Between 80 and 98 °C")

    on_a_page(written)


def test_a_list_is_not_sent_again_because_time_went_by(monkeypatch: pytest.MonkeyPatch) -> None:
    """It was, each second: a screen reader would read the machine's replies on and on."""
    async def watched() -> None:
        shown = html(Markup())
        for now_ms, text in ((5_000_000, "mended"), (5_007_000, "mended"), (5_008_000, "broken")):
            monkeypatch.setattr("time.time_ns", lambda now_ms=now_ms: now_ms * 1_000_000)
            put(shown, Markup("{} {}").format(text, when(4_990_000)))
            said.append(shown.content.rpartition(">")[0])

    said: list[str] = []
    on_a_page(watched)
    first, second, third = said
    assert "10 s ago" in first and second == first
    assert "broken" in third and "18 s ago" in third


AIMS = {"commands": ["setpoint"], "limits": {"brew_mc": [80_000, 98_000]}}


def aimed(mc: int, state: str = "ready") -> MachineView:
    return replace(known(1), info=AIMS, state={"setpoint_mc": mc, "state": state})


def test_a_set_point_changed_elsewhere_is_followed_unless_somebody_writes_there() -> None:
    async def shown(controls: Controls, view: MachineView) -> Any:
        await controls.refresh(view)
        return goals()[0]

    async def watched() -> None:
        nothing = SimpleNamespace(slots={})
        here = visit(commands=lambda *given: [], recipes=lambda name: nothing)
        controls = Controls(here, replace(aimed(0), state=None))
        (field,) = [e for e in ui.context.client.elements.values() if isinstance(e, ui.number)]
        assert field.value is None, "nobody knows it yet"
        assert await shown(controls, aimed(93_000)) == 93
        assert await shown(controls, aimed(94_000)) == 94
        assert await shown(controls, aimed(88_000, "brewing")) == 94, "that is the recipe's"
        (goal,) = controls._goals
        goal._enter(True)
        assert await shown(controls, aimed(95_000)) == 94, "the cursor is in it"
        goal._enter(False)
        assert await shown(controls, aimed(95_000)) == 95
        field.value = 90
        assert await shown(controls, aimed(96_000)) == 90, "written, not sent"
        assert await shown(controls, aimed(90_000)) == 90, "sent"
        assert await shown(controls, aimed(91_000)) == 91

    on_a_page(watched)


def test_brews_of_a_machine_that_is_not_there_say_so() -> None:
    shown: list[Any] = []

    async def opened() -> None:
        here = visit(machines=lambda: [known(1)], brews=lambda *given: [])
        await BrewList(here, "m-99", None).refresh()
        elements = list(ui.context.client.elements.values())
        shown.extend(e.value for e in elements if isinstance(e, ui.select))
        shown.extend(e.content for e in elements if isinstance(e, ui.html))

    on_a_page(opened)
    assert shown[0] == "m-99"
    assert any("No machine m-99" in str(text) for text in shown)


def test_checkpoints_of_a_machine_that_is_not_there_say_so() -> None:
    shown: list[str] = []

    async def opened() -> None:
        here = visit(machines=lambda: [known(1)], checkpoints=lambda *given: [])
        await CheckpointList(here, "m-99", "open").refresh()
        elements = ui.context.client.elements.values()
        shown.extend(e.content for e in elements if isinstance(e, ui.html))

    on_a_page(opened)
    assert any("No machine m-99" in text for text in shown)
    assert not any("Nothing to review" in text for text in shown)


def goals() -> list[Any]:
    return [e.value for e in ui.context.client.elements.values() if isinstance(e, ui.number)]


BROKEN = (
    DatabaseError("bridge.db: disk full"),
    sqlite3.OperationalError("database or disk is full"),
    GatewayError("the ERP does not answer"),
)


def broken(error: Exception) -> Callable[..., Any]:
    def fails(*given: Any) -> Any:
        raise error

    return fails


@pytest.fixture
def notices(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What a browser would show, if the page can still be reached from there."""
    said: list[str] = []

    def notify(text: str, **how: Any) -> None:
        assert ui.context.client  # as the real one: it is gone with what was drawn anew
        said.append(text)

    monkeypatch.setattr("nicegui.ui.notify", notify)
    return said


@pytest.mark.parametrize("error", BROKEN)
def test_an_order_that_cannot_be_kept_says_so(error: Exception, notices: list[str]) -> None:
    async def orders() -> None:
        await Orders(visit(send=broken(error)), "m-1").send("brew", {"slot": "0"})

    on_a_page(orders)
    (said,) = notices
    assert str(error) in said and "ask again" in said


@pytest.mark.parametrize("error", BROKEN)
def test_a_discard_that_cannot_be_kept_says_so(error: Exception, notices: list[str]) -> None:
    async def discards() -> None:
        here = visit(
            quarantine=lambda *given: [], count_quarantined=lambda text: 0, discard=broken(error)
        )
        await QuarantineList(here, "", None)._do(lambda user: here.bridge.discard(1, user), "gone")

    on_a_page(discards)
    (said,) = notices
    assert str(error) in said and "ask again" in said


@pytest.mark.parametrize("error", BROKEN)
def test_a_review_that_cannot_be_kept_says_so(
    error: Exception, notices: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    async def note(view: Any) -> str:
        return "looked at it"

    async def reviews() -> None:
        here = visit(checkpoints=lambda *given: [], review=broken(error))
        await CheckpointList(here, "", "open")._review(SimpleNamespace(id=1))()  # type: ignore[arg-type]

    monkeypatch.setattr("host_bridge.web.pages.checkpoints._ask_note", note)
    on_a_page(reviews)
    (said,) = notices
    assert str(error) in said and "ask again" in said


def test_temperatures_go_on_after_the_clock_was_set_back() -> None:
    drawn: list[Any] = []

    def history(at_ms: int) -> History:
        return History(
            received_ms=[at_ms - 1000, at_ms], temp_mc=[93_000] * 2, setpoint_mc=[93_000] * 2,
            steam_temp_mc=None, pressure_mbar=None, duty_permille=[80] * 2,
        )  # fmt: skip

    async def shows() -> None:
        curve = HistoryCurve()
        for at_ms in (7_200_000, 3_600_000, 3_605_000):
            curve.show(history(at_ms))
            drawn.append(curve._chart.options["series"][0]["data"][-1][0])

    on_a_page(shows)
    assert drawn == [7_200_000, 3_600_000, 3_605_000]


def test_one_temperature_draws_no_plot() -> None:
    """Its axis would go over days, as long as a machine is off."""

    async def shows() -> None:
        curve = HistoryCurve()
        curve.show(History([60_000], [93_000], [93_000], None, None, [80]))
        assert not curve._chart.visible
        curve.show(History([60_000, 61_000], [93_000] * 2, [93_000] * 2, None, None, [80] * 2))
        assert curve._chart.visible

    on_a_page(shows)


def test_only_what_the_machine_would_take_is_offered_to_acknowledge() -> None:
    info = {"commands": ["alarm.ack"]}
    state = {"alarms": ["tank_empty"], "latched": ["tank_empty", "dry_pump"]}
    view = replace(known(1), info=info, state=state)

    async def opened() -> None:
        here = visit(commands=lambda *given: [], recipes=lambda name: SimpleNamespace(slots={}))
        await Controls(here, view).refresh(view)
        offered = [b.text for b in parts(ui.button, "Acknowledge")]
        assert offered == ["Acknowledge: pump runs without flow"]

    on_a_page(opened)


def test_a_sensor_that_reports_later_in_the_shot_gets_its_own_line(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    appended: list[str] = []
    monkeypatch.setattr("nicegui.ui.run_javascript", appended.append)

    def curve(samples: int, pressure: list[int] | None) -> Curve:
        return Curve(
            machine="m-1", boot=1, shot=7, finished=False, complete=False,
            t_ms=[100 * n for n in range(samples)], temp_mc=[93_000] * samples,
            flow_ul_s=[1_500] * samples, volume_ul=[150] * samples,
            duty_permille=[0] * samples, pressure_mbar=pressure, weight_mg=None,
        )  # fmt: skip

    async def shows() -> None:
        shot = ShotCurve()
        shot.show(curve(2, None))
        shot.show(curve(3, [0, 0, 9_000]))
        drawn = {s["name"]: s["data"] for s in shot._chart.options["series"]}
        assert list(drawn) == ["Temperature", "Pressure", "Flow", "Volume"]
        assert drawn["Pressure"][-1] == [0.2, 9.0]
        shot.show(curve(4, [0, 0, 9_000, 9_000]))

    on_a_page(shows)
    (more,) = appended
    assert "[[[0.3, 93.0]], [[0.3, 9.0]], [[0.3, 1.5]], [[0.3, 0.15]]]" in more


def to_review(number: int) -> CheckpointView:
    return CheckpointView(
        id=number, machine="m-1", model="coffee.alarm", coffee_id=f"9f3a/{number}",
        summary="tank_empty", state="open", created_ms=1, reviewed_by=None, reviewed_ms=None,
        note=None,
    )  # fmt: skip


def parts(kind: type[ui.element], text: str = "") -> list[Any]:
    """What of this kind is on the page now."""
    gc.collect()
    every = ui.context.client.elements.values()
    return [part for part in every if isinstance(part, kind) and text in getattr(part, "text", "")]


def click(made: Any) -> None:
    for listener in made._event_listeners.values():
        listener.handler(None)


def test_a_note_being_written_outlives_the_next_checkpoint(notices: list[str]) -> None:
    open_ones = [to_review(1)]
    reviewed: list[tuple[Any, ...]] = []

    def review(*given: Any) -> Any:
        reviewed.append(given)
        return SimpleNamespace(reviewed_by="anna", note=given[2])

    async def writes() -> None:
        here = visit(
            checkpoints=lambda *given: list(open_ones), review=review
        )
        page = CheckpointList(here, "", "open")
        await page.refresh()
        click(parts(ui.button, "Review")[-1])
        await asyncio.sleep(SETTLED_S)
        open_ones.append(to_review(2))
        await page.refresh()
        before = len(ui.context.client.elements)
        (note,) = parts(ui.textarea)
        note.set_value("filled the tank")
        click(parts(ui.button, "Mark as reviewed")[0])
        await asyncio.sleep(SETTLED_S)
        assert parts(ui.dialog) == []
        assert len(ui.context.client.elements) < before

    on_a_page(writes)
    assert reviewed == [(1, "anna", "filled the tank")]
    assert notices == ["Reviewed"]


def test_a_refusal_is_told_although_the_list_was_drawn_anew_meanwhile(notices: list[str]) -> None:
    gone = CommandView(
        id="c-1", machine="m-1", name="recipe.delete", args={"slot": "0"}, user="anna",
        state="expired", created_ms=1, deadline_ms=2, sent_ms=1, replied_ms=None, error=None,
        result=None,
    )  # fmt: skip

    async def deletes() -> None:
        here = visit(
            send=lambda *given: "c-1", command=lambda name: gone, commands=lambda *given: []
        )
        orders = Orders(here, "m-1")
        rows = ui.element("div")

        async def act() -> None:
            await asyncio.sleep(SETTLED_S / 4)  # as a person who is asked whether they are sure
            await orders.send("recipe.delete", {"slot": "0"})

        with rows, ui.element("div"):
            click(ui.button("Delete", on_click=act))
        rows.clear()
        gc.collect()
        await asyncio.sleep(SETTLED_S)

    on_a_page(deletes)
    (said,) = notices
    assert "did not answer in time" in said


def test_a_button_pressed_twice_orders_once() -> None:
    """A machine that is off would find both waiting."""
    sent: list[str] = []
    made = replace(ANSWERED, name="brew", state="queued")

    def send(*given: Any) -> str:
        sent.append(given[2]["slot"])
        return "c-1"

    async def presses() -> None:
        here = visit(send=send, command=lambda name: made, commands=lambda *given: [])
        orders = Orders(here, "m-1")
        waiting = [asyncio.create_task(orders.send("brew", {"slot": slot})) for slot in "001"]
        await asyncio.sleep(SETTLED_S)
        for task in waiting:
            task.cancel()
        again = asyncio.create_task(orders.send("brew", {"slot": "0"}))
        await asyncio.sleep(SETTLED_S)
        again.cancel()

    on_a_page(presses)
    assert sent == ["0", "1", "0"]


ANSWERED = CommandView(
    id="c-1", machine="m-1", name="recipe.put", args={}, user="anna", state="ok", created_ms=1,
    deadline_ms=2, sent_ms=1, replied_ms=2, error=None, result=None,
)  # fmt: skip


class Editing:
    """The editor of a recipe; `scripts` is what it told the browser, `sent` what the machine."""

    def __init__(self, patch: pytest.MonkeyPatch) -> None:
        patch.setattr("nicegui.ui.run_javascript", self._script)
        self.scripts: list[str] = []
        self.sent: list[Any] = []
        limits = {"brew_mc": [80_000, 98_000], "volume_ul": [5_000, 250_000], "slots": 16}
        recipe = {"name": "Espresso", "temp_mc": 93_000, "volume_ul": 36_000}
        self.held = RecipesView("m-1", 1, {"0": recipe}, limits, ())

    def _script(self, code: str) -> None:
        assert ui.context.client  # as the real one: it is gone with what was drawn anew
        self.scripts.append(code)

    def _send(self, *given: Any) -> str:
        self.sent.append(given[2]["recipe"]["name"])
        return "c-1"

    def open(self, draft: Any = None, **info: Any) -> Editor:
        self.here = visit(
            recipes=lambda name: self.held, send=self._send, command=lambda name: ANSWERED,
            commands=lambda *given: [],
        )  # fmt: skip
        view = replace(known(1), machine="m-1", info=info)
        return Editor(self.here, view, self.held, "0", draft)

    def write(self, name: str) -> None:
        next(part for part in parts(ui.input) if part.label == "Name").set_value(name)


@pytest.fixture
def editing(monkeypatch: pytest.MonkeyPatch) -> Editing:
    return Editing(monkeypatch)


def unsent(editing: Editing) -> list[str | None]:
    """The name of what the browser was told to ask about, each time; None: of nothing."""
    begin = "coffee.unsaved("
    told = [json.loads(f"[{s[len(begin) : -1]}]") for s in editing.scripts if s.startswith(begin)]
    return [work["recipe"]["name"] if changed else None for work, changed in told]


def test_a_recipe_that_was_not_sent_is_not_left_without_a_word(editing: Editing) -> None:
    async def writes() -> None:
        editing.open()
        editing.write("Lungo")
        editing.write("Espresso")
        click(parts(ui.button, "Back without sending")[0])

    on_a_page(writes)
    assert unsent(editing) == [None, "Lungo", None]
    assert editing.scripts[3:] == ['coffee.leave("/machines/m-1/recipes")']


def test_a_page_that_was_left_before_it_answered_recalls_nothing(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Half a minute later that was a traceback in the log."""
    async def gone(code: str, timeout: float) -> None:
        raise TimeoutError

    async def opened() -> None:
        monkeypatch.setattr(ui, "run_javascript", gone)
        assert await visit().recalled() is None

    on_a_page(opened)


def test_a_profile_brought_in_is_not_left_without_a_word(editing: Editing) -> None:
    async def opens() -> None:
        editing.open({**editing.held.slots["0"], "name": "Shared"})

    on_a_page(opens)
    assert unsent(editing) == ["Shared"]


def test_a_form_that_changes_its_shape_is_not_left_without_a_word(editing: Editing) -> None:
    """What was drawn anew is no place any more to speak to the browser from."""
    async def chooses() -> None:
        editing.open()
        choice = next(part for part in parts(ui.select) if part._props["label"] == "Pre-infusion")
        with choice.parent_slot.parent:
            choice.set_value("preinfusion_ms")

    on_a_page(chooses)
    assert "preinfusion_ms" in editing.scripts[-1]
    assert unsent(editing)[-1] == "Espresso"


def test_a_recipe_somebody_else_changed_is_not_overwritten_without_a_word(
    editing: Editing,
) -> None:
    async def sends() -> None:
        editing.open()
        editing.write("Mine")
        editing.held = replace(editing.held, slots={"0": {"name": "Theirs"}})
        for choice in ("Cancel", "Send mine"):
            click(parts(ui.button, "Send to the machine")[0])
            (chosen,) = await until(lambda choice=choice: parts(ui.button, choice))
            assert editing.sent == []
            click(chosen)
            await until(lambda: not parts(ui.dialog))
        await until(lambda: editing.sent)

    on_a_page(sends)
    assert editing.sent == ["Mine"]


def test_a_recipe_nobody_else_changed_is_sent_at_once(editing: Editing) -> None:
    async def sends() -> None:
        editor = editing.open()
        editing.write("Mine")
        await editor._put()

    on_a_page(sends)
    assert editing.sent == ["Mine"]
    assert editing.scripts[-1] == 'coffee.leave("/machines/m-1/recipes")'


def test_what_was_written_outlives_the_login(editing: Editing) -> None:
    async def sends() -> None:
        editor = editing.open()
        editing.write("Mine")
        editing.here.session = None  # type: ignore[misc]
        await editor._put()
        (kept,) = editing.here.drafts._kept
        assert (editing.here.drafts.get(kept) or {})["name"] == "Mine"
        assert f"recipes%2F0%3Fdraft%3D{kept}" in editing.scripts[-1]

    on_a_page(sends)
    assert editing.sent == []


def test_a_profile_left_for_volume_only_comes_back_whole(editing: Editing) -> None:
    profile = {
        "name": "Mine", "temp_mc": 93_000, "stop": {"weight_mg": 40_000},
        "phases": [{"name": "long", "pressure_mbar": 6_000, "exit": {"time_ms": 20_000}}],
    }  # fmt: skip
    ranges = {"weight_mg": [0, 90_000], "pressure_mbar": [0, 11_000], "flow_ul_s": [0, 8_000]}
    limits = {**editing.held.limits, **ranges, "phases_max": 12}
    editing.held = replace(editing.held, slots={"0": profile}, limits=limits)

    async def chooses() -> None:
        editor = editing.open(capabilities=["volumetric"])
        kinds = []
        for profile_wanted in (False, True):
            parts(ui.toggle)[0].set_value(profile_wanted)
            kinds.append("phases" in editor._recipe)
        assert (kinds, editor._recipe) == ([False, True], profile)

    on_a_page(chooses)


def test_a_long_past_of_checkpoints_is_reached_page_by_page() -> None:
    every = [to_review(number) for number in range(650, 0, -1)]

    def found(
        state: str, machine: str | None, limit: int, kind: str | None, before: int | None
    ) -> list[CheckpointView]:
        return [view for view in every if before is None or view.id < before][:limit]

    async def opens() -> None:
        here = visit(checkpoints=found)
        for before, first in ((None, 0), (551, 100), (51, 600)):
            page = CheckpointList(here, "m-1", "done", before)
            await page.refresh()
            assert page._shown == tuple(every[first : first + 100])
            link = page._turn.content
            older = f'"/checkpoints?state=done&amp;machine=m-1&amp;before={550 - first + 1}"'
            assert (older in link) == (first < 600)
            assert ("Newest" in link) == (first > 0)

    on_a_page(opens)


def about(number: int, machine: str, alarm: str | None = None) -> CheckpointView:
    model = "coffee.backend" if alarm is None else "coffee.alarm"
    return replace(to_review(number), machine=machine, model=model, alarm=alarm)


def test_several_are_reviewed_at_once_after_saying_which(notices: list[str]) -> None:
    """200 new machines were 200 dialogs."""
    open_ones = [about(4, "m-1", "tank_empty"), about(3, "m-10"), about(2, "m-2"), about(1, "m-1")]
    asked: list[Any] = []
    said: list[str] = []

    def review(*given: Any) -> ReviewedView:
        asked.append(given)
        return ReviewedView((1, 2, 3), ())

    async def reviews() -> None:
        here = visit(
            checkpoints=lambda *given: open_ones, count_checkpoints=lambda *given: 4,
            standing=lambda views: {4}, review_all=review,
        )  # fmt: skip
        await CheckpointList(here, "", "open").refresh()
        click(parts(ui.button, "Review all 4")[0])
        (yes,) = await until(lambda: parts(ui.button, "Mark as reviewed"))
        said.extend(e.content for e in ui.context.client.elements.values()
                    if isinstance(e, ui.html))  # fmt: skip
        open_ones.append(about(5, "m-3"))
        parts(ui.textarea)[0].set_value("all ours")
        click(yes)
        await until(lambda: notices)

    on_a_page(reviews)
    assert asked == [([3, 2, 1], "anna", "all ours")], "what came meanwhile stays open"
    assert notices == ["3 reviewed"]
    text = Markup(" ".join(said)).striptags()
    assert "Review 3 checkpoints?" in text and "3 × Machine" in text
    assert "m-1, m-2, m-10" in text
    assert "1 alarm still stands and is left out." in text


def test_alarms_that_stand_are_not_reviewed_together(notices: list[str]) -> None:
    async def reviews() -> None:
        here = visit(
            checkpoints=lambda *given: [about(4, "m-1", "tank_empty")],
            standing=lambda views: {4},
            review_all=broken(AssertionError("reviewed all the same")),
        )  # fmt: skip
        await CheckpointList(here, "", "open")._review_all()
        assert parts(ui.dialog) == []

    on_a_page(reviews)
    (said,) = notices
    assert "still stand" in said


@pytest.mark.parametrize(("state", "erp"), [("done", None), ("open", "https://erp.example")])
def test_where_nothing_can_be_reviewed_nothing_offers_it(state: Any, erp: str | None) -> None:
    async def opens() -> None:
        here = visit(
            checkpoints=lambda *given: [], count_checkpoints=lambda *given: 4, reviewed_at=erp
        )
        await CheckpointList(here, "", state).refresh()
        assert not any(part.visible for part in parts(ui.button, "Review"))

    on_a_page(opens)


def test_machines_are_chosen_from_in_the_order_people_count_in() -> None:
    offered: list[Any] = []
    machines = [replace(known(1), machine=f"m-{number}") for number in (1, 10, 2)]

    async def opens() -> None:
        here = visit(machines=lambda: machines, checkpoints=lambda *given: [])
        CheckpointList(here, "m-3", "open")
        BrewList(here, "", None)
        offered.extend([*part.options] for part in parts(ui.select))

    on_a_page(opens)
    assert offered[1:] == [["", "m-1", "m-2", "m-3", "m-10"], ["", "m-1", "m-2", "m-10"]]


def test_who_left_while_writing_a_note_reviews_nothing_and_gets_it_back(
    notices: list[str],
) -> None:
    async def leaves() -> None:
        here = visit(
            checkpoints=lambda *given: [to_review(1)],
            review=broken(AssertionError("reviewed by nobody")),
        )  # fmt: skip
        page = CheckpointList(here, "", "open")
        await page.refresh()
        click(parts(ui.button, "Review")[-1])
        await asyncio.sleep(SETTLED_S)
        assert parts(ui.dialog)[0]._props["no-backdrop-dismiss"]
        parts(ui.textarea)[0].set_value("filled the tank")
        here.session = None  # type: ignore[misc]
        click(parts(ui.button, "Mark as reviewed")[0])
        await asyncio.sleep(SETTLED_S)

    on_a_page(leaves)
    (said,) = notices
    assert "log in" in said and "filled the tank" in said


def test_a_button_pressed_twice_asks_once() -> None:
    discarded: list[int] = []
    view = QuarantineView(
        id=7, topic="t", machine=None, external_id=None, payload=b"x", size_bytes=1, reason="r",
        received_ms=1, times=1,
    )  # fmt: skip

    async def presses() -> None:
        here = visit(
            quarantine=lambda *given: [view], count_quarantined=lambda text: 1,
            discard=lambda number, user: discarded.append(number),
        )  # fmt: skip
        await QuarantineList(here, "", None).refresh()
        throw = next(b for b in parts(ui.button) if b.text == "Discard")
        for _ in range(2):
            click(throw)
        await asyncio.sleep(SETTLED_S)
        assert len(parts(ui.dialog)) == 1
        yes = next(b for b in parts(ui.button) if b.text == "Discard" and b is not throw)
        click(yes)
        await asyncio.sleep(SETTLED_S)
        assert parts(ui.dialog) == []

    on_a_page(presses)
    assert discarded == [7]
