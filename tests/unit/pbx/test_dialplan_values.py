"""What the dialplan is told of the directory, and when."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from bridge.calls.pbx import InvalidPbxValue
from bridge.config.secrets_file import ThrowawaySecrets
from bridge.directory.directory import Directory
from bridge.directory.loader import CurrentDirectory
from bridge.directory.model import Forwards, ForwardTarget
from bridge.directory.number_rules import NumberRules
from bridge.pbx.ari import dialplan_values as module
from bridge.pbx.ari.dialplan_values import (
    DialplanValues,
    forwards_values,
    numbers_value,
    voicemail_value,
)
from bridge.pbx.ari.errors import AriUnavailable
from bridge.pbx.pbx_settings import VoicemailLimits
from bridge.testing.eventually import eventually
from tests.unit.directory.example_directory import EXAMPLE


class Variables:
    """Asterisk's global variables. `fails`: so many requests."""

    def __init__(self) -> None:
        self.values: dict[str, str] = {}
        self.written: list[str] = []
        self.fails = 0

    async def global_variable(self, name: str) -> str:
        return self.values.get(name, "")

    async def set_global_variable(self, name: str, value: str) -> None:
        if self.fails:
            self.fails -= 1
            raise AriUnavailable("away")
        self.values[name] = value
        self.written.append(name)


def with_forwards(forwards: Forwards) -> Directory:
    one = replace(EXAMPLE.extensions["0003*211"], forwards=forwards)
    return replace(EXAMPLE, extensions={**EXAMPLE.extensions, one.number: one})


def directory_file(folder: Path, forward: str) -> Path:
    file = folder / "directory.yaml"
    file.write_text(
        "organizations:\n"
        "  - {id: 3, prefix: 0003, name: A, users: [{id: 1, name: A}], extensions: [\n"
        f"      {{number: 0003*210, type: Phone Terminal, user: 1, forward: {{{forward}}}}},\n"
        "      {number: 0003*211, type: Phone Terminal, user: 1}]}\n"
    )
    return file


def test_the_rules_are_seven_parts() -> None:
    rules = NumberRules(strip_prefix="9", allow_plus=False, blocked_prefixes=("1900",))
    assert numbers_value(rules) == "9~00~0~7~15~^([+]0|[+]1900|1900)~^[+0-9]"
    assert numbers_value(NumberRules()) == "-~00~1~7~15~^([+]0)~^[+0-9]"


def test_forwards_are_four_targets_and_a_time() -> None:
    bob = ForwardTarget("0003*212", "PJSIP/0003*212")
    mobile = ForwardTarget("+3235550200", "PJSIP/+3235550200@trunk")
    directory = with_forwards(Forwards(busy=bob, no_answer=mobile, no_answer_s=15))
    assert forwards_values(directory) == {
        "0003_211": "-~0003*212=PJSIP/0003*212~+3235550200=PJSIP/+3235550200@trunk~-~15"
    }


def test_a_mailbox_takes_what_no_forward_does() -> None:
    bob = ForwardTarget("0003*212", "PJSIP/0003*212")
    told = forwards_values(with_forwards(Forwards(busy=bob, voicemail=True)))
    assert told == {"0003_211": "-~0003*212=PJSIP/0003*212~voicemail~voicemail~20"}
    told = forwards_values(with_forwards(Forwards(always=bob, voicemail=True, no_answer_s=9)))
    assert told == {"0003_211": "0003*212=PJSIP/0003*212~voicemail~voicemail~voicemail~9"}


@pytest.mark.parametrize(
    ("folder", "told"),
    [
        ("../recording", "recording"),
        ("calls", "monitor/calls"),
        ("/srv/calls/", "/srv/calls"),
    ],
)
def test_the_folder_of_messages_is_that_of_recordings(folder: str, told: str) -> None:
    limits = VoicemailLimits(message_max_s=60, messages_max=9, folder=folder)
    assert voicemail_value(limits) == f"60~9~{told}"


@pytest.mark.parametrize("folder", ["a,b", "a~b", "${X}"])
def test_a_folder_that_would_be_something_else_is_never_told(folder: str) -> None:
    with pytest.raises(InvalidPbxValue):
        voicemail_value(VoicemailLimits(folder=folder))


@pytest.mark.parametrize("dial", ["PJSIP/1,2", "PJSIP/1~2", "PJSIP/1&PJSIP/2", "PJSIP/${X}"])
def test_what_would_be_another_dial_string_is_never_told(dial: str) -> None:
    with pytest.raises(InvalidPbxValue):
        forwards_values(with_forwards(Forwards(always=ForwardTarget("1", dial))))


async def test_a_set_of_forwards_comes_into_force_with_its_last_word(tmp_path: Path) -> None:
    file = directory_file(tmp_path, "always: 211")
    current = CurrentDirectory(file, ThrowawaySecrets())
    pbx = Variables()
    values = DialplanValues(current, pbx)
    await values.push()
    first = pbx.values[module.FORWARDS_IN_FORCE]
    assert pbx.written == [
        module.NUMBERS,
        module.FIRST_ORGANIZATION,
        module.VOICEMAIL,
        f"BRIDGE_FORWARDS_{first}_0003_210",
        module.FORWARDS_IN_FORCE,
    ]
    # The PBX that has them is told nothing but the rules; one that was restarted all.
    await values.push()
    assert pbx.written[5:] == [module.NUMBERS, module.FIRST_ORGANIZATION, module.VOICEMAIL]
    assert pbx.values[module.VOICEMAIL] == "180~50~recording"
    assert pbx.values[module.FIRST_ORGANIZATION] == "0003"
    directory_file(tmp_path, "busy: 211")
    current.reload()
    await values.push()
    assert pbx.values[module.FORWARDS_IN_FORCE] != first


async def test_what_could_not_be_told_is_told_later(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "RETRY_FIRST_S", 0.01)
    current = CurrentDirectory(directory_file(tmp_path, "always: 211"), ThrowawaySecrets())
    pbx = Variables()
    pbx.fails = 3
    values = DialplanValues(current, pbx)
    await values.push()
    assert values.problem == "away"
    await eventually(lambda: module.FORWARDS_IN_FORCE in pbx.values)
    assert values.problem == ""
    values.stop()
