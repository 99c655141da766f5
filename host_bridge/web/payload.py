"""Bytes nobody vouches for, as text a person can read without harm."""

from __future__ import annotations


def safe_text(payload: bytes) -> str:
    r"""UTF-8 where it is; what is not printable becomes `\xNN` or `\uNNNN`, newlines stay."""
    return printable(payload.decode("utf-8", "backslashreplace"))


def printable(text: str) -> str:
    """The same for what came as text: no order to a terminal is left in it."""
    return "".join(c if c.isprintable() or c == "\n" else _escaped(c) for c in text)


def one_line(text: str) -> str:
    """A name somebody gave themselves: it turns no other words round and gives no orders."""
    return printable(" ".join(text.split()))


def _escaped(char: str) -> str:
    code = ord(char)
    return f"\\x{code:02x}" if code < 256 else f"\\u{code:04x}"
