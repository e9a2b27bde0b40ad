"""The shipped flows with real phones, by the command; a failed one, and one from a live call."""

from __future__ import annotations

import asyncio
import json
import os
import re
import shlex
import shutil
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio

from bridge.flows.reading import EXAMPLES, SUFFIX
from bridge.testing.lab.running_lab import RunningLab, open_lab
from tests.docs_site.stage import ROOT

pytestmark = pytest.mark.asyncio(loop_scope="module")

SILENT_CAROL = """\
flow: Carol rings although nobody calls her
phones: {alice: 0003*210, bob: 0003*211, carol: 0003*212}
steps:
  - {who: app, does: create, source: alice, destination: bob}
  - {who: alice, expects: ringing}
  - {who: alice, does: answer}
  - {who: bob, expects: ringing}
  - {who: carol, expects: ringing, within_s: 1}
"""
REFUSING = """\
flow: Refused with a code, and by the service
phones: {alice: 0003*210, bob: {extension: 0003*211, refuses_with: 603}}
steps:
  - {who: alice, does: dial, number: bob}
  - {who: alice, expects: refused, code: 403}
  - {who: app, does: create, source: "0004*210", destination: bob, error: extension_invalid}
"""


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def lab(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[RunningLab]:
    async with await open_lab(tmp_path_factory.mktemp("short")) as running:
        yield running


async def flow(lab: RunningLab, folder: Path, *words: str | Path) -> tuple[int, str]:
    """`uapi-bridge flow …` as its user runs it: the exit code and what it printed."""
    return await command(lab, folder, "flow", *words)


async def command(lab: RunningLab, folder: Path, *words: str | Path) -> tuple[int, str]:
    """The same with any command."""
    secret = lab.bridge.secret("app/user-12")
    account = {
        "UAPI_URL": lab.bridge.base_url,
        "UAPI_CLIENT_ID": "user-12",
        "UAPI_CLIENT_SECRET": secret,
    }
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-c", "from bridge.cli import main; main()", *words),
        cwd=folder,
        env={**{k: v for k, v in os.environ.items() if not k.startswith("BRIDGE_")}, **account},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    printed, _ = await process.communicate()
    assert process.returncode is not None
    return process.returncode, printed.decode()


def documented(page: str) -> list[list[str]]:
    """The words of each `uapi-bridge` in the shell blocks of a page."""
    lines = re.findall(r"^```sh\n\.venv/bin/uapi-bridge (.*)\n```", page, re.M)
    return [shlex.split(x) for x in lines]


def phones(lab: RunningLab, folder: Path) -> tuple[str, ...]:
    """The options that name the PBX."""
    secrets = {f"sip/0003*{x}": lab.bridge.secret(f"sip/0003*{x}") for x in (210, 211, 212)}
    (folder / "sip.json").write_text(json.dumps(secrets))
    return ("--sip", f"127.0.0.1:{lab.asterisk.ports.sip}", "--secrets", "sip.json")


async def test_given_the_shipped_flows_when_run_then_all_go_as_they_say(
    lab: RunningLab, tmp_path: Path
) -> None:
    files = sorted(EXAMPLES.glob(f"*{SUFFIX}"))
    code, printed = await flow(lab, tmp_path, "run", *files, *phones(lab, tmp_path))
    assert printed.endswith("6 flows, 0 failed\n"), printed
    assert code == 0


async def test_given_the_flows_of_the_page_when_run_as_it_says_then_they_go_well(
    lab: RunningLab, tmp_path: Path
) -> None:
    page = (ROOT / "docs" / "flows.md").read_text()
    [words] = documented(page)
    first, second = re.findall(r"^```yaml\n(.*?)^```", page, re.M | re.S)
    (tmp_path / words[-1]).write_text(first)
    (tmp_path / "code.flow.yaml").write_text(second)
    given = phones(lab, tmp_path)
    code, printed = await command(lab, tmp_path, *words, "code.flow.yaml", *given)
    assert printed.endswith("2 flows, 0 failed\n"), printed
    assert code == 0


async def test_given_a_refusal_of_a_phone_and_of_the_service_then_a_flow_can_expect_both(
    lab: RunningLab, tmp_path: Path
) -> None:
    (tmp_path / "x.flow.yaml").write_text(REFUSING)
    code, printed = await flow(lab, tmp_path, "run", "x.flow.yaml", *phones(lab, tmp_path))
    assert code == 0, printed


async def test_given_a_phone_that_never_rings_then_the_report_tells_it(
    lab: RunningLab, tmp_path: Path
) -> None:
    (tmp_path / "carol.flow.yaml").write_text(SILENT_CAROL)
    code, printed = await flow(lab, tmp_path, "run", "carol.flow.yaml", *phones(lab, tmp_path))
    assert code == 1
    assert "FAILED  step 5 (line 8): carol expects ringing within 1 s" in printed
    assert "0003*212: no INVITE reached it or left it" in printed
    page = (tmp_path / "build/flows/carol.html").read_text()
    assert "180 Ringing" in page  # of the others
    capture = (tmp_path / "build/flows/carol.pcap").read_bytes()
    assert b"INVITE sip:0003*211" in capture


async def test_given_an_ended_call_then_the_flow_of_it_goes_well(
    lab: RunningLab, tmp_path: Path
) -> None:
    async with lab.client() as api:
        [*_, newest] = await api.ended_calls()
        code, text = await flow(lab, tmp_path, "record", newest["id"], "--prefix", "0003")
    assert code == 0, text
    (tmp_path / "again.flow.yaml").write_text(text)
    code, printed = await flow(lab, tmp_path, "run", "again.flow.yaml", *phones(lab, tmp_path))
    assert code == 0, text + printed


async def test_given_flows_in_a_folder_then_pytest_runs_them_and_links_the_report(
    lab: RunningLab, tmp_path: Path
) -> None:
    (tmp_path / "pytest.ini").write_text("[pytest]\nasyncio_mode = strict\n")
    (tmp_path / "carol.flow.yaml").write_text(SILENT_CAROL)
    (tmp_path / "wrong.flow.yaml").write_text("flow: x\nsteps: 5\n")
    shutil.copy(EXAMPLES / f"busy-then-retry{SUFFIX}", tmp_path)
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "pytest", "-p", "no:cacheprovider", "--junitxml=x.xml"),
        *("--continue-on-collection-errors", "--uapi-url", lab.bridge.base_url),
        f"--uapi-secrets={lab.bridge.state_dir / 'secrets.json'}",
        *("--uapi-sip", f"127.0.0.1:{lab.asterisk.ports.sip}"),
        cwd=tmp_path,
        stdout=asyncio.subprocess.PIPE,
    )
    printed = (await process.communicate())[0].decode()
    assert "1 failed, 1 passed, 1 error" in printed, printed
    assert "line 2: steps: must be a list" in printed
    assert "- uapi report -" in printed
    assert "step 5 (line 8): carol expects ringing within 1 s: 0003*212 does not ring" in printed
    assert "0003*212: no INVITE reached it or left it" in printed
    assert "During handling of" not in printed  # the failure stands there once
    page = tmp_path / "build/uapi-reports/carol.flow.yaml-test_carol.html"
    assert f'name="uapi_report" value="{page}"' in (tmp_path / "x.xml").read_text()
    assert "180 Ringing" in page.read_text()


async def test_given_a_load_then_its_calls_go_well_and_are_measured(
    lab: RunningLab, tmp_path: Path
) -> None:
    [words] = documented((ROOT / "docs" / "load.md").read_text())
    assert words[-2:] == ["--duration", "10"]
    shorter = [*words[:-1], "2"]
    code, printed = await command(lab, tmp_path, *shorter, *phones(lab, tmp_path))
    assert code == 0, printed
    figures = json.loads((tmp_path / "build/load/load.json").read_text())
    assert (figures["calls"], figures["failed"]) == (10, 0)
    assert figures["milliseconds"]["answer"]["p50"] > 0
    assert (tmp_path / "build/load/load.svg").read_text().startswith("<svg")
    away = ("--url", "http://192.0.2.1", "--sip", "192.0.2.1:5060")
    code, printed = await command(lab, tmp_path, "load", *phones(lab, tmp_path), *away)
    assert (code, printed) == (
        2,
        "192.0.2.1 is not this machine: allow it with --allow 192.0.2.1\n",
    )
