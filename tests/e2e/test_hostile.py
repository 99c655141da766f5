"""Hostile input on every topic a machine reads, against running firmware.

Bad input gets an answer that names field and cure; nothing crashes, heats or is forgotten by it.
"""

from __future__ import annotations

import contextlib
import json
from collections.abc import Iterator
from typing import Any

import pytest

from tests.contract.recording import Person, prepare
from tests.support.contract import current, examples, load_asyncapi
from tests.support.hostile import encoded, rubbish, spoiled
from tests.support.stack import Stack

ASYNCAPI = load_asyncapi()
MACHINES = ("sim-1900", "sim-2900")
COMMANDS = [
    channel["address"].rsplit("/", 1)[1]
    for channel in ASYNCAPI["channels"].values()
    if "/cmd/" in channel["address"]
]
# no id can be read from these: the reply's id is null
UNREADABLE = set(rubbish()) - {"number beyond floats", "another version", "text version"}

pytestmark = [pytest.mark.slow, pytest.mark.broker, pytest.mark.timeout(1200)]


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    with Stack(tmp_path_factory.mktemp("hostile"), speed=10) as stack:
        for machine in MACHINES:
            prepare(stack, Person(stack, machine))
        yield stack


def message_of(command: str) -> str:
    return current().channel(f"coffee/v1/x/cmd/{command}").message


def provoke(stack: Stack, machine: str, command: str, payload: bytes) -> dict[str, Any]:
    """The machine's reply to this payload, checked against the contract.

    Not one to the bridge, which sets the clock of a machine that runs faster than the world.
    """
    topic = f"coffee/v1/{machine}/reply"
    mark = stack.wire.mark()
    stack.wire.publish(f"coffee/v1/{machine}/cmd/{command}", payload)
    reply = stack.wire.wait(topic, lambda r: not str(r["id"]).startswith("clock-"), mark)
    return current().validate(topic, reply.payload)


def explained(reply: dict[str, Any]) -> None:
    error = reply["error"]
    assert not reply["ok"] and error["code"] and len(error["message"]) > 10, reply


def unharmed(stack: Stack, machine: str, before: dict[str, Any]) -> None:
    """Same boot, still ticking, no output forced, nothing printed by an exception."""
    now = stack.wait_state(machine, boot=before["boot"])
    later = stack.wire.wait(
        f"coffee/v1/{machine}/state", lambda s: s["ticks"] > now["ticks"], stack.wire.mark()
    ).json
    assert later["boot"] == before["boot"]
    assert not later["late_ticks"]
    assert "Traceback" not in stack.machines[machine].console()


@pytest.mark.parametrize("machine", MACHINES)
def test_rubbish_on_every_command_is_answered(stack: Stack, machine: str) -> None:
    before = stack.state(machine)
    for command in COMMANDS:
        for name, payload in rubbish().items():
            reply = provoke(stack, machine, command, payload)
            explained(reply)
            if name in UNREADABLE:
                assert reply["id"] in (None, "n", "x"), (name, reply)
    unharmed(stack, machine, before)


@pytest.mark.parametrize("machine", MACHINES)
def test_one_wrong_thing_in_a_good_command_is_named(stack: Stack, machine: str) -> None:
    before = stack.state(machine)
    person = Person(stack, machine)
    answered = 0
    for command in COMMANDS:
        for good in examples(message_of(command)):
            for _, wrong in spoiled(good):
                if isinstance(wrong, dict):
                    wrong = fresh(wrong, good, person, answered)
                reply = provoke(stack, machine, command, encoded(wrong))
                if not reply["ok"]:
                    explained(reply)
                answered += 1
    assert answered > 100
    stack.wait_state(machine, state={"ready", "heating", "standby", "cleaning"})
    with contextlib.suppress(AssertionError):
        person.command("wake")
    person.command("stop")
    unharmed(stack, machine, before)


def fresh(
    wrong: dict[str, Any], good: dict[str, Any], person: Person, n: int
) -> dict[str, Any]:
    """Its own id and a deadline ahead, where those are not what is wrong."""
    if wrong.get("id") == good["id"]:
        wrong["id"] = f"wrong-{n}"
    if "deadline" in good and wrong.get("deadline") == good["deadline"]:
        wrong["deadline"] = person.utc_ms() + 600_000
    return wrong


@pytest.mark.parametrize("machine", MACHINES)
def test_refusals_name_the_field(stack: Stack, machine: str) -> None:
    person = Person(stack, machine)
    good = {"name": "x", "temp_mc": 93000, "volume_ul": 36000}
    refused = person.command("recipe.put", slot="3", recipe={**good, "temp_mc": 150000})
    assert "temp_mc" in refused["error"]["field"]
    assert any(digit in refused["error"]["message"] for digit in ("98000", "98.0")), refused
    for slot in ("16", "-1", 99, None, "0x1"):
        assert "slot" in person.command("brew", slot=slot)["error"]["field"]
    late = person.command("brew", deadline_s=-3600, slot="0")
    assert late["error"]["field"] == "deadline", late
    unknown = json.loads(
        encoded(provoke(stack, machine, "explode", encoded({
            "id": "u1", "deadline": person.utc_ms() + 60_000, "args": {},
        })))
    )  # fmt: skip
    assert unknown["id"] == "u1" and "there are brew, stop" in unknown["error"]["message"]


@pytest.mark.parametrize("machine", MACHINES)
def test_replayed_id_gets_the_same_reply_and_no_second_shot(stack: Stack, machine: str) -> None:
    person = Person(stack, machine)
    stack.wait_state(machine, state="ready", shot=None)
    order = {"v": 1, "id": f"once-{machine}", "deadline": person.utc_ms() + 3_600_000,
             "args": {"slot": "0"}}  # fmt: skip
    first = person.send("brew", order)
    assert first["ok"], first
    shot = stack.wait_state(machine, state={"starting", "preinfusion", "brewing"})["shot"]
    assert person.send("brew", order) == first, "while it brews"
    stack.wait_state(machine, shot=None)
    boot = stack.state(machine)["boot"]
    assert person.send("brew", order) == first, "after it brewed"
    stack.kill9(machine)
    stack.wait_state(machine, boot=boot + 1)
    assert person.send("brew", order) == first, "after a reboot"
    stack.wait_state(machine, state="ready")
    brews = [
        record for (name, _, _), record in stack.records().items()
        if name == machine and record["of_table"] == "brew"
    ]  # fmt: skip
    assert [(b["boot"], b["shot"]) for b in brews].count((boot, shot)) == 1
    assert not stack.state(machine)["shot"]
    assert not [b for b in brews if b["boot"] == boot + 1]


@pytest.mark.parametrize("machine", MACHINES)
def test_rubbish_acks_make_nothing_forgotten(stack: Stack, machine: str) -> None:
    before = stack.state(machine)
    book = stack.journalled(machine)
    topic = f"coffee/v1/{machine}/ack"
    good = {"v": 1, "journal": book.journal, "seq": 1}
    for payload in rubbish().values():
        stack.wire.publish(topic, payload)
    for _, wrong in spoiled(good):
        stack.wire.publish(topic, encoded(wrong))
    for seq in (book.next, 10**9, -1, 2**70):
        stack.wire.publish(topic, encoded({**good, "seq": seq}))
    stack.wire.publish(topic, encoded({**good, "journal": "0" * 16, "seq": 10**6}))
    unharmed(stack, machine, before)
    after = stack.journalled(machine)
    assert after.journal == book.journal
    assert set(book.held) <= set(after.held) | set(range(book.next))
    assert all(after.held[seq] == book.held[seq] for seq in after.held if seq in book.held)
