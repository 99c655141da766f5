"""Names of machines, in the order in which people count."""

from __future__ import annotations

import re

_NUMBER = re.compile(r"(\d+)")


def natural(name: str) -> tuple[list[tuple[int, str]], str]:
    """Sorts m-2 before m-10, and capitals among small letters."""
    parts = _NUMBER.split(name.casefold())
    parts[1::2] = [digits.lstrip("0") for digits in parts[1::2]]
    # a number of more digits is larger: never an int, a name from an address may be endless
    counted = [(len(part), part) if at % 2 else (0, part) for at, part in enumerate(parts)]
    return counted, name
