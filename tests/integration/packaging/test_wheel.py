"""The wheel, built and installed as its users do it, in a folder that holds nothing."""

from __future__ import annotations

import os
from pathlib import Path

from bridge.local_asterisk.local_asterisk import CONFIGURATION

from .installed_wheel import ROOT, serving


def test_given_the_wheel_when_installed_then_all_of_the_configuration_is_in_it(
    program: Path,
) -> None:
    [shipped] = program.parents[1].glob("lib/python*/site-packages/bridge/local_asterisk/shipped")
    ours = {str(x.relative_to(CONFIGURATION)) for x in CONFIGURATION.rglob("*") if x.is_file()}
    installed = shipped / "asterisk-conf"

    assert not installed.is_symlink()
    assert {str(x.relative_to(installed)) for x in installed.rglob("*") if x.is_file()} == ours
    assert os.access(installed / "render.sh", os.X_OK)
    assets = Path("bridge/http/reference_page/assets")
    assert files_of(shipped.parents[2] / assets) == files_of(ROOT / assets)
    compose = (ROOT / "docker-compose.yml").read_text()
    assert (shipped / "docker-compose.yml").read_text() == compose


def files_of(folder: Path) -> set[Path]:
    return {x.relative_to(folder) for x in folder.rglob("*") if x.is_file()}


async def test_given_the_wheel_when_served_in_an_empty_folder_then_a_call_is_answered(
    program: Path, empty_folder: Path
) -> None:
    async with serving(program, empty_folder) as bridge, bridge.client() as api:
        # The destination hangs up one second after it has answered.
        call_id = await api.place(["3235550202"], ["3235551001"], extension="210")
        assert (await api.wait_ended(call_id, 30))["disposition"] == 0
