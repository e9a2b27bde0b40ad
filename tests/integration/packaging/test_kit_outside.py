"""A project of somebody else that has the wheel runs each flow of docs/test-kit.md."""

from __future__ import annotations

import asyncio
import os
import re
import subprocess
import textwrap
from collections.abc import Iterator
from pathlib import Path

import pytest

from bridge.testing.softphones.browser_phone import some_address

from .installed_wheel import ROOT, serving

PAGE = (ROOT / "docs" / "test-kit.md").read_text()
MOST_LINES = 60
_OURS = ("BRIDGE_", "PYTEST_", "PYTHONPATH")
_WHERE = """
import sys, bridge

def test_the_kit_is_that_of_the_wheel():
    assert bridge.__file__.startswith(sys.prefix)
"""


def programs() -> dict[str, str]:
    """Each program of the page that names its file in its first line."""
    blocks = re.findall(r"^( *)```python\n(.*?)^\1```", PAGE, re.M | re.S)
    texts = [textwrap.dedent(text) for _, text in blocks]
    return {text.split("\n", 1)[0].removeprefix("# "): text for text in texts}


def test_the_five_flows_are_short() -> None:
    lines = [x for x in programs()["test_five_flows.py"].splitlines() if x.strip()]
    assert len(lines) < MOST_LINES


@pytest.fixture(scope="module", autouse=True)
def an_address_for_browsers() -> Iterator[None]:
    """It must be there before Asterisk starts."""
    with some_address():
        yield


@pytest.fixture
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the ini file of the page and its programs."""
    folder = tmp_path_factory.mktemp("project")
    [ini] = re.findall(r"^ *```ini\n(.*?)```", PAGE, re.M | re.S)
    (folder / "pytest.ini").write_text(textwrap.dedent(ini))
    for name, text in programs().items():
        (folder / name).write_text(text)
    (folder / "test_where.py").write_text(_WHERE)
    return folder


def run(program: Path, project: Path, *arguments: str) -> None:
    """Run pytest of the wheel's environment in the project; every test must pass."""
    environment = {k: v for k, v in os.environ.items() if not k.startswith(_OURS)}
    if stale := os.environ.get("BRIDGE_STALE_MIRROR"):
        environment["BRIDGE_STALE_MIRROR"] = stale
    done = subprocess.run(
        [program.with_name("python"), "-m", "pytest", "-q", "-p", "no:schemathesis", *arguments],
        cwd=project,
        env=environment,
        capture_output=True,
        text=True,
        timeout=110,
        check=False,
    )
    assert done.returncode == 0, done.stdout[-6000:] + done.stderr[-2000:]


def test_given_the_wheel_when_a_project_runs_the_flows_of_the_page_then_they_pass(
    program: Path, project: Path
) -> None:
    run(program, project)


async def test_given_a_service_that_runs_when_the_flows_are_pointed_at_it_then_they_pass(
    program: Path, project: Path, empty_folder: Path
) -> None:
    async with serving(program, empty_folder, {"events_private_targets": "true"}) as bridge:
        options = [
            f"--uapi-url={bridge.base_url}",
            f"--uapi-state-dir={empty_folder / 'state'}",
            f"--uapi-sip=127.0.0.1:{bridge.sip_port}",
        ]
        flows = ["test_first_flow.py", "test_misbehaviour.py"]
        await asyncio.to_thread(run, program, project, *options, *flows)
