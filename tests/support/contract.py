"""Holds any MQTT message against docs/asyncapi.yaml. Knows the contract and none of our code.

`validate(topic, payload)` is the one question; a `Contract` built on other documents (mutated
schemas, say) answers it for those.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import yaml
from jsonschema import Draft202012Validator
from jsonschema.exceptions import best_match
from referencing import Registry, Resource
from referencing.jsonschema import DRAFT202012

DOCS = Path(__file__).resolve().parents[2] / "docs"
NAME = r"[a-z0-9_-]{1,32}"


class ContractBreach(AssertionError):
    """A message that the contract does not allow; the text says where and why."""


@dataclass(frozen=True)
class Channel:
    name: str
    topic: re.Pattern[str]
    message: str
    schema_file: str
    max_bytes: int


def load_asyncapi() -> dict[str, Any]:
    return yaml.safe_load((DOCS / "asyncapi.yaml").read_text(encoding="utf-8"))


def load_schemas() -> dict[str, Any]:
    """File name relative to docs/schemas → JSON Schema."""
    return {
        path.name: json.loads(path.read_text(encoding="utf-8"))
        for path in sorted((DOCS / "schemas").glob("*.json"))
    }


class Contract:
    """The channels of one AsyncAPI document over one set of schemas."""

    def __init__(self, asyncapi: dict[str, Any], schemas: dict[str, Any]) -> None:
        self.schemas = schemas
        self.channels = [_channel(name, asyncapi) for name in asyncapi["channels"]]
        base = "http://localhost/schemas/"
        registry: Registry[Any] = Registry().with_resources(
            (base + name, Resource(schema, DRAFT202012)) for name, schema in schemas.items()
        )
        self._validators = {
            name: Draft202012Validator({"$ref": base + name}, registry=registry)
            for name in schemas
        }

    def channel(self, topic: str) -> Channel:
        for channel in self.channels:
            if channel.topic.fullmatch(topic):
                return channel
        raise ContractBreach(f"{topic}: no channel of docs/asyncapi.yaml has this address")

    def validate(self, topic: str, payload: bytes) -> dict[str, Any]:
        """The decoded message.

        Raises:
            ContractBreach: unknown topic, too long, not UTF-8 JSON, or against its schema.
        """
        channel = self.channel(topic)
        if len(payload) > channel.max_bytes:
            raise ContractBreach(f"{topic}: {len(payload)} bytes, allowed {channel.max_bytes}")
        message = _decode(topic, payload)
        self.validate_message(topic, channel.schema_file, message)
        return message

    def validate_message(self, where: str, schema_file: str, message: Any) -> None:
        error = best_match(self._validators[schema_file].iter_errors(message))
        if error:
            at = "/".join(map(str, error.absolute_path)) or "(top)"
            raise ContractBreach(f"{where} {at}: {error.message[:400]}")
        _beyond_schema(where, schema_file, message)


def validate(topic: str, payload: bytes) -> dict[str, Any]:
    """The decoded message, or ContractBreach: the contract as it stands in docs/."""
    return current().validate(topic, payload)


@cache
def current() -> Contract:
    return Contract(load_asyncapi(), load_schemas())


def examples(message: str) -> list[Any]:
    """Payloads of the examples of one message."""
    listed = load_asyncapi()["components"]["messages"][message]["examples"]
    return [example["payload"] for example in listed]


def resolve(asyncapi: dict[str, Any], ref: str) -> Any:
    """What a `#/…` reference of the AsyncAPI document points at; KeyError if nothing."""
    node: Any = asyncapi
    for part in ref.removeprefix("#/").split("/"):
        node = node[part.replace("~1", "/").replace("~0", "~")]
    return node


def _channel(name: str, asyncapi: dict[str, Any]) -> Channel:
    channel = asyncapi["channels"][name]
    (message_name,) = channel["messages"]
    message = resolve(asyncapi, channel["messages"][message_name]["$ref"])
    pieces = re.split(r"\{[a-z]+\}", channel["address"])
    topic = re.compile(NAME.join(map(re.escape, pieces)))
    schema_file = message["payload"]["schema"]["$ref"].removeprefix("schemas/")
    return Channel(name, topic, message_name, schema_file, message["x-max-bytes"])


def _decode(topic: str, payload: bytes) -> dict[str, Any]:
    def no_constant(text: str) -> None:
        raise ValueError(f"{text} is not JSON")

    def no_twins(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        decoded = dict(pairs)
        if len(decoded) != len(pairs):
            raise ValueError(f"a key stands twice in {[key for key, _ in pairs]}")
        return decoded

    try:
        return json.loads(
            payload.decode("utf-8"), parse_constant=no_constant, object_pairs_hook=no_twins
        )
    except ValueError as error:
        raise ContractBreach(f"{topic}: not UTF-8 JSON: {error}; {payload[:120]!r}") from error


def _beyond_schema(where: str, schema_file: str, message: dict[str, Any]) -> None:
    """What JSON Schema cannot say: columns of equal length, facts without a gap."""
    if schema_file == "shot.json":
        lengths = {name: len(v) for name, v in message.items() if isinstance(v, list)}
        if len(set(lengths.values())) != 1:
            raise ContractBreach(f"{where}: columns differ in length: {lengths}")
    if schema_file == "journal.json":
        seqs = [fact["seq"] for fact in message["facts"]]
        if seqs != list(range(message["seq"], message["seq"] + len(seqs))):
            raise ContractBreach(f"{where}: seq {message['seq']} but facts are {seqs}")
        if message["first"] > message["seq"]:
            raise ContractBreach(f"{where}: first {message['first']} is after seq {seqs[0]}")
