"""Hostile input on every topic the bridge reads and on its API.

Whatever cannot be taken is set aside with the raw bytes and a reason that names field and cure;
the bridge goes on and no neighbour waits.
"""

from __future__ import annotations

import contextlib
import json
import sqlite3
from collections.abc import Iterator

import pytest

from tests.support.contract import examples
from tests.support.hostile import encoded, rubbish, spoiled
from tests.support.stack import Stack, eventually

MACHINE_SAYS = ("status", "info", "state", "shot", "journal", "recipes", "reply")

pytestmark = [pytest.mark.broker]


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    with Stack(tmp_path_factory.mktemp("hostile"), models=()) as stack:
        yield stack


def set_aside(stack: Stack) -> list[sqlite3.Row]:
    (file,) = (stack.folder / "bridge").rglob("bridge.sqlite")
    uri = f"{file.absolute().as_uri()}?mode=ro"
    with contextlib.closing(sqlite3.connect(uri, uri=True)) as db:
        db.row_factory = sqlite3.Row
        return db.execute("SELECT topic, payload, reason, times FROM quarantine").fetchall()


def test_bridge_sets_rubbish_aside_and_serves_the_neighbour(stack: Stack) -> None:
    evil, good = "coffee/v1/evil", "coffee/v1/neighbour"
    sent = [
        (f"{evil}/{kind}", payload)
        for kind in MACHINE_SAYS
        for name, payload in rubbish().items()
        if name != "empty"  # nothing: what a retained message is cleared with
    ]
    sent += [(f"coffee/v1/{bad}/state", b"{}") for bad in ("EVIL", "e" * 33, "\u2615", "a b")]
    for topic, payload in sent:
        stack.wire.publish(topic, payload)
    for kind in MACHINE_SAYS:
        for example in examples(kind):
            for _, wrong in spoiled(example):
                stack.wire.publish(f"{evil}/{kind}", encoded(wrong))
    info = {**examples("info")[0], "journal": "abcdef0123456789"}
    facts = {**examples("journal")[0], "journal": "abcdef0123456789", "seq": 1}
    facts["facts"] = [{**facts["facts"][0], "seq": 1}]
    stack.wire.publish(f"{good}/info", info, retain=True)
    stack.wire.publish(f"{good}/journal", facts)
    stack.wire.wait(f"{good}/ack", lambda ack: ack["seq"] == 1)
    assert ("neighbour", "abcdef0123456789", 1) in stack.records()
    rows = set_aside(stack)
    kept = {row["topic"] for row in rows}
    missing = {topic for topic, _ in sent} - kept
    assert not missing, missing
    for row in rows:
        assert len(row["reason"]) > 20 and ";" in row["reason"], "names field and cure"
    small = {(topic, payload) for topic, payload in sent if len(payload) < 60_000}
    assert small <= {(row["topic"], bytes(row["payload"])) for row in rows}
    assert stack.http("/healthz")[0] == 200
    assert stack.bridge.ended() is None


def test_bridge_api_names_field_and_cure(stack: Stack) -> None:
    path = "/api/machines/evil/commands"
    for body in (
        {}, [], {"name": 1}, {"name": "explode"}, {"name": "brew", "args": []},
        {"name": "brew", "args": {"slot": "0"}, "deadline_s": "soon"},
    ):  # fmt: skip
        status, answer = stack.http(path, body)
        assert 400 <= status < 500, (body, status, answer)
        assert len(json.dumps(answer)) > 20
    assert stack.http("/api/machines/nobody/commands", {"name": "stop", "args": {}})[0] == 404


def test_quarantine_table_is_reachable_for_a_person(stack: Stack) -> None:
    eventually(lambda: set_aside(stack))
    status, rows = stack.http("/api/quarantine?limit=500")
    assert status == 200 and rows
    assert all(row["reason"] and row["topic"] for row in rows)
