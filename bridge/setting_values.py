"""The kinds of values that settings have. A wrong one is refused at the start, in one line."""

from __future__ import annotations

import re
from ipaddress import ip_address
from typing import Annotated, Literal

from pydantic import AfterValidator, BeforeValidator, Field

# As Asterisk calls them (core show codecs); one of another name would never be offered to a phone.
_AUDIO = frozenset(
    {
        *("adpcm", "alaw", "codec2", "g719", "g722", "g723", "g726", "g726aal2", "g729", "gsm"),
        *("ilbc", "lpc10", "opus", "silk8", "silk12", "silk16", "silk24", "siren7", "siren14"),
        *("slin", "slin12", "slin16", "slin24", "slin32", "slin44", "slin48", "slin96", "slin192"),
        *("speex", "speex16", "speex32", "testlaw", "ulaw"),
    }
)
_VIDEO = frozenset({"av1", "h261", "h263", "h263p", "h264", "h265", "mpeg4", "vp8", "vp9"})


def _number_of_text(value: object) -> object:
    """The environment holds texts only, which a Literal of numbers does not take."""
    return int(value) if isinstance(value, str) and value.isdecimal() else value


def _ip_address(text: str) -> str:
    if text:
        ip_address(text)  # its ValueError says what is wrong
    return text


def _base_url(text: str) -> str:
    if text and not re.fullmatch(r"https?://[A-Za-z0-9._\-\[\]:]+(/[!-~]*)?", text):
        raise ValueError("it must be like https://calls.example.com")
    return text


def _database_url(text: str) -> str:
    if text and not text.startswith(("postgresql+asyncpg://", "sqlite+aiosqlite:///")):
        raise ValueError("it must begin with postgresql+asyncpg:// or sqlite+aiosqlite:///")
    return text


def _codecs_of(known: frozenset[str]) -> AfterValidator:
    def check(text: str) -> str:
        unknown = [x for x in text.split(",") if x not in known]
        if text and unknown:
            raise ValueError(f"Asterisk has no codec {unknown[0]!r} of this kind")
        return text

    return AfterValidator(check)


Port = Annotated[int, Field(ge=1, le=65535)]
Seconds = Annotated[float, Field(gt=0)]
CreateStatus = Annotated[Literal[200, 202], BeforeValidator(_number_of_text)]
IpAddress = Annotated[str, AfterValidator(_ip_address)]
BaseUrl = Annotated[str, AfterValidator(_base_url)]
DatabaseUrl = Annotated[str, AfterValidator(_database_url)]
AudioCodecs = Annotated[str, Field(min_length=1), _codecs_of(_AUDIO)]
VideoCodecs = Annotated[str, _codecs_of(_VIDEO)]
