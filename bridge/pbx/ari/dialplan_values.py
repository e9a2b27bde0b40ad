"""Copies number rules, forwards and the music of queues into global variables of the dialplan.

The dialplan applies them without this service: the rules of public numbers to numbers that phones
dial, the forwards of extensions to calls for them. See extensions-bridge.conf. The limits of
mailboxes: see extensions-voicemail.conf. The organization of
a short number that no phone dials: see [organization] of extensions.conf.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
import posixpath
import re
from collections.abc import Mapping
from typing import Protocol

import structlog

from bridge.calls.pbx import InvalidPbxValue
from bridge.directory.directory import Directory
from bridge.directory.loader import CurrentDirectory
from bridge.directory.model import Forwards, ForwardTarget
from bridge.directory.number_rules import NumberRules
from bridge.pbx.ami import values as ami_values
from bridge.pbx.ari.errors import AriError
from bridge.pbx.pbx_settings import VoicemailLimits
from bridge.supervision.conditions import Condition
from bridge.supervision.tasks import in_background

log = structlog.get_logger()

NUMBERS, FORWARDS_IN_FORCE = "BRIDGE_PUBLIC_NUMBERS", "BRIDGE_FORWARDS_IN_FORCE"
FIRST_ORGANIZATION, VOICEMAIL = "BRIDGE_ORGANIZATION", "BRIDGE_VOICEMAIL"
RETRY_FIRST_S, RETRY_LAST_S = 2.0, 60.0

_NONE, _MAILBOX = "-", "voicemail"
_RULES = re.compile(r"[0-9+|()\[\]^$-]*\Z")
_MUSIC = re.compile(r"[A-Za-z0-9_-]*\Z")
_EXTENSION = re.compile(r"([0-9]+)\*([0-9]+)\Z")


class GlobalVariables(Protocol):
    """The part of AriClient that is needed here."""

    async def global_variable(self, name: str) -> str:
        """The value of a global variable of the dialplan; empty if there is none.

        Raises AriError.
        """

    async def set_global_variable(self, name: str, value: str) -> None:
        """Set a global variable of the dialplan. Raises AriError."""


def numbers_value(rules: NumberRules) -> str:
    """The rules in the form that the dialplan's [public-number] takes apart.

    Raises InvalidPbxValue.
    """
    parts = (
        rules.strip_prefix or _NONE,
        rules.international_prefix or _NONE,
        "1" if rules.allow_plus else "0",
        str(rules.min_digits),
        str(rules.max_digits),
        rules.blocked,
        rules.allowed,
    )
    if not all(_RULES.match(x) for x in parts):
        raise InvalidPbxValue("public_numbers: a character that no rule has")
    return "~".join(parts)


def first_organization(directory: Directory) -> str:
    """The prefix of the one that the directory file names first; empty where there is none."""
    return next(iter(directory.organizations), "")


def forwards_values(directory: Directory) -> Mapping[str, str]:
    """`0003_211` → what [bridge-phone] takes apart. Raises InvalidPbxValue."""
    values = {}
    for number, extension in directory.extensions.items():
        if extension.forwards is None:
            continue
        found = _EXTENSION.match(number)
        if found is None:
            raise InvalidPbxValue(f"{number}: no extended number")
        values[f"{found[1]}_{found[2]}"] = _forwards_value(extension.forwards)
    return values


def _forwards_value(forwards: Forwards) -> str:
    none = _MAILBOX if forwards.voicemail else _NONE
    kinds = (forwards.busy, forwards.no_answer, forwards.unregistered)
    wait_s = ami_values.seconds(forwards.no_answer_s, "no_answer_s")
    parts = [_target(forwards.always, _NONE), *(_target(x, none) for x in kinds), str(wait_s)]
    return "~".join(parts)


def _target(target: ForwardTarget | None, none: str) -> str:
    if target is None:
        return none
    number = ami_values.caller_number(target.number, "forward")
    return f"{number}={ami_values.dial_string(target.dial, 'forward')}"


def voicemail_value(limits: VoicemailLimits) -> str:
    """The limits in the form that the dialplan's [uapi-voicemail] takes apart.

    A relative folder of recordings is one beside Asterisk's folder `monitor`; here it is below the
    spool folder. Raises InvalidPbxValue.
    """
    folder = ami_values.recording_file(posixpath.normpath(posixpath.join("monitor", limits.folder)))
    message_s = ami_values.seconds(limits.message_max_s, "message_max_s")
    return f"{message_s}~{limits.messages_max}~{folder}"


def queue_music_values(directory: Directory) -> Mapping[str, str]:
    """`0003_300` → the class of music of each queue, empty where it has none.

    Raises InvalidPbxValue.
    """
    values = {}
    for number, extension in directory.extensions.items():
        found = _EXTENSION.match(number)
        if extension.queue is not None and found is not None:
            if not _MUSIC.match(extension.queue.music):
                raise InvalidPbxValue(f"{number}: music: only letters, digits, _ and -")
            values[f"{found[1]}_{found[2]}"] = extension.queue.music
    return values


class DialplanValues:
    """`problem` says why the PBX could not be told; that is tried again until it can."""

    def __init__(
        self,
        directory: CurrentDirectory,
        variables: GlobalVariables,
        voicemail: VoicemailLimits | None = None,
    ) -> None:
        self._voicemail = voicemail or VoicemailLimits()
        self._directory = directory
        self._variables = variables
        self._one_at_a_time = asyncio.Lock()
        self._retry: asyncio.Task[None] | None = None
        self._retry_s = RETRY_FIRST_S
        self._not_told = Condition(
            "dialplan_values_not_told_began", "dialplan_values_not_told_ended"
        )

    @property
    def problem(self) -> str:
        return self._not_told.problem

    async def push(self) -> None:
        """Tell the PBX what the directory in force says. Never raises."""
        try:
            async with self._one_at_a_time:
                await self._push(self._directory.directory)
        except (AriError, InvalidPbxValue) as why:
            self._failed(str(why))
            return
        self._not_told.end()
        self._retry_s = RETRY_FIRST_S

    def stop(self) -> None:
        """Cancel the retry, if one is planned."""
        if self._retry is not None:
            self._retry.cancel()

    async def _push(self, directory: Directory) -> None:
        numbers = numbers_value(directory.number_rules)
        await self._variables.set_global_variable(NUMBERS, numbers)
        await self._variables.set_global_variable(FIRST_ORGANIZATION, first_organization(directory))
        await self._variables.set_global_variable(VOICEMAIL, voicemail_value(self._voicemail))
        for queue, music in queue_music_values(directory).items():
            await self._variables.set_global_variable(f"BRIDGE_QUEUE_MUSIC_{queue}", music)
        forwards = forwards_values(directory)
        text = json.dumps(forwards, sort_keys=True)
        name = hashlib.sha256(text.encode()).hexdigest()[:12]
        if await self._variables.global_variable(FORWARDS_IN_FORCE) != name:
            # A set of its own comes into force as a whole, with its last word.
            for extension, value in forwards.items():
                variable = f"BRIDGE_FORWARDS_{name}_{extension}"
                await self._variables.set_global_variable(variable, value)
            await self._variables.set_global_variable(FORWARDS_IN_FORCE, name)
        log.info("dialplan_values_told", forwards=len(forwards))

    def _failed(self, why: str) -> None:
        self._not_told.begin(why)
        self.stop()
        self._retry = in_background(self._again_in(self._retry_s), "dialplan_values_again")
        self._retry_s = min(2 * self._retry_s, RETRY_LAST_S)

    async def _again_in(self, delay_s: float) -> None:
        await asyncio.sleep(delay_s)
        self._retry = None  # what it starts now must not end itself
        await self.push()
