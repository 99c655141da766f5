"""Structured log on stderr: text for people at a terminal, JSON lines for machines.

Secrets never: a field whose name says so is blanked before it is written, whoever logs it.
"""

from __future__ import annotations

import contextlib
import logging
import re
import sys
from collections.abc import Mapping, MutableMapping
from typing import Any, Final, Literal, TextIO, cast

import structlog

_SECRET: Final = re.compile(r"(password|token|secret|mac|(^|_)key)$|(^|_)keys$", re.IGNORECASE)


def configure(
    level: Literal["debug", "info", "warning", "error"], form: Literal["auto", "text", "json"]
) -> None:
    number = logging.getLevelNamesMapping()[level.upper()]
    text = form == "text" or (form == "auto" and sys.stderr.isatty())
    shared: list[Any] = [
        structlog.contextvars.merge_contextvars,
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        blank_secrets,
    ]
    if text:
        # with rich installed a traceback would show local variables, secrets among them
        shared.append(structlog.dev.ConsoleRenderer(
            colors=sys.stderr.isatty(), exception_formatter=structlog.dev.plain_traceback))
    else:
        shared += [structlog.processors.format_exc_info, structlog.processors.JSONRenderer()]
    structlog.configure(
        processors=shared,
        wrapper_class=structlog.make_filtering_bound_logger(number),
        logger_factory=structlog.WriteLoggerFactory(cast(TextIO, _Unfailing(sys.stderr))),
        cache_logger_on_first_use=True,
    )
    logging.basicConfig(level=max(number, logging.WARNING), stream=sys.stderr)


class _Unfailing:
    """What cannot be written (a full disk, a closed pipe) must end no thread that wanted to say
    something."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream

    def write(self, text: str) -> None:
        with contextlib.suppress(OSError, ValueError):
            self._stream.write(text)

    def flush(self) -> None:
        with contextlib.suppress(OSError, ValueError):
            self._stream.flush()


def blank_secrets(
    _logger: object, _method: str, event: MutableMapping[str, Any]
) -> MutableMapping[str, Any]:
    event.update(blanked(event))
    return event


BLANK: Final = "***"


def blanked(named: Mapping[str, Any]) -> dict[str, Any]:
    """The same with *** for each value whose name says that it is a secret."""
    return {name: BLANK if _SECRET.search(name) else value for name, value in named.items()}
