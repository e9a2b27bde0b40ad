"""The values of the directory file: the form of each, and the text about a wrong one."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Annotated

from pydantic import AfterValidator, BeforeValidator

from bridge.directory.caller_ids import parse_caller_id
from bridge.directory.errors import CallerIdInvalid
from bridge.directory.number_rules import NUMBER_PLACEHOLDER
from bridge.directory.number_spelling import bare_number


def _matching(pattern: str, rule: str) -> Callable[[object], str]:
    compiled = re.compile(pattern)

    def check(value: object) -> str:
        if not isinstance(value, str) or not compiled.fullmatch(value):
            raise ValueError(rule)
        return value

    return check


def _check_caller_id(value: str) -> str:
    try:
        parse_caller_id(value)
    except CallerIdInvalid as why:
        raise ValueError(why.reason) from None
    return value


def _check_dial_template(value: str) -> str:
    if value.count(NUMBER_PLACEHOLDER) != 1:
        raise ValueError(f"must contain {NUMBER_PLACEHOLDER} once, as in PJSIP/{{number}}@trunk")
    check_dial(value.replace(NUMBER_PLACEHOLDER, "0"))
    return value


check_dial = _matching(
    r"[A-Za-z0-9]{1,20}/[A-Za-z0-9_.*+#@/;-]{1,100}",
    "must be a dial string as in Local/0003*300@services/n; only letters, digits and "
    "_ . * + # @ / ; - may follow the first '/'",
)

# One spelling per id, so that file_checks may compare ids as text.
Id = Annotated[
    int,
    BeforeValidator(_matching(r"[1-9][0-9]{0,14}", "must be a whole number from 1 on, as in 12")),
]
Name = Annotated[
    str,
    AfterValidator(lambda value: value.strip()),
    AfterValidator(_matching(r"[^\x00-\x1f\x7f]{1,100}", "must be 1 to 100 characters of text")),
]
Prefix = Annotated[
    str, AfterValidator(_matching(r"[0-9]{1,10}", "must be 1 to 10 digits, as in 0003"))
]
ExtendedNumber = Annotated[
    str,
    AfterValidator(
        _matching(r"[0-9]{1,10}\*[0-9]{1,15}", "must be an extended number, as in 0003*210")
    ),
]
PublicNumber = Annotated[
    str,
    AfterValidator(bare_number),
    AfterValidator(_matching(r"\+?[0-9]{1,31}", "must be digits with an optional '+' in front")),
]
ForwardNumber = Annotated[
    str,
    AfterValidator(
        _matching(
            r"\+?[0-9]{1,31}|[0-9]{1,10}\*[0-9]{1,15}",
            "must be an extension as in 211 or 0003*211, or a public number",
        )
    ),
]
CallerIdText = Annotated[str, AfterValidator(_check_caller_id)]
NumberPrefix = Annotated[
    str,
    AfterValidator(bare_number),
    AfterValidator(
        _matching(r"\+[0-9]{0,15}|[0-9]{1,15}", "must be digits with an optional '+' in front")
    ),
]
DialPrefix = Annotated[
    str, AfterValidator(_matching(r"[0-9]{1,6}", "must be 1 to 6 digits, as in 00"))
]
CountryCode = Annotated[
    str,
    AfterValidator(_matching(r"[1-9][0-9]{0,3}", "must be a country's code without +, as in 49")),
]
Dial = Annotated[str, AfterValidator(check_dial)]
DialTemplate = Annotated[str, AfterValidator(_check_dial_template)]
Endpoint = Annotated[
    str,
    AfterValidator(
        _matching(r"PJSIP/[A-Za-z0-9_.*+-]{1,79}", "must name a PJSIP endpoint, as in PJSIP/alice")
    ),
]
SipSecret = Annotated[
    str,
    AfterValidator(
        _matching(
            r"""[^\x00-\x20\x7f-\U0010ffff"'\\;,]{8,80}""",
            "must be 8 to 80 ASCII characters without spaces, quotes, backslash, ';' and ','",
        )
    ),
]
ClientId = Annotated[
    str,
    AfterValidator(
        _matching(r"[A-Za-z0-9._~@-]{1,128}", "must be 1 to 128 letters, digits and . _ ~ @ -")
    ),
]
ClientSecret = Annotated[
    str,
    AfterValidator(_matching(r"[!-~]{8,256}", "must be 8 to 256 ASCII characters without spaces")),
]
Account = Annotated[
    str,
    AfterValidator(
        _matching(
            r"administrator|organization [0-9]{1,10}|user [1-9][0-9]{0,14}",
            "must be 'administrator', 'organization <prefix>' or 'user <id>'",
        )
    ),
]
GENERATED = "generated"
UserPassword = Annotated[
    str,
    AfterValidator(
        _matching(
            rf"{GENERATED}|\$scrypt\$ln=14,r=8,p=5\$[A-Za-z0-9+/]{{22}}\$[A-Za-z0-9+/]{{43}}",
            f"must be '{GENERATED}', or the hash that `uapi-bridge secret hash` prints",
        )
    ),
]
VerbaKeyText = Annotated[
    str,
    AfterValidator(
        _matching(
            r"[0-9a-f]{8}-([0-9a-f]{4}-){3}[0-9a-f]{12}",
            "must be a GUID in lower case, as in 74c8eea0-50c6-40b2-9f3e-252ed501c3c8",
        )
    ),
]
VerbaName = Annotated[
    str,
    AfterValidator(
        _matching(r"[A-Za-z0-9._~@ -]{3,128}", "must be 3 to 128 letters, digits and . _ ~ @ -")
    ),
]
ConferenceNumber = Annotated[
    str, AfterValidator(_matching(r"[0-9]{1,15}", "must be 1 to 15 digits, as in 1234"))
]
ConferencePin = Annotated[str, AfterValidator(_matching(r"[0-9]{4,16}", "must be 4 to 16 digits"))]
Context = Annotated[
    str,
    AfterValidator(_matching(r"[A-Za-z0-9_-]{1,79}", "must be letters, digits, '_' and '-'")),
]

QueueName = Annotated[
    str,
    AfterValidator(
        _matching(r"[A-Za-z0-9_.*+-]{1,79}", "must be letters, digits and _ . * + - (at most 79)")
    ),
]
MusicClass = Annotated[
    str,
    AfterValidator(_matching(r"[A-Za-z0-9_-]{1,40}", "must be letters, digits, '_' and '-'")),
]
SoundFile = Annotated[
    str,
    AfterValidator(
        _matching(
            r"[A-Za-z0-9_-]{1,40}(/[A-Za-z0-9_-]{1,40}){0,3}",
            "must be a sound file of the PBX without its ending, as in custom/please-wait",
        )
    ),
]
