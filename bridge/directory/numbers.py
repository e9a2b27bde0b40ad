"""The one place that resolves numbers: short (`210`), extended (`0003*210`), public (`5354353`).

Separators (`(323) 574-2879`) are taken off first. A number without `*` is then looked for among the
extensions of the requester's organization, and tried as a public number. The public number of an
extension of ours is dialled like any other public number: over the outbound route.
"""

from __future__ import annotations

import re

from bridge.directory.directory import SANDBOX_SHORT
from bridge.directory.errors import NumberInvalid, shown
from bridge.directory.model import Extension, ExtensionType
from bridge.directory.number_rules import NumberRuleError
from bridge.directory.number_spelling import bare_number
from bridge.directory.party import Party
from bridge.directory.requester import Requester

MAX_NUMBER_CHARS = 32

_ALLOWED = re.compile(r"[0-9+*]+\Z")
_EXTENDED = re.compile(r"[0-9]+\*[0-9]+\Z")


def resolve_party(requester: Requester, text: str) -> Party:
    """Whom `text` names for this requester. Raises NumberInvalid, and nothing else for any text."""
    text = bare_number(text)
    _check_spelling(text)
    if "*" in text:
        number: str | None = text
    else:
        number = extended_number(requester, text)
    if number is not None:
        local = _local_party(requester, number, spelled=text)
        if local is not None:
            return local
    if "*" in text:
        raise NumberInvalid(f"{shown(text)}: there is no such extension")
    return _public_party(requester, text)


def find_extension(requester: Requester, text: str) -> Extension | None:
    """The extension that `text` (short or extended) names for this requester, or None.

    Public numbers and services are not extensions.
    """
    text = bare_number(text)
    number = text if "*" in text else extended_number(requester, text)
    extension = None if number is None else requester.directory.extensions.get(number)
    if extension is None or not requester.can_call_into(extension.organization):
        return None
    return extension


def extended_number(requester: Requester, short: str) -> str | None:
    """`0003*210` for `210`, whether it exists or not; None if there are no short numbers."""
    if requester.is_administrator or requester.organization is None:
        return None
    return f"{requester.organization}*{short}"


def _check_spelling(text: str) -> None:
    if not text:
        raise NumberInvalid("a number must not be empty")
    if len(text) > MAX_NUMBER_CHARS:
        raise NumberInvalid(f"{shown(text)}: a number has at most {MAX_NUMBER_CHARS} characters")
    if not _ALLOWED.match(text):
        raise NumberInvalid(f"{shown(text)}: a number consists of the digits 0-9, '+' and '*'")
    if "*" in text and not _EXTENDED.match(text):
        raise NumberInvalid(
            f"{shown(text)}: an extended number is digits, one '*', digits, as in 0003*210"
        )


def _local_party(requester: Requester, number: str, *, spelled: str) -> Party | None:
    extension = find_extension(requester, number)
    if extension is not None:
        if extension.type is ExtensionType.CALLBACK:
            raise NumberInvalid(f"{shown(number)}: a Callback extension cannot be called")
        return Party(
            spelled=spelled,
            number=extension.number,
            extension=extension,
            dial=extension.dial,
            endpoint=extension.endpoint,
        )
    prefix, _, short = number.partition("*")
    known = prefix in requester.directory.organizations and requester.can_call_into(prefix)
    if short != SANDBOX_SHORT or not known:
        return None
    return Party(
        spelled=spelled,
        number=number,
        extension=None,
        dial=requester.directory.service_dial(number),
        is_service=True,
    )


def _public_party(requester: Requester, text: str) -> Party:
    try:
        number = requester.directory.number_rules.normalise(text)
    except NumberRuleError as why:
        if requester.is_administrator:
            hint = "this app must write extension numbers in the extended form, as in 0003*210"
        else:
            hint = "there is no such extension"
        raise NumberInvalid(f"{shown(text)}: {hint}, and {why}") from None
    route = requester.directory.outbound_route
    if route is None:
        raise NumberInvalid(
            f"{shown(text)}: there is no such extension, and no outbound route for public numbers"
        )
    return Party(
        spelled=text, number=number, extension=None, dial=route.dial(number), is_public=True
    )
