"""The port filled by an Odoo with the addon connector_coffee, over JSON-2 or XML-RPC.

Everything that decides (dedupe, upsert, checkpoints, isolation of a bad fact) is the addon's work,
in one transaction a call. Here calls are worded, answers are read, and a call whose end nobody
knows is left to be made again.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, Final, TypeVar

import msgspec
import structlog

from host_bridge.gateway.odoo_json2 import Json2
from host_bridge.gateway.odoo_rpc import OLD_ADDON, Failed, Http, NoSuchRoute, Rpc, TimedOut
from host_bridge.gateway.odoo_xmlrpc import XmlRpc
from host_bridge.gateway.port import (
    BackendDraft,
    BackendRecord,
    BusySigns,
    CheckpointDraft,
    CheckpointKey,
    Done,
    ErpOrder,
    FactPush,
    Fetched,
    Hello,
    Permanent,
    Presence,
    Pushed,
    PushStatus,
    Reviewed,
    Transient,
)
from host_bridge.settings import GatewaySettings

log = structlog.get_logger(__name__)
PROTOCOL: Final = 1
JSON2_SINCE: Final = 19
_MOST: Final = 1_000_000
"""Facts in one call: no bound of ours; what times out is sent in smaller parts."""
BY_THE_DATA: Final = frozenset({
    "builtins.ValueError", "builtins.TypeError", "builtins.OverflowError", "builtins.KeyError",
    "psycopg2.DataError", "psycopg2.errors.NumericValueOutOfRange",
    "psycopg2.errors.InvalidTextRepresentation", "psycopg2.errors.UntranslatableCharacter",
    "odoo.exceptions.ValidationError",
})  # fmt: skip
"""Failures that the same facts will meet again. The addon isolates them itself; one it lets
through (another module's mapper, say) must not hold up a fleet."""
T = TypeVar("T")
R = TypeVar("R")


class OdooGateway:
    """Implements `port.Gateway`. Makes no connection before the first call."""

    def __init__(self, settings: GatewaySettings, bridge: str) -> None:
        """`bridge` is this bridge's name, for Odoo's own books."""
        self._settings = settings
        self._bridge = bridge
        self._lock = threading.Lock()
        self._http: Http | None = None
        self._rpc: Rpc | None = None
        self._closed = False
        self._most = _MOST
        """Facts a call: fewer after a timeout, so that a slow Odoo gets on too."""

    def close(self) -> None:
        """Also while a call hangs: that one then fails."""
        self._closed, self._rpc = True, None
        if self._http is not None:
            self._http.close()

    # --- who answers
    def hello(self) -> Hello:
        return self._greet(self._connected())

    def probe(self) -> None:
        self.hello()

    def _greet(self, rpc: Rpc) -> Hello:
        answer = rpc.call("hello", {"bridge": self._bridge, "protocol": PROTOCOL})
        with _understood():
            protocol = int(answer["protocol"])
            found = Hello(
                _text(answer["server"]), _text(answer["addon"]), _text(answer.get("company"))
            )
        if protocol != PROTOCOL:
            raise Transient(f"{OLD_ADDON} (protocol {protocol} there, {PROTOCOL} here)")
        return found

    def _connected(self) -> Rpc:
        """The way of calling; found, and greeted, at the first call."""
        with self._lock:
            if self._closed:
                raise Transient("the gateway is closed")
            if self._rpc is None:
                if self._http is None:
                    self._http = Http(self._settings)
                rpc = self._choose(self._http)
                hello = self._greet(rpc)
                log.info("odoo_connected", url=self._settings.url, server=hello.server,
                         addon=hello.addon, transport=type(rpc).__name__)  # fmt: skip
                self._rpc = rpc
            return self._rpc

    def _choose(self, http: Http) -> Rpc:
        settings = self._settings
        assert settings.key is not None
        key = settings.key.get_secret_value()
        json2 = Json2(http, settings.database, key)
        xmlrpc = XmlRpc(http, settings.database or "", settings.login or "", key)
        if settings.transport == "xmlrpc":
            return xmlrpc
        try:
            self._greet(json2)
        except NoSuchRoute:
            server = xmlrpc.server_version()
            if _major(server) >= JSON2_SINCE or settings.transport == "json2":
                raise
            if settings.database is None or settings.login is None:
                raise Transient(
                    f"gateway: Odoo {server} has only XML-RPC; give database and login too"
                ) from None
            return xmlrpc
        return json2

    def _call(self, method: str, **arguments: Any) -> Any:
        try:
            return self._connected().call(method, arguments)
        except Transient as error:
            if not isinstance(error, (TimedOut, Failed)):
                self._rpc = None  # another server, addon or key may answer next: greet again
            raise

    # --- machines
    def save_backends(self, drafts: Sequence[BackendDraft]) -> list[BackendRecord]:
        return self._one_by_one(drafts, self._save_backends, _bare)

    def _save_backends(self, drafts: Sequence[BackendDraft]) -> list[BackendRecord]:
        if not drafts:
            return []
        answer = self._call(
            "save_backends",
            drafts=[
                {"machine": d.machine, "version": d.version, "serial": d.serial,
                 "language": d.language, "firmware": d.firmware}
                for d in drafts
            ],
            bridge=self._bridge,
        )  # fmt: skip
        return _each(drafts, answer, lambda _, found: BackendRecord(
            str(found["machine"]), _text(found.get("version")), found.get("language") or None,
            refused=found.get("state") == "refused",
        ))  # fmt: skip

    def presence(self, states: Sequence[Presence]) -> None:
        self._one_by_one(states, self._presence, _without_alarms)

    def _presence(self, states: Sequence[Presence]) -> list[None]:
        if states:
            self._call(
                "presence",
                states=[
                    {"machine": s.machine, "online": s.online, "last_seen_ms": str(s.last_seen_ms),
                     "alarms": list(s.alarms)}
                    for s in states
                ],
            )  # fmt: skip
        return [None for _ in states]

    # --- facts
    def push(self, facts: Sequence[FactPush]) -> list[Pushed]:
        """Odoo may be given a batch in parts; each is one transaction."""
        answers: list[Pushed] = []
        while len(answers) < len(facts):
            part = facts[len(answers) : len(answers) + self._most]
            try:
                answers += self._push_isolating(part)
            except TimedOut:
                self._most = max(1, min(self._most, len(part)) // 2)
                raise
            except Failed:  # alone in its part, a fact cannot be told to be to blame
                self._send_more()
                raise
            self._send_more()
        return answers

    def _send_more(self) -> None:
        self._most = min(self._most * 2, _MOST)

    def _push_isolating(self, facts: Sequence[FactPush]) -> list[Pushed]:
        """Halves what Odoo's own code fails on. Only if others pass, a fact is to blame."""
        failures: dict[int, Failed] = {}
        answers: dict[int, Pushed] = {}
        todo = [range(len(facts))]
        while todo:
            part = todo.pop()
            try:
                found = self._push([facts[n] for n in part])
            except Failed as error:
                if error.name not in BY_THE_DATA:
                    raise
                if len(part) == 1:
                    failures[part.start] = error
                else:
                    middle = part.start + len(part) // 2
                    todo += [range(middle, part.stop), range(part.start, middle)]
            else:
                answers.update(zip(part, found, strict=True))
        if failures and not answers:
            raise next(iter(failures.values()))
        answers |= {n: Pushed("refused", str(error)) for n, error in failures.items()}
        return [answers[n] for n in range(len(facts))]

    def _push(self, facts: Sequence[FactPush]) -> list[Pushed]:
        answer = self._call("push", bridge=self._bridge, facts=[_fact(fact) for fact in facts])
        with _understood():
            results = answer["results"]
        return _each(facts, results, lambda _, found: _pushed(found))

    # --- recipes, checkpoints
    def import_recipes(
        self, machine: str, rev: int, slots: Mapping[str, Mapping[str, Any]]
    ) -> dict[str, Pushed]:
        given = {s: dict(r) for s, r in slots.items()}
        try:
            answer = self._call("import_recipes", machine=machine, rev=rev, slots=given)
        except Failed as error:
            if error.name not in BY_THE_DATA:
                raise
            raise Permanent(str(error)) from error
        with _understood():
            found = {str(one["slot"]): _pushed(one) for one in answer if str(one["slot"]) in slots}
        return found

    def add_checkpoints(self, drafts: Sequence[CheckpointDraft]) -> None:
        self._one_by_one(drafts, self._add_checkpoints, _unsaid)

    def _add_checkpoints(self, drafts: Sequence[CheckpointDraft]) -> list[None]:
        if drafts:
            self._call(
                "add_checkpoints",
                drafts=[
                    {"machine": d.machine, "model": d.model, "coffee_id": d.coffee_id,
                     "summary": d.summary, "record_id": None, "language": d.language}
                    for d in drafts
                ],
            )  # fmt: skip
        return [None for _ in drafts]

    def reviewed(self, open_keys: Sequence[CheckpointKey]) -> list[Reviewed]:
        if not open_keys:
            return []
        asked = [
            {"machine": key.machine, "model": key.model, "coffee_id": key.coffee_id}
            for key in open_keys
        ]
        answer = self._call("reviewed", bridge=self._bridge, open=asked)
        with _understood():
            return [
                Reviewed(
                    CheckpointKey(one["machine"], one["model"], one["coffee_id"]),
                    _text(one.get("user")), _text(one.get("note")), _int(one.get("reviewed_ms")),
                )
                for one in answer
            ]  # fmt: skip

    # --- orders
    def fetch(self, limit: int, known: Sequence[str] = ()) -> Fetched:
        answer = self._call(
            "fetch_orders", bridge=self._bridge, limit=limit, known=list(known)
        )
        with _understood():
            orders = [
                ErpOrder(
                    str(one["id"]), str(one["machine"]), str(one["name"]),
                    dict(one.get("args") or {}), _text(one.get("user")) or "Odoo",
                    _int(one.get("deadline_ms")),
                )
                for one in answer["orders"]
            ]  # fmt: skip
            pour = answer.get("pour") or {}
            busy = BusySigns(
                bool(pour.get("busy")), dict(pour.get("signals") or {}),
                {str(machine): _settings(given)
                 for machine, given in (pour.get("settings") or {}).items()},
            )  # fmt: skip
        return Fetched(orders, busy)

    def finished(self, done: Sequence[Done]) -> None:
        self._one_by_one(done, self._finished, _unexplained)

    def _finished(self, done: Sequence[Done]) -> list[None]:
        if done:
            self._call(
                "finished",
                done=[
                    {"id": d.id, "state": d.state, "message": d.message, "result": d.result}
                    for d in done
                ],
            )
        return [None for _ in done]

    def _one_by_one(
        self, items: Sequence[T], told: Callable[[Sequence[T]], list[R]], less: Callable[[T], T]
    ) -> list[R]:
        """In one call; if Odoo fails on what one of them says, each by itself, and the one it
        fails on with `less` in it, so that no machine holds up the others."""
        try:
            return told(items)
        except Failed as error:
            if error.name not in BY_THE_DATA:
                raise
            if len(items) == 1:
                log.warning("odoo_told_less", item=type(items[0]).__name__, reason=str(error))
                return told([less(items[0])])
        return [one for item in items for one in self._one_by_one([item], told, less)]


def _bare(draft: BackendDraft) -> BackendDraft:
    return BackendDraft(draft.machine, draft.version)


def _without_alarms(state: Presence) -> Presence:
    return Presence(state.machine, state.online, state.last_seen_ms)


def _unsaid(draft: CheckpointDraft) -> CheckpointDraft:
    return CheckpointDraft(
        draft.machine, draft.model, draft.coffee_id,
        "Odoo cannot store what this is about; see the bridge's console",
    )  # fmt: skip


def _unexplained(done: Done) -> Done:
    said = "Odoo cannot store what the machine answered; see the bridge's console"
    return Done(done.id, done.state, said)


def _fact(fact: FactPush) -> dict[str, Any]:
    review = fact.review
    return {
        "machine": fact.machine,
        "journal": fact.journal,
        "seq": str(fact.seq),
        "model": fact.model,
        "values": dict(fact.values),
        "payload": msgspec.Raw(fact.payload),
        "again": fact.again,
        "checkpoint": None
        if review is None
        else {"summary": review.summary, "language": review.language},
    }


def _pushed(found: Mapping[str, Any]) -> Pushed:
    status = found["status"]
    if status not in ("created", "unchanged", "updated", "refused"):
        raise ValueError(f"status {status!r}")
    known: PushStatus = status
    return Pushed(known, _text(found.get("error")))


def _settings(given: Mapping[str, Any]) -> dict[str, Any]:
    """None and the false of an empty field are absent; a boolean's false is one."""
    booleans = ("enabled", "busy")
    return {
        str(name): value
        for name, value in given.items()
        if name in booleans or (value is not None and value is not False)
    }


def _each(asked: Sequence[Any], answer: Any, read: Callable[[Any, Any], T]) -> list[T]:
    """One answer for each asked, in order."""
    with _understood():
        if len(answer) != len(asked):
            raise ValueError(f"{len(answer)} answers to {len(asked)}")
        return [read(one, found) for one, found in zip(asked, answer, strict=True)]


@contextmanager
def _understood() -> Iterator[None]:
    """An answer in an unexpected form is the addon's version, not a fact's fault."""
    try:
        yield
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise Transient(f"{OLD_ADDON} (its answer: {error!r})") from error


def _text(value: Any) -> str:
    return "" if value is None or value is False else str(value)


def _int(value: Any) -> int | None:
    return None if value is None or value is False or value == "" else int(value)


def _major(server: str) -> int:
    digits = server.replace("saas~", "").partition(".")[0]
    return int(digits) if digits.isdecimal() else 0
