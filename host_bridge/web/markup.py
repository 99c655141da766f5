"""Small pieces of HTML the pages share. Everything goes through Markup.format, which escapes what
it is given, so that a machine's words can never become code. No page, no bridge, no state.
"""

from __future__ import annotations

import time
from collections.abc import Iterable

from markupsafe import Markup

from host_bridge.web import units
from host_bridge.web.words import Word


def join(pieces: Iterable[Markup]) -> Markup:
    return Markup("").join(pieces)


def icon(name: str) -> Markup:
    return Markup('<i class="q-icon material-icons" aria-hidden="true">{}</i>').format(name)


def chip(word: Word) -> Markup:
    return Markup('<span class="chip {}">{}{}</span>').format(
        word.tone, icon(word.icon), word.text
    )


def tag(text: str) -> Markup:
    return Markup('<span class="tag">{}</span>').format(text)


def when(utc_ms: int | None, missing: str = "time unknown") -> Markup:
    """A relative time with the exact one on hover; console.js keeps it current."""
    if utc_ms is None:
        return Markup('<span class="soft">{}</span>').format(missing)
    return Markup('<time data-ms="{}" title="{}">{}</time>').format(
        utc_ms, units.exact(utc_ms), units.ago(utc_ms, time.time_ns() // 1_000_000)
    )


def exactly(utc_ms: int | None, missing: str = "time unknown") -> Markup:
    """The moment itself, and below it how long ago: of what one looks up days later, on a phone
    without a pointer too."""
    if utc_ms is None:
        return when(None, missing)
    return Markup('{}<div class="small soft">{}</div>').format(
        units.exact(utc_ms), when(utc_ms)
    )


def quantity(value: str, unit: str) -> Markup:
    if value == units.MISSING:
        return Markup('<span class="soft">{}</span>').format(value)
    return Markup('<span class="nowrap">{} <span class="soft">{}</span></span>').format(
        value, unit
    )


def facts(pairs: Iterable[tuple[str, object]], as_list: bool = False) -> Markup:
    """Names with values, as a grid or as one list."""
    body = join(
        Markup("<div><dt>{}</dt><dd>{}</dd></div>").format(name, value) for name, value in pairs
    )
    return Markup('<dl class="facts{}">{}</dl>').format(" list" if as_list else "", body)


def empty(icon_name: str, title: str, advice: object) -> Markup:
    """What stands where nothing is yet: says what to do next."""
    return _nothing("h2", icon_name, title, advice)


def empty_page(icon_name: str, title: str, advice: object) -> Markup:
    """`empty` where it is the whole page: its title is the page's."""
    return _nothing("h1", icon_name, title, advice)


def _nothing(heading: str, icon_name: str, title: str, advice: object) -> Markup:
    return Markup('<div class="empty">{1}<{0}>{2}</{0}><p>{3}</p></div>').format(
        heading, icon(icon_name), title, advice
    )


def never_heard(machine: str, path: str, what: str) -> Markup:
    """What stands where `what` of a machine nobody knows were asked for; `path`: of all."""
    way = Markup('This bridge has never heard from it. <a href="{}">See all {}</a>')
    return empty("search_off", f"No machine {machine}", way.format(path, what))


def nobody(machine: str) -> Markup:
    """The page of a machine nobody knows."""
    way = Markup('This bridge has never heard from it. <a href="/">See all machines</a>')
    return empty_page("search_off", f"No machine {machine}", way)


def notice(tone: str, icon_name: str, title: str, text: object) -> Markup:
    return Markup(
        '<div class="notice {}" role="status">{}<div><strong>{}</strong><div>{}</div></div></div>'
    ).format(tone, icon(icon_name), title, text)


def pages(newest: str | None, older: str | None, what: str) -> Markup:
    """The ways through a long list: to its first page, and to what is older than shown."""
    link = Markup('<a href="{}">{}</a>')
    ways = ((newest, "Newest"), (older, f"Older {what}"))
    return join(link.format(path, name) for path, name in ways if path)


def table(
    heads: Iterable[str], rows: Iterable[Iterable[object]], caption: str, slim: bool = False
) -> Markup:
    """A table whose cells name their column, so that a narrow one can show each row as a block;
    a slim one has room on a phone and stays a table."""
    names = list(heads)
    head = join(Markup('<th scope="col">{}</th>').format(name) for name in names)
    body = join(
        Markup("<tr>{}</tr>").format(
            join(
                Markup('<td data-label="{}">{}</td>').format(name, cell)
                for name, cell in zip(names, row, strict=True)
            )
        )
        for row in rows
    )
    return Markup(
        '<div class="sheet{}"><table class="table"><caption class="visually-hidden">{}</caption>'
        "<thead><tr>{}</tr></thead><tbody>{}</tbody></table></div>"
    ).format(" slim" if slim else "", caption, head, body)


LOGO = Markup(
    '<svg viewBox="0 0 32 32" fill="none" stroke="currentColor" stroke-width="2.4" '
    'stroke-linecap="round" stroke-linejoin="round" aria-hidden="true">'
    '<path d="M6 13h16v7a7 7 0 0 1-7 7h-2a7 7 0 0 1-7-7z"/>'
    '<path d="M22 15h2.5a3.5 3.5 0 0 1 0 7H22"/><path d="M10 9c0-2 2-2 2-4"/>'
    '<path d="M16 9c0-2 2-2 2-4"/></svg>'
)
