"""Where a running bridge says what address its console and API answer at."""

from __future__ import annotations

from typing import Final

FOLDER: Final = "web"
"""Inside the data folder: token, session key, unused login tickets, the address."""
ADDRESS_FILE: Final = "address"


def url(host: str, port: int) -> str:
    """Where this computer reaches what listens on `host`:`port`."""
    host = "127.0.0.1" if host in ("0.0.0.0", "::") else host
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"
