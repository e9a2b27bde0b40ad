"""The smallest directory file, and what the loader says of a changed one."""

from pathlib import Path

import pytest

from bridge.config.secrets_file import ThrowawaySecrets
from bridge.directory.directory import Directory
from bridge.directory.loader import load_directory
from bridge.directory.problems import DirectoryError

SMALL = """\
organizations:
  - id: 3
    prefix: 0003
    name: One
    users:
      - {id: 12, name: Alice}
    extensions:
      - number: 0003*210
        type: Phone Terminal
        user: 12
apps:
  - client_id: app
    name: App
    account: user 12
"""


def load(tmp_path: Path, text: str) -> Directory:
    path = tmp_path / "directory.yaml"
    path.write_text(text, encoding="utf-8")
    return load_directory(path, ThrowawaySecrets())


def problems(tmp_path: Path, text: str) -> list[tuple[int, str, str]]:
    with pytest.raises(DirectoryError) as refused:
        load(tmp_path, text)
    for problem in refused.value.problems:
        assert problem.file == str(tmp_path / "directory.yaml")
        assert str(problem) in str(refused.value)
    return [(problem.line, problem.where, problem.reason) for problem in refused.value.problems]


def changed(old: str, new: str, text: str = SMALL) -> str:
    assert text.count(old) == 1
    return text.replace(old, new)
