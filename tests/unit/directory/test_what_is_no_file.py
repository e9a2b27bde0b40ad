"""A directory file that is none is refused at once: nobody would hear of a read that never ends."""

from __future__ import annotations

import os
import threading
from pathlib import Path

import pytest

from bridge.config.secrets_file import ThrowawaySecrets
from bridge.directory.loader import load_directory
from bridge.directory.problems import DirectoryError


def refused(path: Path) -> str:
    """Why it is; an AssertionError where that is not said."""
    said: list[str] = []

    def load() -> None:
        try:
            load_directory(path, ThrowawaySecrets())
        except DirectoryError as why:
            said.append(str(why))

    thread = threading.Thread(target=load, daemon=True)
    thread.start()
    thread.join(20)
    assert said, "it waits for ever, or is taken"
    return said[0]


def test_given_a_pipe_that_nobody_writes_when_read_then_it_is_refused(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "directory.yaml")
    assert "it is not a regular file" in refused(tmp_path / "directory.yaml")


@pytest.mark.parametrize("path", ["/dev/null"])
def test_given_a_device_when_read_then_it_is_refused(path: str) -> None:
    assert "it is not a regular file" in refused(Path(path))


def test_given_a_folder_when_read_then_it_is_refused(tmp_path: Path) -> None:
    assert "cannot be read" in refused(tmp_path)
