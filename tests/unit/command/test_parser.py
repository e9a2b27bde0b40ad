"""The arguments of each command reach it, and its result is the exit code."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from bridge import __version__
from bridge.command import commands, parser


def run(*words: str) -> Any:
    return CliRunner().invoke(parser.app, words)


@pytest.mark.parametrize(
    ("words", "command", "given", "options"),
    [
        ("serve", "serve", (), {}),
        ("check", "check", (None,), {"pbx": False}),
        ("check a.yaml --pbx", "check", (Path("a.yaml"),), {"pbx": True}),
        (
            "console core show channels",
            "console",
            ("core show channels",),
            {"public_network": False},
        ),
        ("console --public-network x", "console", ("x",), {"public_network": True}),
        ("settings", "settings", (), {"values": False, "json": False}),
        ("settings --values --json", "settings", (), {"values": True, "json": True}),
        ("secret rotate a b", "rotate_secrets", (["a", "b"],), {}),
        ("secret list", "list_secrets", (), {}),
        ("directory push new.yaml", "push_directory", (Path("new.yaml"),), {}),
        ("secret show app/user-12", "show_secret", ("app/user-12",), {}),
        ("secret hash", "hash_password", (), {}),
        ("directory diff a", "diff_directories", (Path("a"), None), {"json": False}),
        ("directory diff a b --json", "diff_directories", (Path("a"), Path("b")), {"json": True}),
        ("asterisk upgrade", "upgrade_asterisk", (), {"newest": False, "remove_unused": False}),
        (
            "asterisk upgrade --newest --remove-unused",
            "upgrade_asterisk",
            (),
            {"newest": True, "remove_unused": True},
        ),
    ],
)
@pytest.mark.parametrize(("result", "code"), [(0, 0), (3, 3), ("what is wrong", 1)])
def test_given_a_command_line_then_the_command_gets_it_and_its_result_is_the_exit_code(
    monkeypatch: pytest.MonkeyPatch,
    words: str,
    command: str,
    given: tuple[object, ...],
    options: dict[str, object],
    result: int | str,
    code: int,
) -> None:
    calls = []

    def called(*args: object, **kwargs: object) -> int | str:
        calls.append((args, kwargs))
        return result

    monkeypatch.setattr(commands, command, called)
    ended = run(*words.split())
    assert calls == [(given, options)]
    assert ended.exit_code == code
    assert isinstance(result, int) or result in ended.output


def test_given_version_then_only_it_is_printed() -> None:
    ended = run("--version")
    assert (ended.exit_code, ended.output) == (0, f"{__version__}\n")


@pytest.mark.parametrize("words", ["console", "secret rotate", "directory diff", "asterisk down"])
def test_given_a_command_line_that_is_not_whole_then_it_ends_with_2_and_says_so(words: str) -> None:
    ended = run(*words.split())
    assert ended.exit_code == 2
    assert "Usage:" in ended.output
