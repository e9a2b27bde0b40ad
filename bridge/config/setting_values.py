"""The kinds of values that settings have. A wrong one is refused at the start, in one line."""

from __future__ import annotations

import re
import ssl
from ipaddress import IPv4Network, IPv6Network, ip_address, ip_network
from pathlib import Path
from typing import Annotated, Literal

from pydantic import AfterValidator, BeforeValidator, Field
from pydantic_settings import NoDecode

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
    """In its usual form, which others compare: `0::1` is `::1`."""
    return str(ip_address(text)) if text else text  # its ValueError says what is wrong


def _host(text: str) -> str:
    """A name, or an IP address; IPv6 with or without the brackets of a URL."""
    bare = text[1:-1] if text.startswith("[") and text.endswith("]") else text
    if ":" in bare or "%" in bare or bare != text:
        if ip_address(bare).version != 6:  # its ValueError says what is wrong
            raise ValueError(f"{text!r}: brackets are for IPv6 addresses")
    elif bare and not re.fullmatch(r"[A-Za-z0-9._-]{1,253}", bare):
        raise ValueError("it must be a host name or an IP address, without a port and a path")
    return bare


def _hosts(text: str) -> str:
    hosts = [_host(x.strip()) for x in text.split(",")]
    if not all(hosts):
        raise ValueError("it must be an address, or several with commas between them")
    if len(set(hosts)) != len(hosts):
        raise ValueError("an address is named twice")
    return ",".join(hosts)


def _url_prefix(text: str) -> str:
    bare = text.strip("/")
    if bare and not re.fullmatch(r"[A-Za-z0-9._~-]+(/[A-Za-z0-9._~-]+)*", bare):
        raise ValueError("it must be like /asterisk, as `prefix` in http.conf")
    return f"/{bare}" if bare else ""


def _ca_file(file: Path) -> Path:
    """Read at the start: a file that is of no use is not to be noticed at the first connection."""
    try:
        ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT).load_verify_locations(file)
    except OSError as why:
        raise ValueError(
            f"{file} cannot be used as PEM certificates: {why.strerror or why}"
        ) from None
    return file


def _listed_numbers(value: object) -> object:
    """`404, 410` of the environment as numbers; a list of the TOML file stays as it is."""
    if not isinstance(value, str):
        return value
    return [_number_of_text(x.strip()) for x in value.strip("[] ").split(",") if x.strip()]


def _base_url(text: str) -> str:
    if text and not re.fullmatch(r"https?://[A-Za-z0-9._\-\[\]:]+(/[!-~]*)?", text):
        raise ValueError("it must be like https://calls.example.com")
    return text


def _origins(text: str) -> str:
    for one in filter(None, (x.strip() for x in text.split(","))):
        if one != "*" and not re.fullmatch(r"https?://[A-Za-z0-9._\-\[\]:]+", one):
            raise ValueError(f"{one!r} must be like https://phone.example.com, or *")
    return text


def networks(text: str) -> tuple[IPv4Network | IPv6Network, ...]:
    """Of `10.0.0.1, 10.1.0.0/16` each one. Raises ValueError."""
    found = tuple(ip_network(x.strip()) for x in text.split(",") if x.strip())
    if any(x.prefixlen == 0 for x in found):
        raise ValueError("a network of all addresses would trust every client")
    return found


def _networks(text: str) -> str:
    networks(text)
    return text


def _database_url(text: str) -> str:
    if text and not text.startswith(("postgresql+asyncpg://", "sqlite+aiosqlite:///")):
        raise ValueError("it must begin with postgresql+asyncpg:// or sqlite+aiosqlite:///")
    return text


def port_ranges(text: str) -> tuple[tuple[int, int], ...]:
    """Of `80,1024-65535` the first and the last of each. Raises ValueError."""
    ranges = []
    for part in text.split(","):
        first, _, last = part.strip().partition("-")
        ranges.append((int(first), int(last or first)))
        if not 1 <= ranges[-1][0] <= ranges[-1][1] <= 65535:
            raise ValueError(f"{part.strip()!r} is not a range of ports from 1 to 65535")
    return tuple(ranges)


def _port_ranges(text: str) -> str:
    port_ranges(text)
    return text


def edge_place(text: str) -> tuple[str, int]:
    """IP address and port of `10.0.0.5:5060` or `[fd00::5]:5060`. Raises ValueError."""
    host, _, port = text.rpartition(":")
    if (":" in host) != (host[:1] == "[" and host[-1:] == "]"):
        raise ValueError("an IPv6 address needs brackets, as in [fd00::5]:5060")
    if not port.isdecimal() or not 1 <= int(port) <= 65535:
        raise ValueError("it must be an IP address and a port, as in 10.0.0.5:5060")
    return str(ip_address(host.strip("[]"))), int(port)


def edge_places(text: str) -> tuple[tuple[str, int], ...]:
    """Each IP address and port of a list with commas. Raises ValueError."""
    places = tuple(edge_place(x.strip()) for x in text.split(",")) if text else ()
    if len(set(places)) != len(places):
        raise ValueError("an edge is named twice")
    if len({port for _, port in places}) > 1:
        # A PBX has one EDGE_PORT for all (asterisk-conf/render.sh).
        raise ValueError("all edges must have the same port")
    return places


def _edge_places(text: str) -> str:
    edge_places(text)
    return text


def _codecs_of(known: frozenset[str]) -> AfterValidator:
    def check(text: str) -> str:
        unknown = [x for x in text.split(",") if x not in known]
        if text and unknown:
            raise ValueError(f"Asterisk has no codec {unknown[0]!r} of this kind")
        return text

    return AfterValidator(check)


PortRanges = Annotated[str, AfterValidator(_port_ranges)]
Port = Annotated[int, Field(ge=1, le=65535)]
Seconds = Annotated[float, Field(gt=0)]
CreateStatus = Annotated[Literal[200, 202], BeforeValidator(_number_of_text)]
TokenRefusedStatus = Annotated[Literal[401, 403], BeforeValidator(_number_of_text)]
NothingDeletedStatus = Annotated[Literal[200, 204], BeforeValidator(_number_of_text)]
IpAddress = Annotated[str, AfterValidator(_ip_address)]
Host = Annotated[str, AfterValidator(_host)]
Hosts = Annotated[str, AfterValidator(_hosts)]
UrlPrefix = Annotated[str, AfterValidator(_url_prefix)]
CaFile = Annotated[Path, AfterValidator(_ca_file)]
Networks = Annotated[str, AfterValidator(_networks)]
Origins = Annotated[str, AfterValidator(_origins)]
BaseUrl = Annotated[str, AfterValidator(_base_url)]
EdgePlaces = Annotated[str, AfterValidator(_edge_places)]
DatabaseUrl = Annotated[str, AfterValidator(_database_url)]
AudioCodecs = Annotated[str, Field(min_length=1), _codecs_of(_AUDIO)]
VideoCodecs = Annotated[str, _codecs_of(_VIDEO)]
HttpStatuses = Annotated[
    tuple[Annotated[int, Field(ge=300, le=599)], ...],
    NoDecode,
    BeforeValidator(_listed_numbers),
]
