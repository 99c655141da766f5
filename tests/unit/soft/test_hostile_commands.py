"""Any bytes as a command: always a reply that the contract allows, never an exception.

The firmware's own files under CPython; journal, clock and tick are stood in for, because what is
tried here is how messages are read and judged. What then happens is tested under MicroPython.
"""

from __future__ import annotations

import json
import os
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.support.contract import validate
from tests.unit.soft.on_cpython import firmware

NOW_MS = 1_796_000_000_000
MODULES = ("commands", "command", "config", "recipes", "ledger", "recipe_rules", "plan", "live")


class Clock:
    """The time is NOW_MS; takes what the real one takes."""

    def utc_ms(self) -> int:
        return NOW_MS

    def uptime_ms(self) -> int:
        return 1000

    def set_utc(self, utc_ms: int) -> bool:
        return 1_767_225_600_000 <= utc_ms <= 4_102_444_800_000


class Mailbox:
    """A tick that takes everything and remembers what it was asked for."""

    def __init__(self) -> None:
        self.asked: list[int] = []

    def ask(self, request: int, arg: int = 0, arg2: int = 0, source: int = 0) -> int:
        assert all(isinstance(x, int) and -(1 << 30) <= x < 1 << 30 for x in (arg, arg2))
        self.asked.append(request)
        return 0

    def at_rest(self) -> bool:
        return True

    def quiet(self) -> Mailbox:
        return self

    def __enter__(self) -> None: ...

    def __exit__(self, *error: object) -> None: ...


class Facts:
    def shot_expected(self, command: str, slot: str, rev: int) -> int:
        return 1

    def shot_refused(self) -> None: ...

    def add(self, fact: dict[str, Any]) -> None: ...

    def flush(self) -> None: ...


class Machine:
    def __init__(self, board: str, folder: Path) -> None:
        folder.mkdir()
        os.chdir(folder)
        self.modules = m = firmware(board, *MODULES)
        self.mailbox = Mailbox()
        self.config = m.config.Config()
        self.recipes = m.recipes.Recipes(m.plan.Plan(), m.plan.Plan(), self.config)
        live = SimpleNamespace(latched=0)
        self.commands = m.commands.Commands(
            live, self.mailbox, Clock(), Facts(), self.recipes, self.config, m.ledger.Ledger(),
            "m1",
        )  # fmt: skip

    def take(self, name: str, payload: bytes) -> dict[str, Any]:
        reply = self.commands.take(name, payload)
        assert isinstance(reply, bytes) and len(reply) <= 1024
        validate("coffee/v1/m1/reply", reply)
        answer = json.loads(reply)
        assert isinstance(answer, dict)
        return answer


BOARDS = ("coffee_1900", "coffee_2900")
RELAXED = settings(
    max_examples=200, deadline=None, derandomize=True,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)


@pytest.fixture(params=BOARDS)
def machine(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):  # type: ignore[no-untyped-def]
    monkeypatch.chdir(tmp_path)
    return Machine(request.param, tmp_path / "flash")


NAMES = (
    "brew", "stop", "recipe.put", "recipe.delete", "setpoint", "clean", "standby", "wake",
    "alarm.ack", "identify", "config.put", "update", "clock",
)
KEYS = st.sampled_from((
    "slot", "recipe", "rev", "brew_mc", "steam_mc", "program", "code", "utc_ms", "name",
    "temp_mc", "volume_ul", "preinfusion_ms", "preinfusion_ul", "soak_ms", "phases", "stop",
    "exit", "dose_ms",
    "pressure_mbar", "flow_ul_s", "ramp_ms", "limit_flow_ul_s", "limit_pressure_mbar", "time_ms",
    "weight_mg", "pressure_over_mbar", "wifi_key", "button_slot", "broker_tls", "machine",
))  # fmt: skip
SCALARS = st.one_of(
    st.none(), st.booleans(), st.integers(), st.integers(0, 15), st.integers(70_000, 140_000),
    st.floats(), st.text(max_size=40), st.sampled_from(("0", "15", "16", "rinse", "espresso")),
)
VALUES = st.recursive(
    SCALARS,
    lambda inner: st.one_of(
        st.lists(inner, max_size=4),
        st.dictionaries(st.one_of(KEYS, st.text(max_size=8)), inner, max_size=6),
    ),
    max_leaves=12,
)
ARGS = st.one_of(VALUES, st.dictionaries(KEYS, VALUES, max_size=5))
IDS = st.one_of(VALUES, st.from_regex(r"\A[A-Za-z0-9._-]{1,36}\Z"))
DEADLINES = st.one_of(VALUES, st.just(NOW_MS + 5000), st.just(NOW_MS // 1000), st.just(NOW_MS - 1))


@RELAXED
@given(
    name=st.one_of(st.sampled_from(NAMES), st.text(max_size=20)),
    payload=st.binary(max_size=2100),
)
def test_any_bytes_get_a_reply_and_move_nothing(
    machine: Machine, name: str, payload: bytes
) -> None:
    machine.mailbox.asked.clear()
    assert machine.take(name, payload)["ok"] is False
    assert not machine.mailbox.asked


@RELAXED
@given(name=st.sampled_from(NAMES), id=IDS, deadline=DEADLINES, args=ARGS, more=VALUES)
def test_any_json_gets_a_reply_that_names_the_field(
    machine: Machine, name: str, id: Any, deadline: Any, args: Any, more: Any
) -> None:
    message = {"id": id, "deadline": deadline, "args": args, "more": more}
    payload = json.dumps(message, ensure_ascii=False).encode("utf-8", "surrogatepass")
    machine.mailbox.asked.clear()
    reply = machine.take(name, payload)
    if not reply["ok"]:
        assert reply["error"]["code"] and len(reply["error"]["message"]) > 10
    if machine.mailbox.asked:
        # only a well-formed command that is not late moves anything
        assert isinstance(id, str) and reply["id"] == id
        assert type(deadline) is int and NOW_MS <= deadline <= NOW_MS + 86_400_000


def test_a_command_cut_anywhere_is_never_obeyed(machine: Machine) -> None:
    recipe = {"name": "Für Ümit", "temp_mc": 93_000, "volume_ul": 36_000}
    for name, args in (("brew", {"slot": 10}), ("recipe.put", {"slot": 12, "recipe": recipe})):
        whole = json.dumps(
            {"args": args, "deadline": NOW_MS + 5000, "id": name}, ensure_ascii=False
        ).encode()
        for size in range(len(whole)):
            reply = machine.take(name, whole[:size])
            assert reply["ok"] is False and reply["error"]["code"] in ("not_json", "bad_encoding")
        assert not machine.mailbox.asked and machine.recipes.rev == 0
        assert machine.take(name, whole)["error"] is None or name == "brew"


@RELAXED
@given(data=st.data())
def test_a_recipe_that_passes_is_of_the_contract_and_fits_the_plan(
    machine: Machine, data: st.DataObject
) -> None:
    def number(high: int) -> st.SearchStrategy[int]:
        return st.integers(0, high)

    leave = st.dictionaries(
        st.sampled_from(("time_ms", "volume_ul", "weight_mg", "pressure_over_mbar",
                         "pressure_under_mbar", "flow_over_ul_s", "flow_under_ul_s")),
        number(12_000), min_size=1, max_size=3,
    )  # fmt: skip
    phase = st.fixed_dictionaries(
        {"exit": leave},
        optional={"name": st.text(max_size=34), "pressure_mbar": number(12_000),
                  "flow_ul_s": number(9000), "ramp_ms": number(70_000),
                  "limit_flow_ul_s": number(9000), "limit_pressure_mbar": number(12_000)},
    )  # fmt: skip
    recipe = data.draw(st.fixed_dictionaries(
        {"name": st.text(max_size=34), "temp_mc": st.integers(79_000, 99_000)},
        optional={
            "volume_ul": number(260_000), "preinfusion_ms": number(70_000),
            "preinfusion_ul": number(70_000), "soak_ms": number(70_000), "dose_ms": number(70_000),
            "stop": st.dictionaries(st.sampled_from(("volume_ul", "weight_mg", "time_ms")),
                                    st.integers(5000, 95_000), max_size=3),
            "phases": st.lists(phase, max_size=13),
        },
    ))  # fmt: skip
    clean, problems, _ = machine.modules.recipe_rules.check(recipe)
    if problems:
        assert all(field.startswith("recipe") and message for field, message in problems)
        return
    message = {"v": 1, "rev": 1, "slots": {"3": clean}}
    validate("coffee/v1/m1/recipes", json.dumps(message).encode())
    plan = machine.modules.plan.Plan()
    plan.load(clean, 3, 1)
    assert all(-(1 << 30) <= word < 1 << 30 for word in plan.words())


@pytest.mark.parametrize("board", BOARDS)
def test_factory_recipes_and_limits_are_of_the_contract(
    board: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    machine = Machine(board, tmp_path / "flash")
    validate("coffee/v1/m1/recipes", machine.recipes.message())
    limits = machine.modules.recipe_rules.limits()
    assert limits["slots"] == 16 and limits["recipes_bytes"] == machine.modules.recipes.BYTES_MAX
    for name in machine.modules.command.NAMES:
        assert name in NAMES
