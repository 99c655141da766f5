"""Where a running bridge says what address its console and API answer at."""

from __future__ import annotations

from typing import Final

FOLDER: Final = "web"
"""Inside the data folder: token, session key, unused login tickets, the address."""
ADDRESS_FILE: Final = "address"
