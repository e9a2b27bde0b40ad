"""From a machine with anything or nothing of Docker to the running system, and back."""

from __future__ import annotations

import secrets
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from .base_images import base_images, pip_configuration
from .compose_system import DOCKERFILES, ComposeSystem
from .engine import open_docker


@contextmanager
def open_compose_system(folder: Path) -> Iterator[ComposeSystem]:
    """Up and healthy. Raises AssertionError if something of it stays behind."""
    tag = f"test-{secrets.token_hex(4)}"
    # The path of a Unix socket must be short.
    with (
        tempfile.TemporaryDirectory(prefix="compose-", ignore_cleanup_errors=True) as engine,
        open_docker(Path(engine)) as docker,
    ):
        before = docker.names()
        system = ComposeSystem(docker, f"uapi-bridge-{tag}", tag)
        try:
            with base_images(docker, DOCKERFILES) as images:
                system.build(pip_configuration(folder), images)
                try:
                    system.up()
                    yield system
                finally:
                    system.remove()
        finally:
            for image in docker.names()["image"]:
                if image.endswith(f":{tag}"):
                    docker("image", "rm", "--force", image)
        after = docker.names()
        left = {kind: sorted(after[kind] - before[kind]) for kind in before}
        assert not any(left.values()), f"left behind: {left}"
