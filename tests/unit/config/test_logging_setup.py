"""A line of the log: JSON or for a console, one line each, whatever a stranger sends."""

from __future__ import annotations

import io
import json
import logging
import sys
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import structlog

from bridge.config.logging_setup import set_up_logging
from bridge.config.settings import Settings


@pytest.fixture(autouse=True)
def as_before() -> Iterator[None]:
    """The rest of the tests logs as it did."""
    root, before = logging.getLogger(), structlog.get_config()
    handlers, level = root.handlers[:], root.level
    yield
    structlog.configure(**before)
    root.handlers[:] = handlers
    root.setLevel(level)


@pytest.fixture
def output(monkeypatch: pytest.MonkeyPatch) -> Callable[..., io.StringIO]:
    """Sets the logging up with these settings; what is logged is in the text that it returns."""

    def set_up(**settings: Any) -> io.StringIO:
        written = io.StringIO()
        monkeypatch.setattr(sys, "stderr", written)
        set_up_logging(Settings(**settings))
        return written

    return set_up


def lines(written: io.StringIO) -> list[dict[str, Any]]:
    return [json.loads(x) for x in written.getvalue().splitlines()]


def test_an_event_is_one_json_line_with_time_and_level(output: Callable[..., io.StringIO]) -> None:
    written = output()
    structlog.get_logger().info("call_ended", call_id="c1", name="Ján", number=7)
    (line,) = lines(written)
    assert line.pop("timestamp").endswith("Z")
    assert line == {
        "event": "call_ended",
        "level": "info",
        "call_id": "c1",
        "name": "Ján",
        "number": 7,
    }
    assert "Ján" in written.getvalue()


def test_the_level_of_the_settings_holds(output: Callable[..., io.StringIO]) -> None:
    written = output(log_level="WARNING")
    structlog.get_logger().info("small")
    structlog.get_logger().warning("large")
    assert [x["event"] for x in lines(written)] == ["large"]


@pytest.mark.parametrize("log_format", ["json", "console"])
def test_no_value_ends_the_line_or_commands_the_terminal(
    output: Callable[..., io.StringIO], log_format: Any
) -> None:
    written = output(log_format=log_format)
    structlog.get_logger().info("refused", user="a\nlevel=critical\x1b[2J\u2028", other=3)
    (line,) = written.getvalue().splitlines()
    assert "\x1b[2J" not in line
    assert "a\\nlevel=critical" in line.replace("\\\\", "\\")


def test_a_fault_is_in_its_line(output: Callable[..., io.StringIO]) -> None:
    written = output()
    try:
        raise KeyError("missing")
    except KeyError:
        structlog.get_logger().exception("failed")
    (line,) = lines(written)
    assert line["level"] == "error"
    assert "KeyError: 'missing'" in line["exception"]


def test_a_library_logs_the_same_lines_from_warnings_on(output: Callable[..., io.StringIO]) -> None:
    written = output()
    library = logging.getLogger("some.library")
    library.info("too much")
    library.warning("odd: %s", "a thing\nof two lines")
    (line,) = lines(written)
    assert (line["logger"], line["level"]) == ("some.library", "warning")
    assert line["event"] == "odd: a thing\\nof two lines"


def test_what_is_bound_to_a_request_is_in_its_lines(output: Callable[..., io.StringIO]) -> None:
    written = output()
    with structlog.contextvars.bound_contextvars(request_id="r1"):
        structlog.get_logger().info("asked")
    structlog.get_logger().info("over")
    assert [x.get("request_id") for x in lines(written)] == ["r1", None]


def test_lines_that_could_not_be_written_are_told_of_later(
    output: Callable[..., io.StringIO], monkeypatch: pytest.MonkeyPatch
) -> None:
    written = output()
    log = structlog.get_logger()

    def fail(_: str) -> int:
        raise OSError("disk full")

    with monkeypatch.context() as full:
        full.setattr(written, "write", fail)
        log.info("lost")
        log.info("lost too")
    log.info("kept")
    said = [json.loads(x) for x in written.getvalue().splitlines() if x]
    assert [x["event"] for x in said] == ["log_lines_lost", "kept"]
    assert said[0]["lines"] == 2
