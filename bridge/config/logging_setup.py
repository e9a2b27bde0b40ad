"""One line per event: JSON for machines, or readable on a console. Never a secret."""

from __future__ import annotations

import json
import logging
import sys
from collections.abc import Callable
from functools import cache
from typing import TextIO, cast

import structlog

from bridge.config.log_flood import FloodLimit
from bridge.config.log_output import LogOutput
from bridge.config.settings import Settings


def set_up_logging(settings: Settings) -> None:
    """Configure structlog and the standard library's logging by the settings."""
    level = logging.getLevelNamesMapping()[settings.log_level]
    console = settings.log_format == "console"
    shared: list[structlog.typing.Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        _printable,
    ]
    renderer: structlog.typing.Processor = (
        structlog.dev.ConsoleRenderer(colors=sys.stderr.isatty())
        if console
        else structlog.processors.JSONRenderer(serializer=_json_text)
    )
    output = cast("TextIO", LogOutput(sys.stderr, _line_of_loss(renderer)))
    flood = FloodLimit(settings.refusals_logged_per_minute, _written(renderer, output))
    structlog.configure(
        processors=[
            flood,  # first: what is dropped costs no more than that
            *shared,
            *([] if console else [structlog.processors.format_exc_info]),
            renderer,
        ],
        wrapper_class=structlog.make_filtering_bound_logger(level),
        logger_factory=structlog.WriteLoggerFactory(output),
        cache_logger_on_first_use=True,
    )
    # Libraries log through the standard library: the same lines, warnings and above.
    handler = logging.StreamHandler(output)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            processors=[
                structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                *([] if console else [structlog.processors.format_exc_info]),
                renderer,
            ],
            foreign_pre_chain=[structlog.stdlib.add_logger_name, *shared],
        )
    )
    logging.basicConfig(level=logging.WARNING, handlers=[handler], force=True)


def _json_text(event: structlog.typing.EventDict, default: Callable[[object], object]) -> str:
    """As `json.dumps`, which makes an encoder for each line. `default`: structlog's own."""
    return _encoder(default).encode(event)


@cache
def _encoder(default: Callable[[object], object]) -> json.JSONEncoder:
    return json.JSONEncoder(ensure_ascii=False, default=default)


def _printable(_: object, __: str, event: structlog.typing.EventDict) -> structlog.typing.EventDict:
    """No value ends the line or commands the terminal: parts of requests and of SIP are logged."""
    for key, value in event.items():
        if isinstance(value, str) and not value.isprintable():
            event[key] = ascii(value)[1:-1]
    return event


def _written(
    renderer: structlog.typing.Processor, output: TextIO
) -> Callable[[structlog.typing.EventDict], None]:
    stamped = structlog.processors.TimeStamper(fmt="iso", utc=True)

    def write(event: structlog.typing.EventDict) -> None:
        line = renderer(None, "warning", stamped(None, "warning", event))
        output.write(f"{line!s}\n")

    return write


def _line_of_loss(renderer: structlog.typing.Processor) -> Callable[[int], str]:
    stamped = structlog.processors.TimeStamper(fmt="iso", utc=True)

    def line(lines: int) -> str:
        event = {"lines": lines, "event": "log_lines_lost", "level": "warning"}
        return str(renderer(None, "warning", stamped(None, "warning", event)))

    return line
