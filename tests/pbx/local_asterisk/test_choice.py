"""Where the Asterisk comes from, with fakes."""

from __future__ import annotations

from pathlib import Path

import pytest

from bridge.local_asterisk.choice import AsteriskSource, ReasonAgainst, choose_source
from bridge.local_asterisk.errors import NoAsteriskError
from bridge.local_asterisk.local_asterisk import AsteriskSecrets
from bridge.local_asterisk.open_asterisk import open_asterisk
from bridge.local_asterisk.ports import AsteriskPorts
from tests.lab.public_network import call_in_command

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
