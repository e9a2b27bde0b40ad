"""The Asterisk in containers, with a `docker` that a script plays."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import pytest

from bridge.local_asterisk import docker_engine as module
from bridge.local_asterisk.docker_engine import DockerAsterisk, project_of, why_no_docker
from bridge.local_asterisk.errors import AsteriskStartError
from bridge.local_asterisk.local_asterisk import AsteriskSecrets
from bridge.local_asterisk.ports import AsteriskPorts

from .programs import program

SECRETS = AsteriskSecrets("ami", "ari", "recording")


@dataclass(frozen=True)
class Docker:
    """`docker` on PATH: each command line is noted, and answered as `says` tells for its word."""

    folder: Path

    def says(self, **words: str) -> None:
        """By a word of the command line: the script that answers it."""
        cases = "\n".join(f"*' {word} '*) {script} ;;" for word, script in words.items())
        script = (
            f'echo "$*" >> {self.folder}/asked\nenv > {self.folder}/env\n'
            f'case " $* " in\n{cases}\nesac'
        )
        program(self.folder, "docker", script)

    @property
    def asked(self) -> list[str]:
        file = self.folder / "asked"
        return file.read_text().splitlines() if file.exists() else []

    @property
    def environment(self) -> set[str]:
        return set((self.folder / "env").read_text().splitlines())


@pytest.fixture
def docker(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Docker:
    monkeypatch.setenv("PATH", f"{tmp_path}/docker:/usr/bin:/bin")
    monkeypatch.setattr(module, "ASK_TIMEOUT_S", 5.0)
    docker = Docker(tmp_path / "docker")
    docker.says(version="true")
    return docker


def containers(tmp_path: Path, said: list[str] | None = None) -> DockerAsterisk:
    return DockerAsterisk(
        state_dir=tmp_path / "state",
        ports=AsteriskPorts(),
        secrets=SECRETS,
        report=(said if said is not None else []).append,
        configuration=tmp_path / "conf",
    )


async def test_given_an_engine_with_compose_then_it_can_be_used(docker: Docker) -> None:
    assert await why_no_docker() is None
    assert docker.asked == ["version --format {{.Server.Version}}", "compose version"]


@pytest.mark.parametrize(
    ("words", "why"),
    [
        ({"version": "exit 1"}, "no Docker engine answers"),
        ({"compose": "exit 125"}, "`docker compose` is not installed"),
        ({"compose": "exec sleep 9"}, "`docker compose version` does not answer"),
    ],
)
async def test_given_a_docker_that_cannot_then_the_reason_is_told(
    docker: Docker, words: dict[str, str], why: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "ASK_TIMEOUT_S", 0.5)
    docker.says(**words)
    assert await why_no_docker() == why


async def test_given_no_docker_then_it_is_said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    assert await why_no_docker() == "there is no `docker` on PATH"


async def test_given_containers_when_started_and_stopped_then_compose_is_told_once_each(
    docker: Docker, tmp_path: Path
) -> None:
    said: list[str] = []
    asterisk = containers(tmp_path, said)
    await asterisk.start()
    project = project_of(tmp_path / "state")
    start = (
        f"compose --project-name {project} --file {tmp_path}/docker-compose.yml "
        f"--file {tmp_path}/conf/compose.host-service.yml "
    )
    assert docker.asked == [f"{start}up --detach --build --wait asterisk public-network"]
    queues = asterisk.queues_file.parent
    assert {
        f"BRIDGE_COMPOSE_QUEUES={queues}",
        "BRIDGE_AMI_SECRET=ami",
        "BRIDGE_AMI_RECORDING_SECRET=recording",
        "BRIDGE_ARI_SECRET=ari",
        "BRIDGE_SIP_PORT=5060",
    } <= docker.environment
    assert queues.stat().st_mode & 0o777 == 0o755  # another user reads it
    assert len(said) == 1
    await asterisk.stop()
    assert docker.asked[1:] == [f"{start}down --timeout=5"]
    assert asterisk.media_address == ""


@pytest.mark.parametrize(
    ("output", "hint"),
    [("invalid image", False), ("Pool overlaps with other one on this address space", True)],
)
async def test_given_a_start_that_fails_then_the_output_and_the_log_are_told_and_nothing_stays(
    docker: Docker, tmp_path: Path, output: str, hint: bool
) -> None:
    docker.says(up=f"echo '{output}'; exit 1", logs="echo 'asterisk-1  | last words'")
    with pytest.raises(AsteriskStartError) as failed:
        await containers(tmp_path).start()
    text = str(failed.value)
    assert text.startswith(f"docker compose failed:\n{output}\nasterisk-1  | last words")
    assert ("BRIDGE_COMPOSE_NET" in text) is hint
    assert [x for x in docker.asked if " down " in x]


async def test_given_a_start_that_takes_too_long_then_it_is_ended_and_nothing_stays(
    docker: Docker, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "BUILD_TIMEOUT_S", 0.3)
    docker.says(up="exec sleep 9")
    with pytest.raises(AsteriskStartError, match=r"docker compose took over 0.3 s"):
        await containers(tmp_path).start()
    assert " down " in docker.asked[-1]


async def test_given_a_container_that_ends_then_its_last_lines_are_kept(
    docker: Docker, tmp_path: Path
) -> None:
    docker.says(logs="echo 'asterisk-1  | last words'")
    asterisk = containers(tmp_path)
    assert await asterisk.wait_until_ended() == "an Asterisk container"
    assert " wait " in docker.asked[0]
    file = tmp_path / "state/docker.log"
    assert file.read_text() == "asterisk-1  | last words\n"
    assert asterisk.where_logs_are == f"its last lines are in {file}"


def test_given_state_folders_then_each_has_a_project_of_its_own_with_a_valid_name() -> None:
    names = {project_of(Path(x)) for x in ("/srv/a/state", "/srv/b/state", "/srv/B c/Ñ/state")}
    assert len(names) == 3
    long = project_of(Path("/" + "very-long/" * 30))
    for name in (*names, long):
        assert len(name) <= 60
        assert name[0].isalnum()
        assert name == name.lower()
