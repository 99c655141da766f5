"""docs/asyncapi.yaml as a document: well formed, closed, and true about our own constants.

No machine runs here; test_traffic.py holds the running ones against it.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from tests.support.contract import (
    DOCS,
    Contract,
    ContractBreach,
    current,
    load_asyncapi,
    load_schemas,
    resolve,
)
from tests.support.hostile import spoiled

ROOT = DOCS.parent
ASYNCAPI = load_asyncapi()
SCHEMAS = load_schemas()

# AsyncAPI 3.0.0: which keys each kind of object may have (extensions start with x-)
ALLOWED = {
    "document": "asyncapi id info servers defaultContentType channels operations components",
    "info": "title version description termsOfService contact license tags externalDocs",
    "server": "host protocol protocolVersion pathname description title summary variables security"
    " tags externalDocs bindings",
    "channel": "address messages title summary description servers parameters tags externalDocs"
    " bindings",
    "operation": "action channel title summary description security tags externalDocs bindings"
    " traits messages reply",
    "message": "headers payload correlationId contentType name title summary description tags"
    " externalDocs bindings examples traits",
    "components": "schemas servers channels operations messages securitySchemes serverVariables"
    " parameters correlationIds replies replyAddresses externalDocs tags operationTraits"
    " messageTraits serverBindings channelBindings operationBindings messageBindings",
}


def unknown_keys(kind: str, node: dict[str, Any]) -> set[str]:
    return {key for key in node if not key.startswith("x-")} - set(ALLOWED[kind].split())


def references(node: Any) -> Iterator[str]:
    if isinstance(node, dict):
        if "$ref" in node:
            yield node["$ref"]
        node = list(node.values())
    if isinstance(node, list):
        for child in node:
            yield from references(child)


def test_structure_is_asyncapi_3() -> None:
    assert ASYNCAPI["asyncapi"] == "3.0.0"
    assert not unknown_keys("document", ASYNCAPI)
    assert not unknown_keys("info", ASYNCAPI["info"])
    assert {"title", "version"} <= set(ASYNCAPI["info"])
    assert not unknown_keys("components", ASYNCAPI["components"])
    for kind, nodes in (
        ("server", ASYNCAPI["servers"]),
        ("channel", ASYNCAPI["channels"]),
        ("operation", ASYNCAPI["operations"]),
        ("message", ASYNCAPI["components"]["messages"]),
    ):
        for name, node in nodes.items():
            assert not unknown_keys(kind, node), f"{kind} {name}"


def test_every_reference_resolves() -> None:
    refs = set(references(ASYNCAPI))
    assert refs
    for ref in refs:
        if ref.startswith("#/"):
            resolve(ASYNCAPI, ref)
        else:
            assert (DOCS / ref).is_file(), ref
    for name, schema in SCHEMAS.items():
        for ref in references(schema):
            file, _, pointer = ref.partition("#")
            target = SCHEMAS[file] if file else schema
            resolve(target, "#" + pointer) if pointer else target
        assert name == "common.json" or any(name in r for r in (*refs, *_schema_refs())), name


def _schema_refs() -> list[str]:
    return [ref for schema in SCHEMAS.values() for ref in references(schema)]


def test_every_channel_has_one_operation_and_its_parameters() -> None:
    served = [op["channel"]["$ref"] for op in ASYNCAPI["operations"].values()]
    assert sorted(served) == sorted(f"#/channels/{name}" for name in ASYNCAPI["channels"])
    for name, channel in ASYNCAPI["channels"].items():
        in_address = set(re.findall(r"\{([a-z]+)\}", channel["address"]))
        assert in_address == set(channel["parameters"]), name
    for name, operation in ASYNCAPI["operations"].items():
        assert operation["action"] in ("send", "receive"), name
        for ref in references(operation["messages"]):
            assert ref.startswith(operation["channel"]["$ref"] + "/messages/"), name
        binding = resolve(ASYNCAPI, operation["bindings"]["$ref"])["mqtt"]
        assert binding["qos"] in (0, 1) and isinstance(binding["retain"], bool), name


@pytest.mark.parametrize("name", SCHEMAS)
def test_schema_is_a_json_schema(name: str) -> None:
    assert SCHEMAS[name]["$schema"] == "https://json-schema.org/draft/2020-12/schema"
    Draft202012Validator.check_schema(SCHEMAS[name])


@pytest.mark.parametrize("name", ASYNCAPI["components"]["messages"])
def test_examples_keep_to_the_schema(name: str) -> None:
    message = ASYNCAPI["components"]["messages"][name]
    file = message["payload"]["schema"]["$ref"].removeprefix("schemas/")
    assert message["examples"]
    for example in message["examples"]:
        current().validate_message(f"{name}: {example['name']}", file, example["payload"])


# Keys whose value the contract leaves to the command; everything else is pinned down.
FREE = re.compile(r"(unit|type|name) at /args|at /result")


@pytest.mark.parametrize("name", ASYNCAPI["components"]["messages"])
def test_wrong_name_unit_or_type_fails(name: str) -> None:
    message = ASYNCAPI["components"]["messages"][name]
    file = message["payload"]["schema"]["$ref"].removeprefix("schemas/")
    open_args = file == "cmd-update.json"
    checked = 0
    for example in message["examples"]:
        for what, wrong in spoiled(example["payload"]):
            if FREE.search(what) and (open_args or "/result" in what):
                continue
            with pytest.raises(ContractBreach):
                current().validate_message(name, file, wrong)
                pytest.fail(f"{name}: {what} was accepted: {wrong}")
            checked += 1
    assert checked >= 3


def test_utc_in_seconds_is_refused() -> None:
    ok = {"id": "x", "deadline": 1767225600000, "args": {}}
    current().validate_message("stop", "cmd-stop.json", ok)
    with pytest.raises(ContractBreach, match="deadline"):
        current().validate_message("stop", "cmd-stop.json", {**ok, "deadline": 1767225600})


@pytest.mark.parametrize(
    "topic",
    ["coffee/v1/x/nothing", "coffee/v2/x/state", "coffee/v1/x/cmd/explode", "coffee/v1/X Y/ack"],
)
def test_unknown_topic_is_a_breach(topic: str) -> None:
    with pytest.raises(ContractBreach, match="no channel"):
        Contract(ASYNCAPI, SCHEMAS).channel(topic)


def constants(path: str) -> dict[str, Any]:
    """Module-level literals of a MicroPython file, read without running it."""
    found = {}
    for node in ast.parse((ROOT / path).read_text()).body:
        if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name):
            try:
                found[node.targets[0].id] = ast.literal_eval(node.value)
            except ValueError:
                continue
    return found


def test_lists_of_names_are_the_firmwares() -> None:
    live = constants("firmware/live.py")
    common = SCHEMAS["common.json"]["$defs"]
    state = SCHEMAS["state.json"]["properties"]["state"]["enum"]
    facts = SCHEMAS["journal.json"]["$defs"]
    assert state == list(live["STATE_NAMES"])
    assert common["alarm"]["enum"] == list(live["ALARM_NAMES"])
    assert facts["maintenance"]["properties"]["code"]["enum"] == list(live["MAINT_NAMES"])
    assert facts["brew"]["properties"]["result"]["enum"] == list(live["RESULT_NAMES"])
    programs = SCHEMAS["cmd-clean.json"]["properties"]["args"]["properties"]["program"]["enum"]
    assert programs == list(live["CLEAN_NAMES"])


def test_codes_of_refusals_are_the_firmwares() -> None:
    codes = set(constants("firmware/refusal.py")["REFUSALS"])
    for path in (ROOT / "firmware").glob("*.py"):
        codes |= set(re.findall(r'Refusal\(\s*"(\w+)"', path.read_text()))
    listed = ASYNCAPI["components"]["messages"]["reply"]["description"].partition("`error`")[2]
    assert set(re.findall("`([a-z_]+)`", listed)) == codes | {"ack"}


def test_why_a_shot_ended_is_the_firmwares() -> None:
    told = SCHEMAS["journal.json"]["$defs"]["brew"]["properties"]["reason"]["description"]
    for reason in constants("firmware/brew.py")["REASONS"]:
        assert reason in told


def test_capabilities_and_limits_are_the_boards() -> None:
    known = set(SCHEMAS["info.json"]["properties"]["capabilities"]["items"]["enum"])
    boards = sorted(path.parent.name for path in Path(ROOT / "boards").glob("*/board.py"))
    offered = set()
    for board in boards:
        data = constants(f"boards/{board}/board.py")
        offered |= set(data["CAPABILITIES"])
        low, high = data["BREW_RANGE_MC"]
        recipe = SCHEMAS["recipe.json"]["$defs"]["volumetric"]["properties"]["temp_mc"]
        assert recipe["minimum"] <= low < high <= recipe["maximum"]
    assert offered == known
