"""Every message of running firmware and of the running bridge keeps to the contract, and the
contract says nothing that such traffic does not pin down.
"""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from typing import Any

import pytest

from tests.contract.recording import RUBBISH, record
from tests.support.contract import (
    Contract,
    ContractBreach,
    current,
    load_asyncapi,
    load_schemas,
    resolve,
)
from tests.support.mutations import mutations
from tests.support.wire import Message

pytestmark = [pytest.mark.slow, pytest.mark.broker, pytest.mark.timeout(1200)]

# What no recorded message can pin down, and why. Everything else in the schemas must be seen.
UNSEEN = [
    # alarms other than the one provoked here; that the list is the firmware's own is held by
    # test_document.py, that each can be raised by the safety tests
    r"common\.json: \$defs/alarm: enum without (?!tank_empty)",
    r"state\.json: properties/state: enum without (steam|hot_water|fault|safe_mode|cold)",
    r"info\.json: .*(capabilities|commands)",
    r"journal\.json: (\$defs/lost|.*enum without lost)",  # a journal that overflows: tests/unit
    r"journal\.json: .*(maintenance|meter)",  # after days of work
    r"journal\.json: \$defs/boot/properties/cause: enum without (watchdog|reset|brownout)",
    r"journal\.json: \$defs/brew/properties/result: enum without aborted",
    # a shot cut by a reset: tests/e2e/test_reset_in_shot.py
    r"journal\.json: \$defs/brew/properties/(duration_ms|volume_ul|energy_j)/anyOf/1: type null",
    # a shot that ended before its water: tests/unit/soft/test_messages.py
    r"journal\.json: \$defs/brew/properties/(weight|pressure_\w+)_m\w+/anyOf/1: type null",
    r"journal\.json: \$defs/alarm/properties/severity: enum without (info|critical)",
    r"cmd-clean\.json: .*enum without (rinse|descale)",
    r"common\.json: \$defs/mac|: rename mac",  # sites that ask for it
    r"cmd-update\.json: properties/args: type",
]


@pytest.fixture(scope="module")
def recorded(tmp_path_factory: pytest.TempPathFactory) -> tuple[list[Message], list[Message]]:
    return record(tmp_path_factory.mktemp("traffic"))


@pytest.fixture(scope="module")
def traffic(recorded: tuple[list[Message], list[Message]]) -> list[Message]:
    return [m for m in recorded[0] if m.payload and m.payload != RUBBISH]


def test_every_message_keeps_to_the_contract(traffic: list[Message]) -> None:
    breaches = []
    for message in traffic:
        try:
            current().validate(message.topic, message.payload)
        except ContractBreach as breach:
            breaches.append(str(breach))
    assert not breaches, f"{len(breaches)} of {len(traffic)}: {sorted(set(breaches))[:10]}"


def test_every_channel_is_used(traffic: list[Message]) -> None:
    used = Counter(current().channel(message.topic).name for message in traffic)
    assert set(used) == {channel.name for channel in current().channels}, used


def test_what_is_retained_is_what_the_contract_retains(
    recorded: tuple[list[Message], list[Message]],
) -> None:
    asyncapi = load_asyncapi()
    retains = {
        op["channel"]["$ref"].rsplit("/", 1)[1]:
            resolve(asyncapi, op["bindings"]["$ref"])["mqtt"]["retain"]
        for op in asyncapi["operations"].values()
    }  # fmt: skip
    late = recorded[1]
    found = {current().channel(message.topic).name for message in late}
    assert found == {name for name, retained in retains.items() if retained}
    for message in late:
        current().validate(message.topic, message.payload)


def test_qos_is_as_the_contract_says(traffic: list[Message]) -> None:
    asyncapi = load_asyncapi()
    for operation in asyncapi["operations"].values():
        name = operation["channel"]["$ref"].rsplit("/", 1)[1]
        qos = resolve(asyncapi, operation["bindings"]["$ref"])["mqtt"]["qos"]
        seen = {m.qos for m in traffic if current().channel(m.topic).name == name}
        assert seen <= {qos}, f"{name}: published with QoS {seen}, contract says {qos}"


def shape(value: Any) -> Any:
    """Messages of one shape are one witness: same keys, types and short words."""
    if isinstance(value, dict):
        return tuple((key, shape(child)) for key, child in sorted(value.items()))
    if isinstance(value, list):
        return tuple(sorted({repr(shape(child)) for child in value}))
    return value if isinstance(value, str) and len(value) < 20 else type(value).__name__


def test_a_schema_change_without_a_firmware_change_fails(traffic: list[Message]) -> None:
    asyncapi, schemas = load_asyncapi(), load_schemas()
    witnesses: dict[str, dict[Any, Message]] = defaultdict(dict)
    for message in traffic:
        file = current().channel(message.topic).schema_file
        witnesses[file].setdefault(shape(message.json), message)
    users = {file: [f for f in witnesses if uses(schemas, f, file)] for file in schemas}
    survivors, killed = [], 0
    for file, schema in schemas.items():
        for what, mutated in mutations(schema):
            contract = Contract(asyncapi, {**schemas, file: mutated})
            seen = (m for user in users[file] for m in witnesses[user].values())
            if any(breaks(contract, message) for message in seen):
                killed += 1
            else:
                survivors.append(f"{file}: {what}")
    unexpected = [s for s in survivors if not any(re.search(p, s) for p in UNSEEN)]
    assert not unexpected, f"{len(unexpected)} changes would go unnoticed: {unexpected[:40]}"
    assert killed > 3 * len(survivors), (killed, len(survivors))


def uses(schemas: dict[str, Any], user: str, file: str) -> bool:
    """Whether validating by schema `user` can come to schema `file`."""
    reached, todo = set(), [user]
    while todo:
        name = todo.pop()
        if name not in reached:
            reached.add(name)
            todo += re.findall(r"'\$ref': '([a-z0-9.-]+\.json)", repr(schemas[name]))
    return file in reached


def breaks(contract: Contract, message: Message) -> bool:
    try:
        contract.validate(message.topic, message.payload)
    except ContractBreach:
        return True
    return False
