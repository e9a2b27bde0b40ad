"""`uapi-bridge directory diff`: each difference once, a secret never."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from bridge.command.commands import diff_directories
from bridge.directory.loader import EXAMPLE_FILE

TEXT = EXAMPLE_FILE.read_text()
CHANGES = [
    ("name: Bob Brown", "name: Bea Brown", ["~ user 13", "    name: Bob Brown -> Bea Brown"]),
    ("  - client_id: user-13\n", "  - client_id: user-99\n", ["- app user-13", "+ app user-99"]),
    (
        "  - client_id: user-13\n",
        "  - client_id: user-13\n    client_secret: a-very-long-secret-of-mine\n",
        ["~ app user-13", "    client_secret: (secret) -> (secret)"],
    ),
]


def diff(tmp_path: Path, text: str, *, json: bool = False) -> int | str:
    file = tmp_path / "new.yaml"
    file.write_text(text)
    return diff_directories(file, EXAMPLE_FILE, json=json)


def test_given_the_same_file_then_there_is_no_difference(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert diff(tmp_path, TEXT) == 0
    assert capsys.readouterr().out == "no difference\n"


@pytest.mark.parametrize(("old", "new", "lines"), CHANGES)
def test_given_a_change_then_its_lines_are_told_and_no_others(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], old: str, new: str, lines: list[str]
) -> None:
    assert old in TEXT
    assert diff(tmp_path, TEXT.replace(old, new, 1)) == 1
    assert capsys.readouterr().out.splitlines() == lines


def test_as_json_each_field_has_both_values(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    diff(tmp_path, TEXT.replace(CHANGES[0][0], CHANGES[0][1], 1), json=True)
    assert json.loads(capsys.readouterr().out) == [
        {
            "what": "changed",
            "kind": "user",
            "name": "13",
            "fields": {"name": {"before": "Bob Brown", "after": "Bea Brown"}},
        }
    ]


def test_given_a_file_that_is_wrong_then_the_code_is_2_and_the_line_is_named(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert diff(tmp_path, TEXT.replace("type: Phone Terminal", "type: Telephone", 1)) == 2
    said = capsys.readouterr()
    assert said.out == ""
    assert "new.yaml:" in said.err
