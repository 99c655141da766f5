"""Compiled files together and deflated, as a whole version lies on a board.

A third less travels and lies there, in half the blocks of the file system. Were more than four
together, more would travel when one of them changes.
"""

from __future__ import annotations

import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

TOGETHER: Final = 4
WINDOW_BITS: Final = 12
"""As firmware/versions.py says. That much memory is needed while it is inflated: 4 KiB."""


@dataclass(frozen=True)
class Pack:
    """`content`: raw deflate. `starts`: file → where it begins, inflated."""

    content: bytes
    starts: dict[str, int]


def packed(files: Mapping[str, bytes]) -> list[Pack]:
    """The files, in the order of their names, in packs of `TOGETHER`."""
    names = sorted(files)
    return [_pack({name: files[name] for name in names[at : at + TOGETHER]})
            for at in range(0, len(names), TOGETHER)]


def _pack(files: dict[str, bytes]) -> Pack:
    starts, at = {}, 0
    # the small ones first: whoever wants a file inflates what lies before it too
    for name in sorted(files, key=lambda n: (len(files[n]), n)):
        starts[name] = at
        at += len(files[name])
    deflate = zlib.compressobj(9, zlib.DEFLATED, -WINDOW_BITS, 9)
    content = deflate.compress(b"".join(files[name] for name in starts)) + deflate.flush()
    return Pack(content, starts)
