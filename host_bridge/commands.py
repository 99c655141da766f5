"""The durable outbox of commands: queued → sent → ok, refused or expired.

A command is written down before anything is sent, and sent again with the same id (after a
restart too) until the machine answers or the deadline passes; the machine answers a repeated id
with the same reply and no second action. Commands are never retained.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import sqlite3
import uuid
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Final

import msgspec
import structlog

from host_bridge.contract import messages
from host_bridge.database import Database, Row
from host_bridge.errors import Invalid, NotFound
from host_bridge.log import blanked
from host_bridge.views import CommandError, CommandView

log = structlog.get_logger(__name__)
NAMES: Final = (
    "brew", "stop", "recipe.put", "recipe.delete", "setpoint", "clean", "standby", "wake",
    "alarm.ack", "identify", "config.put", "update",
)  # fmt: skip
PAYLOAD_BYTES: Final = 1024
RECIPE_BYTES: Final = 2048
MAC_BYTES: Final = 73
"""What signed() adds."""
RESEND_FIRST_S: Final = 5.0
RESEND_MAX_S: Final = 60.0
AHEAD_MS: Final = 12 * 3_600_000
"""A machine refuses a deadline more than a day ahead; what may wait longer gets this."""
# What pours is not done at another time than it was wanted: an order of the future was given while
# the host's clock was ahead, and nobody knows for how long its deadline holds.
_FUTURE: Final = "(name IN ('brew', 'clean') AND created_ms>?)"
_FUTURE_MS: Final = 60_000
GRACE_MS: Final = 5_000  # a reply sent just before the deadline may still be on its way
OPEN: Final = "('queued', 'sent')"
_OVERDUE: Final = f"state IN {OPEN} AND (deadline_ms<? OR {_FUTURE})"

NEWEST_OF: Final = "CREATE INDEX command_newest_of ON command (machine, created_ms);"
SCHEMA: Final = f"""
CREATE TABLE command (
  id TEXT PRIMARY KEY, machine TEXT NOT NULL, name TEXT NOT NULL, args TEXT NOT NULL,
  person TEXT NOT NULL, state TEXT NOT NULL, created_ms INTEGER NOT NULL,
  deadline_ms INTEGER NOT NULL, sent_ms INTEGER, sends INTEGER NOT NULL DEFAULT 0,
  next_ms INTEGER NOT NULL DEFAULT 0, replied_ms INTEGER, error TEXT, result TEXT,
  ordered INTEGER NOT NULL, told INTEGER NOT NULL DEFAULT 0
);
CREATE INDEX command_open ON command (next_ms) WHERE state IN ('queued', 'sent');
CREATE INDEX command_untold ON command (id) WHERE ordered AND NOT told;
CREATE INDEX command_newest ON command (created_ms);
{NEWEST_OF}"""


@dataclass(frozen=True, slots=True)
class Order:
    """What someone wants of a machine. `id` None: a new one is made."""

    machine: str
    name: str
    args: dict[str, Any]
    user: str
    deadline_ms: int
    id: str | None = None


def checked(name: str, args: dict[str, Any]) -> dict[str, Any]:
    """Args as they are sent: a slot is text. What only the machine can judge is left to it.

    Raises:
        Invalid: naming the field.
    """
    if name not in NAMES:
        raise Invalid("name", f"{name[:40]!r} is not a command; use one of {', '.join(NAMES)}")
    if not isinstance(args, dict):
        raise Invalid("args", 'give an object, such as {"slot": "0"}')
    args = dict(args)
    if name in ("brew", "recipe.put", "recipe.delete"):
        slot = args.get("slot")
        if isinstance(slot, bool) or str(slot) not in map(str, range(16)):
            raise Invalid("args.slot", f'{str(slot)[:40]!r} is not a slot; give "0" to "15"')
        args["slot"] = str(slot)
    if name == "recipe.put" and not isinstance(args.get("recipe"), dict):
        raise Invalid("args.recipe", "give the recipe as an object (see docs/schemas)")
    return args


def payload(
    command_id: str, deadline_ms: int | None, args: dict[str, Any], spare: int = 0
) -> bytes:
    """Raises Invalid when it is not JSON or, with `spare` bytes more, too long for a machine."""
    body: dict[str, Any] = {"v": messages.VERSION, "id": command_id}
    if deadline_ms is not None:
        body["deadline"] = deadline_ms
    try:
        encoded = messages.encode(body | {"args": args})
    except (TypeError, ValueError, RecursionError) as error:
        raise Invalid("args", f"cannot be written as JSON ({error}); correct it") from error
    limit = (RECIPE_BYTES if "recipe" in args else PAYLOAD_BYTES) - spare
    if len(encoded) > limit:
        raise Invalid("args", f"{len(encoded)} bytes, but at most {limit}; shorten it")
    return encoded


def signed(body: bytes, machine: str, name: str, key: bytes | None) -> bytes:
    """The body with its `mac` as last member: HMAC-SHA-256 over `<machine>/cmd/<name>`, a newline
    and the body without it, so that a machine checks it by cutting the payload, not rewriting it.
    """
    if key is None:
        return body
    mac = hmac.new(key, f"{machine}/cmd/{name}\n".encode() + body, hashlib.sha256).hexdigest()
    return body[:-1] + b',"mac":"' + mac.encode() + b'"}'


class Outbox:
    def __init__(
        self, db: Database, now_ms: Callable[[], int],
        signs: Callable[[str], bool] = lambda machine: False,
    ) -> None:  # fmt: skip
        """`signs`: whether this machine's commands get a MAC."""
        self._signs = signs
        self._db = db
        self._now_ms = now_ms

    # --- from people and the ERP
    def submit(self, order: Order, ordered_by_erp: bool = False) -> str:
        """Durable when it returns. An id submitted before changes nothing.

        Raises:
            Invalid: naming the field.
        """
        args = checked(order.name, order.args)
        command_id = order.id or uuid.uuid4().hex[:12]
        payload(
            command_id, order.deadline_ms, args, MAC_BYTES if self._signs(order.machine) else 0
        )
        with self._db.write() as tx:
            tx.execute(
                "INSERT OR IGNORE INTO command (id, machine, name, args, person, state,"
                " created_ms, deadline_ms, ordered) VALUES (?,?,?,?,?,'queued',?,?,?)",
                (command_id, order.machine, order.name, json.dumps(args), order.user,
                 self._now_ms(), order.deadline_ms, ordered_by_erp),
            )  # fmt: skip
        return command_id

    # --- for the sender
    def due(self, limit: int, machines: Iterable[str]) -> list[CommandView]:
        """Open commands for these machines whose time to be sent (again) has come, or lies
        further ahead than it ever may (the clock was set back), secrets and all. Those for others
        must not stand before them: a machine may be off for a week."""
        now_ms = self._now_ms()
        rows = self._db.read(
            f"SELECT * FROM command WHERE state IN {OPEN} AND (next_ms<=? OR next_ms>?)"
            f" AND deadline_ms>? AND NOT {_FUTURE}"
            " AND machine IN (SELECT value FROM json_each(?))"
            " ORDER BY next_ms, rowid LIMIT ?",  # as they were ordered, whatever the clock said
            (now_ms, now_ms + int(RESEND_MAX_S * 1000), now_ms, now_ms + _FUTURE_MS,
             json.dumps(sorted(machines)), limit),
        )  # fmt: skip
        return [_view(row, secrets=True) for row in rows]

    def sent(self, command_id: str) -> None:
        """Sends are spaced 5, 10, 20 … 60 s."""
        now_ms = self._now_ms()
        with self._db.write() as tx:
            row = tx.execute("SELECT sends FROM command WHERE id=?", (command_id,)).fetchone()
            wait_s = min(RESEND_FIRST_S * 2 ** min(row["sends"], 10), RESEND_MAX_S)
            tx.execute(
                "UPDATE command SET state='sent', sent_ms=?, sends=sends+1, next_ms=?"
                f" WHERE id=? AND state IN {OPEN}",
                (now_ms, now_ms + int(wait_s * 1000), command_id),
            )

    def again(self, machine: str | None = None) -> None:
        """The machine (or with None, the broker) came back: send what is open at once."""
        with self._db.write() as tx:
            tx.execute(
                f"UPDATE command SET next_ms=0 WHERE state IN {OPEN} AND next_ms>0"
                " AND (?1 IS NULL OR machine=?1)", (machine,),
            )  # fmt: skip

    def expire(self) -> list[str]:
        """Ids of commands that nobody answered in time."""
        with self._db.write() as tx:
            rows = tx.execute(
                f"UPDATE command SET state='expired' WHERE {_OVERDUE} RETURNING id",
                self._overdue(),
            ).fetchall()  # fmt: skip
            _forget_secrets(tx, [row["id"] for row in rows])
        return [row["id"] for row in rows]

    def any_overdue(self) -> bool:
        row = self._db.one(f"SELECT 1 FROM command WHERE {_OVERDUE} LIMIT 1", self._overdue())
        return row is not None

    def _overdue(self) -> tuple[int, int]:
        now_ms = self._now_ms()
        return now_ms - GRACE_MS, now_ms + _FUTURE_MS

    # --- from the machines
    def reply(
        self, tx: sqlite3.Connection, machine: str, reply: messages.Reply, now_ms: int
    ) -> bool:
        """The first answer counts, even after the deadline: the machine knows what it did."""
        state = "ok" if reply.ok else "refused"
        error = None if reply.error is None else msgspec.json.encode(reply.error).decode()
        result = None if reply.result is None else msgspec.json.encode(reply.result).decode()
        changed = tx.execute(
            "UPDATE command SET state=?, replied_ms=?, error=?, result=?, told=0"
            " WHERE id=? AND machine=? AND replied_ms IS NULL",
            (state, now_ms, error, result, reply.id, machine),
        ).rowcount
        if changed:
            _forget_secrets(tx, [reply.id])
        return changed > 0

    # --- questions
    def command(self, command_id: str) -> CommandView:
        """Raises NotFound."""
        row = self._db.one("SELECT * FROM command WHERE id=?", (command_id,))
        if row is None:
            raise NotFound("command_id", f"no command {command_id[:40]!r}; check the id")
        return _view(row)

    def newest(
        self, machine: str | None, limit: int, names: Sequence[str] = ()
    ) -> list[CommandView]:
        whose = "true" if machine is None else "machine=?1"  # written out: its index serves
        rows = self._db.read(
            f"SELECT * FROM command WHERE {whose}"
            " AND (?3 = '[]' OR name IN (SELECT value FROM json_each(?3)))"
            " ORDER BY created_ms DESC, rowid DESC LIMIT ?2", (machine, limit, json.dumps(names)),
        )  # fmt: skip
        return [_view(row) for row in rows]

    def open_for(self, machine: str) -> list[CommandView]:
        rows = self._db.read(
            f"SELECT * FROM command WHERE state IN {OPEN} AND machine=?", (machine,)
        )
        return [_view(row) for row in rows]

    # --- back to the ERP
    def unfinished(self) -> list[str]:
        """Ids of what the ERP ordered and has not been told the end of."""
        rows = self._db.read("SELECT id FROM command WHERE ordered AND NOT told")
        return [row["id"] for row in rows]

    def tell_again(self, command_id: str) -> None:
        """The ERP asks for what it was told already: it may have been restored from a backup."""
        with self._db.write() as tx:
            tx.execute(
                f"UPDATE command SET told=0 WHERE id=? AND told AND state NOT IN {OPEN}",
                (command_id,),
            )

    def untold(self, limit: int) -> list[CommandView]:
        """Decided commands the ERP ordered and has not been told of."""
        rows = self._db.read(
            f"SELECT * FROM command WHERE ordered AND NOT told AND state NOT IN {OPEN} LIMIT ?",
            (limit,),
        )
        return [_view(row) for row in rows]

    def told(self, views: list[CommandView]) -> None:
        with self._db.write() as tx:
            tx.executemany(
                "UPDATE command SET told=1 WHERE id=? AND state=?",
                [(view.id, view.state) for view in views],
            )

    def purge(self, before_ms: int) -> None:
        with self._db.write() as tx:
            tx.execute(
                f"DELETE FROM command WHERE created_ms<? AND state NOT IN {OPEN}"
                " AND (told OR NOT ordered)", (before_ms,),
            )  # fmt: skip


def _forget_secrets(tx: sqlite3.Connection, ids: Iterable[str | None]) -> None:
    """Of what is decided: nobody needs them any more."""
    for command_id in ids:
        row = tx.execute("SELECT args FROM command WHERE id=?", (command_id,)).fetchone()
        args = json.loads(row["args"])
        if blanked(args) != args:
            tx.execute("UPDATE command SET args=? WHERE id=?",
                       (json.dumps(blanked(args)), command_id))  # fmt: skip


def _view(row: Row, secrets: bool = False) -> CommandView:
    args = json.loads(row["args"])
    error = json.loads(row["error"]) if row["error"] else None
    return CommandView(
        id=row["id"], machine=row["machine"], name=row["name"],
        args=args if secrets else blanked(args), user=row["person"], state=row["state"],
        created_ms=row["created_ms"], deadline_ms=row["deadline_ms"],
        sent_ms=row["sent_ms"], replied_ms=row["replied_ms"],
        error=CommandError(error["code"], error.get("field"), error["message"]) if error else None,
        result=json.loads(row["result"]) if row["result"] else None,
    )  # fmt: skip
