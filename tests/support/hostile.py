"""Messages that nobody should send: a good one with one thing wrong, and raw rubbish.

Deterministic; knows JSON and nothing of topics.
"""

from __future__ import annotations

import copy
import json
from collections.abc import Iterator
from typing import Any

HUGE_BYTES = 64 * 1024


def rubbish() -> dict[str, bytes]:
    """Payloads that are wrong on any topic, by what is wrong with them."""
    return {
        "empty": b"",
        "null": b"null",
        "number": b"17",
        "list": b"[]",
        "empty object": b"{}",
        "cut object": b'{"id":"x","deadline":17672',
        "truncated UTF-8": b'{"id":"caf\xc3',
        "invalid UTF-8": b'{"id":"\xff\xfe","args":{}}',
        "binary": bytes(range(256)),
        "NUL": b'{"id":"a\x00b","deadline":1,"args":{}}',
        "NaN": b'{"v":1,"id":"n","deadline":NaN,"args":{"slot":NaN}}',
        "number beyond 64 bits": b'{"v":1,"id":"n","deadline":1' + b"0" * 60 + b',"args":{}}',
        "number beyond floats": b'{"v":1,"id":"n","deadline":1e999,"args":{}}',
        "deep": b"[" * 400 + b"]" * 400,
        "unclosed deep": b'{"a":' * 150,
        "huge text": b'{"id":"' + b"x" * HUGE_BYTES + b'"}',
        "huge list": b'{"v":1,"facts":[' + b"0," * (HUGE_BYTES // 2) + b"0]}",
        "another version": b'{"v":2,"id":"v2","deadline":4102444800000,"args":{}}',
        "text version": b'{"v":"1","id":"v1","deadline":4102444800000,"args":{}}',
    }


def spoiled(value: Any) -> Iterator[tuple[str, Any]]:
    """Every copy of a message with one thing wrong in it: what went wrong, the copy."""
    for path, node in list(walk(value)):
        for what, change in (("type", wrong_type), ("unit", as_float), ("name", misspelt)):
            changed = change(node)
            if changed is not None:
                yield f"{what} at /{'/'.join(map(str, path))}", put(value, path, changed)


def walk(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[tuple[Any, ...], Any]]:
    yield path, value
    items = value.items() if isinstance(value, dict) else ()
    items = enumerate(value) if isinstance(value, list) else items
    for key, child in items:
        yield from walk(child, (*path, key))


def put(value: Any, path: tuple[Any, ...], changed: Any) -> Any:
    if not path:
        return changed
    value = copy.deepcopy(value)
    node = value
    for key in path[:-1]:
        node = node[key]
    node[path[-1]] = changed
    return value


def wrong_type(node: Any) -> Any:
    return {"surprise": 1.5} if not isinstance(node, dict) else [1.5]


def as_float(node: Any) -> Any:
    return node / 1000 + 0.0005 if type(node) is int else None


def misspelt(node: Any) -> Any:
    if not isinstance(node, dict) or not node:
        return None
    first, *rest = node
    return {first + "_x": node[first], **{key: node[key] for key in rest}}


def encoded(value: Any) -> bytes:
    return json.dumps(value).encode()
