"""One fact of a batch on its way: what came, what became of it. Knows nothing of databases."""

import json
import re
from datetime import datetime, timedelta

EPOCH = datetime(1970, 1, 1)
JOURNAL = re.compile(r"[0-9A-Za-z._-]{1,64}\Z")
REQUIRED = ("machine", "journal", "seq", "model", "values")


class Fact:
    """`raw` as the bridge sent it. After the import either `id` and `status` or `error` is set."""

    __slots__ = (
        "again", "backend", "checkpoint", "coffee_id", "error", "foreign", "id", "journal",
        "machine", "model", "payload", "quarantine_id", "raw", "seq", "status", "values", "vals",
    )  # fmt: skip

    def __init__(self, raw):
        self.raw = raw
        self.id, self.status, self.error, self.quarantine_id = 0, "", "", 0
        self.backend, self.vals, self.foreign = None, None, False
        self.machine = str(raw.get("machine") or "")
        self.journal = str(raw.get("journal") or "")
        self.model = str(raw.get("model") or "")
        self.values = raw.get("values") or {}
        self.payload = self._checked_payload(raw.get("payload") or {})
        self.checkpoint = raw.get("checkpoint") or None
        self.again = bool(raw.get("again"))
        self.seq = self._checked_seq(raw.get("seq"))
        self.coffee_id = f"{self.journal}/{raw.get('seq')}"

    def _checked_payload(self, payload):
        """An object, or its JSON as text: XML-RPC knows neither null nor big numbers."""
        if isinstance(payload, str):
            try:
                payload = json.loads(payload)
            except ValueError:
                payload = None
        return payload if isinstance(payload, dict) else {}

    def _checked_seq(self, seq):
        missing = [name for name in REQUIRED if self.raw.get(name) in (None, False, "")]
        if missing:
            self.refuse(f"{missing[0]}: missing; the bridge must send it")
        elif not JOURNAL.match(self.journal):
            self.refuse(f"journal: {self.journal!r} is not a journal ID; send hex text")
        elif not str(seq).isdecimal():
            self.refuse(f"seq: {seq!r} is not a whole number; send it as text")
        elif len(str(seq)) > 19 or int(seq) >= 2**63:
            self.refuse(f"seq: {seq} is out of range; it must fit into 64 bits")
        elif not isinstance(self.values, dict):
            self.refuse("values: not an object; send names and values")
        else:
            return int(seq)
        return None

    @property
    def key(self):
        return self.backend.id, self.coffee_id

    @property
    def source(self):
        """What the import mappers read: the bridge's values, the machine's own words beside."""
        return {**self.values, "payload": self.payload, "coffee_id": self.coffee_id}

    @property
    def utc(self):
        """When it happened, or None."""
        utc_ms = self.values.get("utc_ms")
        try:
            return as_datetime(int(utc_ms)) if str(utc_ms or "").isdecimal() else None
        except OverflowError:
            return None  # the mapper says what is wrong with it

    def refuse(self, error):
        self.status, self.error, self.id = "refused", error, 0

    def refuse_foreign(self, error):
        """Of a machine that is not the caller's: nothing of it is kept."""
        self.refuse(error)
        self.foreign = True

    def settle(self, record_id, status):
        self.id, self.status, self.error = record_id, status, ""

    def result(self):
        return {"id": self.id, "status": self.status, "error": self.error}

    def checkpoints(self):
        """Drafts for a person: the bridge's, ours, and one for each fact in quarantine."""
        if self.backend is None:
            return
        base = {
            "backend_id": self.backend.id,
            "model": self.model or "coffee.backend",
            "coffee_id": self.coffee_id,
        }
        if self.error:
            yield base | {
                "model": "coffee.quarantine",
                "summary": f"{self.model} {self.coffee_id}: {self.error}",
                "res_id": self.quarantine_id,
            }
        elif self.status in ("created", "updated") or (self.id and self.checkpoint):
            summary = (self.checkpoint or {}).get("summary")
            if summary:
                yield base | {"summary": summary, "res_id": self.id}


def as_ms(date):
    """Milliseconds since 1970 of a datetime in UTC, as text; "" without one."""
    return str(int((date - EPOCH).total_seconds() * 1000)) if date else ""


def as_datetime(utc_ms):
    """UTC without zone in whole seconds, as Odoo keeps it."""
    return EPOCH + timedelta(seconds=utc_ms // 1000)
