"""The bridge reads everything the contract allows a machine to say, new keys included."""

from __future__ import annotations

import json
from typing import Any

import pytest

from host_bridge.contract import messages
from tests.support.contract import load_asyncapi

ASYNCAPI = load_asyncapi()
MACHINE_SAYS = ("status", "info", "state", "shot", "journal", "recipes", "reply")
EXAMPLES = [
    pytest.param(kind, example["payload"], id=f"{kind}: {example['name']}")
    for kind in MACHINE_SAYS
    for example in ASYNCAPI["components"]["messages"][kind]["examples"]
]


@pytest.mark.parametrize(("kind", "payload"), EXAMPLES)
def test_every_example_is_read(kind: str, payload: dict[str, Any]) -> None:
    read = messages.decode(kind, json.dumps(payload).encode())
    for name in set(payload) & {"boot", "seq", "shot", "id", "rev", "model", "online"}:
        assert getattr(read, name) == payload[name]
    for fact in payload.get("facts", []):
        assert messages.decode_fact(json.dumps(fact).encode()).seq == fact["seq"]


@pytest.mark.parametrize(("kind", "payload"), EXAMPLES)
def test_unknown_keys_are_ignored_and_a_missing_v_is_1(kind: str, payload: dict[str, Any]) -> None:
    facts = [{**fact, "invented_later_mc": [1]} for fact in payload.get("facts", [])]
    later = {**payload, "invented_later_mc": {"a": None}, **({"facts": facts} if facts else {})}
    del later["v"]
    assert messages.decode(kind, json.dumps(later).encode()) == messages.decode(
        kind, json.dumps({**payload, **({"facts": facts} if facts else {})}).encode()
    )
    for fact in facts:
        messages.decode_fact(json.dumps(fact).encode())


@pytest.mark.parametrize(("kind", "payload"), EXAMPLES)
def test_another_v_is_refused_by_name(kind: str, payload: dict[str, Any]) -> None:
    with pytest.raises(messages.ContractError) as refused:
        messages.decode(kind, json.dumps({**payload, "v": 2}).encode())
    assert refused.value.field == "v"
