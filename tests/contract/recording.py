"""An eventful hour of two machines, a bridge and people around them, recorded off the wire."""

from __future__ import annotations

import time
from itertools import count
from pathlib import Path
from typing import Any

from tests.support.stack import Stack, eventually
from tests.support.wire import Message, Wire

SPEED = 15
VOLUMETRIC = {"name": "filter", "temp_mc": 92000, "volume_ul": 60000, "preinfusion_ms": 2000,
              "soak_ms": 1000}  # fmt: skip
VOLUMETRIC_2 = {"name": "ristretto", "temp_mc": 93000, "volume_ul": 20000, "preinfusion_ul": 4000}
PROFILE: dict[str, Any] = {
    "name": "everything", "temp_mc": 93000, "dose_ms": 3000,
    "stop": {"weight_mg": 30000, "volume_ul": 60000, "time_ms": 40000},
    "phases": [
        {"name": "fill", "flow_ul_s": 4000, "limit_pressure_mbar": 3000,
         "exit": {"pressure_over_mbar": 2500, "time_ms": 8000, "volume_ul": 20000}},
        {"name": "soak", "pressure_mbar": 2000, "ramp_ms": 500,
         "exit": {"time_ms": 2000, "pressure_under_mbar": 500, "weight_mg": 5000}},
        {"pressure_mbar": 9000, "ramp_ms": 2000, "limit_flow_ul_s": 4000,
         "exit": {"time_ms": 30000, "flow_over_ul_s": 7000}},
        {"flow_ul_s": 1500, "exit": {"time_ms": 5000, "flow_under_ul_s": 100}},
    ],
}  # fmt: skip

RUBBISH = b"stop!"


class Person:
    """Sends commands to one machine and waits for each reply."""

    ids = count(1)

    def __init__(self, stack: Stack, machine: str) -> None:
        self.stack = stack
        self.machine = machine

    def topic(self, what: str) -> str:
        return f"coffee/v1/{self.machine}/{what}"

    def utc_ms(self) -> int:
        """The machine's own clock, once it is set: simulated time runs ahead of ours."""
        state = eventually(lambda: (s := self.stack.state(self.machine)).get("utc_ms") and s, 90)
        return int(state["utc_ms"])

    def command(self, name: str, deadline_s: float = 120, **args: Any) -> dict[str, Any]:
        """Send it and return the reply."""
        message = {
            "v": 1, "id": f"person-{next(self.ids)}",
            "deadline": self.utc_ms() + int(deadline_s * 1000), "args": args,
        }  # fmt: skip
        return self.send(name, message)

    def rubbish(self) -> dict[str, Any]:
        """The reply to something that is no command at all."""
        wire = self.stack.wire
        mark = wire.mark()
        wire.publish(self.topic("cmd/stop"), RUBBISH)
        return dict(wire.wait(self.topic("reply"), lambda r: r["id"] is None, mark).json)

    def send(self, name: str, message: dict[str, Any]) -> dict[str, Any]:
        wire = self.stack.wire
        mark = wire.mark()
        wire.publish(self.topic(f"cmd/{name}"), message)
        reply = wire.wait(self.topic("reply"), lambda r: r["id"] == message["id"], mark)
        return dict(reply.json)


def record(folder: Path) -> tuple[list[Message], list[Message]]:
    """(everything that was sent, what a late subscriber finds retained)."""
    with Stack(folder, speed=SPEED) as stack:
        people = [Person(stack, name) for name in stack.machines]
        for person in people:
            prepare(stack, person)
        for person in people:
            recipes_and_settings(stack, person)
        for person in people:
            brews(stack, person)
            alarm(stack, person)
            cleaning_and_standby(stack, person)
        through_the_bridge(stack)
        deaths(stack)
        late = Wire(stack.broker.port)
        eventually(lambda: len(late.messages) >= 2 * 6 + 1)
        time.sleep(1)
        late.close()
        return list(stack.wire.messages), [m for m in late.messages if m.retain]


def prepare(stack: Stack, person: Person) -> None:
    machine = stack.machines[person.machine]
    for name, value in (("tank_ml", 1800), ("tray_ml", 0), ("cup", 1)):
        machine.set(name, value)
    machine.set("remote", 1)
    machine.set("barista", 1)
    stack.wait_state(person.machine, state="ready", remote=True)


def recipes_and_settings(stack: Stack, person: Person) -> None:
    limits = stack.wire.latest(person.topic("info"))["limits"]
    recipes = [PROFILE] if limits["phases_max"] else [VOLUMETRIC, VOLUMETRIC_2]
    for slot, recipe in enumerate(recipes, 5):
        assert person.command("recipe.put", slot=str(slot), recipe=recipe)["ok"]
    assert person.command("recipe.put", slot=9, recipe=recipes[0])["ok"]
    assert person.command("recipe.delete", slot=9)["ok"]
    assert person.rubbish()["id"] is None
    rev = stack.wire.wait(person.topic("recipes")).json["rev"]
    stale = person.command("recipe.put", slot="5", recipe=recipes[0], rev=rev + 1000)
    assert not stale["ok"]
    assert not person.command("recipe.delete", slot="12", rev=rev + 1000)["ok"]
    heat = {"steam_mc": 121000} if "steam_mc" in limits else {}
    assert person.command("setpoint", brew_mc=92500, **heat)["ok"]
    assert person.command("identify")["ok"]
    assert person.command("config.put", button_slot=5, descale_l=40)["ok"]
    for wish in ("again", "off", "once"):
        assert person.command("config.put", autotune=wish)["ok"]
    network = {"wifi_ssid": "simulated", "wifi_key": "simulated-key"}
    broker = {"broker_host": "127.0.0.1", "broker_port": stack.broker.port}
    user = {"broker_user": "anyone", "broker_password": "not-secret"}
    heat = {"steam_setpoint_mc": 0} if heat else {}
    kept = person.command("config.put", brew_setpoint_mc=0, **network, **broker, **user, **heat)
    assert kept["ok"], kept
    assert person.command("update")["error"]["code"] == "unsupported"


def brews(stack: Stack, person: Person) -> None:
    machine, name = stack.machines[person.machine], person.machine
    stack.wait_state(name, state="ready")
    assert person.command("brew", slot="5")["ok"]
    eventually(lambda: stack.state(name).get("shot"))
    assert not person.command("brew", slot=5)["ok"], "one group, one shot"
    stack.wire.wait(person.topic("shot"), lambda shot: shot["last"])
    stack.wait_state(name, state={"ready", "heating"}, shot=None)
    stack.wait_state(name, state="ready")
    machine.press("brew")
    stack.wire.wait(person.topic("shot"), lambda shot: shot["part"] > 2, stack.wire.mark())
    assert person.command("stop")["ok"]
    machine.set("cup", 0)
    stack.wait_state(name, cup=False, shot=None)
    assert person.command("brew", slot="0")["error"]["code"] == "cup_missing"
    machine.set("cup", 1)
    stack.wait_state(name, cup=True)
    assert not person.command("brew", slot="0", deadline_s=-600)["ok"]


def alarm(stack: Stack, person: Person) -> None:
    machine, name = stack.machines[person.machine], person.machine
    machine.set("tank_ml", 0)
    stack.wait_state(name, water=False)
    machine.set("tank_ml", 1800)
    stack.wait_state(name, water=True)
    person.command("alarm.ack", code="tank_empty")
    person.command("alarm.ack")
    stack.wait_state(name, latched=[])


def cleaning_and_standby(stack: Stack, person: Person) -> None:
    machine, name = stack.machines[person.machine], person.machine
    machine.set("cup", 0)
    machine.set("puck", 2)
    stack.wait_state(name, state="ready")
    assert person.command("clean", program="backflush")["ok"]
    stack.wait_state(name, state="cleaning")
    stack.wait_state(name, state={"ready", "heating"}, timeout_s=300)
    machine.set("puck", 0)
    machine.set("cup", 1)
    assert person.command("standby")["ok"]
    stack.wait_state(name, state="standby")
    assert person.command("wake")["ok"]
    stack.wait_state(name, state={"heating", "ready"})


def through_the_bridge(stack: Stack) -> None:
    for name in stack.machines:
        status, _ = stack.http(f"/api/machines/{name}/commands", {"name": "identify", "args": {}})
        assert status in (200, 202), status


def deaths(stack: Stack) -> None:
    mark = stack.wire.mark()
    for part in ("bridge", *stack.machines):
        stack.kill9(part)
        stack.restart(part)
    stack.bridge.wait_healthy(90)
    for name in stack.machines:
        topic = f"coffee/v1/{name}"
        stack.wire.wait(f"{topic}/status", lambda status: status["online"], mark, 120)
        stack.wire.wait(
            f"{topic}/journal",
            lambda journal: any(fact["kind"] == "boot" for fact in journal["facts"]), mark, 120,
        )  # fmt: skip
    eventually(lambda: all(stack.acked(name) for name in stack.machines), 60)
