"""A project of somebody else that has the wheel runs each flow of docs/test-kit.md."""

from __future__ import annotations

import os
import re
import subprocess
import textwrap
from pathlib import Path

import pytest

from .installed_wheel import ROOT

PAGE = (ROOT / "docs" / "test-kit.md").read_text()
MOST_LINES = 60
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


def test_given_the_wheel_when_a_project_writes_the_flows_of_the_page_then_they_pass(
    program: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    project = tmp_path_factory.mktemp("project")
    [ini] = re.findall(r"```ini\n(.*?)```", PAGE, re.S)
    (project / "pytest.ini").write_text(textwrap.dedent("   " + ini.strip(" ")))
    for name, text in programs().items():
        (project / name).write_text(text)
    (project / "test_where.py").write_text(_WHERE)
    settings = {k: v for k, v in os.environ.items() if not k.startswith(("BRIDGE_", "PYTEST_"))}

    run = subprocess.run(
        [program.with_name("python"), "-m", "pytest", "-q", "-p", "no:schemathesis"],
        cwd=project,
        env={**settings, "BRIDGE_STALE_MIRROR": os.environ.get("BRIDGE_STALE_MIRROR", "false")},
        capture_output=True,
        text=True,
        timeout=110,
        check=False,
    )

    assert run.returncode == 0, run.stdout[-6000:] + run.stderr[-2000:]
