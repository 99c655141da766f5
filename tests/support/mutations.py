"""Every way to change one word of a JSON Schema, for the proof that real traffic pins it down.

A mutation that no recorded message notices stands for a part of the contract that nobody has
seen on the wire: the test that uses this names those and why.
"""

from __future__ import annotations

import copy
from collections.abc import Iterator
from typing import Any

OTHER_TYPE = {
    "integer": "string", "string": "integer", "boolean": "string",
    "array": "object", "object": "array", "null": "boolean",
}

Schema = dict[str, Any]


def mutations(schema: Schema) -> Iterator[tuple[str, Schema]]:
    """(what was changed and where, changed copy) for each single change of `schema`."""
    for path, node in nodes(schema):
        where = "/".join(path) or "."
        for what, changed in (*of_object(node), *of_value(node)):
            yield f"{where}: {what}", replaced(schema, path, changed)


def of_object(node: Schema) -> Iterator[tuple[str, Schema]]:
    if node.get("additionalProperties") is not False:
        return
    properties = node["properties"]
    for name in properties:
        kept = {key: value for key, value in properties.items() if key != name}
        required = [key for key in node.get("required", []) if key != name]
        renamed = {**kept, name + "_renamed": properties[name]}
        yield f"rename {name}", {**node, "properties": renamed, "required": required}
    yield "require another", {
        **node,
        "properties": {**properties, "brand_new": {}},
        "required": [*node.get("required", []), "brand_new"],
    }


def of_value(node: Schema) -> Iterator[tuple[str, Schema]]:
    kind = node.get("type")
    if isinstance(kind, str):
        yield f"type {kind}", {**node, "type": OTHER_TYPE[kind]}
    if "const" in node:
        yield f"const {node['const']}", {**node, "const": "something else"}
    for value in node.get("enum", []):
        yield f"enum without {value}", {**node, "enum": [v for v in node["enum"] if v != value]}
    if "pattern" in node:
        yield "pattern", {**node, "pattern": "^never$"}
    if "minimum" in node:
        yield "limits", {**node, "minimum": node["maximum"] + 1, "maximum": node["maximum"] + 2}


def nodes(schema: Any, path: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], Schema]]:
    """Every subschema with its path; `if` conditions only choose, so they are left alone."""
    if isinstance(schema, dict):
        if path[-1:] not in (("properties",), ("$defs",)):
            yield path, schema
        for key, child in schema.items():
            if key not in ("if", "not", "examples", "contains", "propertyNames"):
                yield from nodes(child, (*path, key))
    elif isinstance(schema, list):
        for index, child in enumerate(schema):
            yield from nodes(child, (*path, str(index)))


def replaced(schema: Schema, path: tuple[str, ...], changed: Schema) -> Schema:
    if not path:
        return changed
    copied = copy.deepcopy(schema)
    node: Any = copied
    for key in path[:-1]:
        node = node[int(key)] if isinstance(node, list) else node[key]
    last: Any = int(path[-1]) if isinstance(node, list) else path[-1]
    node[last] = changed
    return copied
