"""The source of the Asterisk: the first that is possible, or the one that is wanted."""

from __future__ import annotations

from pathlib import Path

import pytest

from bridge.local_asterisk import open_asterisk as open_module
from bridge.local_asterisk.choice import AsteriskSource, ReasonAgainst, choose_source
from bridge.local_asterisk.docker_engine import DockerAsterisk
from bridge.local_asterisk.errors import NoAsteriskError
from bridge.local_asterisk.installation import Installation
from bridge.local_asterisk.local_asterisk import AsteriskSecrets, LocalAsterisk
from bridge.local_asterisk.open_asterisk import open_asterisk
from bridge.local_asterisk.ports import AsteriskPorts
from bridge.testing.lab.public_network import call_in_command

ORDER = list(AsteriskSource)


def machine(
    *possible: AsteriskSource, asked: list[AsteriskSource] | None = None
) -> dict[AsteriskSource, ReasonAgainst]:
    def answer(source: AsteriskSource) -> ReasonAgainst:
        async def why_not() -> str | None:
            if asked is not None:
                asked.append(source)
            return None if source in possible else f"no {source} here"

        return why_not

    return {source: answer(source) for source in AsteriskSource}


@pytest.mark.parametrize("first", range(len(ORDER)))
async def test_the_first_possible_is_taken_and_none_after_it_is_asked(first: int) -> None:
    asked: list[AsteriskSource] = []
    assert await choose_source(None, machine(*ORDER[first:], asked=asked)) is ORDER[first]
    assert asked == ORDER[: first + 1]


async def test_none_possible_names_the_four_ways_and_why_each_is_closed() -> None:
    with pytest.raises(NoAsteriskError) as caught:
        await choose_source(None, machine())
    message = str(caught.value)
    for words in ("BRIDGE_PBX_HOST", "Docker engine", "on PATH", "as root on Debian or Ubuntu"):
        assert words in message
    for source in AsteriskSource:
        assert f"no {source} here" in message


async def test_a_forced_one_is_taken_although_another_comes_first() -> None:
    asked: list[AsteriskSource] = []
    chosen = await choose_source(AsteriskSource.ROOT, machine(*ORDER, asked=asked))
    assert (chosen, asked) == (AsteriskSource.ROOT, [AsteriskSource.ROOT])


async def test_a_forced_one_that_is_impossible_is_an_error_not_another() -> None:
    with pytest.raises(NoAsteriskError, match="no docker here"):
        await choose_source(AsteriskSource.DOCKER, machine(AsteriskSource.ROOT))


async def test_a_named_pbx_starts_nothing(tmp_path: Path) -> None:
    opened = await open_asterisk(
        pbx_is_named=True,
        state_dir=tmp_path,
        ports=AsteriskPorts(),
        secrets=AsteriskSecrets("a", "b", "c"),
    )
    assert opened is None
    assert list(tmp_path.iterdir()) == []


async def test_an_ipv6_address_and_containers_do_not_go_together(tmp_path: Path) -> None:
    with pytest.raises(NoAsteriskError, match="containers are published on IPv4 only"):
        await open_asterisk(
            pbx_is_named=False,
            state_dir=tmp_path,
            ports=AsteriskPorts(bind_address="::1"),
            secrets=AsteriskSecrets("a", "b", "c"),
            wanted=AsteriskSource.DOCKER,
        )


async def test_containers_are_opened_without_a_look_at_the_others(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def possible() -> None:
        return None

    monkeypatch.setattr(open_module, "why_no_docker", possible)
    opened = await open_asterisk(
        pbx_is_named=False,
        state_dir=tmp_path,
        ports=AsteriskPorts(),
        secrets=AsteriskSecrets("a", "b", "c"),
        wanted=AsteriskSource.DOCKER,
    )
    assert isinstance(opened, DockerAsterisk)


async def test_the_one_on_path_is_opened_and_said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    found, said = Installation("22.1", "/sbin/asterisk", tmp_path, tmp_path), list[str]()

    async def on_path() -> Installation:
        return found

    monkeypatch.setattr(open_module, "installation_on_path", on_path)
    opened = await open_asterisk(
        pbx_is_named=False,
        state_dir=tmp_path,
        ports=AsteriskPorts(bind_address="127.0.0.3"),
        secrets=AsteriskSecrets("a", "b", "c"),
        wanted=AsteriskSource.PATH,
        report=said.append,
    )
    assert isinstance(opened, LocalAsterisk)
    assert said == ["Starting Asterisk 22.1 (path: /sbin/asterisk) ..."]
    assert opened.media_address == "127.0.0.3"
    assert opened.queues_file == tmp_path / "pbx/var/queues-directory.conf"
    assert opened.where_logs_are == f"its log is in {tmp_path}/*/log"


async def test_why_the_one_on_path_and_a_private_root_cannot_be_used_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def none() -> Installation:
        raise NoAsteriskError("there is no `asterisk` on PATH")

    async def no_docker() -> str:
        return "no engine"

    monkeypatch.setattr(open_module, "installation_on_path", none)
    monkeypatch.setattr(open_module, "why_no_docker", no_docker)
    monkeypatch.setattr(open_module, "why_no_root", lambda: "not root")
    with pytest.raises(NoAsteriskError) as caught:
        await open_asterisk(
            pbx_is_named=False,
            state_dir=tmp_path,
            ports=AsteriskPorts(),
            secrets=AsteriskSecrets("a", "b", "c"),
        )
    for why in ("no PBX is named", "no engine", "there is no `asterisk` on PATH", "not root"):
        assert f"(now: {why})" in str(caught.value)


def test_an_address_of_the_network_lets_asterisk_choose_that_of_the_audio(tmp_path: Path) -> None:
    for address in ("192.0.2.1", "0.0.0.0", "::"):
        opened = LocalAsterisk(
            installation=Installation("22.1", "asterisk", tmp_path, tmp_path),
            state_dir=tmp_path,
            ports=AsteriskPorts(bind_address=address),
            secrets=AsteriskSecrets("a", "b", "c"),
        )
        assert opened.media_address == ""


def test_secrets_are_not_shown() -> None:
    assert "hidden" not in repr(AsteriskSecrets("hidden", "hidden", "hidden"))


@pytest.mark.parametrize(
    ("number", "caller", "does"),
    [
        ("555;reload", "1", "tone"),
        ("555", "1 x", "tone"),
        ("555", "1", "tone@x"),
        ("", "1", "tone"),
    ],
)
def test_a_call_in_cannot_change_the_console_command(number: str, caller: str, does: str) -> None:
    with pytest.raises(ValueError, match=r"numbers|cannot"):
        call_in_command(number, caller, "", does)


def test_a_callers_name_is_one_word_of_the_command() -> None:
    command = call_in_command("5550003210", "323", "Ján-K @ x", "tone")
    assert command == (
        "channel originate Local/5550003210-323-J%C3%A1n%2DK%20%40%20x@into-pbx/n"
        " extension tone@caller"
    )
