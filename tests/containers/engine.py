"""A Docker engine with Compose: the one of this machine, or one of our own that goes again."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from bridge.testing.softphones.toolchain import installing

from .command import CommandFailedError, run
from .debian_mirror import APT_OPTIONS
from .host_network import host_network_restored

OLDEST_COMPOSE = (2, 24)
_ASK_TIMEOUT_S = 20.0
_APT_TIMEOUT_S = 600.0
_START_TIMEOUT_S = 60.0
_STOP_TIMEOUT_S = 60.0


@dataclass(frozen=True)
class Docker:
    """`environment` is what `docker` needs to find this engine and its Compose."""

    environment: dict[str, str]

    def __call__(
        self,
        *arguments: str,
        timeout_s: float = 60.0,
        check: bool = True,
        errors_too: bool = False,
    ) -> str:
        return run(
            "docker",
            *arguments,
            timeout_s=timeout_s,
            environment=self.environment,
            check=check,
            errors_too=errors_too,
        )

    def names(self) -> dict[str, set[str]]:
        """Everything on the engine that has a name."""
        asked = {
            "container": ("container", "ls", "--all", "--format", "{{.Names}}"),
            "network": ("network", "ls", "--format", "{{.Name}}"),
            "volume": ("volume", "ls", "--format", "{{.Name}}"),
            "image": ("image", "ls", "--format", "{{.Repository}}:{{.Tag}}"),
        }
        return {
            kind: {line for line in self(*question).splitlines() if "<none>" not in line}
            for kind, question in asked.items()
        }


@contextmanager
def open_docker(folder: Path) -> Iterator[Docker]:
    """An engine with Compose. `folder` is empty and holds all of an engine that is ours."""
    found = _found_engine()
    if found is not None:
        yield _with_compose(found, folder)
        return
    if os.geteuid() != 0 or shutil.which("apt-get") is None:
        raise CommandFailedError(
            "no Docker engine answers, and only root on Debian or Ubuntu can start one here"
        )
    with installing():
        _install_engine()
    with host_network_restored(), _own_engine(folder) as docker:
        yield _with_compose(docker, folder)


def _found_engine() -> Docker | None:
    if shutil.which("docker") is None:
        return None
    try:
        run("docker", "version", timeout_s=_ASK_TIMEOUT_S)
    except CommandFailedError:
        return None
    return Docker({})


def _install_engine() -> None:
    if shutil.which("dockerd") and shutil.which("docker") and shutil.which("iptables"):
        return
    apt = ("apt-get", "-q", "-y", "-o", "DPkg::Lock::Timeout=300")
    run(*apt, "update", timeout_s=_APT_TIMEOUT_S, check=False)
    # RUNLEVEL: packages start no daemon, where there is an init that would.
    quiet = {"DEBIAN_FRONTEND": "noninteractive", "RUNLEVEL": "1"}
    install = ("install", "--no-install-recommends", "docker.io", "iptables")
    run(*apt, *install, timeout_s=_APT_TIMEOUT_S, environment=quiet)


@contextmanager
def _own_engine(folder: Path) -> Iterator[Docker]:
    """A daemon that shares nothing with another: socket, data and pid are in `folder`."""
    address = f"unix://{folder}/docker.sock"
    log = folder / "dockerd.log"
    with log.open("wb") as output:
        daemon = subprocess.Popen(
            [
                *("dockerd", "--host", address, "--pidfile", str(folder / "dockerd.pid")),
                *("--data-root", str(folder / "data"), "--exec-root", str(folder / "run")),
            ],
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            start_new_session=True,
        )
    docker = Docker({"DOCKER_HOST": address, "DOCKER_CONFIG": str(folder / "client")})
    try:
        _wait_until_up(docker, daemon, log)
        yield docker
    finally:
        daemon.send_signal(signal.SIGTERM)
        try:
            daemon.wait(_STOP_TIMEOUT_S)
        except subprocess.TimeoutExpired:
            daemon.kill()
            daemon.wait()
        _remove(folder)


def _wait_until_up(docker: Docker, daemon: subprocess.Popen[bytes], log: Path) -> None:
    deadline = time.monotonic() + _START_TIMEOUT_S
    while True:
        try:
            docker("version", timeout_s=_ASK_TIMEOUT_S)
            return
        except CommandFailedError:
            if daemon.poll() is not None or time.monotonic() > deadline:
                last = "\n".join(log.read_text(errors="replace").splitlines()[-15:])
                raise CommandFailedError(f"dockerd does not come up:\n{last}") from None
        time.sleep(0.2)  # it is asked until the deadline


def _remove(folder: Path) -> None:
    """All of the daemon, but never through a mount that it left."""
    mounts = [line.split()[4] for line in Path("/proc/self/mountinfo").read_text().splitlines()]
    for mount in sorted((x for x in mounts if x.startswith(f"{folder}/")), reverse=True):
        run("umount", mount, timeout_s=_ASK_TIMEOUT_S)
    shutil.rmtree(folder)


def _with_compose(docker: Docker, folder: Path) -> Docker:
    with suppress(CommandFailedError, ValueError):
        version = docker("compose", "version", "--short").strip().removeprefix("v")
        if tuple(int(x) for x in version.split(".")[:2]) >= OLDEST_COMPOSE:
            return docker
    environment = dict(docker.environment)
    if "DOCKER_HOST" not in environment:
        # The context is part of the configuration that is replaced.
        context = docker("context", "inspect", "--format", "{{.Endpoints.docker.Host}}")
        environment["DOCKER_HOST"] = context.strip()
    client = folder / "client"
    plugin = client / "cli-plugins" / "docker-compose"
    if not plugin.exists():
        plugin.parent.mkdir(parents=True, exist_ok=True)
        _unpack_compose(folder / "compose", plugin)
    return Docker(environment | {"DOCKER_CONFIG": str(client)})


def _unpack_compose(root: Path, plugin: Path) -> None:
    """The plugin of Debian 13, a single program: unpacked, not installed, as suites do not mix."""
    if shutil.which("mmdebstrap") is None:
        with installing():
            run("apt-get", "-q", "-y", "install", "mmdebstrap", timeout_s=_APT_TIMEOUT_S)
    run(
        *("mmdebstrap", "--quiet", "--variant=extract", "--include=docker-compose"),
        *(*APT_OPTIONS, "trixie", str(root)),
        timeout_s=_APT_TIMEOUT_S,
    )
    shutil.copy(root / "usr/libexec/docker/cli-plugins/docker-compose", plugin)
    shutil.rmtree(root)
