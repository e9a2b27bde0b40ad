"""The conversation record of a call: who talked to whom, under which names and numbers."""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Set
from dataclasses import replace

from bridge.calls.state.phone_call import Leg, LegPhase, PhoneCall, Side
from bridge.directory.directory import Directory
from bridge.directory.model import ExtensionType
from bridge.recordings.conversation import Conversation, ConversationParty
from bridge.recordings.policy import is_on_demand


def new_conversation(
    call: PhoneCall, directory: Directory, native_id: str, at_ms: int
) -> Conversation:
    """The record of a call whose recording begins at `at_ms`."""
    user = directory.users.get(call.user_id) if call.user_id is not None else None
    blank = Conversation(
        id=str(uuid.uuid4()),
        pbx=call.pbx,
        call_id=call.id,
        linkedid=call.linkedid,
        native_id=native_id,
        organization=call.organization,
        extension=call.extension,
        user_id=call.user_id,
        user_name=user.name if user is not None else "",
        source=ConversationParty(""),
        destination=ConversationParty(""),
        direction=int(call.flow),
        started_ms=call.answered_ms or at_ms,
        on_demand=is_on_demand(call, directory),
    )
    return described(blank, call, directory)


def described(conversation: Conversation, call: PhoneCall, directory: Directory) -> Conversation:
    """The record with the parties that the call has by now; numbers are only ever added."""
    source = _talking(call.legs, Side.SOURCE)
    destination = _talking(call.legs, Side.DESTINATION)
    calling = source.number if source is not None else ""
    called = destination.number if destination is not None else _dialled(call, directory)
    numbers = {x.number for x in call.legs if x.answered_ms is not None} | {calling, called}
    spellings = {spelling for number in numbers for spelling in spellings_of(number, directory)}
    return replace(
        conversation,
        # The first ones stay, as in the list of calls of a phone: a transfer adds numbers only.
        source=conversation.source if conversation.source.number else _party(calling, directory),
        destination=conversation.destination
        if conversation.destination.number
        else _party(called, directory),
        meeting_id=conversation.meeting_id or _meeting(numbers, directory),
        numbers=conversation.numbers | frozenset(x for x in spellings if x),
    )


def call_has_number(call: PhoneCall, wanted: Set[str], directory: Directory) -> bool:
    """Whether one of those, spelled as in `numbers` of a record, calls or is called."""
    numbers = {x.number for x in call.legs} | {_dialled(call, directory)}
    return any(wanted & spellings_of(x, directory) for x in numbers if x)


def organizations_of(numbers: Iterable[str], payer: str | None) -> set[str]:
    """Of who pays and of the extensions among the numbers, by their prefixes."""
    found = {x.partition("*")[0] for x in numbers if "*" in x}
    return found | ({payer} if payer is not None else set())


def _talking(legs: Iterable[Leg], side: Side) -> Leg | None:
    """The party of that side: the one that talks, else one that may."""
    of_side = [x for x in legs if x.side is side]
    answered = [x for x in of_side if x.phase is LegPhase.UP]
    answered = answered or [x for x in of_side if x.answered_ms is not None]
    return next(iter(answered or of_side), None)


def spellings_of(number: str, directory: Directory) -> set[str]:
    """Extended and public number of an extension; a public one with and without `+`.

    No short one: it means another extension in each organization.
    """
    extension = directory.extensions.get(number)
    if extension is None:
        digits = number.removeprefix("+")
        owner = directory.extensions_by_public_number.get(digits)
        own = {owner.number} if owner is not None else set()
        return {digits, f"+{digits}"} | own if digits.isdigit() else {number}
    public = {extension.public_number} if extension.public_number else set()
    return {extension.number} | public


def _party(number: str, directory: Directory) -> ConversationParty:
    extension = directory.extensions.get(number)
    return ConversationParty(number, extension.caller_name if extension is not None else "")


def _dialled(call: PhoneCall, directory: Directory) -> str:
    """The dialled number: the extended number of the extension that it reaches, or the digits."""
    for number in (call.dialled, f"{call.organization}*{call.dialled}"):
        if number in directory.extensions:
            return number
    return call.dialled


def _meeting(numbers: Iterable[str], directory: Directory) -> str:
    for number in sorted(numbers):
        extension = directory.extensions.get(number)
        if extension is not None and extension.type is ExtensionType.CONFERENCE:
            return number
    return ""
