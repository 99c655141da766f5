"""What an act of a person may end in, in words for that person."""

from __future__ import annotations

import sqlite3

from host_bridge.database import DatabaseError
from host_bridge.errors import BridgeError
from host_bridge.gateway.port import GatewayError

NOT_DONE = (BridgeError, GatewayError, DatabaseError, sqlite3.Error)
"""A page that waits for an act catches these and says `why_not`."""


def why_not(error: Exception) -> str:
    """One of NOT_DONE with its cure."""
    if isinstance(error, BridgeError):
        return error.message
    if isinstance(error, GatewayError):
        return f"{error}; ask again"
    return f"{error}; look at the disk of the bridge's data, make room, then ask again"
