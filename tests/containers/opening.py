"""From a machine with anything or nothing of Docker to the running system, and back."""

from __future__ import annotations

import secrets
import tempfile
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from pathlib import Path

from .base_images import base_images, pip_configuration
from .cluster_system import ClusterSystem
from .compose_system import DOCKERFILES, ComposeSystem
from .engine import open_docker
from .progress import Say, step


@contextmanager
def open_compose_system(folder: Path, say: Say) -> Iterator[ComposeSystem]:
    """Up and healthy; `say` is told each step. Raises AssertionError if something of it stays
    behind."""
    tag = f"test-{secrets.token_hex(4)}"
    # The path of a Unix socket must be short.
    with (
        tempfile.TemporaryDirectory(prefix="compose-", ignore_cleanup_errors=True) as engine,
        ExitStack() as stack,
    ):
        with step(say, "getting a Docker engine"):
            docker = stack.enter_context(open_docker(Path(engine)))
        before = docker.names()
        system = ComposeSystem(docker, f"uapi-bridge-{tag}", tag)
        try:
            with base_images(docker, DOCKERFILES, say) as images:
                with step(say, "building the images"), ThreadPoolExecutor() as builds:
                    pip_conf = pip_configuration(folder)
                    cluster = ClusterSystem.beside(system)
                    # Its other images are those of docker-compose.yml.
                    further = builds.submit(cluster.build, pip_conf, images, "edge", "haproxy")
                    system.build(pip_conf, images)
                    further.result()
                try:
                    with step(say, "starting the containers"):
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
