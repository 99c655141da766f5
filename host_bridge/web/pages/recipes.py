"""The recipes a machine holds, slot by slot: open one, write one, bring in a shared profile."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from typing import Any
from urllib.parse import quote

from markupsafe import Markup
from nicegui import ui
from nicegui.events import UploadEventArguments

from host_bridge.errors import NotFound
from host_bridge.profiles.decent import ProfileRefused, import_profile
from host_bridge.views import RecipesView
from host_bridge.web import curves, units
from host_bridge.web.actions import Orders
from host_bridge.web.layout import Visit, button, chart, confirmed, frame, html, put
from host_bridge.web.markup import empty, empty_page, join, notice, quantity, tag

_REFRESH_S = 2.0
_UPLOAD_BYTES = 200_000


def address(machine: str, slot: str | None = None) -> str:
    base = f"/machines/{quote(machine)}/recipes"
    return base if slot is None else f"{base}/{quote(slot)}"


@ui.page("/machines/{machine}/recipes")
async def recipes_page(machine: str) -> None:
    with frame(f"Recipes of {machine}", "/") as visit:
        try:
            view = await visit.ask(visit.bridge.recipes, machine)
        except NotFound as error:
            ui.context.client.status_code = 404
            html(empty_page("search_off", f"No machine {machine}", error.message))
            return
        page = RecipeList(visit, view)
        visit.every(_REFRESH_S, page.refresh)


class RecipeList:
    def __init__(self, visit: Visit, view: RecipesView) -> None:
        self._visit = visit
        self._machine = view.machine
        self._shown: RecipesView | None = None
        self._orders = Orders(visit, view.machine)
        html(_head(view.machine)).classes("stack")
        with ui.element("div").classes("split"):
            self._cards = ui.element("div").classes("cards")
            with ui.element("aside").classes("stack").style("gap: 20px"):
                with ui.element("section").classes("panel"):
                    html(Markup("<h2>New recipe</h2>"))
                    self._free = html(Markup())
                    if view.limits.get("phases_max"):
                        self._import()
                with ui.element("section").classes("panel"):
                    html(Markup("<h2>Replies from the machine</h2>"))
                    self._orders.answers()
        self._draw(view)

    async def refresh(self) -> None:
        await self._orders.refresh()
        view = await self._visit.ask(self._visit.bridge.recipes, self._machine)
        if view != self._shown:
            self._draw(view)

    def _draw(self, view: RecipesView) -> None:
        self._shown = view
        put(self._free, _free_slots(view))
        self._cards.clear()
        with self._cards:
            for slot in sorted(view.slots, key=int):
                self._recipe(slot, view.slots[slot], slot in view.pending)
            if not view.slots:
                html(_nothing(view)).style("grid-column: 1 / -1")

    def _recipe(self, slot: str, recipe: Mapping[str, Any], pending: bool) -> None:
        with ui.element("article").classes("card").props(f'data-slot="{slot}"'):
            html(describe(slot, recipe, pending)).classes("stack")
            if recipe.get("phases"):
                chart(small_target(recipe), "Target over time", "curve tiny")
            with ui.element("div").classes("line"):
                edit = address(self._machine, slot)
                button("Edit", "edit", on_click=lambda: ui.navigate.to(edit))
                delete = button(icon="delete", kind="ghost", label=f"Delete slot {slot}")
                delete.on_click(self._delete(slot, str(recipe.get("name"))))

    def _delete(self, slot: str, name: str) -> Callable[[], Awaitable[None]]:
        async def ask() -> None:
            text = f"Slot {slot} of the machine is empty then."
            if await confirmed(f"Delete {name}?", text, "Delete", "danger"):
                await self._orders.send("recipe.delete", {"slot": slot})

        return ask

    # --- a profile from a file
    def _import(self) -> None:
        html(
            Markup(
                '<p class="small soft">Or bring in a shared profile (Decent, version 2): a .json '
                "file. It opens for a look before anything is sent.</p>"
            )
        )
        self._refused = html(Markup())
        upload = ui.upload(
            label="Import a profile",
            auto_upload=True,
            max_file_size=_UPLOAD_BYTES,
            on_upload=self._uploaded,
            on_rejected=lambda: put(self._refused, _refusal(["The file is too large: 200 kB"])),
        )
        upload.props('accept=".json" flat text-color="fill-ink" color="fill"').style("width: 100%")

    async def _uploaded(self, event: UploadEventArguments) -> None:
        if self._visit.session is None:
            ui.navigate.to(self._visit.login_url)
            return
        view = self._shown
        free = _first_free(view) if view else None
        if view is None or free is None:
            put(self._refused, _refusal(["All slots are taken: delete a recipe first"]))
            return
        try:
            recipe = import_profile(await event.file.read(), view.limits)
        except ProfileRefused as refusal:
            put(self._refused, _refusal([f"{p.field}: {p.message}" for p in refusal.problems]))
            return
        draft = self._visit.drafts.keep(recipe)
        ui.navigate.to(f"{address(self._machine, free)}?draft={draft}")


def _first_free(view: RecipesView) -> str | None:
    count = int(view.limits.get("slots", 0))
    return next((str(n) for n in range(count) if str(n) not in view.slots), None)


def _head(machine: str) -> Markup:
    return Markup(
        '<div class="crumbs"><a href="/">Machines</a> / <a href="/machines/{}">{}</a> / Recipes'
        "</div><h1>Recipes</h1>"
    ).format(quote(machine), machine)


def _free_slots(view: RecipesView) -> Markup:
    count = int(view.limits.get("slots", 0))
    if not count:
        return Markup('<p class="soft small">Known when the machine has been online once.</p>')
    free = [str(n) for n in range(count) if str(n) not in view.slots]
    if not free:
        return Markup('<p class="soft small">All slots are taken: delete a recipe first.</p>')
    links = join(
        Markup('<a class="slot" href="{}" aria-label="New recipe in slot {}">{}</a>').format(
            address(view.machine, slot), slot, slot
        )
        for slot in free
    )
    return Markup(
        '<p class="soft small">Choose a free slot:</p><div class="slots">{}</div>'
    ).format(links)


def describe(slot: str, recipe: Mapping[str, Any], pending: bool = False) -> Markup:
    """A recipe in a few words."""
    pairs = [quantity(units.celsius(recipe.get("temp_mc")), "°C")]
    stop = recipe.get("stop") or recipe
    pairs += [
        quantity(write(stop[key]), unit)
        for key, write, unit in (
            ("weight_mg", units.gram, "g"),
            ("volume_ul", units.ml, "ml"),
            ("time_ms", units.seconds, "s"),
        )
        if stop.get(key) is not None
    ]
    if phases := recipe.get("phases"):
        pairs.append(Markup("{} phase{}").format(len(phases), "s"[: len(phases) > 1]))
    elif recipe.get("preinfusion_ms"):
        pairs.append(
            Markup("pre-infusion {}").format(
                quantity(units.seconds(recipe["preinfusion_ms"]), "s")
            )
        )
    elif recipe.get("preinfusion_ul"):
        pairs.append(
            Markup("pre-infusion {}").format(quantity(units.ml(recipe["preinfusion_ul"]), "ml"))
        )
    return Markup(
        '<div class="top"><span class="name">{}</span><span class="line">{}{}</span></div>'
        '<p class="soft">{}</p>'
    ).format(
        recipe.get("name", "?"),
        tag("under way") if pending else "",
        tag(f"slot {slot}"),
        Markup(" · ").join(pairs),
    )


def small_target(recipe: Mapping[str, Any]) -> dict[str, Any]:
    """The target's shape without axes, for a card."""
    option = curves.target(recipe)
    option["legend"] = {"show": False}
    option["tooltip"] = {"show": False}
    option["grid"] = {"left": 2, "right": 2, "top": 6, "bottom": 2}
    option["xAxis"] = {**option["xAxis"], "show": False}
    option["yAxis"] = {**option["yAxis"], "show": False}
    option["series"][0].pop("markArea")
    return option


def _refusal(reasons: list[str]) -> Markup:
    body = join(Markup("<li>{}</li>").format(reason) for reason in reasons)
    return notice("bad", "block", "Not imported", Markup("<ul>{}</ul>").format(body))


def _nothing(view: RecipesView) -> Markup:
    if view.rev is None:
        return empty("menu_book", "Recipes not known yet", "They come when the machine is online.")
    return empty("menu_book", "No recipe", "Choose a slot to write the first one.")
