"""`uapi-bridge asterisk upgrade`: whose Asterisk it is, what is made, and what is removed."""

from __future__ import annotations

from collections.abc import Callable, Container
from pathlib import Path

import pytest

from bridge.command import asterisk_upgrade as module
from bridge.command.asterisk_upgrade import upgrade
from bridge.config.settings import Settings
from bridge.local_asterisk.choice import AsteriskSource
from bridge.local_asterisk.private_root import RootSource

TESTED, NEWEST = Path("/roots/tested"), Path("/roots/newest")
OLD, USED = Path("/roots/old"), Path("/roots/used")
NOT_OURS = {
    AsteriskSource.EXTERNAL: "BRIDGE_PBX_HOST names",
    AsteriskSource.DOCKER: "`docker compose build --pull asterisk`",
    AsteriskSource.PATH: "use its package manager",
}
VERSIONS = {TESTED: "1:22.1", NEWEST: "1:22.9"}


class Machine:
    """What `upgrade` sees and does. `wanted` and `named`: what it asked the choice for."""

    def __init__(self, source: AsteriskSource) -> None:
        self.source = source
        self.wanted: AsteriskSource | None = None
        self.named = False
        self.made: list[Path] = []
        self.kept: Container[Path] = ()

    async def asterisk_source(
        self, *, pbx_is_named: bool, bind_address: str, wanted: AsteriskSource | None
    ) -> AsteriskSource:
        self.named, self.wanted = pbx_is_named, wanted
        return self.source

    async def private_root(
        self,
        folder: Path,
        report: Callable[[str], None],
        source: RootSource,
        step: Callable[[str], None],
    ) -> Path:
        report("building")
        self.made.append(TESTED)
        return TESTED

    async def newest_root(
        self,
        folder: Path,
        report: Callable[[str], None],
        source: RootSource,
        step: Callable[[str], None],
    ) -> Path:
        self.made.append(NEWEST)
        return NEWEST

    def remove_unused_roots(
        self, folder: Path, keep: Container[Path]
    ) -> tuple[list[Path], list[Path]]:
        self.kept = keep
        return [OLD], [USED]


@pytest.fixture
def on(monkeypatch: pytest.MonkeyPatch) -> Callable[[AsteriskSource], Machine]:
    def machine(source: AsteriskSource) -> Machine:
        made = Machine(source)
        for name in ("asterisk_source", "private_root", "newest_root", "remove_unused_roots"):
            monkeypatch.setattr(module, name, getattr(made, name))
        monkeypatch.setattr(module, "version_in", VERSIONS.__getitem__)
        return made

    return machine


@pytest.mark.parametrize("source", [x for x in AsteriskSource if x is not AsteriskSource.ROOT])
async def test_given_an_asterisk_that_is_not_ours_then_it_is_said_and_nothing_made_or_removed(
    on: Callable[[AsteriskSource], Machine], source: AsteriskSource
) -> None:
    machine = on(source)
    answer = await upgrade(Settings(), newest=True, remove_unused=True)
    assert isinstance(answer, str), "it ends with 1 and this on stderr"
    assert NOT_OURS[source] in answer
    assert (machine.made, machine.kept) == ([], ())


async def test_given_settings_that_choose_then_their_choice_is_asked_for(
    on: Callable[[AsteriskSource], Machine],
) -> None:
    machine = on(AsteriskSource.ROOT)
    await upgrade(Settings(asterisk="root"), newest=False, remove_unused=False)
    assert (machine.named, machine.wanted) == (False, AsteriskSource.ROOT)
    await upgrade(Settings(pbx_host="192.0.2.1"), newest=False, remove_unused=False)
    assert (machine.named, machine.wanted) == (True, None)


async def test_given_no_wish_then_the_tested_version_is_made_and_nothing_removed(
    on: Callable[[AsteriskSource], Machine], capsys: pytest.CaptureFixture[str]
) -> None:
    machine = on(AsteriskSource.ROOT)
    assert await upgrade(Settings(), newest=False, remove_unused=False) == 0
    assert (machine.made, machine.kept) == ([TESTED], ())
    said = capsys.readouterr()
    assert said.out.splitlines() == [
        f"Asterisk 1:22.1: {TESTED}",
        "The service uses it from its next start on.",
    ]
    assert said.err == "building\n", "progress does not mix with the result"


async def test_given_the_newest_then_it_is_said_how_to_use_it(
    on: Callable[[AsteriskSource], Machine], capsys: pytest.CaptureFixture[str]
) -> None:
    machine = on(AsteriskSource.ROOT)
    assert await upgrade(Settings(), newest=True, remove_unused=False) == 0
    assert machine.made == [TESTED, NEWEST]
    assert capsys.readouterr().out.splitlines() == [
        f"Asterisk 1:22.9: {NEWEST}",
        "To use it, set BRIDGE_ASTERISK_PACKAGE=1:22.9 and restart the service.",
    ]


@pytest.mark.parametrize(("newest", "kept"), [(False, {TESTED}), (True, {TESTED, NEWEST})])
async def test_given_remove_unused_then_what_serve_needs_is_kept_and_each_root_named(
    on: Callable[[AsteriskSource], Machine],
    capsys: pytest.CaptureFixture[str],
    newest: bool,
    kept: set[Path],
) -> None:
    machine = on(AsteriskSource.ROOT)
    assert await upgrade(Settings(), newest=newest, remove_unused=True) == 0
    assert machine.kept == kept
    said = capsys.readouterr().out.splitlines()
    assert said[1:3] == [f"removed: {OLD}", f"in use until its Asterisk ends: {USED}"]
