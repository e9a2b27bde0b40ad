"""Which events manager.conf lets through, and that all places name the same ones."""

from __future__ import annotations

import os
import re
import subprocess
from pathlib import Path

import pytest

from bridge.local_asterisk.local_asterisk import CONFIGURATION
from bridge.pbx.readiness.check_call import EVENTS_OF_CALL
from bridge.pbx.readiness.event_filter import kept_back
from bridge.pbx.readiness.kept_back_events import LOSSES, USED_EVENTS

PAGE = CONFIGURATION.parent / "docs" / "own-asterisk.md"
EVENTS = sorted(USED_EVENTS)


def user_lines(text: str) -> list[tuple[str, str]]:
    lines = [x.partition(" = ") if " = " in x else x.partition(" =") for x in text.splitlines()]
    return [(name, value) for name, _, value in lines if name.startswith("eventfilter")]


@pytest.mark.parametrize("version", ["22.10.1", "16.28.0"])
def test_given_the_shipped_filters_when_compared_then_they_are_the_events_of_the_decoder(
    tmp_path: Path, version: str
) -> None:
    folders = dict.fromkeys(("CONF", "MODULE", "DATA", "VAR", "RUN", "LOG", "SPOOL"), "/x")
    subprocess.run(
        [str(CONFIGURATION / "render.sh"), str(CONFIGURATION / "pbx"), str(tmp_path)],
        env={
            "PATH": os.environ["PATH"],
            **{f"{name}_DIR": folder for name, folder in folders.items()},
            "AMI_SECRET": "1",
            "AMI_RECORDING_SECRET": "2",
            "ARI_SECRET": "3",
            "ASTERISK_VERSION": version,
        },
        check=True,
    )
    text = (tmp_path / "manager.conf").read_text()
    section = text.partition("\n[bridge]\n")[2].partition("\n[")[0]
    assert set(re.findall(r"name\((\w+)\)|\^Event: (\w+)", section)) == {
        (x, "") if version.startswith("22") else ("", x) for x in EVENTS
    }
    [disabled] = re.findall("^disabledevents = (.*)$", text, re.MULTILINE)
    assert kept_back(EVENTS, user_lines(section), disabled) == []
    others = ["VarSet", "Newexten", "HangupHandlerRun", "FullyBooted"]
    assert kept_back(others, user_lines(section), "") == others


def test_given_the_page_when_its_filters_are_compared_then_they_are_the_events_of_the_decoder() -> (
    None
):
    text = PAGE.read_text()
    named = re.findall(r"^(?:- .*`)?eventfilter\(action\(include\),name\((\w+)\)", text, re.M)
    [listed] = re.findall(r"same line for each of these events: ([\w,\s]+)\.", text)
    assert {*named, *re.split(r",\s+", listed)} == set(EVENTS)


def test_given_the_events_that_no_call_of_the_check_shows_then_each_has_a_reason() -> None:
    assert set(LOSSES) == USED_EVENTS - EVENTS_OF_CALL
    assert EVENTS_OF_CALL < USED_EVENTS


@pytest.mark.parametrize(
    ("lines", "disabled", "missing"),
    [
        ("", "", ""),
        ("", "Hold, confbridgejoin", "Hold ConfbridgeJoin"),
        ("eventfilter(action(exclude),name(Hold)) =", "", "Hold"),
        ("eventfilter(name(Hold)) =", "", "ConfbridgeJoin Hangup HangupRequest"),
        ("eventfilter(action(exclude),name(Hold),header(Channel)) = x", "", ""),
        ("eventfilter(name(Hold),header(Channel),method(exact)) = x", "", "others"),
        ("eventfilter = ^Event: Hangup[^A-Za-z]", "", "Hold ConfbridgeJoin HangupRequest"),
        ("eventfilter = ^Event: Hangup", "", "Hold ConfbridgeJoin"),
        ("eventfilter = !^Event: (Hold|Confbridge)", "", "Hold ConfbridgeJoin"),
        ("eventfilter = Event: H\neventfilter = !Event: Hold", "", "Hold ConfbridgeJoin"),
        ("eventfilter = [", "", ""),
        ("secret = eventfilter", "", ""),
    ],
)
def test_filters_of_both_forms(lines: str, disabled: str, missing: str) -> None:
    events = ["Hold", "ConfbridgeJoin", "Hangup", "HangupRequest"]
    if missing == "others":
        missing = "ConfbridgeJoin Hangup HangupRequest"
    assert kept_back(events, user_lines(lines), disabled) == missing.split()
