"""The editor of one recipe: a plain form for a volumetric one, phases with a drawn target for a
profile. What it offers and accepts follows the limits the machine published.
"""

from __future__ import annotations

from collections.abc import Callable
from copy import deepcopy
from typing import Any

from markupsafe import Markup
from nicegui import ui

from host_bridge.errors import NotFound
from host_bridge.views import CommandView, MachineView, RecipesView
from host_bridge.web import curves, recipe_check
from host_bridge.web.actions import Orders
from host_bridge.web.layout import Visit, button, chart, confirmed, frame, html, login_to, put
from host_bridge.web.markup import empty_page, join, notice, tag
from host_bridge.web.pages.recipes import address
from host_bridge.web.recipe_check import EXITS, NAME_LENGTH, QUANTITIES, bounds

Recipe = dict[str, Any]

_PREINFUSIONS = {"": "None", "preinfusion_ms": "By time", "preinfusion_ul": "By volume"}
_KINDS = {"pressure_mbar": "Pressure", "flow_ul_s": "Flow"}
_LIMIT_OF = {"pressure_mbar": "limit_flow_ul_s", "flow_ul_s": "limit_pressure_mbar"}


@ui.page("/machines/{machine}/recipes/{slot}")
async def recipe_page(machine: str, slot: str, draft: str = "") -> None:
    with frame(f"Recipe {slot} of {machine}", "/") as visit:
        try:
            held = await visit.ask(visit.bridge.recipes, machine)
        except NotFound as error:
            ui.context.client.status_code = 404
            html(empty_page("search_off", f"No machine {machine}", error.message))
            return
        view = await visit.ask(visit.bridge.machine, machine)
        if view is None or slot not in map(str, range(int(held.limits.get("slots", 16)))):
            ui.context.client.status_code = 404
            advice = Markup('<a href="{}">See its recipes</a>').format(address(machine))
            html(empty_page("search_off", f"No slot {slot}", advice))
            return
        if not held.limits:
            come_back = "Its limits are not known yet. Switch it on and come back."
            html(empty_page("menu_book", "The machine was never online", come_back))
            return
        Editor(visit, view, held, slot, visit.drafts.get(draft))


def fresh(limits: recipe_check.Limits, slot: str) -> Recipe:
    """A sound recipe to start from: the middle of what the machine can do."""
    low_mc, high_mc = limits["brew_mc"]
    temp_mc = min(max(93000, low_mc), high_mc)
    if not limits.get("phases_max"):
        volume_ul = min(max(36000, limits["volume_ul"][0]), limits["volume_ul"][1])
        return {"name": f"Recipe {slot}", "temp_mc": temp_mc, "volume_ul": volume_ul}
    stop = {"weight_mg": 36000} if "weight_mg" in limits else {"volume_ul": 36000}
    return {
        "name": f"Recipe {slot}",
        "temp_mc": temp_mc,
        "stop": stop,
        "phases": [
            {"name": "preinfusion", "pressure_mbar": 3000, "exit": {"time_ms": 8000}},
            {
                "name": "extract",
                "pressure_mbar": 9000,
                "ramp_ms": 3000,
                "exit": {"time_ms": 30000},
            },
        ],
    }


class Editor:
    """Edits a copy of the recipe in the contract's own form; widgets write straight into it."""

    def __init__(
        self,
        visit: Visit,
        view: MachineView,
        held: RecipesView,
        slot: str,
        draft: Recipe | None,
    ) -> None:
        self._visit = visit
        self._machine, self._slot = view.machine, slot
        self._limits = held.limits
        self._capable = frozenset(view.info.get("capabilities", ()))
        known = self._held = held.slots.get(slot)
        self._sent: Recipe = deepcopy(known or fresh(held.limits, slot))
        self._recipe: Recipe = deepcopy(draft or self._sent)
        self._left: Recipe | None = None
        self._orders = Orders(visit, view.machine)
        self._fields: dict[str, ui.number | ui.input] = {}
        html(_head(view.machine, slot, known)).classes("stack")
        with ui.element("div").classes("split"):
            self._form = ui.element("div").classes("stack").style("gap: 20px")
            self._form.on("input", js_handler="coffee.typed")
            with ui.element("aside").classes("stack sticky").style("gap: 20px"):
                with ui.element("section").classes("panel") as self._preview_panel:
                    html(Markup("<h2>Target</h2>"))
                    self._preview = chart({}, "Target over time", "curve low")
                    html(
                        Markup(
                            '<p class="small soft">Phases that end on a condition are drawn with '
                            "the time they take at most.</p>"
                        )
                    )
                with ui.element("section").classes("panel"):
                    self._wrong = html(Markup())
                    self._send = button("Send to the machine", "send", "primary", self._put)
                    self._send.props('data-order="recipe.put"')
                    back = address(self._machine)
                    button("Back without sending", None, "ghost", lambda: self._visit.leave(back))
                    self._orders.answers()
        self._draw()
        ui.timer(0, self._orders.refresh, once=True)
        ui.timer(0, self._recall, once=True)

    # --- what was written when the bridge was started anew
    def _unsent(self) -> bool:
        return self._recipe != self._sent

    async def _recall(self) -> None:
        if (left := await self._visit.recalled()) is None:
            return
        self._recipe, self._held = left.work["recipe"], left.work["held"]
        self._draw()
        for path, text in left.fields.items():
            self._write(path, text)
        if self._unsent():
            again = "The page was loaded again. What you wrote is not sent yet."
            self._visit.notify(again, "warning")

    def _write(self, path: str, text: str) -> None:
        """As a person does; a field that is not there any more takes nothing."""
        field = self._fields.get(path)
        if isinstance(field, ui.number):
            field.set_value(float(text) if text else None)
        elif field is not None:
            field.set_value(text)

    # --- drawing the form anew, after its shape changed
    def _draw(self) -> None:
        self._form.clear()
        self._fields.clear()
        with self._form:
            self._basics()
            if "phases" in self._recipe:
                self._stop()
                self._phases()
        self._changed()

    def _changed(self) -> None:
        """After each edit: problems beside their fields, and the target redrawn."""
        found = recipe_check.problems(self._recipe, self._limits)
        by_field = {problem.field: problem.message for problem in found}
        for path, field in self._fields.items():
            field.error = by_field.pop(path, None)
        rest = [Markup("<li>{}</li>").format(message) for message in by_field.values()]
        text = Markup("<ul>{}</ul>").format(join(rest)) if rest else "See the marked fields."
        put(self._wrong, notice("bad", "error", "Not ready to send", text) if found else Markup())
        self._send.set_enabled(not found)
        self._visit.unsaved({"recipe": self._recipe, "held": self._held}, self._unsent())
        profile = "phases" in self._recipe
        self._preview_panel.set_visibility(profile)
        if profile:
            self._preview.options.clear()
            self._preview.options.update(curves.target(self._recipe))
            self._preview.update()

    def _basics(self) -> None:
        recipe = self._recipe
        with ui.element("section").classes("panel"):
            html(Markup("<h2>Recipe</h2>"))
            with ui.element("div").classes("form"):
                self._text(recipe, "name", "Name", "name")
                self._number(recipe, "temp_mc", "temp_mc")
                if "phases" not in recipe:
                    self._number(recipe, "volume_ul", "volume_ul")
                    self._preinfusion()
                    self._number(recipe, "soak_ms", "soak_ms")
                elif "grinder" in self._capable:
                    self._number(recipe, "dose_ms", "dose_ms")
            if self._limits.get("phases_max") and "volumetric" in self._capable:
                self._shape()

    def _shape(self) -> None:
        """Profile or volumetric: a machine that can do both lets one choose, and come back."""

        def choose(profile: bool) -> None:
            common = {"name": self._recipe.get("name"), "temp_mc": self._recipe.get("temp_mc")}
            start = fresh(self._limits, self._slot) if profile else {"volume_ul": 36000}
            left, self._left = self._left, self._recipe
            self._recipe = {**(left or start), **common}
            self._draw()

        toggle = ui.toggle(
            {True: "Profile", False: "Volumetric"},
            value="phases" in self._recipe,
            on_change=lambda event: choose(bool(event.value)),
        )
        toggle.props('no-caps unelevated toggle-color="fill" toggle-text-color="fill-ink"')
        toggle.props('aria-label="Kind of recipe"').style("align-self: start")

    def _preinfusion(self) -> None:
        recipe = self._recipe
        now = next((key for key in _PREINFUSIONS if key and key in recipe), "")

        def choose(key: str) -> None:
            for other in ("preinfusion_ms", "preinfusion_ul"):
                recipe.pop(other, None)
            if key:
                recipe[key] = 3000
            self._draw()

        choice = ui.select(
            _PREINFUSIONS, value=now, label="Pre-infusion", on_change=lambda e: choose(e.value)
        )
        choice.props("outlined")
        if now:
            self._number(recipe, now, now)

    def _stop(self) -> None:
        stop = self._recipe.setdefault("stop", {})
        with ui.element("section").classes("panel"):
            html(Markup("<h2>The shot ends at</h2>"))
            html(
                Markup('<p class="small soft">Whichever comes first; leave the others empty.</p>')
            )
            with ui.element("div").classes("form"):
                for key in ("weight_mg", "volume_ul", "time_ms"):
                    self._number(stop, key, f"stop.{key}")

    # --- phases
    def _phases(self) -> None:
        phases: list[Recipe] = self._recipe["phases"]
        most = int(self._limits.get("phases_max", 0))
        with ui.element("section").classes("panel"):
            html(
                Markup(
                    '<header><h2 class="grow">Phases</h2>'
                    '<span class="soft small">{} of {}</span></header>'
                ).format(len(phases), most)
            )
            for number in range(len(phases)):
                self._phase(number)
            if len(phases) < most:
                add = button("Add a phase", "add", on_click=lambda: self._insert(len(phases)))
                add.style("align-self: start")

    def _phase(self, number: int) -> None:
        phases: list[Recipe] = self._recipe["phases"]
        phase, at = phases[number], f"phases[{number}]."
        own = "pressure_mbar" if "pressure_mbar" in phase else "flow_ul_s"
        box = ui.element("fieldset").classes("phase").props(f'aria-label="Phase {number + 1}"')
        with box:
            with ui.element("div").classes("line"):
                html(Markup("{}").format(number + 1), "span").classes("ordinal")
                self._text(phase, "name", "Phase", f"{at}name").classes("grow").props("dense")
                self._small("arrow_upward", "Move up", number > 0, lambda: self._move(number, -1))
                self._small(
                    "arrow_downward", "Move down", number < len(phases) - 1,
                    lambda: self._move(number, 1),
                )  # fmt: skip
                self._small(
                    "delete", "Remove phase", len(phases) > 1, lambda: self._remove(number)
                )
            with ui.element("div").classes("form"):
                kind = ui.select(
                    _KINDS,
                    value=own,
                    label="Holds",
                    on_change=lambda e: self._kind(phase, e.value),
                )
                kind.props("outlined dense")
                self._number(phase, own, f"{at}{own}", dense=True)
                self._number(phase, "ramp_ms", f"{at}ramp_ms", dense=True)
                self._number(phase, _LIMIT_OF[own], f"{at}{_LIMIT_OF[own]}", dense=True)
            html(Markup('<p class="small soft">Ends as soon as one of these is reached</p>'))
            self._exits(phase, at)

    def _exits(self, phase: Recipe, at: str) -> None:
        leave: Recipe = phase.setdefault("exit", {})
        can = [key for key in EXITS if bounds(key, self._limits, True) is not None]
        with ui.element("div").classes("form"):
            for key in can:
                if key in leave:
                    self._number(leave, key, f"{at}exit.{key}", inside=True, dense=True)
            missing = [key for key in can if key not in leave]
            if missing:
                with button("Condition", "add"), ui.menu().props("auto-close"):
                    for key in missing:
                        ui.menu_item(QUANTITIES[key].name, self._adder(leave, key))

    def _adder(self, leave: Recipe, key: str) -> Callable[[], None]:
        def add() -> None:
            low, high = bounds(key, self._limits, True) or (0, 0)
            leave[key] = min(max(low, 5000), high)
            self._draw()

        return add

    def _kind(self, phase: Recipe, kind: str) -> None:
        for key in (*_KINDS, *_LIMIT_OF.values()):
            phase.pop(key, None)
        phase[kind] = 9000 if kind == "pressure_mbar" else 2000
        self._draw()

    def _insert(self, at: int) -> None:
        new = {"name": f"phase {at + 1}", "pressure_mbar": 6000, "exit": {"time_ms": 8000}}
        self._recipe["phases"].insert(at, new)
        self._draw()

    def _remove(self, number: int) -> None:
        del self._recipe["phases"][number]
        self._draw()

    def _move(self, number: int, by: int) -> None:
        phases = self._recipe["phases"]
        phases.insert(number + by, phases.pop(number))
        self._draw()

    # --- widgets
    def _small(self, icon: str, label: str, usable: bool, act: Callable[[], None]) -> None:
        small = button(icon=icon, kind="ghost", on_click=act, label=label)
        small.props("dense").set_enabled(usable)

    def _text(self, of: Recipe, key: str, label: str, path: str) -> ui.input:
        def edit(value: str | None) -> None:
            of[key] = (value or "").strip()
            self._changed()

        field = ui.input(label, value=of.get(key, ""), on_change=lambda e: edit(e.value))
        field.props(f'outlined maxlength="{NAME_LENGTH}" debounce="250"')
        field.props(f'data-field="{path}"')
        self._fields[path] = field.without_auto_validation()  # recipe_check judges
        return field

    def _number(
        self, of: Recipe, key: str, path: str, inside: bool = False, dense: bool = False
    ) -> None:
        """A field for `of[key]`, absent where the machine cannot do it; empty takes it out."""
        span = bounds(key, self._limits, inside)
        if span is None:
            return
        quantity = QUANTITIES[key]

        def edit(value: float | None) -> None:
            if value is None:
                of.pop(key, None)
            else:
                of[key] = round(value * 1000)
            self._changed()

        now = of.get(key)
        field = ui.number(
            quantity.name, value=None if now is None else now / 1000, step=0.1,
            suffix=quantity.unit, on_change=lambda e: edit(e.value),
        )  # fmt: skip
        field.props(f'outlined stack-label debounce="250" {"dense" if dense else ""}')
        field.props("hide-bottom-space")
        field.props(f'inputmode="decimal" data-field="{path}"')
        field.props(f'title="{span[0] / 1000:g} to {span[1] / 1000:g} {quantity.unit}"')
        self._fields[path] = field.without_auto_validation()  # recipe_check judges

    # --- sending
    async def _put(self) -> None:
        if self._visit.session is None:
            self._log_in()
        elif await self._still_wanted():
            args = {"slot": self._slot, "recipe": deepcopy(self._recipe)}
            await self._orders.send("recipe.put", args, self._told)

    def _told(self, view: CommandView) -> None:
        if view.state == "ok":
            ui.notify("Saved on the machine", type="positive")
            self._visit.leave(address(self._machine))

    def _log_in(self) -> None:
        """By way of the login and back to what was written here."""
        draft = self._visit.drafts.keep(deepcopy(self._recipe))
        self._visit.leave(login_to(f"{address(self._machine, self._slot)}?draft={draft}"))

    async def _still_wanted(self) -> bool:
        """Asks when somebody else changed the slot while it was edited here."""
        view = await self._visit.ask(self._visit.bridge.recipes, self._machine)
        now = view.slots.get(self._slot)
        if now == self._held:
            return True
        what = f"It holds “{now.get('name', '?')}” now" if now else "It is empty now"
        text = f"{what}: somebody changed it since you opened it. Yours takes that one's place."
        return await confirmed(f"Send to slot {self._slot}?", text, "Send mine", "danger")


def _head(machine: str, slot: str, known: Recipe | None) -> Markup:
    return Markup(
        '<div class="crumbs"><a href="/">Machines</a> / <a href="/machines/{0}">{0}</a> / '
        '<a href="{1}">Recipes</a> / slot {2}</div>'
        '<div class="title"><h1>{3}</h1>{4}</div>'
    ).format(
        machine,
        address(machine),
        slot,
        known.get("name", "?") if known else "New recipe",
        tag(f"slot {slot}"),
    )
