"""`uapi-bridge call ID --log FILE`: the lines of a call, and no others."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any, cast

import pytest
from typer.testing import CliRunner

from bridge.client import PhoneCall, Timeline, UapiClient
from bridge.command.remote import commands
from bridge.command.remote.log_lines import LINES_MAX, as_values, lines_about

ID = "a2284b1a592a972f762c"
OTHER = "b2284b1a592a972f762c"


def test_only_the_lines_with_the_id_are_shown_in_their_order() -> None:
    log = [f'{{"call_id": "{ID}", "event": "first"}}\n', f"{OTHER}\n", "\n", f"text {ID}"]
    assert lines_about(ID, log) == [log[0].rstrip("\n"), log[3]]
    assert as_values(lines_about(ID, log)) == [{"call_id": ID, "event": "first"}, log[3]]


def test_given_an_endless_log_then_the_newest_lines_are_kept() -> None:
    def log() -> Iterator[str]:
        for number in range(LINES_MAX + 7):
            yield f"{number} {ID} {'x' * 30_000 if not number else ''}\n"

    found = lines_about(ID, log())
    assert len(found) == LINES_MAX
    assert found[0].startswith("7 ")


class OneCall:
    """In the place of a client: knows one call."""

    async def call(self, _: str) -> PhoneCall:
        return PhoneCall.of({"id": ID})

    async def timeline(self, _: str) -> Timeline:
        return Timeline.of({"entry": [], "truncated": False})


async def shown(log: Path, capsys: pytest.CaptureFixture[str], **options: Any) -> str:
    with log.open() as file:
        work = commands.call.__wrapped__(ID, log=file, **options)  # type: ignore[attr-defined]
        await work(cast("UapiClient", OneCall()))
    return capsys.readouterr().out


async def test_a_person_and_a_program_get_them(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    log = tmp_path / "log"
    log.write_text(f'{{"call_id": "{ID}"}}\nwords of {ID}\x1b[2J\n{OTHER}\n')
    text = await shown(log, capsys)
    assert f'{{"call_id": "{ID}"}}' in text
    assert "\x1b" not in text
    assert OTHER not in text
    assert json.loads(await shown(log, capsys, json=True))["log"] == [
        {"call_id": ID},
        f"words of {ID}\x1b[2J",
    ]


def test_a_log_that_is_not_there_is_a_wrong_command_line() -> None:
    ended = CliRunner().invoke(commands.app, ["call", ID, "--log", "/nonexistent/log"])
    assert ended.exit_code == 2
    assert "/nonexistent/log" in ended.output
