"""Whatever comes, on whatever topic: stored, a duplicate, or quarantined. Never an exception."""

from __future__ import annotations

import copy
import json
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from host_bridge.contract import messages, topics
from host_bridge.contract.messages import ContractError
from tests.support.hostile import rubbish, spoiled
from tests.unit.bridge.world import World, example, fact

KINDS = (*topics.DURABLE, *topics.FLEETING)
scalars = st.one_of(
    st.none(), st.booleans(), st.integers(), st.floats(), st.text(max_size=20),
    st.sampled_from(["", "0", "17", "9f3a51c2", "brew", "\x00", "é", 2**31, 2**63, -1]),
)  # fmt: skip
trees = st.recursive(
    scalars,
    lambda inner: (
        st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=10), inner, max_size=4)
    ),
    max_leaves=12,
)
examples = [example(kind, 0) | {"_kind": kind} for kind in KINDS]
examples += [
    example("journal", 1) | {"_kind": "journal"},
    example("recipes", 1) | {"_kind": "recipes"},
]


def nodes(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    found = [path]
    if isinstance(value, dict):
        for key, child in value.items():
            found += nodes(child, (*path, key))
    if isinstance(value, list):
        for index, child in enumerate(value):
            found += nodes(child, (*path, index))
    return found


@st.composite
def spoiled_messages(draw: st.DrawFn) -> tuple[str, bytes]:
    """A good message with some nodes replaced by anything, as JSON, perhaps cut or garbled."""
    message = copy.deepcopy(draw(st.sampled_from(examples)))
    kind = message.pop("_kind")
    for _ in range(draw(st.integers(0, 3))):
        path = draw(st.sampled_from([p for p in nodes(message) if p] or [("v",)]))
        target: Any = message
        for key in path[:-1]:
            target = target[key]
        target[path[-1]] = draw(trees)
    raw = json.dumps(message).encode()
    if draw(st.booleans()):
        raw = raw[: draw(st.integers(0, len(raw)))]
    if draw(st.booleans()):
        at = draw(st.integers(0, len(raw)))
        raw = raw[:at] + draw(st.binary(max_size=6)) + raw[at:]
    return kind, raw


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> World:
    return World(tmp_path_factory.mktemp("fuzz"))


def check_conserved(world: World, kind: str, raw: bytes) -> None:
    before = world.metrics.totals
    outcome = world.take(kind, raw)
    after = world.metrics.totals
    assert outcome.matched >= 1
    assert after["matched"] == before["matched"] + outcome.matched
    assert after["matched"] == after["stored"] + after["duplicate"] + after["quarantined"]


@settings(max_examples=400, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(spoiled_messages())
def test_any_message_is_taken_or_quarantined(shared: World, message: tuple[str, bytes]) -> None:
    check_conserved(shared, *message)
    shared.synchronizer.step()
    shared.inbox.quarantine(1)
    shared.live.history("m1")
    for known in shared.registry.machines():
        assert known.machine == "m1"


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("what", rubbish())
def test_rubbish_on_every_topic(shared: World, kind: str, what: str) -> None:
    before = shared.metrics.totals["quarantined"]
    check_conserved(shared, kind, rubbish()[what])
    assert shared.metrics.totals["quarantined"] == before + 1


@pytest.mark.parametrize("number", range(3))
def test_every_wrong_type_in_a_fact_names_its_field(number: int) -> None:
    checked = 0
    for wanted in example("journal", number)["facts"]:
        for what, wrong in spoiled(wanted):
            if not what.startswith("type at /") or what == "type at /":
                continue
            field = what.removeprefix("type at /").split("/")[0]
            with pytest.raises(ContractError) as refused:
                messages.decode_fact(json.dumps(wrong).encode(), "facts[0]")
            assert refused.value.field.startswith(f"facts[0].{field}")
            checked += 1
    assert checked


@settings(max_examples=200, deadline=None)
@given(st.text(max_size=60))
def test_any_topic_is_read_or_refused(topic: str) -> None:
    try:
        source = topics.read(topic)
    except ContractError as error:
        assert error.field == "topic"
    else:
        assert topic == f"coffee/v1/{source.machine}/{source.kind}"


@pytest.mark.parametrize(
    "topic", ["coffee/v1/M1/status", "coffee/v1//status", "coffee/v2/m1/status", "coffee/v1/m1/x",
              "coffee/v1/m1/status/", "coffee/v1/m1\n/status", f"coffee/v1/{'m' * 33}/status"],
)  # fmt: skip
def test_foreign_topics_are_quarantined(shared: World, topic: str) -> None:
    assert shared.take_raw(topic, b'{"online":true,"boot":1}').quarantined == 1


def test_a_topic_with_broken_text_can_be_quarantined(shared: World) -> None:
    assert shared.take_raw("coffee/v1/\udcff/status", b"{}").quarantined == 1


def test_topics_read_back() -> None:
    assert topics.read("coffee/v1/sim-1900/journal") == topics.Source("sim-1900", "journal")


def test_a_fact_of_an_unknown_kind_says_so() -> None:
    with pytest.raises(ContractError, match=r"fact\.kind: Invalid value 'tea'"):
        messages.decode_fact(json.dumps(fact(1) | {"kind": "tea"}).encode())


@pytest.mark.parametrize(("kind", "path"), [
    ("info", ("serial",)), ("info", ("limits", "colour")), ("recipes", ("slots", "0", "note")),
    ("reply", ("error", "message")),
])
def test_no_message_brings_a_nul_to_a_database(kind: str, path: tuple[str, ...]) -> None:
    """Odoo fails on one as a whole, and with it the call that speaks for other machines too."""
    message = copy.deepcopy(example(kind, 0))
    if kind == "reply":
        message |= {"ok": False, "error": {"code": "invalid", "message": ""}, "result": None}
    inner = message
    for name in path[:-1]:
        inner = inner[name]
    inner[path[-1]] = "a\0b"
    with pytest.raises(ContractError) as caught:
        messages.decode(kind, json.dumps(message).encode())
    assert (caught.value.field, "NUL" in caught.value.problem) == (".".join(path), True)


def test_no_name_brings_a_nul_to_a_database() -> None:
    info = json.dumps({**example("info"), "limits": {"a\0b": 1}}).encode()
    with pytest.raises(ContractError, match=r"limits\.a.0b: contains a NUL"):
        messages.decode("info", info)


@pytest.mark.parametrize("utc_ms", [0, 1_767_225_600, 2**53])
def test_a_time_before_or_after_all_machines_is_refused(utc_ms: int) -> None:
    """Seconds for milliseconds, say."""
    with pytest.raises(ContractError, match="utc_ms"):
        messages.decode("state", json.dumps({**example("state"), "utc_ms": utc_ms}).encode())


def test_curve_columns_must_agree() -> None:
    wrong = {**example("shot"), "temp_mc": [93000]}
    with pytest.raises(ContractError, match="temp_mc: 1 samples, but t_ms has 2"):
        messages.decode("shot", json.dumps(wrong).encode())
