"""What runs in the containers, as whom, and what of it can be seen from outside."""

from __future__ import annotations

import re

import pytest

from tests.demo.showing import show_call
from tests.demo.timeline import Timeline

from .compose_system import ComposeSystem
from .container_lab import ContainerLab

SERVICES = ("asterisk", "public-network", "bridge")


@pytest.mark.parametrize("service", SERVICES)
def test_given_the_system_when_up_then_every_container_is_healthy_and_not_root(
    compose_system: ComposeSystem, service: str
) -> None:
    assert compose_system.inspect(service)["State"]["Health"]["Status"] == "healthy"
    assert compose_system.exec(service, "id", "-u").strip() != "0"
    first = compose_system.exec(service, "cat", "/proc/1/comm").strip()
    assert first == "docker-init"


def test_given_the_system_when_up_then_only_api_sip_and_rtp_are_published_on_loopback(
    compose_system: ComposeSystem,
) -> None:
    ports = compose_system.ports
    rtp = {f"127.0.0.1:{port}->{port}/udp" for port in range(ports.rtp_start, ports.rtp_end + 1)}
    sip = {f"127.0.0.1:{ports.sip}->{ports.sip}/{protocol}" for protocol in ("udp", "tcp")}

    assert compose_system.published("asterisk") == rtp | sip
    assert compose_system.published("bridge") == {f"127.0.0.1:{compose_system.http_port}->8080/tcp"}
    assert compose_system.published("public-network") == set()


def test_given_a_first_start_when_up_then_secrets_are_made_and_shown_nowhere(
    compose_system: ComposeSystem,
) -> None:
    made = {
        name: compose_system.exec("bridge", "cat", f"/run/pbx-secrets/{name}").strip()
        for name in ("bridge_ami_secret", "bridge_ami_recording_secret", "bridge_ari_secret")
    }
    assert len(set(made.values())) == 3
    assert all(re.fullmatch(r"[\w-]{32}", secret) for secret in made.values())
    manager = compose_system.exec("asterisk", "cat", "/etc/asterisk/manager.conf")
    assert made["bridge_ami_secret"] in manager
    assert made["bridge_ami_recording_secret"] in manager
    modes = compose_system.exec(
        "asterisk", "stat", "--format=%a", *(f"/run/pbx-secrets/{x}" for x in made)
    )
    assert modes.split() == ["640", "640", "640"]
    for service in SERVICES:
        shown = str(compose_system.inspect(service)) + compose_system.logs(service)
        assert not [name for name, secret in made.items() if secret in shown]


def test_given_the_system_when_its_pbx_is_checked_then_all_is_there(
    compose_system: ComposeSystem,
) -> None:
    said = compose_system.exec("bridge", "uapi-bridge", "check", "--pbx")  # code 0
    assert "ok       AMI right read = call" in said
    assert "advice" not in said


@pytest.mark.asyncio(loop_scope="session")
async def test_given_phones_outside_when_the_demo_runs_then_both_hear_each_other(
    compose_system: ComposeSystem, lab: ContainerLab
) -> None:
    await show_call(lab, Timeline())


@pytest.mark.asyncio(loop_scope="session")
async def test_given_a_phone_outside_when_called_then_it_is_told_the_published_address(
    compose_system: ComposeSystem, lab: ContainerLab
) -> None:
    async with lab.phone("0003*210") as alice, lab.client() as api:
        await api.place(["210"], ["3235550201"])
        await alice.wait_ringing()
        assert alice.current is not None
        assert alice.current.invite is not None
        body = alice.current.invite.body
        await api.hang_up()
        await alice.wait_closed()

    ports = compose_system.ports
    assert "c=IN IP4 127.0.0.1" in body
    assert ports.rtp_start <= int(re.findall(r"^m=audio (\d+)", body, re.M)[0]) <= ports.rtp_end
