"""README's commands for each of its readers, to the letter, in a fresh clone."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from bridge.testing.lab.asterisk_ports import free_asterisk_ports
from bridge.testing.lab.free_port import free_http_port

ROOT = Path(__file__).resolve().parents[3]
FIRST_START_S, SECOND_START_S = 300, 30

pytestmark = pytest.mark.timeout(600)


@pytest.fixture(scope="module")
def clone(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What a new user gets: the committed files and nothing else."""
    folder = tmp_path_factory.mktemp("clone") / "uapi-bridge"
    subprocess.run(["git", "clone", "-q", str(ROOT), str(folder)], check=True)
    return folder


@pytest.fixture(scope="module")
def ports() -> dict[str, str]:
    """The README's ports may be taken on this machine, so they come from settings here."""
    asterisk = free_asterisk_ports()
    return {
        "BRIDGE_HTTP_PORT": str(free_http_port()),
        "BRIDGE_SIP_PORT": str(asterisk.sip),
        "BRIDGE_AMI_PORT": str(asterisk.ami),
        "BRIDGE_ARI_PORT": str(asterisk.http),
        "BRIDGE_PUBLIC_NETWORK_PORT": str(asterisk.public_network_sip),
    }


@contextmanager
def serving(clone: Path, ports: dict[str, str], time_limit_s: float) -> Iterator[str]:
    """`make serve` until it has greeted; ended by Ctrl-C, which must end all of it."""
    kept = "BRIDGE_STALE_MIRROR"  # of this machine's mirror, not of the service
    environment = {
        k: v for k, v in os.environ.items() if k == kept or not k.startswith(("BRIDGE_", "MAKE"))
    }
    log = clone / "serve.log"
    with log.open("w") as output:
        process = subprocess.Popen(
            ["make", "serve"],
            cwd=clone,
            env={**environment, **ports},
            stdout=output,
            stderr=output,
            start_new_session=True,
        )
    try:
        end = time.monotonic() + time_limit_s
        while "Ctrl-C ends it." not in log.read_text():
            assert process.poll() is None, log.read_text()
            assert time.monotonic() < end, log.read_text()
            time.sleep(0.1)  # it is read until the end
        yield log.read_text()
    finally:
        # Ctrl-C in a terminal reaches the whole group.
        os.killpg(process.pid, signal.SIGINT)
        process.wait(20)
    leftovers = subprocess.run(
        ["pgrep", "-g", str(process.pid)], capture_output=True, text=True, check=False
    ).stdout
    assert leftovers == ""


def pasted(commands: str, clone: Path) -> str:
    """What a shell in the clone prints for these commands."""
    shell = subprocess.run(
        ["bash", "-c", commands], cwd=clone, capture_output=True, text=True, timeout=30, check=True
    )
    return shell.stdout


def commands_of(section: str, clone: Path, ports: dict[str, str]) -> str:
    """The shell commands of one section of the README, for the ports of this test."""
    text = (clone / "README.md").read_text().partition(f"\n## {section}\n")[2].partition("\n## ")[0]
    commands = "\n".join(re.findall(r"```sh\n(.*?)```", text, re.DOTALL))
    assert commands
    return commands.replace("127.0.0.1:8080", f"127.0.0.1:{ports['BRIDGE_HTTP_PORT']}")


def answers(text: str) -> list[Any]:
    """The JSON texts that several commands printed one after the other."""
    found, decoder = [], json.JSONDecoder()
    while text.strip():
        answer, end = decoder.raw_decode(text.lstrip())
        found.append(answer)
        text = text.lstrip()[end:]
    return found


def test_given_a_fresh_clone_when_served_then_the_printed_and_the_documented_call_work(
    clone: Path, ports: dict[str, str]
) -> None:
    with serving(clone, ports, FIRST_START_S) as greeting:
        printed = "\n".join(re.findall(r"^  (?:  )?(\S.*)$", greeting.split("network:")[1], re.M))
        [placed] = json.loads(pasted(printed, clone))
        assert re.fullmatch("[0-9a-f]{20}", placed["id"])
        app = commands_of("You write an app", clone, ports)
        created, listed, hung_up = answers(pasted(app, clone))
        assert {x["id"] for x in hung_up} == {placed["id"], created[0]["id"]}
        assert {x["id"] for x in listed["entry"]} == {x["id"] for x in hung_up}

        operator = pasted(commands_of("You run the service", clone, ports), clone)
        assert operator.startswith("bridge/directory/example.yaml: valid, ")
        assert '"status":"ready"' in operator
        assert "0003*210" in operator

        tester = pasted(app + commands_of("You test", clone, ports), clone)
        *_, busy, ended = answers(tester)
        [why] = ended["entry"]
        assert why["id"] == busy[0]["id"]
        assert (why["disposition"], why["hangupCause"]) == (1, 17)
        readme = (clone / "README.md").read_text()
        assert '`"disposition": 1` (busy) and `hangupCause` 17' in readme


def test_given_a_clone_that_has_run_when_served_again_then_it_starts_in_seconds(
    clone: Path, ports: dict[str, str]
) -> None:
    begin = time.monotonic()
    with serving(clone, ports, SECOND_START_S):
        assert time.monotonic() - begin < SECOND_START_S
