"""The wheel, installed in an environment of its own."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from .installed_wheel import install_wheel


@pytest.fixture(scope="session")
def program(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """`uapi-bridge` of an environment of its own, which has the libraries of ours."""
    return install_wheel(tmp_path_factory.mktemp("wheel"))


@pytest.fixture
def empty_folder() -> Iterator[Path]:
    """With a short name: a Unix socket is made far below it."""
    with tempfile.TemporaryDirectory(prefix="wheel-", ignore_cleanup_errors=True) as folder:
        yield Path(folder)
