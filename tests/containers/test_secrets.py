"""Secrets that are given, not made: by the environment, and as Docker secrets."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from .command import CommandFailedError
from .compose_system import ComposeSystem

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


@pytest.mark.asyncio(loop_scope="session")
async def test_given_one_secret_in_the_environment_and_one_of_docker_when_up_then_both_are_used(
    compose_system: ComposeSystem, tmp_path: Path
) -> None:
    secret = tmp_path / "ami"
    secret.write_text("given-as-a-docker-secret\n")
    secret.chmod(0o644)  # the container's users are not ours
    override = tmp_path / "secrets.yml"
    override.write_text(_AS_DOCKER_SECRET % secret)
    system = compose_system.another(
        "secrets", {"BRIDGE_ARI_SECRET": "given-in-the-environment"}, (override,)
    )
    try:
        await asyncio.to_thread(system.up)  # the service is healthy: it could log in

        conf = system.exec("asterisk", "cat", "/etc/asterisk/manager.conf")
        assert "\nsecret = given-as-a-docker-secret\n" in conf
        assert "given-in-the-environment" in system.exec(
            "asterisk", "cat", "/etc/asterisk/ari.conf"
        )
        assert "phones_provisioned" in system.logs("bridge")  # through ARI
        made = system.exec("asterisk", "ls", "/run/pbx-secrets").split()
        assert made == ["bridge_ami_recording_secret"]  # the one that was not given
    finally:
        await asyncio.to_thread(system.remove)


def test_given_all_addresses_and_no_external_one_when_up_then_it_is_refused_with_the_way(
    compose_system: ComposeSystem,
) -> None:
    """Phones would be told to send to 0.0.0.0."""
    image = f"uapi-bridge-asterisk:{compose_system.tag}"
    with pytest.raises(CommandFailedError, match="set BRIDGE_EXTERNAL_ADDRESS too"):
        compose_system.docker("run", "--rm", "--env=EXTERNAL_ADDRESS=0.0.0.0", image)
