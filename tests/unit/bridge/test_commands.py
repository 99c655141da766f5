"""The outbox: durable, resent with the same id, decided once; and what is sent on the wire."""

from __future__ import annotations

import hashlib
import hmac
import json
from typing import Any

import pytest

from host_bridge.commands import AHEAD_MS, GRACE_MS, Order, checked, payload, signed
from host_bridge.contract.topics import command as command_topic
from host_bridge.errors import Invalid, NotFound
from host_bridge.sender import Sender
from tests.support.contract import validate
from tests.unit.bridge.world import UTC_MS, World, example

REFUSAL = {"code": "cup_missing", "field": None, "message": "no cup: put one there"}
KEY = b"a machine's key"


class Wire:
    """Where the sender publishes to; `up` is whether the broker takes it."""

    def __init__(self, world: World, key: bytes | None = None) -> None:
        self.up = True
        self.sent: list[tuple[str, bytes]] = []
        self.online = {"m1"}
        self.sender = Sender(
            world.outbox, self.publish, lambda: sorted(self.online), {"m1": 7}.get,
            lambda machine: key, lambda: world.now_ms,
        )  # fmt: skip

    def publish(self, topic: str, body: bytes) -> bool:
        if self.up:
            self.sent.append((topic, body))
        return self.up


def submit(world: World, name: str = "brew", machine: str = "m1", **args: Any) -> str:
    order = Order(machine, name, args or {"slot": "0"}, "ann", world.now_ms + 60_000)
    return world.outbox.submit(order)


def test_what_may_wait_for_days_is_sent_with_a_deadline_a_machine_takes(world: World) -> None:
    """The firmware refuses one more than a day ahead."""
    wire = Wire(world)
    order = Order("m1", "recipe.delete", {"slot": "0"}, "ann", world.now_ms + 7 * 86_400_000)
    command_id = world.outbox.submit(order)
    for _ in range(2):
        wire.sender.step()
        sent = json.loads(wire.sent[-1][1])
        assert (sent["id"], sent["deadline"]) == (command_id, world.now_ms + AHEAD_MS)
        world.now_ms += 3 * 86_400_000
        world.outbox.again("m1")
    assert len([topic for topic, _ in wire.sent if topic.endswith("recipe.delete")]) == 2
    assert AHEAD_MS < 86_400_000


def test_the_newest_of_some_kinds_and_of_one_machine(world: World) -> None:
    ids = [submit(world), submit(world, "setpoint", brew_mc=94_000), submit(world, "wake", "m2")]
    every = [view.id for view in world.outbox.newest(None, 9)]
    assert every == ids[::-1]
    assert [view.id for view in world.outbox.newest("m1", 9)] == ids[1::-1]
    assert [view.id for view in world.outbox.newest("m1", 9, ("setpoint", "wake"))] == [ids[1]]


def test_one_machines_orders_are_not_looked_for_among_all(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An open page asks twice a second; a fleet's orders of 90 days are many."""
    plans = list[str]()
    read = world.db.read

    def explained(sql: str, given: Any = ()) -> Any:
        plans.extend(row["detail"] for row in read(f"EXPLAIN QUERY PLAN {sql}", given))
        return read(sql, given)

    monkeypatch.setattr(world.db, "read", explained)
    world.outbox.newest("m1", 8)
    assert any("command_newest_of (machine=?)" in step for step in plans)


def answer(world: World, command_id: str, machine: str = "m1", ok: bool = True) -> bool:
    body = {"id": command_id, "ok": ok, "error": None if ok else REFUSAL, "result": None}
    return world.take("reply", body, machine).stored == 1


def test_a_command_from_order_to_answer(world: World) -> None:
    wire = Wire(world)
    command_id = submit(world, slot=0)
    assert world.outbox.command(command_id).state == "queued"
    wire.sender.step()
    ((topic, body),) = wire.sent
    assert topic == "coffee/v1/m1/cmd/brew"
    assert json.loads(body) == {
        "v": 1, "id": command_id, "deadline": UTC_MS + 60_000, "args": {"slot": "0"}
    }  # fmt: skip
    assert world.outbox.command(command_id).state == "sent"
    assert answer(world, command_id)
    assert world.outbox.command(command_id).state == "ok"
    world.now_ms += 30_000
    wire.sender.step()
    assert len(wire.sent) == 1


def test_orders_for_machines_that_are_off_hold_up_none(world: World) -> None:
    wire = Wire(world)
    for number in range(201):
        submit(world, machine=f"off{number}")
    world.now_ms += 1000
    command_id = submit(world, "stop")
    wire.sender.step()
    assert [json.loads(body)["id"] for _, body in wire.sent] == [command_id]


@pytest.mark.parametrize("answered", [True, False])
def test_secrets_go_to_the_machine_and_to_nobody_else(world: World, answered: bool) -> None:
    wire = Wire(world)
    secrets = {"wifi_key": "s3cret1", "broker_password": "s3cret2", "command_key": "s3cret3"}
    command_id = submit(world, "config.put", wifi_ssid="Bar", **secrets)
    wire.sender.step()
    assert json.loads(wire.sent[0][1])["args"] == {"wifi_ssid": "Bar", **secrets}
    seen = [world.outbox.command(command_id), *world.outbox.newest(None, 10),
            *world.outbox.open_for("m1")]
    for view in seen:
        assert view.args == {"wifi_ssid": "Bar", **dict.fromkeys(secrets, "***")}
    answer(world, command_id, machine="m2")  # which was not asked
    assert world.outbox.due(1, ["m1"]) == []
    world.outbox.again("m1")
    assert world.outbox.due(1, ["m1"])[0].args["wifi_key"] == "s3cret1"
    if answered:
        answer(world, command_id)
    else:
        world.now_ms += 10 * 60_000
        world.outbox.expire()
    kept = world.db.one("SELECT args FROM command WHERE id=?", (command_id,))
    assert kept is not None and "s3cret" not in kept["args"]


def test_a_name_travels_as_utf_8_not_as_surrogates(world: World) -> None:
    wire = Wire(world)
    submit(world, "recipe.put", slot="0", recipe={"name": "Flat white 🥛", "temp_mc": 93_000})
    wire.sender.step()
    assert "Flat white 🥛".encode() in wire.sent[0][1]


def test_a_refusal_keeps_the_machines_words(world: World) -> None:
    command_id = submit(world)
    answer(world, command_id, ok=False)
    view = world.outbox.command(command_id)
    assert view.state == "refused" and view.error is not None
    assert (view.error.code, view.error.message) == ("cup_missing", "no cup: put one there")


def test_unanswered_it_is_sent_again_with_the_same_id_until_the_deadline(world: World) -> None:
    wire = Wire(world)
    command_id = submit(world)
    for _ in range(120):
        wire.sender.step()
        world.now_ms += 1000
    ids = [json.loads(body)["id"] for _, body in wire.sent]
    assert set(ids) == {command_id}
    assert 3 <= len(ids) <= 6  # after 5, 10, 20 s …
    assert world.outbox.command(command_id).state == "expired"


def test_what_may_wait_for_days_is_sent_again_each_minute(world: World) -> None:
    wire = Wire(world)
    world.outbox.submit(Order("m1", "wake", {}, "ann", world.now_ms + 7 * 86_400_000))
    for _ in range(600):
        wire.sender.step()
        world.now_ms += 1000
    assert 10 <= len(wire.sent) <= 15


def test_after_the_deadline_it_is_not_sent(world: World) -> None:
    wire = Wire(world)
    submit(world)
    world.now_ms += 60_000
    wire.sender.step()
    assert wire.sent == []


def test_a_machine_that_comes_back_hurries_no_other(world: World) -> None:
    wire = Wire(world)
    wire.online |= {"m2"}
    submit(world, machine="m2")
    wire.sender.step()
    world.outbox.again("m1")
    wire.sender.step()
    assert len(wire.sent) == 1


def test_a_restart_sends_it_again_with_the_same_id(world: World) -> None:
    command_id = submit(world)
    Wire(world).sender.step()
    world.boot()
    world.outbox.again()
    wire = Wire(world)
    wire.sender.step()
    assert json.loads(wire.sent[0][1])["id"] == command_id


def test_an_offline_machine_gets_it_when_it_comes_back(world: World) -> None:
    wire = Wire(world)
    wire.online.clear()
    command_id = submit(world)
    wire.sender.step()
    assert (wire.sent, world.outbox.command(command_id).state) == ([], "queued")
    wire.online.add("m1")
    wire.sender.step()
    assert len(wire.sent) == 1
    world.outbox.again("m1")  # it came online anew: its session had forgotten the command
    wire.sender.step()
    assert len(wire.sent) == 2


def test_without_a_broker_it_stays_queued(world: World) -> None:
    wire = Wire(world)
    wire.up = False
    command_id = submit(world)
    wire.sender.step()
    assert world.outbox.command(command_id).state == "queued"


def test_an_answer_on_its_way_at_the_deadline_still_counts(world: World) -> None:
    wire = Wire(world)
    command_id = submit(world)
    wire.sender.step()
    world.now_ms += 60_000 + GRACE_MS
    wire.sender.step()
    assert world.outbox.command(command_id).state == "sent"
    world.now_ms += 1
    wire.sender.step()
    assert world.outbox.command(command_id).state == "expired"
    assert answer(world, command_id)  # the machine knows what it did
    assert world.outbox.command(command_id).state == "ok"


def test_the_first_answer_counts_and_only_that_machines(world: World) -> None:
    command_id = submit(world)
    assert not answer(world, command_id, machine="m2")
    assert answer(world, command_id, ok=False)
    assert not answer(world, command_id, ok=True)
    assert world.outbox.command(command_id).state == "refused"


def test_the_same_id_twice_is_one_command(world: World) -> None:
    order = Order("m1", "brew", {"slot": "0"}, "ann", world.now_ms + 60_000, id="erp-1")
    world.outbox.submit(order)
    world.outbox.submit(order)
    assert len(world.outbox.newest(None, 10)) == 1


def test_an_unknown_command_is_not_found(world: World) -> None:
    with pytest.raises(NotFound, match="command_id"):
        world.outbox.command("nope")


@pytest.mark.parametrize(
    ("name", "args", "field"),
    [
        ("fly", {}, "name"),
        ("clock", {"utc_ms": 1}, "name"),
        ("brew", {}, "args.slot"),
        ("brew", {"slot": 16}, "args.slot"),
        ("brew", {"slot": True}, "args.slot"),
        ("brew", {"slot": "00"}, "args.slot"),
        ("recipe.put", {"slot": "1"}, "args.recipe"),
        ("brew", [], "args"),
    ],
)
def test_what_no_machine_could_take_is_refused_here(name: str, args: Any, field: str) -> None:
    with pytest.raises(Invalid) as refused:
        checked(name, args)
    assert refused.value.field == field


@pytest.mark.parametrize(
    "args",
    [{"x": float("nan")}, {"x": object()}, {"x": "y" * 1024}, {"recipe": {"x": "y" * 2048}}],
)
def test_what_does_not_fit_on_the_wire_is_refused_here(args: dict[str, Any]) -> None:
    with pytest.raises(Invalid) as refused:
        payload("c-1", UTC_MS, args)
    assert refused.value.field == "args"


@pytest.mark.parametrize("key", [None, KEY])
@pytest.mark.parametrize(
    "name", ["brew", "stop", "recipe.put", "recipe.delete", "setpoint", "clean", "alarm.ack"]
)
def test_what_is_sent_keeps_to_the_contract(world: World, name: str, key: bytes | None) -> None:
    wanted = {"brew": "Brew", "stop": "Stop", "recipe.put": "RecipePut", "clean": "Clean",
              "recipe.delete": "RecipeDelete", "setpoint": "Setpoint",
              "alarm.ack": "AlarmAck"}[name]  # fmt: skip
    wire = Wire(world, key)
    args = example(f"cmd{wanted}")["args"]
    world.outbox.submit(Order("m1", name, args, "ann", world.now_ms + 60_000))
    wire.sender.tell_time("m1")
    wire.sender.step()
    assert [topic for topic, _ in wire.sent] == [
        command_topic("m1", "clock"), command_topic("m1", name)
    ]  # fmt: skip
    for topic, body in wire.sent:
        assert ("mac" in validate(topic, body)) is (key is not None)


def test_the_mac_covers_machine_command_and_every_byte() -> None:
    body = payload("c-1", UTC_MS, {"slot": "0"})
    sent = signed(body, "m1", "brew", KEY)
    end = b',"mac":"' + json.loads(sent)["mac"].encode() + b'"}'
    assert sent.endswith(end) and sent[: -len(end)] + b"}" == body and len(end) == 74
    expected = hmac.new(KEY, b"m1/cmd/brew\n" + body, hashlib.sha256).hexdigest()
    assert json.loads(sent)["mac"] == expected
    for other in (("m2", "brew", KEY), ("m1", "stop", KEY), ("m1", "brew", b"x")):
        assert signed(body, *other) != sent


def test_the_time_is_told_when_wanted_and_every_hour(world: World) -> None:
    wire = Wire(world)
    wire.online |= {"m2"}
    wire.sender.step()
    assert wire.sent == []
    wire.sender.tell_time("m1")
    wire.sender.step()
    ((topic, body),) = wire.sent
    assert topic == "coffee/v1/m1/cmd/clock"
    assert json.loads(body)["args"] == {"utc_ms": UTC_MS, "boot": 7}
    world.now_ms += 3_600_000
    wire.sender.step()
    assert [topic for topic, _ in wire.sent[1:]] == [
        "coffee/v1/m1/cmd/clock", "coffee/v1/m2/cmd/clock"
    ]  # fmt: skip
    assert "boot" not in json.loads(wire.sent[-1][1])["args"]  # of m2 nothing was heard yet
