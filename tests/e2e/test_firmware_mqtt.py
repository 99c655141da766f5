"""The unmodified firmware on real MicroPython, speaking to a real mosquitto in virtual time."""

from __future__ import annotations

import os
import signal
import time
from typing import Any

import pytest

from simulator.machine import Machine
from tests.support.contract import ContractBreach, validate
from tests.support.mosquitto import Mosquitto
from tests.support.wire import Message, Wire

pytestmark = pytest.mark.broker
READY = 2
MODELS = ("1900", "2900")


def warm(machine: Machine) -> None:
    """Ready to brew, without waiting for the boilers to heat up. To be called before any run:
    a jump of the temperature is a sensor fault to the firmware."""
    machine.set("temp_brew_mc", 93000)
    if machine.board.job.model == "2900":
        machine.set("temp_steam_mc", 123000)
    machine.run(1000)
    machine.run_until("state", READY)


def tell(machine: Machine, wire: Wire, name: str, seconds: int = 60, **command: Any) -> str:
    """Sends a command and lets the machine live for a second; the id."""
    id_ = command.pop("id", f"{name}-{len(wire.messages)}")
    now_ms = int(time.time() * 1000)
    message = {"id": id_, "deadline": now_ms + seconds * 1000, "args": command}
    wire.publish(topic(machine, f"cmd/{name}"), message)
    machine.run(1000)
    return id_


def topic(machine: Machine, name: str) -> str:
    return f"coffee/v1/{machine.board.job.name}/{name}"


def set_clock(machine: Machine, wire: Wire) -> None:
    tell(machine, wire, "clock", utc_ms=int(time.time() * 1000))


def reply_to(machine: Machine, wire: Wire, id_: str | None) -> Any:
    """The machine lives on meanwhile: what it has to say waits for the broker's acknowledgements,
    which take real time."""
    for _ in range(600):
        for message in wire.messages:
            if message.topic == topic(machine, "reply") and message.json["id"] == id_:
                return message.json
        machine.run(100)
        time.sleep(0.05)
    raise TimeoutError(f"no reply to {id_}")


def facts(machine: Machine, wire: Wire, since: int = 0) -> list[dict[str, Any]]:
    return [
        fact
        for message in wire.messages[since:]
        if message.topic == topic(machine, "journal")
        for fact in message.json["facts"]
    ]


def has_shot(batch: dict[str, Any], number: int) -> bool:
    return any(f["kind"] == "brew" and f["shot"] == number for f in batch["facts"])


def breaches(messages: list[Message]) -> list[str]:
    found = []
    for message in messages:
        if "/cmd/" in message.topic or message.topic.endswith("/ack"):
            continue
        try:
            validate(message.topic, message.payload)
        except ContractBreach as breach:
            found.append(str(breach))
    return found


@pytest.mark.parametrize("model", MODELS)
def test_a_remote_shot_from_boot_to_fact_keeps_the_contract(
    broker: Mosquitto, wire: Wire, model: str
) -> None:
    with Machine(model, broker=broker.address) as machine:
        warm(machine)
        set_clock(machine, wire)
        id_ = tell(machine, wire, "brew", slot="0")
        assert reply_to(machine, wire, id_)["result"]["shot"] == 1
        machine.run(90_000)
        wire.wait(topic(machine, "journal"), lambda j: has_shot(j, 1))
        fact = next(f for f in facts(machine, wire) if f["kind"] == "brew")
        assert (fact["command"], fact["source"], fact["slot"], fact["result"]) == (
            id_, "remote", "0", "ok",
        )
        live = machine.live()
        assert live["late_ticks"] == 0 and live["shots_done"] == 1
    curve = [m.json for m in wire.messages if m.topic == topic(machine, "shot")]
    assert [part["part"] for part in curve] == list(range(len(curve)))
    assert [part["last"] for part in curve] == [False] * (len(curve) - 1) + [True]
    for name in ("status", "info", "state", "recipes", "journal", "reply", "shot"):
        assert wire.latest(topic(machine, name)) is not None, name
    assert breaches(wire.messages) == []


@pytest.mark.parametrize("model", MODELS)
def test_retained_messages_are_what_the_contract_retains(
    broker: Mosquitto, wire: Wire, model: str
) -> None:
    with Machine(model, broker=broker.address) as machine:
        machine.run(20_000)
        late = Wire(broker.port)
        late.wait(topic(machine, "recipes"))
        late.close()
    kept = {m.topic.rpartition("/")[2] for m in late.messages if m.retain}
    assert kept == {"status", "info", "state", "recipes"}


def test_a_machine_that_dies_is_offline_by_its_will(broker: Mosquitto, wire: Wire) -> None:
    with Machine("1900", broker=broker.address) as machine:
        machine.run(10_000)
        birth = wire.wait(topic(machine, "status")).json
        assert machine.board.pid
        os.kill(machine.board.pid, signal.SIGKILL)
        will = wire.wait(topic(machine, "status"), lambda s: not s["online"]).json
        assert birth["online"] and will["boot"] == birth["boot"]
        machine.run(10_000)
        again = {"v": 1, "online": True, "boot": birth["boot"] + 1}
        wire.wait(topic(machine, "status"), lambda s: s == again)


def test_a_dead_broker_disturbs_no_shot_and_loses_no_fact(broker: Mosquitto, wire: Wire) -> None:
    with Machine("1900", broker=broker.address) as machine:
        warm(machine)
        machine.press("brew")
        machine.run(3000)
        broker.kill9()
        machine.run(60_000)
        machine.run_until("state", READY)
        machine.press("brew")
        machine.run(60_000)
        live = machine.live()
        assert live["shots_done"] == 2 and live["late_ticks"] == 0 and not machine.resets
        broker.start()
        wire.rejoin()
        machine.run(180_000)
        wire.wait(topic(machine, "journal"), lambda j: has_shot(j, 2))
    shots = {f["shot"]: f["seq"] for f in facts(machine, wire) if f["kind"] == "brew"}
    assert sorted(shots) == [1, 2]
    seqs = {f["seq"] for f in facts(machine, wire)}
    assert seqs == set(range(1, max(seqs) + 1))


def test_acknowledged_facts_are_not_sent_again_others_are(
    broker: Mosquitto, wire: Wire
) -> None:
    with Machine("1900", broker=broker.address) as machine:
        machine.run(10_000)
        batch = wire.wait(topic(machine, "journal")).json
        last = batch["facts"][-1]["seq"]
        ack = {"v": 1, "journal": batch["journal"], "seq": last}
        wire.publish(topic(machine, "ack"), ack, retain=True)
        machine.run(2000)
        mark = wire.mark()
        machine.run(400_000)
        # the first heat-up's auto-tune is told meanwhile
        assert last not in [fact["seq"] for fact in facts(machine, wire, mark)]
        machine.reset()  # the retained cursor alone tells the next life
        machine.run(60_000)
        seqs = [fact["seq"] for fact in facts(machine, wire, mark)]
    assert last not in seqs and last + 1 in seqs
    assert seqs.count(last + 1) >= 2, "an unacknowledged fact is to come again"


def test_hostile_messages_are_answered_and_the_machine_lives_on(
    broker: Mosquitto, wire: Wire
) -> None:
    with Machine("1900", broker=broker.address) as machine:
        machine.run(10_000)
        for name, payload in (
            ("cmd/recipe.put", b"x" * 5000), ("cmd/brew", b"\xff\xfe"), ("cmd/brew", b""),
            ("cmd/\xfc", b"{}"), ("cmd/", b"{}"), ("cmd/brew/deep", b"[]"), ("ack", b"[1]"),
            ("ack", b'{"journal":1,"seq":"x"}'), ("ack", b""),
        ):
            mark = wire.mark()
            wire.publish(topic(machine, name), payload)
            machine.run(1000)
            reply = wire.wait(topic(machine, "reply"), since=mark).json
            assert not reply["ok"] and reply["id"] is None and reply["error"]["message"]
        machine.run(30_000)
        assert not machine.resets and machine.live()["late_ticks"] == 0
    assert breaches(wire.messages) == []


def test_a_retained_command_is_refused_not_obeyed(broker: Mosquitto, wire: Wire) -> None:
    with Machine("1900", broker=broker.address) as machine:
        deadline = int(time.time() * 1000) + 60_000
        wire.publish(
            topic(machine, "cmd/standby"), {"id": "r", "deadline": deadline, "args": {}},
            retain=True,
        )
        machine.run(20_000)
        reply = wire.wait(topic(machine, "reply")).json
        assert reply["error"]["code"] == "retained"
        assert machine.live()["state"] != 10


def test_more_commands_than_replies_can_go_are_told_of(broker: Mosquitto, wire: Wire) -> None:
    with Machine("1900", broker=broker.address) as machine:
        machine.run(10_000)
        for n in range(60):
            wire.publish(topic(machine, "cmd/identify"), {"id": f"i{n}", "args": {}}, qos=0)
        machine.run(10_000)
        id_ = tell(machine, wire, "identify")
        assert reply_to(machine, wire, id_)["ok"]
    replies = [m.json for m in wire.messages if m.topic == topic(machine, "reply")]
    answered = {r["id"] for r in replies if r["ok"]}
    overload = [r for r in replies if not r["ok"] and r["error"]["code"] == "overload"]
    assert len(answered) == 61 or overload, "commands vanished without a word"
