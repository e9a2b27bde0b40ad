"""What a container may write and use up, whom it reaches, and what it says when it may not read."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from bridge.testing.eventually import eventually

from .command import CommandFailedError
from .compose_system import ComposeSystem

SERVICES = ("asterisk", "public-network", "bridge")
# Where something may be written, in volumes and in memory. Whatever else there is: nowhere.
_WRITABLE = {
    "asterisk": {
        *("/etc/asterisk", "/run/asterisk", "/var/log/asterisk", "/tmp"),
        *("/var/lib/asterisk", "/var/spool/asterisk", "/run/pbx-secrets", "/run/pbx-queues"),
    },
    "public-network": {"/etc/asterisk", "/run/asterisk", "/var/log/asterisk", "/tmp"},
    "bridge": {"/tmp", "/state", "/run/pbx-queues"},
}
_TRY_EVERYWHERE = """
find / -xdev -type d -writable 2>/dev/null
awk '$4 ~ /^rw/ && $3 !~ /proc|sysfs|devpts|mqueue|cgroup/ {print $2}' /proc/mounts \
    | while read -r folder; do [ -d "$folder" ] && [ -w "$folder" ] && echo "$folder"; done
true
"""
CONNECT = "timeout 3 bash -c 'exec 3<>/dev/tcp/%s/%s' && echo open || echo closed"


@pytest.mark.parametrize("service", SERVICES)
def test_given_a_container_when_it_writes_then_only_its_volumes_and_memory_take_it(
    compose_system: ComposeSystem, service: str
) -> None:
    found = compose_system.exec(service, "sh", "-c", _TRY_EVERYWHERE).split()
    folders = {x for x in found if not x.startswith(("/dev", "/proc"))}
    tops = {x for x in folders if not any(x.startswith(f"{y}/") for y in folders)}
    assert tops == _WRITABLE[service]


@pytest.mark.parametrize("service", SERVICES)
def test_given_a_container_when_it_runs_away_then_it_has_limits(
    compose_system: ComposeSystem, service: str
) -> None:
    host = compose_system.inspect(service)["HostConfig"]
    assert host["ReadonlyRootfs"] is True
    assert 0 < host["PidsLimit"] <= 8192
    assert 0 < host["Memory"] <= 2 * 1024**3
    [descriptors] = [x for x in host["Ulimits"] if x["Name"] == "nofile"]
    wanted = int(compose_system.settings["BRIDGE_COMPOSE_NOFILE"])
    assert descriptors["Soft"] == descriptors["Hard"] == wanted
    assert host["LogConfig"] == {
        "Type": "json-file",
        "Config": {"max-size": "10m", "max-file": "5"},
    }


def test_given_the_public_network_when_it_looks_for_ami_and_ari_then_only_sip_is_there(
    compose_system: ComposeSystem,
) -> None:
    system = compose_system
    net = system.settings["BRIDGE_COMPOSE_NET"]
    networks = system.inspect("public-network")["NetworkSettings"]["Networks"]
    assert list(networks) == [f"{system.project}_trunk"]

    def seen(service: str, address: str, port: int) -> str:
        return system.exec(service, "sh", "-c", CONNECT % (address, port)).strip()

    for port in (5038, 8088):
        for address in (f"{net}.2", f"{net}.130"):
            assert seen("public-network", address, port) == "closed", (address, port)
        # The same question from where they are: it can be answered otherwise.
        assert seen("bridge", f"{net}.130", port) == "open"
    assert seen("public-network", f"{net}.2", system.ports.sip) == "open"
    assert seen("public-network", f"{net}.130", system.ports.sip) == "closed"


def test_given_asterisk_when_it_keeps_something_then_only_its_user_can_read_it(
    compose_system: ComposeSystem,
) -> None:
    modes = compose_system.exec(
        "asterisk", "stat", "--format=%a", "/var/lib/asterisk/astdb.sqlite3"
    )
    assert modes.strip() == "600"
    assert "0077" in compose_system.exec(
        "asterisk", "sh", "-c", "grep Umask /proc/$(pidof asterisk)/status"
    )


_AS_DOCKER_SECRET = """
services:
  asterisk:
    secrets: [bridge_ami_secret]
  bridge:
    secrets: [bridge_ami_secret]
secrets:
  bridge_ami_secret:
    file: %s
"""


async def test_given_a_secret_that_cannot_be_read_when_up_then_it_is_said_and_a_chmod_is_enough(
    compose_system: ComposeSystem, tmp_path: Path
) -> None:
    secret = tmp_path / "ami"
    secret.write_text("given-as-a-docker-secret\n")
    secret.chmod(0o600)  # of root, who the containers' users are not
    override = tmp_path / "secrets.yml"
    override.write_text(_AS_DOCKER_SECRET % secret)
    system = compose_system.another("mode", {}, (override,))
    try:
        up = asyncio.create_task(asyncio.to_thread(system.up, "asterisk"))
        said = await _said(system, "asterisk", "bridge_ami_secret cannot be read")
        assert "0644" in said
        secret.chmod(0o644)
        await up  # the same `up`, without another start

        secret.chmod(0o600)
        with pytest.raises(CommandFailedError):
            await asyncio.to_thread(system.up, "bridge")
        said = await _said(system, "bridge", "bridge_ami_secret")
        assert "cannot be read" in said
        assert "Traceback" not in said
        secret.chmod(0o644)
        await asyncio.to_thread(system.wait_healthy, "bridge", 120.0)
    finally:
        await asyncio.to_thread(system.remove)


async def _said(system: ComposeSystem, service: str, words: str, time_limit_s: float = 60) -> str:
    log = ""

    async def said() -> str:
        nonlocal log
        if await asyncio.to_thread(system.container, service):
            log = await asyncio.to_thread(system.logs, service)
        return log if words in log else ""

    return await eventually(
        said, time_limit_s, why=lambda: f"{service} did not say {words!r}:\n{log}"
    )
